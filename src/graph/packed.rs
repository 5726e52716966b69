//! [`Packed`]: what layers compute from their parameters, built on first use and rebuilt in one
//! place.

use std::sync::{Arc, OnceLock};

use super::buffer::Buffer;
use super::parameters::UndoCopy;
use super::{Network, Operation, Program, zeros};
use crate::data::InputError;
use crate::layer::{Packing, Parameters};
use crate::{Scalar, invariant};

/// Data that layers derive from their parameters (packed weights): for the forward pass, and for
/// the backward pass, which inference never needs.
///
/// Each is built together with the first workspace or tape, so that loading a model costs no more
/// than reading it. Threads that need it at once each build it; the first to finish publishes. No
/// lock is held, since packing runs on the pool and could deadlock.
#[derive(Debug, Clone)]
pub(super) struct Packed<T: Scalar> {
    forward: OnceLock<Buffer<T>>,
    backward: OnceLock<Buffer<T>>,
}

impl<T: Scalar> Packed<T> {
    /// Nothing is built yet.
    pub fn nothing() -> Self {
        Self { forward: OnceLock::new(), backward: OnceLock::new() }
    }
}

impl<T: Scalar> Network<T> {
    /// The data for the forward pass; built if need be.
    ///
    /// # Errors
    /// [`InputError::OutOfMemory`].
    pub(crate) fn packed(&self) -> Result<&[T], InputError> {
        if let Some(made) = self.packed.forward.get() {
            return Ok(made);
        }
        let mut buffer = Buffer::zeros(self.program().packed)?;
        forward(self.program(), &self.parameters, &mut buffer);
        Ok(self.packed.forward.get_or_init(|| buffer))
    }

    /// The further data for the backward pass; built if need be.
    ///
    /// # Errors
    /// [`InputError::OutOfMemory`].
    pub(crate) fn packed_backward(&self) -> Result<&[T], InputError> {
        if let Some(made) = self.packed.backward.get() {
            return Ok(made);
        }
        let packed = self.packed()?;
        let mut buffer = Buffer::zeros(self.program().packed_backward)?;
        backward(self.program(), &self.parameters, packed, &mut buffer);
        Ok(self.packed.backward.get_or_init(|| buffer))
    }

    /// Packs for both passes into memory full of `value`, for a check that packing writes all that
    /// passes read.
    #[cfg(feature = "testing")]
    pub(crate) fn pack_over(&mut self, value: T) -> Result<(), InputError> {
        self.packed_backward()?;
        let Packed { forward, backward } = &mut self.packed;
        forward.get_mut().into_iter().chain(backward.get_mut()).for_each(|buffer| buffer.fill(value));
        self.pack();
        Ok(())
    }

    /// A copy with its own numbers, without packed weights.
    ///
    /// # Errors
    /// [`InputError::OutOfMemory`].
    pub(crate) fn unpacked(&self) -> Result<Self, InputError> {
        let (mut parameters, mut state) = (zeros(self.parameters.len())?, zeros(self.state.len())?);
        parameters.copy_from_slice(&self.parameters);
        state.copy_from_slice(&self.state);
        Ok(Self {
            graph: Arc::clone(&self.graph),
            parameters,
            copy: UndoCopy(Vec::new()),
            packed: Packed::nothing(),
            state,
            frozen: self.frozen.clone(),
            seed: self.seed,
            crate_version: Arc::clone(&self.crate_version),
            input_scaler: self.input_scaler.clone(),
            output_scaler: self.output_scaler.clone(),
        })
    }

    /// Rebuilds the derived data that have been built so far; must be called whenever parameters
    /// have changed.
    #[inline(never)] // see `compiled.rs`
    pub(crate) fn pack(&mut self) {
        let Packed { forward: made, backward: made_backward } = &mut self.packed;
        let Some(made) = made.get_mut() else { return };
        forward(&self.graph.program, &self.parameters, made);
        if let Some(made_backward) = made_backward.get_mut() {
            backward(&self.graph.program, &self.parameters, made, made_backward);
        }
    }
}

fn forward<T: Scalar>(program: &Program<T>, parameters: &[T], packed: &mut [T]) {
    for operation in program.operations.iter().filter(|operation| !operation.packed.is_empty()) {
        let packed = invariant::slice_mut(packed, &operation.packed, "packed weights", &operation.name);
        let parameters = Parameters::new(parameters, &operation.parameters);
        packing(operation).pack(operation.input().shape, parameters, packed);
    }
}

fn backward<T: Scalar>(program: &Program<T>, parameters: &[T], packed: &[T], packed_backward: &mut [T]) {
    for operation in program.operations.iter().filter(|operation| !operation.packed_backward.is_empty()) {
        let name = &operation.name;
        let to = invariant::slice_mut(packed_backward, &operation.packed_backward, "packed weights", name);
        let packed = invariant::slice(packed, &operation.packed, "packed weights", name);
        let parameters = Parameters::new(parameters, &operation.parameters);
        packing(operation).pack_backward(operation.input().shape, parameters, packed, to);
    }
}

fn packing<T: Scalar>(operation: &Operation<T>) -> &dyn Packing<T> {
    invariant::some(operation.layer.packing(), "a layer that asks for packed weights has `packing`")
}
