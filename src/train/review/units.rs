//! Whether data have scales that can be learned from.

use super::features::Feature;
use super::sample::Sample;
use crate::Scalar;
use crate::train::Warning;

/// Values further from 0 are large. Of standardised ones, whatever their distribution, at most one
/// in 2 500 is (Chebyshev's inequality).
const LARGE: f64 = 50.0;

/// If none is further from 0, values are tiny.
const TINY: f64 = 0.01;

/// Spreads that differ by this factor are unequal.
const UNEQUAL: f64 = 1000.0;

/// Of fewer samples, statistics mean little.
const FEWEST: usize = 8;

/// Values that are large or tiny or, in a table, have unequal scales; as the model or the loss sees
/// them.
pub(super) fn unsuitable<T: Scalar>(
    data: &'static str,
    samples: &Sample<'_, T>,
    scaled: bool,
    is_table: bool,
) -> Option<Warning> {
    large(data, samples, scaled).or_else(|| tiny(data, samples)).or_else(|| match is_table {
        true => unequal(data, samples),
        false => None,
    })
}

/// Features that are large in at least one sample of fifty.
fn large<T: Scalar>(data: &'static str, samples: &Sample<'_, T>, scaled: bool) -> Option<Warning> {
    let often = |index| {
        let values = samples.feature(index).filter(|value| value.abs() > LARGE);
        values.count() >= samples.len().div_ceil(50)
    };
    let features = samples.features.iter().enumerate();
    let large = features.filter(|(index, feature)| feature.largest() > LARGE && often(*index));
    let (index, feature) = large.max_by(|(_, one), (_, other)| one.largest().total_cmp(&other.largest()))?;
    let mut values = samples.numbers.iter().zip(samples.feature(index));
    let (sample, value) = values.find(|(_, value)| value.abs() == feature.largest())?;
    Some(Warning::Unscaled { data, feature: index, sample: *sample, value, scaled })
}

fn tiny<T: Scalar>(data: &'static str, samples: &Sample<'_, T>) -> Option<Warning> {
    let largest = samples.features.iter().map(Feature::largest).fold(0.0, f64::max);
    (largest > 0.0 && largest < TINY).then_some(Warning::Tiny { data, largest })
}

/// At least a tenth of the features that take more than two values spread over a thousandth of what
/// the largest does. Spreads are between the first and the last decile: a few extreme values that a
/// scaler was fitted to leave the others of a feature close together, which is no mistake.
fn unequal<T: Scalar>(data: &'static str, samples: &Sample<'_, T>) -> Option<Warning> {
    if samples.len() < FEWEST {
        return None;
    }
    let continuous = || samples.features.iter().enumerate().filter(|(index, _)| samples.is_continuous(*index));
    let deviations = continuous().map(|(_, feature)| feature.deviation);
    let (least, most) = deviations
        .fold((f64::INFINITY, 0.0), |(least, most): (f64, f64), deviation| (least.min(deviation), most.max(deviation)));
    if most < 0.1 * UNEQUAL * least || samples.neighbours_are_alike() {
        return None;
    }
    let mut spreads: Vec<(usize, f64)> = continuous().map(|(index, _)| (index, spread(samples, index))).collect();
    spreads.retain(|(_, spread)| *spread > 0.0);
    let (large, large_spread) = spreads.iter().copied().max_by(|(_, one), (_, other)| one.total_cmp(other))?;
    let (small, small_spread) = spreads.iter().copied().min_by(|(_, one), (_, other)| one.total_cmp(other))?;
    let count = spreads.iter().filter(|(_, spread)| *spread * UNEQUAL <= large_spread).count();
    let many = spreads.len().div_ceil(10);
    (count >= many).then_some(Warning::UnequalScales { data, small, small_spread, large, large_spread })
}

/// The difference between the first and the last decile of a feature.
fn spread<T: Scalar>(samples: &Sample<'_, T>, feature: usize) -> f64 {
    let mut values: Vec<f64> = samples.feature(feature).collect();
    values.sort_by(f64::total_cmp);
    let tenth = values.len() / 10;
    match (values.get(tenth), values.iter().rev().nth(tenth)) {
        (Some(first), Some(last)) => last - first,
        _ => 0.0,
    }
}

/// Data that are scaled before the model's scaler, in more than half of the features, and not after
/// it, in more than a quarter: the scaler was fitted to others, the same data in their units, for
/// instance.
pub(super) fn scaled_twice<T: Scalar>(before: &Sample<'_, T>, after: &Sample<'_, T>) -> Option<Warning> {
    if before.len() < FEWEST {
        return None;
    }
    let pairs =
        before.features.iter().zip(&after.features).enumerate().filter(|(index, _)| before.is_continuous(*index));
    let (all, scaled) = (pairs.clone().count(), pairs.filter(|(_, (before, _))| is_scaled(before)));
    let lost = scaled.clone().filter(|(_, (_, after))| !is_left_scaled(after));
    let most = 2 * scaled.count() > all && 4 * lost.clone().count() > all;
    let widest = lost.max_by(|(_, (one, _)), (_, (other, _))| one.deviation.total_cmp(&other.deviation));
    let (feature, (first, second)) = widest.filter(|_| most)?;
    let moments = |feature: &Feature| [feature.mean, feature.deviation];
    Some(Warning::ScaledTwice { feature, before: moments(first), after: moments(second) })
}

/// Whether a feature is as a scaler leaves it: standardised, or between 0 and 1.
fn is_scaled(feature: &Feature) -> bool {
    is_in_unit_interval(feature) || feature.mean.abs() <= 1.0 && (0.3..=3.0).contains(&feature.deviation)
}

/// The same, with room for a scaler's extreme values, which may leave the others close together.
fn is_left_scaled(feature: &Feature) -> bool {
    let (mean, deviation) = (feature.mean, feature.deviation);
    is_in_unit_interval(feature) && deviation >= 0.003 || mean.abs() <= 1.5 && (0.1..=10.0).contains(&deviation)
}

fn is_in_unit_interval(feature: &Feature) -> bool {
    feature.lowest >= -1e-6 && feature.highest <= 1.0 + 1e-6
}
