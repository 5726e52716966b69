//! Lanes: groups of a batch's samples that run through the network in parallel.

use std::ops::Range;

use super::memory::{JUDGED_AT_ONCE, at};
use super::partition::{Partition, worth_threads};
use super::step::{Judge, Outside, Read, Record, Reports, Step, Way};
use super::{Network, Tape};
use crate::layer::Mode;
use crate::parallel::{self, Divide};
use crate::{DataError, Scalar};

impl<T: Scalar> Network<T> {
    /// Runs every lane: independently from start to end, unless a layer needs statistics of the whole batch; then all lanes synchronise there.
    pub(super) fn run(
        &self,
        tape: &mut Tape<T>,
        samples: usize,
        passes: Passes,
        step: &impl Step<T>,
    ) -> Result<(), DataError> {
        tape.samples = samples;
        if passes.forward() {
            tape.records.iter_mut().for_each(Record::clear);
        } else {
            tape.records.iter_mut().for_each(|record| record.backward_statistics.fill(0.0));
        }
        let waits =
            passes.trains() && self.structure.nodes.iter().any(|node| node.waits() && !node.rests(&self.frozen));
        if let Err(error) = self.run_stages(tape, passes, waits, step) {
            tape.samples = 0; // a backward pass is impossible
            return Err(error);
        }
        if passes.trains() {
            self.weigh(tape);
        }
        Ok(())
    }

    fn run_stages(
        &self,
        tape: &mut Tape<T>,
        passes: Passes,
        waits: bool,
        step: &impl Step<T>,
    ) -> Result<(), DataError> {
        let all = 0..self.structure.nodes.len();
        match (passes, waits) {
            (Passes::Forward, false) => self.run_legs(tape, passes, &[Leg::Begin, Leg::Forward(all)], step),
            (Passes::Evaluate | Passes::Validate, _) => {
                self.run_legs(tape, passes, &[Leg::Begin, Leg::Forward(all), Leg::Judge], step)
            }
            (Passes::Backward, false) => self.run_legs(tape, passes, &[Leg::Judge, Leg::Backward(all)], step),
            (Passes::Both, false) => {
                let legs = [Leg::Begin, Leg::Forward(all.clone()), Leg::Judge, Leg::Backward(all)];
                self.run_legs(tape, passes, &legs, step)
            }
            (Passes::Forward, true) => self.forward_in_stages(tape, passes, step),
            (Passes::Backward, true) => self.backward_in_stages(tape, passes, step),
            (Passes::Both, true) => {
                self.forward_in_stages(tape, passes, step)?;
                self.backward_in_stages(tape, passes, step)
            }
        }
    }

    fn forward_in_stages(&self, tape: &mut Tape<T>, passes: Passes, step: &impl Step<T>) -> Result<(), DataError> {
        self.run_legs(tape, passes, &[Leg::Begin], step)?;
        let mut done = 0;
        for (index, node) in self.structure.nodes.iter().enumerate() {
            if node.plan.forward_statistics > 0 && !node.rests(&self.frozen) {
                self.run_legs(tape, passes, &[Leg::Forward(done..index), Leg::ForwardSums(index)], step)?;
                done = index;
            }
        }
        self.run_legs(tape, passes, &[Leg::Forward(done..self.structure.nodes.len())], step)
    }

    fn backward_in_stages(&self, tape: &mut Tape<T>, passes: Passes, step: &impl Step<T>) -> Result<(), DataError> {
        self.run_legs(tape, passes, &[Leg::Judge], step)?;
        let needed = self.first_needed(&tape.layout);
        let mut done = self.structure.nodes.len();
        for (index, node) in self.structure.nodes.iter().enumerate().skip(needed).rev() {
            if node.plan.backward_statistics > 0 && !node.rests(&self.frozen) {
                self.run_legs(tape, passes, &[Leg::Backward(index + 1..done), Leg::BackwardSums(index)], step)?;
                done = index + 1;
            }
        }
        self.run_legs(tape, passes, &[Leg::Backward(0..done)], step)
    }

    /// Runs some legs of every lane, and sums their records, in the lanes' order.
    fn run_legs<S: Step<T>>(
        &self,
        tape: &mut Tape<T>,
        passes: Passes,
        legs: &[Leg],
        step: &S,
    ) -> Result<(), DataError> {
        let samples = tape.samples;
        let lanes = tape.partition.lanes_for(samples);
        let backward = matches!(passes, Passes::Backward | Passes::Both);
        let mut way = self.way(&tape.layout, samples, passes.mode(), backward, tape.random)?;
        way.linked = tape.linked;
        if passes.trains() {
            way.epoch = tape.epoch;
            way.forward_statistics = &tape.total.forward_statistics;
            way.backward_statistics = &tape.total.backward_statistics;
        }
        let needed = self.first_needed(&tape.layout);
        let trip = Trip { way, partition: tape.partition, samples, needed, legs, step };
        let memory = tape.memory.get_mut(..lanes * tape.layout.total).unwrap_or(&mut []);
        let records = tape.records.get_mut(..lanes).unwrap_or(&mut []);
        let threads = worth_threads(&self.structure, samples);
        parallel::run(Lanes { trip: &trip, first: 0, memory, records }, threads);
        tape.total.clear();
        for record in tape.records.iter_mut().take(lanes) {
            if let Some(error) = record.error.take() {
                return Err(error);
            }
            tape.total.add(record);
        }
        Ok(())
    }
}

/// Which passes a run makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Passes {
    Forward,
    Backward,
    /// Both, forward and backward for each part before the next part.
    Both,
    /// Forward in inference mode, then loss and metrics without gradients.
    Evaluate,
    /// Like `Evaluate`, in validation mode.
    Validate,
}

impl Passes {
    fn forward(self) -> bool {
        self != Self::Backward
    }

    fn mode(self) -> Mode {
        match self {
            Self::Forward | Self::Backward | Self::Both => Mode::Training,
            Self::Evaluate => Mode::Inference,
            Self::Validate => Mode::Validation,
        }
    }

    fn trains(self) -> bool {
        self.mode() == Mode::Training
    }
}

/// A stretch of a lane's passes that needs no other lane.
#[derive(Clone)]
enum Leg {
    /// Read the samples.
    Begin,
    Forward(Range<usize>),
    ForwardSums(usize),
    /// Clear the gradients; compute loss, metrics and the gradient with respect to the predictions.
    Judge,
    BackwardSums(usize),
    Backward(Range<usize>),
}

/// What all lanes of a step share.
struct Trip<'a, T: Scalar, S> {
    way: Way<'a, T>,
    partition: Partition,
    samples: usize,
    needed: usize,
    legs: &'a [Leg],
    step: &'a S,
}

impl<T: Scalar, S: Step<T>> Trip<'_, T, S> {
    /// Runs the legs for lane `lane`, part by part.
    fn lane(&self, lane: usize, memory: &mut [T], record: &mut Record) {
        let (lane_first, samples) = self.partition.lane(lane, self.samples);
        for (first, samples) in self.partition.parts(samples) {
            let first = lane_first + first;
            let way = self.way.of(first, samples);
            for leg in self.legs {
                if record.error.is_none() {
                    self.leg(leg, &way, first, memory, record);
                }
            }
        }
    }

    fn leg(&self, leg: &Leg, way: &Way<'_, T>, first: usize, memory: &mut [T], record: &mut Record) {
        let positions = first..first + way.samples;
        let layout = way.layout;
        match leg {
            Leg::Begin => {
                let structure = way.structure;
                let ranges = [
                    way.head(&layout.input, structure.input.elements()),
                    way.head(&layout.side, structure.side_input),
                    way.head(&layout.target, structure.output().elements()),
                ];
                let [input, side, target] = way.slices(memory, ranges);
                record.error = self.step.read(positions, Read { input, side, target }).err();
            }
            Leg::Forward(nodes) => {
                let reports = Reports { penalties: &mut record.penalties, figures: &mut record.figures };
                way.forward(nodes.clone(), memory, Outside::default(), reports);
            }
            Leg::ForwardSums(index) => way.forward_sums(*index, memory, &mut record.forward_statistics),
            Leg::Judge => self.judge(way, positions, memory, record),
            Leg::BackwardSums(index) => way.backward_sums(*index, memory, &mut record.backward_statistics),
            Leg::Backward(nodes) => way.backward(nodes.clone(), self.needed, memory),
        }
    }

    fn judge(&self, way: &Way<'_, T>, positions: Range<usize>, memory: &mut [T], record: &mut Record) {
        let layout = way.layout;
        let last = way.structure.nodes.len().saturating_sub(1);
        if positions.start.is_multiple_of(self.partition.lane_samples) {
            let [gradients] = way.slices(memory, [layout.gradients.clone()]);
            gradients.fill(T::zero());
        }
        let target = if layout.target.is_empty() { &layout.input } else { &layout.target };
        let (output, gradient) = (at(&layout.outputs, last), at(&layout.output_gradients, last));
        let elements = way.structure.output().elements();
        let training = way.mode == Mode::Training;
        if layout.judged.is_empty() {
            let ranges = [&output, target, &gradient].map(|range| way.head(range, elements));
            let [predictions, targets, gradient] = way.slices(memory, ranges);
            return self.step.judge(Judge { positions, predictions, targets, gradient, training }, record);
        }
        let ranges = [layout.judged.clone(), way.head(target, elements), way.head(&gradient, elements)];
        let [predictions, targets, gradients] = way.slices(memory, ranges);
        let at_once = JUDGED_AT_ONCE * elements.max(1);
        let firsts = positions.step_by(JUDGED_AT_ONCE);
        for ((first, targets), gradient) in firsts.zip(targets.chunks(at_once)).zip(gradients.chunks_mut(at_once)) {
            let Some(predictions) = predictions.get_mut(..gradient.len()) else { continue };
            predictions.copy_from_slice(gradient);
            let positions = first..first + gradient.len() / elements.max(1);
            self.step.judge(Judge { positions, predictions, targets, gradient, training }, record);
        }
    }
}

/// Some lanes with their memory and records.
struct Lanes<'a, T: Scalar, S> {
    trip: &'a Trip<'a, T, S>,
    first: usize,
    memory: &'a mut [T],
    records: &'a mut [Record],
}

impl<T: Scalar, S: Step<T>> Divide for Lanes<'_, T, S> {
    fn pieces(&self) -> usize {
        self.records.len()
    }

    fn divide(self, at: usize) -> (Self, Self) {
        let (memory, other_memory) = self.memory.split_at_mut(at * self.trip.way.layout.total);
        let (records, other_records) = self.records.split_at_mut(at);
        let others = Self { trip: self.trip, first: self.first + at, memory: other_memory, records: other_records };
        (Self { trip: self.trip, first: self.first, memory, records }, others)
    }

    fn run(self) {
        let size = self.trip.way.layout.total.max(1);
        for (index, (memory, record)) in self.memory.chunks_exact_mut(size).zip(self.records).enumerate() {
            self.trip.lane(self.first + index, memory, record);
        }
    }
}
