//! From stored numbers to elements.

use super::Element;
use super::simd::{Operation, Simd, dispatch};

/// `out = byte / 255`, the value nearest to the quotient.
///
/// # Panics
/// If the lengths differ.
pub fn bytes_to_unit<T: Element>(bytes: &[u8], out: &mut [T]) {
    assert_eq!(bytes.len(), out.len(), "as many bytes as values");
    dispatch(BytesToUnit(bytes, out));
}

struct BytesToUnit<'a, T>(&'a [u8], &'a mut [T]);

impl<T: Element> Operation<T> for BytesToUnit<'_, T> {
    type Output = ();

    /// The compiler turns this loop into the conversions of the path, so no vector type is named.
    #[inline(always)]
    fn run<V: Simd<T>>(self) {
        for (out, byte) in self.1.iter_mut().zip(self.0) {
            *out = T::of(f64::from(*byte)) / T::of(255.0);
        }
    }
}
