//! Vanishing numbers are set to zero before they become subnormal, since processors are a hundred
//! times slower with subnormal numbers.

use super::Element;
use super::simd::Simd;

/// Replaces subnormal numbers by zero: the moments of parameters without a gradient halve until
/// they are subnormal.
#[inline(always)]
pub(super) fn flush_subnormal<T: Element, V: Simd<T>>(value: V) -> V {
    zero_below::<T, V>(T::min_positive_value(), value)
}

/// Replaces numbers by zero whose products would be subnormal: weights of features that are always
/// zero, and gradients of almost certain predictions.
#[inline(always)]
pub(super) fn flush_small<T: Element, V: Simd<T>>(value: V) -> V {
    zero_below::<T, V>(T::min_positive_value() / T::epsilon(), value)
}

#[inline(always)]
fn zero_below<T: Element, V: Simd<T>>(least: T, value: V) -> V {
    V::select(value.abs().less(V::splat(least)), V::splat(T::zero()), value)
}
