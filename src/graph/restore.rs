//! Restores a network from its stored parts.

use std::sync::Arc;

use super::{BuildError, Graph, Network};
use crate::Scalar;
use crate::data::Scaler;

impl<T: Scalar> Network<T> {
    /// The network whose parameters and state `fill` writes. `frozen` has one flag per parameter;
    /// `scalers` are those of input and output.
    pub(crate) fn restore<E: From<BuildError>>(
        graph: Arc<Graph<T>>,
        seed: u64,
        frozen: Vec<bool>,
        scalers: [Option<Arc<Scaler>>; 2],
        fill: impl FnOnce(&mut [T], &mut [T]) -> Result<(), E>,
    ) -> Result<Self, E> {
        let [input_scaler, output_scaler] = scalers;
        let mut network = Self { frozen, input_scaler, output_scaler, ..Self::blank(graph, seed)? };
        fill(&mut network.parameters, &mut network.state)?;
        Ok(network)
    }
}
