//! How often a training is saved, counted by what its disk is told to sync.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nalgebra::DMatrix;

use super::{AT_LEAST, Checkpoints};
use crate::model_file::disk::simulated::{Call, Simulated};
use crate::{Activation, Adam, Autoencoder, Dense, Mse, Shape, Trainer};

const STEPS: usize = 3;

/// Trains on a simulated disk; how many checkpoints, best models and synced files there were.
fn saved(epochs: usize, often: impl FnOnce(Checkpoints) -> Checkpoints) -> [usize; 3] {
    let disk = Simulated::default();
    train(&disk, epochs, often);
    let renamed = |begin: &str| {
        let begins = |path: &Path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(begin));
        disk.log().iter().filter(|call| matches!(call, Call::Rename(_, to) if begins(to))).count()
    };
    let syncs = disk.log().iter().filter(|call| matches!(call, Call::Sync(_))).count();
    [renamed("checkpoint-"), renamed("best"), syncs]
}

fn train(disk: &Simulated, epochs: usize, often: impl FnOnce(Checkpoints) -> Checkpoints) {
    let data = DMatrix::<f32>::from_fn(5, 12, |feature, sample| ((feature * sample) % 7) as f32 / 7.0);
    let built = Autoencoder::<f32>::builder(Shape::flat(5)).encoder(Dense::new(3)).mirror(Activation::Linear).build();
    let checkpoints = often(Checkpoints::new("run").on(Arc::new(disk.clone())));
    let trainer = Trainer::new(Mse, Adam::new(0.01)).epochs(epochs).batch_size(4).threads(1);
    let mut trainer = trainer.checkpoints(checkpoints).resume_or_start("run");
    let history = trainer.fit(&mut built.unwrap(), &data).unwrap();
    assert_eq!(history.epochs().len(), epochs);
}

/// A small training is not slowed down: its files are synced some times, not twice an epoch.
#[test]
fn by_default_there_is_one_checkpoint_in_some_seconds_and_one_at_the_end() {
    let began = Instant::now();
    let [checkpoints, best, syncs] = saved(200, |checkpoints| checkpoints);
    let in_time = (began.elapsed().as_secs() / AT_LEAST.as_secs()) as usize;
    assert!((1..=1 + in_time).contains(&checkpoints), "{checkpoints} checkpoints");
    assert!((1..=checkpoints).contains(&best), "{best} best models");
    assert_eq!(syncs, checkpoints + best);
}

#[test]
fn every_so_much_time() {
    assert_eq!(saved(4, |checkpoints| checkpoints.every(Duration::MAX)), [1, 1, 2]);
    let [checkpoints, ..] = saved(4, |checkpoints| checkpoints.every(Duration::ZERO));
    assert_eq!(checkpoints, 4 * STEPS, "after every step");
}

#[test]
fn every_so_many_epochs_or_steps_and_at_the_end() {
    let often = |often: fn(Checkpoints) -> Checkpoints| saved(5, often)[0];
    assert_eq!(often(|checkpoints| checkpoints.every_epochs(1)), 5);
    assert_eq!(often(|checkpoints| checkpoints.every_epochs(2)), 3);
    assert_eq!(often(|checkpoints| checkpoints.every_steps(1)), 5 * STEPS);
    assert_eq!(often(|checkpoints| checkpoints.every_steps(4)), 4, "3 times within an epoch, and at the end");
}

/// A pause is saved once, at the step and no more.
#[test]
fn a_pause_is_saved_at_once_and_once() {
    let disk = Simulated::default();
    let data = DMatrix::<f32>::from_element(5, 12, 0.5);
    let built = Autoencoder::<f32>::builder(Shape::flat(5)).encoder(Dense::new(3)).mirror(Activation::Linear).build();
    let checkpoints = Checkpoints::new("run").every(Duration::MAX).on(Arc::new(disk.clone()));
    let mut trainer = Trainer::new(Mse, Adam::new(0.01)).epochs(3).batch_size(4).checkpoints(checkpoints);
    trainer = trainer.pause_when(|progress| progress.epoch == 2 && progress.step == 2);
    trainer.fit(&mut built.unwrap(), &data).unwrap();
    let named = |call: &Call| if let Call::Rename(_, to) = call { Some(to.display().to_string()) } else { None };
    let names: Vec<String> = disk.log().iter().filter_map(named).collect();
    assert_eq!(names, ["run/best.safetensors", "run/checkpoint-0000000005.safetensors"]);
}

/// A training that has ended writes nothing when it is given back.
#[test]
fn a_training_that_has_ended_writes_nothing() {
    let disk = Simulated::default();
    train(&disk, 3, |checkpoints| checkpoints);
    let syncs = || disk.log().iter().filter(|call| matches!(call, Call::Sync(_))).count();
    let before = syncs();
    train(&disk, 3, |checkpoints| checkpoints);
    assert_eq!(syncs(), before);
}
