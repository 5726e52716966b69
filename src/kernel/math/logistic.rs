//! The logistic sigmoid and the hyperbolic tangent.

use super::exponential::exp;
use super::{Element, polynomial};
use crate::kernel::simd::{Simd, Vector};

/// σ(x) = 1 / (1 + e⁻ˣ), as e⁻|ˣ| / (1 + e⁻|ˣ|) for negative x, so that nothing overflows.
#[inline(always)]
pub(crate) fn sigmoid<T: Element, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    sigmoid_with(simd, x, exp(simd, x.abs().negate()))
}

/// σ(x), given `decay` = e⁻|ˣ|.
#[inline(always)]
pub(crate) fn sigmoid_with<T: Element, S: Simd<T>>(simd: S, x: S::Vector, decay: S::Vector) -> S::Vector {
    let one = simd.splat(T::one());
    let numerator = simd.select(x.less(simd.zero()), decay, one);
    numerator.div(one.add(decay))
}

/// tanh x = x + x³ P(x²) for |x| < 0.55, else 1 − 2 / (e²ˣ + 1) with the sign of x.
#[inline(always)]
pub(crate) fn tanh<T: Element, S: Simd<T>>(simd: S, x: S::Vector) -> S::Vector {
    let (one, two) = (simd.splat(T::one()), simd.splat(T::of(2.0)));
    let magnitude = x.abs();
    let square = x.mul(x);
    let near_zero = x.mul(square).mul_add(polynomial(simd, square, T::TANH), x);
    let far = one.sub(two.div(exp(simd, magnitude.add(magnitude)).add(one)));
    simd.select(magnitude.less(simd.splat(T::of(0.55))), near_zero, far).copy_sign(x)
}
