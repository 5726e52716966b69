//! [`Crop`]: an image without its border.

use std::sync::Arc;

use super::{Backward, Context, Forward, Layer, Mirror, MirrorOutput, Pad, Plan};
use crate::kernel::frame::{self as kernel, Frame};
use crate::{Config, ConfigError, Scalar, Shape, ShapeError, invariant};

/// The name of this kind of layer.
const KIND: &str = "crop";

/// Crops rows and columns at the edges of an image; Keras's `Cropping2D`.
///
/// Input: height × width × channels; output: (height − top − bottom) × (width − left − right) ×
/// channels.
///
/// ```
/// use autoencoder::{Crop, Network, Shape};
///
/// let network = Network::<f32>::builder(Shape::image(28, 28, 1)).layer(Crop::new(2, 2, 4, 4)).build()?;
/// assert_eq!(network.output_shape(), Shape::image(24, 20, 1));
/// # Ok::<(), autoencoder::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Crop {
    rim: [usize; 4],
}

impl Crop {
    /// Removes `top` and `bottom` rows, `left` and `right` columns.
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
        let left_over = |axis, input: usize, before: usize, after: usize| {
            let crop = before.saturating_add(after);
            match input.checked_sub(crop) {
                Some(rest) if rest > 0 => Ok(rest),
                _ => Err(ShapeError::Crop { crop, input, axis }),
            }
        };
        let inner = [left_over("height", height, top, bottom)?, left_over("width", width, left, right)?];
        Ok(Frame { inner, before: [top, left], outer: [height, width], channels })
    }
}

impl<T: Scalar> Layer<T> for Crop {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn config(&self) -> Config {
        Config::new().with("top_bottom_left_right", self.rim)
    }

    fn plan(&self, input: Shape) -> Result<Plan, ShapeError> {
        let frame = self.frame(input)?;
        Ok(Plan::new(Shape::image(frame.inner[0], frame.inner[1], frame.channels)))
    }

    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        let frame = invariant::checked(self.frame(context.input_shape), KIND);
        kernel::crop(&frame, pass.input, pass.output);
    }

    fn backward(&self, context: &Context<'_, T>, pass: Backward<'_, T>) {
        let frame = invariant::checked(self.frame(context.input_shape), KIND);
        let Some(input_gradient) = pass.input_gradient else { return };
        kernel::pad(&frame, pass.output_gradient, input_gradient);
    }

    fn mirror(&self) -> Option<&dyn Mirror<T>> {
        Some(self)
    }
}

impl<T: Scalar> Mirror<T> for Crop {
    fn mirrored(&self, _input: Shape, _output: MirrorOutput) -> Option<Vec<Arc<dyn Layer<T>>>> {
        let [top, bottom, left, right] = self.rim;
        Some(vec![Arc::new(Pad::new(top, bottom, left, right))])
    }
}

/// The layers that bring an image of shape `from` to `to` rows and columns by cropping or
/// zero-padding at the bottom and on the right.
pub(super) fn fit<T: Scalar>(from: Shape, to: [usize; 2]) -> Vec<Arc<dyn Layer<T>>> {
    let Ok([height, width, _]) = from.as_image() else { return Vec::new() };
    let mut layers: Vec<Arc<dyn Layer<T>>> = Vec::new();
    let (too_high, too_wide) = (height.saturating_sub(to[0]), width.saturating_sub(to[1]));
    if too_high + too_wide > 0 {
        layers.push(Arc::new(Crop::new(0, too_high, 0, too_wide)));
    }
    let (too_low, too_narrow) = (to[0].saturating_sub(height), to[1].saturating_sub(width));
    if too_low + too_narrow > 0 {
        layers.push(Arc::new(Pad::new(0, too_low, 0, too_narrow)));
    }
    layers
}
