//! The largest value under each window.

use super::{Geometry, Window, pairs};
use crate::kernel::Element;
use crate::kernel::simd::{Operation, Simd, dispatch};

/// The largest value under each window.
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

#[inline(always)]
fn largest<T: Element, V: Simd<T>>(geometry: &Geometry, window: &Window, input: &[T], output: &mut [T]) {
    let output = &mut output[window.output..window.output + geometry.channels];
    for (index, output) in output.chunks_mut(V::LANES).enumerate() {
        let mut largest = V::splat(T::neg_infinity());
        for row in window.rows.clone() {
            for column in window.columns.clone() {
                let start = geometry.pixel(row, column) + index * V::LANES;
                largest = V::read(&input[start..start + output.len()]).max(largest);
            }
        }
        largest.write(output);
    }
}

/// Passes each window's gradient to the first value that equals its maximum.
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

/// Adds a window's gradient to the first of its pixels that holds the largest value.
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
                let hit = V::read(&input[start..start + count]).equal(largest);
                let target = &mut input_gradient[start..start + count];
                V::read(target).add(V::select(hit, left, zero)).write(target);
                left = V::select(hit, zero, left);
            }
        }
    }
}
