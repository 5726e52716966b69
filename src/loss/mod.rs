//! The [`Loss`] trait, and the losses.

mod bce;
mod categorical_cross_entropy;
mod gaussian_nll;
mod huber;
mod mae;
mod mse;

use std::fmt::Debug;

use thiserror::Error;

pub use bce::Bce;
pub use categorical_cross_entropy::CategoricalCrossEntropy;
pub use gaussian_nll::GaussianNll;
pub use huber::Huber;
pub use mae::Mae;
pub use mse::Mse;

use crate::kernel::loss::{Pointwise, pointwise};
use crate::{Activation, Config, OptionError, Scalar, Shape};

/// How far predictions are from targets: a sum over samples, so that parts of a batch can be computed apart.
pub trait Loss<T: Scalar>: Debug + Send + Sync {
    /// The name of this kind of loss in errors and files.
    fn kind(&self) -> &'static str;

    /// What a file needs to build the loss again.
    fn config(&self) -> Config;

    /// The sum over samples of each sample's loss; where `pass.gradient` asks for it, the derivative of that sum by each prediction,
    /// times `pass.factor`, is written there.
    fn evaluate(&self, pass: LossPass<'_, T>) -> f64;

    /// The activation whose arguments the loss would rather have than its values. Where a network ends in it, the loss is handed those
    /// (`pass.linked`) and its gradient is by those: finite however large they are.
    fn link(&self) -> Option<Activation> {
        None
    }

    /// How the loss of a sample comes from those of its elements; a sum unless said otherwise. Layers that add nats of a whole sample to the loss
    /// (a variational model's) take no other.
    fn reduced_by(&self) -> Reduction {
        Reduction::SumPerSample
    }

    /// Whether the loss of a sample is −ln p(target | prediction) in nats, nothing left out: what the bound and the likelihood of a variational model
    /// ([`Autoencoder::elbo`](crate::Autoencoder::elbo), [`log_likelihood`](crate::Autoencoder::log_likelihood)) are made of. Not unless said otherwise.
    fn is_log_likelihood(&self) -> bool {
        false
    }

    /// `Ok` if the loss's own options are in their range.
    ///
    /// # Errors
    /// [`OptionError`] names the one that is not.
    fn check(&self) -> Result<(), OptionError> {
        Ok(())
    }

    /// The position of the first target that the loss is not defined for, if there is one, and what the loss takes instead: "numbers in 0..=1", for instance.
    fn unsuitable_target(&self, _targets: &[T]) -> Option<(usize, &'static str)> {
        None
    }
}

/// A loss chosen at run time.
impl<T: Scalar> Loss<T> for Box<dyn Loss<T>> {
    fn kind(&self) -> &'static str {
        (**self).kind()
    }

    fn config(&self) -> Config {
        (**self).config()
    }

    fn evaluate(&self, pass: LossPass<'_, T>) -> f64 {
        (**self).evaluate(pass)
    }

    fn link(&self) -> Option<Activation> {
        (**self).link()
    }

    fn reduced_by(&self) -> Reduction {
        (**self).reduced_by()
    }

    fn is_log_likelihood(&self) -> bool {
        (**self).is_log_likelihood()
    }

    fn check(&self) -> Result<(), OptionError> {
        (**self).check()
    }

    fn unsuitable_target(&self, targets: &[T]) -> Option<(usize, &'static str)> {
        (**self).unsuitable_target(targets)
    }
}

/// What a loss compares.
#[derive(Debug)]
#[non_exhaustive]
pub struct LossPass<'a, T> {
    /// The shape of a sample.
    pub shape: Shape,
    /// Features × samples.
    pub predictions: &'a [T],
    /// The predictions are the arguments of [`Loss::link`].
    pub linked: bool,
    /// Features × samples.
    pub targets: &'a [T],
    /// What the gradient is multiplied by: one over the batch's samples.
    pub factor: T,
    /// Features × samples, to be written.
    pub gradient: Option<&'a mut [T]>,
}

impl<'a, T: Scalar> LossPass<'a, T> {
    /// A comparison of `predictions` with `targets`, both features × samples with features as in `shape`; no gradient, factor 1.
    ///
    /// # Errors
    /// [`LossError`] if the lengths are not those of the same whole number of samples.
    pub fn new(shape: Shape, predictions: &'a [T], targets: &'a [T]) -> Result<Self, LossError> {
        if predictions.len() != targets.len() {
            return Err(LossError::Lengths { predictions: predictions.len(), targets: targets.len() });
        }
        if shape.elements() == 0 || !predictions.len().is_multiple_of(shape.elements()) {
            return Err(LossError::Samples { elements: predictions.len(), shape });
        }
        Ok(Self { shape, predictions, linked: false, targets, factor: T::one(), gradient: None })
    }

    /// The predictions are the arguments of [`Loss::link`].
    #[must_use]
    pub fn linked(mut self, linked: bool) -> Self {
        self.linked = linked;
        self
    }

    /// Asks for `factor` times the gradient.
    ///
    /// # Errors
    /// [`LossError`] if `gradient` is not as long as the predictions.
    pub fn gradient(mut self, factor: T, gradient: &'a mut [T]) -> Result<Self, LossError> {
        if gradient.len() != self.predictions.len() {
            return Err(LossError::Lengths { predictions: self.predictions.len(), targets: gradient.len() });
        }
        self.factor = factor;
        self.gradient = Some(gradient);
        Ok(self)
    }

    /// Whether the lengths are still those that [`new`](Self::new) and [`gradient`](Self::gradient) checked: the fields are public.
    fn is_consistent(&self) -> bool {
        let count = self.predictions.len();
        let gradient = self.gradient.as_ref().map_or(count, |gradient| gradient.len());
        self.targets.len() == count && gradient == count && count.is_multiple_of(self.shape.channels().max(1))
    }

    /// A loss that is a sum over elements, reduced over each sample's `elements`. NaN for slices of different lengths.
    fn pointwise(self, loss: Pointwise<T>, reduction: Reduction) -> f64 {
        if !self.is_consistent() {
            return f64::NAN;
        }
        let share = reduction.share(self.shape.elements());
        let factor = self.factor * T::from_f64(share);
        share * pointwise(loss, self.predictions, self.targets, factor, self.gradient)
    }
}

/// How the loss of a sample comes from those of its elements. The loss of a batch is the mean of its samples' in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reduction {
    /// The mean over a sample's elements: Keras's and PyTorch's default, so that figures compare.
    #[default]
    MeanPerElement,
    /// The sum over a sample's elements: the 1/N Σ‖x − y‖² of papers.
    SumPerSample,
}

impl Reduction {
    /// What the sum over `elements` is multiplied by.
    fn share(self, elements: usize) -> f64 {
        match self {
            Self::MeanPerElement => 1.0 / elements.max(1) as f64,
            Self::SumPerSample => 1.0,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::MeanPerElement => "mean_per_element",
            Self::SumPerSample => "sum_per_sample",
        }
    }
}

/// Why predictions and targets cannot be compared.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum LossError {
    /// Slices of different lengths.
    #[error("{predictions} predictions cannot be compared with {targets} targets or gradients")]
    Lengths {
        /// Predictions given.
        predictions: usize,
        /// Targets, or gradients, given.
        targets: usize,
    },
    /// The loss is a mean over a sample's elements where a sum is wanted.
    #[error(
        "`{loss}` is a mean over a sample's elements, nats are asked for; give it `.reduction(Reduction::SumPerSample)`"
    )]
    Reduction {
        /// The loss.
        loss: &'static str,
    },
    /// The loss is not the logarithm of a probability where one is wanted.
    #[error(
        "`{loss}` is not a negative log-likelihood in nats; use `Bce`, `CategoricalCrossEntropy` or `GaussianNll`, or a loss whose `is_log_likelihood` says so"
    )]
    NotLikelihood {
        /// The loss.
        loss: &'static str,
    },
    /// Not a whole number of samples.
    #[error("{elements} elements are not a whole number of samples of shape {shape}")]
    Samples {
        /// Elements given.
        elements: usize,
        /// The shape of a sample.
        shape: Shape,
    },
}
