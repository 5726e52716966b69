//! [`Trainer`]: the options of a training run.

mod resuming;

use super::callback::{OnEpoch, OnProgress, PauseWhen};
use super::checkpoint::{Checkpoints, Resume};
use super::early_stopping::EarlyStopping;
use super::step::Pairs;
use super::{Callback, Epoch, Metric, Progress};
use crate::Scalar;
use crate::data::{Corruption, Source};
use crate::loss::Loss;
use crate::optimizer::{Clip, Constant, Optimizer, Schedule};

/// Trains a [`Network`](crate::Network) or an [`Autoencoder`](crate::Autoencoder): describe the
/// training, then call [`fit`](Self::fit).
///
/// Defaults: 1 epoch, batches of 32, shuffled, seed 0, the optimizer's learning rate throughout,
/// every thread of the current pool.
pub struct Trainer<'a, T: Scalar> {
    pub(super) loss: Box<dyn Loss<T>>,
    pub(super) optimizer: Box<dyn Optimizer<T>>,
    pub(super) schedule: Box<dyn Schedule>,
    pub(super) clip: Option<Clip>,
    pub(super) early_stopping: Option<EarlyStopping>,
    pub(super) epochs: usize,
    /// Whether anyone said how many epochs.
    pub(super) epochs_named: bool,
    pub(super) batch_size: usize,
    pub(super) shuffle: bool,
    pub(super) seed: u64,
    pub(super) threads: Option<usize>,
    pub(super) corruption: Option<Box<dyn Corruption<T>>>,
    pub(super) validation: Validation<'a, T>,
    pub(super) metrics: Vec<Box<dyn Metric<T>>>,
    pub(super) callbacks: Vec<Box<dyn Callback<T> + 'a>>,
    pub(super) checkpoints: Option<Checkpoints>,
    pub(super) resume: Option<Resume>,
}

/// The data that the model is validated on after every epoch.
pub(super) enum Validation<'a, T> {
    None,
    Pairs(Pairs<'a, T>),
    /// The last samples of the training data: this share of them, greater than 0.
    Fraction(f64),
}

impl<'a, T: Scalar> Trainer<'a, T> {
    /// A trainer that minimises `loss` with `optimizer`.
    pub fn new(loss: impl Loss<T> + 'static, optimizer: impl Optimizer<T> + 'static) -> Self {
        Self {
            loss: Box::new(loss),
            optimizer: Box::new(optimizer),
            schedule: Box::new(Constant),
            clip: None,
            early_stopping: None,
            epochs: 1,
            epochs_named: false,
            batch_size: 32,
            shuffle: true,
            seed: 0,
            threads: None,
            corruption: None,
            validation: Validation::None,
            metrics: Vec::new(),
            callbacks: Vec::new(),
            checkpoints: None,
            resume: None,
        }
    }

    /// The number of epochs, those before an interruption included.
    #[must_use]
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.epochs = epochs;
        self.epochs_named = true;
        self
    }

    /// Changes the learning rate during training.
    #[must_use]
    pub fn schedule(mut self, schedule: impl Schedule + 'static) -> Self {
        self.schedule = Box::new(schedule);
        self
    }

    /// Clips gradients.
    #[must_use]
    pub fn clip(mut self, clip: Clip) -> Self {
        self.clip = Some(clip);
        self
    }

    /// Ends training when the [validation total](super::Epoch::validation_total) stops falling.
    /// Needs validation data.
    #[must_use]
    pub fn early_stopping(mut self, early_stopping: EarlyStopping) -> Self {
        self.early_stopping = Some(early_stopping);
        self
    }

    /// Samples per step, at least 1; the last step of an epoch takes the remaining ones.
    #[must_use]
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = batch_size;
        self
    }

    /// Whether the samples are shuffled in every epoch.
    #[must_use]
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.shuffle = shuffle;
        self
    }

    /// Seeds shuffling, corruption, random layers, and codes drawn in validation; 0 by default. The
    /// same seed, model and data give the same bits, whatever the number of threads. The initial
    /// parameters depend on the model's own seed
    /// ([`NetworkBuilder::seed`](crate::NetworkBuilder::seed)).
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Trains on a new pool of `threads` threads, 1 to 1024; with `None`, on the current pool.
    ///
    /// In a pool of its own, idle threads stay awake between steps. In the current pool, trainings
    /// run side by side with each other and with other work, such as those of a parallel iterator;
    /// each has the bits that it has alone.
    #[must_use]
    pub fn threads(mut self, threads: impl Into<Option<usize>>) -> Self {
        self.threads = threads.into();
        self
    }

    /// Corrupts the training inputs, anew in every epoch, while the targets stay clean: a denoising
    /// autoencoder. Validation inputs are corrupted too, in the same way after every epoch and
    /// for every seed of the trainer: as by [`Corrupted`](crate::Corrupted), which depends on a
    /// sample's position only.
    ///
    /// ```
    /// use autoencoder::nalgebra::DMatrix;
    /// use autoencoder::{Activation, Adam, Autoencoder, Corrupted, Dense, Masking, Mse, Shape, Trainer};
    ///
    /// let data = DMatrix::<f32>::from_fn(8, 64, |feature, sample| ((feature * sample) % 7) as f32 / 7.0);
    /// let mut model = Autoencoder::<f32>::builder(Shape::flat(8)).encoder(Dense::new(5)).mirror(Activation::Sigmoid).build()?;
    /// let noise = Masking::new(0.3);
    /// let history = Trainer::new(Mse, Adam::new(0.01)).epochs(5).corrupt(noise).validation(&data).fit(&mut model, &data)?;
    /// assert_eq!(history.validation_loss(), Some(model.evaluate_to(&Mse, &Corrupted::new(&data, noise)?, &data)?));
    /// # Ok::<(), autoencoder::Error>(())
    /// ```
    #[must_use]
    pub fn corrupt(mut self, corruption: impl Corruption<T> + 'static) -> Self {
        self.corruption = Some(Box::new(corruption));
        self
    }

    /// Evaluates the model on `data` after every epoch, each sample being its own target. Layers
    /// are in inference mode, but a variational model decodes a *drawn* code, so its loss and
    /// metrics differ from those of [`evaluate`](crate::Autoencoder::evaluate), which decodes
    /// means.
    ///
    /// The data are read once before the first step, so that values that are not finite, or that
    /// the loss does not take, are an error then.
    #[must_use]
    pub fn validation(mut self, data: &'a dyn Source<T>) -> Self {
        self.validation = Validation::Pairs(Pairs { inputs: data, targets: None });
        self
    }

    /// Evaluates the model on these inputs and targets after every epoch.
    #[must_use]
    pub fn validation_to(mut self, inputs: &'a dyn Source<T>, targets: &'a dyn Source<T>) -> Self {
        self.validation = Validation::Pairs(Pairs { inputs, targets: Some(targets) });
        self
    }

    /// Holds out the last `fraction` of the data, in their original order, for validation after
    /// every epoch: from 0, no validation, to below 1; at least one sample must be on either
    /// side.
    #[must_use]
    pub fn validation_fraction(mut self, fraction: f64) -> Self {
        self.validation = if fraction == 0.0 { Validation::None } else { Validation::Fraction(fraction) };
        self
    }

    /// Reports `metric` beside the loss.
    #[must_use]
    pub fn metric(mut self, metric: impl Metric<T> + 'static) -> Self {
        self.metrics.push(Box::new(metric));
        self
    }

    /// Calls `callback` after every step and epoch.
    #[must_use]
    pub fn callback(mut self, callback: impl Callback<T> + 'a) -> Self {
        self.callbacks.push(Box::new(callback));
        self
    }

    /// Calls `report` after every step, for a progress bar for instance.
    #[must_use]
    pub fn on_progress(self, report: impl FnMut(&Progress) + Send + Sync + 'a) -> Self {
        self.callback(OnProgress(report))
    }

    /// Calls `report` after every epoch, to print a line or plot a curve for instance.
    ///
    /// ```
    /// use autoencoder::{Adam, Mse, Trainer};
    ///
    /// let trainer = Trainer::<f32>::new(Mse, Adam::default()).on_epoch(|epoch| println!("{}: {:.4}", epoch.number, epoch.loss));
    /// ```
    #[must_use]
    pub fn on_epoch(self, report: impl FnMut(&Epoch) + Send + Sync + 'a) -> Self {
        self.callback(OnEpoch(report))
    }

    /// Pauses training as soon as `condition` holds after a step, as
    /// [`Control::Pause`](super::Control::Pause) of a callback does: on Ctrl-C or when time is up,
    /// for instance.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicBool, Ordering};
    ///
    /// use autoencoder::{Adam, Mse, Trainer};
    ///
    /// let interrupted = Arc::new(AtomicBool::new(false)); // to be set by a handler of signals
    /// let flag = Arc::clone(&interrupted);
    /// let trainer = Trainer::<f32>::new(Mse, Adam::default())
    ///     .epochs(100)
    ///     .resume_or_start("run") // run again, the program goes on where it was paused
    ///     .pause_when(move |_| flag.load(Ordering::Relaxed));
    /// ```
    #[must_use]
    pub fn pause_when(self, condition: impl FnMut(&Progress) -> bool + Send + Sync + 'a) -> Self {
        self.callback(PauseWhen(condition))
    }
}
