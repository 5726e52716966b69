//! [`Convolution`]: what all convolutional layers share: their plan, packing and passes.

use super::weights::{BIAS, WEIGHT, Weights};
use super::{Activation, Backward, Context, Forward, ParameterSpec, Plan};
use crate::kernel::convolution::{self as kernel, Direction, Geometry, Images};
use crate::kernel::product;
use crate::shape::checked_product;
use crate::{Scalar, Shape, ShapeError};

/// A convolution in one direction, with bias and activation.
pub(super) struct Convolution<'a> {
    pub geometry: Geometry,
    pub direction: Direction,
    pub weights: &'a Weights,
}

impl Convolution<'_> {
    /// The weight, of shape kernel height × kernel width × channels of the large image × channels
    /// of the small one.
    pub fn weight(&self) -> ParameterSpec {
        self.weights.weight(&self.weight_shape())
    }

    fn weight_shape(&self) -> [usize; 4] {
        let Geometry { kernel: [height, width], channels, filters, .. } = self.geometry;
        [height, width, channels, filters]
    }

    /// The direction of the input's gradient.
    fn back(&self) -> Direction {
        match self.direction {
            Direction::Forward => Direction::Transposed,
            Direction::Transposed => Direction::Forward,
        }
    }

    /// The plan of a layer with this `weight`.
    pub fn plan<T: Scalar>(&self, weight: ParameterSpec) -> Result<Plan, ShapeError> {
        let Geometry { input: large, output: small, channels, filters, .. } = self.geometry;
        let ([height, width], channels) = match self.direction {
            Direction::Forward => (small, filters),
            Direction::Transposed => (large, channels),
        };
        let output = Shape::image(height, width, channels).checked()?;
        let products = checked_product("weights of a convolution", &self.weight_shape())?;
        Ok(self
            .weights
            .plan(output, weight)?
            .packed(kernel::packed_len::<T>(&self.geometry, self.direction))
            .packed_backward(kernel::packed_len::<T>(&self.geometry, self.back()))
            .scratch(kernel::scratch_len::<T>(&self.geometry))
            .work_per_sample(products.saturating_mul(small[0] * small[1])))
    }

    pub fn pack<T: Scalar>(&self, weight: &[T], packed: &mut [T]) {
        kernel::pack(&self.geometry, self.direction, weight, packed);
    }

    pub fn pack_backward<T: Scalar>(&self, weight: &[T], packed_backward: &mut [T]) {
        kernel::pack(&self.geometry, self.back(), weight, packed_backward);
    }

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
        kernel::convolve(&self.geometry, self.direction, images);
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
        let (large, small) = match self.direction {
            Direction::Forward => (pass.input, output_gradient),
            Direction::Transposed => (output_gradient, pass.input),
        };
        let weight_gradient = pass.gradients.of(WEIGHT);
        kernel::weight_gradient(&self.geometry, context.samples, large, small, weight_gradient, pass.scratch);
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
        kernel::convolve(&self.geometry, self.back(), images);
    }
}
