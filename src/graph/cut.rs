//! Parts of a network as networks of their own.

use std::ops::Range;
use std::sync::Arc;

use super::definition::is_or_contains;
use super::packed::Packed;
use super::parameters::UndoCopy;
use super::{BuildError, BuildErrorKind, Definition, Graph, Network, NodeInput, TiedWeights};
use crate::{Error, InputError, Scalar, invariant};

impl<T: Scalar> Network<T> {
    /// The layers up to the one named `layer`, which becomes the last, with copies of their
    /// parameters. The name of a block is that of its last layer.
    ///
    /// Its results have the bits of [`activations`](Self::activations), unless a layer behind it
    /// joins the output of an up-sampling before it: then that runs as one with the convolution
    /// behind it here, and not in the whole network.
    ///
    /// ```
    /// use autoencoder::{Dense, Network, Shape};
    ///
    /// let network = Network::<f32>::builder(Shape::flat(8))
    ///     .layer(Dense::new(4))
    ///     .layer_named("middle", Dense::new(3))
    ///     .layer(Dense::new(2))
    ///     .build()?;
    /// assert_eq!(network.until("layers.middle")?.output_shape(), Shape::flat(3));
    /// assert_eq!(network.after("layers.middle")?.input_shape(), Shape::flat(3));
    /// # Ok::<(), autoencoder::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error`] if there is no such layer.
    pub fn until(&self, layer: &str) -> Result<Self, Error> {
        let nodes = self.up_to(layer)?;
        Ok(self.cut(nodes)?)
    }

    /// The layers behind the one named `layer`, whose output becomes the input, with copies of
    /// their parameters.
    ///
    /// # Errors
    /// [`Error`] if there is no such layer, if no layer is behind it, or if one of those behind it
    /// joins a value before it.
    pub fn after(&self, layer: &str) -> Result<Self, Error> {
        let nodes = self.up_to(layer)?.end..self.all().end;
        if nodes.is_empty() {
            return Err(BuildError::new(layer, "layer", BuildErrorKind::NothingBehind).into());
        }
        Ok(self.cut(nodes)?)
    }

    fn cut(&self, nodes: Range<usize>) -> Result<Self, BuildError> {
        let graph = Arc::new(self.graph_of(nodes.clone())?);
        Ok(self.part(nodes, &graph))
    }

    pub(crate) fn all(&self) -> Range<usize> {
        0..self.definition().nodes.len()
    }

    /// The layers from the first to the one named `layer`, or to the last of that block.
    pub(crate) fn up_to(&self, layer: &str) -> Result<Range<usize>, InputError> {
        let last = self.definition().nodes.iter().rposition(|node| is_or_contains(layer, &node.name));
        let last = last.ok_or_else(|| InputError::NoSuchLayer { name: layer.to_owned() })?;
        Ok(0..last + 1)
    }

    /// The graph of layers `nodes` as a network of their own.
    ///
    /// # Errors
    /// [`BuildErrorKind::JoinsOutside`].
    pub(crate) fn graph_of(&self, nodes: Range<usize>) -> Result<Graph<T>, BuildError> {
        let definition = self.definition();
        let whole = nodes.end == definition.nodes.len();
        if let Some((node, source)) = definition.reads_outside(&nodes) {
            let kind = BuildErrorKind::JoinsOutside { value: definition.name_of(source).to_owned() };
            return Err(BuildError::new(&node.name, node.layer.kind(), kind));
        }
        let entry = nodes.start.checked_sub(1).map_or(NodeInput::Input, NodeInput::Node);
        let nodes = invariant::slice(&definition.nodes, &nodes, "layers", "a network");
        let input = nodes.first().map_or(definition.input, |node| node.input);
        let layers = nodes.iter().map(|node| definition.named_layer(node, entry)).collect();
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
}

/// Copies a range of one vector to a range of another.
fn transfer<T: Scalar>(to: &mut [T], to_range: &Range<usize>, from: &[T], from_range: &Range<usize>) {
    let to = invariant::slice_mut(to, to_range, "numbers", "a copied layer");
    to.copy_from_slice(invariant::slice(from, from_range, "numbers", "the layer that it is copied from"));
}
