//! Sums over slices, and checks of all their values.
//!
//! Blocks of elements are summed in vectors, and the blocks' sums added in `f64`, in order. So a
//! sum's bits depend only on the values, their number and the CPU path.

use std::ops::RangeInclusive;

use super::Element;
use super::simd::{Operation, Simd, Vector, dispatch};

/// Elements of a block; the sums of blocks are added in `f64`.
pub(crate) const BLOCK: usize = 512;

/// Σ x²
pub fn sum_of_squares<T: Element>(values: &[T]) -> f64 {
    dispatch(Sum(Square(values)))
}

/// Σ |x|
pub fn sum_of_absolutes<T: Element>(values: &[T]) -> f64 {
    dispatch(Sum(Absolute(values)))
}

/// Σ (a − b)²
///
/// # Panics
/// If the lengths differ.
pub fn squared_differences<T: Element>(a: &[T], b: &[T]) -> f64 {
    assert_eq!(a.len(), b.len(), "as many values on both sides");
    dispatch(Sum(SquaredDifference(a, b)))
}

/// Whether every value is finite.
pub fn finite<T: Element>(values: &[T]) -> bool {
    first_not_finite(values).is_none()
}

/// The index of the first value that is infinite or NaN.
pub fn first_not_finite<T: Element>(values: &[T]) -> Option<usize> {
    dispatch(FirstWhere(NonFinite, values))
}

/// The index of the first value that is not in 0..=1.
pub fn outside_unit_interval<T: Element>(values: &[T]) -> Option<usize> {
    dispatch(FirstWhere(OutsideUnitInterval, values))
}

/// Terms of a sum, one for each index. Implementations are `#[inline(always)]`.
trait Terms<T: Element>: Copy {
    fn count(self) -> usize;
    /// The terms from `start` on, as many as there are lanes; zeros past the last.
    fn at<S: Simd<T>>(self, simd: S, start: usize) -> S::Vector;
}

#[derive(Clone, Copy)]
struct Square<'a, T>(&'a [T]);

impl<T: Element> Terms<T> for Square<'_, T> {
    #[inline(always)]
    fn count(self) -> usize {
        self.0.len()
    }
    #[inline(always)]
    fn at<S: Simd<T>>(self, simd: S, start: usize) -> S::Vector {
        let value = simd.read(&self.0[start..]);
        value.mul(value)
    }
}

#[derive(Clone, Copy)]
struct Absolute<'a, T>(&'a [T]);

impl<T: Element> Terms<T> for Absolute<'_, T> {
    #[inline(always)]
    fn count(self) -> usize {
        self.0.len()
    }
    #[inline(always)]
    fn at<S: Simd<T>>(self, simd: S, start: usize) -> S::Vector {
        simd.read(&self.0[start..]).abs()
    }
}

#[derive(Clone, Copy)]
struct SquaredDifference<'a, T>(&'a [T], &'a [T]);

impl<T: Element> Terms<T> for SquaredDifference<'_, T> {
    #[inline(always)]
    fn count(self) -> usize {
        self.0.len()
    }
    #[inline(always)]
    fn at<S: Simd<T>>(self, simd: S, start: usize) -> S::Vector {
        let difference = simd.read(&self.0[start..]).sub(simd.read(&self.1[start..]));
        difference.mul(difference)
    }
}

struct Sum<Q>(Q);

impl<T: Element, Q: Terms<T>> Operation<T> for Sum<Q> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> f64 {
        let count = self.0.count();
        let mut total = 0.0;
        for block in (0..count).step_by(BLOCK) {
            let end = (block + BLOCK).min(count);
            let mut sums = [simd.zero(); 4];
            let mut start = block;
            while start < end {
                for sum in &mut sums {
                    if start < end {
                        *sum = sum.add(self.0.at(simd, start));
                    }
                    start += S::LANES;
                }
            }
            let sum = sums[0].add(sums[1]).add(sums[2].add(sums[3])).sum_lanes();
            total += sum.to_f64().unwrap_or(f64::NAN);
        }
        total
    }
}

/// What is asked of each value. Implementations are `#[inline(always)]`.
trait Predicate<T: Element>: Copy {
    /// Adds to each sum zero where the answer is no, and for zero; else a positive number, infinity
    /// or NaN.
    fn add_to<S: Simd<T>>(self, simd: S, sum: S::Vector, value: S::Vector) -> S::Vector;
    /// The answer for a single value.
    fn holds(self, value: T) -> bool;
}

#[derive(Clone, Copy)]
struct NonFinite;

impl<T: Element> Predicate<T> for NonFinite {
    /// 0·x: NaN if x is not finite.
    #[inline(always)]
    fn add_to<S: Simd<T>>(self, simd: S, sum: S::Vector, value: S::Vector) -> S::Vector {
        value.mul_add(simd.zero(), sum)
    }
    #[inline(always)]
    fn holds(self, value: T) -> bool {
        !value.is_finite()
    }
}

#[derive(Clone, Copy)]
struct OutsideUnitInterval;

impl<T: Element> Predicate<T> for OutsideUnitInterval {
    /// The distance from the interval; NaN for NaN.
    #[inline(always)]
    fn add_to<S: Simd<T>>(self, simd: S, sum: S::Vector, value: S::Vector) -> S::Vector {
        let nearest = value.max(simd.zero()).min(simd.splat(T::one()));
        sum.add(value.sub(nearest).abs())
    }
    #[inline(always)]
    fn holds(self, value: T) -> bool {
        let unit: RangeInclusive<T> = T::zero()..=T::one();
        !unit.contains(&value)
    }
}

/// Values after which a check looks whether it has found one.
const VALUES_AT_ONCE: usize = 4096;

/// The index of the first value for which the predicate holds.
struct FirstWhere<'a, T, F>(F, &'a [T]);

impl<T: Element, F: Predicate<T>> Operation<T> for FirstWhere<'_, T, F> {
    type Output = Option<usize>;

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> Option<usize> {
        for (block, values) in self.1.chunks(VALUES_AT_ONCE).enumerate() {
            if sum_of_indicators(simd, self.0, values) != T::zero() {
                let within = values.iter().position(|value| self.0.holds(*value));
                return within.map(|index| block * VALUES_AT_ONCE + index);
            }
        }
        None
    }
}

/// The sum of all indicators.
#[inline(always)]
fn sum_of_indicators<T: Element, S: Simd<T>>(simd: S, predicate: impl Predicate<T>, values: &[T]) -> T {
    let mut sums = [simd.zero(); 4];
    let groups = values.chunks_exact(4 * S::LANES);
    let rest = groups.remainder();
    for group in groups {
        for (sum, vector) in sums.iter_mut().zip(group.chunks_exact(S::LANES)) {
            *sum = predicate.add_to(simd, *sum, simd.read(vector));
        }
    }
    for (sum, vector) in sums.iter_mut().zip(rest.chunks(S::LANES)) {
        *sum = predicate.add_to(simd, *sum, simd.read(vector));
    }
    sums[0].add(sums[1]).add(sums[2].add(sums[3])).sum_lanes()
}

#[cfg(test)]
mod tests;
