//! A training is not resumed with other data: it would return what was learned from those before.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use autoencoder::nalgebra::DMatrix;
use autoencoder::{
    Activation, Adam, Autoencoder, BuildError, DataError, Dense, Error, ModelFileErrorKind, Mse, Scalar, Shape, Source,
    StandardScaler, TrainErrorKind, Trainer,
};

use crate::common::{Numbers, Outcome, error_of};
use crate::support::{Folder, bytes};

const FEATURES: usize = 5;

fn samples<T: Scalar>(seed: u64, count: usize) -> DMatrix<T> {
    Numbers::new(seed).matrix(FEATURES, count)
}

fn model<T: Scalar>() -> Result<Autoencoder<T>, BuildError> {
    Autoencoder::builder(Shape::flat(FEATURES)).encoder(Dense::new(3)).mirror(Activation::Linear).build()
}

fn trainer<'a, T: Scalar>(folder: &Folder) -> Trainer<'a, T> {
    Trainer::new(Mse, Adam::new(0.01)).epochs(2).resume_or_start(folder.path())
}

/// Which data are others, according to the error; it says what to do.
#[track_caller]
fn others(error: Error) -> &'static str {
    let message = error.to_string();
    for advice in ["the checkpoint is of other data", "give another folder", "`Trainer::start_over`", "load the model"]
    {
        assert!(message.contains(advice), "{message}");
    }
    let Error::Train(error) = error else { panic!("{error}") };
    assert_eq!((error.epoch(), error.history().epochs().len()), (0, 0));
    match error.kind() {
        TrainErrorKind::Checkpoint(error) => match error.kind() {
            ModelFileErrorKind::OtherData { part } => part,
            ModelFileErrorKind::OtherNumber { what, .. } => what,
            other => panic!("{other}"),
        },
        other => panic!("{other}"),
    }
}

fn of_the_same_length<T: Scalar>() -> Outcome {
    let folder = Folder::new(&format!("same-length-{}", T::NAME));
    let [yesterday, today] = [1, 2].map(|seed| samples::<T>(seed, 200));
    trainer(&folder).fit(&mut model::<T>()?, &yesterday)?;
    let (names, mut untouched) = (folder.names(), model::<T>()?);
    let before = bytes(&untouched);
    for resuming in [trainer(&folder), trainer(&folder).resume(folder.path())] {
        let mut resuming = resuming.epochs(4);
        assert_eq!(others(error_of(resuming.fit(&mut untouched, &today), "other data")), "training inputs");
    }
    assert!(bytes(&untouched) == before);
    assert_eq!(folder.names(), names);
    let history = trainer(&folder).epochs(4).fit(&mut untouched, &yesterday)?;
    assert_eq!(history.epochs().len(), 4, "the same data go on");
    Ok(())
}

#[test]
fn other_data_of_the_same_length_are_refused() -> Outcome {
    of_the_same_length::<f32>()?;
    of_the_same_length::<f64>()
}

#[test]
fn another_number_of_samples_is_refused() -> Outcome {
    let folder = Folder::new("another-number");
    let all = samples::<f64>(1, 200);
    trainer(&folder).fit(&mut model::<f64>()?, &all)?;
    let more = samples::<f64>(1, 201);
    assert_eq!(others(error_of(trainer(&folder).fit(&mut model::<f64>()?, &more), "more")), "training samples");
    let (few, other) = (samples::<f64>(3, 20), samples::<f64>(3, 21));
    let validated = Folder::new("another-number-validated");
    trainer(&validated).validation(&few).fit(&mut model::<f64>()?, &all)?;
    let again = trainer(&validated).validation(&other).fit(&mut model::<f64>()?, &all);
    assert_eq!(others(error_of(again, "more")), "validation samples");
    let again = trainer(&validated).fit(&mut model::<f64>()?, &all);
    assert_eq!(others(error_of(again, "none")), "validation samples");
    Ok(())
}

/// No fold gets the model of another, which has seen what it is to be tested with.
#[test]
fn no_fold_gets_the_model_of_another() -> Outcome {
    let all = samples::<f64>(4, 200);
    let without = |fold: usize| all.clone().remove_columns(50 * fold, 50);
    for scaled in [false, true] {
        let folder = Folder::new(&format!("folds-{scaled}"));
        let model = |train: &DMatrix<f64>| -> Result<_, Error> {
            let builder = Autoencoder::<f64>::builder(Shape::flat(FEATURES)).encoder(Dense::new(3));
            let builder = if scaled { builder.scaler(StandardScaler::fit(train)?) } else { builder };
            Ok(builder.mirror(Activation::Linear).build()?)
        };
        trainer(&folder).fit(&mut model(&without(0))?, &without(0))?;
        for fold in 1..4 {
            let train = without(fold);
            let again = trainer(&folder).fit(&mut model(&train)?, &train);
            assert_eq!(others(error_of(again, "another fold")), "training inputs");
        }
        trainer(&folder).fit(&mut model(&without(0))?, &without(0))?;
    }
    Ok(())
}

/// The first, the last, and those evenly between: of 64 samples each one.
#[test]
fn one_changed_sample_of_the_64_is_noticed() -> Outcome {
    for (count, changed) in [(64, (0..64).collect::<Vec<_>>()), (631, vec![0, 10, 310, 620, 630])] {
        let folder = Folder::new(&format!("one-of-{count}"));
        let data = samples::<f32>(5, count);
        trainer(&folder).fit(&mut model::<f32>()?, &data)?;
        for sample in changed {
            let mut other = data.clone();
            other[(FEATURES - 1, sample)] = other[(FEATURES - 1, sample)].next_up();
            let again = trainer(&folder).fit(&mut model::<f32>()?, &other);
            assert_eq!(others(error_of(again, "a changed sample")), "training inputs", "{sample} of {count}");
        }
    }
    Ok(())
}

#[test]
fn other_targets_and_validation_data_are_refused() -> Outcome {
    let folder = Folder::new("other-targets");
    let [inputs, targets, judged, expected, other] = [1, 2, 3, 4, 5].map(|seed| samples::<f64>(seed, 100));
    let fit = |inputs, targets, judged, expected| {
        let mut model = model::<f64>()?;
        trainer(&folder).validation_to(judged, expected).fit_to(&mut model, inputs, targets)
    };
    fit(&inputs, &targets, &judged, &expected)?;
    let part = |again| others(error_of(again, "other data"));
    assert_eq!(part(fit(&other, &targets, &judged, &expected)), "training inputs");
    assert_eq!(part(fit(&inputs, &other, &judged, &expected)), "training targets");
    assert_eq!(part(fit(&inputs, &targets, &other, &expected)), "validation inputs");
    assert_eq!(part(fit(&inputs, &targets, &judged, &other)), "validation targets");
    let without_targets = trainer(&folder).validation_to(&judged, &expected).fit(&mut model::<f64>()?, &inputs);
    assert_eq!(part(without_targets), "training targets");
    fit(&inputs, &targets, &judged, &expected)?;
    Ok(())
}

/// Each input as its own target is the same whether it is named twice or once.
#[test]
fn inputs_as_targets_are_the_same_data() -> Outcome {
    let (folder, data) = (Folder::new("own-targets"), samples::<f64>(1, 100));
    trainer(&folder).validation(&data).fit(&mut model::<f64>()?, &data)?;
    let mut again = trainer(&folder).epochs(3).validation_to(&data, &data);
    assert_eq!(again.fit_to(&mut model::<f64>()?, &data, &data)?.epochs().len(), 3);
    Ok(())
}

/// The last of 300 training samples is sample 299: the samples held out have a fingerprint of their
/// own.
#[test]
fn other_samples_held_out_are_refused() -> Outcome {
    let folder = Folder::new("other-held-out");
    let data = samples::<f64>(6, 400);
    let fit = |data: &DMatrix<f64>| trainer(&folder).validation_fraction(0.25).fit(&mut model::<f64>()?, data);
    fit(&data)?;
    for (sample, part) in [(0, "training inputs"), (299, "training inputs"), (300, "validation inputs")] {
        let mut other = data.clone();
        other[(0, sample)] += 1.0;
        assert_eq!(others(error_of(fit(&other), "a changed sample")), part, "{sample}");
    }
    Ok(())
}

/// Data on a disk that may be gone, and that counts what is read of it.
struct Disk {
    data: DMatrix<f64>,
    gone: AtomicBool,
    samples: AtomicUsize,
}

impl Source<f64> for Disk {
    fn len(&self) -> usize {
        Source::len(&self.data)
    }

    fn features(&self) -> usize {
        self.data.features()
    }

    fn read(&self, samples: &[usize], batch: &mut [f64]) -> Result<(), DataError> {
        self.samples.fetch_add(samples.len(), Ordering::Relaxed);
        match self.gone.load(Ordering::Relaxed) {
            true => Err(DataError::Source("the disk is gone".into())),
            false => self.data.read(samples, batch),
        }
    }
}

#[test]
fn of_any_number_of_samples_64_are_read() -> Outcome {
    let folder = Folder::new("64-are-read");
    let data = samples::<f64>(7, 1000);
    let disk = Disk { data, gone: AtomicBool::new(false), samples: AtomicUsize::new(0) };
    trainer(&folder).fit(&mut model::<f64>()?, &disk)?;
    disk.samples.store(0, Ordering::Relaxed);
    trainer(&folder).fit(&mut model::<f64>()?, &disk)?;
    assert_eq!(disk.samples.load(Ordering::Relaxed), 64, "a training that has ended reads no more");
    Ok(())
}

/// The error of the data, before anything is discarded.
#[test]
fn data_that_cannot_be_read_are_an_error_of_the_data() -> Outcome {
    let folder = Folder::new("unreadable");
    let data = samples::<f64>(7, 100);
    let gone = Disk { data: data.clone(), gone: AtomicBool::new(true), samples: AtomicUsize::new(0) };
    trainer(&folder).fit(&mut model::<f64>()?, &data)?;
    let (names, resume) = (folder.names(), trainer::<f64>(&folder).epochs(3));
    for mut trainer in [resume, trainer(&folder).start_over(folder.path())] {
        let error = error_of(trainer.fit(&mut model::<f64>()?, &gone), "no disk").to_string();
        assert_eq!(error, "training stopped before the first step: the data source failed: the disk is gone");
    }
    let validated = trainer(&folder).start_over(folder.path()).validation(&gone).fit(&mut model::<f64>()?, &data);
    let error = error_of(validated, "no disk for validation").to_string();
    assert!(error.contains("first step: in the validation data: the data source failed"), "{error}");
    assert_eq!(folder.names(), names);
    Ok(())
}

/// NaN where there was a number is other data; data that hold NaN get the error they always got.
#[test]
fn data_with_nan() -> Outcome {
    let folder = Folder::new("nan");
    let data = samples::<f64>(8, 100);
    let mut holes = data.clone();
    holes[(2, 0)] = f64::NAN;
    let unsaved = error_of(trainer(&folder).fit(&mut model::<f64>()?, &holes), "NaN").to_string();
    assert!(unsaved.contains("feature 2 of sample 0"), "{unsaved}");
    trainer(&folder).fit(&mut model::<f64>()?, &data)?;
    assert_eq!(others(error_of(trainer(&folder).fit(&mut model::<f64>()?, &holes), "NaN")), "training inputs");
    Ok(())
}
