//! The activations as functions of one vector. NaN stays NaN.

use super::{SELU_ALPHA, SELU_SCALE};
use crate::kernel::Element;
use crate::kernel::lanes::Map;
use crate::kernel::math::error_function::normal;
use crate::kernel::math::exponential::{exp, exp_m1};
use crate::kernel::math::logarithm::ln_1p_unit;
use crate::kernel::math::logistic::sigmoid;
use crate::kernel::simd::Simd;

/// max(0, x)
#[derive(Clone, Copy)]
pub(super) struct Relu;

impl<T: Element> Map<T> for Relu {
    #[inline(always)]
    fn map<V: Simd<T>>(self, x: V) -> V {
        V::splat(T::zero()).max(x)
    }
}

/// x for x > 0, else slope·x
#[derive(Clone, Copy)]
pub(super) struct LeakyRelu<T>(pub T);

impl<T: Element> Map<T> for LeakyRelu<T> {
    #[inline(always)]
    fn map<V: Simd<T>>(self, x: V) -> V {
        V::select(V::splat(T::zero()).less(x), x, x.mul(V::splat(self.0)))
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
    fn map<V: Simd<T>>(self, x: V) -> V {
        let below = exp_m1(x).mul(V::splat(self.alpha));
        V::select(V::splat(T::zero()).less(x), x, below).mul(V::splat(self.scale))
    }
}

/// x·Φ(x)
#[derive(Clone, Copy)]
pub(super) struct Gelu;

impl<T: Element> Map<T> for Gelu {
    #[inline(always)]
    fn map<V: Simd<T>>(self, x: V) -> V {
        x.mul(normal(x).0)
    }
}

/// x·σ(x)
#[derive(Clone, Copy)]
pub(super) struct Silu;

impl<T: Element> Map<T> for Silu {
    #[inline(always)]
    fn map<V: Simd<T>>(self, x: V) -> V {
        x.mul(sigmoid(x))
    }
}

/// ln(1 + eˣ) = max(0, x) + ln(1 + e⁻|ˣ|)
#[derive(Clone, Copy)]
pub(super) struct Softplus;

impl<T: Element> Map<T> for Softplus {
    #[inline(always)]
    fn map<V: Simd<T>>(self, x: V) -> V {
        V::splat(T::zero()).max(x).add(ln_1p_unit(exp(x.abs().negate())))
    }
}
