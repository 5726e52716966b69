//! Softmax of groups of values, and its gradient.

use crate::kernel::Element;
use crate::kernel::lanes::{Map, Zip, keep, largest, map, zip};
use crate::kernel::math::exponential::exp;
use crate::kernel::simd::{Operation, Simd, dispatch};

/// Replaces each group of `channels` values by its softmax, exp(xᵢ) / Σⱼ exp(xⱼ).
///
/// # Panics
/// If the values are not whole groups of at least one.
pub fn softmax<T: Element>(channels: usize, values: &mut [T]) {
    assert!(values.len().is_multiple_of(channels) && channels > 0, "whole groups of values");
    dispatch(Softmax { channels, values });
}

struct Softmax<'a, T> {
    channels: usize,
    values: &'a mut [T],
}

impl<T: Element> Operation<T> for Softmax<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Simd<T>>(self) {
        for group in self.values.chunks_exact_mut(self.channels) {
            let largest = largest::<T, V>(group);
            let sum = exponentials::<T, V>(largest, group);
            map::<T, V>(DivideBy(sum), group);
        }
    }
}

/// Replaces each value x by exp(x − largest); returns their sum.
#[inline(always)]
fn exponentials<T: Element, V: Simd<T>>(largest: T, group: &mut [T]) -> T {
    let mut sum = V::splat(T::zero());
    for chunk in group.chunks_mut(V::LANES) {
        let value = exp(V::read(chunk).sub(V::splat(largest)));
        value.write(chunk);
        sum = sum.add(keep(value, chunk.len(), T::zero()));
    }
    sum.sum_lanes()
}

#[derive(Clone, Copy)]
struct DivideBy<T>(T);

impl<T: Element> Map<T> for DivideBy<T> {
    #[inline(always)]
    fn map<V: Simd<T>>(self, x: V) -> V {
        x.div(V::splat(self.0))
    }
}

/// Turns the gradient g with respect to softmax's outputs y into that with respect to its inputs:
/// yᵢ(gᵢ − Σⱼ gⱼyⱼ).
///
/// # Panics
/// If the lengths differ, or are not whole groups of at least one.
pub fn softmax_gradient<T: Element>(channels: usize, outputs: &[T], gradient: &mut [T]) {
    assert_eq!(outputs.len(), gradient.len(), "as many outputs as gradients");
    assert!(outputs.len().is_multiple_of(channels) && channels > 0, "whole groups of values");
    dispatch(SoftmaxGradient { channels, outputs, gradient });
}

struct SoftmaxGradient<'a, T> {
    channels: usize,
    outputs: &'a [T],
    gradient: &'a mut [T],
}

impl<T: Element> Operation<T> for SoftmaxGradient<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Simd<T>>(self) {
        let gradients = self.gradient.chunks_exact_mut(self.channels);
        for (gradient, outputs) in gradients.zip(self.outputs.chunks_exact(self.channels)) {
            let mut dot = V::splat(T::zero());
            for (g, y) in gradient.chunks(V::LANES).zip(outputs.chunks(V::LANES)) {
                dot = V::read(g).mul_add(V::read(y), dot);
            }
            zip::<T, V>(TimesAbove(dot.sum_lanes()), outputs, gradient);
        }
    }
}

/// y (g − dot)
#[derive(Clone, Copy)]
struct TimesAbove<T>(T);

impl<T: Element> Zip<T> for TimesAbove<T> {
    #[inline(always)]
    fn zip<V: Simd<T>>(self, y: V, g: V) -> V {
        y.mul(g.sub(V::splat(self.0)))
    }
}
