//! Max pooling of adjacent 2 × 2 windows, over images of few channels: since one pixel does not
//! fill a vector, the compiler vectorises over several windows.

use super::Geometry;
use crate::kernel::Element;
use crate::kernel::images::ImageMap;
use crate::kernel::simd::Simd;

/// Whether the windows are 2 × 2, adjacent, without padding, and there are one or two channels.
pub(super) fn covers(geometry: &Geometry) -> bool {
    let inside = (0..2).all(|axis| 2 * geometry.output[axis] <= geometry.input[axis]);
    let side_by_side = geometry.window == [2, 2] && geometry.stride == [2, 2] && geometry.padding == [0, 0];
    inside && side_by_side && (1..=2).contains(&geometry.channels)
}

/// The largest value under each window; NaN if one of them is.
pub(super) struct TwoByTwo<'a> {
    pub geometry: &'a Geometry,
}

impl<T: Element> ImageMap<T> for TwoByTwo<'_> {
    #[inline(always)]
    fn image<S: Simd<T>>(&self, _: S, _: usize, input: &[T], output: &mut [T]) {
        for (row, output) in output.chunks_exact_mut(self.geometry.output[1] * self.geometry.channels).enumerate() {
            let (upper, lower) = rows(self.geometry, row);
            match self.geometry.channels {
                1 => max_row::<T, 1>(&input[upper..lower], &input[lower..], output),
                _ => max_row::<T, 2>(&input[upper..lower], &input[lower..], output),
            }
        }
    }
}

#[inline(always)]
fn max_row<T: Element, const CHANNELS: usize>(upper: &[T], lower: &[T], output: &mut [T]) {
    let length = 2 * output.len(); // known to be equal, so that the loop has a single end
    let upper = upper[..length].as_chunks::<CHANNELS>().0.as_chunks::<2>().0;
    let lower = lower[..length].as_chunks::<CHANNELS>().0.as_chunks::<2>().0;
    for (output, (upper, lower)) in output.as_chunks_mut::<CHANNELS>().0.iter_mut().zip(upper.iter().zip(lower)) {
        for channel in 0..CHANNELS {
            let (a, b, c, d) = (upper[0][channel], upper[1][channel], lower[0][channel], lower[1][channel]);
            let largest = larger(larger(a, b), larger(c, d)).or_nan_if(a.is_nan() | b.is_nan());
            output[channel] = largest.or_nan_if(c.is_nan() | d.is_nan());
        }
    }
}

/// The larger of two numbers, the first if they are equal.
#[inline(always)]
fn larger<T: Element>(a: T, b: T) -> T {
    if b > a { b } else { a }
}

/// Passes each window's gradient to the first value that is not less than its maximum (the first of
/// all where that is NaN).
pub(super) struct TwoByTwoGradient<'a, T> {
    pub geometry: &'a Geometry,
    pub input: &'a [T],
    pub output: &'a [T],
}

impl<T: Element> ImageMap<T> for TwoByTwoGradient<'_, T> {
    #[inline(always)]
    fn image<S: Simd<T>>(&self, _: S, index: usize, output_gradient: &[T], input_gradient: &mut [T]) {
        let input = &self.input[index * input_gradient.len()..][..input_gradient.len()];
        let output = &self.output[index * output_gradient.len()..][..output_gradient.len()];
        let length = self.geometry.output[1] * self.geometry.channels;
        input_gradient.fill(T::zero());
        let outputs = output.chunks_exact(length).zip(output_gradient.chunks_exact(length));
        for (row, (output, gradient)) in outputs.enumerate() {
            let (upper, lower) = rows(self.geometry, row);
            let (above, below) = input_gradient[upper..].split_at_mut(lower - upper);
            let (upper, lower) = (&input[upper..lower], &input[lower..]);
            match self.geometry.channels {
                1 => gradient_row::<T, 1>(upper, lower, output, gradient, above, below),
                _ => gradient_row::<T, 2>(upper, lower, output, gradient, above, below),
            }
        }
    }
}

#[inline(always)]
fn gradient_row<T: Element, const CHANNELS: usize>(
    upper: &[T],
    lower: &[T],
    output: &[T],
    gradient: &[T],
    upper_gradient: &mut [T],
    lower_gradient: &mut [T],
) {
    let count = output.len() / CHANNELS;
    let (output, gradient) = (&output.as_chunks::<CHANNELS>().0[..count], &gradient.as_chunks::<CHANNELS>().0[..count]);
    let upper = &upper.as_chunks::<CHANNELS>().0.as_chunks::<2>().0[..count];
    let lower = &lower.as_chunks::<CHANNELS>().0.as_chunks::<2>().0[..count];
    let upper_gradient = &mut upper_gradient.as_chunks_mut::<CHANNELS>().0.as_chunks_mut::<2>().0[..count];
    let lower_gradient = &mut lower_gradient.as_chunks_mut::<CHANNELS>().0.as_chunks_mut::<2>().0[..count];
    for at in 0..count {
        for channel in 0..CHANNELS {
            let (largest, given) = (output[at][channel], gradient[at][channel]);
            let less = [upper[at][0][channel], upper[at][1][channel], lower[at][0][channel], lower[at][1][channel]]
                .map(|value| value < largest);
            let give = |first: bool| if first { given } else { T::zero() };
            upper_gradient[at][0][channel] = give(!less[0]);
            upper_gradient[at][1][channel] = give(less[0] & !less[1]);
            lower_gradient[at][0][channel] = give(less[0] & less[1] & !less[2]);
            lower_gradient[at][1][channel] = give(less[0] & less[1] & less[2] & !less[3]);
        }
    }
}

/// The offsets of the two input rows under a row of windows.
fn rows(geometry: &Geometry, row: usize) -> (usize, usize) {
    (geometry.pixel(2 * row, 0), geometry.pixel(2 * row + 1, 0))
}
