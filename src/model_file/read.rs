//! Reads a model from bytes. The whole header is checked against what its layers need before memory
//! for numbers is allocated.

use std::sync::Arc;

use super::container::{self, Container};
use super::description::{Description, ModelKind};
use super::entries::Entries;
use super::float::Float;
use super::tensor::{self, Tensor, TensorGroup};
use super::{ModelFileErrorKind, Registry, json};
use crate::data::Scaler;
use crate::graph::{Definition, Graph, NamedLayer, Network, NodeInput, TiedWeights};
use crate::kernel::reduce;
use crate::{Config, ConfigError, Scalar, Shape, invariant};

/// Numbers read at a time before they are checked, few enough to still be in the cache.
const CHUNK: usize = 1 << 12;

/// Whether numbers of the other float type are converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Conversion {
    Refused,
    Allowed,
}

/// The network in `bytes` and the kind of its model, which must be the one named `wanted`.
#[inline(never)] // see `compiled.rs`
pub(super) fn model<T: Scalar>(
    bytes: &[u8],
    wanted: &'static str,
    registry: &Registry<T>,
    conversion: Conversion,
) -> Result<(Network<T>, ModelKind), ModelFileErrorKind> {
    let container = Container::open(bytes)?;
    let header = json::read(container.header).map_err(|error| container::wrong(error.offset, error.problem))?;
    let description = Description::read(&header)?;
    suits::<T>(&description, wanted, conversion)?;
    let definition = definition(&description, registry)?;
    let tensors = table(&container, &header, &description, &definition)?;
    let graph = Arc::new(Graph::of(definition)?);
    let mut network = fill(&description, graph, &tensors, container.data)?;
    network.set_crate_version(&description.crate_version);
    Ok((network, description.model))
}

/// The tensors of a file, after checking that its header is what `definition` requires and that all
/// their bytes exist.
pub(super) fn table<T: Scalar>(
    container: &Container<'_>,
    header: &Config,
    description: &Description,
    definition: &Definition<T>,
) -> Result<Vec<Tensor>, ModelFileErrorKind> {
    let beside = description.training.as_ref().map(|_| Entries::read(header)).transpose()?;
    let tensors = tensor::table(description, definition, beside.unwrap_or_default())?;
    tensor::compare(header, &tensors)?;
    require_canonical(container, description, &tensors)?;
    let (expected, found) = (tensors.last().map_or(0, |last| last.bytes.end), container.data.len() as u64);
    match expected == found {
        true => Ok(tensors),
        false => Err(ModelFileErrorKind::DataLength { expected, found }),
    }
}

/// Checks that the file holds the requested kind of model and float type.
fn suits<T: Scalar>(
    description: &Description,
    wanted: &'static str,
    conversion: Conversion,
) -> Result<(), ModelFileErrorKind> {
    if description.training.is_some() {
        return Err(ModelFileErrorKind::IsCheckpoint);
    }
    let found = description.model.name();
    if found != wanted {
        return Err(ModelFileErrorKind::Model { expected: wanted, found });
    }
    if description.float != Float::of::<T>() && conversion == Conversion::Refused {
        return Err(ModelFileErrorKind::Float { expected: T::NAME, found: description.float.name() });
    }
    Ok(())
}

/// Builds and plans the layers.
fn definition<T: Scalar>(
    description: &Description,
    registry: &Registry<T>,
) -> Result<Definition<T>, ModelFileErrorKind> {
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
        layers.push(NamedLayer { name, layer: built, joins: layer.joins.clone() });
    }
    let definition = Definition::new(description.input, layers, TiedWeights::Copied)?;
    for (node, layer) in definition.nodes.iter().zip(&description.layers) {
        if definition.named_layer(node, NodeInput::Input).joins != layer.joins {
            let (name, expected) = ("joins".to_owned(), "names of layers, not of blocks");
            return Err(ModelFileErrorKind::Description(ConfigError::Invalid { name, expected }));
        }
    }
    Ok(Definition { output_shape: renamed(&definition, description.output)?, ..definition })
}

/// The file's output shape, if it is not the last layer's.
fn renamed<T: Scalar>(definition: &Definition<T>, output: Shape) -> Result<Option<Shape>, ModelFileErrorKind> {
    let own = definition.output();
    match (own == output, own.elements() == output.elements()) {
        (true, _) => Ok(None),
        (false, true) => Ok(Some(output)),
        (false, false) => Err(ModelFileErrorKind::Output { expected: own, found: output }),
    }
}

/// `Ok` if the header is byte for byte the one that would be written.
fn require_canonical(
    container: &Container<'_>,
    description: &Description,
    tensors: &[Tensor],
) -> Result<(), ModelFileErrorKind> {
    let written = tensor::header(description, container.checksum, tensors)?;
    if written == container.header {
        return Ok(());
    }
    let same = written.bytes().zip(container.header.bytes()).take_while(|(written, found)| written == found).count();
    Err(ModelFileErrorKind::NotCanonical { offset: container::LENGTH_BYTES + same })
}

/// The network with its parameters, state and scalers. `data` must be as long as `tensors` say.
fn fill<T: Scalar>(
    description: &Description,
    graph: Arc<Graph<T>>,
    tensors: &[Tensor],
    data: &[u8],
) -> Result<Network<T>, ModelFileErrorKind> {
    let frozen = description.frozen_in(&graph.definition)?;
    let [input, output] = scalers(description, tensors, data)?;
    let output = if description.model == ModelKind::Network { output } else { input.clone() };
    let entries = Arc::clone(&graph);
    Network::restore(graph, description.seed, frozen, [input, output], |parameters, state| {
        numbers(&entries.definition, tensors, data, parameters, state)
    })
}

/// Reads parameters and state of a model with that definition.
pub(super) fn numbers<T: Scalar>(
    definition: &Definition<T>,
    tensors: &[Tensor],
    data: &[u8],
    parameters: &mut [T],
    state: &mut [T],
) -> Result<(), ModelFileErrorKind> {
    let own = tensors.iter().filter(|tensor| tensor.group == TensorGroup::Model);
    for (tensor, entry) in own.clone().zip(&definition.table) {
        numbers_of(tensor, data, invariant::slice_mut(parameters, &entry.range, "numbers", &entry.name))?;
    }
    for (tensor, entry) in own.skip(definition.table.len()).zip(&definition.states) {
        numbers_of(tensor, data, invariant::slice_mut(state, &entry.range, "numbers", &entry.name))?;
    }
    Ok(())
}

/// The scalers of input and output.
pub(super) fn scalers(
    description: &Description,
    tensors: &[Tensor],
    data: &[u8],
) -> Result<[Option<Arc<Scaler>>; 2], ModelFileErrorKind> {
    let mut pairs = tensors.chunks_exact(2);
    let mut next = |there: bool, clip: Option<[f64; 2]>| match there.then(|| pairs.next()).flatten() {
        Some([shift, scale]) => clipped(scaler(shift, scale, data)?, clip).map(|scaler| Some(Arc::new(scaler))),
        _ => Ok(None),
    };
    let ([input, output], [input_clip, output_clip]) = (description.scalers, description.clip);
    Ok([next(input, input_clip)?, next(output, output_clip)?])
}

fn clipped(scaler: Scaler, clip: Option<[f64; 2]>) -> Result<Scaler, ModelFileErrorKind> {
    let expected = "a range with finite ends, the lower first";
    let wrong = |_| ModelFileErrorKind::Description(ConfigError::Invalid { name: "clip".to_owned(), expected });
    match clip {
        Some([low, high]) => scaler.clip(low, high).map_err(wrong),
        None => Ok(scaler),
    }
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

/// Reads the numbers of a tensor, which must be finite.
fn numbers_of<T: Scalar>(tensor: &Tensor, data: &[u8], values: &mut [T]) -> Result<(), ModelFileErrorKind> {
    let chunk = usize::try_from(tensor.float.bytes(CHUNK)).unwrap_or(usize::MAX);
    let bytes = tensor.bytes_in(data).chunks(chunk);
    for (index, (values, bytes)) in values.chunks_mut(CHUNK).zip(bytes).enumerate() {
        tensor.float.read(bytes, values);
        if let Some(element) = reduce::first_not_finite(values) {
            let element = index * CHUNK + element;
            return Err(ModelFileErrorKind::NotFinite { name: tensor.name.clone(), element, float: T::NAME });
        }
    }
    Ok(())
}
