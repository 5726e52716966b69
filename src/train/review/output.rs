//! What the last activation can give, and what the targets and the loss want.

use super::kinds;
use super::sample::Sample;
use crate::Scalar;
use crate::graph::Network;
use crate::loss::Loss;
use crate::train::Warning;

/// Targets that the last activation cannot give.
pub(super) fn out_of_reach<T: Scalar>(network: &Network<T>, targets: &Sample<'_, T>) -> Option<Warning> {
    let activation = kinds::last_activation(network)?;
    let range = activation.range()?;
    let lowest = targets.features.iter().map(|feature| feature.lowest).fold(f64::INFINITY, f64::min);
    let highest = targets.features.iter().map(|feature| feature.highest).fold(f64::NEG_INFINITY, f64::max);
    let indices = 0..targets.features.len();
    let features = indices.filter(|index| leaves(range, targets, *index)).count();
    let (of, scaled) = (targets.features.len(), network.output_scaler().is_some());
    (features > 0).then_some(Warning::OutputOutOfReach { activation, lowest, highest, features, of, scaled })
}

/// Whether a feature leaves the range: at least one value in a hundred does, and that makes up a
/// share of its variance. A few values just beyond the range that a scaler was fitted to are no
/// mistake.
fn leaves<T: Scalar>((least, most): (f64, f64), targets: &Sample<'_, T>, index: usize) -> bool {
    /// The least share of the variance.
    const SHARE: f64 = 0.02;
    let Some(feature) = targets.features.get(index) else { return false };
    if feature.lowest >= least && feature.highest <= most {
        return false;
    }
    let distances = targets.feature(index).map(|value| value - value.clamp(least, most));
    let count = distances.clone().filter(|distance| *distance != 0.0).count();
    let mean_square = distances.map(|distance| distance * distance).sum::<f64>() / targets.len() as f64;
    count >= targets.len().div_ceil(100) && mean_square > SHARE * feature.deviation.powi(2)
}

/// A loss between probabilities for outputs that are none.
pub(super) fn not_probability<T: Scalar>(loss: &dyn Loss<T>, network: &Network<T>) -> Option<Warning> {
    if !matches!(loss.kind(), "bce" | "categorical_cross_entropy") {
        return None;
    }
    let (activation, suitable) = (kinds::last_activation(network)?, loss.fused_activation()?);
    let probabilities = activation.range().is_some_and(|(least, most)| least >= 0.0 && most <= 1.0);
    let loss = loss.kind();
    (!probabilities).then_some(Warning::OutputNotProbability { loss, activation, suitable })
}
