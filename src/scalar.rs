//! [`Scalar`]: the float types that a model can compute in.

use crate::kernel::Element;

/// `f32` or `f64`. Sealed: the kernels are written for these two.
///
/// Supertraits: [`num_traits::Float`], [`num_traits::NumAssign`], [`Sum`](std::iter::Sum),
/// [`Debug`](std::fmt::Debug), [`Display`](std::fmt::Display), `Copy`, `Default`, `Send`, `Sync`
/// and `'static`. Generic code can use their arithmetic:
///
/// ```
/// use autoencoder::Scalar;
///
/// fn norm<T: Scalar>(values: &[T]) -> T {
///     values.iter().map(|value| *value * *value).sum::<T>().sqrt()
/// }
/// assert_eq!(norm(&[3.0, 4.0]), 5.0);
/// ```
pub trait Scalar: Element {
    /// The type's name in a model file: `F32`, `F64`.
    const NAME: &'static str;

    /// The nearest value of this type.
    fn from_f64(value: f64) -> Self;

    /// The value as an `f64`, exactly.
    fn into_f64(self) -> f64;
}

impl Scalar for f32 {
    const NAME: &'static str = "F32";

    #[inline]
    fn from_f64(value: f64) -> Self {
        value as f32
    }

    #[inline]
    fn into_f64(self) -> f64 {
        f64::from(self)
    }
}

impl Scalar for f64 {
    const NAME: &'static str = "F64";

    #[inline]
    fn from_f64(value: f64) -> Self {
        value
    }

    #[inline]
    fn into_f64(self) -> f64 {
        self
    }
}
