//! Numbers that fade away: zero before they are too small to be normal numbers, over each of which processors take a hundred times longer.

use super::Element;
use super::simd::Simd;

/// Zero for what is too small to be a normal number: moments of parameters that no longer get a gradient halve until they are.
#[inline(always)]
pub(super) fn normal<T: Element, V: Simd<T>>(value: V) -> V {
    zero_below::<T, V>(T::min_positive_value(), value)
}

/// Zero for what is so small that its products would not be normal numbers: weights of what is always zero in the data, and gradients of predictions that are
/// all but certain.
#[inline(always)]
pub(super) fn settled<T: Element, V: Simd<T>>(value: V) -> V {
    zero_below::<T, V>(T::min_positive_value() / T::epsilon(), value)
}

#[inline(always)]
fn zero_below<T: Element, V: Simd<T>>(least: T, value: V) -> V {
    V::select(value.abs().less(V::splat(least)), V::splat(T::zero()), value)
}
