//! Penalties on parameters: their contribution to the loss and its gradient.

use std::ops::Range;

use super::partition::worth_threads;
use super::{Network, Tape};
use crate::Scalar;
use crate::layer::Regularizer;
use crate::parallel::{self, Divide};

/// A penalty on a parameter of the network.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WeightPenalty {
    pub regularizer: Regularizer,
    /// The parameter's entry in the table.
    pub entry: usize,
    /// The penalty's index among all penalties.
    pub penalty: usize,
}

impl<T: Scalar> Network<T> {
    /// The penalties on trainable parameters, with the parameters' ranges.
    fn weight_penalties(&self) -> impl Iterator<Item = (&WeightPenalty, Range<usize>)> {
        self.structure.weight_penalties.iter().filter_map(|penalty| {
            let entry = self.structure.table.get(penalty.entry)?;
            self.learns(penalty.entry).then(|| (penalty, entry.range.clone()))
        })
    }

    /// Writes the penalties on parameters to the tape, multiplied by the number of samples, since the tape holds sums.
    pub(super) fn weigh(&self, tape: &mut Tape<T>) {
        for (penalty, range) in self.weight_penalties() {
            let values = self.parameters.get(range).unwrap_or(&[]);
            if let Some(sum) = tape.total.penalties.get_mut(penalty.penalty) {
                *sum = tape.samples as f64 * penalty.regularizer.value(values);
            }
        }
    }

    /// Adds the gradients of the penalties on parameters.
    pub(super) fn add_weight_penalties(&self, samples: usize, gradients: &mut [T]) {
        let threads = worth_threads(&self.structure, samples);
        for (penalty, range) in self.weight_penalties() {
            let values = self.parameters.get(range.clone()).unwrap_or(&[]);
            let gradients = gradients.get_mut(range).unwrap_or(&mut []);
            parallel::run(Addition { regularizer: penalty.regularizer, values, gradients }, threads);
        }
    }
}

/// Elements whose gradients one thread adds at a time.
const PIECE: usize = 4096;

/// Adds a penalty's gradient with respect to some elements.
struct Addition<'a, T> {
    regularizer: Regularizer,
    values: &'a [T],
    gradients: &'a mut [T],
}

impl<T: Scalar> Divide for Addition<'_, T> {
    fn pieces(&self) -> usize {
        self.gradients.len().div_ceil(PIECE)
    }

    fn divide(self, at: usize) -> (Self, Self) {
        let (values, other_values) = self.values.split_at(at * PIECE);
        let (gradients, others) = self.gradients.split_at_mut(at * PIECE);
        let right = Self { values: other_values, gradients: others, ..self };
        (Self { values, gradients, ..self }, right)
    }

    fn run(self) {
        self.regularizer.add_gradient(self.values, self.gradients);
    }
}
