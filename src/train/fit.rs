//! [`Trainer::fit`]: checks a training and runs it.

use super::early_stopping::EarlyStopping;
use super::session::Session;
use super::step::{Pairs, check_values};
use super::trainer::{Trainer, Validation};
use super::{History, Model, TrainError, TrainErrorKind};
use crate::data::Source;
use crate::graph::{Network, Operation};
use crate::layer::is_batch_norm;
use crate::loss::Reduction;
use crate::optimizer::{Clip, MAX_SLOTS};
use crate::{Error, OptionError, Scalar, model_file, option};

/// The most threads a trainer may start: more than machines have cores, but too few to exhaust the
/// system.
const MAX_THREADS: usize = 1024;

impl<T: Scalar> Trainer<'_, T> {
    /// Trains `model` to reproduce `data`. The optimizer starts without moments, unless training is
    /// resumed. What may be a mistake, though it is no error, is in [`History::warnings`];
    /// [`review`](Self::review) tells it before.
    ///
    /// # Errors
    /// [`Error::Train`] says what went wrong and where, and holds the history so far. An error
    /// before the first step leaves the model unchanged; after it the model holds the
    /// parameters of the last finished step.
    pub fn fit(&mut self, model: &mut impl Model<T>, data: &dyn Source<T>) -> Result<History, Error> {
        self.train(described(model), model.as_network_mut(), Pairs { inputs: data, targets: None })
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
        self.train(described(model), model.as_network_mut(), Pairs { inputs, targets: Some(targets) })
    }

    #[inline(never)] // see `compiled.rs`
    fn train(
        &mut self,
        described: model_file::ModelKind,
        network: &mut Network<T>,
        pairs: Pairs<'_, T>,
    ) -> Result<History, Error> {
        let before = |kind| TrainError::new(0, 0, kind, History::default());
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
        described: model_file::ModelKind,
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

/// What a model file says that `model` is.
fn described<T: Scalar>(model: &impl Model<T>) -> model_file::ModelKind {
    model.split().map_or(model_file::ModelKind::Network, |split| model_file::ModelKind::Autoencoder { split })
}

/// An error if a batch normalisation that is trained would see one value per channel in batches of
/// `samples`.
fn require_several_values<T: Scalar>(network: &Network<T>, samples: usize) -> Result<(), TrainErrorKind> {
    let one_value = |operation: &&Operation<T>| {
        let trains = is_batch_norm(&operation.layer) && !operation.is_frozen(network.frozen());
        trains && operation.input().shape.values_per_channel(samples) <= 1.0
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
    // Rounded down as in Keras; the factor makes sure that a fraction of 0.9 leaves one of ten
    // samples despite rounding errors.
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
