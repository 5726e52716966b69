//! placeholder
use super::Element;
pub fn first_not_finite<T: Element>(values: &[T]) -> Option<usize> {
    values.iter().position(|v| !v.is_finite())
}
pub fn finite<T: Element>(values: &[T]) -> bool {
    values.iter().all(|v| v.is_finite())
}
pub fn outside_unit_interval<T: Element>(values: &[T]) -> Option<usize> {
    values.iter().position(|v| !(*v >= T::zero() && *v <= T::one()))
}
pub fn sum_of_squares<T: Element>(values: &[T]) -> f64 {
    values.iter().map(|v| v.to_f64().unwrap_or(0.0).powi(2)).sum()
}
pub fn squared_differences<T: Element>(a: &[T], b: &[T]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (*a - *b).to_f64().unwrap_or(0.0).powi(2)).sum()
}
