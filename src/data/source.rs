//! [`Source`]: the data that training reads.

use std::ops::Range;

use nalgebra::constraint::{DimEq, ShapeConstraint};
use nalgebra::{Dim, Dyn, Matrix, RawStorage, U1};

use super::{Batch, DataError, filled};
use crate::Scalar;
use crate::kernel::prefetch::prefetch;

/// Indexed samples that training reads in any order, from several threads at once.
///
/// Implemented for matrices and for [`Images`](super::idx::Images), which stay bytes until they are
/// read. Implement it for your own storage:
///
/// ```
/// use autoencoder::{DataError, Source};
///
/// /// 100 samples of 8 features, computed when they are read.
/// struct Ramps;
///
/// impl Source<f32> for Ramps {
///     fn len(&self) -> usize {
///         100
///     }
///     fn features(&self) -> usize {
///         8
///     }
///     fn read(&self, samples: &[usize], batch: &mut [f32]) -> Result<(), DataError> {
///         for (sample, values) in samples.iter().zip(batch.chunks_exact_mut(8)) {
///             values.iter_mut().enumerate().for_each(|(feature, value)| *value = (feature * sample) as f32 / 700.0);
///         }
///         Ok(())
///     }
/// }
/// ```
pub trait Source<T: Scalar>: Sync {
    /// The number of samples.
    fn len(&self) -> usize;

    /// The number of features of a sample.
    fn features(&self) -> usize;

    /// Reads the samples with these indices, one after the other, into `batch` (features ×
    /// `samples.len()`).
    ///
    /// # Errors
    /// [`DataError`]; a source of your own wraps its errors in [`DataError::Source`].
    fn read(&self, samples: &[usize], batch: &mut [T]) -> Result<(), DataError>;

    /// The value of one feature of one sample. Default: reads the whole sample. Override where one
    /// value is cheaper; [`Swap`](crate::Swap) uses it.
    ///
    /// # Errors
    /// As [`read`](Self::read), and [`DataError::NoSuchFeature`].
    fn value(&self, sample: usize, feature: usize) -> Result<T, DataError> {
        let mut values = filled(T::zero(), self.features())?;
        self.read(&[sample], &mut values)?;
        values.get(feature).copied().ok_or(DataError::NoSuchFeature { feature, features: self.features() })
    }

    /// Whether there are no samples.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number of side-input features of a sample; 0 by default.
    fn side_features(&self) -> usize {
        0
    }

    /// Reads the side inputs of the samples with these indices into `batch` (side features ×
    /// `samples.len()`).
    ///
    /// # Errors
    /// As [`read`](Self::read).
    fn read_side(&self, _samples: &[usize], _batch: &mut [T]) -> Result<(), DataError> {
        Ok(())
    }
}

impl<T, R, C, S> Source<T> for Matrix<T, R, C, S>
where
    T: Scalar,
    R: Dim,
    C: Dim,
    S: RawStorage<T, R, C, RStride = U1> + Sync,
    ShapeConstraint: DimEq<R, Dyn> + DimEq<C, Dyn> + DimEq<Dyn, S::CStride>,
{
    fn len(&self) -> usize {
        self.ncols()
    }

    fn features(&self) -> usize {
        self.nrows()
    }

    fn read(&self, samples: &[usize], batch: &mut [T]) -> Result<(), DataError> {
        read_columns(&Batch::from(self).columns(), samples, batch)
    }

    fn value(&self, sample: usize, feature: usize) -> Result<T, DataError> {
        value_of_columns(&Batch::from(self).columns(), sample, feature)
    }
}

impl<T: Scalar> Source<T> for Batch<'_, T> {
    fn len(&self) -> usize {
        self.samples()
    }

    fn features(&self) -> usize {
        Batch::features(self)
    }

    fn read(&self, samples: &[usize], batch: &mut [T]) -> Result<(), DataError> {
        read_columns(&self.columns(), samples, batch)
    }

    fn value(&self, sample: usize, feature: usize) -> Result<T, DataError> {
        value_of_columns(&self.columns(), sample, feature)
    }

    fn side_features(&self) -> usize {
        self.side().map_or(0, |side| side.features())
    }

    fn read_side(&self, samples: &[usize], batch: &mut [T]) -> Result<(), DataError> {
        match self.side() {
            Some(side) => read_columns(&side, samples, batch),
            None => Ok(()),
        }
    }
}

#[inline(never)] // see `compiled.rs`
fn read_columns<T: Scalar>(
    columns: &super::batch::Columns<'_, T>,
    samples: &[usize],
    batch: &mut [T],
) -> Result<(), DataError> {
    for (index, (sample, target)) in samples.iter().zip(batch.chunks_exact_mut(columns.features().max(1))).enumerate() {
        if let Some(next) = samples.get(index + 1).and_then(|next| columns.run(*next, 1)) {
            prefetch(next);
        }
        if !columns.copy(*sample, target) {
            return Err(DataError::NoSuchSample { sample: *sample, samples: columns.samples() });
        }
    }
    Ok(())
}

#[inline(never)] // see `compiled.rs`
fn value_of_columns<T: Scalar>(
    columns: &super::batch::Columns<'_, T>,
    sample: usize,
    feature: usize,
) -> Result<T, DataError> {
    let (samples, features) = (columns.samples(), columns.features());
    match columns.value(sample, feature) {
        Some(value) => Ok(value),
        None if sample >= samples => Err(DataError::NoSuchSample { sample, samples }),
        None => Err(DataError::NoSuchFeature { feature, features }),
    }
}

/// A range of a source's samples, as a source.
pub struct Subset<'a, T> {
    source: &'a dyn Source<T>,
    range: Range<usize>,
}

impl<'a, T: Scalar> Subset<'a, T> {
    /// Samples `range` of `source`.
    ///
    /// # Errors
    /// [`DataError::NoSuchSample`] if the range extends past the end of the source.
    pub fn new(source: &'a dyn Source<T>, range: Range<usize>) -> Result<Self, DataError> {
        match range.start <= range.end && range.end <= source.len() {
            true => Ok(Self { source, range }),
            false => Err(DataError::NoSuchSample { sample: range.end.saturating_sub(1), samples: source.len() }),
        }
    }

    /// Translates indices in the subset to indices in the source for `read`; a few at a time, so
    /// that nothing is allocated.
    fn translate(
        &self,
        samples: &[usize],
        features: usize,
        batch: &mut [T],
        read: impl Fn(&[usize], &mut [T]) -> Result<(), DataError>,
    ) -> Result<(), DataError> {
        const AT_ONCE: usize = 32;
        let mut numbers = [0; AT_ONCE];
        for (samples, batch) in samples.chunks(AT_ONCE).zip(batch.chunks_mut(features.max(1).saturating_mul(AT_ONCE))) {
            for (number, sample) in numbers.iter_mut().zip(samples) {
                if *sample >= self.range.len() {
                    return Err(DataError::NoSuchSample { sample: *sample, samples: self.range.len() });
                }
                *number = self.range.start + sample;
            }
            let (numbers, _) = numbers.split_at(samples.len());
            read(numbers, batch)?;
        }
        Ok(())
    }
}

impl<T: Scalar> Source<T> for Subset<'_, T> {
    fn len(&self) -> usize {
        self.range.len()
    }

    fn features(&self) -> usize {
        self.source.features()
    }

    fn read(&self, samples: &[usize], batch: &mut [T]) -> Result<(), DataError> {
        self.translate(samples, self.features(), batch, |numbers, batch| self.source.read(numbers, batch))
    }

    fn value(&self, sample: usize, feature: usize) -> Result<T, DataError> {
        match sample < self.range.len() {
            true => self.source.value(self.range.start + sample, feature),
            false => Err(DataError::NoSuchSample { sample, samples: self.range.len() }),
        }
    }

    fn side_features(&self) -> usize {
        self.source.side_features()
    }

    fn read_side(&self, samples: &[usize], batch: &mut [T]) -> Result<(), DataError> {
        self.translate(samples, self.side_features(), batch, |numbers, batch| self.source.read_side(numbers, batch))
    }
}

impl<T> std::fmt::Debug for Subset<'_, T> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Subset").field("range", &self.range).finish_non_exhaustive()
    }
}
