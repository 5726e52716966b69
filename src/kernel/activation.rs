//! Activation functions over slices, and their gradients.

mod derivatives;
mod functions;
mod softmax;
#[cfg(test)]
mod tests;

pub use softmax::{softmax, softmax_gradient};

use super::Element;
use super::math::{Sigmoid, Tanh};
use super::simd::{Operation, Simd, dispatch};
use super::slices::{map, zip};
use derivatives::Times;

/// A function applied to each element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Function<T> {
    /// max(0, x)
    Relu,
    /// x for x > 0, else slope·x
    LeakyRelu(T),
    /// x for x > 0, else α(eˣ − 1)
    Elu(T),
    /// λ·Elu(α) with Klambauer's two constants
    Selu,
    /// x·Φ(x), Φ the normal distribution function
    Gelu,
    /// x·σ(x)
    Silu,
    /// 1 / (1 + e⁻ˣ)
    Sigmoid,
    /// the hyperbolic tangent
    Tanh,
    /// ln(1 + eˣ)
    Softplus,
}

const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;
const SELU_SCALE: f64 = 1.050_700_987_355_480_5;

/// Replaces each value x by f(x).
pub fn apply<T: Element>(function: Function<T>, values: &mut [T]) {
    dispatch(Apply { function, values });
}

struct Apply<'a, T> {
    function: Function<T>,
    values: &'a mut [T],
}

impl<T: Element> Operation<T> for Apply<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let values = self.values;
        match self.function {
            Function::Relu => map(simd, functions::Relu, values),
            Function::LeakyRelu(slope) => map(simd, functions::LeakyRelu(slope), values),
            Function::Elu(alpha) => map(simd, functions::Elu { scale: T::one(), alpha }, values),
            Function::Selu => map(simd, functions::Elu::selu(), values),
            Function::Gelu => map(simd, functions::Gelu, values),
            Function::Silu => map(simd, functions::Silu, values),
            Function::Sigmoid => map(simd, Sigmoid, values),
            Function::Tanh => map(simd, Tanh, values),
            Function::Softplus => map(simd, functions::Softplus, values),
        }
    }
}

/// Multiplies each gradient by f′(x). `reference` holds x for GELU and SiLU, f(x) for all others.
///
/// # Panics
/// If the lengths differ.
pub fn multiply_by_derivative<T: Element>(function: Function<T>, reference: &[T], gradient: &mut [T]) {
    assert_eq!(reference.len(), gradient.len(), "as many references as gradients");
    dispatch(MultiplyByDerivative { function, reference, gradient });
}

struct MultiplyByDerivative<'a, T> {
    function: Function<T>,
    reference: &'a [T],
    gradient: &'a mut [T],
}

impl<T: Element> Operation<T> for MultiplyByDerivative<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Self { function, reference, gradient } = self;
        match function {
            Function::Relu => zip(simd, Times(derivatives::Relu), reference, gradient),
            Function::LeakyRelu(slope) => zip(simd, Times(derivatives::LeakyRelu(slope)), reference, gradient),
            Function::Elu(alpha) => zip(simd, Times(derivatives::Elu { scale: T::one(), alpha }), reference, gradient),
            Function::Selu => zip(simd, Times(derivatives::Selu), reference, gradient),
            Function::Gelu => zip(simd, Times(derivatives::Gelu), reference, gradient),
            Function::Silu => zip(simd, Times(derivatives::Silu), reference, gradient),
            Function::Sigmoid => zip(simd, Times(derivatives::Sigmoid), reference, gradient),
            Function::Tanh => zip(simd, Times(derivatives::Tanh), reference, gradient),
            Function::Softplus => zip(simd, Times(derivatives::Softplus), reference, gradient),
        }
    }
}
