//! [`Error`]: everything that can go wrong, by activity.

use std::fmt;

use thiserror::Error;

use crate::OptionError;
use crate::autoencoder::RowError;
use crate::data::{DataError, InputError};
use crate::graph::{BuildError, ParameterError};
use crate::loss::LossError;
use crate::model_file::ModelFileError;
use crate::train::TrainError;
use crate::{ConfigError, ShapeError};

/// Everything that can go wrong, by activity. Each variant's type says where, and what was
/// expected.
///
/// The message of an error holds all of it, its cause included, so the cause is not its
/// [`source`](std::error::Error::source) as well; it is found in the error's fields, or by
/// `kind()`. `Debug` prints the message, too: it is what a `main` that returns an error prints.
#[derive(Error)]
#[non_exhaustive]
pub enum Error {
    /// A model cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A size is out of bounds.
    #[error(transparent)]
    Shape(#[from] ShapeError),
    /// A batch does not fit a model.
    #[error(transparent)]
    Input(#[from] InputError),
    /// Data cannot be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A parameter cannot be read or set.
    #[error(transparent)]
    Parameter(#[from] ParameterError),
    /// An option is outside its range.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// Predictions and targets cannot be compared.
    #[error(transparent)]
    Loss(#[from] LossError),
    /// A configuration cannot be read.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Training stopped.
    #[error(transparent)]
    Train(#[from] Box<TrainError>),
    /// One of the caller's files cannot be read or written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A model file cannot be read or written.
    #[error(transparent)]
    ModelFile(#[from] ModelFileError),
}

/// `Debug` as `Display`, for the errors that functions of this crate return.
macro_rules! debug_as_displayed {
    ($($error:ty),* $(,)?) => {$(
        impl fmt::Debug for $error {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, formatter)
            }
        }
    )*};
}

debug_as_displayed!(
    Error,
    BuildError,
    DataError,
    InputError,
    ModelFileError,
    OptionError,
    ParameterError,
    RowError,
    TrainError
);

impl Error {
    /// Turns an error about a part of a batch that begins at sample `first` into one about the
    /// batch, by renumbering the sample.
    pub(crate) fn after(self, first: usize) -> Self {
        match self {
            Self::Input(error) => error.after(first).into(),
            other => other,
        }
    }

    /// The same about sample `number`.
    pub(crate) fn of_sample(self, number: usize) -> Self {
        match self {
            Self::Input(error) => error.of_sample(number).into(),
            other => other,
        }
    }
}
