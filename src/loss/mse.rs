//! [`Mse`]: the mean squared error.

use super::{Loss, LossPass, Reduction, reduction_option};
use crate::kernel::loss::Pointwise;
use crate::{Config, Scalar};

/// Mean squared error: the mean over a sample's elements of (prediction − target)².
///
/// ```
/// use autoencoder::{Loss, LossPass, Mse, Shape};
///
/// let pass = LossPass::new(Shape::flat(2), &[1.0, 2.0], &[0.0, 5.0])?; // one sample
/// assert_eq!(Mse.evaluate(pass), (1.0 + 9.0) / 2.0);
/// # Ok::<(), autoencoder::LossError>(())
/// ```
///
/// The constant of the same name is the loss with its default [`Reduction`].
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Mse {
    reduction: Reduction,
}

/// The loss with the default reduction.
#[allow(non_upper_case_globals)] // reads like a unit struct: `Trainer::new(Mse, ..)`
pub const Mse: Mse = Mse { reduction: Reduction::MeanPerElement };

reduction_option!(Mse);

impl<T: Scalar> Loss<T> for Mse {
    fn kind(&self) -> &'static str {
        "mse"
    }

    fn config(&self) -> Config {
        Config::new().with("reduction", self.reduction.name())
    }

    fn reduced_by(&self) -> Reduction {
        self.reduction
    }

    #[inline(never)] // see `compiled.rs`
    fn evaluate(&self, pass: LossPass<'_, T>) -> f64 {
        pass.pointwise(Pointwise::Squared, self.reduction)
    }
}
