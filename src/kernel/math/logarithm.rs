//! ln x and ln(1 + x).
//!
//! Both write their argument as (1 + f) 2ᵉ with √½ ≤ 1 + f ≤ √2, and use ln(1 + f) = f − ½f² + f³
//! P(f).

use std::f64::consts::SQRT_2;

use super::{Element, polynomial};
use crate::kernel::simd::Simd;

/// ln x
#[inline(always)]
pub(crate) fn ln<T: Element, V: Simd<T>>(x: V) -> V {
    let zero = V::splat(T::zero());
    let subnormal = x.less(V::splat(T::min_positive_value()));
    let raised = x.mul(V::splat(T::epsilon().recip()));
    let lowered_by = V::splat(T::epsilon().log2());
    let (mantissa, exponent) = split(V::select(subnormal, raised, x));
    let exponent = exponent.add(V::select(subnormal, lowered_by, zero));
    at_the_ends(x, sum(mantissa.sub(V::splat(T::one())), exponent))
}

/// ln(1 + x)
#[inline(always)]
pub(crate) fn ln_1p<T: Element, V: Simd<T>>(x: V) -> V {
    let one = V::splat(T::one());
    let argument = x.add(one);
    let (_, exponent) = split(argument);
    // f = (1 + x) 2⁻ᵉ − 1, computed from x itself, so that no digits are lost in 1 + x.
    let scale = one.scale_by_power_of_two(exponent.negate());
    let f = x.mul_add(scale, scale.sub(one));
    at_the_ends(argument, sum(f, exponent).copy_sign(x))
}

/// ln(1 + x) for 0 ≤ x ≤ 1
#[inline(always)]
pub(crate) fn ln_1p_unit<T: Element, V: Simd<T>>(x: V) -> V {
    x.mul(polynomial(x, T::LN_1P_UNIT))
}

/// m and e of x = m 2ᵉ with √½ ≤ m ≤ √2, for positive normal numbers.
#[inline(always)]
fn split<T: Element, V: Simd<T>>(x: V) -> (V, V) {
    let (mantissa, exponent) = (x.mantissa(), x.exponent());
    let large = V::splat(T::of(SQRT_2)).less(mantissa);
    let halved = mantissa.mul(V::splat(T::of(0.5)));
    let raised = exponent.add(V::splat(T::one()));
    (V::select(large, halved, mantissa), V::select(large, raised, exponent))
}

/// ln(1 + f) + e ln 2
#[inline(always)]
fn sum<T: Element, V: Simd<T>>(f: V, exponent: V) -> V {
    let square = f.mul(f);
    let cubic = f.mul(square).mul(polynomial(f, T::LN));
    let small = exponent.mul_add(V::splat(T::LN_2_LOW), cubic);
    let below_f = square.mul_add(V::splat(T::of(-0.5)), small);
    exponent.mul_add(V::splat(T::LN_2_HIGH), f.add(below_f))
}

/// The logarithm, with the correct result if `argument` is not a positive finite number.
#[inline(always)]
fn at_the_ends<T: Element, V: Simd<T>>(argument: V, logarithm: V) -> V {
    let zero = V::splat(T::zero());
    let not_positive = V::select(argument.equal(zero), V::splat(T::neg_infinity()), V::splat(T::nan()));
    let positive = V::select(zero.less(argument), logarithm, not_positive);
    V::select(argument.less(V::splat(T::infinity())), positive, argument)
}
