//! [`Prepared`]: what layers derive from their parameters, made when it is first needed and rebuilt in one place.

use std::sync::OnceLock;

use super::buffer::Buffer;
use super::structure::Node;
use super::{Network, Structure};
use crate::Scalar;
use crate::data::InputError;
use crate::layer::{Parameters, Prepare, PrepareBackward};

/// What layers derive from their parameters (packed weights): for the way forward, and for the way back, which a model that is only used never needs.
///
/// Each is made when a workspace or a tape is, so that loading a model costs no more than reading it. Threads that come first side by side each
/// make it, and the first that is done keeps it: a lock held while the pool's threads pack could wait for itself.
#[derive(Debug, Clone)]
pub(super) struct Prepared<T: Scalar> {
    forward: OnceLock<Buffer<T>>,
    backward: OnceLock<Buffer<T>>,
}

impl<T: Scalar> Prepared<T> {
    /// Nothing is made yet.
    pub fn nothing() -> Self {
        Self { forward: OnceLock::new(), backward: OnceLock::new() }
    }
}

impl<T: Scalar> Network<T> {
    /// What the way forward needs.
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

    /// What the way back needs besides.
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

    /// Rebuilds what is derived from the parameters, as far as it has been made: to be called whenever they have changed.
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
