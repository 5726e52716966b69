//! Slices of a shard's memory, which the layout keeps apart.

use std::ops::Range;

use crate::graph::{Operation, Value};
use crate::layer::MAX_JOINED;
use crate::{Scalar, invariant};

/// The most places that a pass needs beside those of what it joins.
const MOST_OWN: usize = 8;

/// The slices at `places`.
pub(crate) fn disjoint<'m, T, const N: usize>(
    memory: &'m mut [T],
    places: [Range<usize>; N],
    owner: &str,
) -> [&'m mut [T]; N] {
    match memory.get_disjoint_mut(places) {
        Ok(slices) => slices,
        Err(error) => invariant::broken(format_args!("the buffers of `{owner}`: {error}")),
    }
}

/// Slices of `N` buffers of an operation, of the values that it joins, and of their gradients.
pub(super) type OwnAndJoined<'m, T, const N: usize> =
    ([&'m mut [T]; N], [&'m mut [T]; MAX_JOINED], [&'m mut [T]; MAX_JOINED]);

/// The slices at `places`, and at those of at most [`MAX_JOINED`] values and their gradients.
pub(super) fn disjoint_with<'m, T, const N: usize>(
    memory: &'m mut [T],
    places: [Range<usize>; N],
    joined: impl Iterator<Item = Range<usize>>,
    gradients: impl Iterator<Item = Range<usize>>,
    owner: &str,
) -> OwnAndJoined<'m, T, N> {
    const { assert!(N <= MOST_OWN, "all places fit") };
    let mut all = [const { 0..0 }; MOST_OWN + 2 * MAX_JOINED];
    let joined = joined.chain(std::iter::repeat(0..0)).take(MAX_JOINED);
    all.iter_mut().zip(places.into_iter().chain(joined).chain(gradients)).for_each(|(to, from)| *to = from);
    let mut slices = disjoint(memory, all, owner).into_iter();
    let mut next = |_| invariant::some(slices.next(), "all places fit");
    (std::array::from_fn(&mut next), std::array::from_fn(&mut next), std::array::from_fn(&mut next))
}

/// The values that `operation` joins, given its input. Those at `slices` are in the shard's memory;
/// one that it also reads otherwise, or that is `outside` the memory, has no slice of its own.
pub(super) fn joined<'m, T: Scalar>(
    operation: &Operation<T>,
    input: &'m [T],
    slices: [&'m mut [T]; MAX_JOINED],
    outside: Option<(Value, &'m [T])>,
) -> [&'m [T]; MAX_JOINED] {
    let mut joined = slices.map(|slice| &*slice);
    for (index, read) in operation.joined().iter().enumerate() {
        let earlier = operation.joined().iter().take(index).position(|earlier| earlier.value == read.value);
        let other = match outside {
            _ if read.value == operation.input().value => Some(input),
            Some((value, values)) if read.value == value => Some(values),
            _ => earlier.and_then(|earlier| joined.get(earlier).copied()),
        };
        if let Some((slice, other)) = joined.get_mut(index).zip(other) {
            *slice = other;
        }
    }
    joined
}
