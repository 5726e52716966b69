//! [`Prepared`]: data that layers derive from their parameters, built on first use and rebuilt in one place.

use std::sync::{Arc, OnceLock};

use super::buffer::Buffer;
use super::structure::Node;
use super::{Network, Structure, zeros};
use crate::Scalar;
use crate::data::InputError;
use crate::layer::{Parameters, Prepare, PrepareBackward};

/// Data that layers derive from their parameters (packed weights): for the forward pass, and for the backward pass, which inference never needs.
///
/// Each is built together with the first workspace or tape, so that loading a model costs no more than reading it. Threads that need it at once
/// each build it; the first to finish publishes. No lock is held, since packing runs on the pool and could deadlock.
#[derive(Debug, Clone)]
pub(super) struct Prepared<T: Scalar> {
    forward: OnceLock<Buffer<T>>,
    backward: OnceLock<Buffer<T>>,
}

impl<T: Scalar> Prepared<T> {
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
    pub(super) fn prepared(&self) -> Result<&[T], InputError> {
        if let Some(made) = self.prepared.forward.get() {
            return Ok(made);
        }
        let mut buffer = Buffer::zeros(self.structure.prepared)?;
        forward(&self.structure, &self.parameters, &mut buffer);
        Ok(self.prepared.forward.get_or_init(|| buffer))
    }

    /// The further data for the backward pass; built if need be.
    ///
    /// # Errors
    /// [`InputError::OutOfMemory`].
    pub(super) fn prepared_backward(&self) -> Result<&[T], InputError> {
        if let Some(made) = self.prepared.backward.get() {
            return Ok(made);
        }
        let prepared = self.prepared()?;
        let mut buffer = Buffer::zeros(self.structure.prepared_backward)?;
        backward(&self.structure, &self.parameters, prepared, &mut buffer);
        Ok(self.prepared.backward.get_or_init(|| buffer))
    }

    /// A copy with its own numbers, without derived data.
    ///
    /// # Errors
    /// [`InputError::OutOfMemory`].
    pub(crate) fn unprepared(&self) -> Result<Self, InputError> {
        let (mut parameters, mut state) = (zeros(self.parameters.len())?, zeros(self.state.len())?);
        parameters.copy_from_slice(&self.parameters);
        state.copy_from_slice(&self.state);
        Ok(Self {
            structure: Arc::clone(&self.structure),
            parameters,
            prepared: Prepared::nothing(),
            state,
            frozen: self.frozen.clone(),
            seed: self.seed,
            crate_version: Arc::clone(&self.crate_version),
            input_scaler: self.input_scaler.clone(),
            output_scaler: self.output_scaler.clone(),
        })
    }

    /// Rebuilds the derived data that have been built so far; must be called whenever parameters have changed.
    pub(crate) fn prepare(&mut self) {
        let Prepared { forward: made, backward: made_backward } = &mut self.prepared;
        let Some(made) = made.get_mut() else { return };
        forward(&self.structure, &self.parameters, made);
        if let Some(made_backward) = made_backward.get_mut() {
            backward(&self.structure, &self.parameters, made, made_backward);
        }
    }
}

fn forward<T: Scalar>(structure: &Structure<T>, parameters: &[T], made: &mut [T]) {
    for node in &structure.nodes {
        if let Some(prepared) = made.get_mut(node.prepared.clone()).filter(|prepared| !prepared.is_empty()) {
            node.kernel.prepare(Prepare { input_shape: node.reads, parameters: of(node, parameters), prepared });
        }
    }
}

fn backward<T: Scalar>(structure: &Structure<T>, parameters: &[T], made: &[T], made_backward: &mut [T]) {
    for node in &structure.nodes {
        let prepared_backward = made_backward.get_mut(node.prepared_backward.clone());
        if let Some(prepared_backward) = prepared_backward.filter(|prepared| !prepared.is_empty()) {
            node.kernel.prepare_backward(PrepareBackward {
                input_shape: node.reads,
                parameters: of(node, parameters),
                prepared: made.get(node.prepared.clone()).unwrap_or(&[]),
                prepared_backward,
            });
        }
    }
}

fn of<'a, T: Scalar>(node: &'a Node<T>, parameters: &'a [T]) -> Parameters<'a, T> {
    Parameters::new(parameters, &node.parameters)
}
