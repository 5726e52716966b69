//! Gradient descent, with and without momentum.

use crate::kernel::Element;
use crate::kernel::denormals::{flush_small, flush_subnormal};
use crate::kernel::simd::{Operation, Simd, Vector, dispatch};
use crate::kernel::slices::{Zip, zip};

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
    fn run<S: Simd<T>>(self, simd: S) {
        zip(simd, AddTimes(-self.rate), self.gradients, self.parameters);
    }
}

/// y + factor·x, of a parameter y
#[derive(Clone, Copy)]
struct AddTimes<T>(T);

impl<T: Element> Zip<T> for AddTimes<T> {
    #[inline(always)]
    fn zip<S: Simd<T>>(self, simd: S, x: S::Vector, y: S::Vector) -> S::Vector {
        flush_small(simd, x.mul_add(simd.splat(self.0), y))
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
    fn run<S: Simd<T>>(self, simd: S) {
        let (rate, momentum) = (simd.splat(self.rate), simd.splat(self.momentum));
        let slices = self.parameters.chunks_mut(S::LANES).zip(self.gradients.chunks(S::LANES));
        for ((p, g), v) in slices.zip(self.velocities.chunks_mut(S::LANES)) {
            let descent = rate.mul(simd.read(g)).negate();
            let velocity = flush_subnormal(simd, momentum.mul_add(simd.read(v), descent));
            let step = if self.nesterov { momentum.mul_add(velocity, descent) } else { velocity };
            flush_small(simd, simd.read(p).add(step)).write(p);
            velocity.write(v);
        }
    }
}
