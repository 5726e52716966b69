//! Lowering: makes the program from the definition. Every fusion stands here or is decided here:
//!
//! - Reshaping costs nothing: the next operation reads the same numbers.
//! - Up-sampling by repetition runs as one with the convolution behind it.
//! - A dense layer's weight gradient is computed after the backward passes ([`DeferredGradient`]).
//! - The loss applies the last activation ([`Program::forgets_predictions`],
//!   `Context::activation`).
//! - A frozen normalisation runs in inference mode ([`Operation::mode`]).
//!
//! [`DeferredGradient`]: crate::layer::DeferredGradient

use std::sync::Arc;

use super::definition::{Definition, Node, NodeInput, extend};
use super::program::{Input, NodeOutput, Operation, ParameterGradient, Program, Value};
use super::{BuildError, BuildErrorKind};
use crate::layer::{self, AccumulatedGradient, Layer};
use crate::{Scalar, Shape, ShapeError, invariant};

/// The program of `definition`.
///
/// # Errors
/// [`BuildError`] names the layer whose packed weights or gradients are too large.
pub(crate) fn lower<T: Scalar>(definition: &Definition<T>) -> Result<Program<T>, BuildError> {
    let mut program = Program {
        operations: Vec::with_capacity(definition.nodes.len()),
        outputs: Vec::with_capacity(definition.nodes.len()),
        input: definition.input.elements(),
        side_input: definition.side_input,
        output_shape: definition.output(),
        gradients: vec![ParameterGradient::default(); definition.table.len()],
        shard_gradients: 0,
        packed: 0,
        packed_backward: 0,
        forward_statistics: 0,
        backward_statistics: 0,
    };
    for (index, node) in definition.nodes.iter().enumerate() {
        let inputs = program.inputs_of(node);
        if layer::is_reshape(&node.layer) {
            program.outputs.push(NodeOutput::Value(inputs.first().map_or(Value::Input, |input| input.value)));
            continue;
        }
        let operation = match program.fused_with_last(definition, index) {
            Some((fused, up_sampled)) => program.fuse(node, index, fused, up_sampled),
            None => Ok(Operation::new(node, index, inputs)),
        };
        let operation = operation.and_then(|operation| program.place(operation, definition));
        let operation =
            operation.map_err(|error| BuildError::new(&node.name, node.layer.kind(), BuildErrorKind::from(error)))?;
        program.outputs.push(NodeOutput::Value(Value::Output(program.operations.len())));
        program.operations.push(operation);
    }
    program.mark_last_readers();
    Ok(program)
}

impl<T: Scalar> Program<T> {
    /// What `node` reads.
    fn inputs_of(&self, node: &Node<T>) -> Vec<Input> {
        let value = |source: &NodeInput| match source {
            NodeInput::Node(source) => match invariant::at(&self.outputs, *source, "output") {
                NodeOutput::Value(value) => *value,
                NodeOutput::Fused(_) => invariant::broken("only the next node reads a fused one"),
            },
            NodeInput::Input => Value::Input,
        };
        let shapes = std::iter::once(node.input).chain(node.joined.iter().copied());
        let inputs = node.inputs.iter().zip(shapes);
        inputs.map(|(source, shape)| Input { value: value(source), shape, reads_last: false }).collect()
    }

    /// Marks for each value which operation reads it last: its backward pass, which is the first to
    /// give the value a gradient, writes it; those of others add to it.
    fn mark_last_readers(&mut self) {
        let mut seen = Vec::new();
        for input in self.operations.iter_mut().rev().flat_map(|operation| operation.inputs.iter_mut().rev()) {
            input.reads_last = !seen.contains(&input.value);
            seen.push(input.value);
        }
    }

    /// The layer that computes node `index` together with the up-sampling before it, and the shape
    /// that it reads. Layers of different halves are never fused, since each half can run
    /// alone.
    fn fused_with_last(
        &self,
        definition: &Definition<T>,
        index: usize,
    ) -> Option<(Arc<dyn AccumulatedGradient<T>>, Shape)> {
        let (previous, node) = (definition.node(index.checked_sub(1)?), definition.node(index));
        if half_of(&previous.name) != half_of(&node.name) || definition.readers_of(NodeInput::Node(index - 1)) > 1 {
            return None;
        }
        let fused = layer::fused_after_up_sampling(&previous.layer, &node.layer, previous.input)?;
        Some((fused, previous.input))
    }

    /// Replaces the last operation, an up-sampling, by one that also computes `node`.
    fn fuse(
        &mut self,
        node: &Node<T>,
        index: usize,
        fused: Arc<dyn AccumulatedGradient<T>>,
        reads: Shape,
    ) -> Result<Operation<T>, ShapeError> {
        let up_sampling = invariant::some(self.operations.pop(), "an up-sampling is an operation");
        let operation = Operation {
            plan: fused.plan(reads, &[])?,
            layer: Arc::clone(&fused) as Arc<dyn Layer<T>>,
            accumulated: Some(fused),
            deferred: None,
            ..Operation::new(node, index, up_sampling.inputs.clone())
        };
        self.outputs.pop();
        self.outputs.push(NodeOutput::Fused(Box::new(up_sampling)));
        Ok(operation)
    }

    /// Gives an operation its ranges of everything that the program holds for all operations.
    fn place(&mut self, mut operation: Operation<T>, definition: &Definition<T>) -> Result<Operation<T>, ShapeError> {
        let plan = &operation.plan;
        operation.packed = extend(&mut self.packed, "packed weights", plan.packed)?;
        operation.packed_backward = extend(&mut self.packed_backward, "packed weights", plan.packed_backward)?;
        operation.forward_statistics = extend(&mut self.forward_statistics, "statistics", plan.forward_statistics)?;
        operation.backward_statistics = extend(&mut self.backward_statistics, "statistics", plan.backward_statistics)?;
        for (parameter, entry) in operation.entries.iter().enumerate() {
            let elements = definition.entry(*entry).range.len();
            let gradient = invariant::some(self.gradients.get_mut(*entry), "a parameter is in the table");
            let range = if operation.defers(parameter) {
                gradient.deferred_by.get_or_insert(self.operations.len());
                0..0
            } else if let Some(accumulated) =
                operation.accumulated.as_ref().filter(|_| operation.accumulates(parameter))
            {
                extend(&mut self.shard_gradients, "gradients", accumulated.accumulated_elements())?
            } else if let Some(range) = &gradient.in_shard {
                range.clone()
            } else {
                let range = extend(&mut self.shard_gradients, "gradients", elements)?;
                gradient.in_shard = Some(range.clone());
                range
            };
            operation.gradients.push(range);
        }
        Ok(operation)
    }
}

impl<T: Scalar> Operation<T> {
    /// The node as it is, without its ranges in the program.
    fn new(node: &Node<T>, index: usize, inputs: Vec<Input>) -> Self {
        Self {
            node: index,
            name: node.name.clone(),
            layer: Arc::clone(&node.layer),
            plan: node.plan.clone(),
            deferred: layer::deferred_gradient(&node.layer),
            accumulated: None,
            inputs,
            joined_shapes: node.joined.clone(),
            output_shape: node.output,
            entries: node.entries.clone(),
            parameters: node.parameters.clone(),
            gradients: Vec::new(),
            packed: 0..0,
            packed_backward: 0..0,
            state: node.state.clone(),
            forward_statistics: 0..0,
            backward_statistics: 0..0,
            penalties: node.penalties.clone(),
            diagnostics: node.diagnostics.clone(),
        }
    }
}

/// Which half of a model a layer belongs to: `encoder` for `encoder.0`. A file of an autoencoder's
/// network, or of an extended encoder, tells halves only by these names; a loaded model must fuse
/// the same layers as before to give the same bits.
fn half_of(layer: &str) -> Option<&str> {
    layer.split_once('.').map(|(half, _)| half)
}
