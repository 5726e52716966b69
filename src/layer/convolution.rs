//! [`Convolution`]: the passes that all convolutional layers share.

use super::weights::{BIAS, WEIGHT, Weights};
use super::{Activation, Backward, Context, Forward};
use crate::Scalar;
use crate::kernel::convolution::{self as kernel, Direction, Geometry, Images};
use crate::kernel::product;

/// A convolution in one direction, with bias and activation.
pub(super) struct Convolution<'a> {
    pub geometry: &'a Geometry,
    pub direction: Direction,
    pub weights: &'a Weights,
}

impl Convolution<'_> {
    pub fn forward<T: Scalar>(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        let images = Images {
            samples: context.samples,
            source: pass.input,
            packed: context.packed,
            bias: self.weights.bias(context.parameters),
            relu: context.activation == Activation::Relu,
            target: pass.output,
            scratch: pass.scratch,
        };
        kernel::convolve(self.geometry, self.direction, images);
        if context.activation != Activation::Relu {
            context.activation.forward(context.output_shape.channels(), pass.output, pass.cache);
        }
    }

    /// The input gradient is the convolution of the output gradient in the other direction.
    pub fn backward<T: Scalar>(&self, context: &Context<'_, T>, mut pass: Backward<'_, T>) {
        let channels = context.output_shape.channels();
        context.activation.backward(channels, pass.output, pass.cache, pass.output_gradient);
        let output_gradient = &*pass.output_gradient;
        if self.weights.bias {
            product::column_sums(output_gradient, channels, pass.gradients.of(BIAS));
        }
        let (large, small, back) = match self.direction {
            Direction::Forward => (pass.input, output_gradient, Direction::Transposed),
            Direction::Transposed => (output_gradient, pass.input, Direction::Forward),
        };
        let weight_gradient = pass.gradients.of(WEIGHT);
        kernel::weight_gradient(self.geometry, context.samples, large, small, weight_gradient, pass.scratch);
        let Some(input_gradient) = pass.input_gradient else { return };
        let images = Images {
            samples: context.samples,
            source: output_gradient,
            packed: context.packed_backward,
            bias: None,
            relu: false,
            target: input_gradient,
            scratch: pass.scratch,
        };
        kernel::convolve(self.geometry, back, images);
    }
}
