//! The [`Optimizer`] trait, and the optimizers: hyper-parameters only, their moments live in the trainer. What goes before a step: schedules of the learning
//! rate, clipping of gradients.

mod adam;
mod clip;
mod rms_prop;
mod schedule;
mod sgd;

use std::fmt::Debug;

pub use adam::{Adam, AdamW};
pub use clip::Clip;
pub use rms_prop::RmsProp;
pub use schedule::{Constant, Cosine, Exponential, Moment, OnPlateau, Schedule, WarmUp};
pub use sgd::Sgd;

use crate::OptionError;
use crate::{Config, Scalar};

/// The most numbers an optimizer may keep for each parameter.
pub const MAX_SLOTS: usize = 4;

/// How parameters follow from gradients. It owns no numbers but its options.
///
/// Every parameter must be updated by itself: the vectors are cut where it suits the threads.
pub trait Optimizer<T: Scalar>: Debug + Send + Sync {
    /// The name of this kind of optimizer in errors and files.
    fn kind(&self) -> &'static str;

    /// What a file needs to build the optimizer again.
    fn config(&self) -> Config;

    /// The learning rate that training starts with.
    fn learning_rate(&self) -> f64;

    /// How many numbers are kept for each parameter, at most [`MAX_SLOTS`]; all are zero at first.
    fn slots(&self) -> usize;

    /// Updates some parameters from their gradients.
    fn update(&self, update: Update<'_, T>);

    /// `Ok` if the optimizer's options are in their range.
    ///
    /// # Errors
    /// [`OptionError`] names the one that is not.
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

/// Some parameters, and what changes them. Where lengths differ after all, the fields having been changed, the built-in optimizers make the parameters NaN, which
/// [`Network::update_parameters`](crate::Network::update_parameters) refuses.
#[derive(Debug)]
#[non_exhaustive]
pub struct Update<'a, T> {
    /// The number of this step, from 1.
    pub step: u64,
    /// The learning rate of this step.
    pub learning_rate: f64,
    /// To be changed.
    pub parameters: &'a mut [T],
    /// The derivative of the loss by each.
    pub gradients: &'a [T],
    /// As many slices as [`Optimizer::slots`] says, the others empty.
    pub slots: [&'a mut [T]; MAX_SLOTS],
}

impl<'a, T: Scalar> Update<'a, T> {
    /// An update of `parameters` by `optimizer`, for training loops of one's own.
    ///
    /// # Errors
    /// [`OptionError`] if the step is 0, or if the gradients or one of the slots that the optimizer keeps are not as many as the parameters.
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

    /// The update itself, if it is one of an optimizer that keeps `slots` numbers for each parameter: it may have been made for another, and its fields are public. If
    /// it is not, the parameters become NaN, which nobody who takes a step lets pass.
    pub(crate) fn consistent(self, slots: usize) -> Option<Self> {
        let count = self.parameters.len();
        let kept = self.slots.iter().take(slots).all(|slot| slot.len() == count);
        if kept && self.gradients.len() == count {
            return Some(self);
        }
        self.parameters.fill(T::nan());
        None
    }

    /// The learning rate as a `T`.
    pub fn rate(&self) -> T {
        T::from_f64(self.learning_rate)
    }
}
