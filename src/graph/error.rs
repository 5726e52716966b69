//! Errors of a network's description or its parameters.

use thiserror::Error;

use crate::{Shape, ShapeError};

/// Why a model cannot be built: which layer, and what is wrong with it.
#[derive(Clone, PartialEq, Error)]
#[error("layer `{layer}` ({layer_kind}): {kind}")]
pub struct BuildError {
    layer: String,
    layer_kind: String,
    kind: Box<BuildErrorKind>, // boxed to keep every `Result` small
}

impl BuildError {
    pub(crate) fn new(layer: &str, layer_kind: &str, kind: impl Into<BuildErrorKind>) -> Self {
        Self { layer: layer.to_owned(), layer_kind: layer_kind.to_owned(), kind: Box::new(kind.into()) }
    }

    /// The same about a layer of the block named `block`.
    pub(super) fn within(self, block: &str) -> Self {
        Self { layer: format!("{block}.{}", self.layer), ..self }
    }

    /// The name of the layer, `encoder.2` for instance; `model` if the error concerns the whole
    /// model.
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
    /// The layer does not accept its input shape.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// There are no layers.
    #[error(
        "there are no layers; add them: a network's with `.layer`, an autoencoder's with `.encoder` and `.decoder`, or its \
         whole decoder with `.mirror`"
    )]
    NoLayers,
    /// The decoder's output and the encoder's input differ in their number of elements.
    #[error(
        "the decoder ends in {output} ({} elements), the model's input is {input} ({} elements); {}",
        output.elements(),
        input.elements(),
        made_equal(*output, *input)
    )]
    Reconstruction {
        /// The shape of the decoder's output.
        output: Shape,
        /// The shape of the model's input.
        input: Shape,
    },
    /// The layer's plan asks for something that only a capability provides.
    #[error("its plan asks for {asked}, but `Layer::{capability}` is `None`: implement it, or do not ask")]
    Capability {
        /// The method of [`Layer`](crate::Layer) to implement.
        capability: &'static str,
        /// What the plan asks for.
        asked: &'static str,
    },
    /// This layer has no counterpart for a mirrored decoder.
    #[error("there is no mirror image of this layer; write the decoder out with `.decoder`, layer by layer")]
    NoMirror,
    /// The layer's counterpart would be the last of a mirrored decoder, and pad the images with
    /// zeros.
    #[error(
        "a mirrored decoder would end in padding: its outermost pixels would always be 0; put a convolution before \
         this layer, pad the images so that it leaves nothing out, or write the decoder out"
    )]
    MirrorPads,
    /// A shared parameter refers to one that does not exist, or comes later.
    #[error(
        "`{name}` is not a parameter of an earlier layer; share one of a layer that comes before, as `tied_to(\"encoder.0\")` does"
    )]
    NoSuchParameter {
        /// The name referred to.
        name: String,
    },
    /// A shared parameter has another shape than the one it refers to.
    #[error(
        "the parameter shared with `{name}` has the shape {found:?}, that one has {expected:?}; choose units, filters and \
         kernels that make them equal"
    )]
    SharedShape {
        /// The name referred to.
        name: String,
        /// The shape of the parameter referred to.
        expected: Vec<usize>,
        /// The shape of the shared parameter.
        found: Vec<usize>,
    },
    /// The layer joins a value that does not exist.
    #[error(
        "it joins `{name}`, which {}; it can join {}",
        if *later { "comes later, or contains it" } else { "does not exist" },
        listed(available)
    )]
    NoSuchValue {
        /// The name that it joins.
        name: String,
        /// Whether a later layer has this name.
        later: bool,
        /// What it can join.
        available: Vec<String>,
    },
    /// An earlier layer or block has the same name, or the network's input has.
    #[error("an earlier layer or block, or the model's input, has this name; give each its own")]
    NameTaken,
    /// A name that a layer cannot have.
    #[error("a layer cannot be named {name:?}; give it a name that is not empty, has no dots and is not `input`")]
    Name {
        /// The name.
        name: String,
    },
    /// The layer's plan does not take what the layer is to join.
    #[error(
        "it is to join {joined} values, but its plan takes {taken}; join nothing, or let `Layer::plan` say \
         `Plan::joined({joined})`"
    )]
    JoinsInVain {
        /// What the layer is to join.
        joined: usize,
        /// What its plan takes.
        taken: usize,
    },
    /// No layer is behind the one at which a network is cut.
    #[error("no layer is behind it; cut the network at an earlier one")]
    NothingBehind,
    /// The layer joins too many values.
    #[error(
        "it joins {joined} values, {} are the most; join some of them in a layer before it",
        crate::layer::MAX_JOINED
    )]
    JoinsTooMany {
        /// The number of values.
        joined: usize,
    },
    /// The layer joins a value outside the part of a network that it is in.
    #[error(
        "it joins `{value}`, which is not in this part of the model: the part cannot run without it; run the whole \
         model, or cut it where nothing is joined across"
    )]
    JoinsOutside {
        /// The value.
        value: String,
    },
    /// Two layers need side inputs of different sizes.
    #[error(
        "a side input of {found} features is asked for, an earlier layer asks for {expected}; all layers of a model share \
         one: let them ask for as many"
    )]
    SideInput {
        /// The size that the earlier layer needs.
        expected: usize,
        /// The size that this one needs.
        found: usize,
    },
    /// An initializer produced a number that is not finite, or an initial state is not finite.
    #[error("the initial `{parameter}` is not finite; check its initializer, or its initial value")]
    NotFinite {
        /// The parameter or state tensor.
        parameter: &'static str,
    },
    /// A scaler is for another number of features.
    #[error(
        "the scaler is for {found} features, the model takes {expected}; fit it to the model's own data, or build the \
         model for {found} features"
    )]
    Scaler {
        /// The model's features.
        expected: usize,
        /// The scaler's.
        found: usize,
    },
    /// The memory cannot be allocated.
    #[error("cannot allocate memory for {elements} elements; take smaller layers")]
    OutOfMemory {
        /// The number of elements requested.
        elements: usize,
    },
}

/// Names in quotes; of many, the last ones.
fn listed(names: &[String]) -> String {
    const MOST: usize = 12;
    let quoted: Vec<String> = names.iter().rev().take(MOST).rev().map(|name| format!("`{name}`")).collect();
    match names.len() > MOST {
        true => format!("the layers before it, the last ones are {}", quoted.join(", ")),
        false => quoted.join(", "),
    }
}

/// How to make the decoder's output equal to the model's input.
fn made_equal(output: Shape, input: Shape) -> String {
    match (output.as_image(), input.as_image()) {
        (Ok([height, width, channels]), Ok(wanted)) => {
            let [wanted_height, wanted_width, wanted_channels] = wanted;
            if channels != wanted_channels {
                return format!("end the decoder in a layer of {wanted_channels} filters");
            }
            match height >= wanted_height && width >= wanted_width {
                true => "take off with `Crop` at its end what is too much, or avoid it with `same` padding".to_owned(),
                false => "fill up with `Pad` at its end what is missing, or avoid it with `same` padding".to_owned(),
            }
        }
        _ => format!("end the decoder in a dense layer of {} units", input.elements()),
    }
}

/// Why a parameter cannot be read or set.
#[derive(Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum ParameterError {
    /// There is no parameter of that name.
    #[error("there is no parameter `{name}`; `parameters` lists their names, `encoder.0.weight` for instance")]
    Unknown {
        /// The name asked for.
        name: String,
    },
    /// No parameter's name has that prefix.
    #[error("no parameter's name begins with `{prefix}`; `parameters` lists them, `encoder.` is a prefix for instance")]
    NoneBegins {
        /// The prefix asked for.
        prefix: String,
    },
    /// The number of elements is not the parameter's.
    #[error("`{name}` has {expected} elements, {found} were given; give one number for each")]
    Length {
        /// The parameter.
        name: String,
        /// Its elements.
        expected: usize,
        /// Elements given.
        found: usize,
    },
    /// A value is NaN or infinite.
    #[error("element {element} given for `{name}` (counted from 0) is not finite; give finite numbers")]
    NotFinite {
        /// The parameter.
        name: String,
        /// The element.
        element: usize,
    },
}
