//! [`CheckpointData`]: the contents of a checkpoint besides the model.

use std::borrow::Cow;

use super::entries::{Entries, Entry, PREFIX};
use super::float::Float;
use super::tensor::{Part, Tensor};
use crate::{Config, Scalar, Shape};

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
