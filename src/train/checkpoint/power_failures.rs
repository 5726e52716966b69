//! Whatever disk failure happens, training resumes from the last synced checkpoint and ends with
//! the same bytes.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use nalgebra::DMatrix;

use super::Checkpoints;
use crate::model_file::disk::simulated::{Call, Failure, PowerLoss, Simulated};
use crate::{Activation, Adam, Autoencoder, Dense, Dropout, Error, Mse, Shape, Trainer};

const EPOCHS: usize = 2;
const STEPS: u64 = 6;
const FOLDER: &str = "run";

/// The call that tries whether files can be created in the folder, after that which makes it.
const TRIAL: usize = 1;

/// Trains to the end from what the disk holds, saving after every second step. Returns the model
/// file, and the number of steps taken.
fn train(disk: &Simulated) -> (Result<Vec<u8>, Error>, u64) {
    train_as(disk, |trainer| trainer.resume_or_start(FOLDER))
}

fn train_as(disk: &Simulated, begin: fn(Trainer<'_, f32>) -> Trainer<'_, f32>) -> (Result<Vec<u8>, Error>, u64) {
    let data = DMatrix::<f32>::from_fn(5, 12, |feature, sample| ((feature * sample) % 7) as f32 / 7.0);
    let built = Autoencoder::<f32>::builder(Shape::flat(5))
        .encoder(Dense::new(3).activation(Activation::Tanh))
        .encoder(Dropout::new(0.1))
        .decoder(Dense::new(5))
        .build();
    let mut model = built.unwrap();
    let steps = AtomicU64::new(0);
    let trainer = Trainer::new(Mse, Adam::new(0.01))
        .epochs(EPOCHS)
        .batch_size(4)
        .threads(1)
        .checkpoints(Checkpoints::new(FOLDER).every_steps(2).on(Arc::new(disk.clone())));
    let result = begin(trainer).on_progress(|_| _ = steps.fetch_add(1, Ordering::Relaxed)).fit(&mut model, &data);
    let mut bytes = Vec::new();
    model.write_to(&mut bytes).unwrap();
    let steps = steps.load(Ordering::Relaxed);
    (result.map(|_| bytes), steps)
}

/// The step count of the last checkpoint whose name and contents were synced.
fn last_synced(log: &[Call]) -> u64 {
    let number = |path: &Path| -> Option<u64> {
        path.file_name()?.to_str()?.strip_prefix("checkpoint-")?.strip_suffix(".safetensors")?.parse().ok()
    };
    let (mut renamed, mut synced) = (0, 0);
    for call in log {
        match call {
            Call::Rename(_, to) => renamed = number(to).unwrap_or(renamed),
            Call::SyncFolder => synced = renamed,
            _ => {}
        }
    }
    synced
}

#[test]
fn of_the_power_behind_any_call() {
    let disk = Simulated::default();
    let (expected, steps) = train(&disk);
    let expected = expected.unwrap();
    assert_eq!(steps, STEPS);
    let log = disk.log();
    assert!(
        log.iter().filter(|call| matches!(call, Call::Rename(..))).count() == 5,
        "three checkpoints, two best models"
    );
    for calls in 0..=log.len() {
        for loss in PowerLoss::ALL {
            let (resumed, steps) = train(&disk.after(calls, loss));
            assert!(resumed.unwrap() == expected, "after {calls} calls, {loss:?}: other bytes");
            assert!(steps <= STEPS - last_synced(&log[..calls]), "after {calls} calls, {loss:?}: {steps} steps again");
        }
    }
}

/// Of the discarded training or of the new one, but never of a mixture.
#[test]
fn of_the_power_while_starting_over() {
    let disk = Simulated::default();
    let expected = train(&disk).0.unwrap();
    let before = disk.log().len();
    let (anew, steps) = train_as(&disk, |trainer| trainer.start_over(FOLDER));
    assert!(anew.unwrap() == expected && steps == STEPS, "it starts from the beginning");
    for calls in before..=disk.log().len() {
        for loss in PowerLoss::ALL {
            let resumed = train(&disk.after(calls, loss)).0;
            assert!(resumed.unwrap() == expected, "after {calls} calls, {loss:?}: other bytes");
        }
    }
}

#[test]
fn of_any_call() {
    let disk = Simulated::default();
    let expected = train(&disk).0.unwrap();
    for call in 0..disk.log().len() {
        for failure in [Failure::Refused, Failure::Full] {
            let failing = Simulated::default().failing_at(call, failure);
            let (result, _) = train(&failing);
            let log = failing.log();
            match (result, &disk.log()[call]) {
                (Ok(bytes), Call::Remove(_)) => assert!(bytes == expected),
                (Ok(_), other) => panic!("{other:?} failed, and nobody was told"),
                (Err(error), Call::SyncFolder) => {
                    assert!(error.to_string().contains("may not survive a power failure"))
                }
                (Err(error), Call::CreateFolder) => assert!(error.to_string().contains("cannot be used")),
                (Err(error), Call::Create(_)) if call == TRIAL => {
                    assert!(error.to_string().contains("cannot be used"))
                }
                (Err(error), _) => assert!(error.to_string().contains("a file that was there before is unchanged")),
            }
            for loss in PowerLoss::ALL {
                let (resumed, steps) = train(&failing.after(log.len(), loss));
                assert!(resumed.unwrap() == expected, "call {call} failed, then {loss:?}: other bytes");
                assert!(steps <= STEPS - last_synced(&log), "call {call} failed, then {loss:?}: {steps} steps again");
            }
        }
    }
}
