//! ln x and ln(1 + x).
//!
//! Both write their argument as (1 + f) 2ᵉ with √½ ≤ 1 + f ≤ √2, and use ln(1 + f) = f − ½f² + f³
//! P(f).

use std::f64::consts::SQRT_2;

use super::{Element, polynomial};
use crate::kernel::simd::{Simd, Vector};

/// ln x
#[inline(always)]
pub(crate) fn ln<T: Element, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let zero = simd.zero();
    let subnormal = x.less(simd.splat(T::min_positive_value()));
    let raised = x.mul(simd.splat(T::epsilon().recip()));
    let lowered_by = simd.splat(T::epsilon().log2());
    let (mantissa, exponent) = split(simd, simd.select(subnormal, raised, x));
    let exponent = exponent.add(simd.select(subnormal, lowered_by, zero));
    at_the_ends(simd, x, sum(simd, mantissa.sub(simd.splat(T::one())), exponent))
}

/// ln(1 + x)
#[inline(always)]
pub(crate) fn ln_1p<T: Element, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let one = simd.splat(T::one());
    let argument = x.add(one);
    let (_, exponent) = split(simd, argument);
    // f = (1 + x) 2⁻ᵉ − 1, computed from x itself, so that no digits are lost in 1 + x.
    let scale = one.scale_by_power_of_two(exponent.negate());
    let f = x.mul_add(scale, scale.sub(one));
    at_the_ends(simd, argument, sum(simd, f, exponent).copy_sign(x))
}

/// ln(1 + x) for 0 ≤ x ≤ 1
#[inline(always)]
pub(crate) fn ln_1p_unit<T: Element, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    x.mul(polynomial(simd, x, T::LN_1P_UNIT))
}

/// m and e of x = m 2ᵉ with √½ ≤ m ≤ √2, for positive normal numbers.
#[inline(always)]
fn split<T: Element, S: Simd<T>>(simd: S, x: S::Vector) -> (S::Vector, S::Vector) {
    let (mantissa, exponent) = (x.mantissa(), x.exponent());
    let large = simd.splat(T::of(SQRT_2)).less(mantissa);
    let halved = mantissa.mul(simd.splat(T::of(0.5)));
    let raised = exponent.add(simd.splat(T::one()));
    (simd.select(large, halved, mantissa), simd.select(large, raised, exponent))
}

/// ln(1 + f) + e ln 2
#[inline(always)]
fn sum<T: Element, S: Simd<T>>(simd: S, f: S::Vector, exponent: S::Vector) -> S::Vector {
    let square = f.mul(f);
    let cubic = f.mul(square).mul(polynomial(simd, f, T::LN));
    let small = exponent.mul_add(simd.splat(T::LN_2_LOW), cubic);
    let below_f = square.mul_add(simd.splat(T::of(-0.5)), small);
    exponent.mul_add(simd.splat(T::LN_2_HIGH), f.add(below_f))
}

/// The logarithm, with the correct result if `argument` is not a positive finite number.
#[inline(always)]
fn at_the_ends<T: Element, S: Simd<T>>(simd: S, argument: S::Vector, logarithm: S::Vector) -> S::Vector {
    let zero = simd.zero();
    let not_positive = simd.select(argument.equal(zero), simd.splat(T::neg_infinity()), simd.splat(T::nan()));
    let positive = simd.select(zero.less(argument), logarithm, not_positive);
    simd.select(argument.less(simd.splat(T::infinity())), positive, argument)
}
