//! [`Bench`]: a loss with predictions and targets.

use crate::loss::{Loss, LossPass};
use crate::testing::report::Verdict;
use crate::{Scalar, Shape};

/// A loss in one float type, with test data.
pub(super) struct Bench<'m, T: Scalar> {
    pub make: &'m dyn Fn() -> Box<dyn Loss<T>>,
    pub loss: Box<dyn Loss<T>>,
    pub shape: Shape,
    pub predictions: Vec<T>,
    /// Arguments of the fused activation.
    pub logits: Vec<T>,
    pub targets: Vec<T>,
}

pub(super) const NO_FUSED_ACTIVATION: Verdict = Verdict::Skip("it has no fused activation");

impl<T: Scalar> Bench<'_, T> {
    pub fn predictions(&self, from_logits: bool) -> &[T] {
        if from_logits { &self.logits } else { &self.predictions }
    }

    pub fn has(&self, from_logits: bool) -> bool {
        !from_logits || self.loss.fused_activation().is_some()
    }

    pub fn value(&self, predictions: &[T], targets: &[T], from_logits: bool) -> f64 {
        LossPass::new(self.shape, predictions, targets)
            .map_or(f64::NAN, |pass| self.loss.evaluate(pass.from_logits(from_logits)))
    }

    /// Value and gradient; the gradient buffer holds `before` at first.
    pub fn both(&self, predictions: &[T], targets: &[T], from_logits: bool, factor: f64, before: f64) -> (f64, Vec<T>) {
        let mut gradient = vec![T::from_f64(before); predictions.len()];
        let pass = LossPass::new(self.shape, predictions, targets);
        let pass = pass.and_then(|pass| pass.from_logits(from_logits).gradient(T::from_f64(factor), &mut gradient));
        let value = pass.map_or(f64::NAN, |pass| self.loss.evaluate(pass));
        (value, gradient)
    }

    pub fn gradient_of(&self, from_logits: bool, factor: f64) -> Vec<T> {
        self.both(self.predictions(from_logits), &self.targets, from_logits, factor, 0.0).1
    }
}
