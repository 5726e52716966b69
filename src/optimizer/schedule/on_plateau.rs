//! [`OnPlateau`]: a learning rate that is reduced when the loss stops falling.

use super::{Schedule, TrainingProgress};
use crate::{Config, OptionError, option};

/// Multiplies the rate by a factor whenever the loss has not fallen for some epochs; rules and
/// defaults are those of Keras's `ReduceLROnPlateau` (factor 0.1, patience 10, min delta 10⁻⁴, no
/// cooldown, floor 0).
///
/// The loss is the validation loss (plus the divergence for a variational model), or the training
/// loss without validation data. An epoch counts as progress if its loss is below the best one by
/// more than the min delta. Epochs of a [`KlAnnealing`](crate::KlAnnealing) do not count. The floor
/// is a share of the optimizer's rate.
///
/// ```
/// use autoencoder::{TrainingProgress, OnPlateau, Schedule};
///
/// let losses = [0.5, 0.4, 0.4, 0.4, 0.4];
/// let schedule = OnPlateau::new(3).times(0.5);
/// assert_eq!(schedule.factor(&TrainingProgress::new(40, 10, 50, &losses[..4])), 1.0);
/// assert_eq!(schedule.factor(&TrainingProgress::new(50, 10, 50, &losses)), 0.5);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OnPlateau {
    factor: f64,
    patience: usize,
    min_delta: f64,
    cooldown: usize,
    floor: f64,
}

impl Default for OnPlateau {
    fn default() -> Self {
        Self::new(10)
    }
}

impl OnPlateau {
    /// Reduces the rate after `patience` epochs without progress, at least 1.
    pub fn new(patience: usize) -> Self {
        Self { factor: 0.1, patience, min_delta: 1e-4, cooldown: 0, floor: 0.0 }
    }

    /// Multiplies the rate by `factor`, in 0..1.
    #[must_use]
    pub fn times(mut self, factor: f64) -> Self {
        self.factor = factor;
        self
    }

    /// The loss must fall by more than `min_delta`, at least 0, to count as progress.
    #[must_use]
    pub fn min_delta(mut self, min_delta: f64) -> Self {
        self.min_delta = min_delta;
        self
    }

    /// Does not count the first `epochs` epochs after a reduction.
    #[must_use]
    pub fn cooldown(mut self, epochs: usize) -> Self {
        self.cooldown = epochs;
        self
    }

    /// Does not reduce the rate below `share` of the optimizer's, from 0 to 1.
    #[must_use]
    pub fn floor(mut self, share: f64) -> Self {
        self.floor = share;
        self
    }
}

impl Schedule for OnPlateau {
    fn kind(&self) -> &'static str {
        "on_plateau"
    }

    fn config(&self) -> Config {
        Config::new()
            .with("factor", self.factor)
            .with("patience", self.patience)
            .with("min_delta", self.min_delta)
            .with("cooldown", self.cooldown)
            .with("floor", self.floor)
    }

    /// Replays all losses from the first.
    fn factor(&self, moment: &TrainingProgress<'_>) -> f64 {
        let (mut factor, mut best) = (1.0_f64, f64::INFINITY);
        let (mut waited, mut cooling) = (0, 0_usize);
        for loss in moment.losses {
            if cooling > 0 {
                cooling -= 1;
                waited = 0;
            }
            if *loss < best - self.min_delta {
                (best, waited) = (*loss, 0);
            } else if cooling == 0 {
                waited += 1;
                if waited >= self.patience {
                    factor = (factor * self.factor).max(self.floor);
                    (waited, cooling) = (0, self.cooldown);
                }
            }
        }
        factor
    }

    fn depends_on_total(&self) -> bool {
        false
    }

    fn check(&self) -> Result<(), OptionError> {
        let factor = self.factor;
        OptionError::require(factor > 0.0 && factor < 1.0, "factor", factor, "a number between 0 and 1")?;
        option::at_least_one("patience", self.patience)?;
        option::not_negative("min_delta", self.min_delta)?;
        option::share_or_whole("floor", self.floor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn factors(schedule: OnPlateau, losses: &[f64]) -> Vec<f64> {
        let moment = |epochs: usize| TrainingProgress::new(epochs as u64, 1, losses.len(), &losses[..epochs]);
        (1..=losses.len()).map(|epochs| schedule.factor(&moment(epochs))).collect()
    }

    /// The rates of Keras 3.15's `ReduceLROnPlateau` after each epoch of these losses, starting
    /// from 1.
    #[test]
    fn it_is_keras_s() {
        let losses = [1.0, 0.5, 0.49999, 0.6, 0.4, 0.4, 0.4, 0.4, 0.4, 0.3, 0.35, f64::NAN, 0.3];
        let schedule = OnPlateau::new(2).times(0.5);
        let expected = [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125, 0.125, 0.125, 0.0625, 0.0625];
        assert_eq!(factors(schedule, &losses), expected);
        let expected = [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3];
        assert_eq!(factors(schedule.cooldown(2).floor(0.3), &losses), expected);
    }
}
