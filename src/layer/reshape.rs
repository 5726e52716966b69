//! [`Reshape`] and [`Flatten`]: the same numbers with another shape.

use std::sync::Arc;

use super::{Backward, Context, Forward, Layer, Mirror, MirrorOutput, Plan};
use crate::{Config, ConfigError, Scalar, Shape, ShapeError};

/// Gives the input another shape; the numbers keep their order. Costs nothing.
///
/// Input: any shape; output: the given shape, with as many elements.
///
/// ```
/// use autoencoder::{Dense, Network, Reshape, Shape};
///
/// let network = Network::<f32>::builder(Shape::flat(10))
///     .layer(Dense::new(7 * 7 * 16))
///     .layer(Reshape::new(Shape::image(7, 7, 16)))
///     .build()?;
/// assert_eq!(network.output_shape(), Shape::image(7, 7, 16));
/// # Ok::<(), autoencoder::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Reshape {
    shape: Shape,
}

impl Reshape {
    /// Reshapes each sample to `shape`.
    pub fn new(shape: Shape) -> Self {
        Self { shape }
    }

    /// Rebuilds the layer from its [`config`](Layer::config).
    ///
    /// # Errors
    /// [`ConfigError`] if an entry is missing, unknown or invalid.
    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        let wrong = || ConfigError::Invalid { name: "shape".to_owned(), expected: "a list of 1 to 4 whole numbers" };
        let values = config.only(&["shape"])?.list("shape")?;
        let dimensions: Option<Vec<usize>> = values.iter().map(crate::Value::as_integer).collect();
        let shape = Shape::new(&dimensions.ok_or_else(wrong)?).map_err(|_| wrong())?;
        Ok(Self { shape })
    }
}

impl<T: Scalar> Layer<T> for Reshape {
    fn kind(&self) -> &'static str {
        "reshape"
    }

    fn config(&self) -> Config {
        Config::new().with("shape", self.shape.dimensions())
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        let output = self.shape.checked()?;
        match input.elements() == output.elements() {
            true => Ok(Plan::new(output)),
            false => Err(ShapeError::Reshape { from: input, to: output }),
        }
    }

    #[inline(never)] // see `compiled.rs`
    fn forward(&self, _context: &Context<'_, T>, pass: Forward<'_, T>) {
        pass.output.copy_from_slice(pass.input);
    }

    #[inline(never)] // see `compiled.rs`
    fn backward(&self, _context: &Context<'_, T>, pass: Backward<'_, T>) {
        if let Some(input_gradient) = pass.input_gradient {
            input_gradient.copy_from_slice(pass.output_gradient);
        }
    }

    fn mirror(&self) -> Option<&dyn Mirror<T>> {
        Some(self)
    }
}

impl<T: Scalar> Mirror<T> for Reshape {
    fn mirrored(&self, input: Shape, _output: MirrorOutput) -> Option<Vec<Arc<dyn Layer<T>>>> {
        Some(vec![Arc::new(Reshape::new(input))])
    }
}

/// Flattens the input; the numbers keep their order. Costs nothing. A [`Dense`](super::Dense) layer
/// flattens its input itself.
///
/// Input: any shape; output: one feature per element.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Flatten;

impl Flatten {
    /// The same as `Flatten`.
    pub fn new() -> Self {
        Self
    }

    /// Rebuilds the layer from its [`config`](Layer::config).
    ///
    /// # Errors
    /// [`ConfigError`] if an entry is missing, unknown or invalid.
    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        config.only(&[]).map(|_| Self)
    }
}

impl<T: Scalar> Layer<T> for Flatten {
    fn kind(&self) -> &'static str {
        "flatten"
    }

    fn config(&self) -> Config {
        Config::new()
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        Ok(Plan::new(Shape::flat(input.elements())))
    }

    #[inline(never)] // see `compiled.rs`
    fn forward(&self, _context: &Context<'_, T>, pass: Forward<'_, T>) {
        pass.output.copy_from_slice(pass.input);
    }

    #[inline(never)] // see `compiled.rs`
    fn backward(&self, _context: &Context<'_, T>, pass: Backward<'_, T>) {
        if let Some(input_gradient) = pass.input_gradient {
            input_gradient.copy_from_slice(pass.output_gradient);
        }
    }

    fn mirror(&self) -> Option<&dyn Mirror<T>> {
        Some(self)
    }
}

impl<T: Scalar> Mirror<T> for Flatten {
    fn mirrored(&self, input: Shape, _output: MirrorOutput) -> Option<Vec<Arc<dyn Layer<T>>>> {
        Some(vec![Arc::new(Reshape::new(input))])
    }
}
