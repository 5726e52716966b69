//! eˣ and eˣ − 1.
//!
//! Both write x = k ln 2 + r with an integer k and |r| ≤ ½ ln 2, so that eˣ = 2ᵏ eʳ (Cody & Waite
//! 1980), and approximate eʳ by a polynomial.

use std::f64::consts::LOG2_E;

use super::{Element, polynomial};
use crate::kernel::simd::{Simd, Vector};

/// eˣ
#[inline(always)]
pub(crate) fn exp<T: Element, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let x = clamp(simd, x, T::EXP_LOWEST, T::EXP_HIGHEST);
    let k = multiple(simd, x);
    exp_of_parts(simd, k, k.mul_add(simd.splat(-T::LN_2_LOW), remainder(simd, x, k)))
}

/// The exponential of `x + small`, where `small` is too small to change the rounded sum.
#[inline(always)]
pub(crate) fn exp_of_sum<T: Element, S: Simd<T>>(simd: S, x: S::Vector, small: S::Vector) -> S::Vector {
    let x = clamp(simd, x, T::EXP_LOWEST, T::EXP_HIGHEST);
    let k = multiple(simd, x.add(small));
    exp_of_parts(simd, k, remainder(simd, x, k).add(k.mul_add(simd.splat(-T::LN_2_LOW), small)))
}

/// 2ᵏ eʳ
#[inline(always)]
fn exp_of_parts<T: Element, S: Simd<T>>(simd: S, k: S::Vector, r: S::Vector) -> S::Vector {
    let one = simd.splat(T::one());
    polynomial(simd, r, T::EXP).mul_add(r, one).mul_add(r, one).scale_by_power_of_two(k)
}

/// eˣ − 1
#[inline(always)]
pub(crate) fn exp_m1<T: Element, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let inside = clamp(simd, x, T::EXP_M1_LOWEST, T::EXP_HIGHEST);
    let k = multiple(simd, inside);
    let high = remainder(simd, inside, k);
    let low = k.mul(simd.splat(T::LN_2_LOW));
    let r = high.sub(low);
    let lost = high.sub(r).sub(low);
    let one = simd.splat(T::one());
    let above_r = r.mul(r).mul_add(polynomial(simd, r, T::EXP), lost);
    // 2ᵏ eʳ − 1 = 2ᵏ ((eʳ − 1) + (1 − 2⁻ᵏ))
    let rest = one.sub(one.scale_by_power_of_two(k.negate()));
    rest.add(r).add(above_r).scale_by_power_of_two(k).copy_sign(x)
}

/// k, the integer nearest to x / ln 2
#[inline(always)]
fn multiple<T: Element, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    x.mul(simd.splat(T::of(LOG2_E))).round()
}

/// x − k ln 2, except for the small part of ln 2; exact.
#[inline(always)]
fn remainder<T: Element, S: Simd<T>>(simd: S, x: S::Vector, k: S::Vector) -> S::Vector {
    k.mul_add(simd.splat(-T::LN_2_HIGH), x)
}

/// NaN stays NaN.
#[inline(always)]
fn clamp<T: Element, S: Simd<T>>(simd: S, x: S::Vector, low: T, high: T) -> S::Vector {
    simd.splat(low).max(simd.splat(high).min(x))
}
