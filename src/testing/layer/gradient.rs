//! Gradients against stencils, and relations between a layer's passes.

use super::model::Setting;
use super::samples::Samples;
use super::{Bench, Pair, in_both};
use crate::layer::Mode;
use crate::testing::numbers::{Numbers, convert, distance, first_difference, largest};
use crate::testing::report::{Report, Verdict, worse};
use crate::testing::stencil::{GradientComparison, compare_gradient};
use crate::testing::{GRADIENT, GRADIENT_BOUND};
use crate::{Scalar, invariant};

/// How often inputs are drawn for tensors with many kinks.
const DRAWS: u64 = 6;

/// How often inputs are drawn before a tensor with kinks everywhere is given up: one bias may move
/// every output over its kink.
const MOST_DRAWS: u64 = 60;

/// Compares the gradients with respect to the input and every parameter with five-point stencils.
pub(super) fn check(report: &mut Report, pair: &Pair<'_>) {
    let bench = &pair.double;
    let names = bench.model.plan().parameters.iter().map(|spec| format!("{GRADIENT} {}", spec.name));
    let tensors = names.enumerate().map(|(index, name)| (name, Some(index)));
    let input = std::iter::once((format!("{GRADIENT} the input"), None));
    if bench.options.straight_through {
        report.make(format!("{GRADIENT} the input is passed straight through"), || straight_through(bench));
        tensors.for_each(|(name, tensor)| compare(report, name, bench, tensor, false));
        return;
    }
    for (name, tensor) in input.chain(tensors) {
        compare(report, name, bench, tensor, false);
    }
    if bench.model.plan().activation.is_some_and(|activation| activation != crate::Activation::Linear) {
        compare(report, format!("{GRADIENT} the input, the activation left to the loss"), bench, None, true);
    }
}

/// The gradient by the input is the one by the output, whatever the slope.
fn straight_through(bench: &Bench<'_, f64>) -> Verdict {
    let results = bench.model.step(&bench.samples, Setting::training());
    let differs = results.input_gradient.len() != bench.samples.output_gradient.len()
        || first_difference(&results.input_gradient, &bench.samples.output_gradient).is_some();
    let message = "`LayerCheck::straight_through` says that the gradient by the input is `pass.output_gradient`, unchanged, and it is not";
    Verdict::fails_if(differs, message)
}

/// Compares one tensor (`None`: the input), on other inputs until enough of its coordinates have no
/// kink.
fn compare(report: &mut Report, name: String, bench: &Bench<'_, f64>, tensor: Option<usize>, from_logits: bool) {
    let mut total = GradientComparison::default();
    report.make(name, || {
        for draw in 0..MOST_DRAWS {
            total.add(at_one_point(bench, tensor, from_logits, draw));
            if total.compared > 2 * total.redrawn || total.compared > 0 && draw >= DRAWS {
                break;
            }
        }
        let otherwise = match total.compared {
            0 => "no coordinate could be compared, the function has a kink within every stencil: give inputs away from it with `LayerCheck::inputs`".to_owned(),
            _ => format!(
                "`backward` gives another gradient than the slope of what `forward` computes, by {:.1e} of its largest element",
                total.error
            ),
        };
        let error = if total.compared == 0 { f64::INFINITY } else { total.error };
        Verdict::within(error, GRADIENT_BOUND, otherwise)
    });
    report.count(total.compared, total.redrawn);
}

fn at_one_point(bench: &Bench<'_, f64>, tensor: Option<usize>, from_logits: bool, draw: u64) -> GradientComparison {
    let mut model = bench.model.clone();
    let mut samples = match draw {
        0 => bench.samples.clone(),
        _ => {
            model.samples(bench.samples.count, bench.options.range, &mut Numbers::new(bench.options.seed + 100 * draw))
        }
    };
    let setting = Setting { from_logits, ..Setting::training() };
    let results = model.step(&samples, setting);
    let Some(parameter) = tensor else {
        let point = samples.input.clone();
        return compare_gradient(&point, &results.input_gradient, draw, |moved| {
            samples.input.copy_from_slice(moved);
            model.terms(&samples, setting)
        });
    };
    let of_parameter = |all| invariant::slice(all, &bench.model.range(parameter), "parameter", "a checked layer");
    let point = of_parameter(bench.model.network.parameter_vector());
    compare_gradient(point, of_parameter(&results.gradients), draw, |moved| {
        model.change_parameter(parameter, |values| values.copy_from_slice(moved));
        model.terms(&samples, setting)
    })
}

/// Checks relations between a layer's passes.
pub(super) fn check_relations(report: &mut Report, pair: &Pair<'_>) {
    in_both!(report, pair, "going back is linear in what comes back", linear_in_what_comes_back);
    report.make("a linear layer's two ways are adjoint", || adjoint(&pair.double));
    report.make("f32 agrees with f64, outputs in inference", || {
        let setting = Setting::new(Mode::Inference);
        let (single, double) = (&pair.single, &pair.double);
        let outputs = (single.model.forward(&single.samples, setting), double.model.forward(&double.samples, setting));
        agree(&outputs.0.output, &outputs.1.output)
    });
    for (name, which) in [("f32 agrees with f64, outputs in training", 0), ("f32 agrees with f64, gradients", 1)] {
        report.make(name, || {
            if pair.double.random || pair.single.random {
                return Verdict::Skip("it is random, and may draw other numbers for another float type");
            }
            let (single, double) = (&pair.single, &pair.double);
            let (single, double) = (
                single.model.step(&single.samples, Setting::training()),
                double.model.step(&double.samples, Setting::training()),
            );
            match which {
                0 => agree(&single.output, &double.output),
                _ => worse(agree(&single.input_gradient, &double.input_gradient), || {
                    agree(&single.gradients, &double.gradients)
                }),
            }
        });
    }
    in_both!(report, pair, "training and inference agree", modes_agree);
    in_both!(report, pair, "the activation is the last thing that is done", activation_comes_last);
    in_both!(report, pair, "the mean of its distribution is what it gives in inference", mean_is_inferred);
}

/// The error that a hundred roundings of an `f32` can cause.
const SINGLE: f64 = 1e-4;

fn agree(single: &[f32], double: &[f64]) -> Verdict {
    Verdict::within(
        distance(single, double),
        SINGLE,
        "f32 gives other numbers than f64, beyond rounding: compute in `T` throughout, with constants from `T::from_f64`",
    )
}

/// The backward pass b is affine in the output gradient: b(g₁ + g₂) − b(0) = (b(g₁) − b(0)) +
/// (b(g₂) − b(0)), for input and parameter gradients.
fn linear_in_what_comes_back<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    let others = bench.others(bench.samples.count).output_gradient;
    let back = |factors: [f64; 2]| {
        let [one, other] = factors.map(T::from_f64);
        let output_gradient =
            bench.samples.output_gradient.iter().zip(&others).map(|(a, b)| one * *a + other * *b).collect();
        let results = bench.model.step(&Samples { output_gradient, ..bench.samples.clone() }, Setting::training());
        convert::<T, f64>(&[results.input_gradient, results.gradients].concat())
    };
    let [none, one, other, both] = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]].map(back);
    let sum: Vec<f64> = none.iter().zip(&one).zip(&other).map(|((none, one), other)| one + other - none).collect();
    let scale = [&none, &one, &other].map(|values| largest(values.iter().copied())).into_iter().fold(1e-30, f64::max);
    let difference = largest(both.iter().zip(&sum).map(|(both, sum)| both - sum));
    let otherwise = "the gradient is not linear in `pass.output_gradient`, as every derivative is";
    Verdict::within(difference / scale, bench.rounding(), otherwise)
}

/// ⟨Ax, y⟩ = ⟨x, Aᵀy⟩ if f(x) = Ax + b.
fn adjoint(bench: &Bench<'_, f64>) -> Verdict {
    let (model, samples, setting) = (&bench.model, &bench.samples, Setting::training());
    let forward = |input: Vec<f64>| model.forward(&Samples { input, ..samples.clone() }, setting).output;
    let other = bench.others(samples.count).input;
    let sum = samples.input.iter().zip(&other).map(|(a, b)| a + b).collect();
    let zero = vec![0.0; other.len()];
    let (at_zero, one, two, both) = (forward(zero), forward(samples.input.clone()), forward(other), forward(sum));
    let added: Vec<f64> = one.iter().zip(&two).zip(&at_zero).map(|((one, two), zero)| one + two - zero).collect();
    if distance(&both, &added) > 1e-12 || bench.waits() {
        return Verdict::Skip("it is not linear");
    }
    let back =
        |output_gradient: Vec<f64>| model.step(&Samples { output_gradient, ..samples.clone() }, setting).input_gradient;
    let (of_none, of_gradient) =
        (back(vec![0.0; samples.output_gradient.len()]), back(samples.output_gradient.clone()));
    let left = one.iter().zip(&at_zero).zip(&samples.output_gradient).map(|((one, zero), slope)| (one - zero) * slope);
    let right =
        of_gradient.iter().zip(&of_none).zip(&samples.input).map(|((slope, none), input)| (slope - none) * input);
    let scale: f64 = left.clone().map(f64::abs).sum::<f64>() + right.clone().map(f64::abs).sum::<f64>();
    let difference = (left.sum::<f64>() - right.sum::<f64>()).abs();
    Verdict::within(
        difference / scale.max(1e-30),
        1e-13,
        "`backward` is not the transpose of what `forward` multiplies by: each product a·x of forward is a product a·slope on the way back",
    )
}

fn modes_agree<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    if bench.random || bench.model.plan().forward_statistics > 0 || bench.options.differs_in_inference {
        return Verdict::Skip("it differs in inference by rights");
    }
    let [trained, inferred] =
        [Mode::Training, Mode::Inference].map(|mode| bench.model.forward(&bench.samples, Setting::new(mode)).output);
    let differs = first_difference(&trained, &inferred).is_some();
    let message = "training and inference give different outputs, though the layer draws nothing and waits for nothing; if that is meant, say so with \
                   `LayerCheck::differs_in_inference`";
    Verdict::fails_if(differs, message)
}

fn activation_comes_last<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    let Some(activation) = bench.model.plan().activation.filter(|activation| *activation != crate::Activation::Linear)
    else {
        return Verdict::Skip("it has none");
    };
    let whole = bench.model.forward(&bench.samples, Setting::training()).output;
    let mut apart = bench.model.forward(&bench.samples, Setting { from_logits: true, ..Setting::training() }).output;
    activation.forward(bench.model.plan().output.channels(), &mut apart, &mut []);
    let otherwise = "the output is not the plan's activation of the output with `context.activation` linear: apply the activation of the context, last";
    Verdict::within(distance(&apart, &whole), bench.rounding(), otherwise)
}

fn mean_is_inferred<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    let Some(latent) = bench.model.layer().latent() else { return Verdict::Skip("it has no distribution") };
    let inferred = bench.model.forward(&bench.samples, Setting::new(Mode::Inference)).output;
    let (mut mean, mut log_variance) = (vec![T::nan(); inferred.len()], vec![T::nan(); inferred.len()]);
    latent.posterior(bench.model.plan().output, &bench.samples.input, &mut mean, &mut log_variance);
    let wrong = first_difference(&mean, &inferred).is_some() || !log_variance.iter().all(|value| value.is_finite());
    let message = "`Latent::posterior` gives another mean than inference, or a variance that is not finite: in inference a latent layer gives the mean";
    Verdict::fails_if(wrong, message)
}
