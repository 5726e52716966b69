//! Model files: one safetensors file holds architecture, parameters, state, scaler and seed.
//! `docs/model-file.md` describes the format.
//!
//! A model has exactly one canonical file: a loaded model is saved to the same bytes, and a file
//! with any other bytes is not loaded. So the container (length, JSON header, numbers) is read and
//! written here: the crate `safetensors` accepts duplicate names, writes metadata in random order
//! and sorts tensors by type and name. The JSON is read and written by `serde_json`, which leaves
//! order, duplicate names and the format of numbers to its caller.

mod advice;
mod autoencoder;
mod checkpoint;
mod checkpoint_data;
mod container;
mod description;
mod difference;
pub(crate) mod disk;
mod entries;
mod error;
mod error_kind;
mod file;
mod float;
mod json;
mod network;
mod read;
mod registry;
mod tensor;
mod write;

use std::io::Write;
use std::path::Path;

pub(crate) use checkpoint::{
    Checkpoint, read_checkpoint, require_finite, tidy, try_out, write_checkpoint, write_model,
};
pub(crate) use checkpoint_data::{CheckpointData, NamedTensor};
pub(crate) use description::ModelKind;
pub(crate) use difference::Difference;
pub use error::ModelFileError;
pub use error_kind::ModelFileErrorKind;
pub use registry::Registry;

use crate::Scalar;
use crate::graph::Network;
use disk::{Disk, System};
use read::Conversion;

/// Replaces the file at `path` with one that holds `network`.
#[inline(never)] // see `compiled.rs`
fn save<T: Scalar>(path: &Path, network: &Network<T>, model: ModelKind) -> Result<(), ModelFileError> {
    write_model(&System, path, network, model)
}

#[inline(never)] // see `compiled.rs`
fn write_to<T: Scalar>(to: &mut dyn Write, network: &Network<T>, model: ModelKind) -> Result<(), ModelFileError> {
    let writer = write::Writer::new(network, model, None)?;
    Ok(writer.write(to).map_err(ModelFileErrorKind::Write)?)
}

/// Reads the file with [`read::model`]; errors name the file.
#[inline(never)] // see `compiled.rs`
fn load<T: Scalar>(
    path: &Path,
    wanted: &'static str,
    registry: &Registry<T>,
    conversion: Conversion,
) -> Result<(Network<T>, ModelKind), ModelFileError> {
    System
        .read(path)
        .map_err(ModelFileErrorKind::Read)
        .and_then(|bytes| read::model(&bytes, wanted, registry, conversion))
        .map_err(|kind| ModelFileError::at(path, kind))
}
