//! Optimizer updates: one pass over parameters θ, gradients g and moments.

use super::Element;

/// v ← μv − ηg; θ ← θ + v, or with Nesterov's look-ahead θ ← θ + μv − ηg.
pub fn momentum<T: Element>(
    parameters: &mut [T],
    gradients: &[T],
    velocities: &mut [T],
    rate: T,
    momentum: T,
    nesterov: bool,
) {
    for ((p, g), v) in parameters.iter_mut().zip(gradients).zip(velocities) {
        *v = momentum * *v - rate * *g;
        *p += if nesterov { momentum * *v - rate * *g } else { *v };
    }
}

/// θ ← θ − ηg
pub fn descend<T: Element>(parameters: &mut [T], gradients: &[T], rate: T) {
    for (p, g) in parameters.iter_mut().zip(gradients) {
        *p -= rate * *g;
    }
}

/// The numbers of an Adam step; `rate` is η√(1 − β₂ᵗ)/(1 − β₁ᵗ).
#[derive(Clone, Copy, Debug)]
pub struct Adam<T> {
    /// The learning rate, corrected for the moments' start at zero.
    pub rate: T,
    /// Decay of the first moment.
    pub beta_1: T,
    /// Decay of the second moment.
    pub beta_2: T,
    /// Added to the root.
    pub epsilon: T,
    /// θ is first multiplied by 1 − this.
    pub decay: T,
}

/// m ← m + (1 − β₁)(g − m); v ← v + (1 − β₂)(g² − v); θ ← θ − rate·m/(√v + ε)
pub fn adam<T: Element>(parameters: &mut [T], gradients: &[T], first: &mut [T], second: &mut [T], step: Adam<T>) {
    let one = T::one();
    for (((p, g), m), v) in parameters.iter_mut().zip(gradients).zip(first).zip(second) {
        *m += (one - step.beta_1) * (*g - *m);
        *v += (one - step.beta_2) * (*g * *g - *v);
        *p -= *p * step.decay;
        *p -= step.rate * *m / (v.sqrt() + step.epsilon);
    }
}

/// The numbers of an RMSprop step.
#[derive(Clone, Copy, Debug)]
pub struct RmsProp<T> {
    /// The learning rate η.
    pub rate: T,
    /// Decay ρ of the mean of squares.
    pub rho: T,
    /// Added under the root.
    pub epsilon: T,
    /// Decay μ of the velocity.
    pub momentum: T,
}

/// v ← ρv + (1 − ρ)g²; with `mean` m ← ρm + (1 − ρ)g; u = ηg/√(v − m² + ε);
/// with `velocity` b ← μb + u, θ ← θ − b, else θ ← θ − u.
pub fn rms_prop<T: Element>(
    parameters: &mut [T],
    gradients: &[T],
    squares: &mut [T],
    mut mean: Option<&mut [T]>,
    mut velocity: Option<&mut [T]>,
    step: RmsProp<T>,
) {
    let one = T::one();
    for (index, ((p, g), v)) in parameters.iter_mut().zip(gradients).zip(squares).enumerate() {
        *v = step.rho * *v + (one - step.rho) * *g * *g;
        let mut variance = *v;
        if let Some(mean) = mean.as_deref_mut() {
            let m = &mut mean[index];
            *m = step.rho * *m + (one - step.rho) * *g;
            variance -= *m * *m;
        }
        let update = step.rate * *g / (variance + step.epsilon).sqrt();
        match velocity.as_deref_mut() {
            Some(velocity) => {
                let b = &mut velocity[index];
                *b = step.momentum * *b + update;
                *p -= *b;
            }
            None => *p -= update,
        }
    }
}
