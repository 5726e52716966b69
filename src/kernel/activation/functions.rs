//! The activations as functions of one vector. NaN stays NaN.

use super::{SELU_ALPHA, SELU_SCALE};
use crate::kernel::Element;
use crate::kernel::math::error_function::normal;
use crate::kernel::math::exponential::{exp, exp_m1};
use crate::kernel::math::logarithm::ln_1p_unit;
use crate::kernel::math::logistic::sigmoid;
use crate::kernel::simd::{Simd, Vector};
use crate::kernel::slices::Map;

/// max(0, x)
#[derive(Clone, Copy)]
pub(super) struct Relu;

impl<T: Element> Map<T> for Relu {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, x: S::Vector) -> S::Vector {
        simd.zero().max(x)
    }
}

/// x for x > 0, else slope·x
#[derive(Clone, Copy)]
pub(super) struct LeakyRelu<T>(pub T);

impl<T: Element> Map<T> for LeakyRelu<T> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, x: S::Vector) -> S::Vector {
        simd.select(simd.zero().less(x), x, x.mul(simd.splat(self.0)))
    }
}

/// scale·x for x > 0, else scale·α(eˣ − 1)
#[derive(Clone, Copy)]
pub(super) struct Elu<T> {
    pub scale: T,
    pub alpha: T,
}

impl<T: Element> Elu<T> {
    pub fn selu() -> Self {
        Self { scale: T::of(SELU_SCALE), alpha: T::of(SELU_ALPHA) }
    }
}

impl<T: Element> Map<T> for Elu<T> {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, x: S::Vector) -> S::Vector {
        let below = exp_m1(simd, x).mul(simd.splat(self.alpha));
        simd.select(simd.zero().less(x), x, below).mul(simd.splat(self.scale))
    }
}

/// x·Φ(x)
#[derive(Clone, Copy)]
pub(super) struct Gelu;

impl<T: Element> Map<T> for Gelu {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, x: S::Vector) -> S::Vector {
        x.mul(normal(simd, x).0)
    }
}

/// x·σ(x)
#[derive(Clone, Copy)]
pub(super) struct Silu;

impl<T: Element> Map<T> for Silu {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, x: S::Vector) -> S::Vector {
        x.mul(sigmoid(simd, x))
    }
}

/// ln(1 + eˣ) = max(0, x) + ln(1 + e⁻|ˣ|)
#[derive(Clone, Copy)]
pub(super) struct Softplus;

impl<T: Element> Map<T> for Softplus {
    #[inline(always)]
    fn map<S: Simd<T>>(self, simd: S, x: S::Vector) -> S::Vector {
        simd.zero().max(x).add(ln_1p_unit(simd, exp(simd, x.abs().negate())))
    }
}
