//! [`Trainer`]: batches, epochs, validation, reports.

use std::time::Instant;

use super::callback::OnProgress;
use super::early_stopping::{EarlyStopping, Watch};
use super::evaluate::evaluate;
use super::step::{BatchStep, Noise, Pairs, Question};
use super::update::Moments;
use super::{Callback, Control, Epoch, History, Metric, Model, Progress, TrainError, TrainErrorKind};
use crate::OptionError;
use crate::data::{Corrupted, Corruption, Origin, Source, streams};
use crate::loss::{Loss, Reduction};
use crate::network::{Keep, Network, Record, Tape, zeros};
use crate::optimizer::{Clip, Constant, MAX_SLOTS, Moment, Optimizer, Schedule};
use crate::random::{Purpose, Random, shuffle};
use crate::{Error, Scalar, parallel};

/// Trains a [`Network`] or an [`Autoencoder`](crate::Autoencoder): describe the training, then call [`fit`](Self::fit).
///
/// Unless told otherwise: 1 epoch, batches of 32, shuffled, seed 0, the optimizer's learning rate throughout, every thread of the pool it is called in.
pub struct Trainer<'a, T: Scalar> {
    loss: Box<dyn Loss<T>>,
    optimizer: Box<dyn Optimizer<T>>,
    schedule: Box<dyn Schedule>,
    clip: Option<Clip>,
    early_stopping: Option<EarlyStopping>,
    epochs: usize,
    batch_size: usize,
    shuffle: bool,
    seed: u64,
    threads: Option<usize>,
    corruption: Option<Box<dyn Corruption<T>>>,
    validation: Validation<'a, T>,
    metrics: Vec<Box<dyn Metric<T>>>,
    callbacks: Vec<Box<dyn Callback<T> + 'a>>,
}

/// What the model is tried on after every epoch.
enum Validation<'a, T> {
    None,
    Pairs(Pairs<'a, T>),
    /// The last samples of the training data.
    Fraction(f64),
}

impl<'a, T: Scalar> Trainer<'a, T> {
    /// A training that makes `loss` small by `optimizer`.
    pub fn new(loss: impl Loss<T> + 'static, optimizer: impl Optimizer<T> + 'static) -> Self {
        Self {
            loss: Box::new(loss),
            optimizer: Box::new(optimizer),
            schedule: Box::new(Constant),
            clip: None,
            early_stopping: None,
            epochs: 1,
            batch_size: 32,
            shuffle: true,
            seed: 0,
            threads: None,
            corruption: None,
            validation: Validation::None,
            metrics: Vec::new(),
            callbacks: Vec::new(),
        }
    }

    /// How many times every sample is seen, in all.
    #[must_use]
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.epochs = epochs;
        self
    }

    /// Changes the optimizer's learning rate as training goes on.
    #[must_use]
    pub fn schedule(mut self, schedule: impl Schedule + 'static) -> Self {
        self.schedule = Box::new(schedule);
        self
    }

    /// Keeps gradients within a bound.
    #[must_use]
    pub fn clip(mut self, clip: Clip) -> Self {
        self.clip = Some(clip);
        self
    }

    /// Ends training where the validation loss no longer falls. Needs validation data.
    #[must_use]
    pub fn early_stopping(mut self, early_stopping: EarlyStopping) -> Self {
        self.early_stopping = Some(early_stopping);
        self
    }

    /// Samples in a step; the last step of an epoch takes what is left.
    #[must_use]
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.batch_size = batch_size;
        self
    }

    /// Whether every epoch takes the samples in another order.
    #[must_use]
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.shuffle = shuffle;
        self
    }

    /// The seed of the order of samples and of random layers. The same seed, model and data give the same bits, whatever the number of threads.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Trains on `threads` threads of its own; with `None`, on those of the pool it is called in.
    #[must_use]
    pub fn threads(mut self, threads: impl Into<Option<usize>>) -> Self {
        self.threads = threads.into();
        self
    }

    /// Corrupts the training inputs, afresh in every epoch, while the targets stay clean: a denoising autoencoder. Validation inputs are corrupted, too, in the same
    /// way after every epoch and for any seed of the trainer: as [`Corrupted`] does it, by their place in the data.
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

    /// Tries the model on `data` after every epoch, each sample its own target.
    #[must_use]
    pub fn validation(mut self, data: &'a dyn Source<T>) -> Self {
        self.validation = Validation::Pairs(Pairs { inputs: data, targets: None });
        self
    }

    /// Tries the model on these inputs and targets after every epoch.
    #[must_use]
    pub fn validation_to(mut self, inputs: &'a dyn Source<T>, targets: &'a dyn Source<T>) -> Self {
        self.validation = Validation::Pairs(Pairs { inputs, targets: Some(targets) });
        self
    }

    /// Keeps the last `fraction` of the training data (in their own order) for trying the model after every epoch.
    #[must_use]
    pub fn validation_fraction(mut self, fraction: f64) -> Self {
        self.validation = Validation::Fraction(fraction);
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

    /// Calls `report` after every step: for a progress bar.
    #[must_use]
    pub fn on_progress(self, report: impl FnMut(&Progress) + Send + 'a) -> Self {
        self.callback(OnProgress(report))
    }

    /// Trains `model` to give back `data`. The optimizer starts afresh.
    ///
    /// # Errors
    /// [`Error::Train`] says what went wrong, where, and holds the history so far. An error before the first step leaves the model untouched; after it
    /// the model holds the parameters of the last finished step.
    pub fn fit(&mut self, model: &mut impl Model<T>, data: &dyn Source<T>) -> Result<History, Error> {
        self.train(model.as_network_mut(), Pairs { inputs: data, targets: None })
    }

    /// Trains `model` to give `targets` for `inputs`. The optimizer starts afresh.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    pub fn fit_to(
        &mut self,
        model: &mut impl Model<T>,
        inputs: &dyn Source<T>,
        targets: &dyn Source<T>,
    ) -> Result<History, Error> {
        self.train(model.as_network_mut(), Pairs { inputs, targets: Some(targets) })
    }

    fn train(&mut self, network: &mut Network<T>, pairs: Pairs<'_, T>) -> Result<History, Error> {
        let before = |kind| TrainError::new(0, 0, kind, History::default());
        let samples = self.check(network, pairs).map_err(before)?;
        let threads = self.threads;
        let result = inside_pool(threads, || Session::new(self, network, pairs, samples)?.run());
        Ok(result.map_err(before)??)
    }

    /// The number of samples to train on, if everything is in order.
    fn check(&self, network: &Network<T>, pairs: Pairs<'_, T>) -> Result<usize, TrainErrorKind> {
        let at_least_one = |option, value: usize| OptionError::unless(value > 0, option, value as f64, "at least 1");
        at_least_one("batch_size", self.batch_size)?;
        at_least_one("threads", self.threads.unwrap_or(1))?;
        self.loss.check()?;
        self.optimizer.check()?;
        let slots = self.optimizer.slots();
        OptionError::unless(slots <= MAX_SLOTS, "slots", slots as f64, "at most 4 numbers for each parameter")?;
        self.schedule.check()?;
        self.clip.map_or(Ok(()), Clip::check)?;
        self.early_stopping.map_or(Ok(()), EarlyStopping::check)?;
        self.corruption.as_ref().map_or(Ok(()), |corruption| corruption.check())?;
        self.check_reduction(network)?;
        let samples = pairs.check(network)?;
        if self.early_stopping.is_some() && matches!(self.validation, Validation::None | Validation::Fraction(0.0)) {
            return Err(TrainErrorKind::NoValidation);
        }
        match &self.validation {
            Validation::None => Ok(samples),
            Validation::Fraction(fraction) => self.split(samples, *fraction),
            Validation::Pairs(pairs) => match pairs.check(network) {
                Err(TrainErrorKind::NoSamples) => Err(TrainErrorKind::NoValidationSamples),
                checked => checked.map(|_| samples),
            },
        }
    }

    /// `Ok` unless a layer asks for a loss that is a sum over a sample, and this is another.
    fn check_reduction(&self, network: &Network<T>) -> Result<(), TrainErrorKind> {
        let asks = network.structure().nodes.iter().find(|node| node.plan.sums_per_sample);
        match asks.filter(|_| self.loss.reduced_by() != Reduction::SumPerSample) {
            Some(node) => Err(TrainErrorKind::Reduction { layer: node.name.clone(), loss: self.loss.kind() }),
            None => Ok(()),
        }
    }

    /// How many of `samples` are left to train on.
    fn split(&self, samples: usize, fraction: f64) -> Result<usize, TrainErrorKind> {
        OptionError::unless((0.0..1.0).contains(&fraction), "validation_fraction", fraction, "a number in 0..1")?;
        match (samples as f64 * (1.0 - fraction)) as usize {
            0 => Err(TrainErrorKind::NoSamples),
            left if left == samples && fraction > 0.0 => Err(TrainErrorKind::NoValidationSamples),
            left => Ok(left),
        }
    }
}

/// Runs `work` inside a pool, so that its many small joins do not each have to enter one.
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

/// A training under way.
struct Session<'s, 'a, T: Scalar> {
    trainer: &'s mut Trainer<'a, T>,
    network: &'s mut Network<T>,
    pairs: Pairs<'s, T>,
    /// The training samples in the order of this epoch.
    order: Vec<usize>,
    tape: Tape<T>,
    gradients: Vec<T>,
    moments: Moments<T>,
    /// What early stopping remembers.
    watch: Option<Watch<T>>,
    /// The learning rate of the last step.
    rate: f64,
    /// The loss after each epoch, as schedules see it.
    losses: Vec<f64>,
    history: History,
}

type Stop = Box<TrainError>;

impl<'s, 'a, T: Scalar> Session<'s, 'a, T> {
    fn new(
        trainer: &'s mut Trainer<'a, T>,
        network: &'s mut Network<T>,
        pairs: Pairs<'s, T>,
        samples: usize,
    ) -> Result<Self, Stop> {
        let validates_to = matches!(&trainer.validation, Validation::Pairs(pairs) if pairs.targets.is_some());
        let apart = pairs.needs_targets(network) || validates_to || trainer.corruption.is_some();
        let link = Question::new(network, trainer.loss.as_ref(), &[]).link;
        let keep = Keep { target: apart, link, ..Keep::default() };
        let capacity = trainer.batch_size.min(samples);
        let tape = Tape::new(network, capacity, keep, false, trainer.metrics.len());
        let no_memory = |error| TrainError::new(0, 0, TrainErrorKind::Memory(Box::new(error)), History::default());
        let moments = Moments::new(network, trainer.optimizer.slots());
        let watch = trainer.early_stopping.map(|options| Watch::new(options, network)).transpose();
        Ok(Self {
            watch: watch.map_err(|error| no_memory(error.into()))?,
            rate: trainer.optimizer.learning_rate(),
            losses: Vec::new(),
            moments: moments.map_err(|error| no_memory(error.into()))?,
            gradients: zeros(network.parameter_count()).map_err(|error| no_memory(error.into()))?,
            tape: tape.map_err(no_memory)?,
            order: (0..samples).collect(),
            history: History::default(),
            trainer,
            network,
            pairs,
        })
    }

    fn run(mut self) -> Result<History, Stop> {
        for epoch in 1..=self.trainer.epochs {
            let started = Instant::now();
            let record =
                parallel::awake(self.network.is_worth_threads(self.trainer.batch_size), || self.epoch(epoch, started))?;
            let report = self.report(epoch, record, started)?;
            let loss = report.validation_loss.unwrap_or(report.loss);
            let stalled = self.watch.as_mut().is_some_and(|watch| watch.see(loss, self.network));
            self.losses.push(loss);
            self.history.push(report.clone());
            if self.tell(&report)? == Control::Stop || stalled {
                break;
            }
        }
        if let Some(watch) = self.watch {
            watch.restore(self.network);
        }
        Ok(self.history)
    }

    /// Takes the steps of one epoch; the means over its samples.
    fn epoch(&mut self, epoch: usize, started: Instant) -> Result<Record, Stop> {
        if self.trainer.shuffle {
            shuffle(&mut self.order, Random::new(self.trainer.seed, Purpose::Shuffle).at(epoch, 0));
        }
        let mut sums = Record::new(self.network.structure(), self.trainer.metrics.len());
        let mut samples = 0;
        for (step, first) in (0..self.order.len()).step_by(self.trainer.batch_size).enumerate() {
            let count = self.trainer.batch_size.min(self.order.len() - first);
            let result = self.step(epoch, step, first..first + count);
            result.map_err(|kind| TrainError::new(epoch, step + 1, kind, self.history.clone()))?;
            sums.add(self.tape.total());
            samples += count;
            let progress = Progress {
                epoch,
                epochs: self.trainer.epochs,
                step: step + 1,
                steps: self.steps(),
                samples,
                loss: sums.loss / samples as f64,
                seconds: started.elapsed().as_secs_f64(),
            };
            self.trainer.callbacks.iter_mut().for_each(|callback| callback.on_step(&progress));
        }
        sums.divide(samples);
        Ok(sums)
    }

    /// One step: gradients, then parameters. Nothing is changed unless every number is finite.
    fn step(&mut self, epoch: usize, step: usize, batch: std::ops::Range<usize>) -> Result<(), TrainErrorKind> {
        let order = self.order.get(batch).unwrap_or(&[]);
        let question = Question::new(self.network, self.trainer.loss.as_ref(), &self.trainer.metrics);
        let linked = question.link.is_some();
        let origin = Origin { source: self.pairs.inputs, first: 0, count: self.order.len() };
        let random = streams(self.trainer.seed).at(epoch, step);
        let noise = self.trainer.corruption.as_deref().map(|corruption| Noise { corruption, origin, random });
        let random = Random::new(self.trainer.seed, Purpose::Layer).at(epoch, step);
        let work = BatchStep { pairs: self.pairs, question, noise, order };
        let elapsed = self.moment().elapsed;
        self.tape.set_epoch(elapsed);
        self.network.gradient(&mut self.tape, order.len(), linked, random, &work, &mut self.gradients)?;
        let total = self.tape.total();
        let value = (total.loss + total.penalties.iter().sum::<f64>()) / order.len() as f64;
        if !value.is_finite() {
            return Err(TrainErrorKind::LossNotFinite { value });
        }
        if let Some(clip) = self.trainer.clip {
            clip.apply(&mut self.gradients);
        }
        self.rate = self.learning_rate()?;
        let optimizer = self.trainer.optimizer.as_ref();
        let taken = self.moments.step(optimizer, self.rate, self.network, &self.gradients);
        taken.map_err(|position| TrainErrorKind::UpdateNotFinite { parameter: self.network.name_at(position).0 })?;
        self.network.update_state(&self.tape);
        Ok(())
    }

    /// Steps of an epoch.
    fn steps(&self) -> usize {
        self.order.len().div_ceil(self.trainer.batch_size)
    }

    /// How far training has come, as layers and schedules see it.
    fn moment(&self) -> Moment<'_> {
        Moment::new(self.moments.steps, self.steps(), self.trainer.epochs, &self.losses)
    }

    /// The learning rate of the step that begins now.
    fn learning_rate(&self) -> Result<f64, OptionError> {
        let rate = self.trainer.optimizer.learning_rate() * self.trainer.schedule.factor(&self.moment());
        let accepted = rate >= 0.0 && rate.is_finite();
        OptionError::unless(accepted, "scheduled learning rate", rate, "a finite number, at least 0").map(|()| rate)
    }

    /// What the epoch brought, validation included.
    fn report(&mut self, epoch: usize, record: Record, started: Instant) -> Result<Epoch, Stop> {
        let validation = self.validate().map_err(|kind| TrainError::new(epoch, 0, kind, self.history.clone()))?;
        let structure = self.network.structure();
        let penalties = structure.penalties.iter().cloned().zip(record.penalties).collect();
        let figures = structure.figures.iter().cloned().zip(record.figures).collect();
        Ok(Epoch {
            number: epoch,
            loss: record.loss,
            penalties,
            figures,
            metrics: self.named(&record.metrics),
            validation_loss: validation.as_ref().map(|record| record.loss),
            validation_metrics: validation.map_or(Vec::new(), |record| self.named(&record.metrics)),
            learning_rate: self.rate,
            seconds: started.elapsed().as_secs_f64(),
        })
    }

    fn named(&self, values: &[f64]) -> Vec<(String, f64)> {
        self.trainer.metrics.iter().map(|metric| metric.name().to_owned()).zip(values.iter().copied()).collect()
    }

    fn validate(&mut self) -> Result<Option<Record>, TrainErrorKind> {
        let (pairs, first) = match &self.trainer.validation {
            Validation::None | Validation::Fraction(0.0) => return Ok(None),
            Validation::Pairs(pairs) => (*pairs, 0),
            Validation::Fraction(_) => (self.pairs, self.order.len()),
        };
        let order: Vec<usize> = (first..pairs.inputs.len()).collect();
        let question = Question::new(self.network, self.trainer.loss.as_ref(), &self.trainer.metrics);
        let record = match self.trainer.corruption.as_deref() {
            None => evaluate(self.network, &mut self.tape, pairs, question, &order)?,
            Some(corruption) => {
                let noisy = Corrupted::new(pairs.inputs, corruption)?.among(first, order.len());
                let pairs = Pairs { inputs: &noisy, targets: Some(pairs.targets.unwrap_or(pairs.inputs)) };
                evaluate(self.network, &mut self.tape, pairs, question, &order)?
            }
        };
        Ok(Some(record))
    }

    fn tell(&mut self, report: &Epoch) -> Result<Control, Stop> {
        let mut control = Control::Continue;
        for callback in &mut self.trainer.callbacks {
            match callback.on_epoch(report, self.network) {
                Ok(Control::Continue) => {}
                Ok(Control::Stop) => control = Control::Stop,
                Err(error) => {
                    let kind = TrainErrorKind::Callback(error);
                    return Err(TrainError::new(report.number, 0, kind, self.history.clone()));
                }
            }
        }
        Ok(control)
    }
}
