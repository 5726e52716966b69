//! Adam (Kingma & Ba 2015), with decoupled weight decay (Loshchilov & Hutter 2019).

use crate::kernel::Element;
use crate::kernel::denormals::{flush_small, flush_subnormal};
use crate::kernel::simd::{Operation, Simd, Vector, dispatch};

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
    assert_eq!(parameters.len(), gradients.len(), "as many gradients as parameters");
    assert_eq!(parameters.len(), first.len(), "as many first moments as parameters");
    assert_eq!(parameters.len(), second.len(), "as many second moments as parameters");
    dispatch(AdamUpdate { parameters, gradients, first, second, step });
}

struct AdamUpdate<'a, T> {
    parameters: &'a mut [T],
    gradients: &'a [T],
    first: &'a mut [T],
    second: &'a mut [T],
    step: Adam<T>,
}

impl<T: Element> Operation<T> for AdamUpdate<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Adam { rate, beta_1, beta_2, epsilon, decay } = self.step;
        let (descent, epsilon, shrinking) = (simd.splat(-rate), simd.splat(epsilon), simd.splat(-decay));
        let (new_first, new_second) = (simd.splat(T::one() - beta_1), simd.splat(T::one() - beta_2));
        let zero = simd.zero();
        let slices = self.parameters.chunks_mut(S::LANES).zip(self.gradients.chunks(S::LANES));
        let moments = self.first.chunks_mut(S::LANES).zip(self.second.chunks_mut(S::LANES));
        for ((parameter, gradient), (first, second)) in slices.zip(moments) {
            let (p, g, m, v) = (simd.read(parameter), simd.read(gradient), simd.read(first), simd.read(second));
            let m = flush_subnormal(simd, g.sub(m).mul_add(new_first, m));
            let v = g.mul_add(g, v.negate()).mul_add(new_second, v);
            // While there is a mean, it is not divided by zero.
            let v = simd.select(m.equal(zero), flush_subnormal(simd, v), v);
            m.write(first);
            v.write(second);
            let decayed = p.mul_add(shrinking, p);
            flush_small(simd, m.div(v.sqrt().add(epsilon)).mul_add(descent, decayed)).write(parameter);
        }
    }
}
