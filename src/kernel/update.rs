//! Optimizer updates: one pass over parameters θ, gradients g and moments.
//!
//! All functions panic if the lengths of their slices differ.

mod adam;
mod momentum;
mod rms_prop;
#[cfg(test)]
mod tests;

pub use adam::{Adam, adam};
pub use momentum::{descend, momentum};
pub use rms_prop::{RmsProp, rms_prop};

use super::Element;
use super::simd::Simd;

/// Zero for what is too small to be a normal number. Moments of parameters that no longer get a gradient halve until they are, and
/// processors take a hundred times longer over each of these.
#[inline(always)]
fn normal<T: Element, V: Simd<T>>(value: V) -> V {
    zero_below::<T, V>(T::min_positive_value(), value)
}

/// Zero for a parameter so small that its products would not be normal numbers: weights of what is always zero in the data fade away
/// until they are.
#[inline(always)]
fn settled<T: Element, V: Simd<T>>(parameter: V) -> V {
    zero_below::<T, V>(T::min_positive_value() / T::epsilon(), parameter)
}

#[inline(always)]
fn zero_below<T: Element, V: Simd<T>>(least: T, value: V) -> V {
    V::select(value.abs().less(V::splat(least)), V::splat(T::zero()), value)
}
