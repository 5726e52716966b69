//! Activation functions over slices, and their gradients.

use super::Element;

/// A function applied to each element by itself.
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

fn number<T: Element>(value: f64) -> T {
    T::from(value).unwrap_or_else(T::nan)
}

fn normal_distribution<T: Element>(x: T) -> T {
    let x = x.to_f64().unwrap_or(f64::NAN);
    number(0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2))
}

fn sigmoid<T: Element>(x: T) -> T {
    T::one() / (T::one() + (-x).exp())
}

fn elu<T: Element>(x: T, alpha: T) -> T {
    if x > T::zero() { x } else { alpha * x.exp_m1() }
}

/// Replaces each value x by f(x).
pub fn apply<T: Element>(function: Function<T>, values: &mut [T]) {
    let zero = T::zero();
    let value = |x: T| match function {
        Function::Relu => x.max(zero),
        Function::LeakyRelu(slope) => {
            if x > zero {
                x
            } else {
                slope * x
            }
        }
        Function::Elu(alpha) => elu(x, alpha),
        Function::Selu => number::<T>(SELU_SCALE) * elu(x, number(SELU_ALPHA)),
        Function::Gelu => x * normal_distribution(x),
        Function::Silu => x * sigmoid(x),
        Function::Sigmoid => sigmoid(x),
        Function::Tanh => x.tanh(),
        Function::Softplus => x.max(zero) + (-x.abs()).exp().ln_1p(),
    };
    values.iter_mut().for_each(|x| *x = value(*x));
}

/// Multiplies each gradient by f′(x). `reference` holds x for GELU and SiLU, f(x) for all others.
pub fn multiply_by_derivative<T: Element>(function: Function<T>, reference: &[T], gradient: &mut [T]) {
    let (zero, one) = (T::zero(), T::one());
    let derivative = |v: T| match function {
        Function::Relu => {
            if v > zero {
                one
            } else {
                zero
            }
        }
        Function::LeakyRelu(slope) => {
            if v > zero {
                one
            } else {
                slope
            }
        }
        Function::Elu(alpha) => {
            if v > zero {
                one
            } else {
                v + alpha
            }
        }
        Function::Selu => {
            let scale = number::<T>(SELU_SCALE);
            if v > zero { scale } else { v + scale * number::<T>(SELU_ALPHA) }
        }
        Function::Gelu => {
            let density = (-v * v * number(0.5)).exp() * number(0.398_942_280_401_432_7);
            normal_distribution(v) + v * density
        }
        Function::Silu => {
            let s = sigmoid(v);
            s * (one + v * (one - s))
        }
        Function::Sigmoid => v * (one - v),
        Function::Tanh => one - v * v,
        Function::Softplus => -(-v).exp_m1(),
    };
    for (gradient, value) in gradient.iter_mut().zip(reference) {
        *gradient *= derivative(*value);
    }
}

/// Replaces each group of `channels` values by its softmax, exp(xᵢ) / Σⱼ exp(xⱼ).
pub fn softmax<T: Element>(channels: usize, values: &mut [T]) {
    for group in values.chunks_exact_mut(channels) {
        let largest = group.iter().copied().fold(T::neg_infinity(), T::max);
        let mut sum = T::zero();
        for value in group.iter_mut() {
            *value = (*value - largest).exp();
            sum += *value;
        }
        group.iter_mut().for_each(|value| *value /= sum);
    }
}

/// Turns the gradient g of softmax's outputs y into that of its inputs: yᵢ(gᵢ − Σⱼ gⱼyⱼ).
pub fn softmax_gradient<T: Element>(channels: usize, outputs: &[T], gradient: &mut [T]) {
    for (gradient, outputs) in gradient.chunks_exact_mut(channels).zip(outputs.chunks_exact(channels)) {
        let dot: T = gradient.iter().zip(outputs).map(|(g, y)| *g * *y).sum();
        for (g, y) in gradient.iter_mut().zip(outputs) {
            *g = *y * (*g - dot);
        }
    }
}
