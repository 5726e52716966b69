//! eˣ and eˣ − 1.
//!
//! Both write x = k ln 2 + r with an integer k and |r| ≤ ½ ln 2, so that eˣ = 2ᵏ eʳ (Cody & Waite
//! 1980), and approximate eʳ by a polynomial.

use std::f64::consts::LOG2_E;

use super::{Element, polynomial};
use crate::kernel::simd::Simd;

/// eˣ
#[inline(always)]
pub(crate) fn exp<T: Element, V: Simd<T>>(x: V) -> V {
    let x = clamp(x, T::EXP_LOWEST, T::EXP_HIGHEST);
    let k = multiple(x);
    exp_of_parts(k, k.mul_add(V::splat(-T::LN_2_LOW), remainder(x, k)))
}

/// The exponential of `x + small`, where `small` is too small to change the rounded sum.
#[inline(always)]
pub(crate) fn exp_of_sum<T: Element, V: Simd<T>>(x: V, small: V) -> V {
    let x = clamp(x, T::EXP_LOWEST, T::EXP_HIGHEST);
    let k = multiple(x.add(small));
    exp_of_parts(k, remainder(x, k).add(k.mul_add(V::splat(-T::LN_2_LOW), small)))
}

/// 2ᵏ eʳ
#[inline(always)]
fn exp_of_parts<T: Element, V: Simd<T>>(k: V, r: V) -> V {
    let one = V::splat(T::one());
    polynomial(r, T::EXP).mul_add(r, one).mul_add(r, one).scale_by_power_of_two(k)
}

/// eˣ − 1
#[inline(always)]
pub(crate) fn exp_m1<T: Element, V: Simd<T>>(x: V) -> V {
    let inside = clamp(x, T::EXP_M1_LOWEST, T::EXP_HIGHEST);
    let k = multiple(inside);
    let high = remainder(inside, k);
    let low = k.mul(V::splat(T::LN_2_LOW));
    let r = high.sub(low);
    let lost = high.sub(r).sub(low);
    let one = V::splat(T::one());
    let above_r = r.mul(r).mul_add(polynomial(r, T::EXP), lost);
    // 2ᵏ eʳ − 1 = 2ᵏ ((eʳ − 1) + (1 − 2⁻ᵏ))
    let rest = one.sub(one.scale_by_power_of_two(k.negate()));
    rest.add(r).add(above_r).scale_by_power_of_two(k).copy_sign(x)
}

/// k, the integer nearest to x / ln 2
#[inline(always)]
fn multiple<T: Element, V: Simd<T>>(x: V) -> V {
    x.mul(V::splat(T::of(LOG2_E))).round()
}

/// x − k ln 2, except for the small part of ln 2; exact.
#[inline(always)]
fn remainder<T: Element, V: Simd<T>>(x: V, k: V) -> V {
    k.mul_add(V::splat(-T::LN_2_HIGH), x)
}

/// NaN stays NaN.
#[inline(always)]
fn clamp<T: Element, V: Simd<T>>(x: V, low: T, high: T) -> V {
    V::splat(low).max(V::splat(high).min(x))
}
