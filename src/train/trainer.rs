//! [`Trainer`]: the options of a training run.

mod resuming;

use super::callback::{OnEpoch, OnProgress, PauseWhen};
use super::checkpoint::{Checkpoints, Resume};
use super::early_stopping::EarlyStopping;
use super::session::Session;
use super::step::{Pairs, check_values};
use super::{Callback, Epoch, History, Metric, Model, Progress, TrainError, TrainErrorKind};
use crate::OptionError;
use crate::data::{Corruption, Source};
use crate::graph::{Network, Operation};
use crate::layer::is_batch_norm;
use crate::loss::{Loss, Reduction};
use crate::model_file;
use crate::optimizer::{Clip, Constant, MAX_SLOTS, Optimizer, Schedule};
use crate::{Error, Scalar, option};

/// The most threads a trainer may start: more than machines have cores, but too few to exhaust the
/// system.
const MAX_THREADS: usize = 1024;

/// Trains a [`Network`] or an [`Autoencoder`](crate::Autoencoder): describe the training, then call
/// [`fit`](Self::fit).
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

    /// Trains `model` to reproduce `data`. The optimizer starts without moments, unless training is
    /// resumed. What may be a mistake, though it is no error, is in [`History::warnings`];
    /// [`review`](Self::review) tells it before.
    ///
    /// # Errors
    /// [`Error::Train`] says what went wrong and where, and holds the history so far. An error
    /// before the first step leaves the model unchanged; after it the model holds the
    /// parameters of the last finished step.
    pub fn fit(&mut self, model: &mut impl Model<T>, data: &dyn Source<T>) -> Result<History, Error> {
        self.train(model, Pairs { inputs: data, targets: None })
    }

    /// Trains `model` to predict `targets` from `inputs`. The optimizer starts without moments,
    /// unless training is resumed.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn fit_to(
        &mut self,
        model: &mut impl Model<T>,
        inputs: &dyn Source<T>,
        targets: &dyn Source<T>,
    ) -> Result<History, Error> {
        self.train(model, Pairs { inputs, targets: Some(targets) })
    }

    fn train(&mut self, model: &mut impl Model<T>, pairs: Pairs<'_, T>) -> Result<History, Error> {
        let before = |kind| TrainError::new(0, 0, kind, History::default());
        let described =
            model.split().map_or(model_file::Model::Network, |split| model_file::Model::Autoencoder { split });
        let network = model.as_network_mut();
        let samples = self.check(network, pairs).map_err(before)?;
        let threads = self.threads;
        Ok(inside_pool(threads, || self.run(network, described, pairs, samples)).map_err(before)??)
    }

    /// Not inlined: a thread that waits for another pool to do this may meanwhile begin other
    /// work, even other trainings one within the other, whose frames should be small.
    #[inline(never)]
    fn run(
        &mut self,
        network: &mut Network<T>,
        described: model_file::Model,
        pairs: Pairs<'_, T>,
        samples: usize,
    ) -> Result<History, Box<TrainError>> {
        let no_memory = |error| TrainError::new(0, 0, TrainErrorKind::Memory(Box::new(error)), History::default());
        Session::new(self, network, described, pairs, samples).map_err(no_memory)?.run()
    }

    /// Checks options, model and data; returns the number of samples to train on.
    pub(super) fn check(&self, network: &Network<T>, pairs: Pairs<'_, T>) -> Result<usize, TrainErrorKind> {
        option::at_least_one("batch_size", self.batch_size)?;
        let threads = self.threads.unwrap_or(1);
        OptionError::require((1..=MAX_THREADS).contains(&threads), "threads", threads as f64, "1 to 1024")?;
        self.loss.check()?;
        self.optimizer.check()?;
        let slots = self.optimizer.slots();
        OptionError::require(slots <= MAX_SLOTS, "slots", slots as f64, "at most 4 numbers for each parameter")?;
        self.schedule.check()?;
        self.clip.map_or(Ok(()), Clip::check)?;
        self.early_stopping.map_or(Ok(()), EarlyStopping::check)?;
        self.corruption.as_ref().map_or(Ok(()), |corruption| corruption.check())?;
        self.check_reduction(network)?;
        self.checkpoints_to_write().map_or(Ok(()), |checkpoints| checkpoints.check(self.resume.as_ref()))?;
        let samples = pairs.check(network)?;
        if self.early_stopping.is_some() && matches!(self.validation, Validation::None) {
            return Err(TrainErrorKind::NoValidation);
        }
        let left = match &self.validation {
            Validation::None => samples,
            Validation::Fraction(fraction) => {
                let left = split(samples, *fraction)?;
                check_values(network, self.loss.as_ref(), pairs, left..samples)?;
                left
            }
            Validation::Pairs(pairs) => {
                let there = pairs.check(network).map_err(|error| TrainErrorKind::ValidationData(error.into()))?;
                let checked = check_values(network, self.loss.as_ref(), *pairs, 0..there);
                checked.map(|()| samples).map_err(TrainErrorKind::ValidationData)?
            }
        };
        require_several_values(network, self.batch_size.min(left))?;
        Ok(left)
    }

    /// An error if a layer needs a loss that is a sum over a sample, and the loss is not.
    fn check_reduction(&self, network: &Network<T>) -> Result<(), TrainErrorKind> {
        let asks = network.definition().nodes.iter().find(|node| node.plan.likelihood_terms);
        match asks.filter(|_| self.loss.reduced_by() != Reduction::SumPerSample) {
            Some(node) => Err(TrainErrorKind::Reduction { layer: node.name.clone(), loss: self.loss.kind() }),
            None => Ok(()),
        }
    }
}

/// An error if a batch normalisation that is trained would see one value per channel in batches of
/// `samples`.
fn require_several_values<T: Scalar>(network: &Network<T>, samples: usize) -> Result<(), TrainErrorKind> {
    let one_value = |operation: &&Operation<T>| {
        let trains = is_batch_norm(&operation.layer) && !operation.is_frozen(network.frozen());
        trains && operation.input_shape.values_per_channel(samples) <= 1.0
    };
    match network.program().operations.iter().find(one_value) {
        Some(operation) => Err(TrainErrorKind::OneValue { layer: operation.name.clone() }),
        None => Ok(()),
    }
}

/// The number of samples left to train on.
fn split(samples: usize, fraction: f64) -> Result<usize, OptionError> {
    const NAME: &str = "validation_fraction";
    option::share(NAME, fraction)?;
    // Rounded down as in Keras; the factor makes sure that a fraction of 0.9 leaves one of ten samples
    // despite rounding errors.
    let left = (samples as f64 * (1.0 - fraction) * (1.0 + 1e-12)) as usize;
    OptionError::require(left > 0, NAME, fraction, "a share that leaves samples to train on")?;
    OptionError::require(left < samples, NAME, fraction, "a share of at least one sample")?;
    Ok(left)
}

/// Runs `work` inside a pool once, so that its many small joins need not each enter it.
#[cfg(feature = "parallel")]
fn inside_pool<R: Send>(threads: Option<usize>, work: impl FnOnce() -> R + Send) -> Result<R, TrainErrorKind> {
    match threads {
        Some(threads) => {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            Ok(pool.map_err(|_| TrainErrorKind::Threads { threads })?.install(work))
        }
        None => Ok(rayon::scope(|_| work())),
    }
}

#[cfg(not(feature = "parallel"))]
fn inside_pool<R: Send>(_threads: Option<usize>, work: impl FnOnce() -> R + Send) -> Result<R, TrainErrorKind> {
    Ok(work())
}
