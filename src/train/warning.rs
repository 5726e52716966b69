//! [`Warning`]: what training noticed that is no error, but may well be a mistake.

use std::fmt;

/// Something that training noticed: no error, but what was seen may well be a mistake. Prints as a sentence: what was seen, and what to do.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// Training was resumed with another CPU path or version of the crate than wrote the checkpoint.
    ResumedElsewhere {
        /// What wrote the checkpoint: version of the crate and CPU path.
        saved: String,
        /// What resumed it.
        here: String,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ResumedElsewhere { saved, here } => write!(
                formatter,
                "the checkpoint was written by {saved}, and training goes on with {here}: the bits may differ from those of a training that was never \
                 interrupted; resume where the checkpoint was written if they must not"
            ),
        }
    }
}
