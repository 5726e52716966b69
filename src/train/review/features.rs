//! [`Feature`]: the statistics of one feature.

use crate::Scalar;
use crate::data::{InputError, filled};

/// The statistics of one feature over some samples; or of one sample over its features.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Feature {
    pub mean: f64,
    /// The standard deviation, exactly 0 for equal values.
    pub deviation: f64,
    pub lowest: f64,
    pub highest: f64,
}

impl Feature {
    /// Of each of the `width` features of `values` (features × samples).
    pub fn each<T: Scalar>(values: &[T], width: usize) -> Result<Vec<Self>, InputError> {
        let mut samples = values.chunks_exact(width.max(1));
        let count = samples.len();
        let mut features = filled(Self::default(), width)?;
        let Some(first) = samples.next() else { return Ok(features) };
        for (feature, value) in features.iter_mut().zip(first) {
            (feature.lowest, feature.highest) = (value.into_f64(), value.into_f64());
        }
        // Sums of distances from the first value, so that large means cancel no digits.
        let (mut sums, mut squares) = (filled(0.0, width)?, filled(0.0, width)?);
        for sample in samples {
            let moments = sums.iter_mut().zip(squares.iter_mut());
            for ((value, first), (sum, square)) in sample.iter().zip(first).zip(moments) {
                let distance = value.into_f64() - first.into_f64();
                *sum += distance;
                *square += distance * distance;
            }
            features.iter_mut().zip(sample).for_each(|(feature, value)| feature.widen(value.into_f64()));
        }
        let sums = first.iter().zip(sums.iter().zip(&squares));
        for (feature, (first, (sum, squares))) in features.iter_mut().zip(sums) {
            feature.set_moments(first.into_f64(), *sum, *squares, count);
        }
        Ok(features)
    }

    /// Of the values of one sample.
    pub fn of<T: Scalar>(values: &[T]) -> Self {
        let Some(first) = values.first().map(|value| value.into_f64()) else { return Self::default() };
        let mut all = Self { lowest: first, highest: first, ..Self::default() };
        let (mut sum, mut squares) = (0.0, 0.0);
        for value in values.iter().map(|value| value.into_f64()) {
            sum += value - first;
            squares += (value - first) * (value - first);
            all.widen(value);
        }
        all.set_moments(first, sum, squares, values.len());
        all
    }

    fn widen(&mut self, value: f64) {
        self.lowest = if value < self.lowest { value } else { self.lowest };
        self.highest = if value > self.highest { value } else { self.highest };
    }

    fn set_moments(&mut self, first: f64, sum: f64, squares: f64, count: usize) {
        let (mean, square) = (sum / count as f64, squares / count as f64);
        self.mean = first + mean;
        self.deviation = (square - mean * mean).max(0.0).sqrt();
    }

    /// After a change to x ↦ (x − shift) / scale.
    pub fn scaled(self, shift: f64, scale: f64) -> Self {
        let (one, other) = ((self.lowest - shift) / scale, (self.highest - shift) / scale);
        Self {
            mean: (self.mean - shift) / scale,
            deviation: self.deviation / scale.abs(),
            lowest: one.min(other),
            highest: one.max(other),
        }
    }

    /// The value of all samples, if it is the same up to the rounding of numbers of type `T`.
    pub fn constant<T: Scalar>(&self) -> Option<f64> {
        are_equal::<T>(self.lowest, self.highest).then_some(self.lowest)
    }

    /// The largest distance from 0.
    pub fn largest(&self) -> f64 {
        self.lowest.abs().max(self.highest.abs())
    }
}

/// Whether two numbers of type `T` differ by no more than rounding.
pub(super) fn are_equal<T: Scalar>(one: f64, other: f64) -> bool {
    (one - other).abs() <= 2.0 * T::epsilon().into_f64() * one.abs().max(other.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_of_features_and_of_samples() {
        let rows = [[1e6 + 1.0, 1e6 - 1.0, 1e6 + 1.0, 1e6 - 1.0], [0.3, 0.1, 0.2, 0.2], [0.1; 4]];
        let values: Vec<f64> = (0..12).map(|index| rows[index % 3][index / 3]).collect();
        let features = Feature::each(&values, 3).unwrap();
        for (feature, row) in features.iter().zip(&rows) {
            let alone = Feature::of(row);
            assert_eq!((feature.mean, feature.deviation), (alone.mean, alone.deviation));
            assert_eq!((feature.lowest, feature.highest), (alone.lowest, alone.highest));
        }
        assert_eq!((features[0].mean, features[0].deviation, features[0].largest()), (1e6, 1.0, 1e6 + 1.0));
        assert_eq!((features[1].lowest, features[1].highest, features[1].constant::<f64>()), (0.1, 0.3, None));
        assert_eq!((features[2].deviation, features[2].constant::<f64>()), (0.0, Some(0.1)));
        let scaled = features[0].scaled(1e6, -2.0);
        assert_eq!((scaled.mean, scaled.deviation, scaled.lowest, scaled.highest), (0.0, 0.5, -0.5, 0.5));
    }
}
