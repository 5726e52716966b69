//! [`Latent`]: layers whose output is drawn from a distribution, and the formulas of that
//! distribution.

use crate::{Scalar, Shape};

/// A layer whose output is drawn from a normal distribution with independent dimensions in
/// training, and is that distribution's mean in inference.
///
/// At the end of an encoder it makes the autoencoder variational: the distribution is the posterior
/// q(z|x), and the prior p(z) is the standard normal distribution.
pub trait Latent<T: Scalar>: Send + Sync {
    /// Writes the mean and the log-variance of each output (output features × samples) for `input`
    /// (input features × samples). `output_shape` is the shape of an output sample.
    fn posterior(&self, output_shape: Shape, input: &[T], mean: &mut [T], log_variance: &mut [T]);
}

/// The divergence of a normal distribution from the standard normal one, in nats: ½ (μ² + exp ℓ − 1
/// − ℓ) for the mean μ and the variance's logarithm ℓ.
pub(crate) fn divergence<T: Scalar>(mean: T, log_variance: T) -> f64 {
    let (mean, log_variance) = (mean.into_f64(), log_variance.into_f64());
    0.5 * (mean * mean + log_variance.exp_m1() - log_variance)
}

/// How far from the mean a draw is: exp(½ℓ)·ε for the variance's logarithm ℓ and ε from the
/// standard normal distribution.
pub(crate) fn deviation<T: Scalar>(log_variance: T, noise: f64) -> T {
    (T::from_f64(0.5) * log_variance).exp() * T::from_f64(noise)
}
