//! [`OptionError`]: an option of a loss, an optimizer or a trainer is outside its range.

use thiserror::Error;

/// An option with a value outside its range.
#[derive(Debug, Clone, PartialEq, Error)]
#[error("`{option}` is {value}, expected {expected}")]
pub struct OptionError {
    /// The option's name.
    pub option: &'static str,
    /// Its value.
    pub value: f64,
    /// What is accepted.
    pub expected: &'static str,
}

impl OptionError {
    /// `Ok` if `accepted`, else an error with the other arguments.
    ///
    /// # Errors
    /// [`OptionError`].
    pub fn unless(accepted: bool, option: &'static str, value: f64, expected: &'static str) -> Result<(), OptionError> {
        if accepted { Ok(()) } else { Err(OptionError { option, value, expected }) }
    }
}
