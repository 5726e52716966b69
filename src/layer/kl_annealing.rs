//! [`KlAnnealing`]: how the weight of the divergence grows in training.

use crate::{Config, ConfigError, OptionError, option};

/// The share of the full weight β that a variational layer's divergence has after some epochs.
/// Epochs are fractional: halfway through the third is 2.5. (For the learning rate's warm-up see
/// [`WarmUp`](crate::WarmUp).)
///
/// ```
/// use autoencoder::KlAnnealing;
///
/// assert_eq!(KlAnnealing::Linear { epochs: 10.0 }.share(2.5), 0.25);
/// assert_eq!(KlAnnealing::Cyclic { epochs: 10.0, rise: 0.5 }.share(12.5), 0.5);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum KlAnnealing {
    /// The full weight from the start.
    #[default]
    None,
    /// min(1, t / epochs) after t epochs; Bowman et al. 2015, Sønderby et al. 2016.
    Linear {
        /// When the full weight is reached; above 0.
        epochs: f64,
    },
    /// min(1, (t mod epochs) / (rise · epochs)), restarting at 0 in every cycle; Fu et al. 2019,
    /// who use 4 cycles in all and a rise of ½.
    Cyclic {
        /// The length of a cycle; above 0.
        epochs: f64,
        /// The share of a cycle in which the weight rises; above 0, at most 1.
        rise: f64,
    },
}

impl KlAnnealing {
    /// The share of the weight after `epoch` epochs, from 0 to 1.
    pub fn share(self, epoch: f64) -> f64 {
        let share = match self {
            Self::None => 1.0,
            Self::Linear { epochs } => epoch / epochs,
            Self::Cyclic { epochs, rise } => epoch.rem_euclid(epochs) / (rise * epochs),
        };
        if share > 0.0 { share.min(1.0) } else { 0.0 } // also for NaN
    }

    /// The epochs after which the whole weight is reached for the first time.
    pub(super) fn first_whole(self) -> f64 {
        match self {
            Self::None => 0.0,
            Self::Linear { epochs } => epochs,
            Self::Cyclic { epochs, rise } => rise * epochs,
        }
    }

    /// `Ok` if the numbers are in range.
    pub(super) fn check(self) -> Result<(), OptionError> {
        let (epochs, rise) = match self {
            Self::None => return Ok(()),
            Self::Linear { epochs } => (epochs, 1.0),
            Self::Cyclic { epochs, rise } => (epochs, rise),
        };
        option::positive("epochs", epochs)?;
        OptionError::require(rise > 0.0 && rise <= 1.0, "rise", rise, "a number above 0, at most 1")
    }

    pub(super) fn config(self) -> Config {
        let named = |kind: &str| Config::new().with("kind", kind);
        match self {
            Self::None => named("none"),
            Self::Linear { epochs } => named("linear").with("epochs", epochs),
            Self::Cyclic { epochs, rise } => named("cyclic").with("epochs", epochs).with("rise", rise),
        }
    }

    pub(super) fn from_config(config: &Config) -> Result<Self, ConfigError> {
        match config.text("kind")? {
            "none" => config.only(&["kind"]).map(|_| Self::None),
            "linear" => Ok(Self::Linear { epochs: config.only(&["kind", "epochs"])?.number("epochs")? }),
            "cyclic" => {
                let config = config.only(&["kind", "epochs", "rise"])?;
                Ok(Self::Cyclic { epochs: config.number("epochs")?, rise: config.number("rise")? })
            }
            _ => Err(ConfigError::Invalid { name: "kind".to_owned(), expected: "the name of a warm-up" }),
        }
    }
}
