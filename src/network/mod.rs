//! [`Network`]: layers over one flat parameter vector, with forward and backward passes.

mod activity;
mod buffer;
mod builder;
mod collect;
mod diagnosis;
mod error;
mod infer;
mod lanes;
mod memory;
mod parameters;
mod partition;
mod penalty;
mod prepared;
mod restore;
mod step;
mod structure;
mod summary;
mod tape;
mod workspace;

use std::ops::Range;
use std::sync::Arc;

use prepared::Prepared;

pub use activity::Activity;
pub(crate) use activity::mean;
pub use builder::NetworkBuilder;
pub use error::{BuildError, BuildErrorKind, ParameterError};
pub(crate) use infer::Ending;
pub use parameters::Parameter;
pub use summary::Summary;
pub use tape::Tape;
pub use workspace::Workspace;

pub(crate) use memory::{JUDGED_AT_ONCE, Keep, zeros};
pub(crate) use penalty::WeightPenalty;
pub(crate) use step::{Judge, Read, Record, Step};
pub(crate) use structure::{Entry, Node, Sharing, Structure};

use crate::data::Scaler;
use crate::layer::Layer;
use crate::{Scalar, Shape};

/// Layers over one flat parameter vector.
///
/// Inference takes `&self` and is safe to share between threads; `Clone` copies parameters and state, and shares the layers.
/// An [`Autoencoder`](crate::Autoencoder) consists of two networks; on its own a network is a classifier, a regression model or a decoder.
///
/// ```
/// use autoencoder::nalgebra::DMatrix;
/// use autoencoder::{Activation, Dense, Network, Shape};
///
/// let network = Network::<f64>::builder(Shape::flat(4))
///     .layer(Dense::new(8).activation(Activation::Relu))
///     .layer(Dense::new(3).activation(Activation::Softmax))
///     .build()?;
/// let probabilities = network.predict(&DMatrix::from_element(4, 5, 0.5))?;
/// assert_eq!(probabilities.shape(), (3, 5));
/// # Ok::<(), autoencoder::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Network<T: Scalar> {
    structure: Arc<Structure<T>>,
    parameters: Vec<T>,
    /// Data derived from the parameters; rebuilt by [`prepare`](Self::prepare) whenever they change.
    prepared: Prepared<T>,
    state: Vec<T>,
    frozen: Vec<bool>,
    seed: u64,
    /// The crate version that built the network.
    crate_version: Arc<str>,
    input_scaler: Option<Arc<Scaler>>,
    output_scaler: Option<Arc<Scaler>>,
}

impl<T: Scalar> Network<T> {
    /// Starts the description of a network for samples of shape `input`.
    pub fn builder(input: Shape) -> NetworkBuilder<T> {
        NetworkBuilder::new(input)
    }

    /// The shape of an input sample.
    pub fn input_shape(&self) -> Shape {
        self.structure.input
    }

    /// The shape of an output sample.
    pub fn output_shape(&self) -> Shape {
        self.structure.output()
    }

    /// The seed of the initial parameters.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// The crate version that built the model; it may differ from the running one if the model was loaded from a file.
    pub fn crate_version(&self) -> &str {
        &self.crate_version
    }

    pub(crate) fn set_crate_version(&mut self, version: &str) {
        self.crate_version = version.into();
    }

    /// The layers in order, with their names.
    pub fn layers(&self) -> impl Iterator<Item = (&str, &dyn Layer<T>)> {
        self.structure.nodes.iter().map(|node| (node.name.as_str(), node.layer.as_ref()))
    }

    /// The scaler applied to inputs before the first layer.
    pub fn input_scaler(&self) -> Option<&Scaler> {
        self.input_scaler.as_deref()
    }

    /// The scaler undone on outputs after the last layer.
    pub fn output_scaler(&self) -> Option<&Scaler> {
        self.output_scaler.as_deref()
    }

    /// The structure of layers `nodes` as a network of their own.
    pub(crate) fn structure_of(&self, nodes: Range<usize>) -> Result<Structure<T>, BuildError> {
        let whole = nodes.end == self.structure.nodes.len();
        let nodes = self.structure.nodes.get(nodes).unwrap_or(&[]);
        let input = nodes.first().map_or(self.structure.input, |node| node.input);
        let layers = nodes.iter().map(|node| (node.name.clone(), Arc::clone(&node.layer))).collect();
        let mut structure = Structure::new(input, layers, Sharing::Detached)?;
        structure.output_shape = self.structure.output_shape.filter(|_| whole);
        Ok(structure)
    }

    /// Layers `nodes`, whose own structure is `structure`, as a network with copies of their parameters and state.
    pub(crate) fn part(&self, nodes: Range<usize>, structure: &Arc<Structure<T>>) -> Self {
        let mut part = Self {
            parameters: vec![T::zero(); structure.parameter_count()],
            prepared: Prepared::nothing(),
            state: vec![T::zero(); structure.state_count()],
            frozen: vec![false; structure.table.len()],
            structure: Arc::clone(structure),
            seed: self.seed,
            crate_version: Arc::clone(&self.crate_version),
            input_scaler: self.input_scaler.clone().filter(|_| nodes.start == 0),
            output_scaler: self.output_scaler.clone().filter(|_| nodes.end == self.structure.nodes.len()),
        };
        let originals = self.structure.nodes.get(nodes).unwrap_or(&[]);
        for (copy, original) in structure.nodes.iter().zip(originals) {
            let ranges = copy.parameters.iter().zip(&original.parameters);
            ranges.for_each(|(to, from)| transfer(&mut part.parameters, to, &self.parameters, from));
            transfer(&mut part.state, &copy.state, &self.state, &original.state);
            for (to, from) in copy.entries.iter().zip(&original.entries) {
                if let Some(frozen) = part.frozen.get_mut(*to) {
                    *frozen = !self.learns(*from);
                }
            }
        }
        part
    }

    pub(crate) fn structure(&self) -> &Arc<Structure<T>> {
        &self.structure
    }

    /// Whether a batch of `samples` samples is large enough for several threads.
    pub(crate) fn is_worth_threads(&self, samples: usize) -> bool {
        partition::worth_threads(&self.structure, samples)
    }
}

fn transfer<T: Scalar>(to: &mut [T], to_range: &Range<usize>, from: &[T], from_range: &Range<usize>) {
    if let (Some(to), Some(from)) = (to.get_mut(to_range.clone()), from.get(from_range.clone())) {
        to.copy_from_slice(from);
    }
}
