//! The mean of the values under each window.

use super::{Geometry, Window};
use crate::kernel::Element;
use crate::kernel::simd::{Operation, Simd, Vector, dispatch};

/// The mean of the values under each window.
pub fn average<T: Element>(geometry: &Geometry, input: &[T], output: &mut [T]) {
    let lengths = geometry.lengths(input.len(), output.len());
    dispatch(Average { geometry, lengths, input, output });
}

struct Average<'a, T> {
    geometry: &'a Geometry,
    lengths: (usize, usize),
    input: &'a [T],
    output: &'a mut [T],
}

impl<T: Element> Operation<T> for Average<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let images = self.input.chunks_exact(self.lengths.0).zip(self.output.chunks_exact_mut(self.lengths.1));
        for (input, output) in images {
            for window in self.geometry.windows() {
                mean(simd, self.geometry, &window, input, output);
            }
        }
    }
}

#[inline(always)]
fn mean<T: Element, S: Simd<T>>(simd: S, geometry: &Geometry, window: &Window, input: &[T], output: &mut [T]) {
    let share = simd.splat(share(window));
    let output = &mut output[window.output..window.output + geometry.channels];
    for (index, output) in output.chunks_mut(S::LANES).enumerate() {
        let mut sum = simd.zero();
        for row in window.rows.clone() {
            for column in window.columns.clone() {
                let start = geometry.pixel(row, column) + index * S::LANES;
                sum = sum.add(simd.read(&input[start..start + output.len()]));
            }
        }
        sum.mul(share).write(output);
    }
}

/// Distributes each window's gradient equally among the values under it.
pub fn average_gradient<T: Element>(geometry: &Geometry, output_gradient: &[T], input_gradient: &mut [T]) {
    let lengths = geometry.lengths(input_gradient.len(), output_gradient.len());
    dispatch(AverageGradient { geometry, lengths, output_gradient, input_gradient });
}

struct AverageGradient<'a, T> {
    geometry: &'a Geometry,
    lengths: (usize, usize),
    output_gradient: &'a [T],
    input_gradient: &'a mut [T],
}

impl<T: Element> Operation<T> for AverageGradient<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let (inputs, outputs) = self.lengths;
        let images = self.input_gradient.chunks_exact_mut(inputs).zip(self.output_gradient.chunks_exact(outputs));
        for (input_gradient, output_gradient) in images {
            input_gradient.fill(T::zero());
            for window in self.geometry.windows() {
                spread(simd, self.geometry, &window, output_gradient, input_gradient);
            }
        }
    }
}

#[inline(always)]
fn spread<T: Element, S: Simd<T>>(simd: S, geometry: &Geometry, window: &Window, output: &[T], input: &mut [T]) {
    let share = simd.splat(share(window));
    let output = &output[window.output..window.output + geometry.channels];
    for (index, output) in output.chunks(S::LANES).enumerate() {
        let shared = simd.read(output).mul(share);
        for row in window.rows.clone() {
            for column in window.columns.clone() {
                let start = geometry.pixel(row, column) + index * S::LANES;
                let target = &mut input[start..start + output.len()];
                simd.read(target).add(shared).write(target);
            }
        }
    }
}

/// One over the number of pixels.
fn share<T: Element>(window: &Window) -> T {
    T::one() / T::from(window.rows.len() * window.columns.len()).unwrap_or_else(T::one)
}
