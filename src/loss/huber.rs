//! [`Huber`]: squared error near the target, absolute error far from it.

use super::{Loss, LossPass, Reduction, reduction_option};
use crate::OptionError;
use crate::kernel::loss::Pointwise;
use crate::{Config, Scalar, option};

/// Huber loss: the mean over a sample's elements of ½d² for |d| ≤ δ and δ(|d| − ½δ) beyond, with d
/// = prediction − target; Huber 1964. δ is 1 by default, as in Keras.
///
/// ```
/// use autoencoder::{Huber, Loss, LossPass, Shape};
///
/// let pass = LossPass::new(Shape::flat(2), &[0.5, 3.0], &[0.0, 0.0])?; // one sample
/// assert_eq!(Huber::default().evaluate(pass), (0.125 + 2.5) / 2.0);
/// # Ok::<(), autoencoder::LossError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Huber {
    delta: f64,
    reduction: Reduction,
}

impl Default for Huber {
    fn default() -> Self {
        Self::new(1.0)
    }
}

impl Huber {
    /// The loss with δ = `delta`, above 0.
    pub fn new(delta: f64) -> Self {
        Self { delta, reduction: Reduction::default() }
    }
}

reduction_option!(Huber);

impl<T: Scalar> Loss<T> for Huber {
    fn kind(&self) -> &'static str {
        "huber"
    }

    fn config(&self) -> Config {
        Config::new().with("delta", self.delta).with("reduction", self.reduction.name())
    }

    fn reduced_by(&self) -> Reduction {
        self.reduction
    }

    #[inline(never)] // see `compiled.rs`
    fn evaluate(&self, pass: LossPass<'_, T>) -> f64 {
        pass.pointwise(Pointwise::Huber(T::from_f64(self.delta)), self.reduction)
    }

    fn check(&self) -> Result<(), OptionError> {
        option::positive("delta", self.delta)
    }
}
