//! Options of the trainer that are in range, but hardly meant.

use super::kinds;
use super::small_batches::Batches;
use crate::loss::{Loss, Reduction};
use crate::optimizer::{Adam, AdamW, Optimizer, RmsProp, Sgd};
use crate::train::{Trainer, Warning};
use crate::{Config, Scalar, Shape};

/// One epoch, since nobody named a number.
pub(super) fn one_epoch<T: Scalar>(trainer: &Trainer<'_, T>, batches: Batches) -> Option<Warning> {
    (!trainer.epochs_named).then(|| Warning::OneEpoch { steps: batches.count() })
}

/// A learning rate a hundred times the default. That of plain gradient descent is compared per
/// element, where the loss is a mean over elements: its gradients are smaller then, while the other
/// optimizers' steps are as long as the rate, whatever the gradients are. Where a rate is so large
/// that the loss overflows, training ends in an error.
pub(super) fn learning_rate<T: Scalar>(trainer: &Trainer<'_, T>, output: Shape) -> Option<Warning> {
    const TIMES: f64 = 100.0;
    let optimizer = trainer.optimizer.as_ref();
    let momentum = || optimizer.config().number("momentum").unwrap_or(0.0); // a steady gradient's steps add up
    let (usual, elements) = match optimizer.kind() {
        "adam" => (rate_of::<T>(Adam::default()), 1.0),
        "adam_w" => (rate_of::<T>(AdamW::default()), 1.0),
        "rms_prop" => (rate_of::<T>(RmsProp::default()), 1.0 - momentum()),
        "sgd" => (rate_of::<T>(Sgd::default()), elements(trainer.loss.as_ref(), output)?),
        _ => return None,
    };
    let rate = optimizer.learning_rate();
    let excessive = rate > TIMES * usual * elements * (1.0 + 1e-9);
    let known = || starts_at_one(trainer.schedule.kind(), &trainer.schedule.config());
    (excessive && known()).then(|| Warning::LearningRate { optimizer: optimizer.kind(), rate, usual })
}

fn rate_of<T: Scalar>(optimizer: impl Optimizer<T>) -> f64 {
    optimizer.learning_rate()
}

/// How many elements of a sample the loss is a mean over; `None` for a user's loss.
fn elements<T: Scalar>(loss: &dyn Loss<T>, output: Shape) -> Option<f64> {
    let elements = match (loss.reduced_by(), loss.kind()) {
        (Reduction::SumPerSample, _) => 1,
        (Reduction::MeanPerElement, "categorical_cross_entropy") => output.elements() / output.channels().max(1),
        (Reduction::MeanPerElement, _) => output.elements(),
    };
    kinds::knows_loss(loss).then_some(elements as f64)
}

/// Whether the largest factor of a schedule is 1: of the crate's schedules, but perhaps not of a
/// user's.
fn starts_at_one(kind: &str, config: &Config) -> bool {
    match kind {
        "constant" | "cosine" | "exponential" | "on_plateau" => true,
        "warm_up" => {
            let then = config.config("then");
            let inner = then.and_then(|then| Ok((then.text("kind")?, then.config("config")?)));
            inner.is_ok_and(|(kind, config)| starts_at_one(kind, config))
        }
        _ => false,
    }
}
