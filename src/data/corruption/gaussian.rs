//! [`GaussianCorruption`]: normal noise added to every feature.

use rand_distr::{Distribution, StandardNormal};

use super::{Corruption, CorruptionPass};
use crate::{Config, DataError, OptionError, Scalar, option};

/// x + σε with ε from the standard normal distribution, σ in the units of the data; optionally
/// clamped to a range. Vincent et al. 2010.
///
/// ```
/// use autoencoder::{Bce, Adam, GaussianCorruption, Trainer};
///
/// let noise = GaussianCorruption::new(0.4).clip(0.0, 1.0); // pixels stay pixels
/// let trainer = Trainer::<f32>::new(Bce, Adam::default()).corrupt(noise);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GaussianCorruption {
    deviation: f64,
    range: Option<[f64; 2]>,
}

impl GaussianCorruption {
    /// Noise with standard deviation σ = `deviation`, at least 0.
    pub fn new(deviation: f64) -> Self {
        Self { deviation, range: None }
    }

    /// Clamps corrupted values to `low..=high`.
    #[must_use]
    pub fn clip(mut self, low: f64, high: f64) -> Self {
        self.range = Some([low, high]);
        self
    }
}

impl<T: Scalar> Corruption<T> for GaussianCorruption {
    fn kind(&self) -> &'static str {
        "gaussian"
    }

    fn config(&self) -> Config {
        let config = Config::new().with("deviation", self.deviation);
        match self.range {
            Some([low, high]) => config.with("low", low).with("high", high),
            None => config,
        }
    }

    #[inline(never)] // see `compiled.rs`
    fn corrupt(&self, mut pass: CorruptionPass<'_, T>) -> Result<(), DataError> {
        let [low, high] = self.range.unwrap_or([f64::NEG_INFINITY, f64::INFINITY]);
        for value in pass.sample {
            let draw: f64 = StandardNormal.sample(&mut pass.rng);
            let noisy = value.into_f64() + self.deviation * draw;
            *value = T::from_f64(if noisy.is_nan() { noisy } else { noisy.max(low).min(high) });
        }
        Ok(())
    }

    fn check(&self) -> Result<(), OptionError> {
        option::not_negative("deviation", self.deviation)?;
        let Some([low, high]) = self.range else { return Ok(()) };
        let accepted = low.is_finite() && high.is_finite() && low < high;
        let wrong = if low.is_finite() { high } else { low };
        OptionError::require(accepted, "clip", wrong, "a finite end above a finite beginning")
    }
}
