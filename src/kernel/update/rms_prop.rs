//! RMSprop (Hinton 2012), plain or centred, with and without momentum.

use crate::kernel::Element;
use crate::kernel::denormals::{flush_small, flush_subnormal};
use crate::kernel::simd::{Operation, Simd, Vector, dispatch};

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

/// v ← ρv + (1 − ρ)g²; with `mean` m ← ρm + (1 − ρ)g; u = ηg/√(max(v − m², 0) + ε);
/// with `velocity` b ← μb + u, θ ← θ − b, else θ ← θ − u.
pub fn rms_prop<T: Element>(
    parameters: &mut [T],
    gradients: &[T],
    squares: &mut [T],
    mean: Option<&mut [T]>,
    velocity: Option<&mut [T]>,
    step: RmsProp<T>,
) {
    let count = parameters.len();
    assert_eq!(count, gradients.len(), "as many gradients as parameters");
    assert_eq!(count, squares.len(), "as many squares as parameters");
    assert!(mean.as_ref().is_none_or(|mean| mean.len() == count), "as many means as parameters");
    assert!(velocity.as_ref().is_none_or(|velocity| velocity.len() == count), "as many velocities as parameters");
    dispatch(RmsPropUpdate { parameters, gradients, squares, mean, velocity, step });
}

struct RmsPropUpdate<'a, T> {
    parameters: &'a mut [T],
    gradients: &'a [T],
    squares: &'a mut [T],
    mean: Option<&'a mut [T]>,
    velocity: Option<&'a mut [T]>,
    step: RmsProp<T>,
}

impl<T: Element> Operation<T> for RmsPropUpdate<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        for start in (0..self.parameters.len()).step_by(S::LANES) {
            let gradient = simd.read(&self.gradients[start..]);
            let variance = self.variance(simd, start, gradient);
            let root = variance.add(simd.splat(self.step.epsilon)).sqrt();
            let update = simd.splat(self.step.rate).mul(gradient).div(root);
            let descent = self.with_momentum(simd, start, update);
            let parameters = &mut self.parameters[start..];
            flush_small(simd, simd.read(parameters).sub(descent)).write(parameters);
        }
    }
}

impl<T: Element> RmsPropUpdate<'_, T> {
    /// Updates the moments; returns v, or v − m², which is not negative but for rounding. NaN stays
    /// NaN.
    #[inline(always)]
    fn variance<S: Simd<T>>(&mut self, simd: S, start: usize, gradient: S::Vector) -> S::Vector {
        let squares = &mut self.squares[start..];
        let old = simd.read(squares);
        let square = moved(simd, old, gradient.mul_add(gradient, old.negate()), self.step.rho);
        square.write(squares);
        let Some(mean) = self.mean.as_deref_mut() else { return square };
        let mean = &mut mean[start..];
        let old = simd.read(mean);
        let average = moved(simd, old, gradient.sub(old), self.step.rho);
        average.write(mean);
        simd.zero().max(square.sub(average.mul(average)))
    }

    /// The update, or with momentum the updated velocity.
    #[inline(always)]
    fn with_momentum<S: Simd<T>>(&mut self, simd: S, start: usize, update: S::Vector) -> S::Vector {
        let Some(velocity) = self.velocity.as_deref_mut() else { return update };
        let velocity = &mut velocity[start..];
        let sum = flush_subnormal(simd, simd.splat(self.step.momentum).mul_add(simd.read(velocity), update));
        sum.write(velocity);
        sum
    }
}

/// ρ·old + (1 − ρ)·new
#[inline(always)]
fn moved<T: Element, S: Simd<T>>(simd: S, old: S::Vector, new_minus_old: S::Vector, rho: T) -> S::Vector {
    flush_subnormal(simd, new_minus_old.mul_add(simd.splat(T::one() - rho), old))
}
