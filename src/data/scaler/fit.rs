//! [`StandardScaler`] and [`MinMaxScaler`]: fit a [`Scaler`] to data.

use super::Scaler;
use crate::Scalar;
use crate::data::{DataError, DataPart, InputError, Source, filled, numbered, samples_at_once};

/// Fits a [`Scaler`] that gives each feature mean 0 and standard deviation 1: (x − mean) /
/// deviation, the deviation of the population as in scikit-learn.
///
/// A feature that is constant, or differs from a constant by no more than rounding errors, is
/// divided by 1. It is if
///
/// - variance ≤ n·ε·variance + (n·ε·mean)² for n samples and ε = 2⁻⁵² ≈ 2·10⁻¹⁶: scikit-learn's
///   bound of the error of the sums that give the variance, or
/// - its deviation is at most the distance from its mean to the next number of the data's type.
///
/// However small, everything else is scaled, down to a deviation of 10⁻¹⁵⁴, whose square is the
/// smallest number.
#[derive(Debug, Clone, Copy)]
pub struct StandardScaler;

impl StandardScaler {
    /// The scaler of `data`.
    ///
    /// # Errors
    /// [`DataError`] if there are no samples, one cannot be read or has more features than fit into
    /// memory, or one is not finite, or values are so large (10¹⁵⁴) that a deviation is not.
    pub fn fit<T: Scalar>(data: &(impl Source<T> + ?Sized)) -> Result<Scaler, DataError> {
        let statistics = Statistics::of(data)?;
        let scales = statistics.scales::<T>(|feature| feature.deviation(statistics.count));
        Ok(Scaler::new(statistics.features.iter().map(|feature| feature.mean).collect(), scales)?)
    }
}

/// Fits a [`Scaler`] that maps each feature to 0..=1: (x − min) / (max − min). A feature that is
/// constant up to rounding errors, as [`StandardScaler`] tells it, is divided by 1, and so mapped
/// to 0.
///
/// Other data than those it is fitted to may exceed 0..=1: [`clip`](Scaler::clip).
#[derive(Debug, Clone, Copy)]
pub struct MinMaxScaler;

impl MinMaxScaler {
    /// The scaler of `data`.
    ///
    /// # Errors
    /// [`DataError`] if there are no samples, one cannot be read or has more features than fit into
    /// memory, or one is not finite, or the range of a feature is not.
    pub fn fit<T: Scalar>(data: &(impl Source<T> + ?Sized)) -> Result<Scaler, DataError> {
        let statistics = Statistics::of(data)?;
        let scales = statistics.scales::<T>(|feature| feature.high - feature.low);
        Ok(Scaler::new(statistics.features.iter().map(|feature| feature.low).collect(), scales)?)
    }
}

/// What scalers need to know of the data.
struct Statistics {
    /// The number of samples.
    count: f64,
    features: Vec<Feature>,
}

/// What scalers need to know of one feature.
#[derive(Debug, Clone, Copy)]
struct Feature {
    mean: f64,
    /// Σ (x − mean)².
    squares: f64,
    low: f64,
    high: f64,
}

impl Statistics {
    fn of<T: Scalar>(data: &(impl Source<T> + ?Sized)) -> Result<Self, DataError> {
        if data.is_empty() {
            return Err(InputError::Empty.into()); // only then may the number of features be anything
        }
        let none = Feature { mean: 0.0, squares: 0.0, low: f64::INFINITY, high: f64::NEG_INFINITY };
        let mut statistics = Self { count: 0.0, features: filled(none, data.features())? };
        each_sample(data, |sample| statistics.see(sample))?;
        Ok(statistics)
    }

    /// Takes in one sample.
    fn see<T: Scalar>(&mut self, sample: &[T]) {
        self.count += 1.0;
        for (value, feature) in sample.iter().zip(&mut self.features) {
            let value = value.into_f64();
            let before = value - feature.mean; // Welford's update
            feature.mean += before / self.count;
            feature.squares += before * (value - feature.mean);
            feature.low = feature.low.min(value);
            feature.high = feature.high.max(value);
        }
    }

    /// `scale` of each feature, but 1 where the feature does not vary.
    fn scales<T: Scalar>(&self, scale: impl Fn(&Feature) -> f64) -> Vec<f64> {
        let usable = |feature: &Feature| {
            let scale = scale(feature);
            let constant = feature.is_constant::<T>(self.count) || scale < f64::MIN_POSITIVE;
            if constant { 1.0 } else { scale }
        };
        self.features.iter().map(usable).collect()
    }
}

impl Feature {
    /// The standard deviation over `count` samples.
    fn deviation(&self, count: f64) -> f64 {
        (self.squares / count).sqrt()
    }

    /// Whether the feature is a constant up to rounding errors: those of the sums, which are
    /// computed in `f64`, and those of the data, which are numbers of type `T`. Compares
    /// deviations, since squares of small numbers would vanish.
    fn is_constant<T: Scalar>(&self, count: f64) -> bool {
        let (deviation, mean) = (self.deviation(count), self.mean.abs());
        let of_sums = (1.0 - count * f64::EPSILON).max(0.0).sqrt() * deviation <= count * f64::EPSILON * mean;
        let of_data = deviation <= T::epsilon().into_f64() * mean;
        deviation.is_finite() && (of_sums || of_data)
    }
}

/// Calls `visit` with each sample in order.
fn each_sample<T: Scalar>(data: &(impl Source<T> + ?Sized), mut visit: impl FnMut(&[T])) -> Result<(), DataError> {
    let (count, features) = (data.len(), data.features());
    let width = features.max(1);
    let at_once = samples_at_once(features);
    let mut block = filled(T::zero(), features.saturating_mul(at_once.min(count)))?;
    for first in (0..count).step_by(at_once) {
        let samples = numbered(first..count.min(first.saturating_add(at_once)))?;
        let (block, _) = block.split_at_mut(features * samples.len());
        data.read(&samples, block)?;
        InputError::require_finite(DataPart::Sample, block, |position| (first + position / width, position % width))?;
        block.chunks_exact(width).for_each(&mut visit);
    }
    Ok(())
}
