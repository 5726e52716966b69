//! [`CategoricalCrossEntropy`]: for classification.

use super::bce::EPSILON;
use super::{Loss, LossPass, Reduction};
use crate::kernel::loss as kernel;
use crate::kernel::reduce;
use crate::{Activation, Config, Scalar};

/// Categorical cross-entropy: −Σᵢ tᵢ·ln pᵢ over the channels (classes): all features of a flat
/// sample, or the channels of each pixel of an image.
///
/// Targets t are one-hot ([`Labels::to_one_hot`](crate::data::idx::Labels::to_one_hot)) or any
/// distribution. If the network ends in a softmax, the loss is computed from its arguments z
/// (logits), Σᵢ tᵢ (ln Σⱼ exp zⱼ − zᵢ), and finite for any z. Otherwise p is divided by its sum and
/// clamped to 10⁻⁷..1 − 10⁻⁷, as in Keras. The default reduction is the mean over pixels, as in
/// Keras; a flat sample counts as one.
///
/// ```
/// use autoencoder::nalgebra::DMatrix;
/// use autoencoder::{Activation, Adam, CategoricalCrossEntropy, Dense, Network, Shape, Trainer};
///
/// let mut classifier = Network::<f32>::builder(Shape::flat(4)).layer(Dense::new(3).activation(Activation::Softmax)).build()?;
/// let (inputs, labels) = (DMatrix::identity(4, 3), DMatrix::identity(3, 3)); // one-hot labels
/// let history = Trainer::new(CategoricalCrossEntropy, Adam::default()).epochs(2).fit_to(&mut classifier, &inputs, &labels)?;
/// assert!(history.epochs()[1].loss < history.epochs()[0].loss);
/// # Ok::<(), autoencoder::Error>(())
/// ```
///
/// The constant of the same name is the loss with its default [`Reduction`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CategoricalCrossEntropy {
    reduction: Reduction,
}

/// The loss with the default reduction.
#[allow(non_upper_case_globals)] // reads like a unit struct
pub const CategoricalCrossEntropy: CategoricalCrossEntropy =
    CategoricalCrossEntropy { reduction: Reduction::MeanPerElement };

impl CategoricalCrossEntropy {
    /// Sets how the loss is reduced over a sample's pixels.
    #[must_use]
    pub fn reduction(mut self, reduction: Reduction) -> Self {
        self.reduction = reduction;
        self
    }
}

impl<T: Scalar> Loss<T> for CategoricalCrossEntropy {
    fn kind(&self) -> &'static str {
        "categorical_cross_entropy"
    }

    fn config(&self) -> Config {
        Config::new().with("reduction", self.reduction.name())
    }

    fn reduced_by(&self) -> Reduction {
        self.reduction
    }

    fn is_log_likelihood(&self) -> bool {
        self.reduction == Reduction::SumPerSample
    }

    #[inline(never)] // see `compiled.rs`
    fn evaluate(&self, pass: LossPass<'_, T>) -> f64 {
        if !pass.is_consistent() {
            return f64::NAN;
        }
        let channels = pass.shape.channels().max(1);
        let share = self.reduction.share(pass.shape.elements() / channels);
        let factor = pass.factor * T::from_f64(share);
        let (predictions, targets, gradient) = (pass.predictions, pass.targets, pass.gradient);
        share
            * match pass.from_logits {
                true => kernel::categorical_from_logits(channels, predictions, targets, factor, gradient),
                false => kernel::categorical(channels, T::from_f64(EPSILON), predictions, targets, factor, gradient),
            }
    }

    fn fused_activation(&self) -> Option<Activation> {
        Some(Activation::Softmax)
    }

    #[inline(never)] // see `compiled.rs`
    fn unsuitable_target(&self, targets: &[T]) -> Option<(usize, &'static str)> {
        reduce::outside_unit_interval(targets).map(|position| (position, "numbers in 0..=1"))
    }
}
