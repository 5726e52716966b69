//! Convolution of images height × width × channels, channels fastest, one sample after the other.
//!
//! `output[y][x][f] = bias[f] + Σ input[y·s + i·d − p][x·s + j·d − p][c] · weight[i][j][c][f]` over
//! the kernel's rows `i`, columns `j` and the channels `c`, with stride `s`, dilation `d` and
//! padding `p` of each axis, and zeros outside the image. Weights are kernel height × kernel width
//! × channels × filters, as in Keras.
//!
//! Patches are not copied: a sample is copied to scratch once, with zero padding, where each row of
//! a patch is contiguous. The transposed convolution is the same computation with flipped kernel
//! and swapped roles, one for each residue of the stride (`axis`).

mod axis;
mod correlation;
mod few_columns;
mod gradient;
mod padded_image;
mod repetition;
#[cfg(test)]
mod tests;

use super::{Element, elements};
use axis::Axis;
use correlation::{Correlation, WeightStrides};
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
    /// Zero padding above and to the left of the image; that below and to the right follows from
    /// the output size.
    pub padding: [usize; 2],
    pub output: [usize; 2],
}

impl Geometry {
    pub fn input_len(&self) -> usize {
        elements(&[self.input[0], self.input[1], self.channels])
    }

    pub fn output_len(&self) -> usize {
        elements(&[self.output[0], self.output[1], self.filters])
    }

    pub fn weights_len(&self) -> usize {
        elements(&[self.kernel[0], self.kernel[1], self.channels, self.filters])
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

    /// The sums to compute for a direction.
    fn correlation(&self, direction: Direction) -> Correlation {
        match direction {
            Direction::Forward => self.forward(),
            Direction::Transposed => self.transposed(),
        }
    }

    fn forward(&self) -> Correlation {
        Correlation {
            phases: self.axes().map(|axis| axis.forward()),
            source: self.input,
            channels: self.channels,
            target: self.output,
            columns: self.filters,
            weights: WeightStrides {
                kernel_width: self.kernel[1],
                tap: self.channels * self.filters,
                channel: self.filters,
                column: 1,
            },
        }
    }

    fn transposed(&self) -> Correlation {
        Correlation {
            phases: self.axes().map(|axis| axis.backward()),
            source: self.output,
            channels: self.filters,
            target: self.input,
            columns: self.channels,
            weights: WeightStrides {
                kernel_width: self.kernel[1],
                tap: self.channels * self.filters,
                channel: 1,
                column: self.filters,
            },
        }
    }
}

/// The direction of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Computes the output from the input.
    Forward,
    /// Computes an image of input size from one of output size by the transposed convolution.
    /// Without a bias this turns the output gradient into the input gradient, which is zero
    /// where the output does not depend on the input.
    Transposed,
}

/// The length of the weights packed for a direction.
pub fn packed_len<T: Element>(geometry: &Geometry, direction: Direction) -> usize {
    geometry.correlation(direction).packed_len::<T>()
}

/// Packs the weights for a direction.
pub fn pack<T: Element>(geometry: &Geometry, direction: Direction, weights: &[T], packed: &mut [T]) {
    assert_eq!(weights.len(), geometry.weights_len(), "length of the weights");
    geometry.correlation(direction).pack(weights, packed);
}

/// The length of the scratch that both directions and the weight gradient need, for any number of
/// samples.
pub fn scratch_len<T: Element>(geometry: &Geometry) -> usize {
    geometry.forward().scratch_len::<T>().max(geometry.transposed().scratch_len::<T>())
}

/// The samples to convolve in one direction.
pub struct Images<'a, T> {
    pub samples: usize,
    /// The images to read, for all samples.
    pub source: &'a [T],
    /// The weights, packed for this direction.
    pub packed: &'a [T],
    /// One value per channel of the target.
    pub bias: Option<&'a [T]>,
    /// Whether to apply `max(0, ·)` last.
    pub relu: bool,
    /// The images to write, for all samples.
    pub target: &'a mut [T],
    /// [`scratch_len`] elements.
    pub scratch: &'a mut [T],
}

/// Computes the targets of samples. The bits of a sample do not depend on the others.
pub fn convolve<T: Element>(geometry: &Geometry, direction: Direction, images: Images<'_, T>) {
    geometry.correlation(direction).run(images);
}

/// Adds the gradient with respect to the weights, summed over samples, to `gradient`.
pub fn weight_gradient<T: Element>(
    geometry: &Geometry,
    samples: usize,
    input: &[T],
    output_gradient: &[T],
    gradient: &mut [T],
    scratch: &mut [T],
) {
    assert_eq!(input.len(), elements(&[samples, geometry.input_len()]), "length of the input");
    assert_eq!(output_gradient.len(), elements(&[samples, geometry.output_len()]), "length of the output gradient");
    assert_eq!(gradient.len(), geometry.weights_len(), "length of the gradient");
    gradient::add(geometry, samples, input, output_gradient, gradient, scratch);
}

/// All pairs of indices below two numbers, the second one fastest.
fn grid(first: usize, second: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..first).flat_map(move |one| (0..second).map(move |two| (one, two)))
}
