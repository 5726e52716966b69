//! Validation of a layer whose penalties are terms of a likelihood: codes are drawn as in training,
//! penalties have their final weight.

use super::buffers::output_is_written;
use super::model::{LayerModel, Results, Setting};
use super::{Bench, Pair, in_both};
use crate::Scalar;
use crate::layer::Mode;
use crate::testing::numbers::{distance, first_difference};
use crate::testing::report::{Report, Verdict};

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
    match bench.model.plan().likelihood_terms {
        true => check(bench),
        false => Verdict::Skip("its penalties are no terms of a likelihood: validation is inference to it"),
    }
}

/// Results must not depend on shards or the batch size: validation data are not divided into
/// training batches.
fn cut_anywhere<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    let whole = Setting::new(Mode::Validation);
    let validated = |setting| bench.model.forward(&bench.samples, setting);
    let expected = validated(whole);
    let settings = [1, 3].map(|shard_samples| Setting { shard_samples, ..whole });
    let differs = settings.into_iter().map(validated).any(|found| {
        first_difference(&found.output, &expected.output).is_some() || reports_apart(&found, &expected) > 1e-12
    });
    let differs = differs || depends_on_others(bench, &expected);
    let message = "over validation data the result depends on how they are cut: draw each sample's numbers from `context.random.sample(position)`, add each \
                   sample's share to `pass.penalties` and `pass.diagnostics`, and do not look at `context.batch`";
    Verdict::fails_if(differs, message)
}

/// Whether the results are others where further samples follow, which have theirs.
fn depends_on_others<T: Scalar>(bench: &Bench<'_, T>, expected: &Results<T>) -> bool {
    let setting = Setting::new(Mode::Validation);
    let others = bench.others(3 * bench.samples.count);
    let behind = Setting { random: setting.random.skip(bench.samples.count), ..setting };
    let of_others = bench.model.forward(&others, behind);
    let together = bench.model.forward(&bench.samples.followed_by(&others), setting);
    let add = |one: &[f64], other: &[f64]| one.iter().zip(other).map(|(one, other)| one + other).collect();
    let sum = Results {
        output: [&expected.output[..], &of_others.output].concat(),
        penalties: add(&expected.penalties, &of_others.penalties),
        diagnostics: add(&expected.diagnostics, &of_others.diagnostics),
        ..Results::default()
    };
    first_difference(&together.output, &sum.output).is_some() || reports_apart(&together, &sum) > 1e-12
}

fn as_in_training<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    if bench.waits() {
        return Verdict::Skip("it waits for statistics of the whole batch, of which validation has none");
    }
    let end = bench.model.plan().annealing_epochs;
    let shortly_before = LayerModel { epoch: end * (1.0 - 1e-9), ..bench.model.clone() };
    let trained = shortly_before.forward(&bench.samples, Setting::training());
    let validated = bench.model.forward(&bench.samples, Setting::new(Mode::Validation));
    let figure = distance(&validated.output, &trained.output).max(reports_apart(&validated, &trained));
    let otherwise = "with `Mode::Validation` the output, a penalty or a figure is another than in training at the end of the warm-up: draw from `context.random` in \
                     both, and count the whole weight, whatever `context.epoch` (which is 0)";
    Verdict::within(figure, bench.rounding().max(1e-8), otherwise)
}

/// The distance of penalties and figures from the expected ones.
fn reports_apart<T: Scalar>(found: &Results<T>, expected: &Results<T>) -> f64 {
    distance(&found.penalties, &expected.penalties).max(distance(&found.diagnostics, &expected.diagnostics))
}
