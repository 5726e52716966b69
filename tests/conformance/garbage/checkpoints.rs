//! Folders that hold no checkpoints, or such that somebody has changed.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;
use proptest::prelude::*;
use proptest::sample::select;

use super::files::{Damage, damage, rewritten, seal};
use super::{all_finite, normalised, numbers, row, temporary};
use crate::Row;
use crate::common::{Numbers, Steps, bits};
use crate::properties::{Judgement, holds, require};

pub fn rows() -> Vec<Row> {
    vec![
        row("checkpoints", || holds(600, folder(), resumes_or_says_why)),
        row("places of checkpoints", || holds(100, (place(), intervals()), checkpoints_or_says_why)),
    ]
}

/// A training that can be interrupted within an epoch.
fn training<'a>(counter: Steps) -> Trainer<'a, f64> {
    Trainer::new(Mse, Adam::new(0.01))
        .batch_size(4)
        .epochs(3)
        .validation_fraction(0.25)
        .early_stopping(EarlyStopping::new(2))
        .metric(Accuracy)
        .callback(counter)
}

fn data() -> [DMatrix<f64>; 2] {
    let mut random = Numbers::new(5);
    [random.matrix(3, 16), random.matrix(2, 16)]
}

/// A checkpoint after an epoch, and one within the next.
fn originals() -> &'static [Vec<u8>; 2] {
    static FILES: OnceLock<[Vec<u8>; 2]> = OnceLock::new();
    FILES.get_or_init(|| {
        let (folder, [inputs, targets]) = (temporary("original"), data());
        let checkpoint = |checkpoints: Checkpoints, epochs: usize, file: &str| {
            let mut trainer = training(Steps(0)).epochs(epochs).checkpoints(checkpoints);
            trainer.fit_to(&mut normalised(), &inputs, &targets).expect("a training");
            let bytes = fs::read(folder.join(file)).expect("a checkpoint");
            fs::remove_dir_all(&folder).expect("the folder");
            bytes
        };
        [
            checkpoint(Checkpoints::new(&folder), 1, "checkpoint-0000000003.safetensors"),
            checkpoint(Checkpoints::new(&folder).every_steps(5), 2, "checkpoint-0000000005.safetensors"),
        ]
    })
}

/// A file's name, which checkpoint it was, how many steps it says were taken in all if it lies, and
/// what else has been done to it.
type Changed = (&'static str, usize, Option<u64>, Option<Damage>);

/// The files of a folder.
fn folder() -> impl Strategy<Value = (Vec<Changed>, [bool; 2])> {
    let names = [
        "checkpoint-0000000003.safetensors",
        "checkpoint-0000000005.safetensors",
        "checkpoint-18446744073709551615.safetensors",
        "checkpoint-99999999999999999999.safetensors",
        "checkpoint-.safetensors",
        "checkpoint--1.safetensors",
        "best.safetensors",
    ];
    let steps = proptest::option::weighted(0.3, select(vec![0, 3, 4, u64::MAX / 2, u64::MAX - 1, u64::MAX]));
    let name = prop_oneof![select(names[..2].to_vec()), select(names.to_vec())];
    let file = (name, 0_usize..2, steps, proptest::option::of(damage()));
    (proptest::collection::vec(file, 0..3), any::<[bool; 2]>())
}

/// Whatever is in the folder, training goes on from it or says why not, and then the model is as it
/// was.
fn resumes_or_says_why((files, [goes_on, or_start]): (Vec<Changed>, [bool; 2])) -> Judgement {
    let (folder, [inputs, targets]) = (temporary("checkpoints"), data());
    fs::remove_dir_all(&folder).ok(); // there may be none
    fs::create_dir_all(&folder).expect("a folder");
    for (name, original, steps, damage) in &files {
        let mut bytes = rewritten(&originals()[*original], |header| {
            if let Some(steps) = steps {
                let taken = [r#"\"steps\":3"#, r#"\"steps\":5"#][*original];
                *header = header.replacen(taken, &format!(r#"\"steps\":{steps}"#), 1);
            }
        });
        seal(&mut bytes);
        let bytes = damage.as_ref().map_or(bytes.clone(), |damage| damage.done_to(&bytes));
        fs::write(folder.join(name), bytes).expect("a file");
    }
    let mut network = normalised();
    let before = bits(&numbers(&network));
    let mut trainer = training(Steps(0));
    trainer = if or_start { trainer.resume_or_start(&folder) } else { trainer.resume(&folder) };
    trainer = if goes_on { trainer.checkpoints(Checkpoints::new(&folder).every_steps(2)) } else { trainer };
    let trained = trainer.fit_to(&mut network, &inputs, &targets);
    drop(trainer);
    require(all_finite(&network), "a number is not finite")?;
    match trained {
        Ok(history) => require(history.epochs().len() <= 3, "more epochs than were asked for")?,
        Err(Error::Train(error)) => {
            let same = bits(&numbers(&network)) == before;
            require(error.epoch() > 0 || same, "a refused checkpoint has changed the model")?;
        }
        Err(error) => require(false, format!("not an error of training: {error}"))?,
    }
    fs::remove_dir_all(&folder).expect("the folder");
    Ok(())
}

/// Where checkpoints cannot be.
fn place() -> impl Strategy<Value = PathBuf> {
    let file = temporary("file");
    let long = std::env::temp_dir().join("long".repeat(2000));
    select(vec![file.clone(), file.join("below"), long, std::env::temp_dir().join("a\0b"), PathBuf::new()])
}

fn intervals() -> impl Strategy<Value = [usize; 2]> {
    [select(vec![0, 1, 2]), select(vec![0, 1, usize::MAX])]
}

/// A folder that cannot be used is an error before the first step.
fn checkpoints_or_says_why((place, [epochs, steps]): (PathBuf, [usize; 2])) -> Judgement {
    let (file, [inputs, targets]) = (temporary("file"), data());
    fs::write(&file, b"no folder").expect("a file");
    let places: [Checkpoints; 2] =
        [Checkpoints::new(&place).every_epochs(epochs), Checkpoints::new(&place).every_steps(steps)];
    for checkpoints in places {
        let mut network = normalised();
        let before = bits(&numbers(&network));
        let unusable = refused(training(Steps(0)).checkpoints(checkpoints), &mut network, &inputs, &targets);
        let resumed = refused(training(Steps(0)).resume(&place), &mut network, &inputs, &targets);
        require(unusable && resumed, format!("{} is used", place.display()))?;
        require(bits(&numbers(&network)) == before, "a refused training has changed the model")?;
    }
    require(Path::new(&file).is_file(), "the file is gone")?;
    fs::remove_file(file).expect("the file");
    Ok(())
}

fn refused(
    mut trainer: Trainer<'_, f64>,
    network: &mut Network<f64>,
    inputs: &DMatrix<f64>,
    targets: &DMatrix<f64>,
) -> bool {
    trainer.fit_to(network, inputs, targets).is_err()
}
