//! A convolution of an image with repeated pixels, computed without that image.
//!
//! Repeating each pixel of a small image `a` times vertically and horizontally and convolving the
//! large image with the weights `w` is a transposed convolution of the small one: with stride `a`,
//! and along each axis with the kernel `K[m] = Σ w[k − 1 − m + j]` over the `j < a` for which there
//! is such a weight, `k + a − 1` elements of it. That takes `((k + a − 1) / (k·a))²` of the
//! multiplications: 4/9 for a kernel of 3 and a repetition of 2.

use super::Geometry;
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
        self.for_each_pair(|place, sum| {
            for (channel, filter) in self.pairs() {
                sums[self.in_sums(sum, channel, filter)] += weights[self.in_weights(place, channel, filter)];
            }
        });
    }

    /// Adds the gradient with respect to the weights, given that with respect to their sums.
    pub fn add_gradient<T: Element>(&self, sums: &[T], gradient: &mut [T]) {
        self.for_each_pair(|place, sum| {
            for (channel, filter) in self.pairs() {
                gradient[self.in_weights(place, channel, filter)] += sums[self.in_sums(sum, channel, filter)];
            }
        });
    }

    /// Visits every position of the convolution's kernel with every position of the other kernel
    /// whose sum it is a term of.
    fn for_each_pair(&self, mut visit: impl FnMut(usize, usize)) {
        let ([height, width], sums) = (self.large.kernel, self.geometry().kernel);
        for (row, column) in (0..height).flat_map(|row| (0..width).map(move |column| (row, column))) {
            for (down, across) in
                (0..self.factor[0]).flat_map(|down| (0..self.factor[1]).map(move |across| (down, across)))
            {
                visit(row * width + column, (height - 1 - row + down) * sums[1] + width - 1 - column + across);
            }
        }
    }

    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        let filters = self.large.filters;
        (0..self.large.channels).flat_map(move |channel| (0..filters).map(move |filter| (channel, filter)))
    }

    fn in_weights(&self, place: usize, channel: usize, filter: usize) -> usize {
        (place * self.large.channels + channel) * self.large.filters + filter
    }

    fn in_sums(&self, place: usize, channel: usize, filter: usize) -> usize {
        (place * self.large.filters + filter) * self.large.channels + channel
    }
}
