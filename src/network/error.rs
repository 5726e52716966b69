//! What can be wrong with a network's description or its parameters.

use thiserror::Error;

use crate::{Shape, ShapeError};

/// Why a model cannot be built: which layer, and what about it.
#[derive(Clone, PartialEq, Error)]
#[error("layer `{layer}` ({layer_kind}): {kind}")]
pub struct BuildError {
    layer: String,
    layer_kind: String,
    kind: Box<BuildErrorKind>, // in a box, so that an error is not what makes every `Result` large
}

impl BuildError {
    pub(crate) fn new(layer: &str, layer_kind: &str, kind: impl Into<BuildErrorKind>) -> Self {
        Self { layer: layer.to_owned(), layer_kind: layer_kind.to_owned(), kind: Box::new(kind.into()) }
    }

    /// The name of the layer, `encoder.2` for instance; `model` where it is about the whole.
    pub fn layer(&self) -> &str {
        &self.layer
    }

    /// What is wrong with it.
    pub fn kind(&self) -> &BuildErrorKind {
        &self.kind
    }
}

/// What is wrong with a layer of a model.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum BuildErrorKind {
    /// The layer cannot work on the shape it is given.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// There are no layers.
    #[error("there are no layers")]
    NoLayers,
    /// The decoder gives something else than the encoder takes.
    #[error("the decoder ends in {output} ({} elements), the model's input is {input} ({} elements)", output.elements(), input.elements())]
    Reconstruction {
        /// The shape of the decoder's output.
        output: Shape,
        /// The shape of the model's input.
        input: Shape,
    },
    /// A mirrored decoder has no layer for this one.
    #[error("there is no mirror image of this layer; write the decoder out")]
    NoMirror,
    /// A shared parameter refers to one that does not exist, or not before it.
    #[error("`{name}` is not a parameter of an earlier layer")]
    NoSuchParameter {
        /// The name referred to.
        name: String,
    },
    /// A shared parameter has another shape than the one it refers to.
    #[error("the parameter shared with `{name}` has the shape {found:?}, that one has {expected:?}")]
    SharedShape {
        /// The name referred to.
        name: String,
        /// The shape of the parameter referred to.
        expected: Vec<usize>,
        /// The shape asked for.
        found: Vec<usize>,
    },
    /// Two layers ask for side inputs of different sizes.
    #[error("a side input of {found} features is asked for, an earlier layer asks for {expected}")]
    SideInput {
        /// What the earlier layer asks for.
        expected: usize,
        /// What this one asks for.
        found: usize,
    },
    /// An initializer gave a number that is not finite, or the state begins with one.
    #[error("the initial `{parameter}` is not finite; check its initializer")]
    NotFinite {
        /// The parameter, or the tensor of the state.
        parameter: &'static str,
    },
    /// A scaler is for another number of features.
    #[error("the scaler is for {found} features, the model takes {expected}")]
    Scaler {
        /// The model's features.
        expected: usize,
        /// The scaler's.
        found: usize,
    },
    /// The memory cannot be allocated.
    #[error("cannot allocate memory for {elements} elements")]
    OutOfMemory {
        /// How many were asked for.
        elements: usize,
    },
}

/// Why a parameter cannot be read or set.
#[derive(Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum ParameterError {
    /// There is none of that name.
    #[error("there is no parameter `{name}`")]
    Unknown {
        /// The name asked for.
        name: String,
    },
    /// No parameter's name begins so.
    #[error("no parameter's name begins with `{prefix}`")]
    NoneBegins {
        /// The prefix asked for.
        prefix: String,
    },
    /// Another number of elements.
    #[error("`{name}` has {expected} elements, {found} were given")]
    Length {
        /// The parameter.
        name: String,
        /// Its elements.
        expected: usize,
        /// Elements given.
        found: usize,
    },
    /// A value is NaN or infinite.
    #[error("element {element} given for `{name}` is not finite")]
    NotFinite {
        /// The parameter.
        name: String,
        /// The element.
        element: usize,
    },
}
