//! Saving and loading a [`Network`].

use std::io::Write;
use std::path::Path;

use super::description::Model;
use super::read::{self, Conversion};
use super::{ModelFileError, Registry};
use crate::Scalar;
use crate::network::Network;

const WANTED: &str = "network";

impl<T: Scalar> Network<T> {
    /// Saves the network as one safetensors file; see [`Autoencoder::save`](crate::Autoencoder::save), which this is but for the kind of model.
    ///
    /// # Errors
    /// [`ModelFileError`]; see [`Autoencoder::save`](crate::Autoencoder::save).
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ModelFileError> {
        super::save(path.as_ref(), self, Model::Network)
    }

    /// Writes the bytes of the file that [`save`](Self::save) makes.
    ///
    /// # Errors
    /// [`ModelFileError`] if `to` fails, or the model cannot be described in a file.
    pub fn write_to(&self, to: impl Write) -> Result<(), ModelFileError> {
        super::write_to(to, self, Model::Network)
    }

    /// The network in the file at `path`, made of built-in layers.
    ///
    /// # Errors
    /// [`ModelFileError`] says what is wrong with the file; nothing of it is used then.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ModelFileError> {
        Self::load_with(path, &Registry::default())
    }

    /// The network in the file at `path`, made of layers that `registry` knows.
    ///
    /// # Errors
    /// [`ModelFileError`] says what is wrong with the file; nothing of it is used then.
    pub fn load_with(path: impl AsRef<Path>, registry: &Registry<T>) -> Result<Self, ModelFileError> {
        super::load(path.as_ref(), WANTED, registry, Conversion::Refused).map(|(network, _)| network)
    }

    /// The network in the file at `path`, whatever its float type: each number becomes the nearest of `T`.
    ///
    /// # Errors
    /// [`ModelFileError`] says what is wrong with the file: besides all else, a number that is too large for `T`.
    pub fn load_as(path: impl AsRef<Path>, registry: &Registry<T>) -> Result<Self, ModelFileError> {
        super::load(path.as_ref(), WANTED, registry, Conversion::Allowed).map(|(network, _)| network)
    }

    /// The network in the bytes of a file, made of built-in layers.
    ///
    /// # Errors
    /// [`ModelFileError`] says what is wrong with the bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelFileError> {
        Self::from_bytes_with(bytes, &Registry::default())
    }

    /// The network in the bytes of a file, made of layers that `registry` knows.
    ///
    /// # Errors
    /// [`ModelFileError`] says what is wrong with the bytes.
    pub fn from_bytes_with(bytes: &[u8], registry: &Registry<T>) -> Result<Self, ModelFileError> {
        Ok(read::model(bytes, WANTED, registry, Conversion::Refused).map(|(network, _)| network)?)
    }

    /// The network in the bytes of a file, whatever its float type: each number becomes the nearest of `T`.
    ///
    /// # Errors
    /// [`ModelFileError`] says what is wrong with the bytes.
    pub fn from_bytes_as(bytes: &[u8], registry: &Registry<T>) -> Result<Self, ModelFileError> {
        Ok(read::model(bytes, WANTED, registry, Conversion::Allowed).map(|(network, _)| network)?)
    }
}
