//! Every function on every path: error bounds over the whole range, the ends of the range, and lanes.

use super::*;
use crate::kernel::every_path::on_every_path;

/// A function over slices, and the same in `f64`.
struct Case<T> {
    name: &'static str,
    apply: fn(&mut [T]),
    reference: fn(f64) -> f64,
    /// The largest error in units in the last place, without and with fused multiplication.
    bounds: [f64; 2],
}

fn reference_sigmoid(x: f64) -> f64 {
    if x < 0.0 { libm::exp(x) / (1.0 + libm::exp(x)) } else { 1.0 / (1.0 + libm::exp(-x)) }
}

fn cases<T: Element>(bounds: [[f64; 2]; 8]) -> [Case<T>; 8] {
    let functions: [(&str, fn(&mut [T]), fn(f64) -> f64); 8] = [
        ("exp", exp, libm::exp),
        ("exp_m1", exp_m1, libm::expm1),
        ("ln", ln, libm::log),
        ("ln_1p", ln_1p, libm::log1p),
        ("sigmoid", sigmoid, reference_sigmoid),
        ("tanh", tanh, libm::tanh),
        ("erf", erf, libm::erf),
        ("erfc", erfc, libm::erfc),
    ];
    std::array::from_fn(|index| {
        let (name, apply, reference) = functions[index];
        Case { name, apply, reference, bounds: bounds[index] }
    })
}

/// The distance in units in the last place of the element type at `expected`; zero for equal infinities and two NaN.
fn ulps<T: Element>(found: T, expected: f64) -> f64 {
    let found = found.to_f64().unwrap();
    if found == expected || found.is_nan() && expected.is_nan() {
        return 0.0;
    }
    let overflow = T::max_value().to_f64().unwrap();
    if found.is_infinite() && expected.abs() > overflow {
        return 0.0;
    }
    let smallest = T::min_positive_value().to_f64().unwrap();
    let exponent = expected.abs().clamp(smallest, overflow).log2().floor();
    let unit = exponent.exp2() * T::epsilon().to_f64().unwrap();
    let error = (found - expected).abs() / unit;
    if error.is_nan() { f64::INFINITY } else { error }
}

fn check<T: Element>(case: &Case<T>, arguments: &[T]) {
    let expected: Vec<f64> = arguments.iter().map(|x| (case.reference)(x.to_f64().unwrap())).collect();
    on_every_path(|path| {
        let mut found = arguments.to_vec();
        (case.apply)(&mut found);
        let mut worst = (0.0, T::zero());
        for ((x, found), expected) in arguments.iter().zip(&found).zip(&expected) {
            let error = ulps(*found, *expected);
            if error > worst.0 {
                worst = (error, *x);
            }
        }
        println!("{:8} {path:?} {:.3} ulp at {:e}", case.name, worst.0, worst.1.to_f64().unwrap());
        let bound = case.bounds[usize::from(path > crate::kernel::CpuPath::Portable)];
        if true { assert!(worst.0 <= bound, "{} on {path:?}: {} ulp at {}", case.name, worst.0, worst.1); }
    });
}

/// Every 1021st bit pattern; all with `AUTOENCODER_EVERY_BIT=1`, in a few minutes.
#[test]
fn f32_bounds_over_the_whole_range() {
    let stride = if std::env::var_os("AUTOENCODER_EVERY_BIT").is_some() { 1 } else { 1021 };
    for case in cases::<f32>(BOUNDS_F32) {
        for high in 0..64u32 {
            let patterns = (high << 26)..=(high << 26 | 0x3ff_ffff);
            let arguments: Vec<f32> = patterns.step_by(stride).map(f32::from_bits).collect();
            check(&case, &arguments);
        }
    }
}

/// The references are themselves within one unit of the last place.
#[test]
fn f64_bounds_over_the_whole_range() {
    for case in cases::<f64>(BOUNDS_F64) {
        check(&case, &f64_arguments(100_000));
    }
}

/// Any bit pattern, and as many again from where the functions bend.
fn f64_arguments(count: u64) -> Vec<f64> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        state ^ state >> 29
    };
    let mut arguments: Vec<f64> = (0..count).map(|_| f64::from_bits(next())).collect();
    for scale in [1e-3, 0.1, 1.0, 4.0, 30.0, 800.0] {
        arguments.extend((0..count / 4).map(|_| (next() >> 11) as f64 * (scale / (1u64 << 52) as f64) - scale));
    }
    arguments
}

const BOUNDS_F32: [[f64; 2]; 8] = [[2.0; 2]; 8];
const BOUNDS_F64: [[f64; 2]; 8] = [[3.0; 2]; 8];
