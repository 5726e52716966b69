//! One optimizer step over the parameters that are not frozen; either all are updated or none.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::data::InputError;
use crate::graph::{Network, zeros};
use crate::kernel::reduce;
use crate::optimizer::{MAX_SLOTS, Optimizer, Update};
use crate::parallel::{self, Splittable};
use crate::{Scalar, invariant};

/// Parameters that one thread updates at a time: all their vectors fit into the L1 cache.
const PIECE: usize = 2048;

/// Fewer parameters are updated on one thread: it is done before a second one has woken up.
const MIN_FOR_THREADS: usize = 8 * PIECE;

/// The optimizer's slots (moments), and a copy of the parameters before the step.
#[derive(Debug)]
pub(super) struct OptimizerState<T> {
    pub slots: [Vec<T>; MAX_SLOTS],
    before: Vec<T>,
    /// The ranges of the parameter vector that are not frozen.
    ranges: Vec<Range<usize>>,
    pub steps: u64,
}

impl<T: Scalar> OptimizerState<T> {
    /// Allocates `slots` numbers per parameter.
    ///
    /// # Errors
    /// [`InputError::OutOfMemory`].
    pub fn new(network: &Network<T>, slots: usize) -> Result<Self, InputError> {
        let parameters = network.parameter_count();
        let mut state =
            Self { slots: Default::default(), before: zeros(parameters)?, ranges: network.trainable(), steps: 0 };
        for slot in state.slots.iter_mut().take(slots) {
            *slot = zeros(parameters)?;
        }
        Ok(state)
    }

    /// Takes a step. If a gradient or an updated parameter is not finite, all parameters are
    /// restored and the first such position is returned.
    pub fn step(
        &mut self,
        optimizer: &dyn Optimizer<T>,
        rate: f64,
        network: &mut Network<T>,
        gradients: &[T],
    ) -> Result<(), usize> {
        let step = self.steps + 1;
        let first_bad = AtomicUsize::new(usize::MAX);
        for range in &self.ranges {
            let shared = Shared { optimizer, step, rate, first_bad: &first_bad };
            let parameters = invariant::slice_mut(network.parameters_mut(), range, "parameters", "a step");
            let before = invariant::slice_mut(&mut self.before, range, "copy of the parameters", "a step");
            let gradients = invariant::slice(gradients, range, "gradients", "a step");
            let slots = self.slots.each_mut().map(|slot| match slot.is_empty() {
                true => &mut [][..], // the optimizer does not use it
                false => invariant::slice_mut(slot, range, "slot", "a step"),
            });
            let threads = range.len() >= MIN_FOR_THREADS;
            parallel::run(Pieces { shared, first: range.start, parameters, before, gradients, slots }, threads);
        }
        match first_bad.into_inner() {
            usize::MAX => {
                self.steps = step;
                network.pack();
                Ok(())
            }
            position => {
                for range in &self.ranges {
                    restore(network.parameters_mut(), &self.before, range.clone());
                }
                Err(position)
            }
        }
    }
}

fn restore<T: Scalar>(parameters: &mut [T], before: &[T], range: Range<usize>) {
    if let (Some(parameters), Some(before)) = (parameters.get_mut(range.clone()), before.get(range)) {
        parameters.copy_from_slice(before);
    }
}

#[derive(Clone, Copy)]
struct Shared<'a, T> {
    optimizer: &'a dyn Optimizer<T>,
    step: u64,
    rate: f64,
    first_bad: &'a AtomicUsize,
}

/// Some parameters with their gradients, slots and copies.
struct Pieces<'a, T: Scalar> {
    shared: Shared<'a, T>,
    first: usize,
    parameters: &'a mut [T],
    before: &'a mut [T],
    gradients: &'a [T],
    slots: [&'a mut [T]; MAX_SLOTS],
}

impl<'a, T: Scalar> Pieces<'a, T> {
    fn split(self, at: usize) -> (Self, Self) {
        let (parameters, other_parameters) = self.parameters.split_at_mut(at);
        let (before, other_before) = self.before.split_at_mut(at);
        let (gradients, other_gradients) = self.gradients.split_at(at);
        let mut others: [&'a mut [T]; MAX_SLOTS] = Default::default();
        let mut slots: [&'a mut [T]; MAX_SLOTS] = Default::default();
        for ((slot, other), whole) in slots.iter_mut().zip(&mut others).zip(self.slots) {
            let split = at.min(whole.len()); // an unused slot is empty
            (*slot, *other) = whole.split_at_mut(split);
        }
        let left = Self { shared: self.shared, first: self.first, parameters, before, gradients, slots };
        let right = Self {
            shared: self.shared,
            first: self.first + at,
            parameters: other_parameters,
            before: other_before,
            gradients: other_gradients,
            slots: others,
        };
        (left, right)
    }

    /// Copies these parameters, then updates them.
    fn update(self) {
        let Self { shared, first, parameters, before, gradients, slots } = self;
        before.copy_from_slice(parameters);
        let bad = reduce::first_not_finite(gradients).or_else(|| {
            let Shared { optimizer, step, rate, .. } = shared;
            let update = Update::new(optimizer, step, rate, &mut *parameters, gradients, slots).ok()?;
            optimizer.update(update);
            reduce::first_not_finite(parameters)
        });
        if let Some(position) = bad {
            shared.first_bad.fetch_min(first + position, Ordering::Relaxed);
        }
    }
}

impl<T: Scalar> Splittable for Pieces<'_, T> {
    fn pieces(&self) -> usize {
        self.parameters.len().div_ceil(PIECE)
    }

    fn divide(self, at: usize) -> (Self, Self) {
        self.split(at * PIECE)
    }

    fn run(self) {
        let mut rest = self;
        while rest.parameters.len() > PIECE {
            let (piece, others) = rest.split(PIECE);
            piece.update();
            rest = others;
        }
        rest.update();
    }
}
