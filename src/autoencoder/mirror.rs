//! [`MirrorOptions`]: a decoder derived from an encoder.

use std::sync::Arc;

use crate::graph::{BuildError, BuildErrorKind, Definition, NamedLayer, Node, NodeInput, TiedWeights};
use crate::layer::{self, Activation, Layer, MirrorOutput};
use crate::{Scalar, Shape, invariant};

/// How a decoder is derived from its encoder.
#[derive(Debug, Clone, Copy)]
pub(super) struct MirrorOptions {
    /// The last layer's activation.
    pub activation: Activation,
    /// The weights are the encoder's, transposed.
    pub tied: bool,
}

impl MirrorOptions {
    /// The layers of a decoder that undoes the layers `encoder` block by block. A block is a layer
    /// with weights and the layers behind it that belong to it: normalisations and activations.
    ///
    /// Where the encoder adds an earlier value to a later one, the decoder adds the counterpart of
    /// the later one to that of the earlier one.
    pub fn decoder<T: Scalar>(self, input: Shape, encoder: &[NamedLayer<T>]) -> Result<Vec<NamedLayer<T>>, BuildError> {
        let encoder = Definition::new(input, encoder.to_vec(), TiedWeights::Required)?;
        let mut decoder = Decoder { layers: Vec::new(), code: encoder.last_name().to_owned(), sums: Vec::new() };
        if let Some(node) = encoder.nodes.iter().find(|node| node.inputs.len() > 1 && !layer::is_add(&node.layer)) {
            return Err(BuildError::new(&node.name, node.layer.kind(), BuildErrorKind::NoMirror));
        }
        // A sum with what comes before the first weights comes behind the decoder's last layer with
        // weights, and the activation behind the sum.
        let ends_in_sum = adds_before_weights(&encoder);
        let last = if ends_in_sum { Activation::Linear } else { self.activation };
        for (index, node) in encoder.nodes.iter().enumerate().rev().filter(|(_, node)| !is_repeated(node)) {
            match layer::is_add(&node.layer) {
                true => decoder.note_sum(&encoder, node)?,
                false => self.add_counterpart(&encoder, index, last, &mut decoder)?,
            }
            decoder.add_sum(index);
        }
        if let Some(sum) = decoder.sums.first() {
            return Err(BuildError::new(&sum.name, layer::Add::KIND, BuildErrorKind::NoMirror));
        }
        let is_activated = encoder.nodes.iter().any(has_weights) && !ends_in_sum;
        if !is_activated && self.activation != Activation::Linear {
            decoder.add(Arc::new(self.activation));
        }
        Ok(decoder.layers)
    }

    /// Adds the counterpart of node `index` of the encoder.
    fn add_counterpart<T: Scalar>(
        self,
        encoder: &Definition<T>,
        index: usize,
        last: Activation,
        decoder: &mut Decoder<T>,
    ) -> Result<(), BuildError> {
        let node = encoder.node(index);
        let earlier = invariant::slice(&encoder.nodes, &(0..index), "layers", "an encoder");
        let given_back = earlier.iter().rposition(has_weights);
        let output = given_back.map_or(MirrorOutput::new(last), |layer| output_of(encoder.node(layer)));
        let mirrored = node.layer.mirror().and_then(|mirror| match self.tied && has_weights(node) {
            true => mirror.mirrored_tied(&node.name, node.input, output),
            false => mirror.mirrored(node.input, output),
        });
        let refused = |kind| BuildError::new(&node.name, node.layer.kind(), kind);
        let mirrored = mirrored.ok_or_else(|| refused(BuildErrorKind::NoMirror))?;
        if given_back.is_none() && !has_weights(node) && mirrored.iter().any(layer::is_padding) {
            return Err(refused(BuildErrorKind::MirrorPads));
        }
        mirrored.into_iter().for_each(|layer| decoder.add(layer));
        if let Some(layer) = given_back.filter(|_| has_weights(node)) {
            let behind = invariant::slice(&encoder.nodes, &(layer + 1..index), "layers", "an encoder");
            behind.iter().filter(|node| is_repeated(node)).for_each(|node| decoder.add(Arc::clone(&node.layer)));
        }
        Ok(())
    }
}

/// A decoder in the making.
struct Decoder<T: Scalar> {
    layers: Vec<NamedLayer<T>>,
    /// The name of the encoder's output.
    code: String,
    /// What is still to be added.
    sums: Vec<Sum>,
}

/// A value of the decoder that is to be added to the counterpart of a value of the encoder.
struct Sum {
    value: String,
    to: NodeInput,
    /// The encoder's layer that adds the other way round.
    name: String,
}

impl<T: Scalar> Decoder<T> {
    fn add(&mut self, layer: Arc<dyn Layer<T>>) {
        let name = format!("decoder.{}", self.layers.len());
        self.layers.push(NamedLayer::new(name, layer));
    }

    /// Notes that the encoder has added what `node` joins to what it reads. Its counterpart is the
    /// decoder's value so far: the code, if that has its shape.
    fn note_sum(&mut self, encoder: &Definition<T>, node: &Node<T>) -> Result<(), BuildError> {
        if self.layers.is_empty() && encoder.output() != node.output {
            return Err(BuildError::new(&node.name, node.layer.kind(), BuildErrorKind::NoMirror));
        }
        let counterpart = self.layers.last().map_or(&self.code, |layer| &layer.name).clone();
        let sum = |to: &NodeInput| Sum { value: counterpart.clone(), to: *to, name: node.name.clone() };
        self.sums.extend(node.inputs.iter().skip(1).map(sum));
        Ok(())
    }

    /// Adds what is to be added to the counterpart of what node `index` of the encoder reads.
    fn add_sum(&mut self, index: usize) {
        let reached = index.checked_sub(1).map_or(NodeInput::Input, NodeInput::Node);
        let joins: Vec<String> = self.sums.extract_if(.., |sum| sum.to == reached).map(|sum| sum.value).collect();
        if !joins.is_empty() {
            let name = format!("decoder.{}", self.layers.len());
            self.layers.push(NamedLayer { name, layer: Arc::new(layer::Add::default()), joins });
        }
    }
}

/// Whether a layer adds a value from before the first layer with weights.
fn adds_before_weights<T: Scalar>(encoder: &Definition<T>) -> bool {
    let first = encoder.nodes.iter().position(has_weights).unwrap_or(encoder.nodes.len());
    let is_before = |input: &NodeInput| match input {
        NodeInput::Input => true,
        NodeInput::Node(node) => *node < first,
    };
    encoder.nodes.iter().flat_map(|node| node.inputs.iter().skip(1)).any(is_before)
}

/// Whether the layer begins a block.
fn has_weights<T: Scalar>(node: &Node<T>) -> bool {
    !node.plan.parameters.is_empty() && !is_repeated(node)
}

/// Whether the layer belongs to the block before it.
fn is_repeated<T: Scalar>(node: &Node<T>) -> bool {
    node.layer.mirror().is_some_and(|mirror| mirror.is_repeated())
}

/// The options of a layer with weights that the layer that gives back its output takes over.
fn output_of<T>(node: &Node<T>) -> MirrorOutput {
    let bias = node.plan.parameters.iter().any(|parameter| parameter.name == "bias");
    MirrorOutput::new(node.plan.activation.unwrap_or_default()).bias(bias)
}
