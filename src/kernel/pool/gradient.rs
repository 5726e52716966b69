//! The gradient with respect to the pixels under each window.

use super::Geometry;
use crate::kernel::Element;
use crate::kernel::images::ImageMap;
use crate::kernel::simd::{Simd, Vector};

/// If `MAX`, the first pixel that holds a window's largest value gets its gradient: that is not
/// less than it, which is also true of NaN. Else all get the same.
pub(super) struct PoolGradient<'a, T, const MAX: bool> {
    pub geometry: &'a Geometry,
    /// All input and output images; not read unless `MAX`.
    pub input: &'a [T],
    pub output: &'a [T],
}

impl<T: Element, const MAX: bool> ImageMap<T> for PoolGradient<'_, T, MAX> {
    #[inline(always)]
    fn image<S: Simd<T>>(&self, simd: S, index: usize, output_gradient: &[T], input_gradient: &mut [T]) {
        let (geometry, zero) = (self.geometry, simd.zero());
        let images = if MAX { index..index + 1 } else { 0..0 };
        let input = &self.input[images.start * input_gradient.len()..images.end * input_gradient.len()];
        let output = &self.output[images.start * output_gradient.len()..images.end * output_gradient.len()];
        input_gradient.fill(T::zero());
        for window in geometry.windows() {
            let weight = simd.splat(window.mean_weight());
            let gradients = &output_gradient[window.output..window.output + geometry.channels];
            for (index, gradient) in gradients.chunks(S::LANES).enumerate() {
                let (channel, count) = (index * S::LANES, gradient.len());
                let largest = if MAX { simd.read(&output[window.output + channel..][..count]) } else { zero };
                let mut left = if MAX { simd.read(gradient) } else { simd.read(gradient).mul(weight) };
                for row in window.rows.clone() {
                    for column in window.columns.clone() {
                        let start = geometry.pixel(row, column) + channel;
                        let mut given = left;
                        if MAX {
                            let less = simd.read(&input[start..start + count]).less(largest);
                            given = simd.select(less, zero, left);
                            left = simd.select(less, left, zero);
                        }
                        let target = &mut input_gradient[start..start + count];
                        simd.read(target).add(given).write(target);
                    }
                }
            }
        }
    }
}
