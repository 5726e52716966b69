//! The losses of single elements. The loss of a NaN prediction is NaN, and so is its derivative.

use crate::kernel::Element;
use crate::kernel::math::exponential::exp;
use crate::kernel::math::logarithm::{ln, ln_1p_unit};
use crate::kernel::math::logistic::sigmoid_with;
use crate::kernel::simd::{Simd, Vector};

/// A loss of one element. Implementations are `#[inline(always)]`.
pub(super) trait ElementLoss<T: Element>: Copy {
    /// The loss of prediction p and target t, and its derivative with respect to p.
    fn element<S: Simd<T>>(self, simd: S, p: S::Vector, t: S::Vector) -> (S::Vector, S::Vector);
}

/// (p − t)²
#[derive(Clone, Copy)]
pub(super) struct Squared;

impl<T: Element> ElementLoss<T> for Squared {
    #[inline(always)]
    fn element<S: Simd<T>>(self, _: S, p: S::Vector, t: S::Vector) -> (S::Vector, S::Vector) {
        let difference = p.sub(t);
        (difference.mul(difference), difference.add(difference))
    }
}

/// |p − t|
#[derive(Clone, Copy)]
pub(super) struct Absolute;

impl<T: Element> ElementLoss<T> for Absolute {
    #[inline(always)]
    fn element<S: Simd<T>>(self, simd: S, p: S::Vector, t: S::Vector) -> (S::Vector, S::Vector) {
        let zero = simd.zero();
        let difference = p.sub(t);
        let sign = simd.splat(T::one()).copy_sign(difference);
        let slope = simd.select(difference.equal(zero), zero, sign);
        (difference.abs(), simd.select(difference.equal(difference), slope, difference))
    }
}

/// ½d² for |d| ≤ δ, δ(|d| − ½δ) beyond, d = p − t
#[derive(Clone, Copy)]
pub(super) struct Huber<T>(pub T);

impl<T: Element> ElementLoss<T> for Huber<T> {
    #[inline(always)]
    fn element<S: Simd<T>>(self, simd: S, p: S::Vector, t: S::Vector) -> (S::Vector, S::Vector) {
        let (delta, half) = (simd.splat(self.0), simd.splat(T::of(0.5)));
        let difference = p.sub(t);
        let large = delta.less(difference.abs());
        let linear = delta.mul(difference.abs().sub(half.mul(delta)));
        let quadratic = half.mul(difference).mul(difference);
        (simd.select(large, linear, quadratic), simd.select(large, delta.copy_sign(difference), difference))
    }
}

/// −t·ln p − (1 − t)·ln(1 − p), p kept inside (ε, 1 − ε)
#[derive(Clone, Copy)]
pub(super) struct CrossEntropy<T>(pub T);

impl<T: Element> ElementLoss<T> for CrossEntropy<T> {
    #[inline(always)]
    fn element<S: Simd<T>>(self, simd: S, p: S::Vector, t: S::Vector) -> (S::Vector, S::Vector) {
        let one = simd.splat(T::one());
        let inside = simd.splat(T::one() - self.0).min(simd.splat(self.0).max(p));
        let rest = one.sub(inside);
        let value = t.mul_add(ln(simd, inside), one.sub(t).mul(ln(simd, rest))).negate();
        let slope = p.sub(t).div(inside.mul(rest));
        let zero = inside.sub(inside); // or NaN
        (value, simd.select(inside.equal(p), slope, zero))
    }
}

/// max(z, 0) − z·t + ln(1 + e^−|z|), with the derivative σ(z) − t
#[derive(Clone, Copy)]
pub(super) struct CrossEntropyFromLogits;

impl<T: Element> ElementLoss<T> for CrossEntropyFromLogits {
    #[inline(always)]
    fn element<S: Simd<T>>(self, simd: S, z: S::Vector, t: S::Vector) -> (S::Vector, S::Vector) {
        let decay = exp(simd, z.abs().negate());
        let linear = z.negate().mul_add(t, simd.zero().max(z));
        (linear.add(ln_1p_unit(simd, decay)), sigmoid_with(simd, z, decay).sub(t))
    }
}
