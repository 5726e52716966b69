//! [`TrainError`]: why and where training stopped, and the history until then.

use std::path::PathBuf;

use thiserror::Error;

use super::History;
use crate::data::{DataError, InputError};
use crate::error::WithCauses;
use crate::model_file::ModelFileError;
use crate::{ConfigError, OptionError};

/// Why training stopped. The model holds the parameters of the last finished step; before the first step it is unchanged.
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
        "layer `{layer}` adds nats of a whole sample to the loss, but `{loss}` is a mean over a sample's elements; give it `.reduction(Reduction::SumPerSample)`"
    )]
    Reduction {
        /// The layer.
        layer: String,
        /// The loss.
        loss: &'static str,
    },
    /// The loss is NaN or infinite.
    #[error("the loss is {value}; a smaller learning rate or scaled data may help")]
    LossNotFinite {
        /// Its value.
        value: f64,
    },
    /// A gradient, or the updated parameter, is NaN or infinite.
    #[error("the update of `{parameter}` is not finite; a smaller learning rate or scaled data may help")]
    UpdateNotFinite {
        /// The parameter's name.
        parameter: String,
    },
    /// The memory cannot be allocated, or a size is out of bounds.
    #[error(transparent)]
    Memory(Box<crate::Error>),
    /// The requested threads cannot be started.
    #[error("cannot start {threads} threads")]
    Threads {
        /// How many.
        threads: usize,
    },
    /// A checkpoint cannot be written or read, or belongs to another training run.
    #[error(transparent)]
    Checkpoint(#[from] ModelFileError),
    /// A checkpoint is undamaged, but lacks an entry.
    #[error("the checkpoint is incomplete: {error}")]
    IncompleteCheckpoint {
        /// The missing or contradictory entry.
        error: ConfigError,
    },
    /// There is no checkpoint to resume from.
    #[error("there is no checkpoint in {}; `resume_or_start` begins a training then", folder.display())]
    NoCheckpoint {
        /// The folder.
        folder: PathBuf,
    },
    /// Checkpoints of another training run would be overwritten.
    #[error("there are checkpoints in {} already; resume from them with `resume` or `resume_or_start`, or give another folder", folder.display())]
    CheckpointsExist {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder of checkpoints cannot be read or created.
    #[error("the folder {} cannot be used: {error}", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// The operating system's error.
        error: std::io::Error,
    },
    /// Training with checkpoints has a callback whose state is unknown.
    #[error(
        "callback {index} (counted from 0) keeps something that no checkpoint would hold; implement `Callback::state`"
    )]
    CallbackState {
        /// Its place among the callbacks.
        index: usize,
    },
    /// A callback cannot use its saved state.
    #[error("callback {index} (counted from 0) cannot use what the checkpoint holds for it: {error}")]
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

impl From<InputError> for TrainErrorKind {
    fn from(error: InputError) -> Self {
        Self::Data(error.into())
    }
}
