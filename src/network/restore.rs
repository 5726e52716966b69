//! Restores a network from its stored parts.

use std::sync::Arc;

use super::{BuildError, Network, Structure};
use crate::Scalar;
use crate::data::Scaler;

impl<T: Scalar> Network<T> {
    /// The network whose parameters and state `fill` writes. `frozen` has one flag per parameter; `scalers` are those of input and output.
    pub(crate) fn restore<E: From<BuildError>>(
        structure: Arc<Structure<T>>,
        seed: u64,
        frozen: Vec<bool>,
        scalers: [Option<Arc<Scaler>>; 2],
        fill: impl FnOnce(&mut [T], &mut [T]) -> Result<(), E>,
    ) -> Result<Self, E> {
        let [input_scaler, output_scaler] = scalers;
        let mut network = Self { frozen, input_scaler, output_scaler, ..Self::blank(structure, seed)? };
        fill(&mut network.parameters, &mut network.state)?;
        Ok(network)
    }
}
