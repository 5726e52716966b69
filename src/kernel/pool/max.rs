//! The largest value under each window.

use super::{Geometry, Window, pairs};
use crate::kernel::Element;
use crate::kernel::simd::{Operation, Simd, Vector, dispatch};

/// The largest value under each window; NaN if one of them is.
pub fn max<T: Element>(geometry: &Geometry, input: &[T], output: &mut [T]) {
    let lengths = geometry.lengths(input.len(), output.len());
    dispatch(Max { geometry, lengths, input, output });
}

struct Max<'a, T> {
    geometry: &'a Geometry,
    lengths: (usize, usize),
    input: &'a [T],
    output: &'a mut [T],
}

impl<T: Element> Operation<T> for Max<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let images = self.input.chunks_exact(self.lengths.0).zip(self.output.chunks_exact_mut(self.lengths.1));
        for (input, output) in images {
            if pairs::covers(self.geometry) {
                pairs::max(self.geometry, input, output);
            } else {
                for window in self.geometry.windows() {
                    largest(simd, self.geometry, &window, input, output);
                }
            }
        }
    }
}

/// The largest values under one window, some vectors of channels at a time.
#[inline(always)]
fn largest<T: Element, S: Simd<T>>(simd: S, geometry: &Geometry, window: &Window, input: &[T], output: &mut [T]) {
    let output = &mut output[window.output..window.output + geometry.channels];
    let mut channel = 0;
    while channel < output.len() {
        let output = &mut output[channel..];
        channel += match output.len() / S::LANES {
            4.. => largest_of::<T, S, 4>(simd, geometry, window, &input[channel..], &mut output[..4 * S::LANES]),
            2.. => largest_of::<T, S, 2>(simd, geometry, window, &input[channel..], &mut output[..2 * S::LANES]),
            1 => largest_of::<T, S, 1>(simd, geometry, window, &input[channel..], &mut output[..S::LANES]),
            _ => largest_of_rest(simd, geometry, window, &input[channel..], output),
        }
    }
}

/// Those of `C` vectors of channels; returns their number.
#[inline(always)]
fn largest_of<T: Element, S: Simd<T>, const C: usize>(
    simd: S,
    geometry: &Geometry,
    window: &Window,
    input: &[T],
    output: &mut [T],
) -> usize {
    let mut largest = [simd.splat(T::neg_infinity()); C];
    for row in window.rows.clone() {
        let mut start = geometry.pixel(row, window.columns.start);
        for _ in window.columns.clone() {
            let pixel = &input[start..start + C * S::LANES];
            for vector in 0..C {
                let values = simd.read(&pixel[vector * S::LANES..(vector + 1) * S::LANES]);
                largest[vector] = values.max_or_nan(largest[vector]);
            }
            start += geometry.channels;
        }
    }
    for vector in 0..C {
        largest[vector].write(&mut output[vector * S::LANES..(vector + 1) * S::LANES]);
    }
    C * S::LANES
}

/// Those of fewer channels than a vector has lanes; returns their number.
#[inline(always)]
fn largest_of_rest<T: Element, S: Simd<T>>(
    simd: S,
    geometry: &Geometry,
    window: &Window,
    input: &[T],
    output: &mut [T],
) -> usize {
    let mut largest = simd.splat(T::neg_infinity());
    for row in window.rows.clone() {
        let mut start = geometry.pixel(row, window.columns.start);
        for _ in window.columns.clone() {
            largest = simd.read(&input[start..start + output.len()]).max_or_nan(largest);
            start += geometry.channels;
        }
    }
    largest.write(output);
    output.len()
}

/// Passes each window's gradient to the first value that equals its maximum, or to the first of all
/// where that is NaN.
pub fn max_gradient<T: Element>(
    geometry: &Geometry,
    input: &[T],
    output: &[T],
    output_gradient: &[T],
    input_gradient: &mut [T],
) {
    let lengths = geometry.lengths(input.len(), output.len());
    assert_eq!(output.len(), output_gradient.len(), "as many outputs as gradients");
    assert_eq!(input.len(), input_gradient.len(), "as many inputs as gradients");
    dispatch(MaxGradient { geometry, lengths, input, output, output_gradient, input_gradient });
}

struct MaxGradient<'a, T> {
    geometry: &'a Geometry,
    lengths: (usize, usize),
    input: &'a [T],
    output: &'a [T],
    output_gradient: &'a [T],
    input_gradient: &'a mut [T],
}

impl<T: Element> Operation<T> for MaxGradient<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let (inputs, outputs) = self.lengths;
        let inputs = self.input.chunks_exact(inputs).zip(self.input_gradient.chunks_exact_mut(inputs));
        let outputs = self.output.chunks_exact(outputs).zip(self.output_gradient.chunks_exact(outputs));
        for ((input, input_gradient), (output, output_gradient)) in inputs.zip(outputs) {
            input_gradient.fill(T::zero());
            if pairs::covers(self.geometry) {
                pairs::max_gradient(self.geometry, input, output, output_gradient, input_gradient);
            } else {
                for window in self.geometry.windows() {
                    let at = window.output..window.output + self.geometry.channels;
                    let (largest, gradient) = (&output[at.clone()], &output_gradient[at]);
                    to_first(simd, self.geometry, &window, input, largest, gradient, input_gradient);
                }
            }
        }
    }
}

/// Adds a window's gradient to the first of its pixels that holds the largest value: that is not
/// less than it, which is also true of NaN.
#[inline(always)]
fn to_first<T: Element, S: Simd<T>>(
    simd: S,
    geometry: &Geometry,
    window: &Window,
    input: &[T],
    largest: &[T],
    gradient: &[T],
    input_gradient: &mut [T],
) {
    let zero = simd.zero();
    for (index, (largest, gradient)) in largest.chunks(S::LANES).zip(gradient.chunks(S::LANES)).enumerate() {
        let (count, largest, mut left) = (largest.len(), simd.read(largest), simd.read(gradient));
        for row in window.rows.clone() {
            for column in window.columns.clone() {
                let start = geometry.pixel(row, column) + index * S::LANES;
                let less = simd.read(&input[start..start + count]).less(largest);
                let target = &mut input_gradient[start..start + count];
                simd.read(target).add(simd.select(less, zero, left)).write(target);
                left = simd.select(less, left, zero);
            }
        }
    }
}
