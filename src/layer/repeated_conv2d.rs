//! [`RepeatedConv2D`]: what the network runs in place of an up-sampling layer followed by a
//! convolution.

use super::convolution::Convolution;
use super::weights::{WEIGHT, Weights};
use super::{AccumulatedGradient, Backward, Context, Forward, Layer, Packing, ParameterSpec, Parameters, Plan};
use crate::kernel::convolution::{Direction, Geometry, Repetition};
use crate::shape::checked_sum;
use crate::{Config, Scalar, Shape, ShapeError};

/// An [`UpSample`](super::UpSample) followed by a [`Conv2D`](super::Conv2D), as a transposed
/// convolution of the small image ([`kernel::Repetition`]): fewer multiplications, and the large
/// image is never written.
///
/// Its parameters are the convolution's. The gradient is collected for the transposed convolution's
/// weights and folded into the convolution's once per step.
#[derive(Debug)]
pub(super) struct RepeatedConv2D {
    pub repetition: Repetition,
    /// The transposed convolution.
    pub geometry: Geometry,
    pub weights: Weights,
    /// The convolution's weight.
    pub weight: ParameterSpec,
}

impl RepeatedConv2D {
    fn convolution(&self) -> Convolution<'_> {
        Convolution { geometry: self.geometry, direction: Direction::Transposed, weights: &self.weights }
    }
}

impl<T: Scalar> Layer<T> for RepeatedConv2D {
    fn kind(&self) -> &'static str {
        "repeated_conv2d"
    }

    fn config(&self) -> Config {
        Config::new()
    }

    fn plan(&self, _input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        let plan = self.convolution().plan::<T>(self.weight.clone())?;
        let elements = checked_sum("packed weights of a convolution", &[self.geometry.weights_len(), plan.packed])?;
        Ok(plan.packed(elements))
    }

    #[inline(never)] // see `compiled.rs`
    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        let (_, packed) = context.packed.split_at(self.geometry.weights_len());
        self.convolution().forward(&Context { packed, ..*context }, pass);
    }

    #[inline(never)] // see `compiled.rs`
    fn backward(&self, context: &Context<'_, T>, pass: Backward<'_, T>) {
        self.convolution().backward(context, pass);
    }

    fn packing(&self) -> Option<&dyn Packing<T>> {
        Some(self)
    }
}

impl<T: Scalar> AccumulatedGradient<T> for RepeatedConv2D {
    fn accumulated(&self) -> usize {
        WEIGHT
    }

    fn accumulated_elements(&self) -> usize {
        self.geometry.weights_len()
    }

    #[inline(never)] // see `compiled.rs`
    fn finish_gradient(&self, accumulated: &[T], gradient: &mut [T]) {
        self.repetition.add_gradient(accumulated, gradient);
    }
}

impl<T: Scalar> Packing<T> for RepeatedConv2D {
    /// The transposed convolution's weights, followed by their packed form.
    fn pack(&self, _input_shape: Shape, parameters: Parameters<'_, T>, packed: &mut [T]) {
        let (sums, packed) = packed.split_at_mut(self.geometry.weights_len());
        self.repetition.sum_weights(parameters.of(WEIGHT), sums);
        self.convolution().pack(sums, packed);
    }

    fn pack_backward(
        &self,
        _input_shape: Shape,
        _parameters: Parameters<'_, T>,
        packed: &[T],
        packed_backward: &mut [T],
    ) {
        let (sums, _) = packed.split_at(self.geometry.weights_len());
        self.convolution().pack_backward(sums, packed_backward);
    }
}
