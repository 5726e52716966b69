//! Gradient descent, with and without momentum.

use crate::kernel::Element;
use crate::kernel::denormals::{flush_small, flush_subnormal};
use crate::kernel::lanes::{Zip, zip};
use crate::kernel::simd::{Operation, Simd, dispatch};

/// θ ← θ − ηg
pub fn descend<T: Element>(parameters: &mut [T], gradients: &[T], rate: T) {
    assert_eq!(parameters.len(), gradients.len(), "as many gradients as parameters");
    dispatch(Descend { parameters, gradients, rate });
}

struct Descend<'a, T> {
    parameters: &'a mut [T],
    gradients: &'a [T],
    rate: T,
}

impl<T: Element> Operation<T> for Descend<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Simd<T>>(self) {
        zip::<T, V>(AddTimes(-self.rate), self.gradients, self.parameters);
    }
}

/// y + factor·x, of a parameter y
#[derive(Clone, Copy)]
struct AddTimes<T>(T);

impl<T: Element> Zip<T> for AddTimes<T> {
    #[inline(always)]
    fn zip<V: Simd<T>>(self, x: V, y: V) -> V {
        flush_small(x.mul_add(V::splat(self.0), y))
    }
}

/// v ← μv − ηg; θ ← θ + v, or with Nesterov's look-ahead θ ← θ + μv − ηg.
pub fn momentum<T: Element>(
    parameters: &mut [T],
    gradients: &[T],
    velocities: &mut [T],
    rate: T,
    momentum: T,
    nesterov: bool,
) {
    assert_eq!(parameters.len(), gradients.len(), "as many gradients as parameters");
    assert_eq!(parameters.len(), velocities.len(), "as many velocities as parameters");
    dispatch(Momentum { parameters, gradients, velocities, rate, momentum, nesterov });
}

struct Momentum<'a, T> {
    parameters: &'a mut [T],
    gradients: &'a [T],
    velocities: &'a mut [T],
    rate: T,
    momentum: T,
    nesterov: bool,
}

impl<T: Element> Operation<T> for Momentum<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Simd<T>>(self) {
        let (rate, momentum) = (V::splat(self.rate), V::splat(self.momentum));
        let slices = self.parameters.chunks_mut(V::LANES).zip(self.gradients.chunks(V::LANES));
        for ((p, g), v) in slices.zip(self.velocities.chunks_mut(V::LANES)) {
            let descent = rate.mul(V::read(g)).negate();
            let velocity = flush_subnormal(momentum.mul_add(V::read(v), descent));
            let step = if self.nesterov { momentum.mul_add(velocity, descent) } else { velocity };
            flush_small(V::read(p).add(step)).write(p);
            velocity.write(v);
        }
    }
}
