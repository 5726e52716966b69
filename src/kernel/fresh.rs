//! Results that are not filled with zeros as a whole before they are written.
//!
//! A large result is larger than the caches: zeros that one thread writes first cost as much again
//! as the result itself. Here each thread fills its part with zeros right before it computes it,
//! while the part stays in its cache.

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::Element;

/// Part of a result that nobody has written. It can be divided among threads, and each part can be
/// used once.
pub struct Fresh<'a, T> {
    values: &'a mut [MaybeUninit<T>],
    /// How many values of the whole result have been written.
    written: &'a AtomicUsize,
}

impl<'a, T: Element> Fresh<'a, T> {
    /// The number of values.
    #[allow(clippy::len_without_is_empty, reason = "nobody asks")]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// The first `at` values, and the others.
    ///
    /// # Panics
    /// If there are fewer.
    pub fn split_at(self, at: usize) -> (Self, Self) {
        let (left, right) = self.values.split_at_mut(at);
        (Self { values: left, written: self.written }, Self { values: right, written: self.written })
    }

    /// Writes zeros and returns them, to be overwritten.
    pub fn zeros(self) -> &'a mut [T] {
        self.values.fill(MaybeUninit::new(T::zero()));
        self.written.fetch_add(self.values.len(), Ordering::Relaxed);
        // SAFETY: `MaybeUninit<T>` has the layout of `T`; every value has just been written, and
        // stays so: the only reference to it from here on is the one returned, to values of `T`.
        unsafe { &mut *(std::ptr::from_mut(self.values) as *mut [T]) }
    }
}

/// The `length` values that `work` writes; `memory` is an empty vector with room for them.
///
/// # Errors
/// Those of `work`.
///
/// # Panics
/// If there is no room, or if `work` succeeds without having used every part of the result.
pub fn written<T: Element, E>(
    mut memory: Vec<T>,
    length: usize,
    work: impl for<'a> FnOnce(Fresh<'a, T>) -> Result<(), E>,
) -> Result<Vec<T>, E> {
    assert!(memory.is_empty(), "a result begins with nothing");
    let written = AtomicUsize::new(0);
    work(Fresh { values: &mut memory.spare_capacity_mut()[..length], written: &written })?;
    assert_eq!(written.into_inner(), length, "every part of a result is written");
    // SAFETY: there is room for `length` values, since `work` has got a slice of as many. A part is
    // consumed when it is written, so that no value is counted twice; so each one has been written.
    unsafe { memory.set_len(length) };
    Ok(memory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_what_its_parts_have_written() {
        for length in [0, 1, 7, 1000] {
            let result = written::<f32, ()>(Vec::with_capacity(length), length, |fresh| {
                assert_eq!(fresh.len(), length);
                let (left, right) = fresh.split_at(length / 3);
                std::thread::scope(|scope| {
                    scope.spawn(|| left.zeros().iter_mut().for_each(|value| *value += 1.0));
                });
                right.zeros().iter_mut().for_each(|value| *value += 2.0);
                Ok(())
            });
            let expected = (0..length).map(|index| if index < length / 3 { 1.0 } else { 2.0 });
            assert_eq!(result, Ok(expected.collect()));
        }
    }

    #[test]
    fn an_error_needs_no_result() {
        assert_eq!(written::<f64, _>(Vec::with_capacity(9), 9, |_| Err("none")), Err("none"));
    }

    #[test]
    #[should_panic = "every part of a result is written"]
    fn a_forgotten_part_is_noticed() {
        let _ = written::<f64, ()>(Vec::with_capacity(9), 9, |fresh| {
            fresh.split_at(4).0.zeros();
            Ok(())
        });
    }
}
