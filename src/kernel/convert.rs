//! Conversion of stored numbers to elements.

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

    /// The compiler vectorises this loop, so it uses no vector type.
    #[inline(always)]
    fn run<S: Simd<T>>(self, _: S) {
        for (out, byte) in self.1.iter_mut().zip(self.0) {
            *out = T::of(f64::from(*byte)) / T::of(255.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::every_path::on_every_path;

    #[test]
    fn every_byte_is_the_nearest_quotient() {
        on_every_path(|path| {
            for count in (0..70).chain([256]) {
                let bytes: Vec<u8> = (0..count).map(|index| (255 - index % 256) as u8).collect();
                let (mut single, mut double) = (vec![0.0f32; count], vec![0.0f64; count]);
                bytes_to_unit(&bytes, &mut single);
                bytes_to_unit(&bytes, &mut double);
                for ((byte, single), double) in bytes.iter().zip(single).zip(double) {
                    assert_eq!(double, f64::from(*byte) / 255.0, "{path:?}");
                    assert_eq!(single, f32::from(*byte) / 255.0, "{path:?}");
                }
            }
        });
    }
}
