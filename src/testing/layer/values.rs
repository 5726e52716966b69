//! Values near the limits of a float type.

use super::model::Setting;
use super::samples::Samples;
use super::{Bench, Pair, in_both};
use crate::Scalar;
use crate::layer::Mode;
use crate::testing::numbers::all_finite;
use crate::testing::report::{Report, Verdict};

pub(super) fn check(report: &mut Report, pair: &Pair<'_>) {
    in_both!(report, pair, "zeros give finite numbers", |bench: &Bench<'_, _>| finite_on(bench, 0.0));
    in_both!(report, pair, "equal values give finite numbers", |bench: &Bench<'_, _>| {
        let [low, high] = bench.options.range;
        finite_on(bench, low + 0.75 * (high - low))
    });
    in_both!(report, pair, "tiny values give finite numbers", |bench: &Bench<'_, _>| finite_scaled(bench, 1e-30));
    in_both!(report, pair, "subnormal values give finite numbers", subnormal);
    in_both!(report, pair, "values of a thousand give finite numbers", |bench: &Bench<'_, _>| finite_scaled(
        bench, 1e3
    ));
    in_both!(report, pair, "one sample gives finite numbers", |bench: &Bench<'_, _>| {
        finite(bench, &bench.samples.part(0..1))
    });
    in_both!(report, pair, "a batch of many samples gives finite numbers", |bench: &Bench<'_, _>| {
        finite(bench, &bench.others(67))
    });
}

fn finite<T: Scalar>(bench: &Bench<'_, T>, samples: &Samples<T>) -> Verdict {
    let inferred = bench.model.forward(samples, Setting::new(Mode::Inference)).output;
    let trained = bench.model.step(samples, Setting::training());
    let parts = [
        ("an output in inference", all_finite(&inferred)),
        ("an output in training", all_finite(&trained.output)),
        ("a penalty", all_finite(&trained.penalties) && all_finite(&trained.diagnostics)),
        ("the input's gradient", all_finite(&trained.input_gradient)),
        ("a parameter's gradient", all_finite(&trained.gradients)),
        ("the new state", all_finite(&trained.state)),
    ];
    match parts.into_iter().find(|(_, finite)| !finite) {
        Some((what, _)) => Verdict::Fails(format!(
            "{what} is not finite: look for a division by zero, an overflow, or the root or logarithm of nothing"
        )),
        None => Verdict::Holds,
    }
}

fn finite_on<T: Scalar>(bench: &Bench<'_, T>, value: f64) -> Verdict {
    let mut samples = bench.samples.clone();
    samples.input.fill(T::from_f64(value));
    finite(bench, &samples)
}

fn finite_scaled<T: Scalar>(bench: &Bench<'_, T>, factor: f64) -> Verdict {
    let mut samples = bench.samples.clone();
    samples.input.iter_mut().for_each(|value| *value *= T::from_f64(factor));
    finite(bench, &samples)
}

fn subnormal<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    let mut samples = bench.samples.clone();
    let least = T::min_positive_value() / T::from_f64(16.0);
    for (value, factor) in samples.input.iter_mut().zip([1.0, -0.5, 3.0, -7.0].into_iter().cycle()) {
        *value = least * T::from_f64(factor);
    }
    finite(bench, &samples)
}
