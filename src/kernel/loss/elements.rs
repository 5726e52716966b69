//! The losses of single elements. The loss of a NaN prediction is NaN, and so is its derivative.

use crate::kernel::Element;
use crate::kernel::math::exponential::exp;
use crate::kernel::math::logarithm::{ln, ln_1p_unit};
use crate::kernel::math::logistic::sigmoid_with;
use crate::kernel::simd::Simd;

/// A loss of one element. Implementations are `#[inline(always)]`.
pub(super) trait Loss<T: Element>: Copy {
    /// The loss of prediction p and target t, and its derivative with respect to p.
    fn element<V: Simd<T>>(self, p: V, t: V) -> (V, V);
}

/// (p − t)²
#[derive(Clone, Copy)]
pub(super) struct Squared;

impl<T: Element> Loss<T> for Squared {
    #[inline(always)]
    fn element<V: Simd<T>>(self, p: V, t: V) -> (V, V) {
        let difference = p.sub(t);
        (difference.mul(difference), difference.add(difference))
    }
}

/// |p − t|
#[derive(Clone, Copy)]
pub(super) struct Absolute;

impl<T: Element> Loss<T> for Absolute {
    #[inline(always)]
    fn element<V: Simd<T>>(self, p: V, t: V) -> (V, V) {
        let zero = V::splat(T::zero());
        let difference = p.sub(t);
        let sign = V::splat(T::one()).copy_sign(difference);
        let slope = V::select(difference.equal(zero), zero, sign);
        (difference.abs(), V::select(difference.equal(difference), slope, difference))
    }
}

/// ½d² for |d| ≤ δ, δ(|d| − ½δ) beyond, d = p − t
#[derive(Clone, Copy)]
pub(super) struct Huber<T>(pub T);

impl<T: Element> Loss<T> for Huber<T> {
    #[inline(always)]
    fn element<V: Simd<T>>(self, p: V, t: V) -> (V, V) {
        let (delta, half) = (V::splat(self.0), V::splat(T::of(0.5)));
        let difference = p.sub(t);
        let large = delta.less(difference.abs());
        let linear = delta.mul(difference.abs().sub(half.mul(delta)));
        let quadratic = half.mul(difference).mul(difference);
        (V::select(large, linear, quadratic), V::select(large, delta.copy_sign(difference), difference))
    }
}

/// −t·ln p − (1 − t)·ln(1 − p), p kept inside (ε, 1 − ε)
#[derive(Clone, Copy)]
pub(super) struct CrossEntropy<T>(pub T);

impl<T: Element> Loss<T> for CrossEntropy<T> {
    #[inline(always)]
    fn element<V: Simd<T>>(self, p: V, t: V) -> (V, V) {
        let one = V::splat(T::one());
        let inside = V::splat(T::one() - self.0).min(V::splat(self.0).max(p));
        let rest = one.sub(inside);
        let value = t.mul_add(ln(inside), one.sub(t).mul(ln(rest))).negate();
        let slope = p.sub(t).div(inside.mul(rest));
        let zero = inside.sub(inside); // or NaN
        (value, V::select(inside.equal(p), slope, zero))
    }
}

/// max(z, 0) − z·t + ln(1 + e^−|z|), with the derivative σ(z) − t
#[derive(Clone, Copy)]
pub(super) struct CrossEntropyFromLogits;

impl<T: Element> Loss<T> for CrossEntropyFromLogits {
    #[inline(always)]
    fn element<V: Simd<T>>(self, z: V, t: V) -> (V, V) {
        let decay = exp(z.abs().negate());
        let linear = z.negate().mul_add(t, V::splat(T::zero()).max(z));
        (linear.add(ln_1p_unit(decay)), sigmoid_with(z, decay).sub(t))
    }
}
