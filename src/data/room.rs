//! Checked allocation for the number of samples or features that a source reports, which may be
//! anything.

use std::ops::Range;

use super::InputError;
use crate::shape::MAX_ELEMENTS;

/// `count` times `value`.
///
/// # Errors
/// [`InputError::OutOfMemory`] past [`MAX_ELEMENTS`], or if the memory cannot be allocated.
pub(crate) fn filled<V: Clone>(value: V, count: usize) -> Result<Vec<V>, InputError> {
    let mut values = room(count)?;
    values.resize(count, value);
    Ok(values)
}

/// The indices of samples, in order.
///
/// # Errors
/// [`InputError::OutOfMemory`] past [`MAX_ELEMENTS`], or if the memory cannot be allocated.
pub(crate) fn numbered(samples: Range<usize>) -> Result<Vec<usize>, InputError> {
    let mut numbers = room(samples.len())?;
    numbers.extend(samples);
    Ok(numbers)
}

/// How many samples of `features` values to read at a time where each is looked at once: at least
/// one, few enough to stay in the cache.
pub(crate) fn samples_at_once(features: usize) -> usize {
    /// The most samples, and the most values if there are several samples.
    const SAMPLES: usize = 64;
    const VALUES: usize = 1 << 16;
    (VALUES / features.max(1)).clamp(1, SAMPLES)
}

fn room<V>(elements: usize) -> Result<Vec<V>, InputError> {
    let mut values = Vec::new();
    let reserved = elements <= MAX_ELEMENTS && values.try_reserve_exact(elements).is_ok();
    if reserved { Ok(values) } else { Err(InputError::OutOfMemory { elements }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_has_is_an_error() {
        for elements in [MAX_ELEMENTS + 1, usize::MAX] {
            assert_eq!(filled(0.0, elements), Err(InputError::OutOfMemory { elements }));
            assert_eq!(numbered(0..elements), Err(InputError::OutOfMemory { elements }));
        }
        assert_eq!((filled(1, 2), numbered(2..4)), (Ok(vec![1, 1]), Ok(vec![2, 3])));
    }
}
