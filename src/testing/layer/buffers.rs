//! Whether a layer writes all its results, and reads no uninitialised buffers.

use super::gains::{ADDED, Gains};
use super::model::{LayerModel, Results, Setting};
use super::{Bench, Pair, in_both};
use crate::Scalar;
use crate::exec::PassBuffer;
use crate::layer::Mode;
use crate::testing::numbers::{distance, first_difference, place};
use crate::testing::report::{Report, Verdict, fails};

/// The contents of buffers before a pass, in turn.
const LEFTOVERS: [f64; 4] = [f64::NAN, 1e30, -1.5, 0.0];

/// Whether the forward pass writes as many elements as the plan states.
pub(super) fn fits_its_plan(report: &mut Report, pair: &Pair<'_>) -> bool {
    in_both!(report, pair, "the plan agrees with what forward writes", agrees_with_its_plan)
}

pub(super) fn check(report: &mut Report, pair: &Pair<'_>) {
    in_both!(report, pair, "every element of the output is written, in inference", |bench: &Bench<'_, _>| {
        output_is_written(bench, Mode::Inference)
    });
    in_both!(report, pair, "every element of the output is written, in training", |bench: &Bench<'_, _>| {
        output_is_written(bench, Mode::Training)
    });
    in_both!(report, pair, "every element of the input's gradient is written", input_gradient_is_written);
    in_both!(report, pair, "scratch memory may hold anything", scratch_may_hold_anything);
    in_both!(report, pair, "prepare fills all that it asks for", packing_fills_all);
    in_both!(report, pair, "backward finds in its cache what forward left", cache_is_left);
    in_both!(report, pair, "parameters' gradients are added to", gradients_are_added_to);
    in_both!(report, pair, "parameters' gradients do without the input's", gradients_without_the_input_s);
    in_both!(report, pair, "backward does without the output that it forgets", output_is_forgotten);
    in_both!(report, pair, "zeros come back as zeros", zeros_come_back);
}

/// Runs the forward pass in buffers with two different contents: an element that keeps both was not
/// written.
fn unwritten<T: Scalar>(bench: &Bench<'_, T>, samples: usize, mode: Mode) -> Vec<usize> {
    let model = bench.fresh();
    let samples = bench.others(samples);
    let forward = |mark: f64| {
        let contents = Some((PassBuffer::Output, mark));
        model.forward(&samples, Setting { contents, ..Setting::new(mode) }).output
    };
    let marks = [-7.25, 1e30];
    let (one, other) = (forward(marks[0]), forward(marks[1]));
    let kept = |value: &T, mark: f64| value.into_f64() == T::from_f64(mark).into_f64();
    let pairs = one.iter().zip(&other).enumerate();
    pairs.filter(|(_, (one, other))| kept(one, marks[0]) && kept(other, marks[1])).map(|(index, _)| index).collect()
}

/// An element missing in every sample alike is left to another check; if samples are missing, the
/// plan and the passes disagree about their size.
fn agrees_with_its_plan<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    let promised = bench.model.plan().output.elements();
    for mode in [Mode::Inference, Mode::Training] {
        let holes: Vec<usize> = unwritten(bench, 5, mode).into_iter().filter(|index| *index < promised).collect();
        for samples in [1, 2, 3, 5] {
            let missing = unwritten(bench, samples, mode);
            let expected: Vec<usize> =
                (0..samples).flat_map(|sample| holes.iter().map(move |hole| sample * promised + hole)).collect();
            if missing != expected {
                let written = samples * promised - missing.len();
                return Verdict::Fails(format!(
                    "the plan's output is {} ({promised} elements a sample), but of {samples} samples forward wrote {written} elements, not {}: the output \
                     shape in `plan` and the size of a sample in `forward` must be the same",
                    bench.model.plan().output,
                    samples * promised
                ));
            }
        }
    }
    Verdict::Holds
}

/// The passes of a mode: forward, and in training backward.
fn passes<T: Scalar>(bench: &Bench<'_, T>, model: &LayerModel<T>, setting: Setting) -> Results<T> {
    match setting.mode {
        Mode::Training => model.step(&bench.samples, setting),
        Mode::Validation | Mode::Inference => model.forward(&bench.samples, setting),
    }
}

/// The first position where the results with different leftovers differ.
fn first_leftover<T: Scalar>(results: impl Fn(f64) -> Vec<T>) -> Option<usize> {
    let [clean, others @ ..] = LEFTOVERS.map(results);
    others.iter().find_map(|other| first_difference(&clean, other))
}

/// The first position where a result depends on a buffer's earlier contents.
fn leftover<T: Scalar>(
    bench: &Bench<'_, T>,
    mode: Mode,
    buffer: PassBuffer,
    result: impl Fn(Results<T>) -> Vec<T>,
) -> Option<usize> {
    first_leftover(|leftover| {
        let setting = Setting { contents: Some((buffer, leftover)), ..Setting::new(mode) };
        result(passes(bench, &bench.model, setting))
    })
}

/// All results, concatenated.
pub(super) fn everything<T: Scalar>(results: Results<T>) -> Vec<T> {
    [results.output, results.input_gradient, results.gradients].concat()
}

pub(super) fn output_is_written<T: Scalar>(bench: &Bench<'_, T>, mode: Mode) -> Verdict {
    match leftover(bench, mode, PassBuffer::Output, |results| results.output) {
        None => Verdict::Holds,
        Some(position) => Verdict::Fails(format!(
            "{} is what the buffer held before, or made of it: `forward` has to write every element of `pass.output` and read none",
            place(position, bench.model.plan().output)
        )),
    }
}

fn input_gradient_is_written<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    match leftover(bench, Mode::Training, PassBuffer::InputGradient, |results| results.input_gradient) {
        None => Verdict::Holds,
        Some(position) => Verdict::Fails(format!(
            "{} is what the buffer held before, or made of it: `backward` has to write every element of `pass.input_gradient`, not add to it",
            place(position, bench.model.input())
        )),
    }
}

fn scratch_may_hold_anything<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    if bench.model.plan().scratch == 0 {
        return Verdict::Skip("it asks for none");
    }
    let modes = [Mode::Training, Mode::Inference];
    let differs = modes.iter().any(|mode| leftover(bench, *mode, PassBuffer::Scratch, everything).is_some());
    Verdict::fails_if(differs, "the result depends on what `pass.scratch` held before: write it before reading it")
}

fn packing_fills_all<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    if bench.model.plan().packed + bench.model.plan().packed_backward == 0 {
        return Verdict::Skip("it packs nothing");
    }
    let packed_over = |leftover| {
        let model = bench.model.packed_over(T::from_f64(leftover));
        let results = [Mode::Training, Mode::Inference].map(|mode| passes(bench, &model, Setting::new(mode)));
        results.map(everything).concat()
    };
    let differs = first_leftover(packed_over).is_some();
    Verdict::fails_if(
        differs,
        "the result depends on what `pack` or `pack_backward` found in the memory it fills: it has to write all that a pass reads",
    )
}

fn cache_is_left<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    if bench.model.plan().cache_per_sample == 0 {
        return Verdict::Skip("it has no cache");
    }
    let differs = leftover(bench, Mode::Training, PassBuffer::Cache, everything).is_some();
    let message = "backward reads from `pass.cache` what forward did not write there in training: write it, or ask for less with `Plan::cache_per_sample`";
    Verdict::fails_if(differs, message)
}

fn gradients_are_added_to<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    if bench.model.network.parameter_vector().is_empty() {
        return Verdict::Skip("it has no parameters");
    }
    let shared = match bench.model.followed_by(Gains::sharing) {
        Ok(shared) => shared,
        Err(error) => return fails("no network can be built in which another layer shares its parameters", error),
    };
    let clean = bench.model.step(&bench.samples, Setting::training()).gradients;
    let mut added = shared.step(&bench.samples, Setting::training()).gradients;
    added.truncate(clean.len());
    let expected: Vec<T> = clean.iter().map(|value| *value + T::from_f64(ADDED)).collect();
    let otherwise = "a gradient that held 0.75 before is not 0.75 more after `backward`: add to `pass.gradients`, another layer or part has added to it \
                     before";
    Verdict::within(distance(&added, &expected), bench.rounding(), otherwise)
}

fn gradients_without_the_input_s<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    let with = bench.model.step(&bench.samples, Setting::training()).gradients;
    let without = bench.model.step(&bench.samples, Setting { input_gradient: false, ..Setting::training() }).gradients;
    let differs = first_difference(&with, &without).is_some();
    Verdict::fails_if(
        differs,
        "with `pass.input_gradient` None, as in a first layer, the parameters' gradients are others: compute them before and apart from it",
    )
}

fn output_is_forgotten<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    if bench.model.plan().activation.is_none() {
        return Verdict::Skip("it has no activation");
    }
    let from_logits = Setting { from_logits: true, ..Setting::training() };
    let with = everything(bench.model.step(&bench.samples, from_logits));
    let without = everything(bench.model.step(&bench.samples, Setting { forgets_output: true, ..from_logits }));
    let differs = first_difference(&with, &without).is_some();
    let message = "its plan names an activation, but where the loss applies that, backward reads the output: keep what it needs in `pass.cache`, or leave `Plan::activation` out";
    Verdict::fails_if(differs, message)
}

fn zeros_come_back<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    if bench.penalises() {
        return Verdict::Skip("it adds to the loss, whatever the output's gradient");
    }
    let mut samples = bench.samples.clone();
    samples.output_gradient.fill(T::zero());
    let results = bench.model.step(&samples, Setting::training());
    let all_zero = results.input_gradient.iter().chain(&results.gradients).all(|value| *value == T::zero());
    let message = "where the loss does not depend on the output, some gradient is not zero: every gradient is a multiple of `pass.output_gradient`; what a layer \
                   adds to the loss is a penalty of its plan, or a regularizer";
    Verdict::fails_if(!all_zero, message)
}
