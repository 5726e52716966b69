//! Model files: one safetensors file holds architecture, numbers, scaler and seed. `docs/model-file.md` describes the format.
//!
//! A file has exactly one spelling: what is loaded and saved again has the same bytes, and anything else than what would be saved is not loaded.
//! So the frame, eight bytes before a line of JSON and the numbers after it, is read and written here: the crate `safetensors` reads names that stand
//! twice, writes metadata in random order and sorts tensors by type and name. The JSON is `serde_json`'s, which leaves order, names that stand twice and
//! the spelling of numbers to its caller.

mod autoencoder;
mod description;
mod error;
mod file;
mod frame;
mod json;
mod network;
mod read;
mod registry;
mod tensor;
mod write;

use std::io::Write;
use std::path::Path;

pub use error::{ModelFileError, ModelFileErrorKind};
pub use registry::Registry;

use crate::Scalar;
use crate::network::Network;
use description::Model;
use read::Conversion;

/// Replaces the file at `path` by one that holds `network`.
fn save<T: Scalar>(path: &Path, network: &Network<T>, model: Model) -> Result<(), ModelFileError> {
    write::Writer::new(network, model)
        .and_then(|writer| file::replace(path, |file| writer.write(file)))
        .map_err(|kind| ModelFileError::at(path, kind))
}

fn write_to<T: Scalar>(to: impl Write, network: &Network<T>, model: Model) -> Result<(), ModelFileError> {
    let writer = write::Writer::new(network, model)?;
    Ok(writer.write(to).map_err(ModelFileErrorKind::Write)?)
}

/// What [`read::model`] makes of the file's contents; its errors name the file.
fn load<T: Scalar>(
    path: &Path,
    wanted: &'static str,
    registry: &Registry<T>,
    conversion: Conversion,
) -> Result<(Network<T>, Model), ModelFileError> {
    file::read(path)
        .and_then(|bytes| read::model(&bytes, wanted, registry, conversion))
        .map_err(|kind| ModelFileError::at(path, kind))
}
