//! erf, its complement, and the normal distribution function.
//!
//! All come from exp(x²) erfc(x), x ≥ 0, which is a polynomial in t = k / (k + x) to good precision (the transformation of
//! Shepherd & Laframboise 1981), times an exponential whose argument is squared without rounding.

use std::f64::consts::FRAC_1_SQRT_2;

use super::exponential::exp_of_sum;
use super::{Element, polynomial};
use crate::kernel::simd::Simd;

/// erf x = x + x P(x²) for |x| < 1, else 1 − erfc|x| with the sign of x.
#[inline(always)]
pub(crate) fn erf<T: Element, V: Simd<T>>(x: V) -> V {
    let one = V::splat(T::one());
    let magnitude = x.abs();
    let near_zero = x.mul_add(polynomial(x.mul(x), T::ERF), x);
    let far = one.sub(upper_erfc(magnitude)).copy_sign(x);
    V::select(magnitude.less(one), near_zero, far)
}

/// erfc x = 1 − erf x
#[inline(always)]
pub(crate) fn erfc<T: Element, V: Simd<T>>(x: V) -> V {
    let upper = upper_erfc(x.abs());
    V::select(x.less(V::splat(T::zero())), V::splat(T::of(2.0)).sub(upper), upper)
}

/// The normal distribution function Φ(x) = ½ erfc(−x/√2), and exp(−½x²).
#[inline(always)]
pub(crate) fn normal<T: Element, V: Simd<T>>(x: V) -> (V, V) {
    let half = V::splat(T::of(0.5));
    let bell = exp_of_negative_square(x.abs(), half);
    let scaled = scaled_erfc(x.abs().mul(V::splat(T::of(FRAC_1_SQRT_2))));
    let outside = half.mul(bell).mul(scaled);
    (V::select(x.less(V::splat(T::zero())), outside, V::splat(T::one()).sub(outside)), bell)
}

/// erfc x for x ≥ 0
#[inline(always)]
fn upper_erfc<T: Element, V: Simd<T>>(x: V) -> V {
    exp_of_negative_square(x, V::splat(T::one())).mul(scaled_erfc(x))
}

/// exp(x²) erfc(x) for x ≥ 0 where erfc(x) is not zero, and a positive number beyond.
#[inline(always)]
fn scaled_erfc<T: Element, V: Simd<T>>(x: V) -> V {
    let scale = V::splat(T::SCALED_ERFC_SCALE);
    let t = scale.div(x.add(scale));
    t.mul(polynomial(t.sub(V::splat(T::of(0.25))), T::SCALED_ERFC))
}

/// exp(−factor·x²) for x ≥ 0 and a power of two: x = h + d with few digits in h, so that h² is exact, and
/// x² = h² + d (x + h).
#[inline(always)]
fn exp_of_negative_square<T: Element, V: Simd<T>>(x: V, factor: V) -> V {
    // Past 40 (f32: 16) nothing is left of the exponential.
    let digits = if T::epsilon() < T::of(1e-10) { 20 } else { 8 };
    let x = V::splat(T::of(40.0)).min(x);
    let grid = T::of(f64::from(1 << digits));
    let h = x.mul(V::splat(grid)).round().mul(V::splat(grid.recip()));
    let rest = x.sub(h).mul(x.add(h));
    exp_of_sum(h.mul(h).mul(factor).negate(), rest.mul(factor).negate())
}
