//! [`WarmUp`]: a learning rate that grows linearly, then follows another schedule.

use super::{Schedule, TrainingProgress};
use crate::{Config, OptionError, option};

/// η·(σ + (1 − σ)·t/w) after t of the first w epochs, then another schedule that starts there and
/// sees only losses of later epochs; Goyal et al. 2017.
///
/// σ is 0 by default: the first step then changes only the optimizer's moments, as with
/// `warmup_steps` of Keras's `CosineDecay`.
///
/// ```
/// use autoencoder::{Cosine, TrainingProgress, Schedule, WarmUp};
///
/// let schedule = WarmUp::new(2.0, Cosine::new());
/// assert_eq!(schedule.factor(&TrainingProgress::new(10, 10, 50, &[])), 0.5); // after one of the two epochs
/// assert_eq!(schedule.factor(&TrainingProgress::new(20, 10, 50, &[])), 1.0); // the cosine begins
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WarmUp<S> {
    epochs: f64,
    start: f64,
    then: S,
}

impl<S: Schedule> WarmUp<S> {
    /// Grows for `epochs` epochs, then follows `then`.
    pub fn new(epochs: f64, then: S) -> Self {
        Self { epochs, start: 0.0, then }
    }

    /// Starts at `share` of the optimizer's rate, from 0 to 1.
    #[must_use]
    pub fn from(mut self, share: f64) -> Self {
        self.start = share;
        self
    }
}

impl<S: Schedule> Schedule for WarmUp<S> {
    fn kind(&self) -> &'static str {
        "warm_up"
    }

    fn config(&self) -> Config {
        let then = Config::new().with("kind", self.then.kind()).with("config", self.then.config());
        Config::new().with("epochs", self.epochs).with("start", self.start).with("then", then)
    }

    fn factor(&self, moment: &TrainingProgress<'_>) -> f64 {
        if moment.elapsed < self.epochs {
            return self.start + (1.0 - self.start) * moment.elapsed / self.epochs;
        }
        let (elapsed, total) = (moment.elapsed - self.epochs, moment.total - self.epochs);
        let step = (moment.step as f64 * elapsed / moment.elapsed).round() as u64;
        let since = (moment.elapsed.floor() - self.epochs.ceil()).max(0.0) as usize; // epochs that started and ended after the warm-up
        let (_, losses) = moment.losses.split_at(moment.losses.len().saturating_sub(since));
        self.then.factor(&TrainingProgress { step, elapsed, total, losses })
    }

    fn depends_on_total(&self) -> bool {
        self.then.depends_on_total()
    }

    fn check(&self) -> Result<(), OptionError> {
        option::positive("epochs", self.epochs)?;
        option::share_or_whole("start", self.start)?;
        self.then.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Constant, Exponential, OnPlateau};

    #[test]
    fn the_clock_of_what_follows_starts_after_it() {
        let at = |schedule: &dyn Schedule, step| schedule.factor(&TrainingProgress::new(step, 10, 9, &[]));
        let schedule = WarmUp::new(1.0, Exponential::new(0.5)).from(0.5);
        assert_eq!([0, 5, 10, 20].map(|step| at(&schedule, step)), [0.5, 0.75, 1.0, 0.5]);
        assert_eq!([0, 10, 30].map(|step| at(&WarmUp::new(2.0, Constant), step)), [0.0, 0.5, 1.0]);
    }

    /// Epochs of the warm-up do not count towards its patience.
    #[test]
    fn a_plateau_is_looked_for_afterwards() {
        for (epochs, first) in [(4.0, 7), (3.5, 7), (0.5, 4)] {
            let schedule = WarmUp::new(epochs, OnPlateau::new(2));
            let factor =
                |ended: usize| schedule.factor(&TrainingProgress::new(10 * ended as u64, 10, 20, &vec![1.0; ended]));
            assert_eq!((1..10).find(|ended| factor(*ended) == 0.1), Some(first), "{epochs}");
        }
    }

    #[test]
    fn steps_are_counted_from_its_end() {
        #[derive(Debug)]
        struct Steps;
        impl Schedule for Steps {
            fn kind(&self) -> &'static str {
                "steps"
            }
            fn config(&self) -> Config {
                Config::new()
            }
            fn factor(&self, moment: &TrainingProgress<'_>) -> f64 {
                moment.step as f64
            }
        }
        assert_eq!(
            [30, 31, 47].map(|step| WarmUp::new(3.0, Steps).factor(&TrainingProgress::new(step, 10, 9, &[]))),
            [0.0, 1.0, 17.0]
        );
    }
}
