//! [`OptionError`]: an option of a loss, an optimizer or a trainer is outside its range.

use thiserror::Error;

/// An option with a value outside its range.
#[derive(Clone, PartialEq, Error)]
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
    pub fn require(
        accepted: bool,
        option: &'static str,
        value: f64,
        expected: &'static str,
    ) -> Result<(), OptionError> {
        if accepted { Ok(()) } else { Err(OptionError { option, value, expected }) }
    }
}

/// `Ok` if `value` is finite.
pub(crate) fn finite(option: &'static str, value: f64) -> Result<(), OptionError> {
    OptionError::require(value.is_finite(), option, value, "a finite number")
}

/// `Ok` if `value` is finite and above 0.
pub(crate) fn positive(option: &'static str, value: f64) -> Result<(), OptionError> {
    OptionError::require(value > 0.0 && value.is_finite(), option, value, "a finite number above 0")
}

/// `Ok` if `value` is finite and not below 0.
pub(crate) fn not_negative(option: &'static str, value: f64) -> Result<(), OptionError> {
    OptionError::require(value >= 0.0 && value.is_finite(), option, value, "a finite number, at least 0")
}

/// `Ok` if `value` is a share of a whole, less than the whole.
pub(crate) fn share(option: &'static str, value: f64) -> Result<(), OptionError> {
    OptionError::require((0.0..1.0).contains(&value), option, value, "a number in 0..1")
}

/// `Ok` if `value` is a share of a whole, or the whole.
pub(crate) fn share_or_whole(option: &'static str, value: f64) -> Result<(), OptionError> {
    OptionError::require((0.0..=1.0).contains(&value), option, value, "a number from 0 to 1")
}

/// `Ok` if `value` is not 0.
pub(crate) fn at_least_one(option: &'static str, value: usize) -> Result<(), OptionError> {
    OptionError::require(value > 0, option, value as f64, "at least 1")
}
