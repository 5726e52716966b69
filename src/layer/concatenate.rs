//! [`Concatenate`]: several values side by side.

use super::{Backward, Context, Forward, Layer, Plan};
use crate::shape::checked_sum;
use crate::{Config, ConfigError, Scalar, Shape, ShapeError};

/// Puts earlier values behind its input, along the last dimension: channels of an image, features
/// of a flat shape. Keras's `Concatenate`.
///
/// Input and what it joins: shapes that differ only along the axis; output: their sizes there,
/// added up.
///
/// ```
/// use autoencoder::{Concatenate, Conv2D, MaxPool, Network, Shape, UpSample};
///
/// let network = Network::<f32>::builder(Shape::image(28, 28, 1))
///     .layer_named("fine", Conv2D::new(16, 3))
///     .layer(MaxPool::new(2))
///     .layer(UpSample::new(2))
///     .layer(Concatenate::with("layers.fine"))
///     .build()?;
/// assert_eq!(network.output_shape(), Shape::image(28, 28, 32));
/// # Ok::<(), autoencoder::Error>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Concatenate {
    others: Vec<String>,
    axis: Option<usize>,
}

impl Concatenate {
    /// Puts the value named `other` behind the input: an earlier layer's output, or `input`.
    pub fn with(other: impl Into<String>) -> Self {
        Self { others: vec![other.into()], axis: None }
    }

    /// Puts one more value behind.
    #[must_use]
    pub fn and(mut self, other: impl Into<String>) -> Self {
        self.others.push(other.into());
        self
    }

    /// Sets the dimension along which they are put side by side, counted from 0; the last one by
    /// default.
    #[must_use]
    pub fn axis(mut self, axis: usize) -> Self {
        self.axis = Some(axis);
        self
    }

    /// Rebuilds the layer from its [`config`](Layer::config). The names of what it joins are stored
    /// with the model.
    ///
    /// # Errors
    /// [`ConfigError`] if an entry is unknown or invalid.
    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        let config = config.only(&["axis"])?;
        let axis = config.find("axis").map(|_| config.integer("axis")).transpose()?;
        Ok(Self { others: Vec::new(), axis })
    }

    /// The elements of `shape` from the axis on: a sample is made of runs of so many.
    fn run(&self, shape: Shape) -> usize {
        let axis = self.axis.unwrap_or(shape.dimensions().len().saturating_sub(1));
        shape.dimensions().iter().skip(axis).product()
    }
}

impl<T: Scalar> Layer<T> for Concatenate {
    fn kind(&self) -> &'static str {
        "concatenate"
    }

    fn config(&self) -> Config {
        self.axis.map_or(Config::new(), |axis| Config::new().with("axis", axis))
    }

    fn joins(&self) -> &[String] {
        &self.others
    }

    fn plan(&self, input: Shape, joined: &[Shape]) -> Result<Plan, ShapeError> {
        if joined.is_empty() {
            return Err(ShapeError::JoinsNothing);
        }
        let mut dimensions = input.dimensions().to_vec();
        let axis = self.axis.unwrap_or(dimensions.len() - 1);
        let expected = "concatenating takes shapes that have the axis and differ only along it";
        for found in joined {
            let alike = |(place, (one, other)): (usize, (&usize, &usize))| place == axis || one == other;
            let same_rank = found.dimensions().len() == dimensions.len();
            let (Some(size), Some(more)) = (dimensions.get(axis), found.dimensions().get(axis)) else {
                return Err(ShapeError::Joined { input, found: *found, expected });
            };
            if !same_rank || !dimensions.iter().zip(found.dimensions()).enumerate().all(alike) {
                return Err(ShapeError::Joined { input, found: *found, expected });
            }
            let sum = checked_sum("elements of a sample", &[*size, *more])?;
            dimensions.get_mut(axis).into_iter().for_each(|size| *size = sum);
        }
        Ok(Plan::new(Shape::new(&dimensions)?).joined(joined.len()))
    }

    #[inline(never)] // see `compiled.rs`
    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        let whole = self.run(context.output_shape);
        let mut first = 0;
        let shapes = std::iter::once(&context.input_shape).chain(context.joined_shapes);
        for (shape, values) in shapes.zip(std::iter::once(&pass.input).chain(pass.joined)) {
            let run = self.run(*shape);
            let places = pass.output.chunks_exact_mut(whole).filter_map(|output| output.get_mut(first..first + run));
            places.zip(values.chunks_exact(run)).for_each(|(to, from)| to.copy_from_slice(from));
            first += run;
        }
    }

    #[inline(never)] // see `compiled.rs`
    fn backward(&self, context: &Context<'_, T>, pass: Backward<'_, T>) {
        let whole = self.run(context.output_shape);
        let mut first = 0;
        let mut input_gradient = pass.input_gradient;
        let shapes = std::iter::once(&context.input_shape).chain(context.joined_shapes);
        for (shape, gradient) in shapes.zip(std::iter::once(&mut input_gradient).chain(pass.joined_gradients)) {
            let run = self.run(*shape);
            if let Some(gradient) = gradient {
                let places = pass.output_gradient.chunks_exact(whole).filter_map(|sum| sum.get(first..first + run));
                gradient.chunks_exact_mut(run).zip(places).for_each(|(to, from)| to.copy_from_slice(from));
            }
            first += run;
        }
    }
}
