//! A convolution of an image with repeated pixels, computed without that image.
//!
//! Repeating each pixel of a small image `a` times vertically and horizontally and convolving the
//! large image with the weights `w` is a transposed convolution of the small one: with stride `a`,
//! and along each axis with the kernel `K[m] = Σ w[k − 1 − m + j]` over the `j < a` for which there
//! is such a weight, `k + a − 1` elements of it. That takes `((k + a − 1) / (k·a))²` of the
//! multiplications: 4/9 for a kernel of 3 and a repetition of 2.

use super::{Geometry, grid};
use crate::kernel::Element;

/// A convolution of an image with repeated pixels.
#[derive(Clone, Copy, Debug)]
pub struct Repetition {
    /// The convolution of the large image; stride and dilation are 1.
    large: Geometry,
    /// How often a pixel is repeated, vertically and horizontally.
    factor: [usize; 2],
}

impl Repetition {
    /// `None` if the large image is not the small one repeated, or the convolution has a stride, a
    /// dilation or padding as large as its kernel.
    pub fn new(large: Geometry, factor: [usize; 2]) -> Option<Self> {
        let plain = large.stride == [1, 1] && large.dilation == [1, 1];
        let whole = (0..2).all(|axis| factor[axis] > 0 && large.input[axis].is_multiple_of(factor[axis]));
        let inside = (0..2).all(|axis| large.padding[axis] < large.kernel[axis]);
        (plain && whole && inside).then_some(Self { large, factor })
    }

    /// The transposed convolution: its input is the large output, its output the small image.
    pub fn geometry(&self) -> Geometry {
        let Self { large, factor } = self;
        Geometry {
            input: large.output,
            channels: large.filters,
            filters: large.channels,
            kernel: [0, 1].map(|axis| large.kernel[axis] + factor[axis] - 1),
            stride: *factor,
            dilation: [1, 1],
            padding: [0, 1].map(|axis| large.kernel[axis] - 1 - large.padding[axis]),
            output: [0, 1].map(|axis| large.input[axis] / factor[axis]),
        }
    }

    /// Writes the transposed convolution's weights, each a sum of the convolution's.
    pub fn sum_weights<T: Element>(&self, weights: &[T], sums: &mut [T]) {
        sums.fill(T::zero());
        self.for_each_term(|position, sum| {
            for (channel, filter) in grid(self.large.channels, self.large.filters) {
                sums[self.in_sums(sum, channel, filter)] += weights[self.in_weights(position, channel, filter)];
            }
        });
    }

    /// Adds the gradient with respect to the weights, given that with respect to their sums.
    pub fn add_gradient<T: Element>(&self, sums: &[T], gradient: &mut [T]) {
        self.for_each_term(|position, sum| {
            for (channel, filter) in grid(self.large.channels, self.large.filters) {
                gradient[self.in_weights(position, channel, filter)] += sums[self.in_sums(sum, channel, filter)];
            }
        });
    }

    /// Visits every position of the convolution's kernel with every position of the other kernel
    /// whose sum it is a term of.
    fn for_each_term(&self, mut visit: impl FnMut(usize, usize)) {
        let ([height, width], sums) = (self.large.kernel, self.geometry().kernel);
        for (row, column) in grid(height, width) {
            for (down, across) in grid(self.factor[0], self.factor[1]) {
                visit(row * width + column, (height - 1 - row + down) * sums[1] + width - 1 - column + across);
            }
        }
    }

    fn in_weights(&self, position: usize, channel: usize, filter: usize) -> usize {
        (position * self.large.channels + channel) * self.large.filters + filter
    }

    fn in_sums(&self, position: usize, channel: usize, filter: usize) -> usize {
        (position * self.large.filters + filter) * self.large.channels + channel
    }
}
