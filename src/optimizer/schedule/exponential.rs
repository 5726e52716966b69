//! [`Exponential`]: a learning rate that decays exponentially.

use super::{Schedule, TrainingProgress};
use crate::{Config, OptionError, option};

/// η·γ^(t/s) after t epochs, with decay γ over s epochs; Keras's `ExponentialDecay` with
/// `decay_steps` of s epochs.
///
/// ```
/// use autoencoder::{Exponential, TrainingProgress, Schedule};
///
/// let schedule = Exponential::new(0.5).every(10.0); // a half after ten epochs, a quarter after twenty
/// assert_eq!(schedule.factor(&TrainingProgress::new(400, 20, 50, &[])), 0.25);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Exponential {
    decay: f64,
    epochs: f64,
    staircase: bool,
}

impl Exponential {
    /// Multiplies the rate by `decay`, above 0 and at most 1, over each epoch, gradually in every
    /// step.
    pub fn new(decay: f64) -> Self {
        Self { decay, epochs: 1.0, staircase: false }
    }

    /// Multiplies by it over `epochs` epochs instead of one.
    #[must_use]
    pub fn every(mut self, epochs: f64) -> Self {
        self.epochs = epochs;
        self
    }

    /// Whether to multiply at once at the end of that time instead of gradually.
    #[must_use]
    pub fn staircase(mut self, staircase: bool) -> Self {
        self.staircase = staircase;
        self
    }
}

impl Schedule for Exponential {
    fn kind(&self) -> &'static str {
        "exponential"
    }

    fn config(&self) -> Config {
        Config::new().with("decay", self.decay).with("epochs", self.epochs).with("staircase", self.staircase)
    }

    fn factor(&self, moment: &TrainingProgress<'_>) -> f64 {
        let times = moment.elapsed / self.epochs;
        self.decay.powf(if self.staircase { times.floor() } else { times })
    }

    fn depends_on_total(&self) -> bool {
        false
    }

    fn check(&self) -> Result<(), OptionError> {
        let accepted = self.decay > 0.0 && self.decay <= 1.0;
        OptionError::require(accepted, "decay", self.decay, "a number above 0, at most 1")?;
        option::positive("epochs", self.epochs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_staircase_waits_for_the_end() {
        let at = |schedule: Exponential, step| schedule.factor(&TrainingProgress::new(step, 10, 5, &[]));
        let smooth = Exponential::new(0.25);
        assert_eq!([0, 5, 10].map(|step| at(smooth, step)), [1.0, 0.5, 0.25]);
        let stairs = smooth.staircase(true);
        assert_eq!([0, 9, 10, 19, 20].map(|step| at(stairs, step)), [1.0, 1.0, 0.25, 0.25, 0.0625]);
    }
}
