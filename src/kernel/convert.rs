//! placeholder
use super::Element;
pub fn bytes_to_unit<T: Element>(bytes: &[u8], out: &mut [T]) {
    for (o, b) in out.iter_mut().zip(bytes) {
        *o = T::from(*b).unwrap_or_else(T::zero) / T::from(255).unwrap_or_else(T::one);
    }
}
