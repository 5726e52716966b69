//! The [`Corruption`] trait and the corruptions: noise that a denoising autoencoder learns to
//! remove.

mod corrupted;
mod gaussian;
mod masking;
mod salt_and_pepper;
mod swap;

use std::fmt::Debug;
use std::ops::Range;

use rand_distr::{Distribution, Uniform};

pub use corrupted::Corrupted;
pub use gaussian::GaussianCorruption;
pub use masking::Masking;
pub use salt_and_pepper::SaltAndPepper;
pub use swap::Swap;

use super::{DataError, DataPart, InputError, Source};
use crate::kernel::reduce;
use crate::random::{Purpose, Random, Rng};
use crate::{Config, OptionError, Scalar};

/// Noise added to the inputs of a denoising autoencoder; Vincent et al. 2008. It applies to
/// unscaled data, before any scaler.
///
/// With [`Trainer::corrupt`](crate::Trainer::corrupt) every sample is corrupted anew in every
/// epoch; with [`Corrupted`] always in the same way.
///
/// ```
/// use autoencoder::nalgebra::DMatrix;
/// use autoencoder::{Config, Corruption, CorruptionPass, Corrupted, DataError, Source};
///
/// /// Flips the first feature's sign.
/// #[derive(Debug)]
/// struct Flip;
///
/// impl Corruption<f64> for Flip {
///     fn kind(&self) -> &'static str {
///         "flip"
///     }
///     fn config(&self) -> Config {
///         Config::new()
///     }
///     fn corrupt(&self, pass: CorruptionPass<'_, f64>) -> Result<(), DataError> {
///         if let Some(first) = pass.sample.first_mut() {
///             *first = -*first;
///         }
///         Ok(())
///     }
/// }
///
/// let data = DMatrix::from_element(2, 3, 1.0);
/// let mut sample = [0.0; 2];
/// Corrupted::new(&data, Flip)?.read(&[1], &mut sample)?;
/// assert_eq!(sample, [-1.0, 1.0]);
/// # Ok::<(), autoencoder::Error>(())
/// ```
pub trait Corruption<T: Scalar>: Debug + Send + Sync {
    /// The name of this kind of corruption in errors and files.
    fn kind(&self) -> &'static str;

    /// Its options by name; a checkpoint records them, and resuming with others is an error.
    fn config(&self) -> Config;

    /// Corrupts one sample. The result must depend on the pass and its random numbers only.
    ///
    /// # Errors
    /// [`DataError`] if another sample cannot be read.
    fn corrupt(&self, pass: CorruptionPass<'_, T>) -> Result<(), DataError>;

    /// `Ok` if all options are in range.
    ///
    /// # Errors
    /// [`OptionError`] names the option that is not.
    fn check(&self) -> Result<(), OptionError> {
        Ok(())
    }
}

impl<T: Scalar, C: Corruption<T> + ?Sized> Corruption<T> for &C {
    fn kind(&self) -> &'static str {
        (**self).kind()
    }

    fn config(&self) -> Config {
        (**self).config()
    }

    fn corrupt(&self, pass: CorruptionPass<'_, T>) -> Result<(), DataError> {
        (**self).corrupt(pass)
    }

    fn check(&self) -> Result<(), OptionError> {
        (**self).check()
    }
}

/// A sample to corrupt.
#[non_exhaustive]
pub struct CorruptionPass<'a, T> {
    /// The sample's clean features, to be changed in place.
    pub sample: &'a mut [T],
    /// This sample's random numbers; in training they depend on epoch, step and position in the
    /// batch.
    pub rng: Rng,
    /// The sample's index, and the range from which other samples are drawn.
    number: usize,
    among: Range<usize>,
    source: &'a dyn Source<T>,
}

impl<T: Scalar> CorruptionPass<'_, T> {
    /// The value of `feature` in another sample, drawn at random from the same set (training or
    /// validation); the sample's own if there is no other.
    ///
    /// # Errors
    /// [`DataError`] if the data cannot be read, or that value is not finite.
    pub fn of_another(&mut self, feature: usize) -> Result<T, DataError> {
        let others = (self.among.len() as u64).saturating_sub(1);
        let Ok(places) = Uniform::new(0, others) else { return self.source.value(self.number, feature) };
        let drawn = self.among.start + places.sample(&mut self.rng) as usize;
        let other = if drawn >= self.number { drawn + 1 } else { drawn };
        let value = self.source.value(other, feature)?;
        InputError::require_finite(DataPart::Sample, &[value], |_| (other, feature))?;
        Ok(value)
    }
}

/// The set that corrupted samples belong to.
#[derive(Clone, Copy)]
pub(crate) struct Origin<'a, T> {
    pub source: &'a dyn Source<T>,
    /// The first sample of the set, and their number.
    pub first: usize,
    pub count: usize,
}

impl<T: Scalar> Origin<'_, T> {
    /// Corrupts the samples in `batch`, each with the random stream that `place` gives for its
    /// position and its index. An error if a result is not finite.
    pub fn corrupt(
        self,
        corruption: &dyn Corruption<T>,
        samples: &[usize],
        batch: &mut [T],
        place: impl Fn(usize, usize) -> Random,
    ) -> Result<(), DataError> {
        let features = self.source.features().max(1);
        for (position, (number, sample)) in samples.iter().zip(batch.chunks_exact_mut(features)).enumerate() {
            corruption.corrupt(CorruptionPass {
                sample: &mut *sample,
                rng: place(position, *number).stream(),
                number: *number,
                among: self.first..self.first + self.count,
                source: self.source,
            })?;
            if let Some(feature) = reduce::first_not_finite(sample) {
                return Err(InputError::Corrupted { sample: *number, feature, corruption: corruption.kind() }.into());
            }
        }
        Ok(())
    }
}

/// The random streams of a corruption.
pub(crate) fn streams(seed: u64) -> Random {
    Random::new(seed, Purpose::Corrupt)
}
