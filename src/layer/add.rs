//! [`Add`]: the sum of several values.

use super::{Backward, Context, Forward, Layer, Plan, joined_alike};
use crate::{Config, ConfigError, Scalar, Shape, ShapeError};

/// Adds earlier values to its input, element by element: y = x + Σ others. Keras's `Add`.
///
/// Input, what it joins, and output: any shape, the same for all.
///
/// ```
/// use autoencoder::{Activation, Add, Autoencoder, Dense, Shape};
///
/// let model = Autoencoder::<f32>::builder(Shape::flat(20))
///     .encoder(Dense::new(8).activation(Activation::Relu))
///     .encoder(Dense::new(8).activation(Activation::Relu))
///     .encoder(Add::with("encoder.0")) // after its activation
///     .decoder(Dense::new(20))
///     .build()?;
/// # Ok::<(), autoencoder::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Add {
    others: Vec<String>,
}

impl Add {
    /// The name of this kind of layer.
    pub(crate) const KIND: &'static str = "add";

    /// Adds the value named `other`: an earlier layer's output, or `input`.
    pub fn with(other: impl Into<String>) -> Self {
        Self { others: vec![other.into()] }
    }

    /// Adds one more value.
    #[must_use]
    pub fn and(mut self, other: impl Into<String>) -> Self {
        self.others.push(other.into());
        self
    }

    /// Rebuilds the layer from its [`config`](Layer::config). The names of what it joins are stored
    /// with the model.
    ///
    /// # Errors
    /// [`ConfigError`] if there is an entry.
    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        config.only(&[])?;
        Ok(Self::default())
    }
}

impl<T: Scalar> Layer<T> for Add {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn config(&self) -> Config {
        Config::new()
    }

    fn joins(&self) -> &[String] {
        &self.others
    }

    fn plan(&self, input: Shape, joined: &[Shape]) -> Result<Plan, ShapeError> {
        joined_alike(input, joined)?;
        Ok(Plan::new(input).joined(joined.len()))
    }

    #[inline(never)] // see `compiled.rs`
    fn forward(&self, _context: &Context<'_, T>, pass: Forward<'_, T>) {
        pass.output.copy_from_slice(pass.input);
        for other in pass.joined {
            pass.output.iter_mut().zip(*other).for_each(|(sum, other)| *sum += *other);
        }
    }

    #[inline(never)] // see `compiled.rs`
    fn backward(&self, _context: &Context<'_, T>, pass: Backward<'_, T>) {
        let joined = pass.joined_gradients.iter_mut().filter_map(Option::as_deref_mut);
        for gradient in pass.input_gradient.into_iter().chain(joined) {
            gradient.copy_from_slice(pass.output_gradient);
        }
    }
}
