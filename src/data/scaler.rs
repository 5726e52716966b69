//! Scalers bring features to a common scale before a model, and back after it.

use super::{DataError, DataPart, InputError, Source, filled};
use crate::Scalar;

/// x ↦ (x − shift) / scale, feature by feature; fitted by [`StandardScaler`] or [`MinMaxScaler`], stored in the model and its file.
///
/// ```
/// use autoencoder::nalgebra::DMatrix;
/// use autoencoder::{Autoencoder, MinMaxScaler, Shape, StandardScaler};
///
/// let data = DMatrix::<f32>::from_row_slice(2, 3, &[0.0, 5.0, 10.0, 1.0, 2.0, 3.0]); // two features, three samples
/// let scaler = MinMaxScaler::fit(&data)?; // to 0..=1
/// assert_eq!((scaler.shift(), scaler.scale()), (&[0.0, 1.0][..], &[10.0, 2.0][..]));
/// let builder = Autoencoder::<f32>::builder(Shape::flat(2)).scaler(StandardScaler::fit(&data)?);
/// # Ok::<(), autoencoder::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Scaler {
    shift: Vec<f64>,
    scale: Vec<f64>,
}

impl Scaler {
    /// A scaler with these shifts and scales.
    ///
    /// # Errors
    /// [`InputError`] if their lengths differ, a value is not finite, or a scale is 0 or subnormal.
    pub fn new(shift: Vec<f64>, scale: Vec<f64>) -> Result<Self, InputError> {
        if shift.len() != scale.len() {
            return Err(InputError::Length { what: "scales", expected: shift.len(), found: scale.len() });
        }
        let pairs = shift.iter().zip(&scale).enumerate();
        let unusable = |(_, (shift, scale)): &(usize, (&f64, &f64))| !shift.is_finite() || !scale.is_normal();
        match pairs.into_iter().find(unusable) {
            Some((feature, (shift, scale))) => Err(InputError::UnusableScale { feature, shift: *shift, scale: *scale }),
            None => Ok(Self { shift, scale }),
        }
    }

    /// The number of features.
    pub fn features(&self) -> usize {
        self.shift.len()
    }

    /// What is subtracted, for each feature.
    pub fn shift(&self) -> &[f64] {
        &self.shift
    }

    /// What is divided by, for each feature.
    pub fn scale(&self) -> &[f64] {
        &self.scale
    }

    /// Scales `samples` (features × samples) in place.
    pub(crate) fn apply<T: Scalar>(&self, samples: &mut [T]) {
        self.each(samples, |value, shift, scale| (value - shift) / scale);
    }

    /// Undoes [`apply`](Self::apply).
    pub(crate) fn undo<T: Scalar>(&self, samples: &mut [T]) {
        self.each(samples, |value, shift, scale| value * scale + shift);
    }

    fn each<T: Scalar>(&self, samples: &mut [T], change: impl Fn(f64, f64, f64) -> f64) {
        for sample in samples.chunks_exact_mut(self.features().max(1)) {
            for ((value, shift), scale) in sample.iter_mut().zip(&self.shift).zip(&self.scale) {
                *value = T::from_f64(change(value.into_f64(), *shift, *scale));
            }
        }
    }
}

/// Fits a [`Scaler`] that gives each feature mean 0 and standard deviation 1: (x − mean) / deviation (of the population, as in scikit-learn; a constant feature
/// is divided by 1).
#[derive(Debug, Clone, Copy)]
pub struct StandardScaler;

impl StandardScaler {
    /// The scaler of `data`.
    ///
    /// # Errors
    /// [`DataError`] if there are no samples, one cannot be read or has more features than fit into memory, or one is not finite.
    pub fn fit<T: Scalar>(data: &(impl Source<T> + ?Sized)) -> Result<Scaler, DataError> {
        let mut count = 0.0;
        let mut mean = one_each(data, 0.0)?;
        let mut squares = mean.clone();
        each_sample(data, |sample| {
            count += 1.0;
            for ((value, mean), squares) in sample.iter().zip(&mut mean).zip(&mut squares) {
                let before = value.into_f64() - *mean; // Welford's update
                *mean += before / count;
                *squares += before * (value.into_f64() - *mean);
            }
        })?;
        let deviations = squares.iter().map(|squares| usable((squares / count).sqrt())).collect();
        Ok(Scaler::new(mean, deviations)?)
    }
}

/// Fits a [`Scaler`] that maps each feature to 0..=1: (x − min) / (max − min) (a constant feature to 0).
#[derive(Debug, Clone, Copy)]
pub struct MinMaxScaler;

impl MinMaxScaler {
    /// The scaler of `data`.
    ///
    /// # Errors
    /// [`DataError`] if there are no samples, one cannot be read or has more features than fit into memory, or one is not finite.
    pub fn fit<T: Scalar>(data: &(impl Source<T> + ?Sized)) -> Result<Scaler, DataError> {
        let mut low = one_each(data, f64::INFINITY)?;
        let mut high = one_each(data, f64::NEG_INFINITY)?;
        each_sample(data, |sample| {
            for ((value, low), high) in sample.iter().zip(&mut low).zip(&mut high) {
                *low = low.min(value.into_f64());
                *high = high.max(value.into_f64());
            }
        })?;
        let ranges = low.iter().zip(&high).map(|(low, high)| usable(high - low)).collect();
        Ok(Scaler::new(low, ranges)?)
    }
}

/// 1 for a feature that does not vary.
fn usable(scale: f64) -> f64 {
    if scale.is_normal() { scale } else { 1.0 }
}

/// `value` for each feature. An error if there are no samples: only then may the number of features be anything.
fn one_each<T: Scalar>(data: &(impl Source<T> + ?Sized), value: f64) -> Result<Vec<f64>, DataError> {
    if data.is_empty() {
        return Err(InputError::Empty.into());
    }
    Ok(filled(value, data.features())?)
}

fn each_sample<T: Scalar>(data: &(impl Source<T> + ?Sized), mut visit: impl FnMut(&[T])) -> Result<(), DataError> {
    let mut sample = filled(T::zero(), data.features())?;
    for index in 0..data.len() {
        data.read(&[index], &mut sample)?;
        InputError::require_finite(DataPart::Sample, &sample, |feature| (index, feature))?;
        visit(&sample);
    }
    Ok(())
}
