//! The logistic sigmoid and the hyperbolic tangent.

use super::exponential::exp;
use super::{Element, polynomial};
use crate::kernel::simd::Simd;

/// σ(x) = 1 / (1 + e⁻ˣ), as e⁻|ˣ| / (1 + e⁻|ˣ|) for negative x, so that nothing overflows.
#[inline(always)]
pub(crate) fn sigmoid<T: Element, V: Simd<T>>(x: V) -> V {
    sigmoid_with(x, exp(x.abs().negate()))
}

/// σ(x), given `decay` = e⁻|ˣ|.
#[inline(always)]
pub(crate) fn sigmoid_with<T: Element, V: Simd<T>>(x: V, decay: V) -> V {
    let one = V::splat(T::one());
    let numerator = V::select(x.less(V::splat(T::zero())), decay, one);
    numerator.div(one.add(decay))
}

/// tanh x = x + x³ P(x²) for |x| < 0.55, else 1 − 2 / (e²ˣ + 1) with the sign of x.
#[inline(always)]
pub(crate) fn tanh<T: Element, V: Simd<T>>(x: V) -> V {
    let (one, two) = (V::splat(T::one()), V::splat(T::of(2.0)));
    let magnitude = x.abs();
    let square = x.mul(x);
    let near_zero = x.mul(square).mul_add(polynomial(square, T::TANH), x);
    let far = one.sub(two.div(exp(magnitude.add(magnitude)).add(one)));
    V::select(magnitude.less(V::splat(T::of(0.55))), near_zero, far).copy_sign(x)
}
