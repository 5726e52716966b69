//! A table whose samples are rows, where the model takes columns.

use super::features::Feature;
use super::sample::Sample;
use crate::Scalar;
use crate::train::Warning;

/// Of fewer rows or columns, nothing is to be said.
const FEWEST_FEATURES: usize = 16;
const FEWEST_SAMPLES: usize = 3;

/// More features than samples, and the samples differ as columns of a table do, while the features
/// are alike, as its rows are. `samples` are flat, `count` in all.
///
/// Samples differ if each has a scale of its own, if some are categories (0 and 1) and the others
/// numbers, or if each was scaled by itself, to the last digit. In images, series and spectra
/// neighbouring values are alike; their samples may well have scales of their own.
pub(super) fn samples_in_rows<T: Scalar>(samples: &Sample<T>, count: usize) -> Option<Warning> {
    let features = samples.features.len();
    if features <= count || features < FEWEST_FEATURES || samples.len() < FEWEST_SAMPLES || are_smooth(samples) {
        return None;
    }
    let columns: Vec<Feature> = samples.columns().map(of_column).collect();
    let rows = &samples.features;
    let differ = apart(&columns) > 0.3 && apart(rows) < 0.02;
    let scaled =
        |by: fn(&Feature, usize) -> bool| share(&columns, features, by) >= 0.8 && share(rows, samples.len(), by) <= 0.2;
    let in_rows = differ
        || are_of_two_kinds(samples, &columns)
        || scaled(is_standardised)
        || scaled(is_from_zero_to_one) && rarely_lowest(samples, &columns);
    in_rows.then_some(Warning::SamplesInRows { features, samples: count })
}

/// Whether at least three samples hold 0 and 1 alone, at least three hardly any, and few something
/// between; a row of a table has both in one.
fn are_of_two_kinds<T: Scalar>(samples: &Sample<T>, columns: &[Feature]) -> bool {
    const FEWEST: usize = 3;
    let varying = samples.columns().zip(columns).filter(|(_, column)| column.constant().is_none());
    let (mut all, mut categories, mut numbers) = (0, 0, 0);
    for (values, column) in varying {
        let of_category = values.iter().filter(|value| value.is_zero() || value.is_one()).count();
        all += 1;
        categories += usize::from(!column.continuous && of_category == values.len());
        numbers += usize::from(column.continuous && 10 * of_category <= values.len());
    }
    categories >= FEWEST && numbers >= FEWEST && 5 * (categories + numbers) >= 4 * all
}

fn of_column<T: Scalar>(values: &[T]) -> Feature {
    let mut column = Feature::default();
    values.iter().for_each(|value| column.add(value.into_f64()));
    column
}

/// Whether each value of a sample resembles the one before: their correlation is large, on average.
fn are_smooth<T: Scalar>(samples: &Sample<T>) -> bool {
    let (mut sum, mut count) = (0.0, 0);
    for values in samples.columns() {
        let column = of_column(values);
        let (mean, variance) = (column.mean(), column.deviation().powi(2));
        if variance > 0.0 {
            let distances = values.iter().map(|value| value.into_f64() - mean);
            let products = distances.clone().zip(distances.skip(1)).map(|(one, next)| one * next);
            sum += products.sum::<f64>() / (variance * values.len() as f64);
            count += 1;
        }
    }
    count == 0 || sum / f64::from(count) > 0.5
}

/// The share of pairs whose means are further apart than twice both deviations.
fn apart(all: &[Feature]) -> f64 {
    const MOST: usize = 128;
    let step = all.len().div_ceil(MOST).max(1);
    let moments: Vec<_> = all.iter().step_by(step).map(|one| (one.mean(), one.deviation())).collect();
    let (mut far, mut pairs) = (0, 0);
    for (index, (mean, deviation)) in moments.iter().enumerate() {
        for (other_mean, other_deviation) in moments.iter().skip(index + 1) {
            far += usize::from((mean - other_mean).abs() > 2.0 * (deviation + other_deviation));
            pairs += 1;
        }
    }
    far as f64 / pairs.max(1) as f64
}

/// The share of those with more than two values, at least 3, that are scaled by themselves;
/// `length` values each.
fn share(all: &[Feature], length: usize, by: fn(&Feature, usize) -> bool) -> f64 {
    let continuous = all.iter().filter(|one| one.continuous);
    let count = continuous.clone().count();
    if count < 3 { 0.0 } else { continuous.filter(|one| by(one, length)).count() as f64 / count as f64 }
}

/// Mean 0 and variance 1 far more closely than by chance, the variance divided by n or by n − 1.
fn is_standardised(one: &Feature, length: usize) -> bool {
    let length = length as f64;
    let (mean, variance) = (one.mean(), one.deviation().powi(2));
    mean.abs() * length.sqrt() <= 0.1 && (variance - 1.0).abs() <= 2.0 / length + 1e-4
}

fn is_from_zero_to_one(one: &Feature, _length: usize) -> bool {
    one.lowest.abs() <= 1e-6 && (one.highest - 1.0).abs() <= 1e-6
}

/// Whether few values are the least of their sample: many zeros come from counts or from black, not
/// from a scaler.
fn rarely_lowest<T: Scalar>(samples: &Sample<T>, columns: &[Feature]) -> bool {
    let lowest = samples.columns().zip(columns).filter(|(_, column)| column.continuous);
    let counts = lowest.map(|(values, column)| {
        values.iter().filter(|value| value.into_f64() <= column.lowest + 1e-9).count() as f64 / values.len() as f64
    });
    let (sum, count) = counts.fold((0.0, 0.0), |(sum, count), share| (sum + share, count + 1.0));
    sum < 0.2 * count
}
