//! Adam (Kingma & Ba 2015), with decoupled weight decay (Loshchilov & Hutter 2019).

use crate::kernel::Element;
use crate::kernel::denormals::{flush_small, flush_subnormal};
use crate::kernel::simd::{Operation, Simd, dispatch};

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
    dispatch(Pass { parameters, gradients, first, second, step });
}

struct Pass<'a, T> {
    parameters: &'a mut [T],
    gradients: &'a [T],
    first: &'a mut [T],
    second: &'a mut [T],
    step: Adam<T>,
}

impl<T: Element> Operation<T> for Pass<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Simd<T>>(self) {
        let Adam { rate, beta_1, beta_2, epsilon, decay } = self.step;
        let (descent, epsilon, shrinking) = (V::splat(-rate), V::splat(epsilon), V::splat(-decay));
        let (new_first, new_second) = (V::splat(T::one() - beta_1), V::splat(T::one() - beta_2));
        let zero = V::splat(T::zero());
        let slices = self.parameters.chunks_mut(V::LANES).zip(self.gradients.chunks(V::LANES));
        let moments = self.first.chunks_mut(V::LANES).zip(self.second.chunks_mut(V::LANES));
        for ((parameter, gradient), (first, second)) in slices.zip(moments) {
            let (p, g, m, v) = (V::read(parameter), V::read(gradient), V::read(first), V::read(second));
            let m = flush_subnormal(g.sub(m).mul_add(new_first, m));
            let v = g.mul_add(g, v.negate()).mul_add(new_second, v);
            let v = V::select(m.equal(zero), flush_subnormal(v), v); // while there is a mean, it is not divided by zero
            m.write(first);
            v.write(second);
            let decayed = p.mul_add(shrinking, p);
            flush_small(m.div(v.sqrt().add(epsilon)).mul_add(descent, decayed)).write(parameter);
        }
    }
}
