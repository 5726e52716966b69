//! [`Corrupted`]: data with fixed noise.

use super::{Corruption, Origin, streams};
use crate::data::{DataError, DataPart, InputError, Source, filled, numbered};
use crate::{OptionError, Scalar};

/// The samples of a source, each corrupted in the same way whenever it is read: for the evaluation
/// of a denoising autoencoder.
///
/// A sample's noise is a function of the seed and the sample's index: equal samples get different
/// noise. With the default seed, 0, these are the inputs that a [`Trainer`](crate::Trainer) with
/// this corruption validates on.
///
/// ```
/// use autoencoder::nalgebra::DMatrix;
/// use autoencoder::{Activation, Autoencoder, Corrupted, Dense, Masking, Mse, Shape};
///
/// let clean = DMatrix::<f32>::from_element(8, 20, 0.5);
/// let noisy = Corrupted::new(&clean, Masking::new(0.3))?;
/// let model = Autoencoder::<f32>::builder(Shape::flat(8)).encoder(Dense::new(3)).mirror(Activation::Sigmoid).build()?;
/// let loss = model.evaluate_to(&Mse, &noisy, &clean)?;
/// let cleaned = model.reconstruct(&noisy.to_matrix()?)?;
/// # Ok::<(), autoencoder::Error>(())
/// ```
pub struct Corrupted<'a, T, C> {
    origin: Origin<'a, T>,
    corruption: C,
    seed: u64,
}

impl<'a, T: Scalar, C: Corruption<T>> Corrupted<'a, T, C> {
    /// Corrupts `source`.
    ///
    /// # Errors
    /// [`OptionError`] if an option of the corruption is outside its range.
    pub fn new(source: &'a dyn Source<T>, corruption: C) -> Result<Self, OptionError> {
        corruption.check()?;
        Ok(Self { origin: Origin { source, first: 0, count: source.len() }, corruption, seed: 0 })
    }

    /// Sets the seed of the noise; 0 by default.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Restricts the other samples that values are taken from to the `count` ones from `first` on.
    pub(crate) fn among(mut self, first: usize, count: usize) -> Self {
        self.origin = Origin { first, count, ..self.origin };
        self
    }

    /// All samples, one per column.
    ///
    /// # Errors
    /// [`DataError`] if the source cannot be read, or the matrix would be too large.
    pub fn to_matrix(&self) -> Result<nalgebra::DMatrix<T>, DataError> {
        let (features, samples) = (self.features(), self.len());
        let too_large = |_| crate::InputError::OutOfMemory { elements: features.saturating_mul(samples) };
        let elements =
            crate::shape::checked_product("elements of a matrix", &[features, samples]).map_err(too_large)?;
        let mut values = filled(T::zero(), elements)?;
        self.read(&numbered(0..samples)?, &mut values)?;
        Ok(nalgebra::DMatrix::from_vec(features, samples, values))
    }
}

impl<T: Scalar, C: Corruption<T>> Source<T> for Corrupted<'_, T, C> {
    fn len(&self) -> usize {
        self.origin.source.len()
    }

    fn features(&self) -> usize {
        self.origin.source.features()
    }

    fn read(&self, samples: &[usize], batch: &mut [T]) -> Result<(), DataError> {
        self.origin.source.read(samples, batch)?;
        let width = self.features().max(1);
        let place = |position: usize| (samples.get(position / width).copied().unwrap_or(position), position % width);
        InputError::require_finite(DataPart::Sample, batch, place)?; // a mask or a swap might hide it
        let streams = streams(self.seed);
        self.origin.corrupt(&self.corruption, samples, batch, |_, number| streams.skip(number))
    }

    fn side_features(&self) -> usize {
        self.origin.source.side_features()
    }

    fn read_side(&self, samples: &[usize], batch: &mut [T]) -> Result<(), DataError> {
        self.origin.source.read_side(samples, batch)
    }
}

impl<T, C: std::fmt::Debug> std::fmt::Debug for Corrupted<'_, T, C> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Corrupted")
            .field("corruption", &self.corruption)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}
