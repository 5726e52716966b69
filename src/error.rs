//! [`Error`]: everything that can go wrong, by activity.

use std::{fmt, io};

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

/// An error that is not the crate's, with those it comes from: its own message need not repeat
/// them.
pub(crate) struct WithCauses<'a>(pub &'a dyn std::error::Error);

impl fmt::Display for WithCauses<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)?;
        let causes = std::iter::successors(self.0.source(), |cause| cause.source());
        causes.into_iter().try_for_each(|cause| write!(formatter, ": {cause}"))
    }
}

/// An error of the operating system or of a decoder, with what to do about it.
pub(crate) struct WithRemedy<'a>(pub &'a io::Error);

impl fmt::Display for WithRemedy<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let remedy = match self.0.kind() {
            io::ErrorKind::NotFound => "check the path; a relative one starts at the folder that the program is run in",
            io::ErrorKind::PermissionDenied => "check the permissions of the file and its folder",
            io::ErrorKind::IsADirectory => "this is a folder; name a file in it",
            io::ErrorKind::NotADirectory => "a part of the path is a file, not a folder; check the path",
            io::ErrorKind::OutOfMemory => "free some memory, or take a smaller model",
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "make room on the disk",
            io::ErrorKind::ReadOnlyFilesystem => "choose a folder that can be written to",
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => "it is damaged; copy or download it again",
            io::ErrorKind::InvalidInput => "check that the path names a file, and that the file is whole",
            _ => "try again, or look into the file and its disk",
        };
        write!(formatter, "{}; {remedy}", self.0)
    }
}
