//! [`Mae`]: the mean absolute error.

use super::{Loss, LossPass, Reduction, reduction_option};
use crate::kernel::loss::Pointwise;
use crate::{Config, Scalar};

/// Mean absolute error: the mean over a sample's elements of |prediction − target|. The derivative
/// at 0 is 0.
///
/// ```
/// use autoencoder::{Loss, LossPass, Mae, Shape};
///
/// let pass = LossPass::new(Shape::flat(2), &[1.0, 2.0], &[0.0, 5.0])?; // one sample
/// assert_eq!(Mae.evaluate(pass), (1.0 + 3.0) / 2.0);
/// # Ok::<(), autoencoder::LossError>(())
/// ```
///
/// The constant of the same name is the loss with its default [`Reduction`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Mae {
    reduction: Reduction,
}

/// The loss with the default reduction.
#[allow(non_upper_case_globals)] // reads like a unit struct: `Trainer::new(Mae, ..)`
pub const Mae: Mae = Mae { reduction: Reduction::MeanPerElement };

reduction_option!(Mae);

impl<T: Scalar> Loss<T> for Mae {
    fn kind(&self) -> &'static str {
        "mae"
    }

    fn config(&self) -> Config {
        Config::new().with("reduction", self.reduction.name())
    }

    fn reduced_by(&self) -> Reduction {
        self.reduction
    }

    #[inline(never)] // see `compiled.rs`
    fn evaluate(&self, pass: LossPass<'_, T>) -> f64 {
        pass.pointwise(Pointwise::Absolute, self.reduction)
    }
}
