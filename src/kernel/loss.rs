//! Losses over slices: the sum of the elements' values, and the gradient of that sum times a factor.

use super::Element;

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

/// The sum over elements of the loss; if `gradient` is given, it is set to `factor` times the derivative by p.
pub fn pointwise<T: Element>(
    loss: Pointwise<T>,
    predictions: &[T],
    targets: &[T],
    factor: T,
    mut gradient: Option<&mut [T]>,
) -> f64 {
    let mut sum = 0.0;
    for (index, (p, t)) in predictions.iter().zip(targets).enumerate() {
        let (value, slope) = element(loss, *p, *t);
        sum += value.to_f64().unwrap_or(f64::NAN);
        if let Some(gradient) = gradient.as_deref_mut() {
            gradient[index] = factor * slope;
        }
    }
    sum
}

fn element<T: Element>(loss: Pointwise<T>, p: T, t: T) -> (T, T) {
    let (zero, one) = (T::zero(), T::one());
    let two = one + one;
    let difference = p - t;
    match loss {
        Pointwise::Squared => (difference * difference, two * difference),
        Pointwise::Absolute => {
            let slope = if difference > zero {
                one
            } else if difference < zero {
                -one
            } else {
                zero
            };
            (difference.abs(), slope)
        }
        Pointwise::Huber(delta) => {
            if difference.abs() <= delta {
                (difference * difference / two, difference)
            } else {
                (delta * (difference.abs() - delta / two), delta * difference.signum())
            }
        }
        Pointwise::CrossEntropy(epsilon) => {
            let inside = p.max(epsilon).min(one - epsilon);
            let value = -(t * inside.ln() + (one - t) * (one - inside).ln());
            let slope = if inside == p { (p - t) / (p * (one - p)) } else { zero };
            (value, slope)
        }
        Pointwise::CrossEntropyFromLogits => {
            let e = (-p.abs()).exp();
            let sigmoid = if p >= zero { one / (one + e) } else { e / (one + e) };
            (p.max(zero) - p * t + e.ln_1p(), sigmoid - t)
        }
    }
}

/// Σ over groups of −Σᵢ tᵢ ln pᵢ, with p divided by its sum and kept inside (ε, 1 − ε) as Keras does.
pub fn categorical<T: Element>(
    channels: usize,
    epsilon: T,
    predictions: &[T],
    targets: &[T],
    factor: T,
    mut gradient: Option<&mut [T]>,
) -> f64 {
    let one = T::one();
    let mut total = 0.0;
    for (group, (p, t)) in predictions.chunks_exact(channels).zip(targets.chunks_exact(channels)).enumerate() {
        let sum: T = p.iter().copied().sum();
        let mut value = T::zero();
        let mut weighted = T::zero();
        let slope = |p: T, t: T| {
            let share = p / sum;
            if share > epsilon && share < one - epsilon { -t / share } else { T::zero() }
        };
        for (p, t) in p.iter().zip(t) {
            let share = *p / sum;
            value -= *t * share.max(epsilon).min(one - epsilon).ln();
            weighted += slope(*p, *t) * share;
        }
        total += value.to_f64().unwrap_or(f64::NAN);
        if let Some(gradient) = gradient.as_deref_mut() {
            let gradient = &mut gradient[group * channels..][..channels];
            for ((g, p), t) in gradient.iter_mut().zip(p).zip(t) {
                *g = factor * (slope(*p, *t) - weighted) / sum;
            }
        }
    }
    total
}

/// The same from logits z: Σᵢ tᵢ (ln Σⱼ exp zⱼ − zᵢ).
pub fn categorical_from_logits<T: Element>(
    channels: usize,
    logits: &[T],
    targets: &[T],
    factor: T,
    mut gradient: Option<&mut [T]>,
) -> f64 {
    let mut total = 0.0;
    for (group, (z, t)) in logits.chunks_exact(channels).zip(targets.chunks_exact(channels)).enumerate() {
        let largest = z.iter().copied().fold(T::neg_infinity(), T::max);
        let sum: T = z.iter().map(|z| (*z - largest).exp()).sum();
        let log_sum = sum.ln();
        let weight: T = t.iter().copied().sum();
        let value: T = z.iter().zip(t).map(|(z, t)| *t * (log_sum - (*z - largest))).sum();
        total += value.to_f64().unwrap_or(f64::NAN);
        if let Some(gradient) = gradient.as_deref_mut() {
            let gradient = &mut gradient[group * channels..][..channels];
            for ((g, z), t) in gradient.iter_mut().zip(z).zip(t) {
                *g = factor * (weight * (*z - largest).exp() / sum - *t);
            }
        }
    }
    total
}
