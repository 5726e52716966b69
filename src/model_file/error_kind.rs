//! [`ModelFileErrorKind`]: what is wrong with a model file.

use std::io;

use thiserror::Error;

use super::advice::{AGAIN, ANEW, AS_SAVED, OR_LOAD, unwritten};
use super::container::MAX_HEADER_BYTES;
use crate::causes::WithRemedy;
use crate::data::{FileKind, Wanted};
use crate::graph::BuildError;
use crate::{ConfigError, Shape};

/// What is wrong with a model file. Offsets are in bytes from the start of the file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ModelFileErrorKind {
    /// The operating system cannot read the file.
    #[error("cannot be read: {}", WithRemedy(.0))]
    Read(io::Error),
    /// The operating system cannot write the file. An older file is unchanged.
    #[error("cannot be written: {}", unwritten(.0))]
    Write(io::Error),
    /// The new file is complete and in place, but the folder could not be synced: after a power
    /// failure the older file may be back.
    #[error("is written, but may not survive a power failure: {0}; save it again, on another disk if that fails, too")]
    NotDurable(io::Error),

    /// The file is not a model of this crate.
    #[error("not a model file of this crate: it is {found}; {}", found.advice(Wanted::Model))]
    Foreign {
        /// What it is.
        found: FileKind,
    },
    /// The file was made by a newer version of the crate.
    #[error("the file has format {found}, this version of the crate reads up to {supported}; take a newer one")]
    Format {
        /// The file's format.
        found: u64,
        /// The newest format that can be read.
        supported: u64,
    },
    /// The file ends early.
    #[error("the file ends after {found} bytes, at least {expected} are expected; {AGAIN}")]
    Truncated {
        /// Bytes found.
        found: u64,
        /// Bytes needed for the part being read.
        expected: u64,
    },
    /// The header exceeds the limit on reading, or saving the model would exceed it.
    #[error(
        "the header has {found} bytes, the limit is {MAX_HEADER_BYTES}; it is damaged, or the model has too many layers: save \
         its halves or parts by themselves"
    )]
    HeaderTooLarge {
        /// The length of the header.
        found: u64,
    },
    /// The file is damaged: a bit has changed, or bytes are missing.
    #[error(
        "the file is damaged or its end is missing: its checksum is {found:08x}, its header says {expected:08x}; {AGAIN}"
    )]
    Checksum {
        /// The checksum in the header.
        expected: u32,
        /// The checksum of the file.
        found: u32,
    },

    /// The header is not valid JSON, or not of the accepted form.
    #[error("byte {offset} of the {part}: {problem}; {AS_SAVED}")]
    Json {
        /// "file", or "description" for the JSON in the header's metadata, whose offsets count from
        /// its own start.
        part: &'static str,
        /// Where the problem was found.
        offset: usize,
        /// The problem.
        problem: String,
    },
    /// The description of the model lacks an entry, or an entry is wrong.
    #[error("the description of the model: {0}, or {AS_SAVED}")]
    Description(ConfigError),
    /// The header is valid, but not written as this crate writes it (spaces, order of names,
    /// spelling of a number).
    #[error("byte {offset} of the file is not what this crate would write there; {AS_SAVED}")]
    NotCanonical {
        /// The first byte that differs.
        offset: usize,
    },
    /// The file holds the other kind of model.
    #[error("the file holds {}, not {}; load it with `{}::load`", article(found), article(expected), capital(found))]
    Model {
        /// What was asked for.
        expected: &'static str,
        /// What the file holds.
        found: &'static str,
    },
    /// The file is a checkpoint instead of a model.
    #[error(
        "the file is a checkpoint of a training, not a model: `Trainer::resume` goes on from it; the best model so \
         far stands beside it, in `best.safetensors`"
    )]
    IsCheckpoint,
    /// The file is a model, or an incomplete checkpoint, instead of a checkpoint.
    #[error("the file is no checkpoint, or one that lacks something; remove it from the folder, or {ANEW}")]
    IsNoCheckpoint,
    /// The checkpoint was written by a version of the crate whose checkpoints hold something else.
    #[error(
        "the checkpoint was written by another version of the crate{}; end that training with the version that \
         began it, or {ANEW}",
        written_by(writer.as_deref())
    )]
    CheckpointFormat {
        /// The version that wrote it, if it says so.
        writer: Option<String>,
    },
    /// A checkpoint belongs to another model.
    #[error(
        "the checkpoint is of another model: {setting} is {checkpoint} in the checkpoint, {here} here; build the \
         model as it was then, or {ANEW}"
    )]
    OtherModel {
        /// What differs.
        setting: String,
        /// Its value in the checkpoint.
        checkpoint: String,
        /// Its value in the model.
        here: String,
    },
    /// A checkpoint belongs to a training run with other options.
    #[error(
        "the checkpoint is of a training with other options: `{setting}` is {checkpoint} in the checkpoint, {here} \
         here; set it as it was then, or {ANEW}"
    )]
    OtherOptions {
        /// The option that differs.
        setting: String,
        /// Its value in the checkpoint.
        checkpoint: String,
        /// Its value in the trainer.
        here: String,
    },
    /// The schedule depends on the number of epochs, and a checkpoint was written with another
    /// number.
    #[error(
        "the learning rates of the schedule `{schedule}` depend on the number of epochs, which is {checkpoint} in \
         the checkpoint, {here} here; set `epochs({checkpoint})`, or {ANEW}; where the number is to change later, \
         use a schedule with a length of its own (`Cosine::over`, `Schedule::depends_on_total`)"
    )]
    OtherEpochs {
        /// The schedule.
        schedule: String,
        /// The epochs in the checkpoint.
        checkpoint: String,
        /// The epochs in the trainer.
        here: String,
    },
    /// A checkpoint belongs to data with another number of samples.
    #[error(
        "the checkpoint is of other data: the number of {what} is {checkpoint} in the checkpoint, {here} here; \
         resume with the data, and the share for validation, of that time; to train on these data, {ANEW}, \
         {OR_LOAD}"
    )]
    OtherNumber {
        /// `training samples` or `validation samples`.
        what: &'static str,
        /// How many there were.
        checkpoint: String,
        /// How many there are.
        here: String,
    },
    /// A checkpoint belongs to other data.
    #[error(
        "the checkpoint is of other data: the {part} are not those that it was written with; resume with the data \
         of that time; to train on these data, {ANEW}, {OR_LOAD}"
    )]
    OtherData {
        /// `training inputs`, `validation targets` and so on.
        part: &'static str,
    },
    /// The scaler of a checkpoint was fitted to other data than the model's.
    #[error(
        "the checkpoint is of other data: the model's {scaler} scaler has other numbers than that in the \
         checkpoint; fit it to the data of that time; to train on these data, {ANEW}, {OR_LOAD}"
    )]
    OtherScaler {
        /// `input` or `output`.
        scaler: &'static str,
    },
    /// A checkpoint cannot hold an option of a training run, or the state of a callback.
    #[error(
        "a number in the `{setting}` of the training is NaN or infinite, which a checkpoint cannot hold; keep it as \
         a text, or leave it out"
    )]
    TrainingSetting {
        /// `setup` for an option, `callbacks` for what [`Callback::state`](crate::Callback::state)
        /// returned.
        setting: String,
    },
    /// The file's numbers are of the other float type.
    #[error("the file holds {found} numbers, the model asked for computes in {expected}; `load_as` converts them")]
    Float {
        /// The requested float type: `F32` or `F64`.
        expected: &'static str,
        /// The file's.
        found: &'static str,
    },

    /// A layer of a kind that is not registered.
    #[error(
        "layer `{layer}` is of the kind `{kind}`, which is not known; load with `load_with` and a registry that \
         knows it: `Registry::default().register(\"{kind}\", |config| ...)`"
    )]
    UnknownKind {
        /// The layer.
        layer: String,
        /// Its kind.
        kind: String,
    },
    /// A layer cannot be built from its configuration.
    #[error("layer `{layer}` ({kind}): {error}")]
    Layer {
        /// The layer.
        layer: String,
        /// Its kind.
        kind: String,
        /// What is wrong with the configuration.
        error: ConfigError,
    },
    /// A constructor returned a layer of another kind than the one it is registered for.
    #[error(
        "layer `{layer}`: the constructor registered for `{kind}` gave a layer of the kind `{found}`; register it for what \
         its `Layer::kind` returns"
    )]
    Kind {
        /// The layer.
        layer: String,
        /// The kind in the file.
        kind: String,
        /// The layer's own.
        found: &'static str,
    },
    /// Two layers have the same name, or a layer of an autoencoder is not named `encoder.0`, …,
    /// `decoder.0`, ….
    #[error(
        "layer {index} is called `{name}`, which is not its name in such a model or is an earlier layer's; {AS_SAVED}"
    )]
    LayerName {
        /// The layer's position.
        index: usize,
        /// Its name.
        name: String,
    },
    /// The layers do not form a valid model.
    #[error("{0}")]
    Build(BuildError),
    /// The layers' output has another number of elements than the file says.
    #[error("the layers give {expected}, the file says that the output is {found}; {AS_SAVED}")]
    Output {
        /// The output of the last layer.
        expected: Shape,
        /// What the file says.
        found: Shape,
    },
    /// A parameter listed as frozen does not exist, or is out of order.
    #[error("`{name}` is said to be frozen, but is not a parameter in its order; {AS_SAVED}")]
    Frozen {
        /// The name.
        name: String,
    },
    /// A layer's setting is NaN or infinite, which a file cannot represent.
    #[error(
        "the setting `{setting}` of layer `{layer}` is not finite, which a file cannot represent; give it a finite value"
    )]
    Setting {
        /// The layer.
        layer: String,
        /// The setting.
        setting: String,
    },

    /// A tensor of the model is not in the file.
    #[error("the tensor `{name}` is missing; {AS_SAVED}")]
    MissingTensor {
        /// Its name.
        name: String,
    },
    /// The file has a tensor that the model does not have.
    #[error("the model has no tensor `{name}`; {AS_SAVED}")]
    UnknownTensor {
        /// Its name.
        name: String,
    },
    /// Two tensors of the model have the same name.
    #[error("two tensors are called `{name}`; give the parameters and states of a layer different names")]
    DuplicateTensor {
        /// Their name.
        name: String,
    },
    /// The tensors are not in the model's order.
    #[error("the tensor `{found}` stands where `{expected}` should; {AS_SAVED}")]
    TensorOrder {
        /// The tensor that should be there.
        expected: String,
        /// The one that is.
        found: String,
    },
    /// The header's entry for a tensor is not what the model needs.
    #[error("the tensor `{name}`: `{entry}` is {found}, the model needs {expected}; {AS_SAVED}")]
    Tensor {
        /// Its name.
        name: String,
        /// `dtype`, `shape` or `data_offsets`.
        entry: &'static str,
        /// What the model needs.
        expected: String,
        /// What the file says.
        found: String,
    },
    /// The data after the header are longer or shorter than the tensors.
    #[error("the tensors have {expected} bytes, {found} follow the header; {AGAIN}")]
    DataLength {
        /// Bytes of the tensors.
        expected: u64,
        /// Bytes after the header.
        found: u64,
    },
    /// A number is NaN or infinite, or becomes so in the requested float type.
    #[error(
        "element {element} of `{name}` is not a finite {float}; take the numbers as they were before, or the wider float type"
    )]
    NotFinite {
        /// The tensor.
        name: String,
        /// The element.
        element: usize,
        /// The requested float type.
        float: &'static str,
    },
    /// A scaler divides by zero or by a subnormal number.
    #[error(
        "element {element} of `{name}` cannot be divided by, since it is 0 or subnormal; write 1 for a feature that does not \
         vary"
    )]
    Scale {
        /// The tensor.
        name: String,
        /// The element.
        element: usize,
    },
}

impl From<BuildError> for ModelFileErrorKind {
    fn from(error: BuildError) -> Self {
        Self::Build(error)
    }
}

impl ModelFileErrorKind {
    /// Whether the file is damaged, so that an older one should be tried.
    pub(crate) fn is_damage(&self) -> bool {
        matches!(
            self,
            Self::Foreign { .. }
                | Self::Truncated { .. }
                | Self::Checksum { .. }
                | Self::HeaderTooLarge { .. }
                | Self::Json { .. }
        )
    }
}

/// The version that wrote a checkpoint, in brackets.
fn written_by(writer: Option<&str>) -> String {
    writer.map(|writer| format!(" ({writer})")).unwrap_or_default()
}

fn article(model: &str) -> String {
    let article = if model.starts_with('a') { "an" } else { "a" };
    format!("{article} {model}")
}

fn capital(model: &str) -> &'static str {
    if model == "autoencoder" { "Autoencoder" } else { "Network" }
}
