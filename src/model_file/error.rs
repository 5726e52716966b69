//! [`ModelFileError`]: which file, and what is wrong with it.

use std::fmt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::ModelFileErrorKind;

/// Why a model cannot be saved or loaded: which file, and what is wrong with it.
#[derive(Error)]
#[error("{}{kind}", Place(path.as_deref()))]
pub struct ModelFileError {
    path: Option<PathBuf>,
    kind: Box<ModelFileErrorKind>,
}

impl ModelFileError {
    pub(super) fn at(path: &Path, kind: ModelFileErrorKind) -> Self {
        Self { path: Some(path.to_owned()), kind: Box::new(kind) }
    }

    /// The file; `None` if the bytes did not come from a file.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What is wrong with it.
    pub fn kind(&self) -> &ModelFileErrorKind {
        &self.kind
    }
}

impl From<ModelFileErrorKind> for ModelFileError {
    fn from(kind: ModelFileErrorKind) -> Self {
        Self { path: None, kind: Box::new(kind) }
    }
}

/// Formats as a path and a colon, or nothing.
struct Place<'a>(Option<&'a Path>);

impl fmt::Display for Place<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(path) => write!(formatter, "{}: ", path.display()),
            None => Ok(()),
        }
    }
}
