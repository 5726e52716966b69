//! [`CheckpointData`]: the contents of a checkpoint besides the model.

use std::borrow::Cow;

use super::ModelFileErrorKind;
use super::tensor::{self, Float, Part, SCALERS, Tensor};
use crate::{Config, Scalar, Shape, Value};

/// Prefix of the names of a supplement's tensors; no layer has such a name.
pub(super) const PREFIX: &str = "training.";

/// The contents of a checkpoint besides the model: settings under the key `training` of the
/// description, and tensors. The 64-bit tensors come before the model's parameters, so that every
/// tensor is aligned to its numbers' size.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct CheckpointData<'a, T: Scalar> {
    pub config: Config,
    /// Of 64 bits whatever the model's float type, and not necessarily finite.
    pub wide: Vec<Numbers<'a, f64>>,
    /// Of the model's float type, and not necessarily finite.
    pub own: Vec<Numbers<'a, T>>,
}

/// A tensor of a supplement.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Numbers<'a, T: Scalar> {
    /// The tensor's name after `training.`.
    pub name: Cow<'a, str>,
    pub shape: Shape,
    pub values: Cow<'a, [T]>,
}

impl<'a, T: Scalar> Numbers<'a, T> {
    /// A tensor of `values`, whose number must fit the shape.
    pub fn new(name: impl Into<Cow<'a, str>>, shape: Shape, values: impl Into<Cow<'a, [T]>>) -> Self {
        Self { name: name.into(), shape, values: values.into() }
    }

    fn entry(&self) -> Entry {
        Entry { name: format!("{PREFIX}{}", self.name), float: Float::of::<T>(), shape: self.shape }
    }
}

impl<T: Scalar> CheckpointData<'_, T> {
    /// The 64-bit numbers named `name`, if they have this shape.
    pub fn wide(&self, name: &str, shape: Shape) -> Option<&[f64]> {
        find(&self.wide, name, shape)
    }

    /// The `count` numbers of the model's float type named `name`, if there are as many.
    pub fn own(&self, name: &str, count: usize) -> Option<&[T]> {
        find(&self.own, name, Shape::flat(count))
    }

    pub(super) fn entries(&self) -> Entries {
        let front = self.wide.iter().map(Numbers::entry).collect();
        Entries { front, back: self.own.iter().map(Numbers::entry).collect() }
    }
}

fn find<'a, T: Scalar>(tensors: &'a [Numbers<'_, T>], name: &str, shape: Shape) -> Option<&'a [T]> {
    tensors.iter().find(|tensor| tensor.name == name && tensor.shape == shape).map(|tensor| &*tensor.values)
}

/// The entries of a file's table besides the model's tensors.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Entries {
    /// Before the model's parameters.
    pub front: Vec<Entry>,
    /// After its state.
    pub back: Vec<Entry>,
}

/// A tensor without its offsets.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub name: String,
    pub float: Float,
    pub shape: Shape,
}

impl Entries {
    /// Reads the entries from a header's table, including types and shapes, which nothing else
    /// determines.
    pub fn read(header: &Config) -> Result<Self, ModelFileErrorKind> {
        let mut entries = Self::default();
        let mut model_has_begun = false;
        for (name, value) in header.entries() {
            if name.starts_with(PREFIX) {
                let entry = Entry::read(name, value)?;
                if model_has_begun { entries.back.push(entry) } else { entries.front.push(entry) }
            } else {
                model_has_begun |= name != "__metadata__" && !SCALERS.as_flattened().contains(&name);
            }
        }
        Ok(entries)
    }
}

impl Entry {
    fn read(name: &str, value: &Value) -> Result<Self, ModelFileErrorKind> {
        let wrong = |entry, expected: &str| ModelFileErrorKind::Tensor {
            name: name.to_owned(),
            entry,
            expected: expected.to_owned(),
            found: tensor::spelled(value),
        };
        let Value::Config(config) = value else { return Err(wrong("dtype", "an entry")) };
        let float = config.text("dtype").ok().and_then(Float::named).ok_or_else(|| wrong("dtype", "F32 or F64"))?;
        let sizes = config.list("shape").ok().and_then(|sizes| sizes.iter().map(Value::as_integer).collect());
        let shape = sizes.and_then(|sizes: Vec<usize>| Shape::new(&sizes).ok()?.checked().ok());
        Ok(Self { name: name.to_owned(), float, shape: shape.ok_or_else(|| wrong("shape", "up to four sizes"))? })
    }
}

/// Reads the supplement's tensors of a file with their numbers.
pub(super) fn read<T: Scalar>(config: Config, tensors: &[Tensor], data: &[u8]) -> Option<CheckpointData<'static, T>> {
    let mut supplement = CheckpointData { config, wide: Vec::new(), own: Vec::new() };
    for tensor in tensors {
        let Some(name) = tensor.name.strip_prefix(PREFIX) else { continue };
        let (name, shape) = (name.to_owned(), Shape::new(&tensor.shape).ok()?);
        match tensor.part {
            Part::Wide => supplement.wide.push(Numbers::new(name, shape, numbers(tensor, data)?)),
            Part::Own => supplement.own.push(Numbers::new(name, shape, numbers(tensor, data)?)),
            Part::Scaler | Part::Model => {}
        }
    }
    Some(supplement)
}

/// The numbers of a tensor, if they are of type `T` and the memory can be allocated.
fn numbers<T: Scalar>(tensor: &Tensor, data: &[u8]) -> Option<Vec<T>> {
    let bytes = tensor.bytes_in(data);
    let count = tensor.shape.iter().product();
    let mut values = Vec::new();
    (tensor.float == Float::of::<T>()).then(|| values.try_reserve_exact(count).ok())??;
    values.resize(count, T::zero());
    tensor.float.read(bytes, &mut values);
    Some(values)
}
