//! The gradient of a batch: the lanes' added up in their order, and what is computed over the whole batch.

use std::ops::Range;

use super::memory::{Layout, at};
use super::partition::worth_threads;
use super::{Network, Tape};
use crate::Scalar;
use crate::layer::{Layer, Segments, WholeBatch};
use crate::parallel::{self, Divide};

impl<T: Scalar> Network<T> {
    /// The gradient by every parameter: the lanes' added up in order, what is computed over the whole batch, and penalties on parameters.
    pub(super) fn collect(&self, tape: &Tape<T>, samples: usize, gradients: &mut [T]) {
        let threads = worth_threads(&self.structure, samples);
        for (entry, frozen) in self.structure.table.iter().zip(&self.frozen) {
            let Some(target) = gradients.get_mut(entry.range.clone()) else { continue };
            match entry.lane.as_ref().filter(|_| !frozen) {
                Some(lane) => {
                    let start = tape.layout.gradients.start + lane.start;
                    let lanes = tape.partition.lanes_for(samples);
                    let sum = LaneSum { tape, lanes, start, target };
                    parallel::run(sum, threads);
                }
                None => target.fill(T::zero()),
            }
        }
        let needed = self.first_needed(&tape.layout);
        for (index, node) in self.structure.nodes.iter().enumerate().skip(needed) {
            for (parameter, spec) in node.plan.parameters.iter().enumerate().filter(|(_, spec)| spec.whole_batch) {
                let frozen = node.entries.get(parameter).and_then(|entry| self.frozen.get(*entry));
                let range = at(&node.parameters, parameter);
                let Some(gradient) = gradients.get_mut(range).filter(|_| frozen == Some(&false)) else { continue };
                let rows = spec.shape.first().copied().unwrap_or(1).max(1);
                let columns = gradient.len() / rows;
                let input = match self.structure.source(index) {
                    Some(source) => (at(&tape.layout.outputs, source), node.input.elements()),
                    None => (tape.layout.input.clone(), node.input.elements()),
                };
                let output_gradient = (at(&tape.layout.output_gradients, index), node.output.elements());
                let segments = |(range, features): (Range<usize>, usize)| Segments {
                    data: &tape.memory,
                    first: range.start,
                    stride: tape.layout.total,
                    per_segment: tape.partition.lane_samples,
                    samples,
                    features,
                };
                let layer = node.layer.as_ref();
                let (input, output_gradient) = (segments(input), segments(output_gradient));
                let rows = Rows { layer, parameter, input, output_gradient, first: 0, rows, columns, gradient };
                parallel::run(rows, threads);
            }
        }
        self.add_weight_penalties(samples, gradients);
    }

    /// The first layer whose gradients anyone needs: the first with a parameter that is not frozen.
    pub(super) fn first_needed(&self, layout: &Layout) -> usize {
        if !layout.input_gradient.is_empty() {
            return 0;
        }
        let learns = |entry: &usize| !self.frozen.get(*entry).copied().unwrap_or(false);
        let first = self.structure.nodes.iter().position(|node| node.entries.iter().any(learns));
        first.unwrap_or(self.structure.nodes.len())
    }
}

/// The lanes' gradients of some elements, added up in the lanes' order.
struct LaneSum<'a, T: Scalar> {
    tape: &'a Tape<T>,
    lanes: usize,
    /// The first element's place in a lane's memory.
    start: usize,
    target: &'a mut [T],
}

/// Elements that are added up by one thread.
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
        for lane in 0..self.lanes {
            let gradients = self.tape.lane_memory(lane).get(self.start..).unwrap_or(&[]);
            match lane {
                0 => self.target.iter_mut().zip(gradients).for_each(|(target, gradient)| *target = *gradient),
                _ => self.target.iter_mut().zip(gradients).for_each(|(target, gradient)| *target += *gradient),
            }
        }
    }
}

/// Some rows of a gradient that is computed over the whole batch.
struct Rows<'a, T: Scalar> {
    layer: &'a dyn Layer<T>,
    parameter: usize,
    input: Segments<'a, T>,
    output_gradient: Segments<'a, T>,
    first: usize,
    rows: usize,
    columns: usize,
    gradient: &'a mut [T],
}

/// Rows that one thread computes at a time: a few register tiles' worth.
const ROWS_PIECE: usize = 56;

impl<T: Scalar> Divide for Rows<'_, T> {
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
        self.layer.whole_batch_gradient(WholeBatch {
            parameter: self.parameter,
            input: self.input,
            output_gradient: self.output_gradient,
            rows: self.first..self.first + self.rows,
            gradient: self.gradient,
        });
    }
}
