//! [`Bce`]: binary cross-entropy.

use super::{Loss, LossPass, Reduction, reduction_option};
use crate::kernel::loss::Pointwise;
use crate::kernel::reduce;
use crate::{Activation, Config, Scalar};

/// Keras's epsilon: probabilities are clamped to be this far from 0 and 1.
pub(super) const EPSILON: f64 = 1e-7;

/// Binary cross-entropy: the mean over a sample's elements of −t·ln p − (1 − t)·ln(1 − p), for
/// targets t in 0..=1.
///
/// If the network ends in a sigmoid, the loss is computed from its arguments z (logits), max(z, 0)
/// − z·t + ln(1 + e^−|z|), and finite for any z. Otherwise p is clamped to 10⁻⁷..1 − 10⁻⁷, with
/// gradient 0 outside, as in Keras.
///
/// ```
/// use autoencoder::{Activation, Adam, Autoencoder, Bce, Dense, Shape, Trainer};
/// use autoencoder::nalgebra::DMatrix;
///
/// let mut model = Autoencoder::<f32>::builder(Shape::flat(8)).encoder(Dense::new(3)).mirror(Activation::Sigmoid).build()?;
/// let history = Trainer::new(Bce, Adam::default()).fit(&mut model, &DMatrix::from_element(8, 20, 0.5))?;
/// assert!(history.loss() >= Some(0.69)); // at least ln 2 for these targets
/// # Ok::<(), autoencoder::Error>(())
/// ```
///
/// The constant of the same name is the loss with its default [`Reduction`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bce {
    reduction: Reduction,
}

/// The loss with the default reduction.
#[allow(non_upper_case_globals)] // reads like a unit struct: `Trainer::new(Bce, ..)`
pub const Bce: Bce = Bce { reduction: Reduction::MeanPerElement };

reduction_option!(Bce);

impl Bce {
    /// The cross-entropy of one element, from the logit of its probability.
    ///
    /// ```
    /// use autoencoder::Bce;
    ///
    /// assert_eq!(Bce::value_from_logits(0.0_f64, 1.0), 2.0_f64.ln());
    /// assert_eq!(Bce::value_from_logits(-10_000.0_f64, 1.0), 10_000.0);
    /// ```
    pub fn value_from_logits<T: Scalar>(logit: T, target: T) -> T {
        logit.max(T::zero()) - logit * target + (-logit.abs()).exp().ln_1p()
    }
}

impl<T: Scalar> Loss<T> for Bce {
    fn kind(&self) -> &'static str {
        "bce"
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
        match pass.from_logits {
            true => pass.pointwise(Pointwise::CrossEntropyFromLogits, self.reduction),
            false => pass.pointwise(Pointwise::CrossEntropy(T::from_f64(EPSILON)), self.reduction),
        }
    }

    fn fused_activation(&self) -> Option<Activation> {
        Some(Activation::Sigmoid)
    }

    #[inline(never)] // see `compiled.rs`
    fn unsuitable_target(&self, targets: &[T]) -> Option<(usize, &'static str)> {
        reduce::outside_unit_interval(targets).map(|position| (position, "numbers in 0..=1"))
    }
}
