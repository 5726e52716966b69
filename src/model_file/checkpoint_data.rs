//! [`CheckpointData`]: the contents of a checkpoint besides the model.

use std::borrow::Cow;

use super::entries::{Entries, Entry, PREFIX};
use super::float::Float;
use super::tensor::{Tensor, TensorGroup};
use crate::{Config, Scalar, Shape};

/// The contents of a checkpoint besides the model: settings under the key `training` of the
/// description, and tensors. The 64-bit tensors come before the model's parameters, so that every
/// tensor is aligned to its numbers' size.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct CheckpointData<'a, T: Scalar> {
    pub config: Config,
    /// Of 64 bits whatever the model's float type, and not necessarily finite.
    pub f64_tensors: Vec<NamedTensor<'a, f64>>,
    /// Of the model's float type, and not necessarily finite.
    pub tensors: Vec<NamedTensor<'a, T>>,
}

/// A tensor of a checkpoint besides the model's.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NamedTensor<'a, T: Scalar> {
    /// The tensor's name after `training.`.
    pub name: Cow<'a, str>,
    pub shape: Shape,
    pub values: Cow<'a, [T]>,
}

impl<'a, T: Scalar> NamedTensor<'a, T> {
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
    pub fn f64_tensor(&self, name: &str, shape: Shape) -> Option<&[f64]> {
        find(&self.f64_tensors, name, shape)
    }

    /// The `count` numbers of the model's float type named `name`, if there are as many.
    pub fn tensor(&self, name: &str, count: usize) -> Option<&[T]> {
        find(&self.tensors, name, Shape::flat(count))
    }

    pub(super) fn entries(&self) -> Entries {
        let front = self.f64_tensors.iter().map(NamedTensor::entry).collect();
        Entries { front, back: self.tensors.iter().map(NamedTensor::entry).collect() }
    }
}

fn find<'a, T: Scalar>(tensors: &'a [NamedTensor<'_, T>], name: &str, shape: Shape) -> Option<&'a [T]> {
    tensors.iter().find(|tensor| tensor.name == name && tensor.shape == shape).map(|tensor| &*tensor.values)
}

/// Reads a checkpoint's data from a file's tensors.
pub(super) fn read<T: Scalar>(config: Config, tensors: &[Tensor], data: &[u8]) -> Option<CheckpointData<'static, T>> {
    let mut checkpoint_data = CheckpointData { config, f64_tensors: Vec::new(), tensors: Vec::new() };
    for tensor in tensors {
        let Some(name) = tensor.name.strip_prefix(PREFIX) else { continue };
        let (name, shape) = (name.to_owned(), Shape::new(&tensor.shape).ok()?);
        match tensor.group {
            TensorGroup::CheckpointF64 => {
                checkpoint_data.f64_tensors.push(NamedTensor::new(name, shape, numbers(tensor, data)?))
            }
            TensorGroup::Checkpoint => {
                checkpoint_data.tensors.push(NamedTensor::new(name, shape, numbers(tensor, data)?))
            }
            TensorGroup::Scaler | TensorGroup::Model => {}
        }
    }
    Some(checkpoint_data)
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
