//! The activations' derivatives as functions of one vector: of x for GELU and SiLU, of f(x) for all
//! others. That of NaN is NaN.

use super::{SELU_ALPHA, SELU_SCALE};
use crate::kernel::Element;
use crate::kernel::math::error_function::normal;
use crate::kernel::math::exponential::exp_m1;
use crate::kernel::math::logistic::sigmoid;
use crate::kernel::simd::{Simd, Vector};
use crate::kernel::slices::{Map, Zip};

/// `derivative`, or NaN where `f` is.
#[inline(always)]
fn unless_nan<T: Element, S: Simd<T>>(simd: S, f: S::Vector, derivative: S::Vector) -> S::Vector {
    simd.select(f.equal(f), derivative, f)
}

/// A gradient times the derivative.
#[derive(Clone, Copy)]
pub(super) struct Times<D>(pub D);

impl<T: Element, D: Map<T>> Zip<T> for Times<D> {
    #[inline(always)]
    fn zip<S: Simd<T>>(self, simd: S, reference: S::Vector, gradient: S::Vector) -> S::Vector {
        gradient.mul(self.0.map(simd, reference))
    }
}

/// 1 for f > 0, else 0
#[derive(Clone, Copy)]
pub(super) struct Relu;

impl<T: Element> Map<T> for Relu {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, f: S::Vector) -> S::Vector {
        let zero = simd.zero();
        unless_nan(simd, f, simd.select(zero.less(f), simd.splat(T::one()), zero))
    }
}

/// 1 for f > 0, else slope
#[derive(Clone, Copy)]
pub(super) struct LeakyRelu<T>(pub T);

impl<T: Element> Map<T> for LeakyRelu<T> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, f: S::Vector) -> S::Vector {
        unless_nan(simd, f, simd.select(simd.zero().less(f), simd.splat(T::one()), simd.splat(self.0)))
    }
}

/// scale for f > 0, else scale·α eˣ = f + scale·α
#[derive(Clone, Copy)]
pub(super) struct Elu<T> {
    pub scale: T,
    pub alpha: T,
}

impl<T: Element> Map<T> for Elu<T> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, f: S::Vector) -> S::Vector {
        let below = f.add(simd.splat(self.scale * self.alpha));
        simd.select(simd.zero().less(f), simd.splat(self.scale), below)
    }
}

/// The same with Klambauer's constants; at 0, where the left and right derivatives differ, it is
/// the scale, as in Keras.
#[derive(Clone, Copy)]
pub(super) struct Selu;

impl<T: Element> Map<T> for Selu {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, f: S::Vector) -> S::Vector {
        let below = f.add(simd.splat(T::of(SELU_SCALE) * T::of(SELU_ALPHA)));
        unless_nan(simd, f, simd.select(f.less(simd.zero()), below, simd.splat(T::of(SELU_SCALE))))
    }
}

/// Φ(x) + x φ(x), with the density φ(x) = exp(−½x²) / √(2π)
#[derive(Clone, Copy)]
pub(super) struct Gelu;

impl<T: Element> Map<T> for Gelu {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, x: S::Vector) -> S::Vector {
        let (distribution, bell) = normal(simd, x);
        let density = bell.mul(simd.splat(T::of(0.398_942_280_401_432_7)));
        x.mul_add(density, distribution)
    }
}

/// σ(x) (1 + x (1 − σ(x)))
#[derive(Clone, Copy)]
pub(super) struct Silu;

impl<T: Element> Map<T> for Silu {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, x: S::Vector) -> S::Vector {
        let one = simd.splat(T::one());
        let s = sigmoid(simd, x);
        s.mul(x.mul_add(one.sub(s), one))
    }
}

/// f (1 − f)
#[derive(Clone, Copy)]
pub(super) struct Sigmoid;

impl<T: Element> Map<T> for Sigmoid {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, f: S::Vector) -> S::Vector {
        f.mul(simd.splat(T::one()).sub(f))
    }
}

/// 1 − f²
#[derive(Clone, Copy)]
pub(super) struct Tanh;

impl<T: Element> Map<T> for Tanh {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, f: S::Vector) -> S::Vector {
        f.negate().mul_add(f, simd.splat(T::one()))
    }
}

/// σ(x) = 1 − e⁻ᶠ
#[derive(Clone, Copy)]
pub(super) struct Softplus;

impl<T: Element> Map<T> for Softplus {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, f: S::Vector) -> S::Vector {
        exp_m1(simd, f.negate()).negate()
    }
}
