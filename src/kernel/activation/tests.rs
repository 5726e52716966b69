//! Comparison with the scalar formulas in `f64`, on every path: values, derivatives, lengths and
//! positions.

use super::*;
use crate::kernel::every_path::on_every_path;

const FUNCTIONS: [Function<f64>; 9] = [
    Function::Relu,
    Function::LeakyRelu(0.2),
    Function::Elu(0.7),
    Function::Selu,
    Function::Gelu,
    Function::Silu,
    Function::Sigmoid,
    Function::Tanh,
    Function::Softplus,
];

fn convert<T: Element>(function: Function<f64>) -> Function<T> {
    match function {
        Function::LeakyRelu(slope) => Function::LeakyRelu(T::of(slope)),
        Function::Elu(alpha) => Function::Elu(T::of(alpha)),
        Function::Relu => Function::Relu,
        Function::Selu => Function::Selu,
        Function::Gelu => Function::Gelu,
        Function::Silu => Function::Silu,
        Function::Sigmoid => Function::Sigmoid,
        Function::Tanh => Function::Tanh,
        Function::Softplus => Function::Softplus,
    }
}

fn reference(function: Function<f64>, x: f64) -> f64 {
    let elu = |alpha: f64| if x > 0.0 { x } else { alpha * x.exp_m1() };
    match function {
        Function::Relu => x.max(0.0),
        Function::LeakyRelu(slope) => x.max(slope * x),
        Function::Elu(alpha) => elu(alpha),
        Function::Selu => SELU_SCALE * elu(SELU_ALPHA),
        Function::Gelu => x * 0.5 * libm::erfc(-x * std::f64::consts::FRAC_1_SQRT_2),
        Function::Silu => x / (1.0 + (-x).exp()),
        Function::Sigmoid => 1.0 / (1.0 + (-x).exp()),
        Function::Tanh => x.tanh(),
        Function::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
    }
}

/// Values between -9 and 9, none of them zero.
fn arguments<T: Element>(count: usize) -> Vec<T> {
    (0..count).map(|index| T::of((index * 7919 % 997) as f64 / 55.0 - 9.0 + 1e-3)).collect()
}

fn assert_near<T: Element>(found: T, expected: f64, context: &dyn std::fmt::Debug) {
    let tolerance = 8.0 * T::epsilon().to_f64().unwrap() * (1.0 + expected.abs());
    let found = found.to_f64().unwrap();
    assert!((found - expected).abs() <= tolerance, "{found} for {expected}, {context:?}");
}

fn check_values<T: Element>() {
    for function in FUNCTIONS {
        on_every_path(|path| {
            for count in 0..70 {
                let arguments = arguments::<T>(count);
                let mut values = arguments.clone();
                apply(convert(function), &mut values);
                for (x, value) in arguments.iter().zip(values) {
                    assert_near(value, reference(function, x.to_f64().unwrap()), &(function, path, x));
                }
            }
        });
    }
}

#[test]
fn values_of_all_lengths() {
    check_values::<f32>();
    check_values::<f64>();
}

fn check_derivatives<T: Element>(step: f64, tolerance: f64) {
    for function in FUNCTIONS {
        on_every_path(|path| {
            for count in (0..70).chain([997]) {
                let arguments = arguments::<T>(count);
                let mut references = arguments.clone();
                if !matches!(function, Function::Gelu | Function::Silu) {
                    apply(convert(function), &mut references);
                }
                let mut gradient = vec![T::of(2.0); count];
                multiply_by_derivative(convert(function), &references, &mut gradient);
                for (x, found) in arguments.iter().zip(gradient) {
                    let x = x.to_f64().unwrap();
                    let expected = (reference(function, x + step) - reference(function, x - step)) / step;
                    let error = (found.to_f64().unwrap() - expected).abs();
                    assert!(error <= tolerance, "{found} for {expected}, {function:?} on {path:?} at {x}");
                }
            }
        });
    }
}

#[test]
fn derivatives_are_those_of_the_values() {
    check_derivatives::<f64>(1e-5, 1e-8);
    check_derivatives::<f32>(1e-5, 1e-5);
}

fn check_places<T: Element>() {
    let arguments = arguments::<T>(70);
    for function in FUNCTIONS {
        let function = convert::<T>(function);
        on_every_path(|path| {
            let results = |range: std::ops::Range<usize>| {
                let (mut values, mut gradient) = (arguments[range.clone()].to_vec(), vec![T::of(0.3); range.len()]);
                apply(function, &mut values);
                multiply_by_derivative(function, &arguments[range], &mut gradient);
                (values, gradient)
            };
            let whole = results(0..70);
            for start in 0..70 {
                for end in start..70 {
                    let part = results(start..end);
                    assert_eq!(part.0, whole.0[start..end], "{function:?} on {path:?}");
                    assert_eq!(part.1, whole.1[start..end], "{function:?} on {path:?}");
                }
            }
        });
    }
}

#[test]
fn a_result_does_not_depend_on_its_place() {
    check_places::<f32>();
    check_places::<f64>();
}

fn check_nan<T: Element>() {
    on_every_path(|path| {
        for function in FUNCTIONS {
            for place in 0..19 {
                let mut values = arguments::<T>(19);
                values[place] = T::nan();
                let mut gradient = vec![T::one(); 19];
                multiply_by_derivative(convert(function), &values, &mut gradient);
                apply(convert(function), &mut values);
                for results in [values, gradient] {
                    let found = results.iter().position(|value| value.is_nan());
                    assert_eq!(found, Some(place), "{function:?} on {path:?}");
                }
            }
        }
        for place in 0..19 {
            let mut values = arguments::<T>(3 * 19);
            values[19 + place] = T::nan();
            softmax(19, &mut values);
            let shown: Vec<bool> = values.chunks(19).map(|group| group.iter().all(|value| value.is_nan())).collect();
            assert_eq!(shown, [false, true, false], "softmax on {path:?}");
            let mut gradient = vec![T::one(); 3 * 19];
            softmax_gradient(19, &values, &mut gradient);
            let shown: Vec<bool> = gradient.chunks(19).map(|group| group.iter().all(|value| value.is_nan())).collect();
            assert_eq!(shown, [false, true, false], "gradient of softmax on {path:?}");
        }
    });
}

/// In values, in derivatives, and in every member of softmax's group.
#[test]
fn not_a_number_stays_so() {
    check_nan::<f32>();
    check_nan::<f64>();
}

fn reference_softmax(values: &[f64]) -> Vec<f64> {
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let sum: f64 = values.iter().map(|value| (value - largest).exp()).sum();
    values.iter().map(|value| (value - largest).exp() / sum).collect()
}

fn check_softmax<T: Element>(tolerance: f64) {
    on_every_path(|path| {
        for channels in 1..70 {
            let input = arguments::<T>(3 * channels);
            let mut outputs = input.clone();
            softmax(channels, &mut outputs);
            let weights: Vec<T> = arguments::<T>(6 * channels)[3 * channels..].to_vec();
            let mut gradient = weights.clone();
            softmax_gradient(channels, &outputs, &mut gradient);
            for group in (0..3).map(|group| group * channels..(group + 1) * channels) {
                let double = |values: &[T]| values.iter().map(|value| value.to_f64().unwrap()).collect::<Vec<_>>();
                let (input, weights) = (double(&input[group.clone()]), double(&weights[group.clone()]));
                let expected = reference_softmax(&input);
                let dot: f64 = expected.iter().zip(&weights).map(|(y, g)| y * g).sum();
                for index in 0..channels {
                    assert_near(outputs[group.start + index], expected[index], &(path, channels));
                    let expected = expected[index] * (weights[index] - dot);
                    let found = gradient[group.start + index].to_f64().unwrap();
                    assert!((found - expected).abs() < tolerance, "{found} for {expected}, {channels} on {path:?}");
                }
            }
        }
    });
}

#[test]
fn softmax_and_its_gradient() {
    check_softmax::<f32>(2e-5);
    check_softmax::<f64>(2e-14);
}

#[test]
fn softmax_of_large_values_is_stable() {
    on_every_path(|_| {
        let mut values = [1000.0f32, 1000.0, -1000.0];
        softmax(3, &mut values);
        assert_eq!(values, [0.5, 0.5, 0.0]);
    });
}
