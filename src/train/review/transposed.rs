//! A table whose samples are rows, where the model takes columns.

use super::features::Feature;
use super::sample::Sample;
use crate::Scalar;
use crate::train::Warning;

/// Of fewer rows or columns, nothing is to be said.
const FEWEST_FEATURES: usize = 16;
const FEWEST_SAMPLES: usize = 3;

/// A column of numbers, one sample.
struct Column<'a, T> {
    values: &'a [T],
    all: Feature,
    /// Whether it holds more than two values.
    continuous: bool,
}

impl<'a, T: Scalar> Column<'a, T> {
    fn new(values: &'a [T]) -> Self {
        let all = Feature::of(values);
        let between = |value: f64| value != all.lowest && value != all.highest;
        Self { values, all, continuous: values.iter().any(|value| between(value.into_f64())) }
    }

    /// The share of values for which `holds` is true.
    fn share(&self, holds: impl Fn(f64) -> bool) -> f64 {
        let count = self.values.iter().filter(|value| holds(value.into_f64())).count();
        count as f64 / self.values.len().max(1) as f64
    }
}

/// More features than samples, and the samples differ as columns of a table do, while the features
/// are alike, as its rows are. `samples` are flat, `count` in all.
///
/// Samples differ if each has a scale of its own, if some are categories (0 and 1) and the others
/// numbers, or if each was scaled by itself, to the last digit. In images, series and spectra
/// neighbouring values are alike; their samples may well have scales of their own.
pub(super) fn samples_in_rows<T: Scalar>(samples: &Sample<'_, T>, count: usize) -> Option<Warning> {
    let features = samples.features.len();
    if features <= count || features < FEWEST_FEATURES || samples.len() < FEWEST_SAMPLES || are_smooth(samples) {
        return None;
    }
    let columns: Vec<Column<'_, T>> = samples.columns().map(Column::new).collect();
    let in_rows = have_own_scales(&columns, samples)
        || are_of_two_kinds(&columns)
        || are_scaled_alone(&columns, samples, is_standardised)
        || are_scaled_alone(&columns, samples, is_from_zero_to_one) && are_rarely_lowest(&columns);
    in_rows.then_some(Warning::SamplesInRows { features, samples: count })
}

/// Whether each value of a sample resembles the one before: their correlation is large, on average.
fn are_smooth<T: Scalar>(samples: &Sample<'_, T>) -> bool {
    /// The most columns that tell.
    const MOST: usize = 16;
    let step = samples.len().div_ceil(MOST).max(1);
    let correlation = |values: &[T]| {
        let Feature { mean, deviation, .. } = Feature::of(values);
        let distances = values.iter().map(|value| value.into_f64() - mean);
        let products = distances.clone().zip(distances.skip(1)).map(|(one, next)| one * next);
        products.sum::<f64>() / (deviation * deviation * values.len() as f64)
    };
    let varying = samples.columns().step_by(step).map(correlation).filter(|correlation| correlation.is_finite());
    let (sum, count) = varying.fold((0.0, 0), |(sum, count), correlation| (sum + correlation, count + 1));
    count == 0 || sum / f64::from(count) > 0.5
}

/// Whether many samples are apart, and hardly any features.
fn have_own_scales<T: Scalar>(columns: &[Column<'_, T>], samples: &Sample<'_, T>) -> bool {
    let columns: Vec<Feature> = columns.iter().map(|column| column.all).collect();
    apart(&columns) > 0.3 && apart(&samples.features) < 0.02
}

/// The share of pairs whose means are further apart than twice both deviations.
fn apart(all: &[Feature]) -> f64 {
    /// The most that are compared with each other.
    const MOST: usize = 64;
    let some = || all.iter().step_by(all.len().div_ceil(MOST).max(1));
    let (mut far, mut pairs) = (0, 0);
    for (index, one) in some().enumerate() {
        for other in some().skip(index + 1) {
            far += usize::from((one.mean - other.mean).abs() > 2.0 * (one.deviation + other.deviation));
            pairs += 1;
        }
    }
    far as f64 / pairs.max(1) as f64
}

/// Whether at least three samples hold 0 and 1 alone, at least three hardly any, and few something
/// between; a row of a table has both in one.
fn are_of_two_kinds<T: Scalar>(columns: &[Column<'_, T>]) -> bool {
    const FEWEST: usize = 3;
    if columns.iter().filter(|column| !column.continuous).count() < FEWEST {
        return false;
    }
    let (mut all, mut categories, mut numbers) = (0, 0, 0);
    for column in columns.iter().filter(|column| column.all.constant::<T>().is_none()) {
        let of_category = column.share(|value| value == 0.0 || value == 1.0);
        all += 1;
        categories += usize::from(!column.continuous && of_category == 1.0);
        numbers += usize::from(column.continuous && of_category <= 0.1);
    }
    categories >= FEWEST && numbers >= FEWEST && 5 * (categories + numbers) >= 4 * all
}

/// Whether most samples are scaled by themselves, and few features; of those with more than two
/// values, and at least three.
fn are_scaled_alone<T: Scalar>(
    columns: &[Column<'_, T>],
    samples: &Sample<'_, T>,
    by: fn(&Feature, usize) -> bool,
) -> bool {
    let continuous = columns.iter().filter(|column| column.continuous);
    let (all, alone) = (continuous.clone().count(), continuous.filter(|column| by(&column.all, column.values.len())));
    if all < FEWEST_SAMPLES || 5 * alone.count() < 4 * all {
        return false;
    }
    let scaled = samples.features.iter().enumerate().filter(|(_, feature)| by(feature, samples.len()));
    5 * scaled.filter(|(index, _)| samples.is_continuous(*index)).count() <= samples.features.len()
}

/// Mean 0 and variance 1 far more closely than by chance, the variance divided by n or by n − 1.
fn is_standardised(one: &Feature, length: usize) -> bool {
    let (length, variance) = (length as f64, one.deviation * one.deviation);
    one.mean.abs() * length.sqrt() <= 0.1 && (variance - 1.0).abs() <= 2.0 / length + 1e-4
}

fn is_from_zero_to_one(one: &Feature, _length: usize) -> bool {
    one.lowest.abs() <= 1e-6 && (one.highest - 1.0).abs() <= 1e-6
}

/// Whether few values are the least of their sample: many zeros come from counts or from black, not
/// from a scaler.
fn are_rarely_lowest<T: Scalar>(columns: &[Column<'_, T>]) -> bool {
    let continuous = columns.iter().filter(|column| column.continuous);
    let shares = continuous.clone().map(|column| column.share(|value| value <= column.all.lowest + 1e-9));
    shares.sum::<f64>() < 0.2 * continuous.count() as f64
}
