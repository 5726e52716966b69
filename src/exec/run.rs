//! [`Run`]: the passes of a micro-batch through a program, which training, evaluation and inference
//! share.

use std::ops::Range;

use super::slices::{self, disjoint, disjoint_with};
use super::totals::Totals;
use crate::graph::{Layout, Network, Operation, Program, Value};
use crate::layer::{Backward, BackwardSums, BatchStatistics, Context, Forward, Gradients, Mode, Parameters};
use crate::random::Random;
use crate::{Activation, DataError, InputError, Scalar, invariant};

/// Loads the samples of a batch.
pub(crate) trait BatchLoader<T: Scalar>: Sync {
    /// Writes the samples at `positions` of the batch.
    fn load(&self, positions: Range<usize>, samples: Load<'_, T>) -> Result<(), DataError>;
}

/// Buffers for samples, each features × samples. `target` is empty if the input is the target.
pub(crate) struct Load<'a, T> {
    pub input: &'a mut [T],
    pub side: &'a mut [T],
    pub target: &'a mut [T],
}

/// The last operation of a run: a loss, or a gradient that the caller hands in.
pub(crate) trait LastOperation<T: Scalar>: Sync {
    /// Evaluates predictions: adds loss and metrics to the totals and, if a backward pass follows,
    /// writes the gradient with respect to the predictions.
    fn run(&self, pass: LastPass<'_, T>, totals: &mut Totals);
}

/// Predictions to evaluate; predictions, targets and gradient are features × samples.
pub(crate) struct LastPass<'a, T> {
    /// The samples' positions in the batch.
    pub positions: Range<usize>,
    pub predictions: &'a [T],
    pub targets: &'a [T],
    /// To be written if a backward pass follows; free to use as scratch otherwise.
    pub gradient: &'a mut [T],
    pub backward: bool,
}

/// What all micro-batches of a run share.
#[derive(Clone, Copy)]
pub(crate) struct Run<'a, T: Scalar> {
    pub program: &'a Program<T>,
    pub layout: &'a Layout,
    pub parameters: &'a [T],
    /// For each parameter in the table: whether it is frozen.
    pub frozen: &'a [bool],
    pub packed: &'a [T],
    /// Empty without a backward pass.
    pub packed_backward: &'a [T],
    pub state: &'a [T],
    /// Samples in the batch.
    pub batch: usize,
    pub mode: Mode,
    /// The loss applies the last activation.
    pub from_logits: bool,
    /// The random stream of the batch's first sample.
    pub random: Random,
    /// The progress of training, in epochs.
    pub epoch: f64,
    pub statistics: &'a [f64],
    pub gradient_statistics: &'a [f64],
}

/// A part of the batch whose activations are in memory at the same time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MicroBatch {
    /// The position of its first sample in the batch.
    pub first: usize,
    pub samples: usize,
}

impl MicroBatch {
    pub fn positions(self) -> Range<usize> {
        self.first..self.first + self.samples
    }

    /// The place of these samples, of `elements` each, in a place for the largest micro-batch.
    pub fn part(self, place: &Range<usize>, elements: usize) -> Range<usize> {
        if place.is_empty() { 0..0 } else { place.start..place.start + self.samples * elements }
    }
}

/// The memory of a micro-batch's passes.
pub(crate) struct Memory<'a, T> {
    /// The shard's memory, laid out as [`Run::layout`] says.
    pub shard: &'a mut [T],
    /// A value that is read from outside the shard's memory.
    pub input: Option<(Value, &'a [T])>,
    /// Where the last operation writes, if outside the shard's memory.
    pub output: Option<&'a mut [T]>,
}

impl<'a, T> Memory<'a, T> {
    /// Nothing is outside the shard's memory.
    pub fn of(shard: &'a mut [T]) -> Self {
        Self { shard, input: None, output: None }
    }
}

impl<'a, T: Scalar> Run<'a, T> {
    /// What the forward passes over a batch need, and with `backward` the backward passes.
    ///
    /// # Errors
    /// [`InputError::OutOfMemory`] if packed weights must be made and cannot be allocated.
    pub fn new(
        network: &'a Network<T>,
        layout: &'a Layout,
        batch: usize,
        mode: Mode,
        backward: bool,
    ) -> Result<Self, InputError> {
        Ok(Self {
            program: network.program(),
            layout,
            parameters: network.parameter_vector(),
            frozen: network.frozen(),
            packed: network.packed()?,
            packed_backward: if backward { network.packed_backward()? } else { &[] },
            state: network.state_vector(),
            batch,
            mode,
            from_logits: false,
            random: network.layer_streams(),
            epoch: 0.0,
            statistics: &[],
            gradient_statistics: &[],
        })
    }

    /// Runs the operations at `indices` forward.
    pub fn forward(&self, indices: Range<usize>, micro_batch: MicroBatch, memory: Memory<'_, T>, totals: &mut Totals) {
        let Memory { shard, input, mut output } = memory;
        for index in indices.clone() {
            let output = if index + 1 == indices.end { output.take() } else { None };
            let places = [self.layout.value(Value::Output(index)), self.layout.cache(index)];
            let memory = Memory { shard: &mut *shard, input, output };
            self.forward_one(self.program.operation(index), places, micro_batch, memory, totals);
        }
    }

    /// Runs one operation forward; `places` are those of its output and its cache.
    pub fn forward_one(
        &self,
        operation: &Operation<T>,
        places: [Range<usize>; 2],
        micro_batch: MicroBatch,
        memory: Memory<'_, T>,
        totals: &mut Totals,
    ) {
        let context = self.context(operation, micro_batch);
        let [output, cache] = places;
        let Memory { shard, input: outside, output: result } = memory;
        let lent = outside.filter(|(value, _)| *value == operation.input().value).map(|(_, input)| input);
        let places = [
            if lent.is_some() { 0..0 } else { self.input(operation, micro_batch) },
            self.side(operation, micro_batch),
            if result.is_some() { 0..0 } else { self.output(operation, &output, micro_batch) },
            micro_batch.part(&cache, operation.plan.cache_per_sample),
            self.scratch(operation),
        ];
        let ([input, side, output, cache, scratch], joined, _) = match operation.joined() {
            [] => (disjoint(shard, places, &operation.name), Default::default(), Default::default()),
            _ => {
                let joined = self.joined(operation, micro_batch, outside.map(|(value, _)| value));
                disjoint_with(shard, places, joined, std::iter::empty(), &operation.name)
            }
        };
        let input = lent.unwrap_or(input);
        let joined = slices::joined(operation, input, joined, outside);
        let reports = context.mode != Mode::Inference;
        operation.layer.forward(
            &context,
            Forward {
                input,
                joined: invariant::slice(&joined, &(0..operation.joined().len()), "joined values", &operation.name),
                side,
                output: result.unwrap_or(output),
                cache,
                scratch,
                penalties: reported(&mut totals.penalties, &operation.penalties, reports, &operation.name),
                diagnostics: reported(&mut totals.diagnostics, &operation.diagnostics, reports, &operation.name),
            },
        );
    }

    /// Runs the operations at `indices` backward, the last one first. The memory already holds the
    /// gradient with respect to the last one's output; operations before `needed` need no gradient.
    pub fn backward(&self, indices: Range<usize>, needed: usize, micro_batch: MicroBatch, shard: &mut [T]) {
        for index in indices.rev() {
            self.backward_one(index, needed, micro_batch, shard);
            self.add_gradients(index, needed, micro_batch, shard);
        }
    }

    fn backward_one(&self, index: usize, needed: usize, micro_batch: MicroBatch, shard: &mut [T]) {
        let operation = self.program.operation(index);
        let context = Context {
            packed_backward: part(self.packed_backward, &operation.packed_backward, "packed weights", operation),
            gradient_statistics: self.gradient_statistics(operation),
            ..self.context(operation, micro_batch)
        };
        let mut wanted = self.input_gradients(index, needed, micro_batch);
        let input_gradient = invariant::some(wanted.next(), "an operation has an input");
        let is_wanted = !input_gradient.is_empty();
        let places = [
            self.input(operation, micro_batch),
            self.side(operation, micro_batch),
            self.output(operation, &self.layout.kept_output(index), micro_batch),
            micro_batch.part(&self.layout.cache(index), operation.plan.cache_per_sample),
            self.scratch(operation),
            self.output(operation, &self.layout.gradient(Value::Output(index)), micro_batch),
            input_gradient,
            self.layout.gradients.clone(),
        ];
        let (own, joined, joined_gradients) = match operation.joined() {
            [] => (disjoint(shard, places, &operation.name), Default::default(), Default::default()),
            _ => {
                let joined = self.joined(operation, micro_batch, None);
                disjoint_with(shard, places, joined, wanted, &operation.name)
            }
        };
        let [input, side, output, cache, scratch, output_gradient, input_gradient, gradients] = own;
        let joined = slices::joined(operation, input, joined, None);
        let taken = 0..operation.joined().len();
        let mut joined_gradients = joined_gradients.map(|gradient| (!gradient.is_empty()).then_some(gradient));
        operation.layer.backward(
            &context,
            Backward {
                input,
                joined: invariant::slice(&joined, &taken, "joined values", &operation.name),
                side,
                output,
                cache,
                scratch,
                output_gradient,
                input_gradient: is_wanted.then_some(input_gradient),
                joined_gradients: invariant::slice_mut(
                    &mut joined_gradients,
                    &taken,
                    "joined gradients",
                    &operation.name,
                ),
                gradients: Gradients::new(gradients, &operation.gradients),
            },
        );
    }

    /// Adds the gradients that operation `index` has given values which a later one reads too.
    fn add_gradients(&self, index: usize, needed: usize, micro_batch: MicroBatch, shard: &mut [T]) {
        let operation = self.program.operation(index);
        let places = operation.inputs.iter().zip(self.input_gradients(index, needed, micro_batch));
        for (input, place) in places.filter(|(input, place)| !input.reads_last && !place.is_empty()) {
            let sum = micro_batch.part(&self.layout.gradient(input.value), input.shape.elements());
            let [sum, added] = disjoint(shard, [sum, place], &operation.name);
            sum.iter_mut().zip(added).for_each(|(sum, added)| *sum += *added);
        }
    }

    /// For each input of operation `index`, where its backward pass writes the gradient; `0..0` if
    /// it is not wanted.
    fn input_gradients(
        &self,
        index: usize,
        needed: usize,
        micro_batch: MicroBatch,
    ) -> impl Iterator<Item = Range<usize>> + use<'a, T> {
        let layout = self.layout;
        let inputs = self.program.operation(index).inputs.iter().enumerate();
        inputs.map(move |(position, input)| match input.value {
            Value::Output(source) if source < needed => 0..0,
            _ => micro_batch.part(&layout.input_gradient(index, position, input), input.shape.elements()),
        })
    }

    /// The places of the values that `operation` joins; `0..0` for one that it also reads
    /// otherwise, or that is `outside` the shard's memory.
    fn joined(
        &self,
        operation: &'a Operation<T>,
        micro_batch: MicroBatch,
        outside: Option<Value>,
    ) -> impl Iterator<Item = Range<usize>> + use<'a, T> {
        let layout = self.layout;
        operation.inputs.iter().enumerate().skip(1).map(move |(index, input)| {
            let mut earlier = operation.inputs.iter().take(index);
            match outside == Some(input.value) || earlier.any(|earlier| earlier.value == input.value) {
                true => 0..0,
                false => micro_batch.part(&layout.value(input.value), input.shape.elements()),
            }
        })
    }

    /// Adds this micro-batch's share of the sums that the forward pass of operation `index` needs.
    pub fn forward_sums(&self, index: usize, micro_batch: MicroBatch, shard: &mut [T], sums: &mut [f64]) {
        let operation = self.program.operation(index);
        let [input] = disjoint(shard, [self.input(operation, micro_batch)], &operation.name);
        let sums = invariant::slice_mut(sums, &operation.forward_statistics, "statistics", &operation.name);
        self.statistics_of(operation).forward_sums(&self.context(operation, micro_batch), input, sums);
    }

    /// The same for its backward pass.
    pub fn backward_sums(&self, index: usize, micro_batch: MicroBatch, shard: &mut [T], sums: &mut [f64]) {
        let operation = self.program.operation(index);
        let places = [
            self.input(operation, micro_batch),
            self.output(operation, &self.layout.kept_output(index), micro_batch),
            micro_batch.part(&self.layout.cache(index), operation.plan.cache_per_sample),
            self.output(operation, &self.layout.gradient(Value::Output(index)), micro_batch),
        ];
        let [input, output, cache, output_gradient] = disjoint(shard, places, &operation.name);
        let sums = invariant::slice_mut(sums, &operation.backward_statistics, "statistics", &operation.name);
        let pass = BackwardSums { input, output, cache, output_gradient };
        self.statistics_of(operation).backward_sums(&self.context(operation, micro_batch), pass, sums);
    }

    /// What layer and executor share in a forward pass.
    fn context(&self, operation: &'a Operation<T>, micro_batch: MicroBatch) -> Context<'a, T> {
        let mode = operation.mode(self.mode, self.frozen);
        let (trains, activation) = (mode == Mode::Training, operation.plan.activation.unwrap_or_default());
        let absorbed = self.from_logits && self.program.last().is_some_and(|last| last.node == operation.node);
        Context {
            input_shape: operation.input().shape,
            joined_shapes: &operation.joined_shapes,
            output_shape: operation.output_shape,
            samples: micro_batch.samples,
            batch: self.batch,
            mode,
            epoch: if trains { self.epoch } else { 0.0 },
            random: self.random.skip(micro_batch.first).of(operation.node),
            activation: if absorbed { Activation::Linear } else { activation },
            parameters: Parameters::new(self.parameters, &operation.parameters),
            packed: part(self.packed, &operation.packed, "packed weights", operation),
            packed_backward: &[],
            state: part(self.state, &operation.state, "state", operation),
            statistics: match trains && !self.statistics.is_empty() {
                true => part(self.statistics, &operation.forward_statistics, "statistics", operation),
                false => &[],
            },
            gradient_statistics: &[],
        }
    }

    fn gradient_statistics(&self, operation: &'a Operation<T>) -> &'a [f64] {
        match operation.mode(self.mode, self.frozen) {
            Mode::Training => part(self.gradient_statistics, &operation.backward_statistics, "statistics", operation),
            Mode::Validation | Mode::Inference => &[],
        }
    }

    fn statistics_of(&self, operation: &'a Operation<T>) -> &'a dyn BatchStatistics<T> {
        invariant::some(operation.layer.batch_statistics(), "a layer that asks for sums has `batch_statistics`")
    }

    fn input(&self, operation: &Operation<T>, micro_batch: MicroBatch) -> Range<usize> {
        let input = operation.input();
        micro_batch.part(&self.layout.value(input.value), input.shape.elements())
    }

    fn side(&self, operation: &Operation<T>, micro_batch: MicroBatch) -> Range<usize> {
        match operation.plan.side_input {
            0 => 0..0,
            features => micro_batch.part(&self.layout.side, features),
        }
    }

    /// The part of a place of the size of the operation's output.
    fn output(&self, operation: &Operation<T>, place: &Range<usize>, micro_batch: MicroBatch) -> Range<usize> {
        micro_batch.part(place, operation.output_shape.elements())
    }

    fn scratch(&self, operation: &Operation<T>) -> Range<usize> {
        let start = self.layout.scratch.start;
        start..start + operation.plan.scratch
    }
}

fn part<'a, E, T>(all: &'a [E], range: &Range<usize>, buffer: &str, operation: &Operation<T>) -> &'a [E] {
    invariant::slice(all, range, buffer, &operation.name)
}

/// An operation's reports, or nothing where it reports nothing.
fn reported<'m>(all: &'m mut [f64], range: &Range<usize>, reports: bool, owner: &str) -> &'m mut [f64] {
    if reports { invariant::slice_mut(all, range, "reports", owner) } else { &mut [] }
}
