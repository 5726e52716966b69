//! Enlarging by repeating pixels.

use super::Geometry;
use crate::kernel::Element;
use crate::kernel::images::ImageMap;
use crate::kernel::simd::{Simd, Vector};

/// Each pixel repeated.
pub(super) struct Nearest<'a> {
    pub geometry: &'a Geometry,
}

impl<T: Element> ImageMap<T> for Nearest<'_> {
    /// Widens each input row once and copies the wide row.
    #[inline(always)]
    fn image<S: Simd<T>>(&self, simd: S, _: usize, input: &[T], output: &mut [T]) {
        let Geometry { input: [_, width], channels, factor: [down, across] } = *self.geometry;
        let wide = width * across * channels;
        for (input, output) in input.chunks_exact(width * channels).zip(output.chunks_exact_mut(down * wide)) {
            let (first, copies) = output.split_at_mut(wide);
            match (channels, across) {
                (1, 2) => repeat_values::<T, 2>(input, first),
                _ => repeat_pixels(simd, channels, across, input, first),
            }
            for copy in copies.chunks_exact_mut(wide) {
                copy.copy_from_slice(first);
            }
        }
    }
}

/// Repeats each value; vectorised by the compiler.
#[inline(always)]
fn repeat_values<T: Element, const TIMES: usize>(input: &[T], output: &mut [T]) {
    for (value, output) in input.iter().zip(output.as_chunks_mut::<TIMES>().0) {
        *output = [*value; TIMES];
    }
}

#[inline(always)]
fn repeat_pixels<T: Element, S: Simd<T>>(simd: S, channels: usize, times: usize, input: &[T], output: &mut [T]) {
    for (pixel, output) in input.chunks_exact(channels).zip(output.chunks_exact_mut(times * channels)) {
        for start in (0..channels).step_by(S::LANES) {
            let values = simd.read(&pixel[start..]);
            for copy in output.chunks_exact_mut(channels) {
                values.write(&mut copy[start..]);
            }
        }
    }
}

/// The gradients of each pixel's repetitions summed.
pub(super) struct NearestGradient<'a> {
    pub geometry: &'a Geometry,
}

impl<T: Element> ImageMap<T> for NearestGradient<'_> {
    #[inline(always)]
    fn image<S: Simd<T>>(&self, simd: S, _: usize, output_gradient: &[T], input_gradient: &mut [T]) {
        let Geometry { input: [_, width], channels, factor: [down, across] } = *self.geometry;
        let rows = input_gradient.chunks_exact_mut(width * channels);
        for (input, output) in rows.zip(output_gradient.chunks_exact(down * width * across * channels)) {
            match (channels, down, across) {
                (1, 2, 2) => add_values(output, input),
                _ => add_pixels(simd, channels, across, output, input),
            }
        }
    }
}

/// Sums 2 × 2 values; vectorised by the compiler.
#[inline(always)]
fn add_values<T: Element>(output: &[T], input: &mut [T]) {
    let (upper, lower) = output.split_at(output.len() / 2);
    let pairs = upper.as_chunks::<2>().0.iter().zip(lower.as_chunks::<2>().0);
    for (input, (upper, lower)) in input.iter_mut().zip(pairs) {
        *input = upper[0] + upper[1] + lower[0] + lower[1];
    }
}

#[inline(always)]
fn add_pixels<T: Element, S: Simd<T>>(simd: S, channels: usize, across: usize, output: &[T], input: &mut [T]) {
    let wide = input.len() * across;
    for (column, pixel) in input.chunks_exact_mut(channels).enumerate() {
        for (index, target) in pixel.chunks_mut(S::LANES).enumerate() {
            let mut sum = simd.zero();
            for row in output.chunks_exact(wide) {
                for copy in 0..across {
                    let start = (column * across + copy) * channels + index * S::LANES;
                    sum = sum.add(simd.read(&row[start..start + target.len()]));
                }
            }
            sum.write(target);
        }
    }
}
