//! The [`Schedule`] trait, and the schedules: how the learning rate changes as training goes on.

mod constant;
mod cosine;
mod exponential;
mod on_plateau;
mod warm_up;

use std::fmt::Debug;

pub use constant::Constant;
pub use cosine::Cosine;
pub use exponential::Exponential;
pub use on_plateau::OnPlateau;
pub use warm_up::WarmUp;

use crate::{Config, OptionError};

/// How the learning rate changes as training goes on. It owns no numbers but its options: the rate is a function of how far training
/// has come and of the losses so far, so that a training that is taken up again goes on as it would have.
///
/// ```
/// use autoencoder::{Adam, Config, Cosine, Mse, Moment, Schedule, Trainer, WarmUp};
///
/// let trainer = Trainer::<f32>::new(Mse, Adam::new(0.01)).epochs(50).schedule(WarmUp::new(2.0, Cosine::new()));
///
/// /// A third of the rate from the tenth epoch on.
/// #[derive(Debug)]
/// struct OneStep;
///
/// impl Schedule for OneStep {
///     fn kind(&self) -> &'static str {
///         "one_step"
///     }
///     fn config(&self) -> Config {
///         Config::new()
///     }
///     fn factor(&self, moment: &Moment<'_>) -> f64 {
///         if moment.elapsed < 9.0 { 1.0 } else { 1.0 / 3.0 }
///     }
/// }
/// ```
pub trait Schedule: Debug + Send + Sync {
    /// The name of this kind of schedule in errors and files.
    fn kind(&self) -> &'static str;

    /// What a file needs to build the schedule again.
    fn config(&self) -> Config;

    /// What the optimizer's learning rate is multiplied by in the step that begins at `moment`; finite, at least 0.
    fn factor(&self, moment: &Moment<'_>) -> f64;

    /// `Ok` if the schedule's options are in their range.
    ///
    /// # Errors
    /// [`OptionError`] names the one that is not.
    fn check(&self) -> Result<(), OptionError> {
        Ok(())
    }
}

/// How far a training has come.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Moment<'a> {
    /// Steps taken before.
    pub step: u64,
    /// Epochs before this moment; the one under way counts by its share of steps taken.
    pub elapsed: f64,
    /// Epochs in all.
    pub total: f64,
    /// The loss after each finished epoch: over the validation samples where there are any ([`Epoch::validation_total`](crate::Epoch::validation_total)), else over
    /// the training samples, without penalties; infinity where it was not finite. Left out are the first epochs, those that ended before every penalty had reached its
    /// full weight ([`Layer::warms_up`](crate::Layer::warms_up)).
    pub losses: &'a [f64],
}

impl<'a> Moment<'a> {
    /// The moment before step `step` (from 0) of a training of `epochs` epochs of `steps_per_epoch` steps, for training loops of one's own.
    pub fn new(step: u64, steps_per_epoch: usize, epochs: usize, losses: &'a [f64]) -> Self {
        let elapsed = step as f64 / steps_per_epoch.max(1) as f64;
        Self { step, elapsed, total: epochs as f64, losses }
    }
}
