//! Cross-entropy over groups of classes, from probabilities and from logits.

use crate::kernel::Element;
use crate::kernel::denormals::flush_small;
use crate::kernel::math::exponential::exp;
use crate::kernel::math::logarithm::ln;
use crate::kernel::simd::{Operation, Simd, Vector, dispatch};
use crate::kernel::slices::{keep, largest};

/// Σ over groups of −Σᵢ tᵢ ln pᵢ, with p divided by its sum and kept inside (ε, 1 − ε) as Keras
/// does.
///
/// # Panics
/// If the lengths differ, or are not whole groups of at least one.
pub fn categorical<T: Element>(
    channels: usize,
    epsilon: T,
    predictions: &[T],
    targets: &[T],
    factor: T,
    gradient: Option<&mut [T]>,
) -> f64 {
    check_lengths(channels, predictions, targets, gradient.as_deref());
    dispatch(Groups { group: Probabilities { epsilon, factor }, channels, predictions, targets, gradient })
}

/// The same from logits z: Σᵢ tᵢ (ln Σⱼ exp zⱼ − zᵢ).
///
/// # Panics
/// If the lengths differ, or are not whole groups of at least one.
pub fn categorical_from_logits<T: Element>(
    channels: usize,
    logits: &[T],
    targets: &[T],
    factor: T,
    gradient: Option<&mut [T]>,
) -> f64 {
    check_lengths(channels, logits, targets, gradient.as_deref());
    dispatch(Groups { group: Logits { factor }, channels, predictions: logits, targets, gradient })
}

fn check_lengths<T>(channels: usize, predictions: &[T], targets: &[T], gradient: Option<&[T]>) {
    assert_eq!(predictions.len(), targets.len(), "as many predictions as targets");
    assert!(predictions.len().is_multiple_of(channels) && channels > 0, "whole groups of predictions");
    assert!(gradient.is_none_or(|gradient| gradient.len() == predictions.len()), "as many predictions as gradients");
}

/// The loss of one group. Implementations are `#[inline(always)]`.
trait Group<T: Element>: Copy {
    fn loss<S: Simd<T>>(self, simd: S, predictions: &[T], targets: &[T], gradient: Option<&mut [T]>) -> T;
}

struct Groups<'a, T, G> {
    group: G,
    channels: usize,
    predictions: &'a [T],
    targets: &'a [T],
    gradient: Option<&'a mut [T]>,
}

impl<T: Element, G: Group<T>> Operation<T> for Groups<'_, T, G> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) -> f64 {
        let groups = self.predictions.chunks_exact(self.channels).zip(self.targets.chunks_exact(self.channels));
        let mut total = 0.0;
        for (index, (p, t)) in groups.enumerate() {
            let start = index * self.channels;
            let gradient = self.gradient.as_deref_mut().map(|gradient| &mut gradient[start..start + self.channels]);
            total += self.group.loss(simd, p, t, gradient).to_f64().unwrap_or(f64::NAN);
        }
        total
    }
}

/// From probabilities.
#[derive(Clone, Copy)]
struct Probabilities<T> {
    epsilon: T,
    factor: T,
}

impl<T: Element> Group<T> for Probabilities<T> {
    #[inline(always)]
    fn loss<S: Simd<T>>(self, simd: S, predictions: &[T], targets: &[T], gradient: Option<&mut [T]>) -> T {
        let sum = simd.splat(sum(simd, predictions));
        let (mut value, mut weighted) = (simd.zero(), simd.zero());
        // Past the last class, targets are zero, and so are their terms.
        for (p, t) in predictions.chunks(S::LANES).zip(targets.chunks(S::LANES)) {
            let (probability, t) = (simd.read(p).div(sum), simd.read(t));
            value = t.mul_add(ln(simd, self.clamped(simd, probability)), value);
            weighted = self.slope(simd, probability, t).mul_add(probability, weighted);
        }
        if let Some(gradient) = gradient {
            let weighted = simd.splat(weighted.sum_lanes());
            let pairs = predictions.chunks(S::LANES).zip(targets.chunks(S::LANES));
            for ((p, t), g) in pairs.zip(gradient.chunks_mut(S::LANES)) {
                let slope = self.slope(simd, simd.read(p).div(sum), simd.read(t));
                flush_small(simd, simd.splat(self.factor).mul(slope.sub(weighted)).div(sum)).write(g);
            }
        }
        -value.sum_lanes()
    }
}

impl<T: Element> Probabilities<T> {
    /// The probability, clamped to (ε, 1 − ε).
    #[inline(always)]
    fn clamped<S: Simd<T>>(self, simd: S, probability: S::Vector) -> S::Vector {
        simd.splat(T::one() - self.epsilon).min(simd.splat(self.epsilon).max(probability))
    }

    /// The derivative of −t ln p with respect to the probability p; zero if p is not inside
    /// (ε, 1 − ε).
    #[inline(always)]
    fn slope<S: Simd<T>>(self, simd: S, probability: S::Vector, t: S::Vector) -> S::Vector {
        let (zero, slope) = (simd.zero(), t.negate().div(probability));
        let below = simd.select(probability.less(simd.splat(T::one() - self.epsilon)), slope, zero);
        simd.select(simd.splat(self.epsilon).less(probability), below, zero)
    }
}

/// From logits.
#[derive(Clone, Copy)]
struct Logits<T> {
    factor: T,
}

impl<T: Element> Group<T> for Logits<T> {
    #[inline(always)]
    fn loss<S: Simd<T>>(self, simd: S, logits: &[T], targets: &[T], gradient: Option<&mut [T]>) -> T {
        let largest = simd.splat(largest(simd, logits));
        let mut exponentials = simd.zero();
        for z in logits.chunks(S::LANES) {
            exponentials = exponentials.add(keep(simd, exp(simd, simd.read(z).sub(largest)), z.len(), T::zero()));
        }
        let exponentials = exponentials.sum_lanes();
        if let Some(gradient) = gradient {
            let scale = simd.splat(sum(simd, targets) / exponentials);
            let pairs = logits.chunks(S::LANES).zip(targets.chunks(S::LANES));
            for ((z, t), g) in pairs.zip(gradient.chunks_mut(S::LANES)) {
                let slope = exp(simd, simd.read(z).sub(largest)).mul(scale).sub(simd.read(t));
                flush_small(simd, slope.mul(simd.splat(self.factor))).write(g);
            }
        }
        let log_sum = simd.splat(exponentials.ln());
        let mut value = simd.zero();
        for (z, t) in logits.chunks(S::LANES).zip(targets.chunks(S::LANES)) {
            value = simd.read(t).mul_add(log_sum.sub(simd.read(z).sub(largest)), value);
        }
        value.sum_lanes()
    }
}

#[inline(always)]
fn sum<T: Element, S: Simd<T>>(simd: S, values: &[T]) -> T {
    let mut sum = simd.zero();
    for chunk in values.chunks(S::LANES) {
        sum = sum.add(simd.read(chunk));
    }
    sum.sum_lanes()
}
