//! [`SaltAndPepper`]: features set to either end of their range.

use super::{Corruption, CorruptionPass};
use crate::random::Bernoulli;
use crate::{Config, DataError, OptionError, Scalar, option};

/// Each feature independently is set, with probability ν, to the lowest or the highest value with
/// equal probability; Vincent et al. 2010. These are 0 and 1 by default.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SaltAndPepper {
    rate: f64,
    low: f64,
    high: f64,
}

impl SaltAndPepper {
    /// Sets a feature with probability `rate`, from 0 to 1.
    pub fn new(rate: f64) -> Self {
        Self { rate, low: 0.0, high: 1.0 }
    }

    /// Sets features to `low` or `high` instead of 0 or 1.
    #[must_use]
    pub fn between(mut self, low: f64, high: f64) -> Self {
        (self.low, self.high) = (low, high);
        self
    }
}

impl<T: Scalar> Corruption<T> for SaltAndPepper {
    fn kind(&self) -> &'static str {
        "salt_and_pepper"
    }

    fn config(&self) -> Config {
        Config::new().with("rate", self.rate).with("low", self.low).with("high", self.high)
    }

    #[inline(never)] // see `compiled.rs`
    fn corrupt(&self, mut pass: CorruptionPass<'_, T>) -> Result<(), DataError> {
        let (hit, heads) = (Bernoulli::of(self.rate), Bernoulli::of(0.5));
        let [low, high] = [self.low, self.high].map(T::from_f64);
        for feature in pass.sample {
            if hit.sample(&mut pass.rng) {
                *feature = if heads.sample(&mut pass.rng) { high } else { low };
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), OptionError> {
        option::share_or_whole("rate", self.rate)?;
        option::finite("low", self.low)?;
        option::finite("high", self.high)
    }
}
