//! Comparison with the scalar formulas in `f64`, on every path: sums, gradients, lengths and
//! positions.

use super::*;
use crate::kernel::every_path::on_every_path;

const LOSSES: [Pointwise<f64>; 5] = [
    Pointwise::Squared,
    Pointwise::Absolute,
    Pointwise::Huber(0.3),
    Pointwise::CrossEntropy(0.01),
    Pointwise::CrossEntropyFromLogits,
];

fn convert<T: Element>(loss: Pointwise<f64>) -> Pointwise<T> {
    match loss {
        Pointwise::Squared => Pointwise::Squared,
        Pointwise::Absolute => Pointwise::Absolute,
        Pointwise::Huber(delta) => Pointwise::Huber(T::of(delta)),
        Pointwise::CrossEntropy(epsilon) => Pointwise::CrossEntropy(T::of(epsilon)),
        Pointwise::CrossEntropyFromLogits => Pointwise::CrossEntropyFromLogits,
    }
}

fn reference(loss: Pointwise<f64>, p: f64, t: f64) -> f64 {
    let difference = (p - t).abs();
    match loss {
        Pointwise::Squared => difference * difference,
        Pointwise::Absolute => difference,
        Pointwise::Huber(delta) if difference > delta => delta * (difference - 0.5 * delta),
        Pointwise::Huber(_) => 0.5 * difference * difference,
        Pointwise::CrossEntropy(epsilon) => {
            let p = p.clamp(epsilon, 1.0 - epsilon);
            -t * p.ln() - (1.0 - t) * (1.0 - p).ln()
        }
        Pointwise::CrossEntropyFromLogits => p.max(0.0) - p * t + (-p.abs()).exp().ln_1p(),
    }
}

/// Predictions (logits between -8 and 8, or probabilities) and targets between 0 and 1.
fn pairs<T: Element>(loss: Pointwise<f64>, count: usize) -> (Vec<T>, Vec<T>) {
    let number = |index: usize, factor: usize| (index * factor % 997) as f64 / 997.0 + 2e-4;
    let scale = if loss == Pointwise::CrossEntropyFromLogits { 16.0 } else { 1.0 };
    let shift = if scale > 1.0 { 8.0 } else { 0.0 };
    let predictions = (0..count).map(|index| T::of(number(index, 7919) * scale - shift)).collect();
    (predictions, (0..count).map(|index| T::of(number(index, 577))).collect())
}

fn double<T: Element>(value: &T) -> f64 {
    value.to_f64().unwrap()
}

fn check_sums<T: Element>(tolerance: f64) {
    for loss in LOSSES {
        on_every_path(|path| {
            for count in (0..70).chain([511, 512, 513, 1100, 40_000]) {
                let (p, t) = pairs::<T>(loss, count);
                let losses: Vec<f64> = p.iter().zip(&t).map(|(p, t)| reference(loss, double(p), double(t))).collect();
                let expected: f64 = losses.chunks(200).map(|losses| losses.iter().sum::<f64>()).sum();
                let mut gradient = vec![T::zero(); count];
                let found = pointwise(convert(loss), &p, &t, T::one(), Some(&mut gradient));
                let alone = pointwise(convert(loss), &p, &t, T::one(), None);
                assert!(found == alone, "{loss:?} on {path:?}: {found} with the gradient, {alone} without");
                let tolerance = tolerance * if count < 100 { 5.0 } else { 1.0 };
                assert!(
                    (found - expected).abs() <= tolerance * expected,
                    "{loss:?} on {path:?}: {found} for {expected}"
                );
            }
        });
    }
}

#[test]
fn sums_are_exact_to_a_unit_or_two() {
    check_sums::<f32>(2e-7);
    check_sums::<f64>(5e-15);
}

fn check_gradients<T: Element>(step: f64, tolerance: f64) {
    for loss in LOSSES {
        on_every_path(|path| {
            let (p, t) = pairs::<T>(loss, 997);
            let mut gradient = vec![T::zero(); p.len()];
            pointwise(convert(loss), &p, &t, T::of(0.5), Some(&mut gradient));
            for ((p, t), found) in p.iter().zip(&t).zip(gradient) {
                let (p, t, found) = (double(p), double(t), double(&found));
                let slope = (reference(loss, p + step, t) - reference(loss, p - step, t)) / (2.0 * step);
                let bends = [t, t - 0.3, t + 0.3, 0.01, 0.99].iter().any(|bend| (p - bend).abs() < 2.0 * step);
                let error = (found - 0.5 * slope).abs();
                assert!(bends || error < tolerance * (1.0 + slope.abs()), "{loss:?} on {path:?}: {found} for {slope}");
            }
        });
    }
}

#[test]
fn gradients_are_those_of_the_sums() {
    check_gradients::<f64>(1e-6, 1e-8);
    check_gradients::<f32>(1e-6, 2e-5);
}

/// The parts of a slice have the gradients of the whole, and blocks of 512 its sums.
fn check_places<T: Element>() {
    for loss in LOSSES {
        on_every_path(|path| {
            let (p, t) = pairs::<T>(loss, 1100);
            let pass = |range: std::ops::Range<usize>| {
                let mut gradient = vec![T::zero(); range.len()];
                let sum = pointwise(convert(loss), &p[range.clone()], &t[range], T::of(0.7), Some(&mut gradient));
                (sum, gradient)
            };
            let whole = pass(0..1100);
            for start in 0..70 {
                let part = pass(start..start + 530);
                assert_eq!(part.1, whole.1[start..start + 530], "{loss:?} on {path:?} from {start}");
            }
            let sum = pass(0..512).0 + pass(512..1024).0 + pass(1024..1100).0;
            assert!(sum == whole.0, "{loss:?} on {path:?}: {sum} for {}", whole.0);
        });
    }
}

#[test]
fn results_do_not_depend_on_the_place() {
    check_places::<f32>();
    check_places::<f64>();
}

#[test]
fn logits_of_any_size_have_a_finite_loss() {
    on_every_path(|_| {
        let mut gradient = [0.0f32; 4];
        let (logits, targets) = ([300.0, -300.0, 300.0, -300.0], [1.0, 0.0, 0.0, 1.0]);
        let sum = pointwise(Pointwise::CrossEntropyFromLogits, &logits, &targets, 1.0, Some(&mut gradient));
        assert_eq!((sum, gradient), (600.0, [0.0, 0.0, 1.0, -1.0]));
    });
}

#[test]
fn a_prediction_that_is_not_a_number_shows() {
    on_every_path(|path| {
        for loss in LOSSES {
            let (mut p, t, mut gradient) = ([0.25_f32; 19], [0.5; 19], [0.0; 19]);
            p[17] = f32::NAN;
            assert!(pointwise(convert(loss), &p, &t, 1.0, Some(&mut gradient)).is_nan(), "{loss:?} on {path:?}");
            assert!(pointwise(convert(loss), &p, &t, 1.0, None).is_nan(), "{loss:?} on {path:?}");
            let shown = gradient.iter().position(|slope| slope.is_nan());
            assert_eq!(shown, Some(17), "gradient of {loss:?} on {path:?}");
        }
        for from_logits in [false, true] {
            let loss = |p: &[f32], gradient: Option<&mut [f32]>| match from_logits {
                true => categorical_from_logits(19, p, &[0.1; 19], 1.0, gradient),
                false => categorical(19, 1e-7, p, &[0.1; 19], 1.0, gradient),
            };
            for place in 0..19 {
                let (mut p, mut gradient) = ([0.25; 19], [0.0; 19]);
                p[place] = f32::NAN;
                assert!(loss(&p, Some(&mut gradient)).is_nan() && loss(&p, None).is_nan(), "{from_logits}, {path:?}");
                assert!(gradient.iter().all(|slope| slope.is_nan()), "gradient, {from_logits}, {path:?}");
            }
        }
    });
}

fn reference_categorical(from_logits: bool, p: &[f64], t: &[f64]) -> f64 {
    let share = |p: f64| if from_logits { p.exp() } else { p };
    let sum: f64 = p.iter().map(|p| share(*p)).sum();
    p.iter().zip(t).map(|(p, t)| -t * (share(*p) / sum).clamp(1e-3, 1.0 - 1e-3).ln()).sum()
}

fn check_categorical<T: Element>(from_logits: bool, tolerance: f64) {
    on_every_path(|path| {
        for channels in 2..40 {
            let (p, t) = pairs::<T>(Pointwise::Squared, 2 * channels);
            let mut gradient = vec![T::zero(); p.len()];
            let found = if from_logits {
                categorical_from_logits(channels, &p, &t, T::one(), Some(&mut gradient))
            } else {
                categorical(channels, T::of(1e-3), &p, &t, T::one(), Some(&mut gradient))
            };
            let (p, t): (Vec<f64>, Vec<f64>) = (p.iter().map(double).collect(), t.iter().map(double).collect());
            let value = |p: &[f64]| -> f64 {
                let groups = p.chunks(channels).zip(t.chunks(channels));
                groups.map(|(p, t)| reference_categorical(from_logits, p, t)).sum()
            };
            assert!(
                (found - value(&p)).abs() <= tolerance * found,
                "{channels} on {path:?}: {found} for {}",
                value(&p)
            );
            for index in 0..p.len() {
                let step = 1e-6;
                let (mut above, mut below) = (p.clone(), p.clone());
                above[index] += step;
                below[index] -= step;
                let slope = (value(&above) - value(&below)) / (2.0 * step);
                let error = (double(&gradient[index]) - slope).abs();
                let near_bend = !from_logits && p[index] < 0.05;
                assert!(near_bend || error < (1e-7 + 50.0 * tolerance) * (1.0 + slope.abs()), "{channels} on {path:?}");
            }
        }
    });
}

#[test]
fn categorical_losses_and_their_gradients() {
    for from_logits in [false, true] {
        check_categorical::<f32>(from_logits, 1e-6);
        check_categorical::<f64>(from_logits, 1e-14);
    }
}

/// The gradient of an almost certain prediction is zero, not subnormal, which would be slow.
fn check_certainty<T: Element>(certain: f64) {
    on_every_path(|path| {
        let logits: Vec<T> = (0..407).map(|index| T::of(certain * f64::from(index) / 407.0)).collect();
        let targets = vec![T::zero(); logits.len()];
        let (mut each, mut classes) = (vec![T::one(); logits.len()], vec![T::one(); logits.len()]);
        pointwise(Pointwise::CrossEntropyFromLogits, &logits, &targets, T::of(1e-5), Some(&mut each));
        categorical_from_logits(logits.len(), &logits, &targets, T::of(1e-5), Some(&mut classes));
        for slope in each.iter().chain(&classes) {
            let fast = *slope == T::zero() || slope.abs() >= T::min_positive_value() / T::epsilon();
            assert!(fast, "{slope} on {path:?}");
        }
        assert!(each[0] > T::zero() && each[406] == T::zero(), "{} and {} on {path:?}", each[0], each[406]);
    });
}

#[test]
fn gradients_of_certain_predictions_are_zero() {
    check_certainty::<f32>(-103.0);
    check_certainty::<f64>(-740.0);
}
