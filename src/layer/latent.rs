//! [`Latent`]: layers whose output is drawn from a distribution.

use crate::{Scalar, Shape};

/// A layer whose output is drawn, in training, from a normal distribution with independent dimensions; in inference it is the mean.
///
/// At the end of an encoder it makes a variational autoencoder: the distribution is the posterior q(z|x), the prior p(z) is the standard normal distribution.
pub trait Latent<T: Scalar>: Send + Sync {
    /// Writes the mean and the logarithm of the variance of each output, output features × samples, for `input`, input features × samples;
    /// `output_shape` is that of an output sample.
    fn posterior(&self, output_shape: Shape, input: &[T], mean: &mut [T], log_variance: &mut [T]);
}
