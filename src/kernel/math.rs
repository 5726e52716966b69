//! Exponential, logarithm and related functions, over slices and over vectors.
//!
//! Largest errors found, in units in the last place of the result: for `f32` against `f64` over
//! every 17th bit pattern, for `f64` against 200 bits of precision at 50 000 arguments of all
//! magnitudes. The portable path is less exact, since it rounds products before adding to them.
//!
//! | | `f32` | portable | `f64` | portable |
//! |---|---|---|---|---|
//! | eˣ | 0.9 | 1.2 | 0.9 | 1.1 |
//! | eˣ − 1 | 1.4 | 1.4 | 1.2 | 1.2 |
//! | ln x | 0.9 | 0.9 | 0.8 | 0.8 |
//! | ln(1 + x) | 1.5 | 1.5 | 0.8 | 0.8 |
//! | sigmoid | 2.4 | 2.4 | 1.9 | 1.9 |
//! | tanh | 1.6 | 1.5 | 1.4 | 1.4 |
//! | erf | 1.1 | 1.3 | 1.0 | 1.2 |
//! | erfc | 4.2 | 5.6 | 3.5 | 4.2 |
//!
//! Zeros keep their sign if the function does; subnormal arguments and results, infinities and NaN
//! follow the limits of the formula.

mod coefficients;
pub(crate) mod error_function;
pub(crate) mod exponential;
pub(crate) mod logarithm;
pub(crate) mod logistic;
#[cfg(test)]
mod tests;

pub use coefficients::Coefficients;

use super::Element;
use super::simd::{Operation, Simd, Vector, dispatch};
use super::slices::{self, Map};

/// Horner's scheme: c₀ + x (c₁ + x (c₂ + …)).
#[inline(always)]
fn polynomial<T: Element, S: Simd<T>>(simd: S, x: S::Vector, coefficients: &'static [T]) -> S::Vector {
    let last = coefficients.len() - 1;
    let mut sum = simd.splat(coefficients[last]);
    for power in (0..last).rev() {
        sum = sum.mul_add(x, simd.splat(coefficients[power]));
    }
    sum
}

/// Replaces each value by a function of it.
struct Elementwise<'a, T, F>(F, &'a mut [T]);

impl<T: Element, F: Map<T>> Operation<T> for Elementwise<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        slices::map(simd, self.0, self.1);
    }
}

macro_rules! function {
    ($(#[$documentation:meta])* $name:ident, $map:ident, $vector:path) => {
        $(#[$documentation])*
        pub fn $name<T: Element>(values: &mut [T]) {
            dispatch(Elementwise($map, values));
        }

        #[derive(Clone, Copy)]
        pub(crate) struct $map;

        impl<T: Element> Map<T> for $map {
            #[inline(always)]
            fn map<S: Simd<T>>(self, simd: S, x: S::Vector) -> S::Vector {
                $vector(simd, x)
            }
        }
    };
}

function! {
    /// Replaces each value x by eˣ.
    exp, Exp, exponential::exp
}
function! {
    /// Replaces each value x by eˣ − 1.
    exp_m1, ExpM1, exponential::exp_m1
}
function! {
    /// Replaces each value x by ln x.
    ln, Ln, logarithm::ln
}
function! {
    /// Replaces each value x by ln(1 + x).
    ln_1p, Ln1p, logarithm::ln_1p
}
function! {
    /// Replaces each value x by 1 / (1 + e⁻ˣ).
    sigmoid, Sigmoid, logistic::sigmoid
}
function! {
    /// Replaces each value by its hyperbolic tangent.
    tanh, Tanh, logistic::tanh
}
function! {
    /// Replaces each value x by 2/√π ∫₀ˣ exp(−t²) dt.
    erf, Erf, error_function::erf
}
function! {
    /// Replaces each value x by 1 − erf x.
    erfc, Erfc, error_function::erfc
}
