//! Whether a sample's result depends on that sample only, and whether results of a batch's parts
//! add up.

use super::model::{Results, Setting};
use super::{Bench, Pair, in_both};
use crate::Scalar;
use crate::layer::Mode;
use crate::testing::numbers::{distance, first_difference, place};
use crate::testing::report::{Report, Verdict};

const WAITS: &str = "it waits for statistics of the whole batch, and depends on it by rights";

pub(super) fn check(report: &mut Report, pair: &Pair<'_>) {
    in_both!(report, pair, "a sample's result does not depend on its batch, in inference", |bench: &Bench<'_, _>| {
        alone_or_in_company(bench, Mode::Inference)
    });
    in_both!(report, pair, "a sample's result does not depend on its place, in inference", place_does_not_matter);
    in_both!(report, pair, "a sample's result does not depend on its batch, in training", |bench: &Bench<'_, _>| {
        alone_or_in_company(bench, Mode::Training)
    });
    in_both!(report, pair, "a sample's gradient does not depend on its batch", gradient_alone_or_in_company);
    in_both!(report, pair, "a batch may be cut anywhere", cut_anywhere);
    in_both!(report, pair, "gradients add up over samples", gradients_add_up);
    in_both!(report, pair, "penalties and figures add up over samples", penalties_add_up);
    in_both!(report, pair, "statistics add up over samples", statistics_add_up);
    in_both!(report, pair, "the state follows from the batch, however it is cut", state_follows);
}

fn depends(bench: &Bench<'_, impl Scalar>, sample: usize, element: usize) -> Verdict {
    Verdict::Fails(format!(
        "{} of the batch is another number when that sample comes alone: compute each sample from `pass.input[s * n..(s + 1) * n]` and nothing else; what \
         needs the whole batch asks for it with `Plan::forward_statistics`",
        place(sample * bench.model.plan().output.elements() + element, bench.model.plan().output)
    ))
}

fn alone_or_in_company<T: Scalar>(bench: &Bench<'_, T>, mode: Mode) -> Verdict {
    if mode == Mode::Training && bench.waits() {
        return Verdict::Skip(WAITS);
    }
    let setting = Setting::new(mode);
    let together = bench.model.forward(&bench.samples, setting).output;
    for (sample, expected) in together.chunks(bench.model.plan().output.elements()).enumerate() {
        let alone = Setting { random: setting.random.skip(sample), ..setting };
        let output = bench.model.forward(&bench.samples.part(sample..sample + 1), alone).output;
        if let Some(element) = first_difference(expected, &output) {
            return depends(bench, sample, element);
        }
    }
    Verdict::Holds
}

fn place_does_not_matter<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    let count = bench.samples.count;
    let others = bench.others(2 * count);
    let (before, after) = (others.part(0..count), others.part(count..2 * count));
    let surrounded = before.followed_by(&bench.samples).followed_by(&after);
    let setting = Setting::new(Mode::Inference);
    let elements = bench.model.plan().output.elements();
    let expected = bench.model.forward(&bench.samples, setting).output;
    let output = bench.model.forward(&surrounded, setting).output;
    let output = output.get(count * elements..2 * count * elements).unwrap_or(&[]);
    match first_difference(&expected, output) {
        Some(position) => depends(bench, position / elements, position % elements),
        None => Verdict::Holds,
    }
}

fn gradient_alone_or_in_company<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    if bench.waits() {
        return Verdict::Skip(WAITS);
    }
    let [together, alone] = [usize::MAX, 1].map(|shard_samples| in_shards(bench, shard_samples).input_gradient);
    match first_difference(&together, &alone) {
        None => Verdict::Holds,
        Some(position) => Verdict::Fails(format!(
            "{} of the input's gradient is another when that sample comes alone: compute it from that sample's numbers only; a penalty's gradient is \
             divided by `context.batch`, not by `context.samples`",
            place(position, bench.model.input())
        )),
    }
}

/// Sizes of shards to divide a batch into.
const SHARD_SAMPLES: [usize; 3] = [1, 2, 3];

/// A step in shards of so many samples; of a large batch a part, since each shard has memory of its
/// own.
fn in_shards<T: Scalar>(bench: &Bench<'_, T>, shard_samples: usize) -> Results<T> {
    const MOST_SAMPLES: usize = 8;
    let samples = bench.samples.part(0..bench.samples.count.min(MOST_SAMPLES));
    bench.model.step(&samples, Setting { shard_samples, ..Setting::training() })
}

fn cut_anywhere<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    let whole = in_shards(bench, usize::MAX);
    let (mut worst, bound) = (0.0_f64, if bench.waits() { bench.rounding() } else { 0.0 });
    for shard_samples in SHARD_SAMPLES {
        let cut = in_shards(bench, shard_samples);
        for (one, other) in [(&whole.output, &cut.output), (&whole.input_gradient, &cut.input_gradient)] {
            let differs = first_difference(one, other).is_some();
            worst = worst.max(if differs { distance(other, one).max(f64::MIN_POSITIVE) } else { 0.0 });
        }
    }
    let otherwise = "parts of a batch, computed one after the other, give other numbers than the batch at once: a pass sees one part; what it needs \
                     of the others it asks for as statistics, and means are over `context.batch`";
    match bench.waits() {
        true => Verdict::within(worst, bound, otherwise),
        false => Verdict::fails_if(worst > 0.0, otherwise),
    }
}

/// The distance of a batch's numbers computed in parts from those computed at once, for the worst
/// of some divisions.
fn apart_by<T: Scalar, N: Scalar>(bench: &Bench<'_, T>, numbers: impl Fn(Results<T>) -> Vec<N>) -> f64 {
    let whole = numbers(in_shards(bench, usize::MAX));
    let cuts = SHARD_SAMPLES.map(|shard_samples| distance(&numbers(in_shards(bench, shard_samples)), &whole));
    cuts.into_iter().fold(0.0, f64::max)
}

fn gradients_add_up<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    if bench.model.network.parameter_vector().is_empty() {
        return Verdict::Skip("it has no parameters");
    }
    let worst = apart_by(bench, |results| results.gradients);
    let otherwise = "the parameters' gradients of the parts of a batch do not add up to those of the batch: `backward` adds each sample's share, undivided";
    Verdict::within(worst, bench.rounding(), otherwise)
}

fn penalties_add_up<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    let plan = bench.model.plan();
    if plan.penalties.is_empty() && plan.diagnostics.is_empty() {
        return Verdict::Skip("it has none");
    }
    let worst = apart_by(bench, |results| results.penalties).max(apart_by(bench, |results| results.diagnostics));
    let otherwise = "what the parts of a batch add to `pass.penalties` or `pass.diagnostics` is not what the batch does: add this part's sum, and do not divide it";
    Verdict::within(worst, 1e-12, otherwise)
}

fn statistics_add_up<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    if bench.model.plan().forward_statistics == 0 {
        return Verdict::Skip("it asks for none");
    }
    let worst = apart_by(bench, |results| results.forward_statistics);
    let otherwise = "the statistics of the parts of a batch do not add up to those of the batch: `forward_statistics` writes sums over the samples it sees";
    Verdict::within(worst, 1e-12, otherwise)
}

fn state_follows<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    if bench.model.network.state_vector().is_empty() {
        return Verdict::Skip("it has no state");
    }
    let worst = apart_by(bench, |results| results.state);
    let otherwise = "`update_state` comes to another state where the batch was cut otherwise: use `pass.statistics` and `context.batch` alone";
    Verdict::within(worst, bench.rounding(), otherwise)
}
