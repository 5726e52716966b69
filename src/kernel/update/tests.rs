//! Comparison with the scalar formulas, on every path, for all lengths; and the same bits however
//! slices are divided.

use super::*;
use crate::kernel::Element;
use crate::kernel::every_path::on_every_path;

/// Parameters, gradients, and three moments.
type State<T> = [Vec<T>; 5];

const OPTIMIZERS: [&str; 8] = [
    "descend",
    "momentum",
    "nesterov",
    "adam",
    "rms_prop",
    "centred",
    "rms_prop with momentum",
    "centred with momentum",
];

fn state<T: Element>(count: usize) -> State<T> {
    std::array::from_fn(|which| {
        let value = |index: usize| ((index * 7919 + which * 131) % 997) as f64 / 500.0;
        // Moments are positive, and squares larger than the squares of means.
        let shift = [1.0, 1.0, 0.0, -4.0, -0.1][which];
        (0..count).map(|index| T::of(value(index) - shift)).collect()
    })
}

fn adam_step<T: Element>() -> Adam<T> {
    Adam { rate: T::of(0.01), beta_1: T::of(0.9), beta_2: T::of(0.99), epsilon: T::of(1e-7), decay: T::of(0.001) }
}

fn rms_prop_step<T: Element>() -> RmsProp<T> {
    RmsProp { rate: T::of(0.01), rho: T::of(0.9), epsilon: T::of(1e-6), momentum: T::of(0.8) }
}

fn step<T: Element>(optimizer: &str, [p, g, m, v, b]: [&mut [T]; 5]) {
    let (rate, decay) = (T::of(0.1), T::of(0.9));
    match optimizer {
        "descend" => descend(p, g, rate),
        "momentum" => momentum(p, g, m, rate, decay, false),
        "nesterov" => momentum(p, g, m, rate, decay, true),
        "adam" => adam(p, g, m, v, adam_step()),
        "rms_prop" => rms_prop(p, g, v, None, None, rms_prop_step()),
        "centred" => rms_prop(p, g, v, Some(m), None, rms_prop_step()),
        "rms_prop with momentum" => rms_prop(p, g, v, None, Some(b), rms_prop_step()),
        _ => rms_prop(p, g, v, Some(m), Some(b), rms_prop_step()),
    }
}

/// One step of one parameter, by the formulas.
fn reference(optimizer: &str, [p, g, m, v, b]: [f64; 5]) -> [f64; 5] {
    match optimizer {
        "descend" => [p - 0.1 * g, g, m, v, b],
        "momentum" | "nesterov" => {
            let velocity = 0.9 * m - 0.1 * g;
            let update = if optimizer == "nesterov" { 0.9 * velocity - 0.1 * g } else { velocity };
            [p + update, g, velocity, v, b]
        }
        "adam" => {
            let (m, v) = (m + 0.1 * (g - m), v + 0.01 * (g * g - v));
            [p * 0.999 - 0.01 * m / (v.sqrt() + 1e-7), g, m, v, b]
        }
        _ => {
            let v = 0.9 * v + 0.1 * g * g;
            let m = if optimizer.starts_with("centred") { 0.9 * m + 0.1 * g } else { m };
            let variance = if optimizer.starts_with("centred") { v - m * m } else { v };
            let update = 0.01 * g / (variance + 1e-6).sqrt();
            let momentum = optimizer.ends_with("momentum");
            let b = if momentum { 0.8 * b + update } else { b };
            [p - if momentum { b } else { update }, g, m, v, b]
        }
    }
}

fn check<T: Element>() {
    for optimizer in OPTIMIZERS {
        on_every_path(|path| {
            for count in 0..70 {
                let before = state::<T>(count);
                let mut after = before.clone();
                step(optimizer, after.each_mut().map(|values| values.as_mut_slice()));
                for index in 0..count {
                    let numbers = before.each_ref().map(|values| values[index].to_f64().unwrap());
                    for (found, expected) in after.iter().zip(reference(optimizer, numbers)) {
                        let error = (found[index].to_f64().unwrap() - expected).abs();
                        let tolerance = 8.0 * T::epsilon().to_f64().unwrap() * (1.0 + expected.abs());
                        assert!(error <= tolerance, "{optimizer} on {path:?}: {} for {expected}", found[index]);
                    }
                }
            }
        });
    }
}

#[test]
fn steps_follow_the_formulas() {
    check::<f32>();
    check::<f64>();
}

/// A constant gradient: the mean of squares is the square of the mean, but for rounding, which may
/// make the difference negative by more than ε.
fn check_constant_gradient<T: Element>(gradient: f64) {
    on_every_path(|path| {
        let (mut parameters, gradients) = (vec![T::zero(); 70], vec![T::of(gradient); 70]);
        for (index, parameter) in parameters.chunks_mut(1).enumerate() {
            let size = T::of(gradient * (1.0 + 1e-3 * index as f64));
            let (mut squares, mut mean) = ([size * size * (T::one() - T::epsilon())], [size]);
            let step = RmsProp { rate: T::of(1e-9), rho: T::one(), epsilon: T::of(1e-7), momentum: T::zero() };
            rms_prop(parameter, &gradients[..1], &mut squares, Some(&mut mean), None, step);
        }
        assert!(parameters.iter().all(|parameter| parameter.is_finite()), "{path:?}: {parameters:?}");
    });
}

#[test]
fn centred_rms_prop_takes_no_root_of_a_negative_number() {
    check_constant_gradient::<f32>(3e3);
    check_constant_gradient::<f64>(3e7);
    on_every_path(|path| {
        let (mut parameter, mut squares, mut mean) = ([0.0_f32], [1.0], [0.5]);
        rms_prop(&mut parameter, &[f32::NAN], &mut squares, Some(&mut mean), None, rms_prop_step());
        assert!(parameter[0].is_nan(), "NaN is not hidden, {path:?}");
    });
}

fn check_cuts<T: Element>() {
    for optimizer in OPTIMIZERS {
        on_every_path(|path| {
            let mut whole = state::<T>(70);
            step(optimizer, whole.each_mut().map(|values| values.as_mut_slice()));
            for cut in 0..70 {
                let mut parts = state::<T>(70);
                step(optimizer, parts.each_mut().map(|values| &mut values[..cut]));
                step(optimizer, parts.each_mut().map(|values| &mut values[cut..]));
                assert_eq!(parts, whole, "{optimizer} on {path:?}, cut at {cut}");
            }
        });
    }
}

#[test]
fn a_step_does_not_depend_on_the_cut() {
    check_cuts::<f32>();
    check_cuts::<f64>();
}

/// Without a gradient, moments become zero instead of subnormal.
fn check_rest<T: Element>() {
    for optimizer in OPTIMIZERS {
        on_every_path(|path| {
            let mut state = state::<T>(5);
            state[1].fill(T::zero());
            state[2..].iter_mut().flatten().for_each(|moment| *moment = T::min_positive_value() * T::of(1.01));
            step(optimizer, state.each_mut().map(|values| values.as_mut_slice()));
            let subnormal = state[2..].iter().flatten().any(|moment| moment.is_subnormal());
            assert!(!subnormal, "{optimizer} on {path:?}: {:?}", &state[2..]);
        });
    }
}

#[test]
fn moments_at_rest_become_zero() {
    check_rest::<f32>();
    check_rest::<f64>();
}
