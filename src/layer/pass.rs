//! The buffers of a layer's passes. The executor makes them and checks every length.

use super::Gradients;

/// The buffers of a forward pass over a micro-batch.
#[derive(Debug)]
#[non_exhaustive]
pub struct Forward<'a, T> {
    /// Input features × samples.
    pub input: &'a [T],
    /// What the layer joins ([`Layer::joins`](super::Layer::joins)), each features × samples.
    pub joined: &'a [&'a [T]],
    /// Side features × samples.
    pub side: &'a [T],
    /// Output features × samples, to be written.
    pub output: &'a mut [T],
    /// [`cache_per_sample`](super::Plan::cache_per_sample) × samples, to be written for the
    /// backward pass; empty if none follows.
    pub cache: &'a mut [T],
    /// Working memory.
    pub scratch: &'a mut [T],
    /// To be added to: each of the plan's penalties, summed over these samples. Empty in inference.
    pub penalties: &'a mut [f64],
    /// To be added to: likewise each of the plan's diagnostics.
    pub diagnostics: &'a mut [f64],
}

/// The buffers of a backward pass over a micro-batch: from the gradient with respect to its outputs
/// to those with respect to its parameters and inputs.
#[derive(Debug)]
#[non_exhaustive]
pub struct Backward<'a, T> {
    /// Input features × samples, as in the forward pass.
    pub input: &'a [T],
    /// What the layer joins, as in the forward pass.
    pub joined: &'a [&'a [T]],
    /// Side features × samples.
    pub side: &'a [T],
    /// Output features × samples, as the forward pass wrote them.
    pub output: &'a [T],
    /// What the forward pass cached.
    pub cache: &'a [T],
    /// Working memory.
    pub scratch: &'a mut [T],
    /// Output features × samples: the loss's gradient with respect to the output. May be
    /// overwritten.
    pub output_gradient: &'a mut [T],
    /// Input features × samples, to be written; `None` if it is not needed.
    pub input_gradient: Option<&'a mut [T]>,
    /// The same for each value that the layer joins.
    pub joined_gradients: &'a mut [Option<&'a mut [T]>],
    /// The gradients of the parameters, to be added to.
    pub gradients: Gradients<'a, T>,
}

/// What the sums of a backward pass are computed from.
#[derive(Debug)]
#[non_exhaustive]
pub struct BackwardSums<'a, T> {
    /// Input features × samples.
    pub input: &'a [T],
    /// Output features × samples.
    pub output: &'a [T],
    /// What the forward pass cached.
    pub cache: &'a [T],
    /// Output features × samples: the loss's gradient with respect to the output.
    pub output_gradient: &'a [T],
}
