//! The contents of a checkpoint: collects them from a session, and restores them.

use std::borrow::Cow;
use std::path::Path;

use super::saving::Saving;
use super::setup::{head, here, require_same, writers};
use super::{EpochTotals, Session, named, watched};
use crate::exec::Totals;
use crate::model_file::{self, Checkpoint, CheckpointData, NamedTensor};
use crate::train::checkpoint::{Folder, ResumeMode};
use crate::train::early_stopping::WatchedLoss;
use crate::train::{Callback, CallbackState, Epoch, TrainErrorKind, Warning};
use crate::{Config, ConfigError, Scalar, Shape, Value};

// The names of a checkpoint's settings and tensors: part of the file format.
const EPOCHS: &str = "epochs";
const STEPS: &str = "steps";
const STEPS_OF_EPOCH: &str = "steps_of_epoch";
const SECONDS_OF_EPOCH: &str = "seconds_of_epoch";
const ENDED: &str = "ended";
const CALLBACKS: &str = "callbacks";
const HISTORY: &str = "history";
const SECONDS: &str = "seconds";
const SUMS: &str = "sums";
const BEST_PARAMETERS: &str = "best_parameters";
const BEST_STATE: &str = "best_state";

impl<T: Scalar> Session<'_, '_, T> {
    /// Begins at the start or at the newest checkpoint, whichever the trainer is set to, and
    /// prepares the folder of checkpoints.
    pub(super) fn begin(&mut self) -> Result<(), TrainErrorKind> {
        let (checkpoints, resume) = (self.trainer.checkpoints_to_write(), self.trainer.resume.clone());
        if checkpoints.is_none() && resume.is_none() {
            return Ok(());
        }
        let setup = self.setup()?;
        let folder = resume.as_ref().map(|resume| resume.folder(checkpoints.as_ref()));
        self.saving = checkpoints.map(|it| Saving::new(it, setup.clone(), self.network)).transpose()?;
        if let (Some(resume), Some(folder)) = (resume, folder) {
            match resume.mode {
                ResumeMode::Resume => {
                    self.resume(&folder, &setup)?.then_some(()).ok_or_else(|| folder.no_checkpoint())?
                }
                ResumeMode::ResumeOrStart => _ = self.resume(&folder, &setup)?,
                ResumeMode::StartOver => folder.discard()?,
            }
        }
        self.saving.as_ref().map_or(Ok(()), |saving| saving.prepare())
    }

    /// Restores the newest checkpoint in the folder, if there is one; returns whether there was.
    fn resume(&mut self, folder: &Folder, setup: &Config) -> Result<bool, TrainErrorKind> {
        let (model, network) = (self.model, &*self.network);
        let suits = |training: &Config| require_same(training, setup);
        let newest = folder.newest(|disk, path| model_file::read_checkpoint(disk, path, network, model, suits))?;
        match newest {
            Some((path, checkpoint)) => self.restore_from(&path, checkpoint).map(|()| true),
            None => Ok(false),
        }
    }

    /// The contents of a checkpoint besides the model.
    pub(super) fn checkpoint_data(&self, saving: &Saving<T>) -> CheckpointData<'_, T> {
        let callbacks = self.trainer.callbacks.iter().filter_map(|callback| match callback.state() {
            CallbackState::Keep(state) => Some(Value::Config(state)),
            CallbackState::Nothing => None,
        });
        let config = head(&saving.written_by, &saving.setup)
            .with(EPOCHS, self.history.epochs().len())
            .with(STEPS, self.optimizer_state.steps)
            .with(STEPS_OF_EPOCH, self.epoch_totals.steps)
            .with(SECONDS_OF_EPOCH, if self.epoch_totals.steps > 0 { self.epoch_totals.seconds() } else { 0.0 })
            .with(ENDED, self.ended)
            .with(CALLBACKS, Value::List(callbacks.collect()));

        let mut checkpoint_data = CheckpointData { config, ..CheckpointData::default() };
        let epochs = self.history.epochs();
        if !epochs.is_empty() {
            let rows: Vec<f64> = epochs.iter().flat_map(row).collect();
            let seconds: Vec<f64> = epochs.iter().map(|epoch| epoch.seconds).collect();
            checkpoint_data.f64_tensors.push(NamedTensor::new(
                HISTORY,
                Shape::sequence(epochs.len(), self.columns()),
                rows,
            ));
            checkpoint_data.f64_tensors.push(NamedTensor::new(SECONDS, Shape::flat(epochs.len()), seconds));
        }
        if self.epoch_totals.steps > 0 {
            let sums: Vec<f64> = numbers_of(&self.epoch_totals.sums).copied().collect();
            checkpoint_data.f64_tensors.push(NamedTensor::new(SUMS, Shape::flat(sums.len()), sums));
        }
        let slots = self
            .optimizer_state
            .slots
            .iter()
            .enumerate()
            .map(|(index, slot)| (slot_name(index).into(), slot.as_slice()));
        checkpoint_data.tensors.extend(slots.filter_map(named_tensor));
        if let Some((parameters, state)) = self.watch.as_ref().and_then(|watch| watch.best()) {
            let best = [(BEST_PARAMETERS.into(), parameters), (BEST_STATE.into(), state)];
            checkpoint_data.tensors.extend(best.into_iter().filter_map(named_tensor));
        }
        checkpoint_data
    }

    /// Restores the session that wrote the checkpoint at `path`.
    fn restore_from(&mut self, path: &Path, checkpoint: Checkpoint<T>) -> Result<(), TrainErrorKind> {
        let Checkpoint { parameters, state, checkpoint_data } = checkpoint;
        let incomplete = |error| TrainErrorKind::IncompleteCheckpoint { path: path.to_owned(), error };
        let lacks = |name: &str| incomplete(ConfigError::Missing { name: name.to_owned() });
        let config = &checkpoint_data.config;

        let epochs = config.integer(EPOCHS).map_err(incomplete)?;
        self.restore_history(&checkpoint_data, epochs).ok_or_else(|| lacks(HISTORY))?;
        let seen: Vec<WatchedLoss> = self.history.epochs().iter().map(|epoch| watched(self.network, epoch)).collect();
        self.losses = seen.iter().filter(|epoch| !epoch.warms_up).map(|epoch| epoch.loss).collect();
        self.rate = self.history.epochs().last().map_or(self.rate, |epoch| epoch.learning_rate);
        self.ended = config.boolean(ENDED).map_err(incomplete)?;

        let steps = config.integer(STEPS_OF_EPOCH).map_err(incomplete)?;
        let seconds_before = config.number(SECONDS_OF_EPOCH).map_err(incomplete)?;
        self.epoch_totals =
            EpochTotals { steps, seconds_before, ..EpochTotals::new(self.network, self.trainer.metrics.len()) };
        if steps > 0 {
            self.restore_sums(&checkpoint_data).filter(|()| steps < self.steps()).ok_or_else(|| lacks(SUMS))?;
        }

        let taken = epochs.checked_mul(self.steps()).and_then(|taken| taken.checked_add(steps));
        let found = config.integer(STEPS).map_err(incomplete)?;
        taken.filter(|taken| *taken == found).ok_or_else(|| incomplete(contradicts(STEPS)))?;
        self.optimizer_state.steps = found as u64;
        for (index, slot) in self.optimizer_state.slots.iter_mut().enumerate().filter(|(_, slot)| !slot.is_empty()) {
            let name = slot_name(index);
            let saved = checkpoint_data.tensor(&name, slot.len()).ok_or_else(|| lacks(&name))?;
            slot.copy_from_slice(saved);
        }
        if let Some(watch) = &mut self.watch {
            let best = checkpoint_data.tensor(BEST_PARAMETERS, parameters.len()).unwrap_or(&[]);
            let best_state = checkpoint_data.tensor(BEST_STATE, state.len()).unwrap_or(&[]);
            let whole = watch.replay(&seen, best, best_state);
            whole.then_some(()).ok_or_else(|| lacks(BEST_PARAMETERS))?;
        }
        self.restore_callbacks(config.list(CALLBACKS).map_err(incomplete)?)?;
        self.take_up_writers(writers(config).map_err(incomplete)?);
        self.network.set_numbers(&parameters, &state);
        Ok(())
    }

    /// Notes who has written the checkpoint, and warns if it was not this version on this CPU path.
    fn take_up_writers(&mut self, writers: Vec<String>) {
        let here = here();
        let others: Vec<&str> = writers.iter().map(String::as_str).filter(|writer| *writer != here).collect();
        if !others.is_empty() {
            self.history.warn(Warning::ResumedElsewhere { saved: others.join(" and "), here });
        }
        if let Some(saving) = &mut self.saving {
            saving.restore_from(writers);
        }
    }

    fn restore_callbacks(&mut self, states: &[Value]) -> Result<(), TrainErrorKind> {
        let callbacks = self.trainer.callbacks.iter_mut().enumerate();
        let callbacks: Vec<_> = callbacks.filter(|(_, callback)| keeps(callback.as_ref())).collect();
        if callbacks.len() != states.len() {
            return Err(TrainErrorKind::CallbackStates { checkpoint: states.len(), here: callbacks.len() });
        }
        for ((index, callback), state) in callbacks.into_iter().zip(states) {
            let restored = match state {
                Value::Config(state) => callback.restore(state),
                _ => Err(ConfigError::Type { name: CALLBACKS.to_owned(), expected: "a list of named values" }),
            };
            restored.map_err(|error| TrainErrorKind::CallbackRestore { index, error })?;
        }
        Ok(())
    }

    fn restore_sums(&mut self, checkpoint_data: &CheckpointData<'_, T>) -> Option<()> {
        let count = numbers_of(&self.epoch_totals.sums).count();
        let sums = checkpoint_data.f64_tensor(SUMS, Shape::flat(count))?;
        let places = numbers_of_mut(&mut self.epoch_totals.sums);
        places.zip(sums).for_each(|(place, sum)| *place = *sum);
        Some(())
    }

    fn restore_history(&mut self, checkpoint_data: &CheckpointData<'_, T>, epochs: usize) -> Option<()> {
        if epochs == 0 {
            return Some(());
        }
        let columns = self.columns();
        let rows = checkpoint_data.f64_tensor(HISTORY, Shape::sequence(epochs, columns))?;
        let seconds = checkpoint_data.f64_tensor(SECONDS, Shape::flat(epochs))?;
        for (index, (row, seconds)) in rows.chunks_exact(columns).zip(seconds).enumerate() {
            let epoch = self.epoch_of(index + 1, row, *seconds)?;
            self.history.push(epoch);
        }
        Some(())
    }

    /// The length of a history row.
    fn columns(&self) -> usize {
        let (definition, metrics) = (self.network.definition(), self.trainer.metrics.len());
        let (penalties, diagnostics) = definition.validated_names();
        let validated = match self.validation_samples() {
            0 => 0,
            _ => 1 + penalties.len() + diagnostics.len() + metrics,
        };
        1 + definition.penalties.len() + definition.diagnostics.len() + metrics + validated + 1
    }

    /// The epoch of a history row; the inverse of [`row`].
    fn epoch_of(&self, number: usize, row: &[f64], seconds: f64) -> Option<Epoch> {
        let numbers = &mut row.iter().copied();
        let (definition, metrics) = (self.network.definition(), self.metric_names());
        let mut epoch = Epoch {
            number,
            loss: numbers.next()?,
            penalties: named(&definition.penalties, &mut *numbers),
            diagnostics: named(&definition.diagnostics, &mut *numbers),
            metrics: named(&metrics, &mut *numbers),
            validation_loss: None,
            validation_penalties: Vec::new(),
            validation_diagnostics: Vec::new(),
            validation_metrics: Vec::new(),
            learning_rate: 0.0,
            seconds,
        };
        if self.validation_samples() > 0 {
            let (penalties, diagnostics) = definition.validated_names();
            epoch.validation_loss = Some(numbers.next()?);
            epoch.validation_penalties = named(&penalties, &mut *numbers);
            epoch.validation_diagnostics = named(&diagnostics, &mut *numbers);
            epoch.validation_metrics = named(&metrics, &mut *numbers);
        }
        epoch.learning_rate = numbers.next()?;
        Some(epoch)
    }
}

/// Whether a checkpoint saves state of the callback.
fn keeps<T: Scalar>(callback: &dyn Callback<T>) -> bool {
    matches!(callback.state(), CallbackState::Keep(_))
}

/// Numbers of the model's float type as a tensor; `None` if there are none.
fn named_tensor<'a, T: Scalar>((name, values): (Cow<'a, str>, &'a [T])) -> Option<NamedTensor<'a, T>> {
    (!values.is_empty()).then(|| NamedTensor::new(name, Shape::flat(values.len()), values))
}

/// An epoch's numbers except its duration, in the order of a checkpoint.
fn row(epoch: &Epoch) -> Vec<f64> {
    let values = |named: &[(String, f64)]| named.iter().map(|(_, value)| *value).collect::<Vec<f64>>();
    let mut row = vec![epoch.loss];
    row.extend(values(&epoch.penalties));
    row.extend(values(&epoch.diagnostics));
    row.extend(values(&epoch.metrics));
    row.extend(epoch.validation_loss);
    row.extend(values(&epoch.validation_penalties));
    row.extend(values(&epoch.validation_diagnostics));
    row.extend(values(&epoch.validation_metrics));
    row.push(epoch.learning_rate);
    row
}

/// The error for a setting that contradicts the others.
fn contradicts(name: &str) -> ConfigError {
    ConfigError::Invalid { name: name.to_owned(), expected: "what the other settings of the checkpoint come to" }
}

fn slot_name(index: usize) -> String {
    format!("optimizer.{index}")
}

/// The sums behind an epoch's means, in the order of a checkpoint.
fn numbers_of(sums: &Totals) -> impl Iterator<Item = &f64> {
    std::iter::once(&sums.loss).chain(&sums.penalties).chain(&sums.diagnostics).chain(&sums.metrics)
}

fn numbers_of_mut(sums: &mut Totals) -> impl Iterator<Item = &mut f64> {
    let Totals { loss, penalties, diagnostics, metrics, .. } = sums;
    std::iter::once(loss).chain(penalties).chain(diagnostics).chain(metrics)
}
