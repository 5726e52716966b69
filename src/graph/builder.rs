//! [`NetworkBuilder`]: builds a network from layers.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::memory::zeros;
use super::packed::Packed;
use super::parameters::UndoCopy;
use super::{
    BuildError, BuildErrorKind, Definition, Graph, INPUT, IntoLayers, LayerList, NamedLayer, Network, NodeInput,
    TiedWeights,
};
use crate::data::Scaler;
use crate::kernel::reduce;
use crate::random::{Purpose, Random};
use crate::{InputError, Scalar, Shape, invariant};

/// Describes a [`Network`], layer by layer.
#[derive(Debug, Clone)]
pub struct NetworkBuilder<T: Scalar> {
    input: Shape,
    /// Layers with names of their own.
    first_layers: Vec<NamedLayer<T>>,
    /// The layers behind them.
    layers: LayerList<T>,
    /// The network that the first layers' parameters are copied from, if it is extended.
    start: Option<Network<T>>,
    seed: u64,
    input_scaler: Option<Scaler>,
}

impl<T: Scalar> NetworkBuilder<T> {
    pub(crate) fn new(input: Shape) -> Self {
        Self { input, first_layers: Vec::new(), layers: LayerList::new(), start: None, seed: 0, input_scaler: None }
    }

    /// Adds a layer, or a [`Block`](crate::Block) of layers. They are named `layers.0`,
    /// `layers.1`, … in order.
    #[must_use]
    pub fn layer<Kind>(mut self, layer: impl IntoLayers<T, Kind>) -> Self {
        self.layers.add(None, layer.into_layers());
        self
    }

    /// Adds a layer, or a block of layers, named `layers.` and `name`.
    #[must_use]
    pub fn layer_named<Kind>(mut self, name: &str, layer: impl IntoLayers<T, Kind>) -> Self {
        self.layers.add(Some(name), layer.into_layers());
        self
    }

    /// Sets the seed of the initial parameters; 0 by default.
    ///
    /// Networks with the same layers and the same seed, the default one included, begin with the
    /// same parameters, as do equal layers at the same place of different networks. Give each a
    /// seed of its own where they are to differ: the members of an ensemble, or the runs that a
    /// mean is taken over. Shuffling, dropout and noise in training depend on the [trainer's
    /// seed](crate::Trainer::seed) instead.
    ///
    /// ```
    /// use autoencoder::{Dense, Network, Shape};
    ///
    /// let builder = Network::<f32>::builder(Shape::flat(8)).layer(Dense::new(3));
    /// let [one, same, other] = [builder.clone(), builder.clone(), builder.seed(1)].map(|builder| builder.build());
    /// let (one, same, other) = (one?, same?, other?);
    /// assert_eq!(one.parameter_vector(), same.parameter_vector());
    /// assert_ne!(one.parameter_vector(), other.parameter_vector());
    /// # Ok::<(), autoencoder::Error>(())
    /// ```
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Applies `scaler` to every input.
    #[must_use]
    pub fn scaler(mut self, scaler: Scaler) -> Self {
        self.input_scaler = Some(scaler);
        self
    }

    /// Checks every shape and draws the parameters.
    ///
    /// # Errors
    /// [`BuildError`] names the first layer that does not fit.
    #[inline(never)] // see `compiled.rs`
    pub fn build(self) -> Result<Network<T>, BuildError> {
        let kept = self.start.as_ref().map_or(0, |start| start.definition().nodes.len());
        let graph = Graph::new(self.input, self.all_layers()?, TiedWeights::CopiedInFirst(kept))?;
        self.complete(graph)
    }

    /// Builds like [`build`](Self::build), but a shared parameter whose owner is absent becomes the
    /// layer's own.
    #[cfg(feature = "testing")]
    pub(crate) fn build_detached(self) -> Result<Network<T>, BuildError> {
        let graph = Graph::new(self.input, self.all_layers()?, TiedWeights::Copied)?;
        self.complete(graph)
    }

    /// Builds a network whose output has the shape and scale of its input.
    pub(crate) fn build_reconstruction(self) -> Result<Network<T>, BuildError> {
        let definition = Definition::new(self.input, self.all_layers()?, TiedWeights::Required)?;
        let (input, output) = (definition.input, definition.output());
        if input.elements() != output.elements() {
            let last = definition.nodes.last();
            let (name, kind) = last.map_or(("model", "network"), |node| (&node.name, node.layer.kind()));
            return Err(BuildError::new(name, kind, BuildErrorKind::Reconstruction { output, input }));
        }
        let graph = Graph::of(Definition { output_shape: Some(input), ..definition })?;
        let mut network = self.complete(graph)?;
        network.output_scaler = network.input_scaler.clone();
        Ok(network)
    }

    /// All layers with their names. Numbers go on behind those of an extended network.
    fn all_layers(&self) -> Result<Vec<NamedLayer<T>>, BuildError> {
        let mut layers = self.first_layers.clone();
        let places = layers.iter().filter_map(|layer| layer.name.strip_prefix("layers.")?.split('.').next());
        let names: BTreeSet<&str> = places.collect();
        let behind_numbers = names.iter().filter_map(|name| name.parse::<usize>().ok()?.checked_add(1)).max();
        let first = names.len().max(behind_numbers.unwrap_or(0));
        let added = self.layers.expand("layers", first, layers.last().map_or(INPUT, |layer| &layer.name))?;
        layers.extend(added);
        Ok(layers)
    }

    fn complete(self, graph: Graph<T>) -> Result<Network<T>, BuildError> {
        if let Some(scaler) = &self.input_scaler {
            let (expected, found) = (self.input.elements(), scaler.features());
            if expected != found {
                return Err(BuildError::new("model", "scaler", BuildErrorKind::Scaler { expected, found }));
            }
        }
        let mut network = Network::blank(Arc::new(graph), self.seed)?;
        network.input_scaler = self.input_scaler.map(Arc::new);
        network.initialise()?;
        if let Some(start) = self.start {
            copy(&start.parameters, &mut network.parameters);
            copy(&start.state, &mut network.state);
            copy(&start.frozen, &mut network.frozen);
        }
        Ok(network)
    }

    pub(crate) fn input(&self) -> Shape {
        self.input
    }

    /// Adds these layers under their own names.
    pub(crate) fn with(mut self, layers: Vec<NamedLayer<T>>) -> Self {
        self.first_layers.extend(layers);
        self
    }
}

impl<T: Scalar> Network<T> {
    /// A builder that starts with this network's layers, parameters, state and scaler, and takes
    /// more layers: transfer learning.
    ///
    /// ```
    /// use autoencoder::{Activation, Autoencoder, Dense, Shape};
    ///
    /// let model = Autoencoder::<f32>::builder(Shape::flat(20))
    ///     .encoder(Dense::new(5).activation(Activation::Relu))
    ///     .mirror(Activation::Linear)
    ///     .build()?;
    /// let mut classifier = model.encoder().extend().layer(Dense::new(3).activation(Activation::Softmax)).build()?;
    /// classifier.freeze("encoder.")?; // trains only the new layer
    /// # Ok::<(), autoencoder::Error>(())
    /// ```
    pub fn extend(self) -> NetworkBuilder<T> {
        let definition = self.definition();
        let first_layers = definition.nodes.iter().map(|node| definition.named_layer(node, NodeInput::Input)).collect();
        let (input, input_scaler) = (definition.input, self.input_scaler().cloned());
        let layers = LayerList::new();
        NetworkBuilder { input, first_layers, layers, seed: self.seed, input_scaler, start: Some(self) }
    }

    /// A network whose parameters and state are all zero.
    pub(crate) fn blank(graph: Arc<Graph<T>>, seed: u64) -> Result<Self, BuildError> {
        Ok(Self {
            parameters: zeros(graph.definition.parameter_count()).map_err(no_memory)?,
            copy: UndoCopy(Vec::new()),
            packed: Packed::nothing(),
            state: zeros(graph.definition.state_count()).map_err(no_memory)?,
            frozen: vec![false; graph.definition.table.len()],
            graph,
            seed,
            crate_version: env!("CARGO_PKG_VERSION").into(),
            input_scaler: None,
            output_scaler: None,
        })
    }

    /// Draws every parameter and initialises the state.
    fn initialise(&mut self) -> Result<(), BuildError> {
        let random = Random::new(self.seed, Purpose::Initialise);
        for node in &self.graph.definition.nodes {
            for (spec, (entry, range)) in node.plan.parameters.iter().zip(node.entries.iter().zip(&node.parameters)) {
                let values = invariant::slice_mut(&mut self.parameters, range, spec.name, &node.name);
                if spec.shared_with.is_some() {
                    continue;
                }
                spec.initializer.fill(&spec.shape, values, &mut random.of(*entry).stream());
                if !reduce::finite(values) {
                    let kind = BuildErrorKind::NotFinite { parameter: spec.name };
                    return Err(BuildError::new(&node.name, node.layer.kind(), kind));
                }
            }
            let mut place = node.state.start;
            for state in &node.plan.state {
                let range = place..place + state.elements;
                invariant::slice_mut(&mut self.state, &range, state.name, &node.name).fill(T::from_f64(state.initial));
                if !T::from_f64(state.initial).is_finite() {
                    let kind = BuildErrorKind::NotFinite { parameter: state.name };
                    return Err(BuildError::new(&node.name, node.layer.kind(), kind));
                }
                place += state.elements;
            }
        }
        Ok(())
    }
}

fn no_memory(error: InputError) -> BuildError {
    let elements = if let InputError::OutOfMemory { elements } = error { elements } else { 0 };
    BuildError::new("model", "network", BuildErrorKind::OutOfMemory { elements })
}

/// Copies `from` to the first elements of `to`, which may be longer.
fn copy<V: Copy>(from: &[V], to: &mut [V]) {
    to.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
}
