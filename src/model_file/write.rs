//! Writes a model as bytes.

use std::io::{self, Write};

use super::checkpoint_data::{CheckpointData, NamedTensor};
use super::container::{self, Unsealed};
use super::description::{Description, ModelKind};
use super::entries::Entries;
use super::float::Float;
use super::tensor;
use super::{ModelFileErrorKind, json};
use crate::Scalar;
use crate::graph::{Network, Parameter};
use crate::kernel::reduce;

/// Numbers converted into bytes at a time.
const CHUNK: usize = 1 << 13;

/// A model that was checked and is ready to be written.
#[derive(Debug)]
pub(super) struct Writer<'a, T: Scalar> {
    network: &'a Network<T>,
    model: ModelKind,
    checkpoint_data: Option<&'a CheckpointData<'a, T>>,
    /// The header, after its length.
    head: Vec<u8>,
}

impl<'a, T: Scalar> Writer<'a, T> {
    /// Checks that the file to be written can be read.
    pub fn new(
        network: &'a Network<T>,
        model: ModelKind,
        checkpoint_data: Option<&'a CheckpointData<'a, T>>,
    ) -> Result<Self, ModelFileErrorKind> {
        for tensor in numbers(network) {
            if let Some(element) = reduce::first_not_finite(tensor.values) {
                return Err(ModelFileErrorKind::NotFinite { name: tensor.name.to_owned(), element, float: T::NAME });
            }
        }
        let training = checkpoint_data.map(|data| data.config.clone());
        let description = Description { training, ..Description::of(network, model)? };
        let entries = checkpoint_data.map_or(Entries::default(), CheckpointData::entries);
        let tensors = tensor::table(&description, network.definition(), entries)?;
        let header = tensor::header(&description, 0, &tensors)?;
        let unsealed = Unsealed::new(&header)?;
        let again = json::read(&header).map_err(|error| container::wrong(error.offset, error.problem))?;
        Description::read(&again)?;
        let mut hasher = unsealed.hasher();
        let mut writer = Self { network, model, checkpoint_data, head: Vec::new() };
        let summed = writer.each_chunk(|bytes| {
            hasher.update(bytes);
            Ok(())
        });
        summed.map_err(ModelFileErrorKind::Write)?;
        writer.head = unsealed.seal(hasher.finalize());
        Ok(writer)
    }

    /// Writes the whole file.
    pub fn write(&self, mut to: impl Write) -> io::Result<()> {
        to.write_all(&self.head)?;
        self.each_chunk(|bytes| to.write_all(bytes))?;
        to.flush()
    }

    /// Visits the tensors' bytes in the order of the file.
    fn each_chunk(&self, mut visit: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(CHUNK * size_of::<f64>());
        let output = self.network.output_scaler().filter(|_| self.model == ModelKind::Network);
        for scaler in [self.network.input_scaler(), output].into_iter().flatten() {
            chunks(scaler.shift(), &mut bytes, &mut visit)?;
            chunks(scaler.scale(), &mut bytes, &mut visit)?;
        }
        let (f64_tensors, tensors): (&[NamedTensor<'_, f64>], &[NamedTensor<'_, T>]) =
            self.checkpoint_data.map_or((&[], &[]), |data| (&data.f64_tensors, &data.tensors));
        f64_tensors.iter().try_for_each(|tensor| chunks(&tensor.values, &mut bytes, &mut visit))?;
        numbers(self.network).try_for_each(|tensor| chunks(tensor.values, &mut bytes, &mut visit))?;
        tensors.iter().try_for_each(|tensor| chunks(&tensor.values, &mut bytes, &mut visit))
    }
}

fn chunks<T: Scalar>(
    values: &[T],
    bytes: &mut Vec<u8>,
    visit: &mut impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    values.chunks(CHUNK).try_for_each(|chunk| {
        bytes.clear();
        Float::of::<T>().append(chunk, bytes);
        visit(bytes)
    })
}

/// The parameters, then the state.
fn numbers<T: Scalar>(network: &Network<T>) -> impl Iterator<Item = Parameter<'_, T>> {
    network.parameters().chain(network.state())
}
