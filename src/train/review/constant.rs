//! Features that do not vary.

use super::features::{Feature, are_equal};
use super::sample::{MOST_NUMBERS, Sample};
use crate::data::{DataError, Scaler, Source, filled, numbered};
use crate::train::Warning;
use crate::{Scalar, invariant};

/// Of fewer samples, equal values mean little.
const FEWEST: usize = 8;

/// A feature and its value in all samples looked at.
type Constant = (usize, f64);

/// The features of a table that have the same value, up to rounding, in all of the first `count`
/// samples of `source`, of which `samples` were looked at, and `scaled` are the same after the
/// model's scaler.
pub(super) fn features<T: Scalar>(
    source: &dyn Source<T>,
    count: usize,
    samples: &Sample<'_, T>,
    scaled: Option<(&Scaler, &Sample<'_, T>)>,
) -> Result<Option<Warning>, DataError> {
    let constant = |(index, feature): (usize, &Feature)| feature.constant::<T>().map(|value| (index, value));
    let mut all: Vec<Constant> = samples.features.iter().enumerate().filter_map(constant).collect();
    // Pixels that are always black are no mistake, wherever an image's shape was not given.
    if samples.len() < FEWEST || all.is_empty() || samples.neighbours_are_alike() {
        return Ok(None);
    }
    let of = samples.features.len();
    let few = count.saturating_mul(of) <= MOST_NUMBERS;
    match few {
        true if count > samples.len() => retain_constant(source, count, &mut all)?,
        true => {}
        false => all.retain(|(index, value)| is_probable(*index, *value, scaled)),
    }
    let (features, samples) = (all.len(), if few { count } else { samples.len() });
    let first = all.first().copied();
    Ok(first.map(|(feature, value)| Warning::ConstantFeatures { feature, value, features, of, samples }))
}

/// Drops features that vary in the first `count` samples. Reads no further than needed.
fn retain_constant<T: Scalar>(source: &dyn Source<T>, count: usize, all: &mut Vec<Constant>) -> Result<(), DataError> {
    /// Samples read at a time.
    const AT_ONCE: usize = 64;
    let width = source.features();
    let mut values = filled(T::zero(), AT_ONCE.min(count) * width)?;
    for numbers in numbered(0..count)?.chunks(AT_ONCE) {
        let values = invariant::slice_mut(&mut values, &(0..numbers.len() * width), "samples", "review");
        source.read(numbers, values)?;
        all.retain(|(index, value)| {
            let mut others = values.chunks_exact(width).filter_map(|sample| sample.get(*index));
            others.all(|other| are_equal::<T>(other.into_f64(), *value))
        });
        if all.is_empty() {
            break;
        }
    }
    Ok(())
}

/// Whether the value of some samples is probably that of all. A category that one row in a thousand
/// has may be missing from the samples looked at, and leaves 0 or, standardised, a number near 0.
/// But a scaler was fitted to all samples: of a constant feature it subtracts the value and divides
/// by 1. One that maps to 0..=1 does the same to a category.
fn is_probable<T: Scalar>(index: usize, value: f64, scaled: Option<(&Scaler, &Sample<'_, T>)>) -> bool {
    /// The largest value of a standardised category that less than one row in fifty has, or lacks.
    const NEAR_ZERO: f64 = 0.15;
    let is_no_category = value.abs() > NEAR_ZERO && value != 1.0;
    let Some((scaler, samples)) = scaled else { return is_no_category };
    let at = |numbers: &[f64]| numbers.get(index).copied();
    let standardises = || samples.features.iter().any(|feature| feature.lowest < 0.0);
    let subtracts = at(scaler.shift()).is_some_and(|shift| are_equal::<T>(shift, value));
    at(scaler.scale()) == Some(1.0) && subtracts && (is_no_category || standardises())
}
