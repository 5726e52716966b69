//! What the trainer asks of a loss besides numbers: suitable targets, no panic, no allocation.

use super::bench::Bench;
use crate::Shape;
use crate::loss::LossPass;
use crate::testing::report::Verdict;

pub(super) fn suitable_targets(bench: &Bench<'_, f64>) -> Verdict {
    let refused = bench.loss.unsuitable_target(&bench.targets);
    let refused = refused.and_then(|(place, expected)| Some((bench.targets.get(place)?, expected)));
    refused.map_or(Verdict::Holds, |(target, expected)| {
        Verdict::Fails(format!(
            "`unsuitable_target` refuses {target}, the loss takes {expected}: give such targets with `LossCheck::targets`"
        ))
    })
}

/// The fields of a pass are public: if lengths do not match, any result except a panic is accepted.
pub(super) fn lengths(bench: &Bench<'_, f64>) -> Verdict {
    let mut gradient = [0.0];
    for targets in [bench.targets.get(1..).unwrap_or(&[]), &[]] {
        if let Ok(mut pass) = LossPass::new(bench.shape, &bench.predictions, &bench.targets) {
            pass.targets = targets;
            pass.gradient = Some(&mut gradient);
            bench.loss.evaluate(pass);
        }
    }
    let targets = bench.targets.get(1..).unwrap_or(&[]);
    let accepted = LossPass::new(bench.shape, &bench.predictions, targets).is_ok()
        || LossPass::new(Shape::flat(0), &bench.predictions, &bench.targets).is_ok();
    Verdict::fails_if(accepted, "predictions and targets of different lengths are compared")
}

pub(super) fn allocates_nothing(bench: &Bench<'_, f64>, count: Option<fn() -> usize>) -> Verdict {
    let Some(count) = count else { return Verdict::Skip("nobody counts: give `LossCheck::allocations`") };
    let mut gradient = vec![0.0; bench.predictions.len()];
    let before = count();
    for from_logits in [false, true].into_iter().filter(|from_logits| bench.has(*from_logits)) {
        let pass = LossPass::new(bench.shape, bench.predictions(from_logits), &bench.targets);
        if let Ok(pass) = pass.and_then(|pass| pass.from_logits(from_logits).gradient(1.0, &mut gradient)) {
            bench.loss.evaluate(pass);
        }
        bench.loss.unsuitable_target(&bench.targets);
    }
    Verdict::within((count() - before) as f64, 0.0, "a comparison allocates memory: it is made in every step")
}
