//! [`MaxPool`] and [`AvgPool`]: one layer, [`Pooling`], but for what a window's values become.

use std::sync::Arc;

use super::delegate::delegate_layer;
use super::window::{Extent, Window};
use super::{Backward, Context, Forward, Layer, Mirror, MirrorOutput, Padding, Plan, UpSample, border};
use crate::kernel::pool::{self as kernel, Geometry};
use crate::{Config, ConfigError, Scalar, Shape, ShapeError, invariant};

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

/// Average pooling: the mean of the values under a window, for each channel; LeCun et al. 1990,
/// Keras's `AveragePooling2D`.
///
/// y(u, v, c) = mean of x(u·stride + k − p, v·stride + l − q, c) over the window's k, l. p and q
/// are the rows above and the columns to the left that [`Padding`] adds; pixels beyond the image
/// are left out of the mean.
///
/// Input: height × width × channels; output: height' × width' × channels, by the rules of
/// [`Padding`]. As in Keras, the stride is the window's size by default, and the padding `Valid`.
///
/// ```
/// use autoencoder::nalgebra::DMatrix;
/// use autoencoder::{AvgPool, Network, Shape};
///
/// let network = Network::<f32>::builder(Shape::image(2, 2, 1)).layer(AvgPool::new(2)).build()?;
/// assert_eq!(network.predict(&DMatrix::from_column_slice(4, 1, &[1.0, 2.0, 3.0, 6.0]))?[0], 3.0);
/// # Ok::<(), autoencoder::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct AvgPool {
    pooling: Pooling,
}

/// A pooling layer's options, and its passes by [`Pooling`].
macro_rules! pooling_layer {
    ($layer:ident, $pooled:expr) => {
        impl $layer {
            /// A window of `size` (`2`, or `(2, 3)` for height and width), with its size as the
            /// stride.
            pub fn new(size: impl Into<Extent>) -> Self {
                Self { pooling: Pooling::new($pooled, size.into()) }
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
                Pooling::from_config($pooled, config).map(|pooling| Self { pooling })
            }
        }

        delegate_layer!($layer, pooling);
    };
}

pooling_layer!(MaxPool, Pooled::Maximum);
pooling_layer!(AvgPool, Pooled::Average);

/// What the values under a window become, for each channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pooled {
    Maximum,
    Average,
}

/// A window that moves over an image and reduces the values under it to one per channel.
#[derive(Debug, Clone, PartialEq)]
struct Pooling {
    pooled: Pooled,
    window: Window,
}

impl Pooling {
    /// A window with its size as the stride, without padding.
    fn new(pooled: Pooled, size: Extent) -> Self {
        let window = Window { stride: size, padding: Padding::Valid, ..Window::new("window", size) };
        Self { pooled, window }
    }

    fn from_config(pooled: Pooled, config: &Config) -> Result<Self, ConfigError> {
        config.only(&["window", "stride", "padding"])?;
        let mut pooling = Self::new(pooled, Extent::read(config, "window")?);
        pooling.window.stride = Extent::read(config, "stride")?;
        pooling.window.padding = Padding::read(config)?;
        Ok(pooling)
    }

    fn kind(&self) -> &'static str {
        match self.pooled {
            Pooled::Maximum => "max_pool",
            Pooled::Average => "avg_pool",
        }
    }

    fn geometry(&self, input: Shape) -> Result<Geometry, ShapeError> {
        let [height, width, channels] = input.checked()?.as_image()?;
        let positions = self.window.over([height, width])?;
        Ok(Geometry {
            input: [height, width],
            channels,
            window: self.window.size.pair(),
            stride: positions.stride,
            padding: positions.before,
            output: positions.count,
        })
    }
}

impl<T: Scalar> Layer<T> for Pooling {
    fn kind(&self) -> &'static str {
        self.kind()
    }

    fn config(&self) -> Config {
        let Window { size, stride, padding, .. } = self.window;
        Config::new().with("window", size).with("stride", stride).with("padding", padding)
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        let geometry = self.geometry(input)?;
        let output = Shape::image(geometry.output[0], geometry.output[1], geometry.channels).checked()?;
        let [rows, columns] = geometry.window;
        Ok(Plan::new(output).work_per_sample(output.elements().saturating_mul(rows.saturating_mul(columns))))
    }

    #[inline(never)] // see `compiled.rs`
    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        let geometry = invariant::checked(self.geometry(context.input_shape), self.kind());
        match self.pooled {
            Pooled::Maximum => kernel::max(&geometry, pass.input, pass.output),
            Pooled::Average => kernel::average(&geometry, pass.input, pass.output),
        }
    }

    #[inline(never)] // see `compiled.rs`
    fn backward(&self, context: &Context<'_, T>, pass: Backward<'_, T>) {
        let geometry = invariant::checked(self.geometry(context.input_shape), self.kind());
        let Some(input_gradient) = pass.input_gradient else { return };
        match self.pooled {
            Pooled::Maximum => {
                kernel::max_gradient(&geometry, pass.input, pass.output, pass.output_gradient, input_gradient);
            }
            Pooled::Average => kernel::average_gradient(&geometry, pass.output_gradient, input_gradient),
        }
    }
}

impl<T: Scalar> Mirror<T> for Pooling {
    /// Up-sampling by the stride, then a crop or a padding to the image's size.
    fn mirrored(&self, input: Shape, _output: MirrorOutput) -> Option<Vec<Arc<dyn Layer<T>>>> {
        let Geometry { input: size, output: [height, width], channels, .. } = self.geometry(input).ok()?;
        border::brought_to(size, UpSample::new(self.window.stride), Shape::image(height, width, channels))
    }
}
