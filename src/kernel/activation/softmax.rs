//! Softmax of groups of values, and its gradient.

use crate::kernel::Element;
use crate::kernel::math::exponential::exp;
use crate::kernel::simd::{Operation, Simd, Vector, dispatch};
use crate::kernel::slices::{Map, Zip, keep, largest, map, zip};

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
    fn run<S: Simd<T>>(self, simd: S) {
        for group in self.values.chunks_exact_mut(self.channels) {
            let largest = largest(simd, group);
            let sum = exponentials(simd, largest, group);
            map(simd, DivideBy(sum), group);
        }
    }
}

/// Replaces each value x by exp(x − largest); returns their sum.
#[inline(always)]
fn exponentials<T: Element, S: Simd<T>>(simd: S, largest: T, group: &mut [T]) -> T {
    let mut sum = simd.zero();
    for chunk in group.chunks_mut(S::LANES) {
        let value = exp(simd, simd.read(chunk).sub(simd.splat(largest)));
        value.write(chunk);
        sum = sum.add(keep(simd, value, chunk.len(), T::zero()));
    }
    sum.sum_lanes()
}

#[derive(Clone, Copy)]
struct DivideBy<T>(T);

impl<T: Element> Map<T> for DivideBy<T> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, x: S::Vector) -> S::Vector {
        x.div(simd.splat(self.0))
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
    fn run<S: Simd<T>>(self, simd: S) {
        let gradients = self.gradient.chunks_exact_mut(self.channels);
        for (gradient, outputs) in gradients.zip(self.outputs.chunks_exact(self.channels)) {
            let mut dot = simd.zero();
            for (g, y) in gradient.chunks(S::LANES).zip(outputs.chunks(S::LANES)) {
                dot = simd.read(g).mul_add(simd.read(y), dot);
            }
            zip(simd, TimesAbove(dot.sum_lanes()), outputs, gradient);
        }
    }
}

/// y (g − dot)
#[derive(Clone, Copy)]
struct TimesAbove<T>(T);

impl<T: Element> Zip<T> for TimesAbove<T> {
    #[inline(always)]
    fn zip<S: Simd<T>>(self, simd: S, y: S::Vector, g: S::Vector) -> S::Vector {
        y.mul(g.sub(simd.splat(self.0)))
    }
}
