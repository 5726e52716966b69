//! [`Masking`]: features set to 0.

use super::{Corruption, CorruptionPass};
use crate::random::Bernoulli;
use crate::{Config, DataError, OptionError, Scalar, option};

/// Each feature independently is set to 0, or to another given value, with probability ν; Vincent
/// et al. 2008, who mask exactly a share ν of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Masking {
    rate: f64,
    value: f64,
}

impl Masking {
    /// Sets a feature to 0 with probability `rate`, from 0 to 1.
    pub fn new(rate: f64) -> Self {
        Self { rate, value: 0.0 }
    }

    /// Sets it to `value` instead.
    #[must_use]
    pub fn value(mut self, value: f64) -> Self {
        self.value = value;
        self
    }
}

impl<T: Scalar> Corruption<T> for Masking {
    fn kind(&self) -> &'static str {
        "masking"
    }

    fn config(&self) -> Config {
        Config::new().with("rate", self.rate).with("value", self.value)
    }

    #[inline(never)] // see `compiled.rs`
    fn corrupt(&self, mut pass: CorruptionPass<'_, T>) -> Result<(), DataError> {
        let (masked, value) = (Bernoulli::of(self.rate), T::from_f64(self.value));
        for feature in pass.sample {
            *feature = if masked.sample(&mut pass.rng) { value } else { *feature };
        }
        Ok(())
    }

    fn check(&self) -> Result<(), OptionError> {
        option::share_or_whole("rate", self.rate)?;
        option::finite("value", self.value)
    }
}
