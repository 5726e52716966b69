//! [`Tensor`]: an entry of the header's table, and conversion between numbers and bytes.

use std::ops::Range;

use super::ModelFileErrorKind;
use super::description::Description;
use super::entries::{Entries, Entry, SCALERS};
use super::float::Float;
use super::json::spelled;
use crate::graph::Definition;
use crate::{Config, Scalar, Value, invariant};

/// A tensor and its range in the bytes after the header.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tensor {
    pub group: TensorGroup,
    pub name: String,
    pub float: Float,
    pub shape: Vec<usize>,
    pub bytes: Range<u64>,
}

/// What a tensor belongs to, in the order of the file: 64-bit numbers first, so that all are
/// aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TensorGroup {
    Scaler,
    /// Of a checkpoint's data, of 64 bits.
    CheckpointF64,
    Model,
    /// Of a checkpoint's data, of the model's float type.
    Checkpoint,
}

/// The tensors of a model and of a checkpoint's data, in the order of the file.
pub(super) fn table<T: Scalar>(
    description: &Description,
    definition: &Definition<T>,
    entries: Entries,
) -> Result<Vec<Tensor>, ModelFileErrorKind> {
    let features = [description.input.elements(), description.output.elements()];
    let scalers = SCALERS.iter().zip(features).zip(description.scalers).filter(|(_, there)| *there);
    let scalers = scalers.flat_map(|((names, features), _)| {
        names.map(|name| (TensorGroup::Scaler, name.to_owned(), Float::F64, vec![features]))
    });
    let numbers = definition.table.iter().chain(&definition.states);
    let numbers = numbers.map(|entry| (TensorGroup::Model, entry.name.clone(), description.float, entry.shape.clone()));
    let beside =
        |group: TensorGroup| move |entry: Entry| (group, entry.name, entry.float, entry.shape.dimensions().to_vec());
    let front = entries.front.into_iter().map(beside(TensorGroup::CheckpointF64));
    let back = entries.back.into_iter().map(beside(TensorGroup::Checkpoint));
    let mut end = 0_u64;
    let placed = scalers.chain(front).chain(numbers).chain(back).map(|(group, name, float, shape)| {
        let start = end;
        end = end.checked_add(float.bytes(shape.iter().product())).ok_or_else(|| too_long(&name))?; // each product is checked
        Ok(Tensor { group, name, float, shape, bytes: start..end })
    });
    placed.collect()
}

/// The header of a file with these contents.
pub(super) fn header(
    description: &Description,
    checksum: u32,
    tensors: &[Tensor],
) -> Result<String, ModelFileErrorKind> {
    let metadata = Config::new().with("autoencoder", description.text(checksum).as_str());
    let mut entries = vec![("__metadata__".to_owned(), Value::Config(metadata))];
    entries.extend(tensors.iter().map(|tensor| (tensor.name.clone(), tensor.entry())));
    let config = Config::from_entries(entries).ok_or_else(|| duplicate(tensors))?;
    let mut text = super::json::write(&config);
    let aligned = text.len().next_multiple_of(size_of::<f64>()); // so that numbers are aligned if the file is memory-mapped
    text.extend(std::iter::repeat_n(' ', aligned - text.len()));
    Ok(text)
}

/// `Ok` if the table of `header` lists exactly `tensors`.
pub(super) fn compare(header: &Config, tensors: &[Tensor]) -> Result<(), ModelFileErrorKind> {
    let found = |name: &str| header.find(name).is_some();
    let mut entries = header.entries().filter(|(name, _)| *name != "__metadata__");
    for tensor in tensors {
        match entries.next() {
            Some((name, entry)) if name == tensor.name => tensor.compare(entry)?,
            _ if !found(&tensor.name) => return Err(ModelFileErrorKind::MissingTensor { name: tensor.name.clone() }),
            Some((name, _)) if tensors.iter().all(|tensor| tensor.name != name) => return Err(unknown(name)),
            other => {
                let found = other.map_or(String::new(), |(name, _)| name.to_owned());
                return Err(ModelFileErrorKind::TensorOrder { expected: tensor.name.clone(), found });
            }
        }
    }
    entries.next().map_or(Ok(()), |(name, _)| Err(unknown(name)))
}

impl Tensor {
    /// The tensor's bytes in the data after the header.
    pub fn bytes_in<'a>(&self, data: &'a [u8]) -> &'a [u8] {
        let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
        invariant::slice(data, &(place(self.bytes.start)..place(self.bytes.end)), "bytes", &self.name)
    }

    /// The tensor's entry in the header.
    fn entry(&self) -> Value {
        let offsets = [self.bytes.start, self.bytes.end].map(Value::from);
        let entry = Config::new().with("dtype", self.float.name()).with("shape", self.shape.as_slice());
        entry.with("data_offsets", Value::List(offsets.to_vec())).into()
    }

    fn compare(&self, found: &Value) -> Result<(), ModelFileErrorKind> {
        let (expected, found) = match (self.entry(), found) {
            (Value::Config(expected), Value::Config(found)) => (expected, found),
            _ => return Err(self.wrong("dtype", "", "not there")),
        };
        for (entry, expected) in ["dtype", "shape", "data_offsets"].into_iter().zip(expected.entries()) {
            match found.find(entry) {
                Some(found) if found == expected.1 => {}
                Some(found) => return Err(self.wrong(entry, &spelled(expected.1), &spelled(found))),
                None => return Err(self.wrong(entry, &spelled(expected.1), "not there")),
            }
        }
        Ok(())
    }

    fn wrong(&self, entry: &'static str, expected: &str, found: &str) -> ModelFileErrorKind {
        let (expected, found) = (expected.to_owned(), found.to_owned());
        ModelFileErrorKind::Tensor { name: self.name.clone(), entry, expected, found }
    }
}

fn too_long(name: &str) -> ModelFileErrorKind {
    let (expected, found) = ("offsets below 2^64".to_owned(), "more".to_owned());
    ModelFileErrorKind::Tensor { name: name.to_owned(), entry: "data_offsets", expected, found }
}

fn unknown(name: &str) -> ModelFileErrorKind {
    ModelFileErrorKind::UnknownTensor { name: name.to_owned() }
}

fn duplicate(tensors: &[Tensor]) -> ModelFileErrorKind {
    let mut names: Vec<&str> = tensors.iter().map(|tensor| tensor.name.as_str()).collect();
    names.sort_unstable();
    let twice = names.windows(2).find(|pair| matches!(pair, [one, other] if one == other));
    let name = twice.and_then(|pair| pair.first()).map_or(String::new(), |name| (*name).to_owned());
    ModelFileErrorKind::DuplicateTensor { name }
}
