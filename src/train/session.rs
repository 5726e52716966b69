//! [`Session`]: a training run in progress.

mod saved;
mod saving;
mod setup;

use std::ops::Range;
use std::time::Instant;

use super::early_stopping::{EarlyStoppingState, WatchedLoss};
use super::evaluate::Evaluation;
use super::review::review;
use super::step::{BatchStep, LossSpec, Noise, Pairs, check_values};
use super::trainer::{Trainer, Validation};
use super::update::OptimizerState;
use super::{Callback, Control, Epoch, History, Progress, TrainError, TrainErrorKind};
use crate::data::{Corrupted, DataError, InputError, Origin, numbered, streams};
use crate::exec::{Step, Tape, TapeOptions, Totals};
use crate::graph::{LayoutOptions, Network, zeros};
use crate::model_file::ModelKind;
use crate::optimizer::TrainingProgress;
use crate::random::{Purpose, Random, shuffle};
use crate::{Error, OptionError, Scalar, invariant, option, parallel};
use saving::Saving;

/// A training run in progress.
pub(super) struct Session<'s, 'a, T: Scalar> {
    trainer: &'s mut Trainer<'a, T>,
    network: &'s mut Network<T>,
    /// Whether this is a network or an autoencoder; recorded in checkpoints.
    model: ModelKind,
    pairs: Pairs<'s, T>,
    /// The training samples, in this epoch's order.
    order: Vec<usize>,
    tape: Tape<T>,
    /// The memory of validation.
    evaluation: Option<Evaluation<T>>,
    gradients: Vec<T>,
    optimizer_state: OptimizerState<T>,
    /// The state of early stopping.
    watch: Option<EarlyStoppingState<T>>,
    /// The learning rate of the last step.
    rate: f64,
    /// Losses that schedules see; warm-up epochs are left out.
    losses: Vec<f64>,
    history: History,
    /// The state of the current epoch.
    epoch_totals: EpochTotals,
    /// A callback or early stopping has ended training.
    ended: bool,
    /// Where and when checkpoints are written.
    saving: Option<Saving<T>>,
}

/// The sums of an unfinished epoch.
#[derive(Debug)]
struct EpochTotals {
    steps: usize,
    /// Sums over samples.
    sums: Totals,
    started: Instant,
    /// The time an interrupted process spent on this epoch.
    seconds_before: f64,
}

impl EpochTotals {
    fn new<T: Scalar>(network: &Network<T>, metrics: usize) -> Self {
        let sums = Totals::without_statistics(network.definition(), metrics);
        Self { steps: 0, sums, started: Instant::now(), seconds_before: 0.0 }
    }

    fn seconds(&self) -> f64 {
        self.seconds_before + self.started.elapsed().as_secs_f64()
    }
}

type Stop = Box<TrainError>;

/// What a callback returns.
type Answer = Result<Control, Box<dyn std::error::Error + Send + Sync>>;

impl<'s, 'a, T: Scalar> Session<'s, 'a, T> {
    pub fn new(
        trainer: &'s mut Trainer<'a, T>,
        network: &'s mut Network<T>,
        model: ModelKind,
        pairs: Pairs<'s, T>,
        samples: usize,
    ) -> Result<Self, Error> {
        let apart = pairs.needs_targets(network) || trainer.corruption.is_some();
        let fused_activation = LossSpec::new(network, Some(trainer.loss.as_ref()), &[]).fused_activation;
        let layout = LayoutOptions { target: apart, fused_activation, ..LayoutOptions::training() };
        let options = TapeOptions { layout, whole_batch: false, metrics: trainer.metrics.len() };
        let capacity = trainer.batch_size.min(samples);
        let held_out = match &trainer.validation {
            Validation::None => None,
            Validation::Pairs(pairs) => Some((*pairs, 0..pairs.inputs.len())),
            Validation::Fraction(_) => Some((pairs, samples..pairs.inputs.len())),
        };
        let evaluation = held_out.map(|(pairs, held_out)| {
            let apart = pairs.needs_targets(network) || trainer.corruption.is_some();
            Evaluation::new(network, fused_activation, apart, trainer.metrics.len(), held_out)
        });
        Ok(Self {
            evaluation: evaluation.transpose()?,
            watch: trainer.early_stopping.map(|options| EarlyStoppingState::new(options, network)).transpose()?,
            rate: trainer.optimizer.learning_rate(),
            losses: Vec::new(),
            optimizer_state: OptimizerState::new(network, trainer.optimizer.slots())?,
            gradients: zeros(network.parameter_count())?,
            tape: Tape::new(network, capacity, options)?,
            order: numbered(0..samples)?,
            history: History::default(),
            epoch_totals: EpochTotals::new(network, trainer.metrics.len()),
            ended: false,
            saving: None,
            trainer,
            network,
            model,
            pairs,
        })
    }

    /// Trains to the end, or until a callback stops it, from the start or from a checkpoint.
    pub fn run(mut self) -> Result<History, Stop> {
        self.begin().map_err(|kind| TrainError::new(0, 0, kind, History::default()))?;
        if !self.is_over() {
            self.review();
        }
        let mut control = Control::Continue;
        while control == Control::Continue && !self.is_over() {
            let threads = self.network.program().is_worth_threads(self.trainer.batch_size);
            let own_pool = self.trainer.threads.is_some();
            control = parallel::keep_pool_spinning(threads, own_pool, || self.steps_of_epoch())?;
            if self.epoch_totals.steps == self.steps() {
                control = self.end_epoch(control)?;
            }
        }
        if let Some(watch) = self.watch {
            watch.restore(self.network);
        }
        Ok(self.history)
    }

    /// Whether training has ended, or all epochs are done.
    fn is_over(&self) -> bool {
        self.ended || self.history.epochs().len() >= self.trainer.epochs
    }

    /// Puts what may be a mistake into the history. Data that cannot be read stop training in its
    /// first epoch, with an error that says which.
    fn review(&mut self) {
        let mut warnings = Vec::new();
        review(self.trainer, self.network, self.pairs, self.order.len(), &mut warnings).ok();
        warnings.into_iter().for_each(|warning| self.history.warn(warning));
    }

    /// Takes the remaining steps of the current epoch, or as many as the callbacks want.
    fn steps_of_epoch(&mut self) -> Result<Control, Stop> {
        let epoch = self.number();
        if self.trainer.shuffle {
            shuffle(&mut self.order, Random::new(self.trainer.seed, Purpose::Shuffle).at(epoch, 0));
        }
        self.epoch_totals.started = Instant::now();
        for step in self.epoch_totals.steps..self.steps() {
            let first = step * self.trainer.batch_size;
            let end = self.order.len().min(first + self.trainer.batch_size);
            self.step(epoch, step, first..end).map_err(|kind| self.stop(step + 1, self.first_of_its_kind(kind)))?;
            self.epoch_totals.sums.add(self.tape.totals());
            self.epoch_totals.steps = step + 1;
            let progress = Progress {
                epoch,
                epochs: self.trainer.epochs,
                step: step + 1,
                steps: self.steps(),
                samples: end,
                loss: self.epoch_totals.sums.loss / end as f64,
                seconds: self.epoch_totals.seconds(),
            };
            let told = self.tell(|callback, _| callback.on_step(&progress));
            let control = told.map_err(|kind| self.stop(step + 1, kind))?;
            if step + 1 < self.steps() {
                self.ended = control == Control::Finish;
                self.save_within_epoch(control).map_err(|kind| self.stop(step + 1, kind))?;
            }
            if control != Control::Continue {
                return Ok(control);
            }
        }
        Ok(Control::Continue)
    }

    /// Validates, reports and saves after the last step of an epoch, after which the callbacks
    /// wanted `control`.
    fn end_epoch(&mut self, control: Control) -> Result<Control, Stop> {
        let report = self.report().map_err(|kind| self.stop(0, kind))?;
        let watched = watched(self.network, &report);
        let stalled = self.watch.as_mut().is_some_and(|watch| watch.see(watched, self.network));
        self.losses.extend((!watched.warms_up).then_some(watched.loss));
        self.history.push(report.clone());
        self.epoch_totals = EpochTotals::new(self.network, self.trainer.metrics.len());
        let after_epoch = |kind, history: &History| TrainError::new(report.number, 0, kind, history.clone());
        let told = self.tell(|callback, network| callback.on_epoch(&report, network));
        let control = control.max(told.map_err(|kind| after_epoch(kind, &self.history))?);
        self.ended = control == Control::Finish || stalled;
        let last = self.ended || control == Control::Pause || report.number == self.trainer.epochs;
        self.save_after_epoch(last).map_err(|kind| after_epoch(kind, &self.history))?;
        Ok(control)
    }

    /// The error about the first bad value in the order of the data, if `kind` is about one that
    /// shuffling brought up first.
    fn first_of_its_kind(&self, kind: TrainErrorKind) -> TrainErrorKind {
        match kind {
            TrainErrorKind::Data(DataError::Input(InputError::NotFinite { .. } | InputError::Target { .. })) => {
                let loss = self.trainer.loss.as_ref();
                let checked = check_values(self.network, loss, self.pairs, 0..self.order.len());
                checked.map_or_else(TrainErrorKind::Data, |()| kind)
            }
            other => other,
        }
    }

    /// The number of the current epoch, from 1.
    fn number(&self) -> usize {
        self.history.epochs().len() + 1
    }

    fn stop(&self, step: usize, kind: TrainErrorKind) -> Stop {
        TrainError::new(self.number(), step, kind, self.history.clone())
    }

    /// One step: computes the gradients, then updates the parameters. Nothing changes unless every
    /// number is finite.
    fn step(&mut self, epoch: usize, step: usize, batch: Range<usize>) -> Result<(), TrainErrorKind> {
        let order = invariant::slice(&self.order, &batch, "order", "training");
        let loss_spec = LossSpec::new(self.network, Some(self.trainer.loss.as_ref()), &self.trainer.metrics);
        let from_logits = loss_spec.fused_activation.is_some();
        let origin = Origin { source: self.pairs.inputs, first: 0, count: self.order.len() };
        let random = streams(self.trainer.seed).at(epoch, step);
        let noise = self.trainer.corruption.as_deref().map(|corruption| Noise { corruption, origin, random });
        let random = Random::new(self.trainer.seed, Purpose::Layer).at(epoch, step);
        let batch = BatchStep { pairs: self.pairs, loss_spec, noise, order };
        let elapsed = self.moment().elapsed;
        self.tape.set_epoch(elapsed);
        let step = Step { samples: order.len(), from_logits, random, loader: &batch, last: &batch };
        self.network.gradient(&mut self.tape, step, &mut self.gradients)?;
        let total = self.tape.totals();
        let value = (total.loss + total.penalties.iter().sum::<f64>()) / order.len() as f64;
        if !value.is_finite() {
            return Err(TrainErrorKind::LossNotFinite { value, largest: self.pairs.largest(order) });
        }
        if let Some(clip) = self.trainer.clip {
            clip.apply(&mut self.gradients);
        }
        self.rate = self.learning_rate()?;
        let optimizer = self.trainer.optimizer.as_ref();
        let taken = self.optimizer_state.step(optimizer, self.rate, self.network, &self.gradients);
        taken.map_err(|position| {
            let (parameter, largest) = (self.network.name_at(position).0, self.pairs.largest(order));
            TrainErrorKind::UpdateNotFinite { parameter, largest }
        })?;
        self.network.take_statistics(&self.tape);
        Ok(())
    }

    /// Steps per epoch.
    fn steps(&self) -> usize {
        self.order.len().div_ceil(self.trainer.batch_size)
    }

    /// The progress of training, as layers and schedules see it.
    fn moment(&self) -> TrainingProgress<'_> {
        TrainingProgress::new(self.optimizer_state.steps, self.steps(), self.trainer.epochs, &self.losses)
    }

    /// The learning rate of the coming step.
    fn learning_rate(&self) -> Result<f64, OptionError> {
        let rate = self.trainer.optimizer.learning_rate() * self.trainer.schedule.factor(&self.moment());
        option::not_negative("scheduled learning rate", rate).map(|()| rate)
    }

    /// Validates the model and returns the epoch's results.
    fn report(&mut self) -> Result<Epoch, TrainErrorKind> {
        let validation = self.validate()?;
        let mut record = std::mem::take(&mut self.epoch_totals.sums);
        record.divide(self.order.len());
        let (definition, metrics) = (self.network.definition(), self.metric_names());
        let mut epoch = Epoch {
            number: self.number(),
            loss: record.loss,
            penalties: named(&definition.penalties, record.penalties),
            diagnostics: named(&definition.diagnostics, record.diagnostics),
            metrics: named(&metrics, record.metrics),
            validation_loss: None,
            validation_penalties: Vec::new(),
            validation_diagnostics: Vec::new(),
            validation_metrics: Vec::new(),
            learning_rate: self.rate,
            seconds: self.epoch_totals.seconds(),
        };
        if let Some(record) = validation {
            let (penalties, diagnostics) = definition.validated_names();
            epoch.validation_loss = Some(record.loss);
            epoch.validation_penalties = named(&penalties, definition.validated_penalties(&record.penalties));
            epoch.validation_diagnostics = named(&diagnostics, definition.validated_diagnostics(&record.diagnostics));
            epoch.validation_metrics = named(&metrics, record.metrics);
        }
        Ok(epoch)
    }

    fn metric_names(&self) -> Vec<String> {
        self.trainer.metrics.iter().map(|metric| metric.name().to_owned()).collect()
    }

    fn validate(&mut self) -> Result<Option<Totals>, TrainErrorKind> {
        let (pairs, fails): (_, fn(DataError) -> TrainErrorKind) = match &self.trainer.validation {
            Validation::Pairs(pairs) => (*pairs, TrainErrorKind::ValidationData),
            Validation::None | Validation::Fraction(_) => (self.pairs, TrainErrorKind::Data),
        };
        let Some(evaluation) = &mut self.evaluation else { return Ok(None) };
        let loss_spec = LossSpec::new(self.network, Some(self.trainer.loss.as_ref()), &self.trainer.metrics);
        let place = Some(Random::new(self.trainer.seed, Purpose::Validate));
        let record = match self.trainer.corruption.as_deref() {
            None => evaluation.means(self.network, pairs, loss_spec, place),
            Some(corruption) => {
                let samples = evaluation.samples();
                let first = samples.first().copied().unwrap_or(0);
                let noisy = Corrupted::new(pairs.inputs, corruption)?.among(first, samples.len());
                let pairs = Pairs { inputs: &noisy, targets: Some(pairs.targets.unwrap_or(pairs.inputs)) };
                evaluation.means(self.network, pairs, loss_spec, place)
            }
        };
        record.map(Some).map_err(fails)
    }

    /// Calls every callback; of their answers the one that counts most.
    fn tell(
        &mut self,
        mut call: impl FnMut(&mut dyn Callback<T>, &Network<T>) -> Answer,
    ) -> Result<Control, TrainErrorKind> {
        let mut control = Control::Continue;
        for callback in &mut self.trainer.callbacks {
            let answer = call(callback.as_mut(), self.network).map_err(TrainErrorKind::Callback)?;
            control = control.max(answer);
        }
        Ok(control)
    }
}

/// An epoch as early stopping and schedules see it.
fn watched<T: Scalar>(network: &Network<T>, epoch: &Epoch) -> WatchedLoss {
    WatchedLoss { loss: epoch.watched(), warms_up: network.definition().is_annealing(epoch.number) }
}

/// Pairs each name with the next value.
fn named(names: &[String], values: impl IntoIterator<Item = f64>) -> Vec<(String, f64)> {
    names.iter().cloned().zip(values).collect()
}
