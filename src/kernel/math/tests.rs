//! Every function on every path: error bounds over the whole range, the ends of the range, and
//! lanes.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::*;
use crate::kernel::CpuPath;
use crate::kernel::every_path::on_every_path;

type Function<T> = fn(&mut [T]);
type Reference = fn(f64) -> f64;

/// The functions, and the same in `f64`.
fn functions<T: Element>() -> [(Function<T>, Reference); 8] {
    [
        (exp, libm::exp),
        (exp_m1, libm::expm1),
        (ln, libm::log),
        (ln_1p, libm::log1p),
        (sigmoid, reference_sigmoid),
        (tanh, libm::tanh),
        (erf, libm::erf),
        (erfc, libm::erfc),
    ]
}

/// The name of each function, and its largest error in units in the last place without and with
/// fused multiplication.
type Bounds = [(&'static str, [f64; 2]); 8];

const F32_BOUNDS: Bounds = [
    ("exp", [1.3, 0.9]),
    ("exp_m1", [1.4, 1.4]),
    ("ln", [0.9, 0.9]),
    ("ln_1p", [1.5, 1.5]),
    ("sigmoid", [2.5, 2.4]),
    ("tanh", [1.6, 1.6]),
    ("erf", [1.4, 1.2]),
    ("erfc", [5.6, 4.2]),
];

/// The reference library itself has an error of up to one unit.
const F64_BOUNDS: Bounds = [
    ("exp", [2.0, 2.0]),
    ("exp_m1", [2.0, 2.0]),
    ("ln", [2.0, 2.0]),
    ("ln_1p", [2.0, 2.0]),
    ("sigmoid", [3.0, 3.0]),
    ("tanh", [2.0, 2.0]),
    ("erf", [2.0, 2.0]),
    ("erfc", [6.0, 5.0]),
];

fn reference_sigmoid(x: f64) -> f64 {
    if x < 0.0 { libm::exp(x) / (1.0 + libm::exp(x)) } else { 1.0 / (1.0 + libm::exp(-x)) }
}

/// The distance in units in the last place of the element type at `expected`; zero for equal
/// infinities and two NaN.
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

/// The largest error, and where it is, for each path.
type Worst<T> = BTreeMap<CpuPath, (f64, T)>;

fn measure<T: Element>((apply, reference): (Function<T>, Reference), arguments: &[T], worst: &RefCell<Worst<T>>) {
    let expected: Vec<f64> = arguments.iter().map(|x| reference(x.to_f64().unwrap())).collect();
    on_every_path(|path| {
        let mut found = arguments.to_vec();
        apply(&mut found);
        let mut worst = worst.borrow_mut();
        let worst = worst.entry(path).or_insert((0.0, T::zero()));
        for ((x, found), expected) in arguments.iter().zip(&found).zip(&expected) {
            let error = ulps(*found, *expected);
            if error > worst.0 {
                *worst = (error, *x);
            }
        }
    });
}

fn check<T: Element>(bounds: Bounds, arguments: impl Fn() -> Box<dyn Iterator<Item = Vec<T>>>) {
    for (function, (name, bounds)) in functions::<T>().into_iter().zip(bounds) {
        let worst = RefCell::new(Worst::new());
        arguments().for_each(|arguments| measure(function, &arguments, &worst));
        for (path, (error, x)) in worst.into_inner() {
            println!("{name:8} {path:?} {error:.3} ulp at {x}");
            let bound = bounds[usize::from(path > CpuPath::Portable)];
            assert!(error <= bound, "{name} on {path:?}: {error} ulp at {x}");
        }
    }
}

/// Every 1021st bit pattern; `STRIDE` = 17 takes a minute or two, 1 half an hour.
#[test]
fn f32_bounds_over_the_whole_range() {
    const STRIDE: usize = 1021;
    check::<f32>(F32_BOUNDS, || {
        Box::new((0..1024u32).map(|high| {
            let patterns = (high << 22)..=(high << 22 | 0x3f_ffff);
            patterns.step_by(STRIDE).map(f32::from_bits).collect()
        }))
    });
}

#[test]
fn f64_bounds_over_the_whole_range() {
    check::<f64>(F64_BOUNDS, || Box::new(std::iter::once(f64_arguments(100_000))));
}

/// Random bit patterns, and as many arguments from where the functions curve.
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

/// The exact values at the ends of the functions' ranges.
#[test]
fn the_ends_of_the_range() {
    check_ends::<f32>();
    check_ends::<f64>();
}

fn check_ends<T: Element>() {
    let (inf, nan, zero) = (f64::INFINITY, f64::NAN, 0.0);
    // At −∞, −0, 0, ∞ and NaN.
    let ends: [[f64; 5]; 8] = [
        [zero, 1.0, 1.0, inf, nan],
        [-1.0, -zero, zero, inf, nan],
        [nan, -inf, -inf, inf, nan],
        [nan, -zero, zero, inf, nan],
        [zero, 0.5, 0.5, 1.0, nan],
        [-1.0, -zero, zero, 1.0, nan],
        [-1.0, -zero, zero, 1.0, nan],
        [2.0, 1.0, 1.0, zero, nan],
    ];
    for (((apply, _), expected), (name, _)) in functions::<T>().into_iter().zip(ends).zip(F32_BOUNDS) {
        on_every_path(|path| {
            let mut found = [T::neg_infinity(), -T::zero(), T::zero(), T::infinity(), T::nan()];
            apply(&mut found);
            for (found, expected) in found.iter().zip(expected) {
                let found = found.to_f64().unwrap();
                let same = found.is_nan() && expected.is_nan() || found.to_bits() == expected.to_bits();
                assert!(same, "{name} on {path:?}: {found} for {expected}");
            }
        });
    }
}

/// A value's result has the same bits at any position in a slice.
#[test]
fn results_do_not_depend_on_the_place() {
    check_places::<f32>();
    check_places::<f64>();
}

fn check_places<T: Element>() {
    let arguments: Vec<T> = (0..70).map(|index| T::of(f64::from(index) * 0.17 - 0.8)).collect();
    let bits = |values: &[T]| values.iter().map(|value| value.integer_decode()).collect::<Vec<_>>();
    for (apply, _) in functions::<T>() {
        on_every_path(|_| {
            let mut whole = arguments.clone();
            apply(&mut whole);
            for (start, end) in (0..70).flat_map(|start| (start..70).map(move |end| (start, end))) {
                let mut part = arguments[start..end].to_vec();
                apply(&mut part);
                assert_eq!(bits(&part), bits(&whole[start..end]));
            }
        });
    }
}
