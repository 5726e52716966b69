//! [`Multiply`]: the product of several values.

use super::{Backward, Context, Forward, Layer, Plan, joined_alike};
use crate::{Config, ConfigError, Scalar, Shape, ShapeError};

/// Multiplies its input by earlier values, element by element: y = x · Π others, as in a gate.
/// Keras's `Multiply`.
///
/// Input, what it joins, and output: any shape, the same for all.
///
/// ```
/// use autoencoder::{Activation, Dense, Multiply, Network, Shape};
///
/// let network = Network::<f32>::builder(Shape::flat(8))
///     .layer(Dense::new(8).activation(Activation::Sigmoid)) // how much of each feature passes
///     .layer(Multiply::with("input"))
///     .build()?;
/// # Ok::<(), autoencoder::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Multiply {
    others: Vec<String>,
}

impl Multiply {
    /// Multiplies by the value named `other`: an earlier layer's output, or `input`.
    pub fn with(other: impl Into<String>) -> Self {
        Self { others: vec![other.into()] }
    }

    /// Multiplies by one more value.
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

impl<T: Scalar> Layer<T> for Multiply {
    fn kind(&self) -> &'static str {
        "multiply"
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
        pass.joined.iter().for_each(|other| multiply(pass.output, other));
    }

    /// Of each factor: the output's gradient times the other factors.
    #[inline(never)] // see `compiled.rs`
    fn backward(&self, _context: &Context<'_, T>, pass: Backward<'_, T>) {
        if let Some(gradient) = pass.input_gradient {
            gradient.copy_from_slice(pass.output_gradient);
            pass.joined.iter().for_each(|other| multiply(gradient, other));
        }
        for (own, gradient) in pass.joined_gradients.iter_mut().enumerate() {
            let Some(gradient) = gradient else { continue };
            gradient.copy_from_slice(pass.output_gradient);
            multiply(gradient, pass.input);
            let others = pass.joined.iter().enumerate().filter(|(other, _)| *other != own);
            others.for_each(|(_, other)| multiply(gradient, other));
        }
    }
}

fn multiply<T: Scalar>(values: &mut [T], factors: &[T]) {
    values.iter_mut().zip(factors).for_each(|(value, factor)| *value *= *factor);
}
