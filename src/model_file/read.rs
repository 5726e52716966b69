//! Bytes into a model. Everything the header says is checked against what the layers themselves ask for before memory for numbers is taken.

use std::sync::Arc;

use super::description::{Description, Model};
use super::frame::{self, Frame};
use super::tensor::{self, Float, SCALERS, Tensor};
use super::{ModelFileErrorKind, Registry, json};
use crate::data::Scaler;
use crate::kernel::reduce;
use crate::network::{Network, Sharing, Structure};
use crate::{Scalar, Shape};

/// How many numbers are read before they are checked, so that they are still in the cache.
const CHUNK: usize = 1 << 12;

/// Whether numbers of the other float type are converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conversion {
    Refused,
    Allowed,
}

/// The network in `bytes`, and which kind of model it is the whole of; it is of the kind called `wanted`.
pub(super) fn model<T: Scalar>(
    bytes: &[u8],
    wanted: &'static str,
    registry: &Registry<T>,
    conversion: Conversion,
) -> Result<(Network<T>, Model), ModelFileErrorKind> {
    let frame = Frame::open(bytes)?;
    let header = json::read(frame.header).map_err(|error| frame::wrong(error.offset, error.problem))?;
    let description = Description::read(&header)?;
    suits::<T>(&description, wanted, conversion)?;
    let structure = Arc::new(structure(&description, registry)?);
    let tensors = tensor::table(&description, &structure);
    tensor::compare(&header, &tensors)?;
    unless_canonical(&frame, &description, &tensors)?;
    let (expected, found) = (tensors.last().map_or(0, |last| last.bytes.end), frame.data.len() as u64);
    if expected != found {
        return Err(ModelFileErrorKind::DataLength { expected, found });
    }
    let mut network = fill(&description, structure, &tensors, frame.data)?;
    network.set_crate_version(&description.crate_version);
    Ok((network, description.model))
}

/// Whether it is the model that was asked for.
fn suits<T: Scalar>(
    description: &Description,
    wanted: &'static str,
    conversion: Conversion,
) -> Result<(), ModelFileErrorKind> {
    let found = description.model.name();
    if found != wanted {
        return Err(ModelFileErrorKind::Model { expected: wanted, found });
    }
    if description.float != Float::of::<T>() && conversion == Conversion::Refused {
        return Err(ModelFileErrorKind::Float { expected: T::NAME, found: description.float.name() });
    }
    Ok(())
}

/// The layers, built and planned.
fn structure<T: Scalar>(description: &Description, registry: &Registry<T>) -> Result<Structure<T>, ModelFileErrorKind> {
    let mut layers = Vec::with_capacity(description.layers.len());
    for layer in &description.layers {
        let (name, kind) = (layer.name.clone(), layer.kind.clone());
        let built = match registry.build(&kind, &layer.config) {
            Some(Ok(built)) => built,
            Some(Err(error)) => return Err(ModelFileErrorKind::Layer { layer: name, kind, error }),
            None => return Err(ModelFileErrorKind::UnknownKind { layer: name, kind }),
        };
        if built.kind() != kind {
            return Err(ModelFileErrorKind::Kind { layer: name, kind, found: built.kind() });
        }
        layers.push((name, built));
    }
    let mut structure = Structure::new(description.input, layers, Sharing::Detached)?;
    structure.output_shape = renamed(&structure, description.output)?;
    Ok(structure)
}

/// The shape that the last output is given, where it is not its own.
fn renamed<T: Scalar>(structure: &Structure<T>, output: Shape) -> Result<Option<Shape>, ModelFileErrorKind> {
    let own = structure.output();
    match (own == output, own.elements() == output.elements()) {
        (true, _) => Ok(None),
        (false, true) => Ok(Some(output)),
        (false, false) => Err(ModelFileErrorKind::Output { expected: own, found: output }),
    }
}

/// `Ok` if the header is, to the byte, the one that would be written.
fn unless_canonical(
    frame: &Frame<'_>,
    description: &Description,
    tensors: &[Tensor],
) -> Result<(), ModelFileErrorKind> {
    let written = tensor::header(description, frame.checksum, tensors)?;
    if written == frame.header {
        return Ok(());
    }
    let same = written.bytes().zip(frame.header.bytes()).take_while(|(written, found)| written == found).count();
    Err(ModelFileErrorKind::NotCanonical { offset: frame::LENGTH_BYTES + same })
}

/// The network with its numbers. `data` is as long as `tensors` say.
fn fill<T: Scalar>(
    description: &Description,
    structure: Arc<Structure<T>>,
    tensors: &[Tensor],
    data: &[u8],
) -> Result<Network<T>, ModelFileErrorKind> {
    let frozen = description.frozen_in(&structure)?;
    let [input, output] = scalers(description, tensors, data)?;
    let output = if description.model == Model::Network { output } else { input.clone() };
    let numbers: Vec<&Tensor> =
        tensors.iter().filter(|tensor| !SCALERS.as_flattened().contains(&&*tensor.name)).collect();
    let (parameters, state) = numbers.split_at_checked(structure.table.len()).unwrap_or((&[], &[]));
    let entries = Arc::clone(&structure);
    Network::restore(structure, description.seed, frozen, [input, output], |all_parameters, all_state| {
        let of_parameters = parameters.iter().zip(&entries.table);
        of_parameters.into_iter().try_for_each(|(tensor, entry)| {
            numbers_of(tensor, data, all_parameters.get_mut(entry.range.clone()).unwrap_or_default())
        })?;
        state.iter().zip(&entries.states).try_for_each(|(tensor, entry)| {
            numbers_of(tensor, data, all_state.get_mut(entry.range.clone()).unwrap_or_default())
        })
    })
}

/// The scaler of the input and that of the output.
fn scalers(
    description: &Description,
    tensors: &[Tensor],
    data: &[u8],
) -> Result<[Option<Arc<Scaler>>; 2], ModelFileErrorKind> {
    let mut pairs = tensors.chunks_exact(2);
    let mut next = |there: bool| match there.then(|| pairs.next()).flatten() {
        Some([shift, scale]) => scaler(shift, scale, data).map(|scaler| Some(Arc::new(scaler))),
        _ => Ok(None),
    };
    let [input, output] = description.scalers;
    Ok([next(input)?, next(output)?])
}

fn scaler(shift: &Tensor, scale: &Tensor, data: &[u8]) -> Result<Scaler, ModelFileErrorKind> {
    let read = |tensor: &Tensor| -> Result<Vec<f64>, ModelFileErrorKind> {
        let mut values = vec![0.0; tensor.shape.iter().product()];
        numbers_of(tensor, data, &mut values)?;
        Ok(values)
    };
    let (shifts, scales) = (read(shift)?, read(scale)?);
    let unusable = scales.iter().position(|scale| !scale.is_normal());
    let wrong = || ModelFileErrorKind::Scale { name: scale.name.clone(), element: unusable.unwrap_or(0) };
    Scaler::new(shifts, scales).map_err(|_| wrong())
}

/// The numbers of a tensor, all of them finite.
fn numbers_of<T: Scalar>(tensor: &Tensor, data: &[u8], values: &mut [T]) -> Result<(), ModelFileErrorKind> {
    let place = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX);
    let bytes = data.get(place(tensor.bytes.start)..place(tensor.bytes.end)).unwrap_or_default();
    let bytes = bytes.chunks(place(tensor.float.bytes(CHUNK)));
    for (index, (values, bytes)) in values.chunks_mut(CHUNK).zip(bytes).enumerate() {
        tensor.float.read(bytes, values);
        if let Some(element) = reduce::first_not_finite(values) {
            let element = index * CHUNK + element;
            return Err(ModelFileErrorKind::NotFinite { name: tensor.name.clone(), element, float: T::NAME });
        }
    }
    Ok(())
}
