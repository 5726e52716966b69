//! Validation of a layer whose penalties are terms of a likelihood: codes are drawn as in training,
//! penalties have their final weight.

use super::buffers::output_is_written;
use super::{Bench, Pair, in_both};
use crate::Scalar;
use crate::layer::Mode;
use crate::testing::numbers::{distance, first_difference};
use crate::testing::report::{Report, Verdict};
use crate::testing::rig::{Passed, Rig, Setting};

pub(super) fn check(report: &mut Report, pair: &Pair<'_>) {
    in_both!(report, pair, "every element of the output is written, in validation", |bench: &Bench<'_, _>| {
        where_it_validates(bench, |bench| output_is_written(bench, Mode::Validation))
    });
    in_both!(report, pair, "validation data may be cut anywhere", |bench: &Bench<'_, _>| {
        where_it_validates(bench, cut_anywhere)
    });
    in_both!(report, pair, "validation draws and counts as training does in the end", |bench: &Bench<'_, _>| {
        where_it_validates(bench, as_in_training)
    });
}

fn where_it_validates<T: Scalar>(bench: &Bench<'_, T>, check: impl Fn(&Bench<'_, T>) -> Verdict) -> Verdict {
    match bench.rig.plan.likelihood_terms {
        true => check(bench),
        false => Verdict::Skip("its penalties are no terms of a likelihood: validation is inference to it"),
    }
}

/// Results must not depend on parts or the batch size: validation data are not divided into
/// training batches.
fn cut_anywhere<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    let whole = Setting::new(Mode::Validation);
    let validated = |setting| bench.rig.forward(&bench.samples, setting);
    let expected = validated(whole);
    let settings = [Setting { part: 1, ..whole }, Setting { part: 3, ..whole }, Setting { batch: Some(1000), ..whole }];
    let differs = settings.into_iter().map(validated).any(|found| {
        first_difference(&found.output, &expected.output).is_some() || reports_apart(&found, &expected) > 1e-12
    });
    let message = "over validation data the result depends on how they are cut: draw each sample's numbers from `context.random.sample(position)`, add each \
                   sample's share to `pass.penalties` and `pass.diagnostics`, and do not look at `context.batch`";
    Verdict::fails_if(differs, message)
}

fn as_in_training<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    if bench.waits() {
        return Verdict::Skip("it waits for statistics of the whole batch, of which validation has none");
    }
    let end = bench.rig.plan.annealing_epochs;
    let shortly_before = Rig { epoch: end * (1.0 - 1e-9), ..bench.rig.clone() };
    let trained = shortly_before.forward(&bench.samples, Setting::training());
    let validated = bench.rig.forward(&bench.samples, Setting::new(Mode::Validation));
    let figure = distance(&validated.output, &trained.output).max(reports_apart(&validated, &trained));
    let otherwise = "with `Mode::Validation` the output, a penalty or a figure is another than in training at the end of the warm-up: draw from `context.random` in \
                     both, and count the whole weight, whatever `context.epoch` (which is 0)";
    Verdict::within(figure, bench.rounding().max(1e-8), otherwise)
}

/// The distance of penalties and figures from the expected ones.
fn reports_apart<T: Scalar>(found: &Passed<T>, expected: &Passed<T>) -> f64 {
    distance(&found.penalties, &expected.penalties).max(distance(&found.diagnostics, &expected.diagnostics))
}
