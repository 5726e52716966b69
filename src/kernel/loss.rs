//! Losses over slices: the sum of the elements' values, and the gradient of that sum times a
//! factor, in one pass.
//!
//! Values are added in vectors over blocks of 512 elements, or over one group of classes, and these
//! sums in `f64`: the result's bits depend only on the values and the CPU path, and its relative
//! error in `f32` is about 10⁻⁷.

mod categorical;
mod elements;
#[cfg(test)]
mod tests;

pub use categorical::{categorical, categorical_from_logits};

use super::Element;
use super::denormals::flush_small;
use super::reduce::BLOCK;
use super::simd::{Operation, Simd, Vector, dispatch};
use super::slices::keep;
use elements::ElementLoss;

/// A loss that is a sum over elements; p is the prediction, t the target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Pointwise<T> {
    /// (p − t)²
    Squared,
    /// |p − t|
    Absolute,
    /// ½d² for |d| ≤ δ, δ(|d| − ½δ) beyond, d = p − t
    Huber(T),
    /// −t·ln p − (1 − t)·ln(1 − p), p kept inside (ε, 1 − ε)
    CrossEntropy(T),
    /// the same from p's logit z: max(z, 0) − z·t + ln(1 + e^−|z|)
    CrossEntropyFromLogits,
}

/// The sum of the loss over elements. If `gradient` is given, it is set to `factor` times the
/// derivative with respect to p; elements too small to compute with become zero.
///
/// # Panics
/// If the lengths differ.
pub fn pointwise<T: Element>(
    loss: Pointwise<T>,
    predictions: &[T],
    targets: &[T],
    factor: T,
    gradient: Option<&mut [T]>,
) -> f64 {
    assert_eq!(predictions.len(), targets.len(), "as many predictions as targets");
    if let Some(gradient) = &gradient {
        assert_eq!(predictions.len(), gradient.len(), "as many predictions as gradients");
    }
    let buffers = Buffers { predictions, targets, factor, gradient };
    match loss {
        Pointwise::Squared => dispatch(ElementLosses(elements::Squared, buffers)),
        Pointwise::Absolute => dispatch(ElementLosses(elements::Absolute, buffers)),
        Pointwise::Huber(delta) => dispatch(ElementLosses(elements::Huber(delta), buffers)),
        Pointwise::CrossEntropy(epsilon) => dispatch(ElementLosses(elements::CrossEntropy(epsilon), buffers)),
        Pointwise::CrossEntropyFromLogits => dispatch(ElementLosses(elements::CrossEntropyFromLogits, buffers)),
    }
}

struct Buffers<'a, T> {
    predictions: &'a [T],
    targets: &'a [T],
    factor: T,
    gradient: Option<&'a mut [T]>,
}

/// The loss of each element.
struct ElementLosses<'a, T, L>(L, Buffers<'a, T>);

impl<T: Element, L: ElementLoss<T>> Operation<T> for ElementLosses<'_, T, L> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> f64 {
        let Self(loss, buffers) = self;
        let blocks = buffers.predictions.chunks(BLOCK).zip(buffers.targets.chunks(BLOCK));
        let mut total = 0.0;
        match buffers.gradient {
            Some(gradient) => {
                for ((p, t), g) in blocks.zip(gradient.chunks_mut(BLOCK)) {
                    total += block_with_gradient(simd, loss, p, t, buffers.factor, g);
                }
            }
            None => {
                for (p, t) in blocks {
                    total += block(simd, loss, p, t);
                }
            }
        }
        total
    }
}

/// The sum of at most `BLOCK` elements' losses.
#[inline(always)]
fn block<T: Element, S: Simd<T>>(simd: S, loss: impl ElementLoss<T>, predictions: &[T], targets: &[T]) -> f64 {
    let mut sum = simd.zero();
    let (p, t) = (predictions.chunks_exact(S::LANES), targets.chunks_exact(S::LANES));
    let (p_rest, t_rest) = (p.remainder(), t.remainder());
    for (p, t) in p.zip(t) {
        sum = sum.add(loss.element(simd, simd.read(p), simd.read(t)).0);
    }
    if !p_rest.is_empty() {
        let (value, _) = loss.element(simd, simd.read(p_rest), simd.read(t_rest));
        sum = sum.add(keep(simd, value, p_rest.len(), T::zero()));
    }
    sum.sum_lanes().to_f64().unwrap_or(f64::NAN)
}

/// The same, and the gradients.
#[inline(always)]
fn block_with_gradient<T: Element, S: Simd<T>>(
    simd: S,
    loss: impl ElementLoss<T>,
    predictions: &[T],
    targets: &[T],
    factor: T,
    gradient: &mut [T],
) -> f64 {
    let (mut sum, factor) = (simd.zero(), simd.splat(factor));
    let (p, t) = (predictions.chunks_exact(S::LANES), targets.chunks_exact(S::LANES));
    let (p_rest, t_rest) = (p.remainder(), t.remainder());
    let mut g = gradient.chunks_exact_mut(S::LANES);
    for ((p, t), g) in p.zip(t).zip(&mut g) {
        let (value, slope) = loss.element(simd, simd.read(p), simd.read(t));
        flush_small(simd, slope.mul(factor)).write(g);
        sum = sum.add(value);
    }
    if !p_rest.is_empty() {
        let (value, slope) = loss.element(simd, simd.read(p_rest), simd.read(t_rest));
        flush_small(simd, slope.mul(factor)).write(g.into_remainder());
        sum = sum.add(keep(simd, value, p_rest.len(), T::zero()));
    }
    sum.sum_lanes().to_f64().unwrap_or(f64::NAN)
}
