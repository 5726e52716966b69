//! [`MaxPool`]: max pooling.

use std::sync::Arc;

use super::pooling::Pooling;
use super::window::Extent;
use super::{Backward, Context, Forward, Layer, Mirror, MirrorOutput, Padding, Plan};
use crate::kernel::pool as kernel;
use crate::{Config, ConfigError, Scalar, Shape, ShapeError, invariant};

/// The name of this kind of layer.
const KIND: &str = "max_pool";

/// Max pooling: the largest value under a window, for each channel; Zhou and Chellappa 1988,
/// Keras's `MaxPooling2D`.
///
/// y(u, v, c) = max x(u·stride + k − p, v·stride + l − q, c) over the window's k, l. p and q are
/// the rows above and the columns to the left that [`Padding`] adds; pixels beyond the image do not
/// count. If several values tie, the first (row by row) receives the gradient.
///
/// Input: height × width × channels; output: height' × width' × channels, by the rules of
/// [`Padding`]. As in Keras, the stride is the window's size by default, and the padding `Valid`.
///
/// ```
/// use autoencoder::nalgebra::DMatrix;
/// use autoencoder::{MaxPool, Network, Shape};
///
/// let network = Network::<f32>::builder(Shape::image(2, 2, 1)).layer(MaxPool::new(2)).build()?;
/// assert_eq!(network.predict(&DMatrix::from_column_slice(4, 1, &[1.0, 2.0, 3.0, 6.0]))?[0], 6.0);
/// # Ok::<(), autoencoder::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct MaxPool {
    pooling: Pooling,
}

impl MaxPool {
    /// A window of `size` (`2`, or `(2, 3)` for height and width), with its size as the stride.
    pub fn new(size: impl Into<Extent>) -> Self {
        Self { pooling: Pooling::new(size.into()) }
    }

    /// Moves the window by `stride` pixels.
    #[must_use]
    pub fn stride(mut self, stride: impl Into<Extent>) -> Self {
        self.pooling.window.stride = stride.into();
        self
    }

    /// Sets the padding.
    #[must_use]
    pub fn padding(mut self, padding: Padding) -> Self {
        self.pooling.window.padding = padding;
        self
    }

    /// Rebuilds the layer from its [`config`](Layer::config).
    ///
    /// # Errors
    /// [`ConfigError`] if an entry is missing, unknown or invalid.
    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        Pooling::from_config(config).map(|pooling| Self { pooling })
    }
}

impl<T: Scalar> Layer<T> for MaxPool {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn config(&self) -> Config {
        self.pooling.config()
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        self.pooling.plan(input)
    }

    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        let geometry = invariant::checked(self.pooling.geometry(context.input_shape), KIND);
        kernel::max(&geometry, pass.input, pass.output);
    }

    fn backward(&self, context: &Context<'_, T>, pass: Backward<'_, T>) {
        let geometry = invariant::checked(self.pooling.geometry(context.input_shape), KIND);
        let Some(input_gradient) = pass.input_gradient else { return };
        kernel::max_gradient(&geometry, pass.input, pass.output, pass.output_gradient, input_gradient);
    }

    fn mirror(&self) -> Option<&dyn Mirror<T>> {
        Some(self)
    }
}

impl<T: Scalar> Mirror<T> for MaxPool {
    fn mirrored(&self, input: Shape, _output: MirrorOutput) -> Option<Vec<Arc<dyn Layer<T>>>> {
        super::up_sample::back_from(&self.pooling.window, input)
    }
}
