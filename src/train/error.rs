//! [`TrainError`]: why and where training stopped, and the history until then.

use std::path::PathBuf;

use thiserror::Error;

use super::History;
use crate::causes::WithCauses;
use crate::data::{DataError, InputError};
use crate::model_file::ModelFileError;
use crate::{ConfigError, OptionError};

/// Why training stopped. The model holds the parameters of the last finished step; before the first
/// step it is unchanged.
#[derive(Error)]
#[error("training stopped {}: {kind}", place(*epoch, *step))]
pub struct TrainError {
    epoch: usize,
    step: usize,
    kind: TrainErrorKind,
    history: History,
}

fn place(epoch: usize, step: usize) -> String {
    match (epoch, step) {
        (0, _) => "before the first step".to_owned(),
        (epoch, 0) => format!("after epoch {epoch}"),
        (epoch, step) => format!("in epoch {epoch}, step {step}"),
    }
}

impl TrainError {
    pub(super) fn new(epoch: usize, step: usize, kind: impl Into<TrainErrorKind>, history: History) -> Box<Self> {
        Box::new(Self { epoch, step, kind: kind.into(), history })
    }

    /// The epoch, from 1; 0 before the first.
    pub fn epoch(&self) -> usize {
        self.epoch
    }

    /// The step within that epoch, from 1; 0 between epochs.
    pub fn step(&self) -> usize {
        self.step
    }

    /// What went wrong.
    pub fn kind(&self) -> &TrainErrorKind {
        &self.kind
    }

    /// The finished epochs.
    pub fn history(&self) -> &History {
        &self.history
    }
}

/// What went wrong in training.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TrainErrorKind {
    /// An option of the trainer, the loss or the optimizer is outside its range.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// Training data cannot be read or used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// Separate validation data cannot be read or used.
    #[error("in the validation data: {0}")]
    ValidationData(DataError),
    /// Early stopping is on, but there are no validation data.
    #[error("early stopping needs validation data: `validation`, `validation_to` or `validation_fraction`")]
    NoValidation,
    /// A layer adds nats per sample to a loss that is a mean over the sample's elements.
    #[error(
        "layer `{layer}` adds nats of a whole sample to the loss, but `{loss}` is a mean over a sample's elements; \
         give it `.reduction(Reduction::SumPerSample)`"
    )]
    Reduction {
        /// The layer.
        layer: String,
        /// The loss.
        loss: &'static str,
    },
    /// Every batch would hold one value for each channel of a batch normalisation.
    #[error(
        "layer `{layer}` normalises over the batch, and every batch would hold one value per channel, whose variance \
         is 0: expected batches of at least 2 samples; give `Trainer::batch_size` a larger number, or leave the layer out"
    )]
    OneValue {
        /// The layer.
        layer: String,
    },
    /// The loss is NaN or infinite.
    #[error("the loss is {value}; a smaller learning rate or scaled data may help{}", bracketed(*largest))]
    LossNotFinite {
        /// Its value.
        value: f64,
        /// The largest number among the data of the step.
        largest: Option<LargestValue>,
    },
    /// A gradient, or the updated parameter, is NaN or infinite.
    #[error(
        "the update of `{parameter}` is not finite; a smaller learning rate or scaled data may help{}",
        bracketed(*largest)
    )]
    UpdateNotFinite {
        /// The parameter's name.
        parameter: String,
        /// The largest number among the data of the step.
        largest: Option<LargestValue>,
    },
    /// The memory cannot be allocated, or a size is out of bounds.
    #[error("{0}; a smaller `batch_size` or a smaller model needs less")]
    Memory(Box<crate::Error>),
    /// The requested threads cannot be started.
    #[error(
        "cannot start {threads} threads; ask for fewer, or for none with `threads(None)`, which trains on the \
         current pool"
    )]
    Threads {
        /// How many.
        threads: usize,
    },
    /// A checkpoint cannot be written or read, or belongs to another training run.
    #[error(transparent)]
    Checkpoint(#[from] ModelFileError),
    /// A checkpoint is undamaged, but lacks an entry.
    #[error(
        "{}: the checkpoint is incomplete: {error}; remove the file to resume from the one before, if there is one, \
         or begin anew with `Trainer::start_over`",
        path.display()
    )]
    IncompleteCheckpoint {
        /// The checkpoint.
        path: PathBuf,
        /// The missing or contradictory entry.
        error: ConfigError,
    },
    /// No checkpoint in the folder can be read.
    #[error(
        "no checkpoint in {} is whole; put back a copy of one if there is any, or begin anew with \
         `Trainer::start_over`. The newest is {newest}",
        folder.display()
    )]
    DamagedCheckpoints {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with the newest.
        newest: ModelFileError,
    },
    /// There is no checkpoint to resume from.
    #[error(
        "there is no checkpoint in {}, or no such folder; correct the path, or begin a training there with \
         `resume_or_start`",
        folder.display()
    )]
    NoCheckpoint {
        /// The folder.
        folder: PathBuf,
    },
    /// Checkpoints of another training run would be overwritten.
    #[error(
        "there are checkpoints in {} already; resume from them with `resume` or `resume_or_start`, discard them \
         with `start_over`, or give another folder",
        folder.display()
    )]
    CheckpointsExist {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder of checkpoints cannot be read, created or written to.
    #[error(
        "the folder {} cannot be used: {error}; give a folder, or one that can be made, where this program may write",
        folder.display()
    )]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The operating system's error.
        error: std::io::Error,
    },
    /// A checkpoint holds the states of more or fewer callbacks than the trainer has.
    #[error(
        "the number of callbacks with a state (`Callback::state`) is {checkpoint} in the checkpoint, {here} here; \
         give the trainer the callbacks of that time in the same order, or begin anew with `Trainer::start_over`"
    )]
    CallbackStates {
        /// States in the checkpoint.
        checkpoint: usize,
        /// Callbacks of the trainer that keep a state.
        here: usize,
    },
    /// A callback cannot use its saved state.
    #[error(
        "callback {index} (counted from 0) cannot use what the checkpoint holds for it: {error}; its \
         `Callback::restore` has to take back what `Callback::state` of the callback at the same place gave"
    )]
    CallbackRestore {
        /// Its place among the callbacks.
        index: usize,
        /// Why.
        error: ConfigError,
    },
    /// A callback failed.
    #[error("a callback failed: {}", WithCauses(&**.0))]
    Callback(Box<dyn std::error::Error + Send + Sync>),
}

/// The number with the largest magnitude among the data of a step, as the source holds it, before
/// any scaling.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LargestValue {
    /// The number.
    pub value: f64,
    /// Its sample in the data.
    pub sample: usize,
    /// Its feature.
    pub feature: usize,
    /// Whether it is in the targets, where they are other data than the inputs.
    pub target: bool,
}

impl LargestValue {
    /// The larger of two; the first of equals.
    pub(super) fn or(self, other: Self) -> Self {
        if other.value.abs() > self.value.abs() { other } else { self }
    }
}

fn bracketed(largest: Option<LargestValue>) -> String {
    let Some(LargestValue { value, sample, feature, target }) = largest else { return String::new() };
    let what = if target { "target" } else { "sample" };
    format!(" (the largest number in the data of this step is {value:.3e}, feature {feature} of {what} {sample})")
}

impl From<InputError> for TrainErrorKind {
    fn from(error: InputError) -> Self {
        Self::Data(error.into())
    }
}
