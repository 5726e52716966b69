//! Random numbers for checks, and distances between numbers.

use rand_chacha::rand_core::Rng as _;

use crate::random::{Purpose, Random, Rng};
use crate::{Scalar, Shape};

/// Random numbers that are the same on every machine.
pub(super) struct Numbers(Rng);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Self(Random::new(seed, Purpose::Check).sample(0))
    }

    /// Uniform in 0..1.
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in low..high, rounded to an `f32`, so that both float types get the same numbers.
    pub fn within(&mut self, [low, high]: [f64; 2]) -> f64 {
        f64::from((low + (high - low) * self.unit()) as f32)
    }

    pub fn vector<T: Scalar>(&mut self, count: usize, range: [f64; 2]) -> Vec<T> {
        (0..count).map(|_| T::from_f64(self.within(range))).collect()
    }

    /// A permutation of `0..count`.
    pub fn order(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            order.swap(last, (self.unit() * (last + 1) as f64) as usize % (last + 1));
        }
        order
    }
}

/// The largest magnitude; infinite if a number is not finite.
pub(super) fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(0.0, |most: f64, value| if value.is_finite() { most.max(value.abs()) } else { f64::INFINITY })
}

/// The largest difference relative to the largest expected value, or to 10⁻³⁰ if that is smaller.
/// Infinite if the lengths differ, or if a number is not finite.
pub(super) fn distance<A: Scalar, B: Scalar>(found: &[A], expected: &[B]) -> f64 {
    if found.len() != expected.len() {
        return f64::INFINITY;
    }
    let difference =
        largest(found.iter().zip(expected).map(|(found, expected)| found.into_f64() - expected.into_f64()));
    // Never infinity by infinity: the largest of figures passes over a NaN.
    if difference.is_infinite() {
        difference
    } else {
        difference / largest(expected.iter().map(|value| value.into_f64())).max(1e-30)
    }
}

/// The position of the first number whose bits differ; a missing one differs.
pub(super) fn first_difference<T: Scalar>(one: &[T], other: &[T]) -> Option<usize> {
    let differ = |(one, other): (&T, &T)| one.into_f64().to_bits() != other.into_f64().to_bits();
    let found = one.iter().zip(other).position(differ);
    found.or((one.len() != other.len()).then(|| one.len().min(other.len())))
}

/// Describes a position in a batch.
pub(super) fn place(position: usize, shape: Shape) -> String {
    let elements = shape.elements().max(1);
    format!("element {} of sample {}", position % elements, position / elements)
}

pub(super) fn all_finite<T: Scalar>(values: &[T]) -> bool {
    values.iter().all(|value| value.is_finite())
}

/// The numbers in another float type.
pub(super) fn convert<A: Scalar, B: Scalar>(values: &[A]) -> Vec<B> {
    values.iter().map(|value| B::from_f64(value.into_f64())).collect()
}
