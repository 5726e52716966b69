//! Convolution of images height × width × channels, channels fastest, one sample after the other.
//!
//! `output[y][x][f] = bias[f] + Σ input[y·s + i·d − p][x·s + j·d − p][c] · weight[i][j][c][f]` over the kernel's rows `i`,
//! columns `j` and the channels `c`, with stride `s`, dilation `d` and padding `p` of each axis, and zeros outside the
//! image. Weights are kernel height × kernel width × channels × filters, as in Keras.
//!
//! Patches are not copied: a sample goes into scratch once, with its border of zeros, and there a row of a patch is
//! already contiguous. The input gradient is the same computation with kernel and roles turned around, one for each
//! residue of the stride (`axis`).

mod axis;
mod correlation;
mod few_columns;
mod frame;
mod gradient;
mod repetition;
#[cfg(test)]
mod tests;

use super::Element;
use axis::Axis;
use correlation::{Correlation, Weights};
pub use repetition::Repetition;

/// Sizes of a convolution; pairs are (vertical, horizontal).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Geometry {
    pub input: [usize; 2],
    pub channels: usize,
    pub filters: usize,
    pub kernel: [usize; 2],
    pub stride: [usize; 2],
    pub dilation: [usize; 2],
    /// Zeros above and to the left of the image. Those below and to the right follow from the size of the output.
    pub padding: [usize; 2],
    pub output: [usize; 2],
}

impl Geometry {
    pub fn input_len(&self) -> usize {
        self.input[0] * self.input[1] * self.channels
    }

    pub fn output_len(&self) -> usize {
        self.output[0] * self.output[1] * self.filters
    }

    pub fn weights_len(&self) -> usize {
        self.kernel[0] * self.kernel[1] * self.channels * self.filters
    }

    fn axes(&self) -> [Axis; 2] {
        [0, 1].map(|axis| Axis {
            input: self.input[axis],
            kernel: self.kernel[axis],
            stride: self.stride[axis],
            dilation: self.dilation[axis],
            padding: self.padding[axis],
            output: self.output[axis],
        })
    }

    /// The convolution as a correlation: images of the input become images of the output.
    fn forward(&self) -> Correlation {
        Correlation {
            phases: self.axes().map(|axis| axis.forward()),
            source: self.input,
            channels: self.channels,
            target: self.output,
            columns: self.filters,
            weights: Weights {
                kernel_width: self.kernel[1],
                tap: self.channels * self.filters,
                channel: self.filters,
                column: 1,
            },
        }
    }

    /// Its input gradient as a correlation: images of the output become images of the input.
    fn backward(&self) -> Correlation {
        Correlation {
            phases: self.axes().map(|axis| axis.backward()),
            source: self.output,
            channels: self.filters,
            target: self.input,
            columns: self.channels,
            weights: Weights {
                kernel_width: self.kernel[1],
                tap: self.channels * self.filters,
                channel: 1,
                column: self.filters,
            },
        }
    }
}

/// The length of the weights packed for [`forward`].
pub fn packed_len<T: Element>(geometry: &Geometry) -> usize {
    geometry.forward().packed_len::<T>()
}

/// Packs the weights for [`forward`].
pub fn pack<T: Element>(geometry: &Geometry, weights: &[T], packed: &mut [T]) {
    assert_eq!(weights.len(), geometry.weights_len(), "length of the weights");
    geometry.forward().pack(weights, packed);
}

/// The length of the weights packed for [`input_gradient`].
pub fn packed_gradient_len<T: Element>(geometry: &Geometry) -> usize {
    geometry.backward().packed_len::<T>()
}

/// Packs the weights for [`input_gradient`].
pub fn pack_gradient<T: Element>(geometry: &Geometry, weights: &[T], packed: &mut [T]) {
    assert_eq!(weights.len(), geometry.weights_len(), "length of the weights");
    geometry.backward().pack(weights, packed);
}

/// The length of the scratch that each of the three passes needs, for any number of samples.
pub fn scratch_len<T: Element>(geometry: &Geometry) -> usize {
    geometry.forward().scratch_len::<T>().max(geometry.backward().scratch_len::<T>())
}

/// Computes the outputs of samples; then `max(0, ·)` if `relu`. The bits of a sample do not depend on the others.
#[allow(clippy::too_many_arguments)]
pub fn forward<T: Element>(
    geometry: &Geometry,
    samples: usize,
    input: &[T],
    packed: &[T],
    bias: Option<&[T]>,
    relu: bool,
    output: &mut [T],
    scratch: &mut [T],
) {
    assert_eq!(input.len(), samples * geometry.input_len(), "length of the input");
    assert_eq!(output.len(), samples * geometry.output_len(), "length of the output");
    assert!(bias.is_none_or(|bias| bias.len() == geometry.filters), "length of the bias");
    geometry.forward().run(samples, input, packed, bias, relu, output, scratch);
}

/// Computes the gradient of the inputs of samples; what the output does not depend on gets zero.
pub fn input_gradient<T: Element>(
    geometry: &Geometry,
    samples: usize,
    output_gradient: &[T],
    packed: &[T],
    input_gradient: &mut [T],
    scratch: &mut [T],
) {
    transposed(geometry, samples, output_gradient, packed, None, false, input_gradient, scratch);
}

/// Computes the transposed convolution: from samples of the size of `geometry`'s output to samples of the size of its input, each the bias
/// plus what [`input_gradient`] computes; then `max(0, ·)` if `relu`.
#[allow(clippy::too_many_arguments)]
pub fn transposed<T: Element>(
    geometry: &Geometry,
    samples: usize,
    small: &[T],
    packed: &[T],
    bias: Option<&[T]>,
    relu: bool,
    large: &mut [T],
    scratch: &mut [T],
) {
    assert_eq!(small.len(), samples * geometry.output_len(), "length of the small images");
    assert_eq!(large.len(), samples * geometry.input_len(), "length of the large images");
    assert!(bias.is_none_or(|bias| bias.len() == geometry.channels), "length of the bias");
    geometry.backward().run(samples, small, packed, bias, relu, large, scratch);
}

/// Adds the gradient of the weights over samples to `gradient`.
pub fn weight_gradient<T: Element>(
    geometry: &Geometry,
    samples: usize,
    input: &[T],
    output_gradient: &[T],
    gradient: &mut [T],
    scratch: &mut [T],
) {
    assert_eq!(input.len(), samples * geometry.input_len(), "length of the input");
    assert_eq!(output_gradient.len(), samples * geometry.output_len(), "length of the output gradient");
    assert_eq!(gradient.len(), geometry.weights_len(), "length of the gradient");
    gradient::add(geometry, samples, input, output_gradient, gradient, scratch);
}
