//! [`Crop`] and [`Pad`]: one layer, [`Border`], but for what becomes of an image's edges.

use std::sync::Arc;

use super::delegate::delegate_layer;
use super::{Backward, Context, Forward, Layer, Mirror, MirrorOutput, Plan};
use crate::kernel::frame::{self as kernel, Frame};
use crate::shape::checked_sum;
use crate::{Config, ConfigError, Scalar, Shape, ShapeError, invariant};

/// The name of the option, in files too.
const WIDTHS: &str = "top_bottom_left_right";

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
    border: Border,
}

impl Crop {
    /// Removes `top` and `bottom` rows, `left` and `right` columns.
    pub fn new(top: usize, bottom: usize, left: usize, right: usize) -> Self {
        Self { border: Border { edges: Edges::Removed, widths: [top, bottom, left, right] } }
    }

    /// Rebuilds the layer from its [`config`](Layer::config).
    ///
    /// # Errors
    /// [`ConfigError`] if an entry is missing, unknown or invalid.
    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        Border::from_config(Edges::Removed, config).map(|border| Self { border })
    }
}

delegate_layer!(Crop, border);

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
    border: Border,
}

impl Pad {
    /// Adds `top` and `bottom` rows, `left` and `right` columns.
    pub fn new(top: usize, bottom: usize, left: usize, right: usize) -> Self {
        Self { border: Border { edges: Edges::Added, widths: [top, bottom, left, right] } }
    }

    /// Rebuilds the layer from its [`config`](Layer::config).
    ///
    /// # Errors
    /// [`ConfigError`] if an entry is missing, unknown or invalid.
    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        Border::from_config(Edges::Added, config).map(|border| Self { border })
    }
}

delegate_layer!(Pad, border);

/// What becomes of the rows and columns at the edges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edges {
    Removed,
    /// As zeros.
    Added,
}

/// An image without its border, or with a border of zeros.
#[derive(Debug, Clone, PartialEq)]
struct Border {
    edges: Edges,
    /// Rows at the top and at the bottom, columns on the left and on the right.
    widths: [usize; 4],
}

impl Border {
    fn from_config(edges: Edges, config: &Config) -> Result<Self, ConfigError> {
        Ok(Self { edges, widths: config.only(&[WIDTHS])?.integers(WIDTHS)? })
    }

    fn kind(&self) -> &'static str {
        match self.edges {
            Edges::Removed => "crop",
            Edges::Added => "pad",
        }
    }

    /// The smaller image within the larger one.
    fn frame(&self, input: Shape) -> Result<Frame, ShapeError> {
        let [height, width, channels] = input.checked()?.as_image()?;
        let [top, bottom, left, right] = self.widths;
        let left_over = |axis, input: usize, before: usize, after: usize| {
            let crop = before.saturating_add(after);
            match input.checked_sub(crop) {
                Some(rest) if rest > 0 => Ok(rest),
                _ => Err(ShapeError::Crop { crop, input, axis }),
            }
        };
        let [inner, outer] = match self.edges {
            Edges::Removed => {
                let inner = [left_over("height", height, top, bottom)?, left_over("width", width, left, right)?];
                [inner, [height, width]]
            }
            Edges::Added => {
                let rows = checked_sum("rows of a padded image", &[height, top, bottom])?;
                let columns = checked_sum("columns of a padded image", &[width, left, right])?;
                [[height, width], [rows, columns]]
            }
        };
        Ok(Frame { inner, before: [top, left], outer, channels })
    }
}

impl<T: Scalar> Layer<T> for Border {
    fn kind(&self) -> &'static str {
        self.kind()
    }

    fn config(&self) -> Config {
        Config::new().with(WIDTHS, self.widths)
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        let Frame { inner, outer, channels, .. } = self.frame(input)?;
        let [height, width] = match self.edges {
            Edges::Removed => inner,
            Edges::Added => outer,
        };
        Ok(Plan::new(Shape::image(height, width, channels).checked()?))
    }

    #[inline(never)] // see `compiled.rs`
    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        let frame = invariant::checked(self.frame(context.input_shape), self.kind());
        match self.edges {
            Edges::Removed => kernel::crop(&frame, pass.input, pass.output),
            Edges::Added => kernel::pad(&frame, pass.input, pass.output),
        }
    }

    /// What is cut off the image is added to its gradient, and the other way round.
    #[inline(never)] // see `compiled.rs`
    fn backward(&self, context: &Context<'_, T>, pass: Backward<'_, T>) {
        let frame = invariant::checked(self.frame(context.input_shape), self.kind());
        let Some(input_gradient) = pass.input_gradient else { return };
        match self.edges {
            Edges::Removed => kernel::pad(&frame, pass.output_gradient, input_gradient),
            Edges::Added => kernel::crop(&frame, pass.output_gradient, input_gradient),
        }
    }
}

impl<T: Scalar> Mirror<T> for Border {
    fn mirrored(&self, _input: Shape, _output: MirrorOutput) -> Option<Vec<Arc<dyn Layer<T>>>> {
        let [top, bottom, left, right] = self.widths;
        Some(match self.edges {
            Edges::Removed => vec![Arc::new(Pad::new(top, bottom, left, right))],
            Edges::Added => vec![Arc::new(Crop::new(top, bottom, left, right))],
        })
    }
}

/// `layer`, which reads samples of shape `input`, and the crop or the zero padding, at the bottom
/// and on the right, that brings its output to `size` rows and columns.
pub(super) fn brought_to<T: Scalar>(
    size: [usize; 2],
    layer: impl Layer<T>,
    input: Shape,
) -> Option<Vec<Arc<dyn Layer<T>>>> {
    let [height, width, _] = layer.plan(input, &[]).ok()?.output().as_image().ok()?;
    let mut layers: Vec<Arc<dyn Layer<T>>> = vec![Arc::new(layer)];
    let (too_high, too_wide) = (height.saturating_sub(size[0]), width.saturating_sub(size[1]));
    if too_high + too_wide > 0 {
        layers.push(Arc::new(Crop::new(0, too_high, 0, too_wide)));
    }
    let (too_low, too_narrow) = (size[0].saturating_sub(height), size[1].saturating_sub(width));
    if too_low + too_narrow > 0 {
        layers.push(Arc::new(Pad::new(0, too_low, 0, too_narrow)));
    }
    Some(layers)
}
