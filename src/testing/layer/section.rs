//! [`Section`]: one of the values that a checked layer reads.

use std::ops::Range;

use crate::layer::{Backward, Context, Forward, Layer, Plan};
use crate::{Config, ConfigError, Scalar, Shape, ShapeError};

/// A part of each sample of the value that it joins, in a shape of its own; its input is not used.
/// So one sample of a network holds all values that a layer joins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    first: usize,
    shape: Shape,
}

impl Section {
    pub const KIND: &'static str = "section";

    /// The elements from `first` on.
    pub fn new(first: usize, shape: Shape) -> Self {
        Self { first, shape }
    }

    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        let config = config.only(&["first", "shape"])?;
        let invalid = || ConfigError::Invalid { name: "shape".to_owned(), expected: "the dimensions of a shape" };
        let dimensions: Option<Vec<usize>> = config.list("shape")?.iter().map(|size| size.as_integer()).collect();
        let shape = dimensions.and_then(|dimensions| Shape::new(&dimensions).ok()).ok_or_else(invalid)?;
        Ok(Self::new(config.integer("first")?, shape))
    }

    fn range(&self) -> Range<usize> {
        self.first..self.first + self.shape.elements()
    }
}

impl<T: Scalar> Layer<T> for Section {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn config(&self) -> Config {
        Config::new().with("first", self.first).with("shape", self.shape.dimensions())
    }

    fn plan(&self, _input: Shape, joined: &[Shape]) -> Result<Plan, ShapeError> {
        match joined {
            [whole] if whole.elements() >= self.first.saturating_add(self.shape.elements()) => {
                Ok(Plan::new(self.shape).joined(1))
            }
            _ => Err(ShapeError::JoinsNothing),
        }
    }

    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        let ([joined], [whole]) = (pass.joined, context.joined_shapes) else { return };
        let parts = joined.chunks_exact(whole.elements()).filter_map(|sample| sample.get(self.range()));
        pass.output.chunks_exact_mut(self.shape.elements()).zip(parts).for_each(|(to, from)| to.copy_from_slice(from));
    }

    fn backward(&self, context: &Context<'_, T>, pass: Backward<'_, T>) {
        pass.input_gradient.into_iter().for_each(|gradient| gradient.fill(T::zero()));
        let ([Some(gradient)], [whole]) = (pass.joined_gradients, context.joined_shapes) else { return };
        gradient.fill(T::zero());
        let parts = gradient.chunks_exact_mut(whole.elements()).filter_map(|sample| sample.get_mut(self.range()));
        let gradients = pass.output_gradient.chunks_exact(self.shape.elements());
        parts.zip(gradients).for_each(|(to, from)| to.copy_from_slice(from));
    }
}
