//! Loops over slices, a vector at a time: full vectors, then one partial vector with the same
//! formula, so that the result for an element does not depend on its position in the slice.

use super::Element;
use super::simd::{Simd, Vector};

/// The most lanes that a vector of any path has.
pub(crate) const MAX_LANES: usize = 16;

/// A function of one value.
pub(crate) trait Map<T: Element>: Copy {
    /// f(x) in each lane. Implementations are `#[inline(always)]`.
    fn map<S: Simd<T>>(self, simd: S, x: S::Vector) -> S::Vector;
}

/// A function of two values.
pub(crate) trait Zip<T: Element>: Copy {
    /// f(x, y) in each lane. Implementations are `#[inline(always)]`.
    fn zip<S: Simd<T>>(self, simd: S, x: S::Vector, y: S::Vector) -> S::Vector;
}

/// Replaces each value x by f(x).
#[inline(always)]
pub(crate) fn map<T: Element, S: Simd<T>>(simd: S, function: impl Map<T>, values: &mut [T]) {
    let mut chunks = values.chunks_exact_mut(S::LANES);
    for chunk in &mut chunks {
        function.map(simd, simd.read(chunk)).write(chunk);
    }
    let rest = chunks.into_remainder();
    if !rest.is_empty() {
        function.map(simd, simd.read(rest)).write(rest);
    }
}

/// Replaces each value y by f(x, y), with the x at the same index in `sources`.
#[inline(always)]
pub(crate) fn zip<T: Element, S: Simd<T>>(simd: S, function: impl Zip<T>, sources: &[T], values: &mut [T]) {
    for (source, value) in sources.chunks(S::LANES).zip(values.chunks_mut(S::LANES)) {
        function.zip(simd, simd.read(source), simd.read(value)).write(value);
    }
}

/// The first `count` lanes, then `fill`.
#[inline(always)]
pub(crate) fn keep<T: Element, S: Simd<T>>(simd: S, vector: S::Vector, count: usize, fill: T) -> S::Vector {
    if count >= S::LANES {
        return vector;
    }
    let mut lanes = [fill; MAX_LANES];
    vector.write(&mut lanes[..count]);
    simd.read(&lanes)
}

/// The largest value; −∞ of none.
#[inline(always)]
pub(crate) fn largest<T: Element, S: Simd<T>>(simd: S, values: &[T]) -> T {
    let mut largest = simd.splat(T::neg_infinity());
    for chunk in values.chunks(S::LANES) {
        largest = largest.max(keep(simd, simd.read(chunk), chunk.len(), T::neg_infinity()));
    }
    largest.max_lanes()
}
