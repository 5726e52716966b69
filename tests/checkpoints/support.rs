//! What these tests train: a small model with everything random switched on.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use autoencoder::nalgebra::DMatrix;
use autoencoder::{
    Activation, Adam, Autoencoder, BatchNorm, BuildError, Checkpoints, Clip, Cosine, DataError, Dense, Dropout,
    EarlyStopping, GaussianCorruption, GaussianLatent, GaussianNoise, History, KlAnnealing, Mae, Metric, Mse,
    Optimizer, Reduction, Scalar, Shape, Source, Trainer, WarmUp,
};

use crate::common::{Numbers, Steps};

pub const FEATURES: usize = 12;
pub const EPOCHS: usize = 10;

/// A folder of this test's own, empty.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("autoencoder-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The files in it, in order.
    pub fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Data of which so many samples can be read, then the disk is gone.
pub struct Failing<'a, T: Scalar> {
    pub data: &'a DMatrix<T>,
    pub reads: AtomicUsize,
}

impl<T: Scalar> Source<T> for Failing<'_, T> {
    fn len(&self) -> usize {
        Source::len(self.data)
    }

    fn features(&self) -> usize {
        self.data.features()
    }

    fn read(&self, samples: &[usize], batch: &mut [T]) -> Result<(), DataError> {
        let left = |reads: usize| reads.checked_sub(samples.len());
        match self.reads.fetch_update(Ordering::Relaxed, Ordering::Relaxed, left) {
            Ok(_) => self.data.read(samples, batch),
            Err(_) => Err(DataError::NoSuchSample { sample: 0, samples: 0 }),
        }
    }
}

/// How far the largest prediction is from the largest target.
#[derive(Debug)]
pub struct Peak;

impl<T: Scalar> Metric<T> for Peak {
    fn name(&self) -> &str {
        "peak"
    }

    fn evaluate(&self, shape: Shape, predictions: &[T], targets: &[T]) -> f64 {
        let peak = |sample: &[T]| sample.iter().fold(0.0_f64, |most, value| most.max(value.into_f64()));
        let samples = predictions.chunks(shape.elements()).zip(targets.chunks(shape.elements()));
        samples.map(|(prediction, target)| (peak(prediction) - peak(target)).abs()).sum()
    }
}

pub fn data<T: Scalar>() -> DMatrix<T> {
    Numbers::new(7).matrix(FEATURES, 75)
}

pub fn model<T: Scalar>() -> Result<Autoencoder<T>, BuildError> {
    Autoencoder::builder(Shape::flat(FEATURES))
        .encoder(GaussianNoise::new(0.05))
        .encoder(Dense::new(9).activation(Activation::Relu))
        .encoder(BatchNorm::new())
        .encoder(Dropout::new(0.2))
        .encoder(Dense::new(2 * 4))
        .encoder(GaussianLatent::new().warm_up(KlAnnealing::Linear { epochs: 4.0 }))
        .decoder(Dense::new(9).activation(Activation::Tanh))
        .decoder(Dense::new(FEATURES).activation(Activation::Sigmoid))
        .seed(5)
        .build()
}

/// Seven steps an epoch.
pub fn trainer<T: Scalar>(optimizer: impl Optimizer<T> + 'static) -> Trainer<'static, T> {
    Trainer::new(Mse.reduction(Reduction::SumPerSample), optimizer)
        .batch_size(9)
        .seed(3)
        .schedule(WarmUp::new(1.5, Cosine::new().over(12.0)))
        .clip(Clip::Norm(0.5))
        .corrupt(GaussianCorruption::new(0.1).clip(0.0, 1.0))
        .early_stopping(EarlyStopping::new(30))
        .validation_fraction(0.2)
        .metric(Peak)
        .callback(Steps(0))
}

/// The training that tests of errors change something of.
pub fn usual(folder: &Folder) -> Trainer<'static, f64> {
    trainer(Adam::new(0.01)).epochs(2).checkpoints(Checkpoints::new(folder.path()))
}

/// A history without the durations.
pub fn without_seconds(history: &History) -> Vec<String> {
    let text = |epoch: &autoencoder::Epoch| {
        let mut epoch = epoch.clone();
        epoch.seconds = 0.0;
        format!("{epoch:?}") // the shortest digits that stand for the same bits
    };
    history.epochs().iter().map(text).collect()
}

/// The model's file.
pub fn bytes<T: Scalar>(model: &Autoencoder<T>) -> Vec<u8> {
    let mut bytes = Vec::new();
    model.write_to(&mut bytes).expect("into memory");
    bytes
}

/// An unused loss, for the error that it is another.
pub type Other = Mae;
