//! [`UpSample`]: enlarges an image.

use std::sync::Arc;

use super::window::Extent;
use super::{AvgPool, Backward, Context, Forward, Layer, Mirror, MirrorOutput, Plan};
use crate::kernel::resample as kernel;
use crate::shape::checked_product;
use crate::{Config, ConfigError, Scalar, Shape, ShapeError, invariant};

/// The name of this kind of layer.
const KIND: &str = "up_sample";

/// How the pixels of an enlarged image are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Interpolation {
    /// Each pixel is repeated: y(u, v) = x(⌊u / factor⌋, ⌊v / factor⌋).
    #[default]
    Nearest,
    /// Linear in both directions between pixel centres at half-integers, constant beyond the
    /// outermost centres: along the rows y(u) = (1 − t)·x(i) + t·x(i + 1), where i + t = (u +
    /// ½) / factor − ½, clamped to 0..=rows − 1; then likewise along the columns.
    Bilinear,
}

/// Enlarges an image by a whole factor, channel by channel; Keras's `UpSampling2D`.
///
/// Input: height × width × channels; output: height·factor × width·factor × channels.
///
/// ```
/// use autoencoder::{Interpolation, Network, Shape, UpSample};
///
/// let enlarge = UpSample::new(2).interpolation(Interpolation::Bilinear);
/// let network = Network::<f32>::builder(Shape::image(14, 14, 8)).layer(enlarge).build()?;
/// assert_eq!(network.output_shape(), Shape::image(28, 28, 8));
/// # Ok::<(), autoencoder::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct UpSample {
    factor: Extent,
    interpolation: Interpolation,
}

impl UpSample {
    /// Repeats each pixel `factor` times (`2`, or `(2, 3)` for height and width).
    pub fn new(factor: impl Into<Extent>) -> Self {
        Self { factor: factor.into(), interpolation: Interpolation::Nearest }
    }

    /// Sets the interpolation; `Nearest` by default.
    #[must_use]
    pub fn interpolation(mut self, interpolation: Interpolation) -> Self {
        self.interpolation = interpolation;
        self
    }

    /// Rebuilds the layer from its [`config`](Layer::config).
    ///
    /// # Errors
    /// [`ConfigError`] if an entry is missing, unknown or invalid.
    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        config.only(&["factor", "interpolation"])?;
        let interpolation = match config.text("interpolation")? {
            "nearest" => Interpolation::Nearest,
            "bilinear" => Interpolation::Bilinear,
            _ => {
                let expected = "`nearest` or `bilinear`";
                return Err(ConfigError::Invalid { name: "interpolation".to_owned(), expected });
            }
        };
        Ok(Self::new(Extent::read(config, "factor")?).interpolation(interpolation))
    }

    /// How many times each pixel is repeated down and across; `None` for other interpolations.
    pub(super) fn nearest_factor(&self) -> Option<[usize; 2]> {
        (self.interpolation == Interpolation::Nearest).then_some(self.factor.pair())
    }

    fn geometry(&self, input: Shape) -> Result<kernel::Geometry, ShapeError> {
        let [height, width, channels] = input.checked()?.as_image()?;
        let factor = self.factor.checked("factor")?.pair();
        checked_product("rows of an enlarged image", &[height, factor[0]])?;
        checked_product("columns of an enlarged image", &[width, factor[1]])?;
        Ok(kernel::Geometry { input: [height, width], channels, factor })
    }
}

impl<T: Scalar> Layer<T> for UpSample {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn config(&self) -> Config {
        let interpolation = match self.interpolation {
            Interpolation::Nearest => "nearest",
            Interpolation::Bilinear => "bilinear",
        };
        Config::new().with("factor", self.factor).with("interpolation", interpolation)
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        let geometry = self.geometry(input)?;
        let [height, width] = geometry.output();
        let output = Shape::image(height, width, geometry.channels).checked()?;
        Ok(Plan::new(output).work_per_sample(output.elements()))
    }

    #[inline(never)] // see `compiled.rs`
    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        let geometry = invariant::checked(self.geometry(context.input_shape), KIND);
        match self.interpolation {
            Interpolation::Nearest => kernel::nearest(&geometry, pass.input, pass.output),
            Interpolation::Bilinear => kernel::bilinear(&geometry, pass.input, pass.output),
        }
    }

    #[inline(never)] // see `compiled.rs`
    fn backward(&self, context: &Context<'_, T>, pass: Backward<'_, T>) {
        let geometry = invariant::checked(self.geometry(context.input_shape), KIND);
        let Some(input_gradient) = pass.input_gradient else { return };
        match self.interpolation {
            Interpolation::Nearest => kernel::nearest_gradient(&geometry, pass.output_gradient, input_gradient),
            Interpolation::Bilinear => kernel::bilinear_gradient(&geometry, pass.output_gradient, input_gradient),
        }
    }

    fn mirror(&self) -> Option<&dyn Mirror<T>> {
        Some(self)
    }
}

impl<T: Scalar> Mirror<T> for UpSample {
    fn mirrored(&self, _input: Shape, _output: MirrorOutput) -> Option<Vec<Arc<dyn Layer<T>>>> {
        Some(vec![Arc::new(AvgPool::new(self.factor))])
    }
}
