//! [`Latent`]: layers whose output is drawn from a distribution.

use crate::{Scalar, Shape};

/// A layer whose output is drawn from a normal distribution with independent dimensions in training, and is that distribution's mean in inference.
///
/// At the end of an encoder it makes the autoencoder variational: the distribution is the posterior q(z|x), and the prior p(z) is the standard normal distribution.
pub trait Latent<T: Scalar>: Send + Sync {
    /// Writes the mean and the log-variance of each output (output features × samples) for `input` (input features × samples).
    /// `output_shape` is the shape of an output sample.
    fn posterior(&self, output_shape: Shape, input: &[T], mean: &mut [T], log_variance: &mut [T]);
}
