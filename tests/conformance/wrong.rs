//! Wrong layers and losses: each has to be caught by the check that is meant for it.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use autoencoder::testing::{Report, check_layer};
use autoencoder::*;

use crate::built::OFF;
use crate::{Found, Row};

/// A loss whose gradient is off by one part in a million.
#[derive(Debug, Clone)]
pub struct OffLoss<L>(pub L);

impl<T: Scalar, L: Loss<T>> Loss<T> for OffLoss<L> {
    fn kind(&self) -> &'static str {
        self.0.kind()
    }

    fn config(&self) -> Config {
        self.0.config()
    }

    fn evaluate(&self, mut pass: LossPass<'_, T>) -> f64 {
        pass.factor *= T::from_f64(1.0 + OFF);
        self.0.evaluate(pass)
    }

    fn fused_activation(&self) -> Option<Activation> {
        self.0.fused_activation()
    }
}

/// What is wrong with a layer.
#[derive(Debug, Clone)]
enum Fault {
    /// Nothing.
    None,
    GradientOff,
    ParameterGradientOff,
    OutputUnwritten,
    DependsOnItsBatch,
    KeepsState(Arc<AtomicU64>),
    PromisesMore,
    PromisesLess,
    RandomWithoutTheStream,
    StartsAtNaN,
    ReadsScratch,
    LeavesItsCache,
    PacksNothing,
    ReadsTheOutput,
    AddsToTheInputGradient,
    OverwritesGradients,
    IgnoresTheMode,
    CountsNothingInValidation,
    Panics,
}

/// y = a x with a factor a for each feature, and something wrong.
#[derive(Debug, Clone)]
struct Gain(Fault);

impl<T: Scalar> Layer<T> for Gain {
    fn kind(&self) -> &'static str {
        "gain"
    }

    fn config(&self) -> Config {
        Config::new()
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        let output = match self.0 {
            Fault::PromisesMore => input.elements() + 1,
            Fault::PromisesLess => input.elements().max(2) - 1,
            _ => input.elements(),
        };
        let first = if matches!(self.0, Fault::StartsAtNaN) { f64::NAN } else { 1.0 };
        let initializer = if first.is_nan() { Initializer::Constant(first) } else { Initializer::Uniform(first) };
        let factor = ParameterSpec::new("factor", &[input.elements()], initializer);
        let plan = Plan::new(Shape::flat(output)).parameter(factor);
        Ok(match self.0 {
            Fault::CountsNothingInValidation => plan.penalty("nats").likelihood_terms(),
            Fault::ReadsScratch => plan.scratch(1),
            Fault::LeavesItsCache => plan.cache_per_sample(1),
            Fault::PacksNothing => plan.packed(1),
            Fault::ReadsTheOutput => plan.activation(Activation::Linear),
            _ => plan,
        })
    }

    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        let features = context.input_shape.elements();
        let factors = context.parameters.of(0);
        for (output, input) in pass.output.chunks_exact_mut(features).zip(pass.input.chunks_exact(features)) {
            for (place, (output, (input, factor))) in output.iter_mut().zip(input.iter().zip(factors)).enumerate() {
                if !matches!(self.0, Fault::OutputUnwritten) || place != features / 2 {
                    *output = *factor * *input;
                }
            }
        }
        match &self.0 {
            Fault::DependsOnItsBatch => {
                let mean =
                    pass.input.iter().fold(T::zero(), |sum, value| sum + *value) / T::from_f64(pass.input.len() as f64);
                pass.output.iter_mut().for_each(|value| *value += mean);
            }
            Fault::KeepsState(last) => {
                let last = f64::from_bits(last.swap(pass.input[0].into_f64().to_bits(), Ordering::Relaxed));
                pass.output.iter_mut().for_each(|value| *value += T::from_f64(0.01 * last));
            }
            Fault::RandomWithoutTheStream => {
                let noise = RandomState::new().hash_one(0) as f64 / u64::MAX as f64;
                pass.output.iter_mut().for_each(|value| *value += T::from_f64(noise));
            }
            Fault::IgnoresTheMode if context.mode == Mode::Inference => {
                pass.output.iter_mut().for_each(|value| *value *= T::from_f64(0.5));
            }
            Fault::CountsNothingInValidation if context.mode == Mode::Training => {
                pass.penalties.iter_mut().for_each(|penalty| *penalty += context.samples as f64);
            }
            Fault::ReadsScratch => pass.output.iter_mut().for_each(|value| *value += pass.scratch[0]),
            Fault::PacksNothing => pass.output.iter_mut().for_each(|value| *value += context.packed[0]),
            Fault::Panics => assert!(context.samples < 4, "there were at most three when I tried it"),
            _ => {}
        }
    }

    fn backward(&self, context: &Context<'_, T>, mut pass: Backward<'_, T>) {
        let (features, factors) = (context.input_shape.elements(), context.parameters.of(0));
        let off = |wrong: bool| T::from_f64(if wrong { 1.0 + OFF } else { 1.0 });
        if matches!(self.0, Fault::OverwritesGradients) {
            pass.gradients.of(0).fill(T::zero());
        }
        let factor = off(matches!(self.0, Fault::ParameterGradientOff));
        let inputs: Vec<T> = match self.0 {
            Fault::ReadsTheOutput => {
                pass.output.iter().zip(factors.iter().cycle()).map(|(y, factor)| *y / *factor).collect()
            }
            _ => pass.input.to_vec(),
        };
        for (inputs, slopes) in inputs.chunks(features).zip(pass.output_gradient.chunks(features)) {
            for ((sum, input), slope) in pass.gradients.of(0).iter_mut().zip(inputs).zip(slopes) {
                *sum += factor * *slope * *input;
            }
        }
        let Some(input_gradient) = pass.input_gradient else { return };
        let factor = off(matches!(self.0, Fault::GradientOff));
        for ((to, slope), gain) in input_gradient.iter_mut().zip(pass.output_gradient).zip(factors.iter().cycle()) {
            let gradient = factor * *gain * *slope + pass.cache.first().copied().unwrap_or_default();
            *to = if matches!(self.0, Fault::AddsToTheInputGradient) { *to + gradient } else { gradient };
        }
    }

    fn packing(&self) -> Option<&dyn Packing<T>> {
        matches!(self.0, Fault::PacksNothing).then_some(self as _)
    }
}

impl<T: Scalar> Packing<T> for Gain {
    fn pack(&self, _: Shape, _: Parameters<'_, T>, _: &mut [T]) {}
}

/// A fault, the check that is meant for it, and what its message has to say.
type Wrong = (&'static str, fn() -> Fault, &'static str, &'static str);

pub fn rows() -> Vec<Row> {
    let faults: [Wrong; 18] = [
        ("gradient off", || Fault::GradientOff, "gradient by the input", "`backward` gives another gradient"),
        (
            "gradient of a parameter off",
            || Fault::ParameterGradientOff,
            "gradient by factor",
            "`backward` gives another gradient",
        ),
        (
            "output unwritten",
            || Fault::OutputUnwritten,
            "every element of the output is written, in inference",
            "has to write every element of `pass.output`",
        ),
        (
            "depends on its batch",
            || Fault::DependsOnItsBatch,
            "a sample's result does not depend on its batch, in inference",
            "compute each sample from",
        ),
        (
            "keeps state inside",
            || Fault::KeepsState(Arc::new(AtomicU64::new(0))),
            "nothing is kept in the layer from pass to pass",
            "a layer owns no numbers",
        ),
        (
            "output shape too large",
            || Fault::PromisesMore,
            "the plan agrees with what forward writes",
            "must be the same",
        ),
        (
            "output shape too small",
            || Fault::PromisesLess,
            "the plan agrees with what forward writes",
            "must be the same",
        ),
        (
            "random without the stream",
            || Fault::RandomWithoutTheStream,
            "random numbers come from the pass's stream alone",
            "draw from `context.random`",
        ),
        (
            "starts at NaN",
            || Fault::StartsAtNaN,
            "the shape is one that the layer takes",
            "the initial `factor` is not finite",
        ),
        ("reads scratch memory", || Fault::ReadsScratch, "scratch memory may hold anything", "write it before reading"),
        (
            "leaves its cache as it was",
            || Fault::LeavesItsCache,
            "backward finds in its cache what forward left",
            "what forward did not write there",
        ),
        ("packs nothing", || Fault::PacksNothing, "prepare fills all that it asks for", "has to write all"),
        (
            "reads the output that is missing",
            || Fault::ReadsTheOutput,
            "backward does without the output that it forgets",
            "backward reads the output",
        ),
        (
            "adds to the input's gradient",
            || Fault::AddsToTheInputGradient,
            "every element of the input's gradient is written",
            "not add to it",
        ),
        (
            "overwrites gradients",
            || Fault::OverwritesGradients,
            "parameters' gradients are added to",
            "add to `pass.gradients`",
        ),
        (
            "another result in inference",
            || Fault::IgnoresTheMode,
            "training and inference agree",
            "differs_in_inference",
        ),
        (
            "counts nothing in validation",
            || Fault::CountsNothingInValidation,
            "validation draws and counts as training does in the end",
            "count the whole weight",
        ),
        ("panics", || Fault::Panics, "the plan agrees with what forward writes", "at most three when I tried it"),
    ];
    let caught = faults.map(|(name, fault, check, message)| {
        Row::new(format!("wrong layer: {name}"), move || {
            caught(&check_layer(|| Gain(fault()), Shape::flat(7)), check, message)
        })
    });
    let right = Row::new("the same layer with nothing wrong", || {
        let found = Found::of(&check_layer(|| Gain(Fault::None), Shape::flat(7)));
        let report = check_layer(|| Gain(Fault::None), Shape::flat(7));
        Found { failed: !report.passed() || report.passes() < 30, ..found }
    });
    caught.into_iter().chain([right]).collect()
}

/// Whether the first check that fails is the one meant, with a message that says what to mend.
fn caught(report: &Report, check: &str, message: &str) -> Found {
    let first = report.failures().next();
    let failed = !first.is_some_and(|first| first.name == check && first.message.contains(message));
    let others = report.failures().count().saturating_sub(1);
    let line = match first {
        Some(first) if failed => format!("meant for `{check}` ({message}), caught by {first}"),
        Some(_) => format!("caught by `{check}`, and {others} more"),
        None => format!("NOT CAUGHT, meant for `{check}`"),
    };
    Found { line, details: report.to_string(), failed }
}
