//! Reconstruction errors: per sample, per feature, scaled, and scores of tables with bad rows.

use super::Autoencoder;
use crate::data::{Batch, Columns, InputError};
use crate::exec::Workspace;
use crate::kernel::reduce;
use crate::{Error, Scalar};

/// Why a row, a sample of a batch, has no score: a value is NaN or infinite, or it overflows when
/// scaled, or the output of a layer does.
#[derive(Clone, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct RowError(Box<InputError>); // boxed to keep every score small

impl RowError {
    /// What is wrong: [`InputError::NotFinite`], [`InputError::Overflows`], [`InputError::Output`]
    /// or [`InputError::OutputScaler`].
    pub fn kind(&self) -> &InputError {
        &self.0
    }
}

impl<T: Scalar> Autoencoder<T> {
    /// A score for each row (sample), large for rows unlike the training data: its
    /// [`scaled_reconstruction_error`](Self::scaled_reconstruction_error). A row that cannot be
    /// scored costs only itself: NaN, infinite, or too large for the float type. A score that
    /// is too large for it is infinite, so that no score is NaN.
    ///
    /// ```
    /// use autoencoder::nalgebra::DMatrix;
    /// use autoencoder::{Autoencoder, Dense, InputError, Shape};
    ///
    /// let model = Autoencoder::<f32>::builder(Shape::flat(2)).encoder(Dense::new(1)).decoder(Dense::new(2)).build()?;
    /// let mut table = DMatrix::from_element(2, 4, 0.5); // four rows of two features
    /// table[(1, 2)] = f32::NAN; // a missing cell
    /// let scores = model.scores(&table)?;
    /// assert_eq!(scores[0], scores[3]);
    /// let error = scores[2].as_ref().unwrap_err();
    /// assert!(matches!(error.kind(), InputError::NotFinite { sample: 2, feature: 1, .. }));
    ///
    /// // An anomaly is a row above the threshold, or one without a score.
    /// let threshold = 0.1;
    /// let anomalies: Vec<bool> = scores.iter().map(|score| !matches!(score, Ok(score) if *score <= threshold)).collect();
    /// assert!(anomalies[2]);
    /// # Ok::<(), autoencoder::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error`] if the batch as a whole does not suit the model: it has another number of
    /// features, for instance.
    pub fn scores<'b>(&self, rows: impl Into<Batch<'b, T>>) -> Result<Vec<Result<T, RowError>>, Error> {
        let rows = rows.into();
        let mut scores = Vec::with_capacity(rows.samples());
        self.network.each_output_or_fault(&self.network.all(), rows, &mut |row, reconstruction| {
            scores.push(self.score(&rows, row, reconstruction));
        })?;
        Ok(scores)
    }

    /// [`scores`](Self::scores) of a batch that fits into the workspace: writes one score per row
    /// to `scores`. Allocates nothing unless a row has none.
    ///
    /// # Errors
    /// [`Error`] if the batch as a whole does not suit the model or the workspace, or `scores` does
    /// not have one element per row.
    pub fn scores_with<'b>(
        &self,
        workspace: &mut Workspace<T>,
        rows: impl Into<Batch<'b, T>>,
        scores: &mut [Result<T, RowError>],
    ) -> Result<(), Error> {
        let rows = rows.into();
        require_places("places for scores", &rows, scores.len())?;
        self.network.outputs_or_faults(&self.network.all(), workspace, rows, &mut |row, reconstruction| {
            if let Some(place) = scores.get_mut(row) {
                *place = self.score(&rows, row, reconstruction);
            }
        })
    }

    #[inline(never)] // see `compiled.rs`
    fn score(&self, rows: &Batch<'_, T>, row: usize, reconstruction: Result<&[T], InputError>) -> Result<T, RowError> {
        match reconstruction {
            Ok(reconstruction) => Ok(self.scaled_error(rows, row, reconstruction)),
            Err(fault) => Err(RowError(Box::new(fault))),
        }
    }

    /// For each sample, the mean over features of (sample − reconstruction)², in squared units of
    /// the data. Large for samples unlike the training data.
    ///
    /// With a [`scaler`](crate::AutoencoderBuilder::scaler), features of large units dominate it;
    /// to find anomalies in such data take
    /// [`scaled_reconstruction_error`](Self::scaled_reconstruction_error).
    ///
    /// An error that is too large for the float type is infinite. Squares of `f32` values around
    /// 10²¹ are, and those of values around 10⁻²⁴ are 0: data of such units need a scaler and
    /// the scaled error.
    ///
    /// # Errors
    /// [`Error`] if the batch does not suit the model, or a sample's reconstruction is not finite.
    /// [`scores`](Self::scores) gives the scores of the others.
    pub fn reconstruction_error<'b>(&self, samples: impl Into<Batch<'b, T>>) -> Result<Vec<T>, Error> {
        let samples = samples.into();
        let mut errors = Vec::with_capacity(samples.samples());
        self.network.each_output(self.network.all(), samples, &mut |sample, reconstruction| {
            errors.push(mean_squared_error(&samples, sample, reconstruction));
        })?;
        Ok(errors)
    }

    /// For each sample, the mean over features of ((sample − reconstruction) / s)², where the
    /// model's [`scaler`](crate::AutoencoderBuilder::scaler) divides each feature by
    /// its s: every feature counts alike, as in training. Without a scaler the same as
    /// [`reconstruction_error`](Self::reconstruction_error).
    ///
    /// ```
    /// use autoencoder::nalgebra::DMatrix;
    /// use autoencoder::{Autoencoder, Dense, Shape, StandardScaler};
    ///
    /// // Two features, one in thousandths and one in thousands.
    /// let data = DMatrix::from_fn(2, 50, |feature, sample| [0.001, 1000.0][feature] * (sample % 7) as f64);
    /// let scaler = StandardScaler::fit(&data)?;
    /// let model = Autoencoder::<f64>::builder(Shape::flat(2)).scaler(scaler).encoder(Dense::new(1)).decoder(Dense::new(2)).build()?;
    /// let errors = model.scaled_reconstruction_error(&data)?; // both features count
    /// # assert_eq!(errors.len(), 50);
    /// # Ok::<(), autoencoder::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`reconstruction_error`](Self::reconstruction_error).
    pub fn scaled_reconstruction_error<'b>(&self, samples: impl Into<Batch<'b, T>>) -> Result<Vec<T>, Error> {
        let samples = samples.into();
        let mut errors = Vec::with_capacity(samples.samples());
        self.network.each_output(self.network.all(), samples, &mut |sample, reconstruction| {
            errors.push(self.scaled_error(&samples, sample, reconstruction));
        })?;
        Ok(errors)
    }

    /// [`reconstruction_error`](Self::reconstruction_error) without allocating: writes one error
    /// per sample to `errors`.
    ///
    /// # Errors
    /// As [`reconstruction_error`](Self::reconstruction_error), or if the batch does not suit the
    /// workspace, or `errors` does not have one element per sample.
    pub fn reconstruction_error_with<'b>(
        &self,
        workspace: &mut Workspace<T>,
        samples: impl Into<Batch<'b, T>>,
        errors: &mut [T],
    ) -> Result<(), Error> {
        let samples = samples.into();
        require_places("places for errors", &samples, errors.len())?;
        let reconstructions = self.reconstruct_with(workspace, samples)?;
        for (sample, (error, reconstruction)) in errors.iter_mut().zip(reconstructions.column_iter()).enumerate() {
            *error = mean_squared_error(&samples, sample, reconstruction.as_slice());
        }
        Ok(())
    }

    /// For each feature, the mean over samples of (sample − reconstruction)², in squared units of
    /// the data: which features the model reconstructs badly.
    ///
    /// # Errors
    /// As [`reconstruction_error`](Self::reconstruction_error).
    pub fn reconstruction_error_per_feature<'b>(&self, samples: impl Into<Batch<'b, T>>) -> Result<Vec<T>, Error> {
        let samples = samples.into();
        let (mut sums, mut sample) = (vec![0.0; samples.features()], vec![T::zero(); samples.features()]);
        self.network.each_output(self.network.all(), samples, &mut |index, reconstruction| {
            samples.columns().copy(index, &mut sample);
            for ((sum, value), again) in sums.iter_mut().zip(&sample).zip(reconstruction) {
                *sum += (*value - *again).into_f64().powi(2);
            }
        })?;
        let count = samples.samples().max(1) as f64;
        Ok(sums.into_iter().map(|sum| T::from_f64(sum / count)).collect())
    }

    /// The scaled error of sample `index`.
    #[inline(never)] // see `compiled.rs`
    fn scaled_error(&self, samples: &Batch<'_, T>, index: usize, reconstruction: &[T]) -> T {
        let Some(scaler) = self.network.input_scaler() else {
            return mean_squared_error(samples, index, reconstruction);
        };
        let pairs = || samples.columns().values(index).zip(reconstruction).zip(scaler.scale());
        let mut squares: f64 =
            pairs().map(|((value, again), scale)| ((value - *again).into_f64() / scale).powi(2)).sum();
        if !squares.is_finite() {
            // The difference itself may have overflowed; that of the halves does not.
            let halves = |value: T, again: T| 0.5 * value.into_f64() - 0.5 * again.into_f64();
            squares = pairs().map(|((value, again), scale)| (2.0 * (halves(value, *again) / scale)).powi(2)).sum();
        }
        T::from_f64(squares / samples.features().max(1) as f64)
    }
}

fn require_places<T: Scalar>(what: &'static str, samples: &Batch<'_, T>, found: usize) -> Result<(), InputError> {
    let expected = samples.samples();
    if expected == found { Ok(()) } else { Err(InputError::Length { what, expected, found }) }
}

/// The mean over features of (sample − reconstruction)² of sample `index`.
#[inline(never)] // see `compiled.rs`
fn mean_squared_error<T: Scalar>(samples: &Batch<'_, T>, index: usize, reconstruction: &[T]) -> T {
    let sum = squared_error(&samples.columns(), index, reconstruction);
    let sum = if sum.is_finite() { sum } else { precise_squared_error(&samples.columns(), index, reconstruction) };
    T::from_f64(sum / samples.features().max(1) as f64)
}

/// Σ (sample − reconstruction)² of sample `index`; the same bits whether or not the sample is
/// contiguous.
fn squared_error<T: Scalar>(samples: &Columns<'_, T>, index: usize, reconstruction: &[T]) -> f64 {
    if let Some(sample) = samples.run(index, 1) {
        return reduce::squared_differences(sample, reconstruction);
    }
    let mut values = samples.values(index);
    let mut block = [T::zero(); reduce::BLOCK];
    let mut sum = 0.0;
    for again in reconstruction.chunks(reduce::BLOCK) {
        let (block, _) = block.split_at_mut(again.len());
        block.iter_mut().zip(&mut values).for_each(|(slot, value)| *slot = value);
        sum += reduce::squared_differences(block, again);
    }
    sum
}

/// The same in `f64`: the mean of squares may fit into a float type in which their sum overflows.
fn precise_squared_error<T: Scalar>(samples: &Columns<'_, T>, index: usize, reconstruction: &[T]) -> f64 {
    let pairs = samples.values(index).zip(reconstruction);
    pairs.map(|(value, again)| (value.into_f64() - again.into_f64()).powi(2)).sum()
}
