//! [`Pad`]: an image with a border of zeros.

use std::sync::Arc;

use super::{Backward, Context, Crop, Forward, Layer, Mirror, MirrorOutput, Plan};
use crate::kernel::frame::{self as kernel, Frame};
use crate::shape::checked_sum;
use crate::{Config, ConfigError, Scalar, Shape, ShapeError, invariant};

/// The name of this kind of layer.
const KIND: &str = "pad";

/// Adds rows and columns of zeros at the edges of an image; Keras's `ZeroPadding2D`.
///
/// Input: height × width × channels; output: (height + top + bottom) × (width + left + right) ×
/// channels.
///
/// ```
/// use autoencoder::{Network, Pad, Shape};
///
/// let network = Network::<f32>::builder(Shape::image(28, 28, 1)).layer(Pad::new(2, 2, 4, 4)).build()?;
/// assert_eq!(network.output_shape(), Shape::image(32, 36, 1));
/// # Ok::<(), autoencoder::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Pad {
    rim: [usize; 4],
}

impl Pad {
    /// Adds `top` and `bottom` rows, `left` and `right` columns.
    pub fn new(top: usize, bottom: usize, left: usize, right: usize) -> Self {
        Self { rim: [top, bottom, left, right] }
    }

    /// Rebuilds the layer from its [`config`](Layer::config).
    ///
    /// # Errors
    /// [`ConfigError`] if an entry is missing, unknown or invalid.
    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        let rim = config.only(&["top_bottom_left_right"])?.integers::<4>("top_bottom_left_right")?;
        Ok(Self { rim })
    }

    fn frame(&self, input: Shape) -> Result<Frame, ShapeError> {
        let [height, width, channels] = input.checked()?.as_image()?;
        let [top, bottom, left, right] = self.rim;
        let outer = [
            checked_sum("rows of a padded image", &[height, top, bottom])?,
            checked_sum("columns of a padded image", &[width, left, right])?,
        ];
        Ok(Frame { inner: [height, width], before: [top, left], outer, channels })
    }
}

impl<T: Scalar> Layer<T> for Pad {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn config(&self) -> Config {
        Config::new().with("top_bottom_left_right", self.rim)
    }

    fn plan(&self, input: Shape) -> Result<Plan, ShapeError> {
        let frame = self.frame(input)?;
        Ok(Plan::new(Shape::image(frame.outer[0], frame.outer[1], frame.channels).checked()?))
    }

    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        let frame = invariant::checked(self.frame(context.input_shape), KIND);
        kernel::pad(&frame, pass.input, pass.output);
    }

    fn backward(&self, context: &Context<'_, T>, pass: Backward<'_, T>) {
        let frame = invariant::checked(self.frame(context.input_shape), KIND);
        let Some(input_gradient) = pass.input_gradient else { return };
        kernel::crop(&frame, pass.output_gradient, input_gradient);
    }

    fn mirror(&self) -> Option<&dyn Mirror<T>> {
        Some(self)
    }
}

impl<T: Scalar> Mirror<T> for Pad {
    fn mirrored(&self, _input: Shape, _output: MirrorOutput) -> Option<Vec<Arc<dyn Layer<T>>>> {
        let [top, bottom, left, right] = self.rim;
        Some(vec![Arc::new(Crop::new(top, bottom, left, right))])
    }
}
