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

/// A measure of how far predictions are from targets. It is a sum over samples, so that parts of a
/// batch can be computed separately.
pub trait Loss<T: Scalar>: Debug + Send + Sync {
    /// The name of this kind of loss in errors and files.
    fn kind(&self) -> &'static str;

    /// Its options by name. A checkpoint records them, and resuming with others is an error.
    fn config(&self) -> Config;

    /// Returns the sum of the samples' losses. If there is a `pass.gradient`, also writes the
    /// derivative of that sum with respect to each prediction, times `pass.factor`, to it.
    fn evaluate(&self, pass: LossPass<'_, T>) -> f64;

    /// The activation the loss absorbs, computing from its arguments (logits). If a network ends in
    /// it, the loss receives these (`pass.from_logits`) and writes its gradient with respect to
    /// them, which stays finite however large they are.
    fn fused_activation(&self) -> Option<Activation> {
        None
    }

    /// How the losses of a sample's elements are reduced; by default a sum. Layers with likelihood
    /// terms (those of variational models) require a sum.
    fn reduced_by(&self) -> Reduction {
        Reduction::SumPerSample
    }

    /// Whether the loss of a sample is −ln p(target | prediction) in nats, constants included, as
    /// the bound and the likelihood of a variational model
    /// ([`Autoencoder::elbo`](crate::Autoencoder::elbo),
    /// [`log_likelihood`](crate::Autoencoder::log_likelihood)) require. Default: no.
    fn is_log_likelihood(&self) -> bool {
        false
    }

    /// `Ok` if the loss's options are in range.
    ///
    /// # Errors
    /// [`OptionError`] names the one that is not.
    fn check(&self) -> Result<(), OptionError> {
        Ok(())
    }

    /// The position of the first target for which the loss is undefined, if there is one, and what
    /// the loss takes instead, such as "numbers in 0..=1".
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

    fn fused_activation(&self) -> Option<Activation> {
        (**self).fused_activation()
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

/// The predictions and targets that a loss compares.
#[derive(Debug)]
#[non_exhaustive]
pub struct LossPass<'a, T> {
    /// The shape of a sample.
    pub shape: Shape,
    /// Features × samples.
    pub predictions: &'a [T],
    /// Whether the predictions are the arguments of [`Loss::fused_activation`] (logits).
    pub from_logits: bool,
    /// Features × samples.
    pub targets: &'a [T],
    /// The gradient is multiplied by this: one over the batch's number of samples.
    pub factor: T,
    /// Features × samples, to be written.
    pub gradient: Option<&'a mut [T]>,
}

impl<'a, T: Scalar> LossPass<'a, T> {
    /// Compares `predictions` with `targets`, both features × samples with samples of `shape`;
    /// without a gradient, factor 1.
    ///
    /// # Errors
    /// [`LossError`] if the lengths differ or are not a whole number of samples.
    pub fn new(shape: Shape, predictions: &'a [T], targets: &'a [T]) -> Result<Self, LossError> {
        if predictions.len() != targets.len() {
            return Err(LossError::Lengths { predictions: predictions.len(), targets: targets.len() });
        }
        if shape.elements() == 0 || !predictions.len().is_multiple_of(shape.elements()) {
            return Err(LossError::Samples { elements: predictions.len(), shape });
        }
        Ok(Self { shape, predictions, from_logits: false, targets, factor: T::one(), gradient: None })
    }

    /// Sets whether the predictions are the arguments of [`Loss::fused_activation`] (logits); see
    /// [`Network::ends_in`](crate::Network::ends_in).
    #[must_use]
    pub fn from_logits(mut self, from_logits: bool) -> Self {
        self.from_logits = from_logits;
        self
    }

    /// Requests `factor` times the gradient, written to `gradient`.
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

    /// Whether the lengths still fit each other: the fields are public and may have changed since
    /// [`new`](Self::new) checked them.
    fn is_consistent(&self) -> bool {
        let count = self.predictions.len();
        let gradient = self.gradient.as_ref().map_or(count, |gradient| gradient.len());
        self.targets.len() == count && gradient == count && count.is_multiple_of(self.shape.channels().max(1))
    }

    /// Evaluates a loss that is a sum over elements. NaN if the slices' lengths differ.
    fn pointwise(self, loss: Pointwise<T>, reduction: Reduction) -> f64 {
        if !self.is_consistent() {
            return f64::NAN;
        }
        let share = reduction.share(self.shape.elements());
        let factor = self.factor * T::from_f64(share);
        share * pointwise(loss, self.predictions, self.targets, factor, self.gradient)
    }
}

/// How the losses of a sample's elements are reduced. The loss of a batch is the mean over its
/// samples in either case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Reduction {
    /// The mean over a sample's elements: the default in Keras and PyTorch, so that figures are
    /// comparable.
    #[default]
    MeanPerElement,
    /// The sum over a sample's elements, as in the 1/N Σ‖x − y‖² of papers.
    SumPerSample,
}

impl Reduction {
    /// The factor of the sum over `elements`.
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

/// The builder method of a loss whose field `reduction` is a [`Reduction`].
macro_rules! reduction_option {
    ($loss:ident) => {
        impl $loss {
            /// Sets how the loss is reduced over a sample's elements.
            #[must_use]
            pub fn reduction(mut self, reduction: Reduction) -> Self {
                self.reduction = reduction;
                self
            }
        }
    };
}

use reduction_option;

/// Why predictions and targets cannot be compared.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum LossError {
    /// The slices' lengths differ.
    #[error("{predictions} predictions cannot be compared with {targets} targets or gradients; give as many of each")]
    Lengths {
        /// Predictions given.
        predictions: usize,
        /// Targets, or gradients, given.
        targets: usize,
    },
    /// The loss is a mean over a sample's elements, but a sum is required.
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
    /// A loss or a metric is not a number.
    #[error(
        "`{name}` is NaN, although predictions and targets are finite; a loss or metric may be infinite, but not NaN"
    )]
    NotANumber {
        /// The loss or the metric.
        name: String,
    },
    /// Not a whole number of samples.
    #[error(
        "{elements} elements are not a whole number of samples of shape {shape}; give whole samples of at least one element"
    )]
    Samples {
        /// Elements given.
        elements: usize,
        /// The shape of a sample.
        shape: Shape,
    },
}
