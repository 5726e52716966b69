//! [`Block`]: layers that are added to a model as one.

use std::sync::Arc;

use super::definition::{INPUT, NamedLayer, is_or_contains};
use super::{BuildError, BuildErrorKind};
use crate::Scalar;
use crate::layer::Layer;

/// Layers that are added to a model as one: a residual block, a gate.
///
/// A block is used like a layer, in either half of an autoencoder, in a network or in another
/// block. It expands into its layers; a model that it is part of is saved, summarised and trained
/// as if they had been added one by one. A layer named `sum` in the block `encoder.2` is
/// `encoder.2.sum`.
///
/// Names that its layers join ([`Layer::joins`]) are those of the block's own layers, and `input`
/// for what the block reads. Other names are looked for outside. A tied layer names the one that it
/// shares a weight with in full (`encoder.0`).
///
/// ```
/// use autoencoder::{Activation, Add, Block, Conv2D, Network, Scalar, Shape};
///
/// /// Two convolutions with a skip connection.
/// fn residual<T: Scalar>(filters: usize) -> Block<T> {
///     Block::new()
///         .layer(Conv2D::new(filters, 3).activation(Activation::Relu))
///         .layer(Conv2D::new(filters, 3))
///         .named("sum", Add::with("input"))
///         .layer(Activation::Relu)
/// }
///
/// let builder = Network::<f32>::builder(Shape::image(28, 28, 8));
/// let network = builder.layer(residual(8)).layer(residual(8)).build()?;
/// let names: Vec<&str> = network.layers().map(|(name, _)| name).collect();
/// assert_eq!(names[..4], ["layers.0.0", "layers.0.1", "layers.0.sum", "layers.0.3"]);
/// # Ok::<(), autoencoder::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Block<T: Scalar>(LayerList<T>);

impl<T: Scalar> Block<T> {
    /// A block without layers: what reads it reads what it would have read.
    pub fn new() -> Self {
        Self(LayerList::new())
    }

    /// Adds a layer, or another block. Its name is the number of those before it.
    #[must_use]
    pub fn layer<Kind>(mut self, layer: impl IntoLayers<T, Kind>) -> Self {
        self.0.add(None, layer.into_layers());
        self
    }

    /// Adds a layer, or another block, named `name`.
    #[must_use]
    pub fn named<Kind>(mut self, name: &str, layer: impl IntoLayers<T, Kind>) -> Self {
        self.0.add(Some(name), layer.into_layers());
        self
    }

    /// Its layers as those of the block named `block`, which reads the value `before`.
    fn expand(&self, block: &str, before: &str) -> Result<Vec<NamedLayer<T>>, BuildError> {
        let layers = self.0.expand("", 0, INPUT).map_err(|error| error.within(block))?;
        let names: Vec<String> = layers.iter().map(|layer| layer.name.clone()).collect();
        let from_outside = |inside: String| match names.iter().any(|own| is_or_contains(&inside, own)) {
            true => format!("{block}.{inside}"),
            false if inside == INPUT => before.to_owned(),
            false => inside,
        };
        let layers = layers.into_iter().map(|NamedLayer { name, layer, joins }| NamedLayer {
            name: format!("{block}.{name}"),
            layer,
            joins: joins.into_iter().map(from_outside).collect(),
        });
        Ok(layers.collect())
    }
}

impl<T: Scalar> Default for Block<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// What can be added to a model: a [`Layer`], or a [`Block`] of layers. `Kind` tells the two apart;
/// it is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a layer nor a block of layers of {T}",
    note = "implement `Layer<{T}>` for it, or make a `Block<{T}>` of layers"
)]
pub trait IntoLayers<T: Scalar, Kind> {
    #[doc(hidden)]
    fn into_layers(self) -> Layers<T>;
}

/// One layer, or those of a block.
#[doc(hidden)]
#[derive(Debug, Clone)]
pub enum Layers<T: Scalar> {
    One(Arc<dyn Layer<T>>),
    Block(Block<T>),
}

impl<T: Scalar> Layers<T> {
    fn kind(&self) -> &'static str {
        match self {
            Self::One(layer) => layer.kind(),
            Self::Block(_) => "block",
        }
    }
}

/// The kind of a single layer.
#[doc(hidden)]
#[derive(Debug)]
pub enum IsLayer {}

/// The kind of a block.
#[doc(hidden)]
#[derive(Debug)]
pub enum IsBlock {}

impl<T: Scalar, L: Layer<T>> IntoLayers<T, IsLayer> for L {
    fn into_layers(self) -> Layers<T> {
        Layers::One(Arc::new(self))
    }
}

impl<T: Scalar> IntoLayers<T, IsBlock> for Block<T> {
    fn into_layers(self) -> Layers<T> {
        Layers::Block(self)
    }
}

/// Layers and blocks in the order in which they were added, with the names of those that have one.
#[derive(Debug, Clone)]
pub(crate) struct LayerList<T: Scalar>(Vec<(Option<String>, Layers<T>)>);

impl<T: Scalar> LayerList<T> {
    pub fn new() -> Self {
        Self(Vec::new())
    }

    pub fn add(&mut self, name: Option<&str>, layers: Layers<T>) {
        self.0.push((name.map(str::to_owned), layers));
    }

    /// The layers in order. Their names begin with `prefix`; one without a name is named by its
    /// place, counted from `first`. The first one reads the value `before`.
    ///
    /// # Errors
    /// [`BuildErrorKind::Name`] and [`BuildErrorKind::NameTaken`].
    pub fn expand(&self, prefix: &str, first: usize, before: &str) -> Result<Vec<NamedLayer<T>>, BuildError> {
        let (mut all, mut names): (Vec<NamedLayer<T>>, Vec<String>) = (Vec::new(), Vec::new());
        for (place, (name, layers)) in (first..).zip(&self.0) {
            let own = name.clone().unwrap_or_else(|| place.to_string());
            let name = if prefix.is_empty() { own.clone() } else { format!("{prefix}.{own}") };
            if own.is_empty() || own.contains('.') || own == INPUT {
                return Err(BuildError::new(&name, layers.kind(), BuildErrorKind::Name { name: own }));
            }
            if names.contains(&own) {
                return Err(BuildError::new(&name, layers.kind(), BuildErrorKind::NameTaken));
            }
            let layers = match layers {
                Layers::One(layer) => vec![NamedLayer::new(name, Arc::clone(layer))],
                Layers::Block(block) => block.expand(&name, all.last().map_or(before, |layer| &layer.name))?,
            };
            all.extend(layers);
            names.push(own);
        }
        Ok(all)
    }
}
