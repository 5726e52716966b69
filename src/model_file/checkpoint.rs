//! Checkpoints: a model file with a [`CheckpointData`], which is restored into an existing model.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::checkpoint_data::{self, CheckpointData};
use super::container::{self, Container};
use super::description::{self, Description, ModelKind};
use super::difference::Difference;
use super::disk::Disk;
use super::{ModelFileError, ModelFileErrorKind, file, json, read, write};
use crate::data::{InputError, Scaler};
use crate::graph::{Network, zeros};
use crate::{Config, Scalar};

/// A model's parameters and state at some point of training, and what else training needs to
/// continue.
#[derive(Debug)]
pub(crate) struct Checkpoint<T: Scalar> {
    pub parameters: Vec<T>,
    pub state: Vec<T>,
    pub checkpoint_data: CheckpointData<'static, T>,
}

/// Replaces the file at `path` with one that holds `network`.
pub(crate) fn write_model<T: Scalar>(
    disk: &dyn Disk,
    path: &Path,
    network: &Network<T>,
    model: ModelKind,
) -> Result<(), ModelFileError> {
    replace(disk, path, network, model, None)
}

/// Replaces the file at `path` with one that holds `network` and the checkpoint's data.
pub(crate) fn write_checkpoint<T: Scalar>(
    disk: &dyn Disk,
    path: &Path,
    network: &Network<T>,
    model: ModelKind,
    checkpoint_data: &CheckpointData<'_, T>,
) -> Result<(), ModelFileError> {
    require_finite(&checkpoint_data.config).map_err(|kind| ModelFileError::at(path, kind))?;
    replace(disk, path, network, model, Some(checkpoint_data))
}

/// `Ok` if a checkpoint can hold these settings of a training run.
pub(crate) fn require_finite(training: &Config) -> Result<(), ModelFileErrorKind> {
    match training.entries().find(|(_, value)| !description::finite(value)) {
        Some((name, _)) => Err(ModelFileErrorKind::TrainingSetting { setting: name.to_owned() }),
        None => Ok(()),
    }
}

fn replace<T: Scalar>(
    disk: &dyn Disk,
    path: &Path,
    network: &Network<T>,
    model: ModelKind,
    checkpoint_data: Option<&CheckpointData<'_, T>>,
) -> Result<(), ModelFileError> {
    write::Writer::new(network, model, checkpoint_data)
        .and_then(|writer| file::replace(disk, path, |file| writer.write(file)))
        .map_err(|kind| ModelFileError::at(path, kind))
}

/// Reads the checkpoint at `path`, which must be of this model, in a training run that `suits`
/// accepts.
///
/// # Errors
/// [`ModelFileErrorKind::OtherModel`] if it is not; an error of `suits`, and any error of a model
/// file.
pub(crate) fn read_checkpoint<T: Scalar>(
    disk: &dyn Disk,
    path: &Path,
    network: &Network<T>,
    model: ModelKind,
    suits: impl Fn(&Config) -> Result<(), ModelFileErrorKind>,
) -> Result<Checkpoint<T>, ModelFileError> {
    let bytes = disk.read(path).map_err(ModelFileErrorKind::Read);
    let checkpoint = bytes.and_then(|bytes| parse(&bytes, network, model, suits));
    checkpoint.map_err(|kind| ModelFileError::at(path, kind))
}

/// `Ok` if a file can be created in the folder.
pub(crate) fn try_out(disk: &dyn Disk, folder: &Path) -> io::Result<()> {
    file::try_out(disk, folder)
}

/// Removes the temporary files that killed processes left in a folder.
pub(crate) fn tidy(disk: &dyn Disk, folder: &Path) -> io::Result<()> {
    file::tidy(disk, folder)
}

fn parse<T: Scalar>(
    bytes: &[u8],
    network: &Network<T>,
    model: ModelKind,
    suits: impl Fn(&Config) -> Result<(), ModelFileErrorKind>,
) -> Result<Checkpoint<T>, ModelFileErrorKind> {
    let container = Container::open(bytes)?;
    let header = json::read(container.header).map_err(|error| container::wrong(error.offset, error.problem))?;
    let description = Description::read(&header)?;
    let training = description.training.clone().ok_or(ModelFileErrorKind::IsNoCheckpoint)?;
    require_same_model(&description.config(0), &Description::of(network, model)?.config(0))?;
    suits(&training)?;

    let tensors = read::table(&container, &header, &description, network.definition())?;
    require_equal_scalers(&read::scalers(&description, &tensors, container.data)?, network, model)?;
    let memory = |error: InputError| ModelFileErrorKind::Read(io::Error::new(io::ErrorKind::OutOfMemory, error));
    let mut parameters = zeros(network.parameter_count()).map_err(memory)?;
    let mut state = zeros(network.state_vector().len()).map_err(memory)?;
    read::numbers(network.definition(), &tensors, container.data, &mut parameters, &mut state)?;
    let checkpoint_data =
        checkpoint_data::read(training, &tensors, container.data).ok_or(ModelFileErrorKind::IsNoCheckpoint)?;
    Ok(Checkpoint { parameters, state, checkpoint_data })
}

/// `Ok` if the description in a file is that of this model.
fn require_same_model(found: &Config, here: &Config) -> Result<(), ModelFileErrorKind> {
    match Difference::first(found, here, &["format", "checksum", "crate", "training"]) {
        None => Ok(()),
        Some(Difference { setting, checkpoint, here }) => {
            let setting = match setting.as_str() {
                "split" => "the number of layers of its encoder".to_owned(),
                number if number.starts_with("number of ") => format!("the {number}"),
                name => format!("`{name}`"),
            };
            Err(ModelFileErrorKind::OtherModel { setting, checkpoint, here })
        }
    }
}

/// `Ok` if the scalers of a file equal the network's.
fn require_equal_scalers<T: Scalar>(
    found: &[Option<Arc<Scaler>>; 2],
    network: &Network<T>,
    model: ModelKind,
) -> Result<(), ModelFileErrorKind> {
    let here = [network.input_scaler(), network.output_scaler().filter(|_| model == ModelKind::Network)];
    for ((scaler, found), here) in ["input", "output"].into_iter().zip(found).zip(here) {
        if found.as_deref() != here {
            return Err(ModelFileErrorKind::OtherScaler { scaler });
        }
    }
    Ok(())
}
