//! [`AvgPool`]: the mean of the values under a window.

use std::sync::Arc;

use super::pooling::Pooling;
use super::window::Extent;
use super::{Activation, Backward, Forward, Layer, Padding, Plan};
use crate::kernel::pool as kernel;
use crate::{Config, ConfigError, Scalar, Shape, ShapeError};

/// The mean of the values under a window, channel by channel.
///
/// Input: height × width × channels; output: height' × width' × channels, by the rules of [`Padding`]. The stride is the window's size and the padding `Valid` unless asked otherwise,
/// as in Keras. With padding `Same` the mean is over the pixels of the image alone.
#[derive(Debug, Clone, PartialEq)]
pub struct AvgPool {
    pooling: Pooling,
}

impl AvgPool {
    /// A window of `size` (`2`, or `(2, 3)` for height and width), moved by its size.
    pub fn new(size: impl Into<Extent>) -> Self {
        Self { pooling: Pooling::new(size.into()) }
    }

    /// Moves the window by `stride` pixels.
    #[must_use]
    pub fn stride(mut self, stride: impl Into<Extent>) -> Self {
        self.pooling.window.stride = stride.into();
        self
    }

    /// Treats the rim as `padding` says.
    #[must_use]
    pub fn padding(mut self, padding: Padding) -> Self {
        self.pooling.window.padding = padding;
        self
    }

    /// The layer that [`config`](Layer::config) described.
    ///
    /// # Errors
    /// [`ConfigError`] where the description is of none.
    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        Pooling::from_config(config).map(|pooling| Self { pooling })
    }
}

impl<T: Scalar> Layer<T> for AvgPool {
    fn kind(&self) -> &'static str {
        "avg_pool"
    }

    fn config(&self) -> Config {
        self.pooling.config()
    }

    fn plan(&self, input: Shape) -> Result<Plan, ShapeError> {
        self.pooling.plan(input)
    }

    fn forward(&self, pass: Forward<'_, T>) {
        let Ok(geometry) = self.pooling.geometry(pass.input_shape) else { return };
        kernel::average(&geometry, pass.input, pass.output);
    }

    fn backward(&self, pass: Backward<'_, T>) {
        let Ok(geometry) = self.pooling.geometry(pass.input_shape) else { return };
        let Some(input_gradient) = pass.input_gradient else { return };
        kernel::average_gradient(&geometry, pass.output_gradient, input_gradient);
    }

    fn mirror(&self, input: Shape, _activation: Activation) -> Option<Vec<Arc<dyn Layer<T>>>> {
        super::up_sample::back_from(&self.pooling.window, input)
    }
}
