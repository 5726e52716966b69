//! [`Network`]: layers over one flat parameter vector, with forward and backward passes.

mod buffer;
mod buffer_plan;
mod builder;
mod definition;
mod error;
mod lower;
mod memory;
mod packed;
mod parameters;
mod program;
mod restore;
mod summary;

use std::ops::Range;
use std::sync::Arc;

use packed::Packed;
use parameters::UndoCopy;

pub use builder::NetworkBuilder;
pub use error::{BuildError, BuildErrorKind, ParameterError};
pub use parameters::Parameter;
pub use summary::Summary;

pub(crate) use buffer::Buffer;
pub(crate) use definition::{Definition, Entry, Node, TiedWeights};
pub(crate) use memory::{LOSS_SAMPLES, Layout, LayoutOptions, zeros};
pub(crate) use program::{NodeOutput, Operation, Part, Program, Value};

use crate::data::Scaler;
use crate::layer::{Latent, Layer, Regularizer};
use crate::random::{Purpose, Random};
use crate::{Scalar, Shape, invariant};

/// The layers of a network: as the user wrote them, and as they run. Immutable once built; shared
/// by clones, workspaces and tapes.
#[derive(Debug)]
pub(crate) struct Graph<T: Scalar> {
    pub definition: Definition<T>,
    pub program: Program<T>,
}

/// A penalty on a parameter of the network.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WeightPenalty {
    pub regularizer: Regularizer,
    /// The parameter's entry in the table.
    pub entry: usize,
    /// The penalty's index among all penalties.
    pub penalty: usize,
}

impl<T: Scalar> Graph<T> {
    /// The graph of these layers, each with its name.
    ///
    /// # Errors
    /// [`BuildError`] names the first layer that does not fit.
    pub fn new(input: Shape, layers: Vec<(String, Arc<dyn Layer<T>>)>, tied: TiedWeights) -> Result<Self, BuildError> {
        Self::of(Definition::new(input, layers, tied)?)
    }

    /// The graph of a definition.
    pub fn of(definition: Definition<T>) -> Result<Self, BuildError> {
        let program = lower::lower(&definition)?;
        Ok(Self { definition, program })
    }
}

/// Layers over one flat parameter vector.
///
/// Inference takes `&self` and is safe to share between threads; `Clone` copies parameters and
/// state, and shares the layers. An [`Autoencoder`](crate::Autoencoder) consists of two networks;
/// on its own a network is a classifier, a regression model or a decoder.
///
/// ```
/// use autoencoder::nalgebra::DMatrix;
/// use autoencoder::{Activation, Dense, Network, Shape};
///
/// let network = Network::<f64>::builder(Shape::flat(4))
///     .layer(Dense::new(8).activation(Activation::Relu))
///     .layer(Dense::new(3).activation(Activation::Softmax))
///     .build()?;
/// let probabilities = network.predict(&DMatrix::from_element(4, 5, 0.5))?;
/// assert_eq!(probabilities.shape(), (3, 5));
/// # Ok::<(), autoencoder::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Network<T: Scalar> {
    graph: Arc<Graph<T>>,
    parameters: Vec<T>,
    /// For changes of the parameters that may have to be undone.
    copy: UndoCopy<T>,
    /// Packed forms of the parameters; made again by [`pack`](Self::pack) whenever they change.
    packed: Packed<T>,
    state: Vec<T>,
    frozen: Vec<bool>,
    seed: u64,
    /// The crate version that built the network.
    crate_version: Arc<str>,
    input_scaler: Option<Arc<Scaler>>,
    output_scaler: Option<Arc<Scaler>>,
}

impl<T: Scalar> Network<T> {
    /// Starts the description of a network for samples of shape `input`.
    pub fn builder(input: Shape) -> NetworkBuilder<T> {
        NetworkBuilder::new(input)
    }

    /// The shape of an input sample.
    pub fn input_shape(&self) -> Shape {
        self.graph.definition.input
    }

    /// The shape of an output sample.
    pub fn output_shape(&self) -> Shape {
        self.graph.definition.output()
    }

    /// The seed of the initial parameters.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The crate version that built the model; it may differ from the running one if the model was
    /// loaded from a file.
    pub fn crate_version(&self) -> &str {
        &self.crate_version
    }

    pub(crate) fn set_crate_version(&mut self, version: &str) {
        self.crate_version = version.into();
    }

    /// The layers in order, with their names.
    pub fn layers(&self) -> impl Iterator<Item = (&str, &dyn Layer<T>)> {
        self.graph.definition.nodes.iter().map(|node| (node.name.as_str(), node.layer.as_ref()))
    }

    /// The scaler applied to inputs before the first layer.
    pub fn input_scaler(&self) -> Option<&Scaler> {
        self.input_scaler.as_deref()
    }

    /// The scaler undone on outputs after the last layer.
    pub fn output_scaler(&self) -> Option<&Scaler> {
        self.output_scaler.as_deref()
    }

    /// The graph of layers `nodes` as a network of their own.
    pub(crate) fn graph_of(&self, nodes: Range<usize>) -> Result<Graph<T>, BuildError> {
        let definition = self.definition();
        let whole = nodes.end == definition.nodes.len();
        let nodes = invariant::slice(&definition.nodes, &nodes, "layers", "a network");
        let input = nodes.first().map_or(definition.input, |node| node.input);
        let layers = nodes.iter().map(|node| (node.name.clone(), Arc::clone(&node.layer))).collect();
        let output_shape = definition.output_shape.filter(|_| whole);
        Graph::of(Definition { output_shape, ..Definition::new(input, layers, TiedWeights::Copied)? })
    }

    /// Layers `nodes`, whose own graph is `graph`, as a network with copies of their parameters and
    /// state.
    #[inline(never)] // see `compiled.rs`
    pub(crate) fn part(&self, nodes: Range<usize>, graph: &Arc<Graph<T>>) -> Self {
        let mut part = Self {
            parameters: vec![T::zero(); graph.definition.parameter_count()],
            copy: UndoCopy(Vec::new()),
            packed: Packed::nothing(),
            state: vec![T::zero(); graph.definition.state_count()],
            frozen: vec![false; graph.definition.table.len()],
            graph: Arc::clone(graph),
            seed: self.seed,
            crate_version: Arc::clone(&self.crate_version),
            input_scaler: self.input_scaler.clone().filter(|_| nodes.start == 0),
            output_scaler: self.output_scaler.clone().filter(|_| nodes.end == self.definition().nodes.len()),
        };
        let originals = invariant::slice(&self.definition().nodes, &nodes, "layers", "a network");
        for (copy, original) in graph.definition.nodes.iter().zip(originals) {
            let ranges = copy.parameters.iter().zip(&original.parameters);
            ranges.for_each(|(to, from)| transfer(&mut part.parameters, to, &self.parameters, from));
            transfer(&mut part.state, &copy.state, &self.state, &original.state);
            for (to, from) in copy.entries.iter().zip(&original.entries) {
                let frozen = invariant::some(part.frozen.get_mut(*to), "every parameter may be frozen");
                *frozen = !self.is_trainable(*from);
            }
        }
        part
    }

    pub(crate) fn graph(&self) -> &Arc<Graph<T>> {
        &self.graph
    }

    pub(crate) fn definition(&self) -> &Definition<T> {
        &self.graph.definition
    }

    pub(crate) fn program(&self) -> &Program<T> {
        &self.graph.program
    }

    /// The distribution of the last layer before `end` that computes anything, with its index, if
    /// it draws its output from one.
    pub(crate) fn latent_before(&self, end: usize) -> Option<(usize, &dyn Latent<T>)> {
        let Some(NodeOutput::Value(Value::Output(last))) = self.program().outputs.get(end.checked_sub(1)?) else {
            return None;
        };
        let node = self.program().operation(*last).node;
        Some((node, self.definition().latent(node)?))
    }

    /// The random streams of layers, from the network's seed.
    pub(crate) fn layer_streams(&self) -> Random {
        Random::new(self.seed, Purpose::Layer)
    }

    /// The state of an operation.
    pub(crate) fn state_of(&mut self, operation: &Operation<T>) -> &mut [T] {
        invariant::slice_mut(&mut self.state, &operation.state, "state", &operation.name)
    }
}

/// Copies a range of one vector to a range of another.
fn transfer<T: Scalar>(to: &mut [T], to_range: &Range<usize>, from: &[T], from_range: &Range<usize>) {
    let to = invariant::slice_mut(to, to_range, "numbers", "a copied layer");
    to.copy_from_slice(invariant::slice(from, from_range, "numbers", "the layer that it is copied from"));
}
