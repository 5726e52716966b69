//! The gradient of a batch: the sum of the lanes' gradients in their order, and gradients computed over the whole batch.

use std::ops::Range;

use super::memory::{Layout, at};
use super::partition::worth_threads;
use super::structure::Node;
use super::{Network, Tape};
use crate::Scalar;
use crate::layer::{FinishGradient, Layer, ParameterSpec, Segments, WholeBatch};
use crate::parallel::{self, Divide};

impl<T: Scalar> Network<T> {
    /// The gradient with respect to every parameter: whole-batch gradients, the lanes' gradients summed in order, and penalties on parameters.
    pub(super) fn collect(&self, tape: &mut Tape<T>, samples: usize, gradients: &mut [T]) {
        let threads = worth_threads(&self.structure, samples);
        self.whole_batch(tape, samples, threads, gradients);
        self.sum_lanes(tape, samples, threads, gradients);
        self.finish(tape, samples, threads, gradients);
        self.add_weight_penalties(samples, gradients);
    }

    fn sum_lanes(&self, tape: &Tape<T>, samples: usize, threads: bool, gradients: &mut [T]) {
        let lanes = tape.partition.lanes_for(samples) * tape.layout.total;
        let lanes = tape.memory.get(..lanes).unwrap_or(&[]);
        for (entry, learns) in self.entries() {
            let Some(target) = gradients.get_mut(entry.range.clone()) else { continue };
            if !learns || entry.whole_batch.is_none() {
                target.fill(T::zero());
            }
            if let Some(lane) = entry.lane.as_ref().filter(|_| learns) {
                let start = tape.layout.gradients.start + lane.start;
                parallel::run(LaneSum { lanes, size: tape.layout.total, start, target }, threads);
            }
        }
    }

    /// Sums what lanes collected in another form in the first lane, and turns it into gradients.
    fn finish(&self, tape: &mut Tape<T>, samples: usize, threads: bool, gradients: &mut [T]) {
        let size = tape.layout.total;
        let lanes = tape.memory.get_mut(..tape.partition.lanes_for(samples) * size).unwrap_or(&mut []);
        let (first, lanes) = lanes.split_at_mut(size.min(lanes.len()));
        for (node, parameter) in self.learning(&tape.layout, |spec| spec.collected.is_some()) {
            let lane = at(&node.lane_gradients, parameter);
            let start = tape.layout.gradients.start + lane.start;
            let Some(collected) = first.get_mut(start..start + lane.len()) else { continue };
            parallel::run(LaneSum { lanes, size, start, target: &mut *collected }, threads);
            let Some(gradient) = gradients.get_mut(at(&node.parameters, parameter)) else { continue };
            node.kernel.finish_gradient(FinishGradient { input_shape: node.reads, parameter, collected, gradient });
        }
    }

    /// Computes the whole-batch gradients, in two halves in parallel: the thread that computed a half's activations still has them in its cache.
    fn whole_batch(&self, tape: &mut Tape<T>, samples: usize, threads: bool, gradients: &mut [T]) {
        let mut second_gradients = std::mem::take(&mut tape.second_gradients);
        let first = tape.partition.first_half(samples);
        match first < samples && !second_gradients.is_empty() {
            true => {
                let (first, second) = (0..first, first..samples);
                parallel::both(
                    threads,
                    || self.whole_batch_of(tape, first, threads, gradients),
                    || self.whole_batch_of(tape, second, threads, &mut second_gradients),
                );
                for (entry, _) in self.entries().filter(|(entry, learns)| entry.whole_batch.is_some() && *learns) {
                    let second = second_gradients.get(entry.range.clone()).unwrap_or(&[]);
                    let Some(target) = gradients.get_mut(entry.range.clone()) else { continue };
                    parallel::run(LaneSum { lanes: second, size: second.len(), start: 0, target }, threads);
                }
            }
            false => self.whole_batch_of(tape, 0..samples, threads, gradients),
        }
        tape.second_gradients = second_gradients;
    }

    /// Computes the whole-batch gradients of some samples, the first of which starts a lane.
    fn whole_batch_of(&self, tape: &Tape<T>, samples: Range<usize>, threads: bool, gradients: &mut [T]) {
        let segments = |range: Range<usize>, features: usize| Segments {
            data: &tape.memory,
            first: range.start + samples.start / tape.partition.lane_samples * tape.layout.total,
            stride: tape.layout.total,
            per_segment: tape.partition.lane_samples,
            samples: samples.len(),
            features,
        };
        for (node, parameter) in self.learning(&tape.layout, |spec| spec.whole_batch) {
            let Some(gradient) = gradients.get_mut(at(&node.parameters, parameter)) else { continue };
            let shape = node.plan.parameters.get(parameter).map_or(&[][..], |spec| &spec.shape);
            let entry = node.entries.get(parameter).and_then(|entry| self.structure.table.get(*entry));
            let rows = shape.first().copied().unwrap_or(1).max(1);
            let source = self.structure.source(node.index);
            let input = source.map_or(tape.layout.input.clone(), |source| at(&tape.layout.outputs, source));
            let rows = Rows {
                layer: node.kernel.as_ref(),
                parameter,
                adds: entry.is_none_or(|entry| entry.whole_batch != Some(node.index)),
                input: segments(input, node.reads.elements()),
                output_gradient: segments(at(&tape.layout.output_gradients, node.index), node.output.elements()),
                first: 0,
                rows,
                columns: gradient.len() / rows,
                gradient,
            };
            parallel::run(rows, threads);
        }
    }

    /// The trainable parameters of a kind: for each its layer and its index in the layer's plan.
    fn learning(
        &self,
        layout: &Layout,
        kind: impl Fn(&ParameterSpec) -> bool,
    ) -> impl Iterator<Item = (&Node<T>, usize)> {
        let nodes = self.structure.nodes.iter().skip(self.first_needed(layout));
        let each = nodes
            .flat_map(|node| node.plan.parameters.iter().enumerate().zip(&node.entries).map(move |pair| (node, pair)));
        each.filter_map(move |(node, ((parameter, spec), entry))| {
            (self.learns(*entry) && kind(spec)).then_some((node, parameter))
        })
    }

    /// The first layer whose gradients are needed: the first with a parameter that is not frozen, or layer 0 if the input gradient is wanted.
    pub(super) fn first_needed(&self, layout: &Layout) -> usize {
        if !layout.input_gradient.is_empty() {
            return 0;
        }
        let first = self.structure.nodes.iter().position(|node| node.entries.iter().any(|entry| self.learns(*entry)));
        first.unwrap_or(self.structure.nodes.len())
    }
}

/// Adds the lanes' gradients of some elements to `target`, in the lanes' order.
struct LaneSum<'a, T: Scalar> {
    /// The memory of the lanes, `size` elements each.
    lanes: &'a [T],
    size: usize,
    /// The offset of the first element in a lane's memory.
    start: usize,
    target: &'a mut [T],
}

/// Elements that one thread sums.
const SUM_PIECE: usize = 4096;

impl<T: Scalar> Divide for LaneSum<'_, T> {
    fn pieces(&self) -> usize {
        self.target.len().div_ceil(SUM_PIECE)
    }

    fn divide(self, at: usize) -> (Self, Self) {
        let (target, others) = self.target.split_at_mut(at * SUM_PIECE);
        let right = Self { start: self.start + target.len(), target: others, ..self };
        (Self { target, ..self }, right)
    }

    fn run(self) {
        for lane in self.lanes.chunks_exact(self.size.max(1)) {
            let gradients = lane.get(self.start..).unwrap_or(&[]);
            self.target.iter_mut().zip(gradients).for_each(|(target, gradient)| *target += *gradient);
        }
    }
}

/// Some rows of a whole-batch gradient.
struct Rows<'a, T: Scalar> {
    layer: &'a dyn Layer<T>,
    parameter: usize,
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
const ROWS_PIECE: usize = 8;

impl<T: Scalar> Divide for Rows<'_, T> {
    /// Half the threads: each share reads all samples again, and the other half of the batch runs at the same time.
    fn shares(threads: usize) -> usize {
        threads.div_ceil(2)
    }

    fn pieces(&self) -> usize {
        self.rows.div_ceil(ROWS_PIECE)
    }

    fn divide(self, at: usize) -> (Self, Self) {
        let rows = at * ROWS_PIECE;
        let (gradient, others) = self.gradient.split_at_mut(rows * self.columns);
        let right = Self { first: self.first + rows, rows: self.rows - rows, gradient: others, ..self };
        (Self { rows, gradient, ..self }, right)
    }

    fn run(self) {
        if !self.adds {
            self.gradient.fill(T::zero());
        }
        self.layer.whole_batch_gradient(WholeBatch {
            parameter: self.parameter,
            input: self.input,
            output_gradient: self.output_gradient,
            rows: self.first..self.first + self.rows,
            gradient: self.gradient,
        });
    }
}
