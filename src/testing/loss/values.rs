//! Whether the loss's values and gradients agree: with each other, with the other float type, from
//! values and from logits.

use super::bench::{Bench, NO_FUSED_ACTIVATION};
use crate::Scalar;
use crate::loss::{Loss, LossPass};
use crate::testing::numbers::{all_finite, distance, first_difference, largest, place};
use crate::testing::report::{Report, Verdict, worse};
use crate::testing::stencil::{GradientComparison, compare_gradient};
use crate::testing::{GRADIENT, GRADIENT_BOUND};

pub(super) fn way(from_logits: bool) -> &'static str {
    if from_logits { ", from logits" } else { "" }
}

/// Compares the gradient with respect to the predictions with the stencil.
pub(super) fn compare(report: &mut Report, bench: &Bench<'_, f64>, from_logits: bool) {
    const FACTOR: f64 = 0.25;
    let mut comparison = GradientComparison::default();
    report.make(format!("{GRADIENT} predictions{}", way(from_logits)), || {
        if !bench.has(from_logits) {
            return NO_FUSED_ACTIVATION;
        }
        let elements = bench.shape.elements();
        comparison = compare_gradient(bench.predictions(from_logits), &bench.gradient_of(from_logits, FACTOR), 1, |predictions| {
            let samples = predictions.chunks(elements).zip(bench.targets.chunks(elements));
            samples.map(|(sample, target)| FACTOR * bench.value(sample, target, from_logits)).collect()
        });
        if comparison.compared == 0 {
            let message = "no coordinate could be compared, the value has a kink within every stencil: give predictions away from it with `LossCheck::predictions`";
            return Verdict::Fails(message.to_owned());
        }
        let otherwise = "`pass.gradient` is another than the slope of the value that `evaluate` gives, times `pass.factor`";
        Verdict::within(comparison.error, GRADIENT_BOUND, otherwise)
    });
    report.count(comparison.compared, comparison.redrawn);
}

/// The checks made in both float types, from values and from logits.
pub(super) fn both(report: &mut Report, single: &Bench<'_, f32>, double: &Bench<'_, f64>, from_logits: bool) {
    macro_rules! in_both {
        ($name:literal, $check:expr) => {
            report.make(format!("{}{}", $name, way(from_logits)), || match double.has(from_logits) {
                true => worse($check(double, from_logits), || $check(single, from_logits)),
                false => NO_FUSED_ACTIVATION,
            });
        };
    }
    in_both!("the value is finite, and the same every time", value_is_steady);
    in_both!("the value is the same with and without a gradient", value_with_gradient);
    in_both!("every element of the gradient is written", gradient_is_written);
    in_both!("the gradient is multiplied by the factor", factor_counts);
    in_both!("values add up over samples", values_add_up);
    in_both!("a sample's gradient does not depend on its batch", gradient_alone);
}

fn value_is_steady<T: Scalar>(bench: &Bench<'_, T>, from_logits: bool) -> Verdict {
    let value = |loss: &dyn Loss<T>| {
        let pass = LossPass::new(bench.shape, bench.predictions(from_logits), &bench.targets);
        pass.map_or(f64::NAN, |pass| loss.evaluate(pass.from_logits(from_logits)))
    };
    let [one, again, fresh] = [value(&*bench.loss), value(&*bench.loss), value(&*(bench.make)())];
    match one.is_finite() {
        false => Verdict::Fails(format!(
            "the value is {one} on ordinary predictions and targets: look for a logarithm of zero; `LossCheck::predictions` and `targets` say what is ordinary"
        )),
        true => Verdict::fails_if(
            one.to_bits() != again.to_bits() || one.to_bits() != fresh.to_bits(),
            "the same comparison gives another value the second time: a loss keeps nothing, and draws nothing at random",
        ),
    }
}

fn value_with_gradient<T: Scalar>(bench: &Bench<'_, T>, from_logits: bool) -> Verdict {
    let alone = bench.value(bench.predictions(from_logits), &bench.targets, from_logits);
    let (with, _) = bench.both(bench.predictions(from_logits), &bench.targets, from_logits, 0.5, 0.0);
    let differs = alone.to_bits() != with.to_bits();
    Verdict::fails_if(
        differs,
        format!("the value is {alone} alone and {with} with a gradient: `pass.factor` is the gradient's alone"),
    )
}

fn gradient_is_written<T: Scalar>(bench: &Bench<'_, T>, from_logits: bool) -> Verdict {
    let gradients = [f64::NAN, 1e30, 0.0]
        .map(|before| bench.both(bench.predictions(from_logits), &bench.targets, from_logits, 1.0, before).1);
    let [clean, others @ ..] = &gradients;
    match others.iter().find_map(|other| first_difference(clean, other)) {
        None => Verdict::Holds,
        Some(position) => Verdict::Fails(format!(
            "{} is what the buffer held before, or made of it: write every element, and add to none",
            place(position, bench.shape)
        )),
    }
}

fn factor_counts<T: Scalar>(bench: &Bench<'_, T>, from_logits: bool) -> Verdict {
    let (one, four) = (bench.gradient_of(from_logits, 1.0), bench.gradient_of(from_logits, 4.0));
    let expected: Vec<T> = one.iter().map(|value| T::from_f64(4.0) * *value).collect();
    let bound = if size_of::<T>() == size_of::<f32>() { 1e-6 } else { 1e-14 };
    Verdict::within(
        distance(&four, &expected),
        bound,
        "the gradient with `pass.factor` 4 is not 4 times the one with 1: multiply each element by it",
    )
}

fn values_add_up<T: Scalar>(bench: &Bench<'_, T>, from_logits: bool) -> Verdict {
    let elements = bench.shape.elements();
    let whole = bench.value(bench.predictions(from_logits), &bench.targets, from_logits);
    let samples = bench.predictions(from_logits).chunks(elements).zip(bench.targets.chunks(elements));
    let (sum, size) = samples.fold((0.0, 0.0), |(sum, size), (sample, target)| {
        let value = bench.value(sample, target, from_logits);
        (sum + value, size + value.abs())
    });
    let bound = if size_of::<T>() == size_of::<f32>() { 1e-5 } else { 1e-12 };
    let otherwise = "the value of a batch is not the sum of its samples': `evaluate` gives a sum over samples, the trainer divides it";
    Verdict::within((whole - sum).abs() / size.max(1e-30), bound, otherwise)
}

fn gradient_alone<T: Scalar>(bench: &Bench<'_, T>, from_logits: bool) -> Verdict {
    let elements = bench.shape.elements();
    let whole = bench.gradient_of(from_logits, 1.0);
    let samples = bench.predictions(from_logits).chunks(elements).zip(bench.targets.chunks(elements));
    let alone: Vec<T> =
        samples.flat_map(|(sample, target)| bench.both(sample, target, from_logits, 1.0, 0.0).1).collect();
    let differs = first_difference(&whole, &alone).is_some();
    Verdict::fails_if(
        differs,
        "a sample's gradient has other bits where the sample comes alone: compute each from its own prediction and target",
    )
}

pub(super) fn agree(single: &Bench<'_, f32>, double: &Bench<'_, f64>, from_logits: bool) -> Verdict {
    if !double.has(from_logits) {
        return NO_FUSED_ACTIVATION;
    }
    let gradients = distance(&single.gradient_of(from_logits, 1.0), &double.gradient_of(from_logits, 1.0));
    let value = double.value(double.predictions(from_logits), &double.targets, from_logits);
    let values = (single.value(single.predictions(from_logits), &single.targets, from_logits) - value).abs()
        / value.abs().max(1e-30);
    Verdict::within(
        largest([gradients, values].into_iter()),
        1e-4,
        "f32 gives other numbers than f64, beyond rounding: compute in `T` throughout, with constants from `T::from_f64`",
    )
}

/// Compares the gradient from logits with that from its values by the chain rule.
pub(super) fn logits_agree(bench: &Bench<'_, f64>) -> Verdict {
    let Some(fused_activation) = bench.loss.fused_activation() else { return NO_FUSED_ACTIVATION };
    let channels = bench.shape.channels();
    let mut values = bench.logits.clone();
    fused_activation.forward(channels, &mut values, &mut []);
    let (from_values, mut gradient) = bench.both(&values, &bench.targets, false, 1.0, 0.0);
    let (from_logits, by_logits) = bench.both(&bench.logits, &bench.targets, true, 1.0, 0.0);
    fused_activation.backward(channels, &values, &bench.logits, &mut gradient);
    let of_values = (from_values - from_logits).abs() / from_values.abs().max(1e-30);
    let error = largest([distance(&gradient, &by_logits), of_values].into_iter());
    Verdict::within(
        error,
        1e-9,
        "with `pass.from_logits` it is another function than the loss of the activation's values: predictions are arguments of `Loss::fused_activation` then",
    )
}

pub(super) fn far_away<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    for from_logits in [false, true].into_iter().filter(|from_logits| bench.has(*from_logits)) {
        for size in [1e-30, 1e3, 1e6] {
            let predictions: Vec<T> = bench.logits.iter().map(|value| *value * T::from_f64(size)).collect();
            let (value, gradient) = bench.both(&predictions, &bench.targets, from_logits, 1.0, 0.0);
            if !value.is_finite() || !all_finite(&gradient) {
                return Verdict::Fails(format!(
                    "predictions of size {size:.0e}{} give a value of {value}, or a gradient that is not finite: bound what a logarithm, a root or an exponential is handed",
                    way(from_logits)
                ));
            }
        }
    }
    Verdict::Holds
}
