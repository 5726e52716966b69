//! Saving and loading an [`Autoencoder`].

use std::io::Write;
use std::path::Path;

use super::description::ModelKind;
use super::read::{self, Conversion};
use super::{ModelFileError, ModelFileErrorKind, Registry};
use crate::autoencoder::Autoencoder;
use crate::graph::Network;
use crate::{ConfigError, Scalar};

const WANTED: &str = "autoencoder";

impl<T: Scalar> Autoencoder<T> {
    /// Saves the model as one safetensors file: architecture, parameters, state, scaler, seed and
    /// which parameters are frozen. Python's `safetensors` reads its tensors under the names of
    /// [`parameters`](Self::parameters).
    ///
    /// Saving is atomic: the file is written under another name in the same folder, synced to the
    /// disk, and only then replaces an older one. The same model gives the same bytes.
    ///
    /// ```
    /// use autoencoder::nalgebra::DMatrix;
    /// use autoencoder::{Activation, Autoencoder, Dense, Shape};
    ///
    /// let model = Autoencoder::<f32>::builder(Shape::flat(8))
    ///     .encoder(Dense::new(3).activation(Activation::Tanh))
    ///     .mirror(Activation::Linear)
    ///     .build()?;
    /// let path = std::env::temp_dir().join("autoencoder-save-example.safetensors");
    /// model.save(&path)?;
    ///
    /// let again = Autoencoder::<f32>::load(&path)?;
    /// let data = DMatrix::from_element(8, 2, 0.5);
    /// assert_eq!(again.encode(&data)?, model.encode(&data)?);
    /// # let _ = std::fs::remove_file(path);
    /// # Ok::<(), autoencoder::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ModelFileError`] if the file cannot be written; it tells whether the new file is in place.
    /// Also if a setting or a number of the model is not finite, which a file cannot represent.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ModelFileError> {
        super::save(path.as_ref(), self.network(), self.described())
    }

    /// Writes the bytes that [`save`](Self::save) would write to a file.
    ///
    /// # Errors
    /// [`ModelFileError`] if `to` fails, or a setting or a number of the model is not finite.
    pub fn write_to(&self, mut to: impl Write) -> Result<(), ModelFileError> {
        super::write_to(&mut to, self.network(), self.described())
    }

    /// Loads a model of built-in layers from the file at `path`.
    ///
    /// # Errors
    /// [`ModelFileError`] says what is wrong with the file.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ModelFileError> {
        Self::load_with(path, &Registry::default())
    }

    /// Loads a model of layers known to `registry` from the file at `path`.
    ///
    /// # Errors
    /// [`ModelFileError`] says what is wrong with the file.
    pub fn load_with(path: impl AsRef<Path>, registry: &Registry<T>) -> Result<Self, ModelFileError> {
        let path = path.as_ref();
        let (network, model) = super::load(path, WANTED, registry, Conversion::Refused)?;
        halves(network, model).map_err(|kind| ModelFileError::at(path, kind))
    }

    /// Loads a model of any float type from the file at `path`; numbers are rounded to the nearest
    /// `T`.
    ///
    /// ```no_run
    /// use autoencoder::{Autoencoder, Registry};
    ///
    /// let model = Autoencoder::<f64>::load_as("trained-in-f32.safetensors", &Registry::default())?;
    /// # Ok::<(), autoencoder::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ModelFileError`] says what is wrong with the file; also if a number is too large for `T`.
    pub fn load_as(path: impl AsRef<Path>, registry: &Registry<T>) -> Result<Self, ModelFileError> {
        let path = path.as_ref();
        let (network, model) = super::load(path, WANTED, registry, Conversion::Allowed)?;
        halves(network, model).map_err(|kind| ModelFileError::at(path, kind))
    }

    /// Loads a model of built-in layers from the bytes of a file (`include_bytes!`).
    ///
    /// # Errors
    /// [`ModelFileError`] says what is wrong with the bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelFileError> {
        Self::from_bytes_with(bytes, &Registry::default())
    }

    /// Loads a model of layers known to `registry` from the bytes of a file.
    ///
    /// # Errors
    /// [`ModelFileError`] says what is wrong with the bytes.
    pub fn from_bytes_with(bytes: &[u8], registry: &Registry<T>) -> Result<Self, ModelFileError> {
        let (network, model) = read::model(bytes, WANTED, registry, Conversion::Refused)?;
        Ok(halves(network, model)?)
    }

    /// Loads a model of any float type from the bytes of a file; numbers are rounded to the nearest
    /// `T`.
    ///
    /// # Errors
    /// [`ModelFileError`] says what is wrong with the bytes.
    pub fn from_bytes_as(bytes: &[u8], registry: &Registry<T>) -> Result<Self, ModelFileError> {
        let (network, model) = read::model(bytes, WANTED, registry, Conversion::Allowed)?;
        Ok(halves(network, model)?)
    }

    fn described(&self) -> ModelKind {
        ModelKind::Autoencoder { split: self.split() }
    }
}

/// The autoencoder that consists of the two halves of `network`.
fn halves<T: Scalar>(network: Network<T>, model: ModelKind) -> Result<Autoencoder<T>, ModelFileErrorKind> {
    match model {
        ModelKind::Autoencoder { split } => Ok(Autoencoder::from_network(network, split)?),
        ModelKind::Network => Err(ModelFileErrorKind::Description(ConfigError::Missing { name: "split".to_owned() })),
    }
}
