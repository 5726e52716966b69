//! erf, its complement, and the normal distribution function.
//!
//! All are computed from exp(x²) erfc(x), x ≥ 0, which is well approximated by a polynomial in t =
//! k / (k + x) (the transformation of Shepherd & Laframboise 1981), times an exponential whose
//! argument is squared without rounding.

use std::f64::consts::FRAC_1_SQRT_2;

use super::exponential::exp_of_sum;
use super::{Element, polynomial};
use crate::kernel::simd::{Simd, Vector};

/// erf x = x + x P(x²) for |x| < 1, else 1 − erfc|x| with the sign of x.
#[inline(always)]
pub(crate) fn erf<T: Element, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let one = simd.splat(T::one());
    let magnitude = x.abs();
    let far = one.sub(upper_erfc(simd, magnitude)).copy_sign(x);
    simd.select(magnitude.less(one), erf_near_zero(simd, x), far)
}

/// erfc x = 1 − erf x for |x| < 0.8.
#[inline(always)]
pub(crate) fn erfc<T: Element, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let upper = upper_erfc(simd, x.abs());
    let far = simd.select(x.less(simd.zero()), simd.splat(T::of(2.0)).sub(upper), upper);
    let near_zero = simd.splat(T::one()).sub(erf_near_zero(simd, x));
    simd.select(x.abs().less(simd.splat(T::of(0.8))), near_zero, far)
}

/// erf x = x + x P(x²) for |x| ≤ 1
#[inline(always)]
fn erf_near_zero<T: Element, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    x.mul_add(polynomial(simd, x.mul(x), T::ERF), x)
}

/// The normal distribution function Φ(x) = ½ erfc(−x/√2), and exp(−½x²).
#[inline(always)]
pub(crate) fn normal<T: Element, S: Simd<T>>(simd: S, x: S::Vector) -> (S::Vector, S::Vector) {
    let half = simd.splat(T::of(0.5));
    let magnitude = at_most_40(simd, x.abs());
    let bell = exp_of_negative_square(simd, magnitude, half);
    let scaled = scaled_erfc(simd, magnitude.mul(simd.splat(T::of(FRAC_1_SQRT_2))));
    let outside = half.mul(bell).mul(scaled);
    (simd.select(x.less(simd.zero()), outside, simd.splat(T::one()).sub(outside)), bell)
}

/// erfc x for x ≥ 0
#[inline(always)]
fn upper_erfc<T: Element, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let x = at_most_40(simd, x);
    exp_of_negative_square(simd, x, simd.splat(T::one())).mul(scaled_erfc(simd, x))
}

/// The smaller of x and 40, where exp(−½x²) is zero. NaN stays NaN.
#[inline(always)]
fn at_most_40<T: Element, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    simd.splat(T::of(40.0)).min(x)
}

/// exp(x²) erfc(x) = t P(t − ¼) for x ≥ 0 if erfc(x) is not zero, else some positive number.
///
/// The relative error of the result is up to three times that of t, so t is computed to more digits
/// than one element has.
#[inline(always)]
fn scaled_erfc<T: Element, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let (t, t_rest) = reciprocal_of_sum(simd, x, T::SCALED_ERFC_SCALE);
    let from_centre = t.sub(simd.splat(T::of(0.25))).add(t_rest);
    let scaled = polynomial(simd, from_centre, T::SCALED_ERFC);
    t_rest.mul_add(scaled, t.mul(scaled))
}

/// k / (x + k), and the error of its two roundings (approximate without fused multiplication).
#[inline(always)]
fn reciprocal_of_sum<T: Element, S: Simd<T>>(simd: S, x: S::Vector, k: T) -> (S::Vector, S::Vector) {
    let (scale, inverse) = (simd.splat(k), simd.splat(k.recip()));
    let sum = x.add(scale);
    let added = sum.sub(x);
    let sum_rest = x.sub(sum.sub(added)).add(scale.sub(added));
    let quotient = scale.div(sum);
    let residual = quotient.negate().mul_add(sum, scale).sub(quotient.mul(sum_rest));
    (quotient, residual.mul(quotient).mul(inverse))
}

/// exp(−factor·x²) for 0 ≤ x ≤ 40 and a power of two: x = h + d with few digits in h, so that h² is
/// exact, and x² = h² + d (x + h).
#[inline(always)]
fn exp_of_negative_square<T: Element, S: Simd<T>>(simd: S, x: S::Vector, factor: S::Vector) -> S::Vector {
    let digits = if T::epsilon() < T::of(1e-10) { 20 } else { 8 };
    let grid = T::of(f64::from(1 << digits));
    let h = x.mul(simd.splat(grid)).round().mul(simd.splat(grid.recip()));
    let rest = x.sub(h).mul(x.add(h));
    exp_of_sum(simd, h.mul(h).mul(factor).negate(), rest.mul(factor).negate())
}
