//! [`GaussianNll`]: the Gaussian negative log-likelihood.

use std::f64::consts::TAU;

use super::{Loss, LossPass, Reduction, reduction_option};
use crate::kernel::loss::Pointwise;
use crate::{Config, OptionError, Scalar, option};

/// Gaussian negative log-likelihood in nats: the sum over a sample's elements of −ln N(target;
/// prediction, σ²) = ½ (target − prediction)² / σ² + ½ ln(2πσ²), with a fixed variance σ². For
/// variational autoencoders over real numbers; Kingma and Welling 2013.
///
/// With σ² = ½ its gradient is that of [`Mse`](struct@crate::Mse) with [`Reduction::SumPerSample`].
///
/// ```
/// use autoencoder::{GaussianNll, Loss, LossPass, Shape};
///
/// let pass = LossPass::new(Shape::flat(2), &[0.0, 0.0], &[1.0, 3.0])?; // one sample
/// let expected = 0.5 * (1.0 + 9.0) + (2.0 * std::f64::consts::PI).ln();
/// assert!((GaussianNll::new(1.0).evaluate(pass) - expected).abs() < 1e-12);
/// # Ok::<(), autoencoder::LossError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GaussianNll {
    variance: f64,
    reduction: Reduction,
}

impl Default for GaussianNll {
    fn default() -> Self {
        Self::new(1.0)
    }
}

impl GaussianNll {
    /// The loss with σ² = `variance`, above 0.
    pub fn new(variance: f64) -> Self {
        Self { variance, reduction: Reduction::SumPerSample }
    }
}

reduction_option!(GaussianNll);

impl<T: Scalar> Loss<T> for GaussianNll {
    fn kind(&self) -> &'static str {
        "gaussian_nll"
    }

    fn config(&self) -> Config {
        Config::new().with("variance", self.variance).with("reduction", self.reduction.name())
    }

    fn reduced_by(&self) -> Reduction {
        self.reduction
    }

    fn is_log_likelihood(&self) -> bool {
        self.reduction == Reduction::SumPerSample
    }

    #[inline(never)] // see `compiled.rs`
    fn evaluate(&self, mut pass: LossPass<'_, T>) -> f64 {
        let precision = 0.5 / self.variance;
        pass.factor *= T::from_f64(precision);
        let share = self.reduction.share(pass.shape.elements());
        let constant = share * pass.predictions.len() as f64 * 0.5 * (TAU * self.variance).ln();
        precision * pass.pointwise(Pointwise::Squared, self.reduction) + constant
    }

    fn check(&self) -> Result<(), OptionError> {
        option::positive("variance", self.variance)
    }
}
