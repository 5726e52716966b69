//! Options of the trainer that are in range, but hardly meant.

use super::small_batches::Batches;
use crate::Scalar;
use crate::train::{Trainer, Warning};
use crate::{Config, Optimizer};

/// One epoch, since nobody named a number.
pub(super) fn one_epoch<T: Scalar>(trainer: &Trainer<'_, T>, batches: Batches) -> Option<Warning> {
    (!trainer.epochs_named).then(|| Warning::OneEpoch { steps: batches.count() })
}

/// A learning rate that is a hundred times the default, of an optimizer whose steps are as long as its rate, whatever the gradients are. The rate of plain gradient descent
/// depends on the scale of the loss; too large a one ends in an error.
pub(super) fn learning_rate<T: Scalar>(trainer: &Trainer<'_, T>) -> Option<Warning> {
    const TIMES: f64 = 100.0;
    let usual = match trainer.optimizer.kind() {
        "adam" => Optimizer::<T>::learning_rate(&crate::Adam::default()),
        "adam_w" => Optimizer::<T>::learning_rate(&crate::AdamW::default()),
        "rms_prop" => Optimizer::<T>::learning_rate(&crate::RmsProp::default()),
        _ => return None,
    };
    let rate = trainer.optimizer.learning_rate();
    let excessive = rate > TIMES * usual * (1.0 + 1e-9);
    let known = starts_at_one(trainer.schedule.kind(), &trainer.schedule.config());
    (excessive && known).then(|| Warning::LearningRate { optimizer: trainer.optimizer.kind(), rate, usual })
}

/// Whether the largest factor of a schedule is 1: of the crate's schedules, but perhaps not of a user's.
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
