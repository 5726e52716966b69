//! The [`Optimizer`] trait and the optimizers: they hold only hyper-parameters, their moments are
//! kept by the trainer. Also schedules of the learning rate, and gradient clipping.

mod adam;
mod clip;
mod rms_prop;
mod schedule;
mod sgd;

use std::fmt::Debug;

pub use adam::{Adam, AdamW};
pub use clip::Clip;
pub use rms_prop::RmsProp;
pub use schedule::{Constant, Cosine, Exponential, OnPlateau, Schedule, TrainingProgress, WarmUp};
pub use sgd::Sgd;

use crate::OptionError;
use crate::{Config, Scalar};

/// The most numbers per parameter that an optimizer may keep.
pub const MAX_SLOTS: usize = 4;

/// An update rule for parameters. An optimizer holds only its options.
///
/// Each parameter must be updated independently of the others: the vectors are split among threads
/// at arbitrary places.
pub trait Optimizer<T: Scalar>: Debug + Send + Sync {
    /// The name of this kind of optimizer in errors and files.
    fn kind(&self) -> &'static str;

    /// Its options by name; a checkpoint records them, and resuming with others is an error.
    fn config(&self) -> Config;

    /// The learning rate, before any schedule.
    fn learning_rate(&self) -> f64;

    /// How many numbers are kept per parameter, at most [`MAX_SLOTS`]; all are zero at first.
    fn slots(&self) -> usize;

    /// Updates some parameters from their gradients.
    fn update(&self, update: Update<'_, T>);

    /// `Ok` if all options are in range.
    ///
    /// # Errors
    /// [`OptionError`] names the option that is not.
    fn check(&self) -> Result<(), OptionError> {
        Ok(())
    }
}

/// An optimizer chosen at run time.
impl<T: Scalar> Optimizer<T> for Box<dyn Optimizer<T>> {
    fn kind(&self) -> &'static str {
        (**self).kind()
    }

    fn config(&self) -> Config {
        (**self).config()
    }

    fn learning_rate(&self) -> f64 {
        (**self).learning_rate()
    }

    fn slots(&self) -> usize {
        (**self).slots()
    }

    fn update(&self, update: Update<'_, T>) {
        (**self).update(update);
    }

    fn check(&self) -> Result<(), OptionError> {
        (**self).check()
    }
}

/// Some parameters with their gradients and slots. If the public fields were changed so that
/// lengths differ, the parameters become NaN, which
/// [`Network::update_parameters`](crate::Network::update_parameters) rejects.
#[derive(Debug)]
#[non_exhaustive]
pub struct Update<'a, T> {
    /// The number of this step, from 1.
    pub step: u64,
    /// The learning rate of this step.
    pub learning_rate: f64,
    /// The parameters to update.
    pub parameters: &'a mut [T],
    /// The gradient of the loss with respect to each parameter.
    pub gradients: &'a [T],
    /// [`Optimizer::slots`] slices as long as `parameters`; the others are empty.
    pub slots: [&'a mut [T]; MAX_SLOTS],
}

impl<'a, T: Scalar> Update<'a, T> {
    /// An update of `parameters` by `optimizer`, for your own training loop.
    ///
    /// # Errors
    /// [`OptionError`] if the step is 0, or if the gradients or a slot that the optimizer uses
    /// differ in length from the parameters.
    pub fn new(
        optimizer: &(impl Optimizer<T> + ?Sized),
        step: u64,
        learning_rate: f64,
        parameters: &'a mut [T],
        gradients: &'a [T],
        slots: [&'a mut [T]; MAX_SLOTS],
    ) -> Result<Self, OptionError> {
        OptionError::require(step > 0, "step", step as f64, "at least 1")?;
        let wanted = parameters.len();
        OptionError::require(gradients.len() == wanted, "gradients", gradients.len() as f64, "one for each parameter")?;
        for slot in slots.iter().take(optimizer.slots()) {
            OptionError::require(slot.len() == wanted, "slot", slot.len() as f64, "one number for each parameter")?;
        }
        Ok(Self { step, learning_rate, parameters, gradients, slots })
    }

    /// The update itself, if its lengths fit an optimizer with `slots` slots; they may not, since
    /// it may have been made for another optimizer, and its fields are public. If they do not,
    /// sets the parameters to NaN, which every caller of a step rejects.
    pub(crate) fn consistent(self, slots: usize) -> Option<Self> {
        let count = self.parameters.len();
        let kept = self.slots.iter().take(slots).all(|slot| slot.len() == count);
        if kept && self.gradients.len() == count {
            return Some(self);
        }
        self.parameters.fill(T::nan());
        None
    }

    /// The learning rate of this step as a `T`.
    pub fn rate(&self) -> T {
        T::from_f64(self.learning_rate)
    }
}
