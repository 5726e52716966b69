//! The largest value, or the mean, under each window.

use super::{Geometry, Window};
use crate::kernel::Element;
use crate::kernel::images::ImageMap;
use crate::kernel::simd::{Simd, Vector};

/// The largest value under each window if `MAX`, else the mean.
pub(super) struct Pool<'a, const MAX: bool> {
    pub geometry: &'a Geometry,
}

impl<T: Element, const MAX: bool> ImageMap<T> for Pool<'_, MAX> {
    /// Some vectors of channels at a time.
    #[inline(always)]
    fn image<S: Simd<T>>(&self, simd: S, _: usize, input: &[T], output: &mut [T]) {
        for window in self.geometry.windows() {
            let output = &mut output[window.output..window.output + self.geometry.channels];
            let mut channel = 0;
            while channel < output.len() {
                let (input, output) = (&input[channel..], &mut output[channel..]);
                channel += match output.len() / S::LANES {
                    4.. => self.channels::<T, S, 4>(simd, &window, input, &mut output[..4 * S::LANES]),
                    2.. => self.channels::<T, S, 2>(simd, &window, input, &mut output[..2 * S::LANES]),
                    1 => self.channels::<T, S, 1>(simd, &window, input, &mut output[..S::LANES]),
                    _ => self.channels::<T, S, 1>(simd, &window, input, output),
                }
            }
        }
    }
}

impl<const MAX: bool> Pool<'_, MAX> {
    /// The channels of a window that are in `output`: `C` vectors, or fewer channels than one has
    /// lanes. Returns their number.
    #[inline(always)]
    fn channels<T: Element, S: Simd<T>, const C: usize>(
        &self,
        simd: S,
        window: &Window,
        input: &[T],
        output: &mut [T],
    ) -> usize {
        let count = output.len();
        let mut results = [if MAX { simd.splat(T::neg_infinity()) } else { simd.zero() }; C];
        for row in window.rows.clone() {
            let mut start = self.geometry.pixel(row, window.columns.start);
            for _ in window.columns.clone() {
                let pixel = &input[start..start + count];
                for vector in 0..C {
                    let values = simd.read(&pixel[vector * S::LANES..count.min((vector + 1) * S::LANES)]);
                    let result = results[vector];
                    results[vector] = if MAX { values.max_or_nan(result) } else { result.add(values) };
                }
                start += self.geometry.channels;
            }
        }
        let weight = simd.splat(window.mean_weight());
        for vector in 0..C {
            let result = if MAX { results[vector] } else { results[vector].mul(weight) };
            result.write(&mut output[vector * S::LANES..count.min((vector + 1) * S::LANES)]);
        }
        count
    }
}
