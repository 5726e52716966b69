//! [`Convolution`]: the passes that all convolutional layers share.

use super::weights::{BIAS, WEIGHT, Weights};
use super::{Activation, Backward, Forward};
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
    pub fn forward<T: Scalar>(&self, pass: Forward<'_, T>) {
        let images = Images {
            samples: pass.samples,
            source: pass.input,
            packed: pass.prepared,
            bias: self.weights.bias(pass.parameters),
            relu: pass.activation == Activation::Relu,
            target: pass.output,
            scratch: pass.scratch,
        };
        kernel::convolve(self.geometry, self.direction, images);
        if pass.activation != Activation::Relu {
            pass.activation.forward(pass.output_shape.channels(), pass.output, pass.cache);
        }
    }

    /// The input gradient is the convolution of the output gradient in the other direction.
    pub fn backward<T: Scalar>(&self, mut pass: Backward<'_, T>) {
        let channels = pass.output_shape.channels();
        pass.activation.backward(channels, pass.output, pass.cache, pass.output_gradient);
        let output_gradient = &*pass.output_gradient;
        if self.weights.bias {
            product::column_sums(output_gradient, channels, pass.gradients.of(BIAS));
        }
        let (large, small, back) = match self.direction {
            Direction::Forward => (pass.input, output_gradient, Direction::Transposed),
            Direction::Transposed => (output_gradient, pass.input, Direction::Forward),
        };
        let weight_gradient = pass.gradients.of(WEIGHT);
        kernel::weight_gradient(self.geometry, pass.samples, large, small, weight_gradient, pass.scratch);
        let Some(input_gradient) = pass.input_gradient else { return };
        let images = Images {
            samples: pass.samples,
            source: output_gradient,
            packed: pass.prepared_backward,
            bias: None,
            relu: false,
            target: input_gradient,
            scratch: pass.scratch,
        };
        kernel::convolve(self.geometry, back, images);
    }
}
