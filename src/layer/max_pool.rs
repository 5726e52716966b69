//! [`MaxPool`]: the largest value under a window.

use std::sync::Arc;

use super::window::{Extent, Window};
use super::{Activation, Backward, Forward, Layer, Padding, Plan};
use crate::kernel::pool::{self as kernel, Geometry};
use crate::{Config, ConfigError, Scalar, Shape, ShapeError};

/// The largest value under a window, channel by channel.
///
/// Input: height × width × channels; output: height' × width' × channels. The stride is the window's size and the padding `Valid` unless asked otherwise,
/// as in Keras. With padding `Same` only pixels of the image count. Where two values tie, the first (row by row) gets the gradient.
#[derive(Debug, Clone, PartialEq)]
pub struct MaxPool {
    window: Window,
}

impl MaxPool {
    /// A window of `size` (`2`, or `(2, 3)` for height and width), moved by its size.
    pub fn new(size: impl Into<Extent>) -> Self {
        Self { window: pooling_window(size.into()) }
    }

    /// Moves the window by `stride` pixels.
    #[must_use]
    pub fn stride(mut self, stride: impl Into<Extent>) -> Self {
        self.window.stride = stride.into();
        self
    }

    /// Treats the rim as `padding` says.
    #[must_use]
    pub fn padding(mut self, padding: Padding) -> Self {
        self.window.padding = padding;
        self
    }

    /// The layer that [`config`](Layer::config) described.
    ///
    /// # Errors
    /// [`ConfigError`] where the description is of none.
    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        pooling_from_config(config).map(|window| Self { window })
    }
}

impl<T: Scalar> Layer<T> for MaxPool {
    fn kind(&self) -> &'static str {
        "max_pool"
    }

    fn config(&self) -> Config {
        pooling_config(&self.window)
    }

    fn plan(&self, input: Shape) -> Result<Plan, ShapeError> {
        pooling_plan(&self.window, input)
    }

    fn forward(&self, pass: Forward<'_, T>) {
        let Ok(geometry) = pooling_geometry(&self.window, pass.input_shape) else { return };
        kernel::max(&geometry, pass.input, pass.output);
    }

    fn backward(&self, pass: Backward<'_, T>) {
        let Ok(geometry) = pooling_geometry(&self.window, pass.input_shape) else { return };
        let Some(input_gradient) = pass.input_gradient else { return };
        kernel::max_gradient(&geometry, pass.input, pass.output, pass.output_gradient, input_gradient);
    }

    fn mirror(&self, input: Shape, _activation: Activation) -> Option<Vec<Arc<dyn Layer<T>>>> {
        super::up_sample::back_from(&self.window, input)
    }
}

pub(super) fn pooling_window(size: Extent) -> Window {
    Window { what: "window", size, stride: size, dilation: 1.into(), padding: Padding::Valid }
}

pub(super) fn pooling_config(window: &Window) -> Config {
    Config::new().with("window", window.size).with("stride", window.stride).with("padding", window.padding)
}

pub(super) fn pooling_from_config(config: &Config) -> Result<Window, ConfigError> {
    config.only(&["window", "stride", "padding"])?;
    Ok(Window {
        stride: Extent::read(config, "stride")?,
        padding: Padding::read(config)?,
        ..pooling_window(Extent::read(config, "window")?)
    })
}

pub(super) fn pooling_plan(window: &Window, input: Shape) -> Result<Plan, ShapeError> {
    let geometry = pooling_geometry(window, input)?;
    let output = Shape::image(geometry.output[0], geometry.output[1], geometry.channels).checked()?;
    let area = crate::shape::checked_product("pixels under a window", &geometry.window)?;
    Ok(Plan::new(output).work_per_sample(output.elements().saturating_mul(area)))
}

pub(super) fn pooling_geometry(window: &Window, input: Shape) -> Result<Geometry, ShapeError> {
    let [height, width, channels] = input.checked()?.as_image()?;
    let positions = window.over([height, width])?;
    Ok(Geometry {
        input: [height, width],
        channels,
        window: window.size.pair(),
        stride: positions.stride,
        padding: positions.before,
        output: positions.count,
    })
}
