//! [`Swap`]: features taken from other samples.

use super::{Corruption, CorruptionPass};
use crate::random::Bernoulli;
use crate::{Config, DataError, OptionError, Scalar, option};

/// Each feature independently takes, with probability ν, its value in another sample drawn at
/// random: noise for tables, whose columns differ in kind and unit. Every column keeps its
/// distribution; only the dependence between columns reveals a swapped value. It is the masking of
/// Vincent et al. 2008 for tables, as in Porto Seguro's winning solution (Jahrer 2017).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Swap {
    rate: f64,
}

impl Swap {
    /// Swaps a feature with probability `rate`, from 0 to 1; 0.1 to 0.2 is common.
    pub fn new(rate: f64) -> Self {
        Self { rate }
    }
}

impl<T: Scalar> Corruption<T> for Swap {
    fn kind(&self) -> &'static str {
        "swap"
    }

    fn config(&self) -> Config {
        Config::new().with("rate", self.rate)
    }

    #[inline(never)] // see `compiled.rs`
    fn corrupt(&self, mut pass: CorruptionPass<'_, T>) -> Result<(), DataError> {
        let swapped = Bernoulli::of(self.rate);
        for feature in 0..pass.sample.len() {
            if swapped.sample(&mut pass.rng) {
                let value = pass.of_another(feature)?;
                if let Some(own) = pass.sample.get_mut(feature) {
                    *own = value;
                }
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), OptionError> {
        option::share_or_whole("rate", self.rate)
    }
}
