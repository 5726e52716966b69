//! The mean of the values under each window.

use super::{Geometry, Window};
use crate::kernel::Element;
use crate::kernel::simd::{Operation, Simd, dispatch};

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
    fn run<V: Simd<T>>(self) {
        let images = self.input.chunks_exact(self.lengths.0).zip(self.output.chunks_exact_mut(self.lengths.1));
        for (input, output) in images {
            for window in self.geometry.windows() {
                mean::<T, V>(self.geometry, &window, input, output);
            }
        }
    }
}

#[inline(always)]
fn mean<T: Element, V: Simd<T>>(geometry: &Geometry, window: &Window, input: &[T], output: &mut [T]) {
    let share = V::splat(share(window));
    let output = &mut output[window.output..window.output + geometry.channels];
    for (index, output) in output.chunks_mut(V::LANES).enumerate() {
        let mut sum = V::splat(T::zero());
        for row in window.rows.clone() {
            for column in window.columns.clone() {
                let start = geometry.pixel(row, column) + index * V::LANES;
                sum = sum.add(V::read(&input[start..start + output.len()]));
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
    fn run<V: Simd<T>>(self) {
        let (inputs, outputs) = self.lengths;
        let images = self.input_gradient.chunks_exact_mut(inputs).zip(self.output_gradient.chunks_exact(outputs));
        for (input_gradient, output_gradient) in images {
            input_gradient.fill(T::zero());
            for window in self.geometry.windows() {
                spread::<T, V>(self.geometry, &window, output_gradient, input_gradient);
            }
        }
    }
}

#[inline(always)]
fn spread<T: Element, V: Simd<T>>(geometry: &Geometry, window: &Window, output: &[T], input: &mut [T]) {
    let share = V::splat(share(window));
    let output = &output[window.output..window.output + geometry.channels];
    for (index, output) in output.chunks(V::LANES).enumerate() {
        let shared = V::read(output).mul(share);
        for row in window.rows.clone() {
            for column in window.columns.clone() {
                let start = geometry.pixel(row, column) + index * V::LANES;
                let target = &mut input[start..start + output.len()];
                V::read(target).add(shared).write(target);
            }
        }
    }
}

/// One over the number of pixels.
fn share<T: Element>(window: &Window) -> T {
    T::one() / T::from(window.rows.len() * window.columns.len()).unwrap_or_else(T::one)
}
