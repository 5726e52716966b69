//! The gradient of a batch: the sum of the shards' gradients in their order, and the gradients that
//! are computed over the whole batch.

use std::ops::Range;

use super::Tape;
use crate::graph::{Network, Operation, Value};
use crate::kernel::product::Segments;
use crate::layer::{DeferredGradient, DeferredRows};
use crate::parallel::{self, Splittable};
use crate::{Scalar, invariant};

impl<T: Scalar> Network<T> {
    /// The gradient with respect to every parameter: deferred gradients, the shards' gradients
    /// summed in order, and penalties on parameters. Writes all of `gradients`.
    pub(super) fn reduce(&self, tape: &mut Tape<T>, samples: usize, gradients: &mut [T]) {
        let threads = self.program().is_worth_threads(samples);
        self.add_deferred(tape, samples, threads, gradients);
        self.sum_shards(tape, samples, threads, gradients);
        self.finish_accumulated(tape, samples, threads, gradients);
        self.add_penalty_gradients(samples, gradients);
    }

    fn sum_shards(&self, tape: &Tape<T>, samples: usize, threads: bool, gradients: &mut [T]) {
        let shards = tape.shards(samples);
        for (parameter, (entry, is_trainable)) in self.program().gradients.iter().zip(self.entries()) {
            let target = invariant::slice_mut(gradients, &entry.range, "gradient", &entry.name);
            if !is_trainable || parameter.deferred_by.is_none() {
                target.fill(T::zero());
            }
            if let Some(in_shard) = parameter.in_shard.as_ref().filter(|_| is_trainable) {
                let start = tape.layout.gradients.start + in_shard.start;
                parallel::run(ShardSum { shards, size: tape.layout.total, start, target }, threads);
            }
        }
    }

    /// Sums what shards accumulated in another form in the first shard, and turns it into
    /// gradients.
    fn finish_accumulated(&self, tape: &mut Tape<T>, samples: usize, threads: bool, gradients: &mut [T]) {
        let (size, start) = (tape.layout.total, tape.layout.gradients.start);
        let (first, shards) = tape.shards_mut(samples).split_at_mut(size);
        let accumulated =
            self.trainable_by(|operation| operation.accumulated.as_ref().map(|layer| layer.accumulated()));
        for (_, operation, parameter) in accumulated {
            let layer = invariant::some(operation.accumulated.as_ref(), "an accumulated gradient has its layer");
            let place = invariant::at(&operation.gradients, parameter, "gradient");
            let place = start + place.start..start + place.end;
            let sum = invariant::slice_mut(first, &place, "gradient", &operation.name);
            parallel::run(ShardSum { shards, size, start: place.start, target: &mut *sum }, threads);
            layer.finish_gradient(sum, gradient_of(operation, parameter, gradients));
        }
    }

    /// Computes the deferred gradients, in two halves of the batch in parallel: the thread that
    /// computed a half's activations still has them in its cache.
    fn add_deferred(&self, tape: &mut Tape<T>, samples: usize, threads: bool, gradients: &mut [T]) {
        let mut second_gradients = std::mem::take(&mut tape.second_gradients);
        let first = tape.partition.first_half(samples);
        if first < samples && !second_gradients.is_empty() {
            let (first, second) = (0..first, first..samples);
            parallel::both(
                threads,
                || self.add_deferred_of(tape, first, threads, gradients),
                || self.add_deferred_of(tape, second, threads, &mut second_gradients),
            );
            for (parameter, (entry, is_trainable)) in self.program().gradients.iter().zip(self.entries()) {
                if parameter.deferred_by.is_some() && is_trainable {
                    let second = invariant::slice(&second_gradients, &entry.range, "gradient", &entry.name);
                    let target = invariant::slice_mut(gradients, &entry.range, "gradient", &entry.name);
                    parallel::run(ShardSum { shards: second, size: second.len(), start: 0, target }, threads);
                }
            }
        } else {
            self.add_deferred_of(tape, 0..samples, threads, gradients);
        }
        tape.second_gradients = second_gradients;
    }

    /// Computes the deferred gradients of some samples, the first of which starts a shard.
    fn add_deferred_of(&self, tape: &Tape<T>, samples: Range<usize>, threads: bool, gradients: &mut [T]) {
        let segments = |place: Range<usize>, features: usize| Segments {
            data: tape.memory(),
            first: place.start + samples.start / tape.partition.shard_samples * tape.layout.total,
            stride: tape.layout.total,
            per_segment: tape.partition.shard_samples,
            samples: samples.len(),
            features,
        };
        let deferred = self.trainable_by(|operation| operation.deferred.as_ref().map(|layer| layer.deferred()));
        for (index, operation, parameter) in deferred {
            let layer = invariant::some(operation.deferred.as_deref(), "a deferred gradient has its layer");
            let spec = invariant::at(&operation.plan.parameters, parameter, "parameter");
            let entry = *invariant::at(&operation.entries, parameter, "parameter");
            let first_of = invariant::at(&self.program().gradients, entry, "gradient").deferred_by;
            let gradient = gradient_of(operation, parameter, gradients);
            let rows = spec.shape.first().copied().unwrap_or(1).max(1);
            parallel::run(
                Rows {
                    layer,
                    adds: first_of != Some(index),
                    input: segments(tape.layout.value(operation.input().value), operation.input().shape.elements()),
                    output_gradient: segments(
                        tape.layout.gradient(Value::Output(index)),
                        operation.output_shape.elements(),
                    ),
                    first: 0,
                    rows,
                    columns: gradient.len() / rows,
                    gradient,
                },
                threads,
            );
        }
    }

    /// The operations, with their indices, that have a trainable parameter of the kind that `which`
    /// finds, with its index in the plan.
    fn trainable_by(
        &self,
        which: impl Fn(&Operation<T>) -> Option<usize>,
    ) -> impl Iterator<Item = (usize, &Operation<T>, usize)> {
        self.program().operations.iter().enumerate().filter_map(move |(index, operation)| {
            let parameter = which(operation)?;
            let entry = *invariant::at(&operation.entries, parameter, "parameter");
            self.is_trainable(entry).then_some((index, operation, parameter))
        })
    }
}

/// The gradient of a parameter of an operation, in the layout of the parameter vector.
fn gradient_of<'g, T: Scalar>(operation: &Operation<T>, parameter: usize, gradients: &'g mut [T]) -> &'g mut [T] {
    let range = invariant::at(&operation.parameters, parameter, "parameter");
    invariant::slice_mut(gradients, range, "gradient", &operation.name)
}

/// Adds the shards' gradients of some elements to `target`, in the shards' order.
struct ShardSum<'a, T: Scalar> {
    /// The memory of the shards, `size` elements each.
    shards: &'a [T],
    size: usize,
    /// The offset of the first element in a shard's memory.
    start: usize,
    target: &'a mut [T],
}

/// Elements that one thread sums.
const ELEMENTS_PER_SUM: usize = 4096;

impl<T: Scalar> Splittable for ShardSum<'_, T> {
    fn pieces(&self) -> usize {
        self.target.len().div_ceil(ELEMENTS_PER_SUM)
    }

    fn divide(self, at: usize) -> (Self, Self) {
        let (target, others) = self.target.split_at_mut(at * ELEMENTS_PER_SUM);
        let right = Self { start: self.start + target.len(), target: others, ..self };
        (Self { target, ..self }, right)
    }

    fn run(self) {
        for shard in self.shards.chunks_exact(self.size.max(1)) {
            let place = self.start..self.start + self.target.len();
            let gradients = invariant::slice(shard, &place, "gradients", "a shard");
            self.target.iter_mut().zip(gradients).for_each(|(target, gradient)| *target += *gradient);
        }
    }
}

/// Some rows of a deferred gradient.
struct Rows<'a, T: Scalar> {
    layer: &'a dyn DeferredGradient<T>,
    /// Whether to add to the gradient, which holds another layer's contribution.
    adds: bool,
    input: Segments<'a, T>,
    output_gradient: Segments<'a, T>,
    first: usize,
    rows: usize,
    columns: usize,
    gradient: &'a mut [T],
}

/// Rows are split at multiples of this, so that few register tiles stay half empty.
const ROWS_PER_PIECE: usize = 8;

impl<T: Scalar> Splittable for Rows<'_, T> {
    /// Half the threads: each share reads all samples again, and the other half of the batch runs
    /// at the same time.
    fn shares(threads: usize) -> usize {
        threads.div_ceil(2)
    }

    fn pieces(&self) -> usize {
        self.rows.div_ceil(ROWS_PER_PIECE)
    }

    fn divide(self, at: usize) -> (Self, Self) {
        let rows = at * ROWS_PER_PIECE;
        let (gradient, others) = self.gradient.split_at_mut(rows * self.columns);
        let right = Self { first: self.first + rows, rows: self.rows - rows, gradient: others, ..self };
        (Self { rows, gradient, ..self }, right)
    }

    fn run(self) {
        if !self.adds {
            self.gradient.fill(T::zero());
        }
        self.layer.add_rows(DeferredRows {
            input: self.input,
            output_gradient: self.output_gradient,
            rows: self.first..self.first + self.rows,
            gradient: self.gradient,
        });
    }
}
