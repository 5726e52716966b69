//! The [`Schedule`] trait and the schedules: how the learning rate changes during training.

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

/// How the learning rate changes during training. A schedule holds only its options: the rate is a
/// function of the progress of training and of the losses so far, so a resumed training run
/// continues exactly.
///
/// ```
/// use autoencoder::{Adam, Config, Cosine, Mse, TrainingProgress, Schedule, Trainer, WarmUp};
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
///     fn factor(&self, moment: &TrainingProgress<'_>) -> f64 {
///         if moment.elapsed < 9.0 { 1.0 } else { 1.0 / 3.0 }
///     }
///     fn depends_on_total(&self) -> bool {
///         false // training may be resumed with more epochs
///     }
/// }
/// ```
pub trait Schedule: Debug + Send + Sync {
    /// The name of this kind of schedule in errors and files.
    fn kind(&self) -> &'static str;

    /// Its options by name; a checkpoint records them, and resuming with others is an error.
    fn config(&self) -> Config;

    /// The factor of the optimizer's learning rate for the step that begins at `moment`; finite, at
    /// least 0.
    fn factor(&self, moment: &TrainingProgress<'_>) -> f64;

    /// Whether the factor depends on the total number of epochs, [`TrainingProgress::total`].
    /// Training must then be resumed with the same number: the steps before would have had
    /// other rates with another one.
    ///
    /// Default: true, which is always safe. A schedule that returns false must give the same
    /// factors for every total.
    fn depends_on_total(&self) -> bool {
        true
    }

    /// `Ok` if all options are in range.
    ///
    /// # Errors
    /// [`OptionError`] names the option that is not.
    fn check(&self) -> Result<(), OptionError> {
        Ok(())
    }
}

/// The progress of training.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct TrainingProgress<'a> {
    /// Steps taken so far.
    pub step: u64,
    /// Epochs so far; the current one counts by its share of steps taken.
    pub elapsed: f64,
    /// The total number of epochs; a schedule that uses it says so: [`Schedule::depends_on_total`].
    pub total: f64,
    /// The loss of each finished epoch: [`Epoch::validation_total`](crate::Epoch::validation_total)
    /// with validation data, else the training loss without penalties; infinity if it was not
    /// finite. Epochs that ended before every penalty had reached its full weight
    /// ([`Plan::annealing_epochs`](crate::Plan::annealing_epochs)) are left out.
    pub losses: &'a [f64],
}

impl<'a> TrainingProgress<'a> {
    /// The moment before step `step` (from 0) of a training run of `epochs` epochs of
    /// `steps_per_epoch` steps, for your own training loop.
    pub fn new(step: u64, steps_per_epoch: usize, epochs: usize, losses: &'a [f64]) -> Self {
        let elapsed = step as f64 / steps_per_epoch.max(1) as f64;
        Self { step, elapsed, total: epochs as f64, losses }
    }
}
