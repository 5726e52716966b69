//! The arguments of a layer's passes. The network constructs them and checks every length; a user's layer only reads the fields.

use std::ops::Range;

use super::{Activation, Segments};
use crate::Shape;
use crate::random::Random;

/// Whether a pass belongs to training, validation or inference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Statistics are collected, random numbers are drawn, caches are filled.
    Training,
    /// Validation, for layers whose penalties are likelihood terms ([`Plan::sums_per_sample`](super::Plan::sums_per_sample)); others see
    /// [`Inference`](Self::Inference). Such a layer draws its output as in training, from noise keyed by the sample's place in the data, and reports its
    /// penalties with their full weight. There are no statistics.
    Validation,
    /// A sample's result depends on nothing but the sample and the model.
    Inference,
}

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
        self.ranges.get(index).and_then(|range| self.all.get(range.clone())).unwrap_or(&[])
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

    /// The gradient of the parameter at `index` in the plan; empty if there is none, or if it is computed over the whole batch
    /// ([`ParameterSpec::whole_batch`](super::ParameterSpec::whole_batch)).
    pub fn of(&mut self, index: usize) -> &mut [T] {
        self.ranges.get(index).and_then(|range| self.all.get_mut(range.clone())).unwrap_or(&mut [])
    }
}

/// The argument of [`Layer::prepare`](super::Layer::prepare).
#[derive(Debug)]
#[non_exhaustive]
pub struct Prepare<'a, T> {
    /// The shape of an input sample.
    pub input_shape: Shape,
    /// The layer's parameters.
    pub parameters: Parameters<'a, T>,
    /// To be filled: [`Plan::prepared`](super::Plan::prepared) elements.
    pub prepared: &'a mut [T],
}

/// The argument of [`Layer::prepare_backward`](super::Layer::prepare_backward).
#[derive(Debug)]
#[non_exhaustive]
pub struct PrepareBackward<'a, T> {
    /// The shape of an input sample.
    pub input_shape: Shape,
    /// The layer's parameters.
    pub parameters: Parameters<'a, T>,
    /// What [`prepare`](super::Layer::prepare) made of them.
    pub prepared: &'a [T],
    /// To be filled: [`Plan::prepared_backward`](super::Plan::prepared_backward) elements.
    pub prepared_backward: &'a mut [T],
}

/// The forward pass of a part of the batch.
#[derive(Debug)]
#[non_exhaustive]
pub struct Forward<'a, T> {
    /// The shape of an input sample.
    pub input_shape: Shape,
    /// The shape of an output sample.
    pub output_shape: Shape,
    /// Samples in this part.
    pub samples: usize,
    /// Samples in the whole batch.
    pub batch: usize,
    /// Training, validation or inference.
    pub mode: Mode,
    /// The activation to apply last.
    pub activation: Activation,
    /// The layer's parameters.
    pub parameters: Parameters<'a, T>,
    /// What [`prepare`](super::Layer::prepare) made of them.
    pub prepared: &'a [T],
    /// The layer's state: its tensors, concatenated.
    pub state: &'a [T],
    /// Input features × samples.
    pub input: &'a [T],
    /// Side features × samples.
    pub side: &'a [T],
    /// Output features × samples, to be written.
    pub output: &'a mut [T],
    /// [`cache_per_sample`](super::Plan::cache_per_sample) × samples; empty in inference.
    pub cache: &'a mut [T],
    /// Working memory.
    pub scratch: &'a mut [T],
    /// Random streams, one per sample.
    pub random: Random,
    /// Epochs of training so far: 2.5 is halfway through the third. 0 in validation and inference.
    pub epoch: f64,
    /// The requested sums over the whole batch; empty in validation and inference.
    pub statistics: &'a [f64],
    /// To be added to: each of the plan's penalties, summed over this part's samples. Empty in inference.
    pub penalties: &'a mut [f64],
    /// To be added to: likewise each of the plan's figures.
    pub figures: &'a mut [f64],
}

/// The backward pass of a part of the batch: from the gradient with respect to its outputs to those with respect to its parameters and inputs.
#[derive(Debug)]
#[non_exhaustive]
pub struct Backward<'a, T> {
    /// The shape of an input sample.
    pub input_shape: Shape,
    /// The shape of an output sample.
    pub output_shape: Shape,
    /// Samples in this part.
    pub samples: usize,
    /// Samples in the whole batch. A penalty's gradient is that of its mean over all of them.
    pub batch: usize,
    /// The mode of the forward pass: training, or inference for a layer with state whose parameters are all frozen. There are then no statistics and no cache.
    pub mode: Mode,
    /// The activation that was applied.
    pub activation: Activation,
    /// The layer's parameters.
    pub parameters: Parameters<'a, T>,
    /// What [`prepare`](super::Layer::prepare) made of them.
    pub prepared: &'a [T],
    /// What [`prepare_backward`](super::Layer::prepare_backward) made of them.
    pub prepared_backward: &'a [T],
    /// The layer's state.
    pub state: &'a [T],
    /// Input features × samples, as in the forward pass.
    pub input: &'a [T],
    /// Side features × samples.
    pub side: &'a [T],
    /// Output features × samples, as the forward pass wrote them.
    pub output: &'a [T],
    /// What the forward pass cached.
    pub cache: &'a [T],
    /// Working memory.
    pub scratch: &'a mut [T],
    /// The random streams of the forward pass.
    pub random: Random,
    /// The epoch of the forward pass.
    pub epoch: f64,
    /// The sums of the forward pass.
    pub forward_statistics: &'a [f64],
    /// The requested sums over the whole batch.
    pub statistics: &'a [f64],
    /// Output features × samples: the loss's gradient with respect to the output. May be overwritten; a whole-batch gradient reads what is left here.
    pub output_gradient: &'a mut [T],
    /// Input features × samples, to be written; `None` if it is not needed.
    pub input_gradient: Option<&'a mut [T]>,
    /// The gradients of the parameters, to be added to.
    pub gradients: Gradients<'a, T>,
}

/// A part's share of the sums over the batch that the forward pass needs.
#[derive(Debug)]
#[non_exhaustive]
pub struct ForwardStatistics<'a, T> {
    /// The shape of an input sample.
    pub input_shape: Shape,
    /// Samples in this part.
    pub samples: usize,
    /// Samples in the whole batch.
    pub batch: usize,
    /// The layer's parameters.
    pub parameters: Parameters<'a, T>,
    /// Input features × samples.
    pub input: &'a [T],
    /// To be written, zeros at first; those of all parts are added up in fixed order.
    pub sums: &'a mut [f64],
}

/// A part's share of the sums over the batch that the backward pass needs.
#[derive(Debug)]
#[non_exhaustive]
pub struct BackwardStatistics<'a, T> {
    /// The shape of an input sample.
    pub input_shape: Shape,
    /// Samples in this part.
    pub samples: usize,
    /// Samples in the whole batch.
    pub batch: usize,
    /// The layer's parameters.
    pub parameters: Parameters<'a, T>,
    /// Input features × samples.
    pub input: &'a [T],
    /// Output features × samples.
    pub output: &'a [T],
    /// What the forward pass cached.
    pub cache: &'a [T],
    /// Output features × samples: the loss's gradient with respect to the output.
    pub output_gradient: &'a [T],
    /// The sums of the forward pass.
    pub forward_statistics: &'a [f64],
    /// To be written, zeros at first; those of all parts are added up in fixed order.
    pub sums: &'a mut [f64],
}

/// The argument of [`Layer::update_state`](super::Layer::update_state).
#[derive(Debug)]
#[non_exhaustive]
pub struct StateUpdate<'a, T> {
    /// The shape of an input sample.
    pub input_shape: Shape,
    /// Samples in the whole batch.
    pub batch: usize,
    /// The sums over the whole batch of the forward pass.
    pub statistics: &'a [f64],
    /// The layer's state.
    pub state: &'a mut [T],
}

/// A parameter's gradient over the whole batch, to be computed from the form in which it was collected.
#[derive(Debug)]
#[non_exhaustive]
pub struct FinishGradient<'a, T> {
    /// The shape of an input sample.
    pub input_shape: Shape,
    /// Which of the plan's parameters.
    pub parameter: usize,
    /// What `backward` has summed over all samples.
    pub collected: &'a [T],
    /// The parameter's gradient, to be added to.
    pub gradient: &'a mut [T],
}

/// Some rows of one parameter's gradient, over the whole batch. For a dense layer's weight W (inputs × outputs), row r of it is
/// dW\[r\] += Σₛ xₛ\[r\] · gₛ, with xₛ = `input.sample(s)` and gₛ = `output_gradient.sample(s)`.
#[derive(Debug)]
#[non_exhaustive]
pub struct WholeBatch<'a, T> {
    /// Which of the plan's parameters.
    pub parameter: usize,
    /// The layer's inputs, input features × all samples.
    pub input: Segments<'a, T>,
    /// What the backward pass left in the output's gradient, output features × all samples.
    pub output_gradient: Segments<'a, T>,
    /// The rows (first dimension of the parameter's shape) to compute.
    pub rows: Range<usize>,
    /// Those rows of the gradient, to be added to.
    pub gradient: &'a mut [T],
}
