//! [`DataError`]: why data cannot be read.

use std::path::PathBuf;

use thiserror::Error;

use super::InputError;
use super::file_kind::{FileKind, Wanted};
use crate::causes::{WithCauses, WithRemedy};

/// Why data cannot be read from a [`Source`](super::Source) or a file.
#[derive(Error)]
#[non_exhaustive]
pub enum DataError {
    /// The file cannot be opened or read.
    #[error("cannot read {}: {}", path.display(), WithRemedy(error))]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the operating system or of gzip.
        error: std::io::Error,
    },
    /// The file is not an IDX file of images.
    #[error("{} is not an IDX file of images: it is {found}; {}", path.display(), found.advice(Wanted::Images))]
    NoImages {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: FileKind,
    },
    /// The file is not an IDX file of labels.
    #[error("{} is not an IDX file of labels: it is {found}; {}", path.display(), found.advice(Wanted::Labels))]
    NoLabels {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: FileKind,
    },
    /// The file is too short or too long.
    #[error(
        "{} is damaged: its header promises {promised} bytes of data, {found} were found; copy or download it again",
        path.display()
    )]
    Length {
        /// The file.
        path: PathBuf,
        /// Bytes of data according to the header.
        promised: u64,
        /// Bytes of data found; reading stops after `promised` + 1.
        found: u64,
    },
    /// The file ends within its header.
    #[error(
        "{} is damaged: its header has {expected} bytes, {found} were found; copy or download it again",
        path.display()
    )]
    Header {
        /// The file.
        path: PathBuf,
        /// Bytes that the header has.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// The file's header announces more than [`MAX_ELEMENTS`](crate::MAX_ELEMENTS) bytes.
    #[error(
        "{} promises more data than the limit of {} bytes: it is damaged, or has to be divided into several files",
        path.display(),
        crate::MAX_ELEMENTS
    )]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The crate was built without the feature `gzip`.
    #[error("{} is compressed; build with the feature `gzip` or unpack it first", path.display())]
    Compressed {
        /// The file.
        path: PathBuf,
    },
    /// There is no such sample.
    #[error(
        "sample {sample} was asked for (counted from 0), there are {samples}; check the indices, or the range of a `Subset`"
    )]
    NoSuchSample {
        /// The sample.
        sample: usize,
        /// How many there are.
        samples: usize,
    },
    /// There is no such feature.
    #[error("feature {feature} was asked for (counted from 0), there are {features}; check the number of features")]
    NoSuchFeature {
        /// The feature.
        feature: usize,
        /// How many there are.
        features: usize,
    },
    /// A label is not one of the classes.
    #[error(
        "the label of sample {sample} (counted from 0) is {label}, the classes are 0..{classes}; ask for at least {} \
         classes, or correct the label",
        usize::from(*label) + 1
    )]
    Label {
        /// The sample.
        sample: usize,
        /// Its label.
        label: u8,
        /// How many classes there are.
        classes: usize,
    },
    /// The data do not suit the model.
    #[error(transparent)]
    Input(#[from] InputError),
    /// A user-defined source failed.
    #[error("the data source failed: {}", WithCauses(&**.0))]
    Source(Box<dyn std::error::Error + Send + Sync>),
}
