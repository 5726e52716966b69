//! Whether a repeated pass gives the same result: the layer must keep nothing, and take random
//! numbers only from the stream.

use super::model::{LayerModel, Setting};
use super::samples::Samples;
use super::{Bench, Pair, in_both};
use crate::Scalar;
use crate::layer::Mode;
use crate::testing::numbers::{first_difference, place};
use crate::testing::report::{Report, Verdict};

/// Whether the passes can be compared with each other.
pub(super) fn check(report: &mut Report, pair: &Pair<'_>) -> bool {
    if !in_both!(report, pair, "random numbers come from the pass's stream alone", fresh_layers_agree)
        || !in_both!(report, pair, "nothing is kept in the layer from pass to pass", nothing_is_kept)
    {
        return false;
    }
    in_both!(report, pair, "going forward and back twice gives the same bits", twice_the_same);
    in_both!(report, pair, "inference draws nothing at random", inference_draws_nothing);
    in_both!(report, pair, "each sample has random numbers of its own", samples_draw_their_own);
    true
}

/// All results of inference, of validation (if it differs) and of a step, concatenated.
fn all_of<T: Scalar>(model: &LayerModel<T>, samples: &Samples<T>) -> Vec<T> {
    let mode = if model.plan().likelihood_terms { Mode::Validation } else { Mode::Inference };
    let [inferred, validated] = [Mode::Inference, mode].map(|mode| model.forward(samples, Setting::new(mode)).output);
    let trained = model.step(samples, Setting::training());
    [inferred, validated, trained.output, trained.input_gradient, trained.gradients, trained.state].concat()
}

fn fresh_layers_agree<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    let [one, other] = [(); 2].map(|()| all_of(&bench.fresh(), &bench.samples));
    let outputs = bench.model.plan().output.elements() * bench.samples.count;
    match first_difference(&one, &other) {
        None => Verdict::Holds,
        Some(position) if position < outputs => Verdict::Fails(format!(
            "two fresh layers differ in {} in the same pass: draw from `context.random`, which gives the same numbers at the same place of a training, and from no other \
             generator, clock or global counter",
            place(position, bench.model.plan().output)
        )),
        Some(_) => Verdict::Fails(
            "two fresh layers differ in the same training pass: draw from `context.random`, which gives the same numbers at the same place of a training, and from \
             no other generator, clock or global counter"
                .to_owned(),
        ),
    }
}

fn nothing_is_kept<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    let model = bench.fresh();
    let before = all_of(&model, &bench.samples);
    all_of(&model, &bench.others(3));
    all_of(&model, &bench.others(2 * bench.samples.count));
    let after = all_of(&model, &bench.samples);
    let differs = first_difference(&before, &after).is_some();
    Verdict::fails_if(
        differs,
        "after other passes the same pass gives other numbers: a layer owns no numbers; what goes from forward to backward belongs into `pass.cache`, what a model \
         learns into parameters, what it remembers into `Plan::state`",
    )
}

fn twice_the_same<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    let [one, other] = [(); 2].map(|()| all_of(&bench.model, &bench.samples));
    let differs = first_difference(&one, &other).is_some();
    let message = "the same pass gave other bits the second time: add up in a fixed order, and read no clock, address or hash map";
    Verdict::fails_if(differs, message)
}

fn inference_draws_nothing<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    let setting = Setting::new(Mode::Inference);
    let one = bench.model.forward(&bench.samples, setting).output;
    let other = bench.model.forward(&bench.samples, elsewhere(setting)).output;
    let differs = first_difference(&one, &other).is_some();
    Verdict::fails_if(
        differs,
        "in inference the result depends on `context.random`: look at `context.mode`, a model in use is not random",
    )
}

/// The same passes with the random stream of another training step.
fn elsewhere(setting: Setting) -> Setting {
    Setting { random: setting.random.at(7, 11), ..setting }
}

/// Whether a step depends on the stream.
pub(super) fn is_random<T: Scalar>(bench: &Bench<'_, T>) -> bool {
    let setting = Setting::training();
    let one = bench.model.forward(&bench.samples, setting).output;
    first_difference(&one, &bench.model.forward(&bench.samples, elsewhere(setting)).output).is_some()
}

fn samples_draw_their_own<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    const ALIKE: usize = 24;
    if !bench.random {
        return Verdict::Skip("it draws none");
    }
    let one = bench.samples.part(0..1);
    let alike = Samples {
        count: ALIKE,
        input: one.input.repeat(ALIKE),
        side: one.side.repeat(ALIKE),
        output_gradient: Vec::new(),
    };
    let output = bench.model.forward(&alike, Setting::training()).output;
    let mut samples = output.chunks(bench.model.plan().output.elements());
    let first = samples.next();
    let all_alike = samples.all(|sample| Some(sample) == first);
    Verdict::fails_if(
        all_alike,
        "equal samples of a batch get equal random numbers: draw from `context.random.sample(position)`",
    )
}
