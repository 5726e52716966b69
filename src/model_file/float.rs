//! [`Float`]: the float types in a file.

use crate::Scalar;

/// A float type in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Float {
    F32,
    F64,
}

impl Float {
    /// The type that `T` is stored as.
    pub fn of<T: Scalar>() -> Self {
        if T::NAME == f32::NAME { Self::F32 } else { Self::F64 }
    }

    /// The type of that name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::F32, Self::F64].into_iter().find(|float| float.name() == name)
    }

    /// Its name in safetensors.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => f32::NAME,
            Self::F64 => f64::NAME,
        }
    }

    /// The size of `elements` numbers in bytes.
    pub fn bytes(self, elements: usize) -> u64 {
        let size = match self {
            Self::F32 => size_of::<f32>(),
            Self::F64 => size_of::<f64>(),
        };
        (elements as u64).saturating_mul(size as u64)
    }

    /// Appends the little-endian bytes of `values`.
    pub fn append<T: Scalar>(self, values: &[T], bytes: &mut Vec<u8>) {
        match self {
            Self::F32 => bytes.extend(values.iter().flat_map(|value| (value.into_f64() as f32).to_le_bytes())),
            Self::F64 => bytes.extend(values.iter().flat_map(|value| value.into_f64().to_le_bytes())),
        }
    }

    /// Reads numbers from `bytes`, rounded to the nearest `T`, until `values` is full.
    pub fn read<T: Scalar>(self, bytes: &[u8], values: &mut [T]) {
        match self {
            Self::F32 => {
                for (value, bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
                    *value = T::from_f64(f64::from(f32::from_le_bytes(*bytes)));
                }
            }
            Self::F64 => {
                for (value, bytes) in values.iter_mut().zip(bytes.as_chunks().0) {
                    *value = T::from_f64(f64::from_le_bytes(*bytes));
                }
            }
        }
    }
}
