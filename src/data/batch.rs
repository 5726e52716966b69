//! [`Batch`]: borrowed samples for inference.

use nalgebra::constraint::{DimEq, ShapeConstraint};
use nalgebra::{DMatrixView, Dim, Dyn, Matrix, RawStorage, U1};

use super::InputError;
use crate::Scalar;
use crate::kernel::view;
use crate::shape::MAX_ELEMENTS;

/// Samples, one per column, borrowed from a matrix, a view of columns, a vector (one sample) or a
/// slice.
///
/// Functions that take a batch accept `&matrix`, which converts into this type.
///
/// ```
/// use autoencoder::Batch;
/// use autoencoder::nalgebra::DMatrix;
///
/// let matrix = DMatrix::<f32>::zeros(784, 10);
/// let columns = matrix.columns(2, 3);
/// assert_eq!(Batch::from(&matrix).samples(), 10);
/// assert_eq!(Batch::from(&columns).samples(), 3);
/// assert_eq!(Batch::from_slice(matrix.as_slice(), 784)?.samples(), 10);
/// # Ok::<(), autoencoder::InputError>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Batch<'a, T: Scalar> {
    columns: Columns<'a, T>,
    side: Option<Columns<'a, T>>,
}

impl<'a, T: Scalar> Batch<'a, T> {
    /// Samples of `features` numbers each, one after the other.
    ///
    /// # Errors
    /// [`InputError::Ragged`] if the slice does not hold a whole number of samples, or `features`
    /// exceeds [`MAX_ELEMENTS`].
    pub fn from_slice(slice: &'a [T], features: usize) -> Result<Self, InputError> {
        if features == 0 || features > MAX_ELEMENTS || !slice.len().is_multiple_of(features) {
            return Err(InputError::Ragged { elements: slice.len(), features });
        }
        Ok(Self::of(DMatrixView::from_slice(slice, features, slice.len() / features)))
    }

    /// Adds a side input, a label for instance, for layers that need one
    /// ([`Plan::side_input`](crate::Plan::side_input)); one column per sample.
    #[must_use]
    pub fn with_side(self, side: impl Into<Batch<'a, T>>) -> Self {
        Self { side: Some(side.into().columns), ..self }
    }

    /// The number of samples.
    pub fn samples(&self) -> usize {
        self.columns.samples()
    }

    /// The number of features of a sample.
    pub fn features(&self) -> usize {
        self.columns.features()
    }

    /// `count` samples from `first` on, which must exist.
    pub(crate) fn part(&self, first: usize, count: usize) -> Self {
        let part = |columns: Columns<'a, T>| Columns { first: columns.first + first, count, ..columns };
        Self { columns: part(self.columns), side: self.side.map(part) }
    }

    pub(crate) fn columns(&self) -> Columns<'a, T> {
        self.columns
    }

    pub(crate) fn side(&self) -> Option<Columns<'a, T>> {
        self.side
    }

    fn of(view: DMatrixView<'a, T, U1, Dyn>) -> Self {
        Self { columns: Columns { view, first: 0, count: view.ncols() }, side: None }
    }
}

impl<'a, T, R, C, S> From<&'a Matrix<T, R, C, S>> for Batch<'a, T>
where
    T: Scalar,
    R: Dim,
    C: Dim,
    S: RawStorage<T, R, C, RStride = U1>,
    ShapeConstraint: DimEq<R, Dyn> + DimEq<C, Dyn> + DimEq<Dyn, S::CStride>,
{
    fn from(matrix: &'a Matrix<T, R, C, S>) -> Self {
        Self::of(matrix.as_view::<Dyn, Dyn, U1, Dyn>())
    }
}

impl<'a, T: Scalar> From<&Batch<'a, T>> for Batch<'a, T> {
    fn from(batch: &Batch<'a, T>) -> Self {
        *batch
    }
}

impl<'a, T: Scalar> From<&'a [T]> for Batch<'a, T> {
    /// One sample.
    fn from(sample: &'a [T]) -> Self {
        Self::of(DMatrixView::from_slice(sample, sample.len(), 1))
    }
}

/// Columns that may have gaps between them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns<'a, T: Scalar> {
    view: DMatrixView<'a, T, U1, Dyn>,
    /// The first column of the view that belongs to the batch.
    first: usize,
    count: usize,
}

impl<'a, T: Scalar> Columns<'a, T> {
    pub fn samples(&self) -> usize {
        self.count
    }

    pub fn features(&self) -> usize {
        self.view.nrows()
    }

    /// Samples `first..first + count` as one slice, if there are no gaps between them.
    pub fn run(&self, first: usize, count: usize) -> Option<&'a [T]> {
        let start = (self.first + first).checked_mul(self.features())?;
        view::contiguous(&self.view)?.get(start..start.checked_add(count.checked_mul(self.features())?)?)
    }

    /// The value of a feature of sample `sample`, if both exist.
    pub fn value(&self, sample: usize, feature: usize) -> Option<T> {
        if sample >= self.count {
            return None;
        }
        self.view.get((feature, self.first + sample)).copied()
    }

    /// The values of sample `sample`.
    pub fn values(self, sample: usize) -> impl Iterator<Item = T> + use<'a, T> {
        let rows = if sample < self.count { self.features() } else { 0 };
        (0..rows).filter_map(move |row| self.view.get((row, self.first + sample)).copied())
    }

    /// Copies sample `sample` into `target`; false if there is no such sample, or the lengths
    /// differ.
    pub fn copy(&self, sample: usize, target: &mut [T]) -> bool {
        if sample >= self.samples() || target.len() != self.features() {
            return false;
        }
        match self.run(sample, 1) {
            Some(run) => target.copy_from_slice(run),
            None => target.iter_mut().zip(self.values(sample)).for_each(|(to, from)| *to = from),
        }
        true
    }
}
