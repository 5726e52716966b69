//! Saving and loading a [`Network`].

use std::io::Write;
use std::path::Path;

use super::description::ModelKind;
use super::read::{self, Conversion};
use super::{ModelFileError, Registry};
use crate::Scalar;
use crate::graph::Network;

const WANTED: &str = "network";

impl<T: Scalar> Network<T> {
    /// Saves the network as one safetensors file; like
    /// [`Autoencoder::save`](crate::Autoencoder::save), except for the kind of model.
    ///
    /// # Errors
    /// [`ModelFileError`]; see [`Autoencoder::save`](crate::Autoencoder::save).
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ModelFileError> {
        super::save(path.as_ref(), self, ModelKind::Network)
    }

    /// Writes the bytes that [`save`](Self::save) would write to a file.
    ///
    /// # Errors
    /// [`ModelFileError`] if `to` fails, or a setting or a number of the network is not finite.
    pub fn write_to(&self, mut to: impl Write) -> Result<(), ModelFileError> {
        super::write_to(&mut to, self, ModelKind::Network)
    }

    /// Loads a network of built-in layers from the file at `path`.
    ///
    /// # Errors
    /// [`ModelFileError`] says what is wrong with the file.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ModelFileError> {
        Self::load_with(path, &Registry::default())
    }

    /// Loads a network of layers known to `registry` from the file at `path`.
    ///
    /// # Errors
    /// [`ModelFileError`] says what is wrong with the file.
    pub fn load_with(path: impl AsRef<Path>, registry: &Registry<T>) -> Result<Self, ModelFileError> {
        super::load(path.as_ref(), WANTED, registry, Conversion::Refused).map(|(network, _)| network)
    }

    /// Loads a network of any float type from the file at `path`; numbers are rounded to the
    /// nearest `T`.
    ///
    /// # Errors
    /// [`ModelFileError`] says what is wrong with the file; also if a number is too large for `T`.
    pub fn load_as(path: impl AsRef<Path>, registry: &Registry<T>) -> Result<Self, ModelFileError> {
        super::load(path.as_ref(), WANTED, registry, Conversion::Allowed).map(|(network, _)| network)
    }

    /// Loads a network of built-in layers from the bytes of a file.
    ///
    /// # Errors
    /// [`ModelFileError`] says what is wrong with the bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelFileError> {
        Self::from_bytes_with(bytes, &Registry::default())
    }

    /// Loads a network of layers known to `registry` from the bytes of a file.
    ///
    /// # Errors
    /// [`ModelFileError`] says what is wrong with the bytes.
    pub fn from_bytes_with(bytes: &[u8], registry: &Registry<T>) -> Result<Self, ModelFileError> {
        Ok(read::model(bytes, WANTED, registry, Conversion::Refused).map(|(network, _)| network)?)
    }

    /// Loads a network of any float type from the bytes of a file; numbers are rounded to the
    /// nearest `T`.
    ///
    /// # Errors
    /// [`ModelFileError`] says what is wrong with the bytes.
    pub fn from_bytes_as(bytes: &[u8], registry: &Registry<T>) -> Result<Self, ModelFileError> {
        Ok(read::model(bytes, WANTED, registry, Conversion::Allowed).map(|(network, _)| network)?)
    }
}
