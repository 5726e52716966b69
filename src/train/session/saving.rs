//! [`Saving`]: when a session writes checkpoints, and the best model until it is written.

use std::time::Instant;

use super::{Session, setup};
use crate::graph::Network;
use crate::model_file;
use crate::train::checkpoint::{Checkpoints, Clock, Folder};
use crate::train::{Control, TrainErrorKind};
use crate::{Config, Error, Scalar};

/// Where and when a session writes checkpoints.
pub(super) struct Saving<T: Scalar> {
    checkpoints: Checkpoints,
    folder: Folder,
    clock: Clock,
    /// What a later session must have in common with this one.
    pub setup: Config,
    /// Who has written this training's checkpoints, this process last.
    pub written_by: Vec<String>,
    /// The model of the best epoch so far.
    best: Network<T>,
    /// Whether it has not been written yet.
    unsaved: bool,
}

impl<T: Scalar> Saving<T> {
    /// Writes nothing yet.
    ///
    /// # Errors
    /// If a checkpoint cannot hold the setup, or if the best model finds no memory.
    pub fn new(checkpoints: Checkpoints, setup: Config, network: &Network<T>) -> Result<Self, TrainErrorKind> {
        let written_by = vec![setup::here()];
        model_file::require_finite(&setup::head(&written_by, &setup)).map_err(model_file::ModelFileError::from)?;
        let no_memory = |error| TrainErrorKind::Memory(Box::new(Error::Input(error)));
        let (best, folder) = (network.unpacked().map_err(no_memory)?, checkpoints.folder());
        Ok(Self { checkpoints, folder, clock: Clock::new(), setup, written_by, best, unsaved: false })
    }

    /// Creates the folder and makes sure that it can be used.
    pub fn prepare(&self) -> Result<(), TrainErrorKind> {
        self.folder.prepare()
    }

    /// Notes who has written the checkpoint that this session goes on from, and before.
    pub fn restore_from(&mut self, writers: Vec<String>) {
        let here = std::mem::take(&mut self.written_by);
        self.written_by = writers.into_iter().filter(|writer| !here.contains(writer)).collect();
        self.written_by.extend(here);
    }
}

impl<T: Scalar> Session<'_, '_, T> {
    /// Writes the checkpoint that is due after a step within an epoch, or that a callback has
    /// caused.
    pub(super) fn save_within_epoch(&mut self, control: Control) -> Result<(), TrainErrorKind> {
        let Some(saving) = &self.saving else { return Ok(()) };
        let due = saving.checkpoints.after_steps(self.optimizer_state.steps, &saving.clock);
        if due || control != Control::Continue { self.save() } else { Ok(()) }
    }

    /// Keeps the model if it is the best so far, and writes the checkpoint that is due after an
    /// epoch: in any case if it is the `last` one.
    pub(super) fn save_after_epoch(&mut self, last: bool) -> Result<(), TrainErrorKind> {
        let Some(saving) = &mut self.saving else { return Ok(()) };
        let epochs = self.history.epochs().len();
        if self.history.best().is_some_and(|best| best.number == epochs) {
            saving.best.set_numbers(self.network.parameter_vector(), self.network.state_vector());
            saving.unsaved = true;
        }
        let due = saving.checkpoints.after_epochs(epochs, self.optimizer_state.steps, &saving.clock);
        if due || last { self.save() } else { Ok(()) }
    }

    /// Writes the best model, if it is a new one, then a checkpoint: a folder never holds a
    /// checkpoint whose best model is missing.
    fn save(&mut self) -> Result<(), TrainErrorKind> {
        let began = Instant::now();
        let Some(saving) = &self.saving else { return Ok(()) };
        if saving.unsaved {
            saving.folder.set_best(&saving.best, self.model)?;
        }
        let checkpoint_data = self.checkpoint_data(saving);
        saving.folder.add(self.optimizer_state.steps, |disk, path| {
            model_file::write_checkpoint(disk, path, self.network, self.model, &checkpoint_data)
        })?;
        drop(checkpoint_data);
        if let Some(saving) = &mut self.saving {
            saving.unsaved = false;
            saving.clock.saved(began);
        }
        Ok(())
    }
}
