//! Features that do not vary.

use super::features::Feature;
use super::sample::Sample;
use crate::Scalar;
use crate::data::Scaler;
use crate::train::Warning;

/// Of fewer samples, equal values mean little.
const FEWEST: usize = 8;

/// The largest value of a standardised category that less than one row in fifty has, or lacks.
const NEAR_ZERO: f64 = 0.15;

/// The features of a table that have the same value in all samples; `scaled` are the samples after the model's scaler.
pub(super) fn features<T: Scalar>(samples: &Sample<T>, scaled: Option<(&Scaler, &Sample<T>)>) -> Option<Warning> {
    if samples.len() < FEWEST {
        return None;
    }
    let constant = |(index, feature): (usize, &Feature)| {
        let value = feature.constant()?;
        (samples.whole || everywhere(index, value, scaled)).then_some((index, value))
    };
    let mut all = samples.features.iter().enumerate().filter_map(constant);
    let (feature, value) = all.next()?;
    let features = 1 + all.count();
    let of = samples.features.len();
    // Pixels that are always black are no mistake, wherever an image's shape was not given.
    (!samples.neighbours_are_alike()).then_some(Warning::ConstantFeatures {
        feature,
        value,
        features,
        of,
        samples: samples.len(),
    })
}

/// Whether the value of some samples is that of all. A category that one row in a thousand has may be missing from the samples looked at, and leaves 0 or, standardised, a
/// number near 0. But a scaler was fitted to all samples: of a constant feature it subtracts the value and divides by 1. One that maps to 0..=1 does the same to a category.
fn everywhere<T: Scalar>(index: usize, value: f64, scaled: Option<(&Scaler, &Sample<T>)>) -> bool {
    let is_no_category = value.abs() > NEAR_ZERO && value != 1.0;
    let Some((scaler, samples)) = scaled else { return is_no_category };
    let at = |numbers: &[f64]| numbers.get(index).copied();
    let standardises = || samples.features.iter().any(|feature| feature.lowest < 0.0);
    at(scaler.scale()) == Some(1.0) && at(scaler.shift()) == Some(value) && (is_no_category || standardises())
}
