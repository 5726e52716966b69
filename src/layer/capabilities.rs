//! What some layers can do beside their passes: packing, batch statistics, mirroring.

use std::sync::Arc;

use super::{Activation, BackwardSums, Context, Layer, Parameters};
use crate::{Scalar, Shape};

/// A layer that computes once from its parameters what its passes reuse: packed or transposed
/// weights.
pub trait Packing<T: Scalar> {
    /// Fills `packed` ([`Plan::packed`](super::Plan::packed) elements) for both passes. Called
    /// before the first pass and whenever the parameters have changed.
    fn pack(&self, input_shape: Shape, parameters: Parameters<'_, T>, packed: &mut [T]);

    /// Fills `packed_backward` ([`Plan::packed_backward`](super::Plan::packed_backward) elements)
    /// with what only `backward` needs; `packed` is already filled. Called only if the model is
    /// trained.
    fn pack_backward(
        &self,
        _input_shape: Shape,
        _parameters: Parameters<'_, T>,
        _packed: &[T],
        _packed_backward: &mut [T],
    ) {
    }
}

/// A layer that needs sums over the whole batch. All shards of the batch wait for one another
/// there, and the sums of all micro-batches are added up in fixed order.
pub trait BatchStatistics<T: Scalar> {
    /// Adds this micro-batch's share of the sums that the forward pass needs to `sums`
    /// ([`Plan::forward_statistics`](super::Plan::forward_statistics) numbers); `input` is input
    /// features × samples.
    fn forward_sums(&self, context: &Context<'_, T>, input: &[T], sums: &mut [f64]);

    /// Likewise for the backward pass
    /// ([`Plan::backward_statistics`](super::Plan::backward_statistics) numbers).
    fn backward_sums(&self, _context: &Context<'_, T>, _pass: BackwardSums<'_, T>, _sums: &mut [f64]) {}

    /// Updates the layer's state once per training step, from the sums of the forward pass over the
    /// whole batch, `context.statistics`. The context has no parameters and no state.
    fn update_state(&self, _context: &Context<'_, T>, _state: &mut [T]) {}
}

/// A layer whose counterpart in a decoder is known.
pub trait Mirror<T: Scalar> {
    /// The layers that map this layer's output back to its input, of shape `input`, in a mirrored
    /// decoder ([`AutoencoderBuilder::mirror`](crate::AutoencoderBuilder::mirror)). Empty if
    /// nothing needs undoing, `None` if these options cannot be mirrored.
    fn mirrored(&self, input: Shape, output: MirrorOutput) -> Option<Vec<Arc<dyn Layer<T>>>>;

    /// As [`mirrored`](Self::mirrored), but with this layer's weight, transposed; `name` is this
    /// layer's name in the model
    /// ([`AutoencoderBuilder::mirror_tied`](crate::AutoencoderBuilder::mirror_tied)). Only called
    /// on layers with parameters.
    fn mirrored_tied(&self, _name: &str, _input: Shape, _output: MirrorOutput) -> Option<Vec<Arc<dyn Layer<T>>>> {
        None
    }

    /// Whether the layer works on the outputs of a layer with weights and belongs to it, as a
    /// normalisation or an activation does. It is not undone then, but repeated: behind the
    /// decoder's layer that gives back those outputs.
    fn is_repeated(&self) -> bool {
        false
    }
}

/// What a mirrored layer gives: the options of the encoder's layer whose output it gives back, or
/// those of the decoder's last layer.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct MirrorOutput {
    /// The activation that it applies last.
    pub activation: Activation,
    /// Whether it has a bias.
    pub bias: bool,
}

impl MirrorOutput {
    /// With this activation, and a bias.
    pub fn new(activation: Activation) -> Self {
        Self { activation, bias: true }
    }

    /// With or without a bias.
    #[must_use]
    pub fn bias(mut self, bias: bool) -> Self {
        self.bias = bias;
        self
    }
}
