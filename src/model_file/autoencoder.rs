//! Saving and loading an [`Autoencoder`].

use std::io::Write;
use std::path::Path;

use super::description::Model;
use super::read::{self, Conversion};
use super::{ModelFileError, ModelFileErrorKind, Registry};
use crate::autoencoder::Autoencoder;
use crate::network::Network;
use crate::{ConfigError, Scalar};

const WANTED: &str = "autoencoder";

impl<T: Scalar> Autoencoder<T> {
    /// Saves the model as one safetensors file: architecture, numbers, scaler, seed and which parameters are frozen. Python's `safetensors` reads its
    /// tensors under the names of [`parameters`](Self::parameters).
    ///
    /// All or nothing: the file is written under another name in the same folder, brought to the disk, and takes the place of an older one only then.
    /// The same model gives the same bytes.
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
    /// [`ModelFileError`] if the file cannot be written, and says whether the new one is there; or if the model cannot be described in a file: a
    /// setting or a number is not finite.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), ModelFileError> {
        super::save(path.as_ref(), self.network(), self.described())
    }

    /// Writes the bytes of the file that [`save`](Self::save) makes.
    ///
    /// # Errors
    /// [`ModelFileError`] if `to` fails, or the model cannot be described in a file.
    pub fn write_to(&self, to: impl Write) -> Result<(), ModelFileError> {
        super::write_to(to, self.network(), self.described())
    }

    /// The model in the file at `path`, made of built-in layers.
    ///
    /// # Errors
    /// [`ModelFileError`] says what is wrong with the file; nothing of it is used then.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, ModelFileError> {
        Self::load_with(path, &Registry::default())
    }

    /// The model in the file at `path`, made of layers that `registry` knows.
    ///
    /// # Errors
    /// [`ModelFileError`] says what is wrong with the file; nothing of it is used then.
    pub fn load_with(path: impl AsRef<Path>, registry: &Registry<T>) -> Result<Self, ModelFileError> {
        let path = path.as_ref();
        let (network, model) = super::load(path, WANTED, registry, Conversion::Refused)?;
        halves(network, model).map_err(|kind| ModelFileError::at(path, kind))
    }

    /// The model in the file at `path`, whatever its float type: each number becomes the nearest of `T`.
    ///
    /// ```no_run
    /// use autoencoder::{Autoencoder, Registry};
    ///
    /// let model = Autoencoder::<f64>::load_as("trained-in-f32.safetensors", &Registry::default())?;
    /// # Ok::<(), autoencoder::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`ModelFileError`] says what is wrong with the file: besides all else, a number that is too large for `T`.
    pub fn load_as(path: impl AsRef<Path>, registry: &Registry<T>) -> Result<Self, ModelFileError> {
        let path = path.as_ref();
        let (network, model) = super::load(path, WANTED, registry, Conversion::Allowed)?;
        halves(network, model).map_err(|kind| ModelFileError::at(path, kind))
    }

    /// The model in the bytes of a file (`include_bytes!`), made of built-in layers.
    ///
    /// # Errors
    /// [`ModelFileError`] says what is wrong with the bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelFileError> {
        Self::from_bytes_with(bytes, &Registry::default())
    }

    /// The model in the bytes of a file, made of layers that `registry` knows.
    ///
    /// # Errors
    /// [`ModelFileError`] says what is wrong with the bytes.
    pub fn from_bytes_with(bytes: &[u8], registry: &Registry<T>) -> Result<Self, ModelFileError> {
        let (network, model) = read::model(bytes, WANTED, registry, Conversion::Refused)?;
        Ok(halves(network, model)?)
    }

    /// The model in the bytes of a file, whatever its float type: each number becomes the nearest of `T`.
    ///
    /// # Errors
    /// [`ModelFileError`] says what is wrong with the bytes.
    pub fn from_bytes_as(bytes: &[u8], registry: &Registry<T>) -> Result<Self, ModelFileError> {
        let (network, model) = read::model(bytes, WANTED, registry, Conversion::Allowed)?;
        Ok(halves(network, model)?)
    }

    fn described(&self) -> Model {
        Model::Autoencoder { split: self.split() }
    }
}

/// The autoencoder whose two halves `network` is.
fn halves<T: Scalar>(network: Network<T>, model: Model) -> Result<Autoencoder<T>, ModelFileErrorKind> {
    match model {
        Model::Autoencoder { split } => Ok(Autoencoder::from_network(network, split)?),
        Model::Network => Err(ModelFileErrorKind::Description(ConfigError::Missing { name: "split".to_owned() })),
    }
}
