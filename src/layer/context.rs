//! [`Context`]: what a layer and the executor share in every pass.

use std::ops::Range;

use super::Activation;
use crate::random::Random;
use crate::{Shape, invariant};

/// Whether a pass belongs to training, validation or inference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Statistics are collected, random numbers are drawn.
    Training,
    /// Validation, for layers whose penalties are likelihood terms
    /// ([`Plan::likelihood_terms`](super::Plan::likelihood_terms)); others see
    /// [`Inference`](Self::Inference). Such a layer draws its output as in training, from noise
    /// keyed by the sample's place in the data, and reports its penalties with their full
    /// weight. There are no statistics.
    Validation,
    /// A sample's result depends on nothing but the sample and the model, forward and backward.
    Inference,
}

/// What a layer and the executor share in every pass over a micro-batch.
#[derive(Debug)]
#[non_exhaustive]
pub struct Context<'a, T> {
    /// The shape of an input sample.
    pub input_shape: Shape,
    /// The shapes of a sample of what the layer joins.
    pub joined_shapes: &'a [Shape],
    /// The shape of an output sample.
    pub output_shape: Shape,
    /// Samples in this micro-batch.
    pub samples: usize,
    /// Samples in the whole batch. A penalty's gradient is that of its mean over all of them.
    pub batch: usize,
    /// Training, validation or inference; the same in both passes.
    pub mode: Mode,
    /// Epochs of training so far: 2.5 is halfway through the third. 0 outside training.
    pub epoch: f64,
    /// Random streams, one per sample; the same in both passes.
    pub random: Random,
    /// The activation to apply last: the plan's, or [`Activation::Linear`] where the loss applies
    /// it ([`Loss::fused_activation`](crate::Loss::fused_activation)).
    pub activation: Activation,
    /// The layer's parameters.
    pub parameters: Parameters<'a, T>,
    /// What [`Packing::pack`](super::Packing::pack) made of them.
    pub packed: &'a [T],
    /// What [`Packing::pack_backward`](super::Packing::pack_backward) made of them; empty in a
    /// forward pass.
    pub packed_backward: &'a [T],
    /// The layer's state: its tensors, concatenated.
    pub state: &'a [T],
    /// The sums over the whole batch for the forward pass
    /// ([`BatchStatistics::forward_sums`](super::BatchStatistics::forward_sums)). Empty outside
    /// training.
    pub statistics: &'a [f64],
    /// The sums over the whole batch for the backward pass
    /// ([`BatchStatistics::backward_sums`](super::BatchStatistics::backward_sums)). Empty in a
    /// forward pass, and outside training.
    pub gradient_statistics: &'a [f64],
}

impl<T> Clone for Context<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Context<'_, T> {}

/// A layer's parameters, in the order of its plan.
#[derive(Debug)]
pub struct Parameters<'a, T> {
    all: &'a [T],
    ranges: &'a [Range<usize>],
}

impl<T> Clone for Parameters<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Parameters<'_, T> {}

impl<'a, T> Parameters<'a, T> {
    pub(crate) fn new(all: &'a [T], ranges: &'a [Range<usize>]) -> Self {
        Self { all, ranges }
    }

    /// The parameter at `index` in the plan; empty if there is none.
    pub fn of(&self, index: usize) -> &'a [T] {
        self.ranges.get(index).map_or(&[], |range| invariant::slice(self.all, range, "parameters", "a layer"))
    }
}

/// The gradients of a layer's parameters, in the order of its plan; `backward` adds to them.
#[derive(Debug)]
pub struct Gradients<'a, T> {
    all: &'a mut [T],
    ranges: &'a [Range<usize>],
}

impl<'a, T> Gradients<'a, T> {
    pub(crate) fn new(all: &'a mut [T], ranges: &'a [Range<usize>]) -> Self {
        Self { all, ranges }
    }

    /// The gradient of the parameter at `index` in the plan; empty if there is none.
    pub fn of(&mut self, index: usize) -> &mut [T] {
        match self.ranges.get(index) {
            Some(range) => invariant::slice_mut(self.all, range, "gradients", "a layer"),
            None => &mut [],
        }
    }
}
