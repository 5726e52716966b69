//! [`Program`]: what runs, a list of operations, made from the definition by lowering.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::layer::{AccumulatedGradient, Activation, DeferredGradient, Layer, Mode, Plan};
use crate::{Scalar, Shape, invariant};

/// The fewest multiplications for several threads; fewer are done before a second thread has woken
/// up.
const MIN_WORK_FOR_THREADS: usize = 500_000;

/// What runs: a list of operations, each of which reads values that earlier ones have computed.
#[derive(Debug)]
pub(crate) struct Program<T: Scalar> {
    pub operations: Vec<Operation<T>>,
    /// For each node of the definition: where its output is.
    pub outputs: Vec<NodeOutput<T>>,
    /// Elements of a sample of the network's input, and of its side input.
    pub input: usize,
    pub side_input: usize,
    /// The network's output shape.
    pub output_shape: Shape,
    /// For each parameter in the table: how its gradient comes about.
    pub gradients: Vec<ParameterGradient>,
    /// Elements of a shard's gradients, and of the packed forms of the parameters.
    pub shard_gradients: usize,
    pub packed: usize,
    pub packed_backward: usize,
    pub forward_statistics: usize,
    pub backward_statistics: usize,
}

/// A value that an operation reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    /// The network's input.
    Input,
    /// The network's side input.
    Side,
    /// The output of an operation.
    Output(usize),
}

/// What an operation reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Input {
    pub value: Value,
    pub shape: Shape,
    /// Whether no later operation, and no later input of this one, reads the value.
    pub reads_last: bool,
}

/// A part of a program.
#[derive(Debug, Clone)]
pub(crate) struct Part<'a, T: Scalar> {
    /// The value that it begins with.
    pub entry: Value,
    /// Its operations.
    pub indices: Range<usize>,
    /// What runs after them: the last node, if it is otherwise fused with one outside the part.
    pub detached: Option<&'a Operation<T>>,
}

impl<T: Scalar> Part<'_, T> {
    /// Whether it computes nothing: its output is its input.
    pub fn is_empty(&self) -> bool {
        self.indices.is_empty() && self.detached.is_none()
    }
}

/// Where the output of a node is.
#[derive(Debug)]
pub(crate) enum NodeOutput<T: Scalar> {
    Value(Value),
    /// Nowhere, since the next node is computed from this one's input. This operation computes it.
    Fused(Box<Operation<T>>),
}

/// How the gradient of a parameter comes about. If several layers share it, both ways may be
/// needed.
#[derive(Debug, Clone, Default)]
pub(crate) struct ParameterGradient {
    /// Its range in a shard's gradients, which are summed over shards.
    pub in_shard: Option<Range<usize>>,
    /// The first operation that computes it over the whole batch, after the backward passes.
    pub deferred_by: Option<usize>,
}

/// One step of a program: a layer with what it reads and where its numbers are.
#[derive(Debug, Clone)]
pub(crate) struct Operation<T> {
    /// The node whose output it computes.
    pub node: usize,
    /// The node's name.
    pub name: String,
    /// What runs: the node's layer, or one fused with the layer before it.
    pub layer: Arc<dyn Layer<T>>,
    pub plan: Plan,
    pub deferred: Option<Arc<dyn DeferredGradient<T>>>,
    pub accumulated: Option<Arc<dyn AccumulatedGradient<T>>>,
    /// What it reads: first its input, then what it joins.
    pub inputs: Vec<Input>,
    /// The shapes of what it joins.
    pub joined_shapes: Vec<Shape>,
    pub output_shape: Shape,
    /// For each parameter of the plan: its entry in the table, its range in the parameter vector,
    /// and its range in a shard's gradients (empty if deferred).
    pub entries: Vec<usize>,
    pub parameters: Vec<Range<usize>>,
    pub gradients: Vec<Range<usize>>,
    pub packed: Range<usize>,
    pub packed_backward: Range<usize>,
    pub state: Range<usize>,
    pub forward_statistics: Range<usize>,
    pub backward_statistics: Range<usize>,
    pub penalties: Range<usize>,
    pub diagnostics: Range<usize>,
}

impl<T: Scalar> Program<T> {
    pub fn operation(&self, index: usize) -> &Operation<T> {
        invariant::at(&self.operations, index, "operation")
    }

    /// The operations that compute `nodes` from the output of the node before them.
    pub fn part(&self, nodes: &Range<usize>) -> Part<'_, T> {
        let entry = match nodes.start.checked_sub(1).map(|before| invariant::at(&self.outputs, before, "output")) {
            None => Value::Input,
            Some(NodeOutput::Value(value)) => *value,
            Some(NodeOutput::Fused(_)) => invariant::broken("no part of a network begins between fused layers"),
        };
        let from = |node: usize| self.operations.partition_point(|operation| operation.node < node);
        let detached = match nodes.end.checked_sub(1).filter(|last| *last >= nodes.start) {
            Some(last) => match invariant::at(&self.outputs, last, "output") {
                NodeOutput::Fused(operation) => Some(operation.as_ref()),
                NodeOutput::Value(_) => None,
            },
            None => None,
        };
        Part { entry, indices: from(nodes.start)..from(nodes.end), detached }
    }

    pub fn all(&self) -> Range<usize> {
        0..self.operations.len()
    }

    /// Where the network's output is.
    pub fn output(&self) -> Value {
        match self.outputs.last() {
            Some(NodeOutput::Value(value)) => *value,
            Some(NodeOutput::Fused(_)) => invariant::broken("the last node is computed by its program"),
            None => Value::Input,
        }
    }

    /// The last operation; `None` if no layer computes anything.
    pub fn last(&self) -> Option<&Operation<T>> {
        match self.output() {
            Value::Output(last) => Some(self.operation(last)),
            Value::Input | Value::Side => None,
        }
    }

    /// The elements of a sample of a value.
    pub fn elements(&self, value: Value) -> usize {
        match value {
            Value::Input => self.input,
            Value::Side => self.side_input,
            Value::Output(operation) => self.operation(operation).output_shape.elements(),
        }
    }

    /// Whether the loss's gradient may be written in the place of the predictions: they are not
    /// needed once the loss has applied the last layer's activation, `fused_activation`.
    pub fn forgets_predictions(&self, fused_activation: Option<Activation>) -> bool {
        let last = self.last().and_then(|last| last.plan.activation);
        last.is_some() && last == fused_activation
    }

    /// Whether `samples` samples are enough work for several threads.
    pub fn is_worth_threads(&self, samples: usize) -> bool {
        let work = self.operations.iter().fold(0_usize, |sum, operation| {
            sum.saturating_add(operation.plan.work_per_sample).saturating_add(operation.output_shape.elements())
        });
        work.saturating_mul(samples) >= MIN_WORK_FOR_THREADS
    }

    /// The first operation whose gradients are needed: the first with a parameter that is not
    /// `frozen`, or the first of all if the gradient with respect to the input is wanted.
    pub fn first_needed(&self, frozen: &[bool], input_gradient: bool) -> usize {
        let learns =
            |operation: &Operation<T>| operation.entries.iter().any(|entry| frozen.get(*entry) == Some(&false));
        match input_gradient {
            true => 0,
            false => self.operations.iter().position(learns).unwrap_or(self.operations.len()),
        }
    }
}

impl<T> Operation<T> {
    /// Its input, the first of what it reads.
    pub fn input(&self) -> &Input {
        invariant::some(self.inputs.first(), "an operation has an input")
    }

    /// What it reads beside its input.
    pub fn joined(&self) -> &[Input] {
        let (_, joined) = invariant::some(self.inputs.split_first(), "an operation has an input");
        joined
    }

    /// The mode in which it runs. Validation runs layers in inference mode, except those whose
    /// penalties are terms of a likelihood; training runs frozen ones in inference mode.
    pub fn mode(&self, mode: Mode, frozen: &[bool]) -> Mode {
        match mode {
            Mode::Validation if !self.plan.likelihood_terms => Mode::Inference,
            Mode::Training if self.is_frozen(frozen) => Mode::Inference,
            mode => mode,
        }
    }

    /// Whether it has state and all its parameters are `frozen`: as in Keras, it then runs in
    /// inference mode and keeps its state while others train.
    pub fn is_frozen(&self, frozen: &[bool]) -> bool {
        let mut entries = self.entries.iter().map(|entry| frozen.get(*entry) == Some(&true));
        !self.state.is_empty() && !self.entries.is_empty() && entries.all(|frozen| frozen)
    }

    /// Whether it needs sums over the whole batch, forward or backward.
    pub fn needs_batch_statistics(&self) -> bool {
        self.plan.forward_statistics + self.plan.backward_statistics > 0
    }

    /// Whether it computes the gradient of parameter `parameter` of its plan after the backward
    /// passes.
    pub fn defers(&self, parameter: usize) -> bool
    where
        T: Scalar,
    {
        self.deferred.as_ref().is_some_and(|deferred| deferred.deferred() == parameter)
    }

    /// The same for a gradient accumulated in another form.
    pub fn accumulates(&self, parameter: usize) -> bool
    where
        T: Scalar,
    {
        self.accumulated.as_ref().is_some_and(|accumulated| accumulated.accumulated() == parameter)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Input => formatter.write_str("input"),
            Self::Side => formatter.write_str("side"),
            Self::Output(operation) => write!(formatter, "%{operation}"),
        }
    }
}

/// A line for each operation: `%1 = max_pool(%0) 28x28x32 -> 14x14x32, encoder.1`.
impl<T: Scalar> fmt::Display for Program<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, operation) in self.operations.iter().enumerate() {
            let Operation { layer, output_shape, name, .. } = operation;
            let Input { value, shape, .. } = operation.input();
            write!(formatter, "%{index} = {}({value}", layer.kind())?;
            operation.joined().iter().try_for_each(|joined| write!(formatter, ", {}", joined.value))?;
            if operation.plan.side_input > 0 {
                write!(formatter, ", {}", Value::Side)?;
            }
            write!(formatter, ") {shape} -> {output_shape}, {name}")?;
            if let Some(activation) = operation.plan.activation.filter(|activation| *activation != Activation::Linear) {
                write!(formatter, ", then {}", activation.name())?;
            }
            writeln!(formatter)?;
        }
        writeln!(formatter, "return {}", self.output())
    }
}
