//! Invariants of the crate. A broken one is a fault of the crate, never of its user's input, so it
//! panics with the name of what is broken instead of going on with wrong numbers.

#![allow(clippy::panic, reason = "the one place where a broken invariant ends")]

use std::fmt::Display;
use std::ops::Range;

/// The elements at `range` of `values`, which hold the buffer named `buffer` of `owner`.
#[track_caller]
pub(crate) fn slice<'a, V>(values: &'a [V], range: &Range<usize>, buffer: &str, owner: &str) -> &'a [V] {
    match values.get(range.clone()) {
        Some(slice) => slice,
        None => outside(range, values.len(), buffer, owner),
    }
}

/// [`slice`], to be written.
#[track_caller]
pub(crate) fn slice_mut<'a, V>(values: &'a mut [V], range: &Range<usize>, buffer: &str, owner: &str) -> &'a mut [V] {
    let length = values.len();
    match values.get_mut(range.clone()) {
        Some(slice) => slice,
        None => outside(range, length, buffer, owner),
    }
}

/// The element at `index`, of what is named `what`.
#[track_caller]
pub(crate) fn at<'a, V>(values: &'a [V], index: usize, what: &str) -> &'a V {
    match values.get(index) {
        Some(value) => value,
        None => broken(format_args!("there is no {what} {index}, only {}", values.len())),
    }
}

/// The value that is there whenever `why` holds, as it must.
#[track_caller]
pub(crate) fn some<V>(value: Option<V>, why: &str) -> V {
    match value {
        Some(value) => value,
        None => broken(why),
    }
}

/// The value of what `owner` has checked before: its geometry, for a layer whose plan succeeded.
#[track_caller]
pub(crate) fn checked<V, E: Display>(result: Result<V, E>, owner: &str) -> V {
    match result {
        Ok(value) => value,
        Err(error) => broken(format_args!("`{owner}` was checked and does not hold any more: {error}")),
    }
}

#[cold]
#[track_caller]
fn outside(range: &Range<usize>, length: usize, buffer: &str, owner: &str) -> ! {
    broken(format_args!("the {buffer} of `{owner}` are elements {range:?} of a buffer of {length}"))
}

/// Ends the program's thread: `what` does not hold.
#[cold]
#[track_caller]
pub(crate) fn broken(what: impl Display) -> ! {
    panic!("a fault in the crate `autoencoder`, please report it: {what}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[should_panic(expected = "the cache of `encoder.0` are elements 2..5 of a buffer of 4")]
    fn a_range_outside_its_buffer_names_layer_and_buffer() {
        slice(&[0; 4], &(2..5), "cache", "encoder.0");
    }
}
