//! Cross-entropy over groups of classes, from probabilities and from logits.

use crate::kernel::Element;
use crate::kernel::denormals::flush_small;
use crate::kernel::lanes::{keep, largest};
use crate::kernel::math::exponential::exp;
use crate::kernel::math::logarithm::ln;
use crate::kernel::simd::{Operation, Simd, dispatch};

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
    dispatch(Groups { group: Shares { epsilon, factor }, channels, predictions, targets, gradient })
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
    fn loss<V: Simd<T>>(self, predictions: &[T], targets: &[T], gradient: Option<&mut [T]>) -> T;
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
    fn run<V: Simd<T>>(mut self) -> f64 {
        let groups = self.predictions.chunks_exact(self.channels).zip(self.targets.chunks_exact(self.channels));
        let mut total = 0.0;
        for (index, (p, t)) in groups.enumerate() {
            let start = index * self.channels;
            let gradient = self.gradient.as_deref_mut().map(|gradient| &mut gradient[start..start + self.channels]);
            total += self.group.loss::<V>(p, t, gradient).to_f64().unwrap_or(f64::NAN);
        }
        total
    }
}

/// From probabilities.
#[derive(Clone, Copy)]
struct Shares<T> {
    epsilon: T,
    factor: T,
}

impl<T: Element> Group<T> for Shares<T> {
    #[inline(always)]
    fn loss<V: Simd<T>>(self, predictions: &[T], targets: &[T], gradient: Option<&mut [T]>) -> T {
        let sum = V::splat(sum::<T, V>(predictions));
        let (mut value, mut weighted) = (V::splat(T::zero()), V::splat(T::zero()));
        // Past the last class, targets are zero, and so are their terms.
        for (p, t) in predictions.chunks(V::LANES).zip(targets.chunks(V::LANES)) {
            let (share, t) = (V::read(p).div(sum), V::read(t));
            value = t.mul_add(ln(self.inside(share)), value);
            weighted = self.slope(share, t).mul_add(share, weighted);
        }
        if let Some(gradient) = gradient {
            let weighted = V::splat(weighted.sum_lanes());
            let pairs = predictions.chunks(V::LANES).zip(targets.chunks(V::LANES));
            for ((p, t), g) in pairs.zip(gradient.chunks_mut(V::LANES)) {
                let slope = self.slope(V::read(p).div(sum), V::read(t));
                flush_small(V::splat(self.factor).mul(slope.sub(weighted)).div(sum)).write(g);
            }
        }
        -value.sum_lanes()
    }
}

impl<T: Element> Shares<T> {
    /// The share, clamped to (ε, 1 − ε).
    #[inline(always)]
    fn inside<V: Simd<T>>(self, share: V) -> V {
        V::splat(T::one() - self.epsilon).min(V::splat(self.epsilon).max(share))
    }

    /// The derivative of −t ln s with respect to the share s; zero if s is not inside (ε, 1 − ε).
    #[inline(always)]
    fn slope<V: Simd<T>>(self, share: V, t: V) -> V {
        let (zero, slope) = (V::splat(T::zero()), t.negate().div(share));
        let below = V::select(share.less(V::splat(T::one() - self.epsilon)), slope, zero);
        V::select(V::splat(self.epsilon).less(share), below, zero)
    }
}

/// From logits.
#[derive(Clone, Copy)]
struct Logits<T> {
    factor: T,
}

impl<T: Element> Group<T> for Logits<T> {
    #[inline(always)]
    fn loss<V: Simd<T>>(self, logits: &[T], targets: &[T], gradient: Option<&mut [T]>) -> T {
        let largest = V::splat(largest::<T, V>(logits));
        let mut exponentials = V::splat(T::zero());
        for z in logits.chunks(V::LANES) {
            exponentials = exponentials.add(keep(exp(V::read(z).sub(largest)), z.len(), T::zero()));
        }
        let exponentials = exponentials.sum_lanes();
        if let Some(gradient) = gradient {
            let share = V::splat(sum::<T, V>(targets) / exponentials);
            let pairs = logits.chunks(V::LANES).zip(targets.chunks(V::LANES));
            for ((z, t), g) in pairs.zip(gradient.chunks_mut(V::LANES)) {
                let slope = exp(V::read(z).sub(largest)).mul(share).sub(V::read(t));
                flush_small(slope.mul(V::splat(self.factor))).write(g);
            }
        }
        let log_sum = V::splat(exponentials.ln());
        let mut value = V::splat(T::zero());
        for (z, t) in logits.chunks(V::LANES).zip(targets.chunks(V::LANES)) {
            value = V::read(t).mul_add(log_sum.sub(V::read(z).sub(largest)), value);
        }
        value.sum_lanes()
    }
}

#[inline(always)]
fn sum<T: Element, V: Simd<T>>(values: &[T]) -> T {
    let mut sum = V::splat(T::zero());
    for chunk in values.chunks(V::LANES) {
        sum = sum.add(V::read(chunk));
    }
    sum.sum_lanes()
}
