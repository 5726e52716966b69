//! Vanishing numbers are set to zero before they become subnormal, since processors are a hundred
//! times slower with subnormal numbers.

use super::Element;
use super::simd::{Simd, Vector};

/// Replaces subnormal numbers by zero: the moments of parameters without a gradient halve until
/// they are subnormal.
#[inline(always)]
pub(super) fn flush_subnormal<T: Element, S: Simd<T>>(simd: S, value: S::Vector) -> S::Vector {
    zero_below(simd, T::min_positive_value(), value)
}

/// Replaces numbers by zero whose products would be subnormal: weights of features that are always
/// zero, and gradients of almost certain predictions.
#[inline(always)]
pub(super) fn flush_small<T: Element, S: Simd<T>>(simd: S, value: S::Vector) -> S::Vector {
    zero_below(simd, T::min_positive_value() / T::epsilon(), value)
}

#[inline(always)]
fn zero_below<T: Element, S: Simd<T>>(simd: S, least: T, value: S::Vector) -> S::Vector {
    simd.select(value.abs().less(simd.splat(least)), simd.zero(), value)
}
