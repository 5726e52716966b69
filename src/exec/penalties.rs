//! Penalties on parameters: their contribution to the loss and its gradient.

use super::Tape;
use crate::Scalar;
use crate::graph::{Entry, Network, WeightPenalty};
use crate::invariant;
use crate::layer::Regularizer;
use crate::parallel::{self, Splittable};

impl<T: Scalar> Network<T> {
    /// The penalties on trainable parameters, with the parameters' entries.
    fn weight_penalties(&self) -> impl Iterator<Item = (&WeightPenalty, &Entry)> {
        let trainable = self.definition().weight_penalties.iter().filter(|penalty| self.is_trainable(penalty.entry));
        trainable.map(|penalty| (penalty, self.definition().entry(penalty.entry)))
    }

    /// Writes the penalties on parameters to the tape, multiplied by the number of samples, since
    /// the tape holds sums.
    pub(super) fn add_parameter_penalties(&self, tape: &mut Tape<T>) {
        for (penalty, entry) in self.weight_penalties() {
            let values = invariant::slice(self.parameter_vector(), &entry.range, "parameter", &entry.name);
            let sum = invariant::some(tape.totals.penalties.get_mut(penalty.penalty), "every penalty has a total");
            *sum = tape.samples as f64 * penalty.regularizer.value(values);
        }
    }

    /// Adds the gradients of the penalties on parameters.
    pub(super) fn add_penalty_gradients(&self, samples: usize, gradients: &mut [T]) {
        let threads = self.program().is_worth_threads(samples);
        for (penalty, entry) in self.weight_penalties() {
            let values = invariant::slice(self.parameter_vector(), &entry.range, "parameter", &entry.name);
            let gradients = invariant::slice_mut(gradients, &entry.range, "gradient", &entry.name);
            parallel::run(Addition { regularizer: penalty.regularizer, values, gradients }, threads);
        }
    }
}

/// Elements whose gradients one thread adds at a time.
const ELEMENTS_PER_PIECE: usize = 4096;

/// Adds a penalty's gradient with respect to some elements.
struct Addition<'a, T> {
    regularizer: Regularizer,
    values: &'a [T],
    gradients: &'a mut [T],
}

impl<T: Scalar> Splittable for Addition<'_, T> {
    fn pieces(&self) -> usize {
        self.gradients.len().div_ceil(ELEMENTS_PER_PIECE)
    }

    fn divide(self, at: usize) -> (Self, Self) {
        let (values, other_values) = self.values.split_at(at * ELEMENTS_PER_PIECE);
        let (gradients, others) = self.gradients.split_at_mut(at * ELEMENTS_PER_PIECE);
        let right = Self { values: other_values, gradients: others, ..self };
        (Self { values, gradients, ..self }, right)
    }

    fn run(self) {
        self.regularizer.add_gradient(self.values, self.gradients);
    }
}
