//! Validation data that have little in common with the training data.

use super::sample::Sample;
use crate::Scalar;
use crate::train::Warning;

/// More than half of the features that vary in training have another mean, by ten standard
/// deviations, or spread ten times as far.
pub(super) fn unlike<T: Scalar>(training: &Sample<'_, T>, validation: &Sample<'_, T>) -> Option<Warning> {
    /// Of fewer training samples, a deviation means little.
    const FEWEST: usize = 8;
    const TIMES: f64 = 10.0;
    if training.len() < FEWEST {
        return None;
    }
    let pairs = training.features.iter().zip(&validation.features).enumerate();
    let varying = pairs.filter(|(_, (training, _))| training.deviation > 0.0);
    let of = varying.clone().count();
    let mut far = varying.filter(|(_, (training, validation))| {
        let distance = (training.mean - validation.mean).abs();
        distance.max(validation.deviation) > TIMES * training.deviation
    });
    let (feature, (first, other)) = far.next()?;
    let features = 1 + far.count();
    (2 * features > of).then_some(Warning::UnlikeValidation {
        features,
        of,
        feature,
        training: first.mean,
        validation: other.mean,
    })
}
