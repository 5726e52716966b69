//! [`Inputs`]: what a layer is checked on.

use std::sync::Arc;

use super::section::Section;
use crate::graph::NamedLayer;
use crate::layer::{Layer, Reshape};
use crate::{Scalar, Shape};

/// What a layer is checked on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Inputs {
    /// The shape of its input.
    pub own: Shape,
    /// The shapes of what it joins.
    pub joined: Vec<Shape>,
}

impl Inputs {
    /// A layer that joins nothing, on samples of this shape.
    pub fn of(own: Shape) -> Self {
        Self { own, joined: Vec::new() }
    }

    /// The shape of a sample that holds them all.
    pub fn together(&self) -> Shape {
        match self.joined.is_empty() {
            true => self.own,
            false => Shape::flat(self.shapes().fold(0, |sum, shape| sum.saturating_add(shape.elements()))),
        }
    }

    /// The shapes in the order in which a sample holds them: the layer's own input is the last.
    fn shapes(&self) -> impl Iterator<Item = Shape> {
        self.joined.iter().copied().chain([self.own])
    }

    pub fn no_operation<T: Scalar>(&self) -> Arc<dyn Layer<T>> {
        Arc::new(Reshape::new(self.together()))
    }

    /// The layers that take what the checked layer reads out of the output of the first one.
    pub fn sections<T: Scalar>(&self) -> Vec<NamedLayer<T>> {
        if self.joined.is_empty() {
            return Vec::new();
        }
        let mut first = 0;
        let section = |(index, shape): (usize, Shape)| {
            let layer = Arc::new(Section::new(first, shape));
            first += shape.elements();
            NamedLayer { name: format!("sections.{index}"), layer, joins: vec!["layers.0".to_owned()] }
        };
        self.shapes().enumerate().map(section).collect()
    }
}
