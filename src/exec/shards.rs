//! Runs the stages of a schedule over a batch: its shards in parallel, each micro-batch by
//! micro-batch.

use super::partition::Partition;
use super::run::{BatchLoader, LastOperation, LastPass, Load, Memory, MicroBatch, Run};
use super::schedule::Task;
use super::slices::disjoint;
use super::totals::Totals;
use crate::graph::{LOSS_SAMPLES, Layout, Value};
use crate::parallel::{self, Splittable};
use crate::{Scalar, invariant};

/// One stage of a run.
pub(super) struct Stage<'a, T: Scalar> {
    pub run: Run<'a, T>,
    pub partition: Partition,
    pub tasks: &'a [Task],
    /// Whether a backward pass follows the last operation.
    pub backward: bool,
    /// The first operation whose gradients are needed.
    pub needed: usize,
    pub loader: &'a dyn BatchLoader<T>,
    pub last: &'a dyn LastOperation<T>,
}

impl<T: Scalar> Stage<'_, T> {
    /// Does the tasks for every shard, each in its own part of `memory`, and with its own totals.
    pub fn run(&self, memory: &mut [T], totals: &mut [Totals]) {
        let worth_threads = self.run.program.is_worth_threads(self.run.batch);
        parallel::run(Shards { stage: self, first: 0, memory, totals }, worth_threads);
    }

    fn shard(&self, shard: usize, memory: &mut [T], totals: &mut Totals) {
        let (shard_first, samples) = self.partition.shard(shard, self.run.batch);
        for (first, samples) in self.partition.micro_batches(samples) {
            let micro_batch = MicroBatch { first: shard_first + first, samples };
            for task in self.tasks {
                if totals.error.is_none() {
                    self.task(task, micro_batch, memory, totals);
                }
            }
        }
    }

    fn task(&self, task: &Task, micro_batch: MicroBatch, memory: &mut [T], totals: &mut Totals) {
        match task {
            Task::Load => self.load(micro_batch, memory, totals),
            Task::Forward(operations) => {
                self.run.forward(operations.clone(), micro_batch, Memory::of(memory), totals);
            }
            Task::ForwardSums(operation) => {
                self.run.forward_sums(*operation, micro_batch, memory, &mut totals.forward_statistics);
            }
            Task::Last => self.last(micro_batch, memory, totals),
            Task::BackwardSums(operation) => {
                self.run.backward_sums(*operation, micro_batch, memory, &mut totals.backward_statistics);
            }
            Task::Backward(operations) => self.run.backward(operations.clone(), self.needed, micro_batch, memory),
        }
    }

    fn load(&self, micro_batch: MicroBatch, memory: &mut [T], totals: &mut Totals) {
        let Run { program, layout, .. } = self.run;
        let places = [
            micro_batch.part(&layout.input, program.input),
            micro_batch.part(&layout.side, program.side_input),
            micro_batch.part(&layout.target, program.output_shape.elements()),
        ];
        let [input, side, target] = disjoint(memory, places, "samples");
        totals.error = self.loader.load(micro_batch.positions(), Load { input, side, target }).err();
    }

    fn last(&self, micro_batch: MicroBatch, memory: &mut [T], totals: &mut Totals) {
        let Run { program, layout, batch, .. } = self.run;
        if self.backward && micro_batch.first.is_multiple_of(self.partition.shard_samples) {
            invariant::slice_mut(memory, &layout.gradients, "gradients", "a shard").fill(T::zero());
        }
        debug_assert!(micro_batch.first < batch);
        let elements = program.output_shape.elements();
        let part = |place| micro_batch.part(place, elements);
        let target = match (layout.target.is_empty(), elements == program.input) {
            (false, _) => &layout.target,
            (true, true) => &layout.input,
            (true, false) => &(0..0), // the caller's gradient needs none
        };
        let (value, gradient) = (layout.value(program.output()), layout.gradient(program.output()));
        if is_in_place(layout, program.output()) {
            let places = [layout.loss_scratch.clone(), part(target), part(&gradient)];
            return self.last_in_place(micro_batch, disjoint(memory, places, "the loss"), totals);
        }
        let places = [part(&value), part(target), part(&gradient)];
        let [predictions, targets, gradient] = disjoint(memory, places, "the loss");
        let (positions, backward) = (micro_batch.positions(), self.backward);
        self.last.run(LastPass { positions, predictions, targets, gradient, backward }, totals);
    }

    /// The last operation where its gradient overwrites the predictions: a few samples at a time,
    /// whose predictions are copied.
    fn last_in_place(&self, micro_batch: MicroBatch, slices: [&mut [T]; 3], totals: &mut Totals) {
        let [predictions, targets, gradients] = slices;
        let elements = self.run.program.output_shape.elements();
        let at_once = LOSS_SAMPLES * elements;
        let firsts = micro_batch.positions().step_by(LOSS_SAMPLES);
        for (index, (first, gradient)) in firsts.zip(gradients.chunks_mut(at_once)).enumerate() {
            let start = index * at_once;
            let targets: &[T] = match targets.is_empty() {
                true => &[], // a gradient that the caller hands in needs none
                false => invariant::slice(targets, &(start..start + gradient.len()), "targets", "the loss"),
            };
            let predictions = invariant::slice_mut(predictions, &(0..gradient.len()), "predictions", "the loss");
            predictions.copy_from_slice(gradient);
            let positions = first..first + gradient.len() / elements;
            self.last.run(LastPass { positions, predictions, targets, gradient, backward: self.backward }, totals);
        }
    }
}

fn is_in_place(layout: &Layout, output: Value) -> bool {
    !layout.loss_scratch.is_empty() && layout.value(output) == layout.gradient(output)
}

/// Some shards with their memory and totals.
struct Shards<'a, T: Scalar> {
    stage: &'a Stage<'a, T>,
    first: usize,
    memory: &'a mut [T],
    totals: &'a mut [Totals],
}

impl<T: Scalar> Splittable for Shards<'_, T> {
    fn pieces(&self) -> usize {
        self.totals.len()
    }

    fn divide(self, at: usize) -> (Self, Self) {
        let (memory, other_memory) = self.memory.split_at_mut(at * self.stage.run.layout.total);
        let (totals, other_totals) = self.totals.split_at_mut(at);
        let others = Self { first: self.first + at, memory: other_memory, totals: other_totals, ..self };
        (Self { memory, totals, ..self }, others)
    }

    fn run(self) {
        let size = self.stage.run.layout.total;
        let mut rest = self.memory;
        for (index, totals) in self.totals.iter_mut().enumerate() {
            let (memory, others) = rest.split_at_mut(size);
            self.stage.shard(self.first + index, memory, totals);
            rest = others;
        }
    }
}
