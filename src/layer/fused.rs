//! What lowering and mirroring know of built-in layers: which ones only reshape, whose gradient is
//! computed over the whole batch, and which two run as one.

use std::any::Any;
use std::ops::Range;
use std::sync::Arc;

use super::repeated_conv2d::RepeatedConv2D;
use super::{Add, BatchNorm, Conv2D, Dense, Flatten, Layer, Pad, Reshape, UpSample};
use crate::kernel::product::Segments;
use crate::{Scalar, Shape};

/// A layer with one parameter whose gradient is computed after the backward passes, over the whole
/// batch. It avoids a copy of a large gradient for each shard.
pub(crate) trait DeferredGradient<T: Scalar>: Send + Sync + std::fmt::Debug {
    /// The parameter's index in the plan.
    fn deferred(&self) -> usize;

    /// Adds to some rows of its gradient.
    fn add_rows(&self, rows: DeferredRows<'_, T>);
}

/// Some rows of a deferred gradient. For a dense layer's weight W (inputs × outputs), row r of it
/// is dW\[r\] += Σₛ xₛ\[r\] · gₛ, with xₛ = `input.sample(s)` and gₛ = `output_gradient.sample(s)`.
#[derive(Debug)]
pub(crate) struct DeferredRows<'a, T> {
    /// The layer's inputs, input features × all samples.
    pub input: Segments<'a, T>,
    /// What the backward pass left in the output's gradient, output features × all samples.
    pub output_gradient: Segments<'a, T>,
    /// The rows (first dimension of the parameter's shape) to compute.
    pub rows: Range<usize>,
    /// Those rows of the gradient, to be added to.
    pub gradient: &'a mut [T],
}

/// A layer whose backward pass accumulates one parameter's gradient in another form, from which the
/// gradient is computed once per step.
pub(crate) trait AccumulatedGradient<T: Scalar>: Layer<T> {
    /// The parameter's index in the plan.
    fn accumulated(&self) -> usize;

    /// The elements of the accumulated form.
    fn accumulated_elements(&self) -> usize;

    /// Adds the parameter's gradient, computed from the accumulated form.
    fn finish_gradient(&self, accumulated: &[T], gradient: &mut [T]);
}

fn built_in<L: Any, T: Scalar>(layer: &Arc<dyn Layer<T>>) -> Option<&L> {
    let layer: &dyn Any = layer.as_ref();
    layer.downcast_ref()
}

/// Whether the output is the input with another shape, so that no pass need be made.
pub(crate) fn is_reshape<T: Scalar>(layer: &Arc<dyn Layer<T>>) -> bool {
    built_in::<Reshape, T>(layer).is_some() || built_in::<Flatten, T>(layer).is_some()
}

/// Whether it normalises over the batch, so that batches of one value per channel teach it nothing.
pub(crate) fn is_batch_norm<T: Scalar>(layer: &Arc<dyn Layer<T>>) -> bool {
    built_in::<BatchNorm, T>(layer).is_some()
}

/// Whether it pads images with zeros.
pub(crate) fn is_padding<T: Scalar>(layer: &Arc<dyn Layer<T>>) -> bool {
    built_in::<Pad, T>(layer).is_some()
}

/// Whether it adds what it joins to its input.
pub(crate) fn is_add<T: Scalar>(layer: &Arc<dyn Layer<T>>) -> bool {
    built_in::<Add, T>(layer).is_some()
}

/// The layer's deferred gradient, if it has one.
pub(crate) fn deferred_gradient<T: Scalar>(layer: &Arc<dyn Layer<T>>) -> Option<Arc<dyn DeferredGradient<T>>> {
    let dense = built_in::<Dense, T>(layer)?;
    Some(Arc::new(dense.clone()))
}

/// The layer that computes `second` after `first`, which reads samples of shape `input`, as one.
pub(crate) fn fused_after_up_sampling<T: Scalar>(
    first: &Arc<dyn Layer<T>>,
    second: &Arc<dyn Layer<T>>,
    input: Shape,
) -> Option<Arc<dyn AccumulatedGradient<T>>> {
    let factor = built_in::<UpSample, T>(first)?.nearest_factor()?;
    let fused: RepeatedConv2D = built_in::<Conv2D, T>(second)?.after_up_sampling(input, factor)?;
    Some(Arc::new(fused))
}
