//! The largest value under each window.

use super::{Geometry, Window, pairs};
use crate::kernel::Element;
use crate::kernel::simd::{Operation, Simd, dispatch};

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
    fn run<V: Simd<T>>(self) {
        let images = self.input.chunks_exact(self.lengths.0).zip(self.output.chunks_exact_mut(self.lengths.1));
        for (input, output) in images {
            if pairs::covers(self.geometry) {
                pairs::max(self.geometry, input, output);
            } else {
                for window in self.geometry.windows() {
                    largest::<T, V>(self.geometry, &window, input, output);
                }
            }
        }
    }
}

/// The largest values under one window, some vectors of channels at a time.
#[inline(always)]
fn largest<T: Element, V: Simd<T>>(geometry: &Geometry, window: &Window, input: &[T], output: &mut [T]) {
    let output = &mut output[window.output..window.output + geometry.channels];
    let mut channel = 0;
    while channel < output.len() {
        let output = &mut output[channel..];
        channel += match output.len() / V::LANES {
            4.. => largest_of::<T, V, 4>(geometry, window, &input[channel..], &mut output[..4 * V::LANES]),
            2.. => largest_of::<T, V, 2>(geometry, window, &input[channel..], &mut output[..2 * V::LANES]),
            1 => largest_of::<T, V, 1>(geometry, window, &input[channel..], &mut output[..V::LANES]),
            _ => largest_of_rest::<T, V>(geometry, window, &input[channel..], output),
        }
    }
}

/// Those of `C` vectors of channels; returns their number.
#[inline(always)]
fn largest_of<T: Element, V: Simd<T>, const C: usize>(
    geometry: &Geometry,
    window: &Window,
    input: &[T],
    output: &mut [T],
) -> usize {
    let mut largest = [V::splat(T::neg_infinity()); C];
    for row in window.rows.clone() {
        let mut start = geometry.pixel(row, window.columns.start);
        for _ in window.columns.clone() {
            let pixel = &input[start..start + C * V::LANES];
            for vector in 0..C {
                let values = V::read(&pixel[vector * V::LANES..(vector + 1) * V::LANES]);
                largest[vector] = values.max_or_nan(largest[vector]);
            }
            start += geometry.channels;
        }
    }
    for vector in 0..C {
        largest[vector].write(&mut output[vector * V::LANES..(vector + 1) * V::LANES]);
    }
    C * V::LANES
}

/// Those of fewer channels than a vector has lanes; returns their number.
#[inline(always)]
fn largest_of_rest<T: Element, V: Simd<T>>(
    geometry: &Geometry,
    window: &Window,
    input: &[T],
    output: &mut [T],
) -> usize {
    let mut largest = V::splat(T::neg_infinity());
    for row in window.rows.clone() {
        let mut start = geometry.pixel(row, window.columns.start);
        for _ in window.columns.clone() {
            largest = V::read(&input[start..start + output.len()]).max_or_nan(largest);
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
    fn run<V: Simd<T>>(self) {
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
                    to_first::<T, V>(self.geometry, &window, input, largest, gradient, input_gradient);
                }
            }
        }
    }
}

/// Adds a window's gradient to the first of its pixels that holds the largest value: that is not
/// less than it, which is also true of NaN.
#[inline(always)]
fn to_first<T: Element, V: Simd<T>>(
    geometry: &Geometry,
    window: &Window,
    input: &[T],
    largest: &[T],
    gradient: &[T],
    input_gradient: &mut [T],
) {
    let zero = V::splat(T::zero());
    for (index, (largest, gradient)) in largest.chunks(V::LANES).zip(gradient.chunks(V::LANES)).enumerate() {
        let (count, largest, mut left) = (largest.len(), V::read(largest), V::read(gradient));
        for row in window.rows.clone() {
            for column in window.columns.clone() {
                let start = geometry.pixel(row, column) + index * V::LANES;
                let less = V::read(&input[start..start + count]).less(largest);
                let target = &mut input_gradient[start..start + count];
                V::read(target).add(V::select(less, zero, left)).write(target);
                left = V::select(less, left, zero);
            }
        }
    }
}
