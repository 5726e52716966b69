//! Loops over slices, a vector at a time: full vectors, then one partial vector with the same
//! formula, so that the result for an element does not depend on its position in the slice.

use super::Element;
use super::simd::Simd;

/// The most lanes that a vector of any path has.
pub(crate) const MAX_LANES: usize = 16;

/// A function of one value.
pub(crate) trait Map<T: Element>: Copy {
    /// f(x) in each lane. Implementations are `#[inline(always)]`.
    fn map<V: Simd<T>>(self, x: V) -> V;
}

/// A function of two values.
pub(crate) trait Zip<T: Element>: Copy {
    /// f(x, y) in each lane. Implementations are `#[inline(always)]`.
    fn zip<V: Simd<T>>(self, x: V, y: V) -> V;
}

/// Replaces each value x by f(x).
#[inline(always)]
pub(crate) fn map<T: Element, V: Simd<T>>(function: impl Map<T>, values: &mut [T]) {
    let mut chunks = values.chunks_exact_mut(V::LANES);
    for chunk in &mut chunks {
        function.map(V::read(chunk)).write(chunk);
    }
    let rest = chunks.into_remainder();
    if !rest.is_empty() {
        function.map(V::read(rest)).write(rest);
    }
}

/// Replaces each value y by f(x, y), with the x at the same index in `sources`.
#[inline(always)]
pub(crate) fn zip<T: Element, V: Simd<T>>(function: impl Zip<T>, sources: &[T], values: &mut [T]) {
    for (source, value) in sources.chunks(V::LANES).zip(values.chunks_mut(V::LANES)) {
        function.zip(V::read(source), V::read(value)).write(value);
    }
}

/// The first `count` lanes, then `fill`.
#[inline(always)]
pub(crate) fn keep<T: Element, V: Simd<T>>(vector: V, count: usize, fill: T) -> V {
    if count >= V::LANES {
        return vector;
    }
    let mut lanes = [fill; MAX_LANES];
    vector.write(&mut lanes[..count]);
    V::read(&lanes)
}

/// The largest value; −∞ of none.
#[inline(always)]
pub(crate) fn largest<T: Element, V: Simd<T>>(values: &[T]) -> T {
    let mut largest = V::splat(T::neg_infinity());
    for chunk in values.chunks(V::LANES) {
        largest = largest.max(keep(V::read(chunk), chunk.len(), T::neg_infinity()));
    }
    largest.max_lanes()
}
