//! Element-wise kernels, in values per nanosecond (Gelem/s) on one thread: 4096 values, which stay
//! in the cache.
//!
//!     cargo bench --bench elementwise
//!     AUTOENCODER_CPU_PATH=avx2 cargo bench --bench elementwise

use std::hint::black_box;
use std::time::Instant;

use autoencoder::kernel::activation::{Function, apply, multiply_by_derivative};
use autoencoder::kernel::loss::{Pointwise, pointwise};
use autoencoder::kernel::update::{Adam, adam};
use autoencoder::kernel::{Element, convert, cpu_path, math, pool, reduce, resample};

const COUNT: usize = 4096;

fn main() {
    println!("path {}", cpu_path().name());
    println!("{:28} {:>8} {:>8}", "Gelem/s", "f32", "f64");
    for (single, double) in rates::<f32>().into_iter().zip(rates::<f64>()) {
        println!("{:28} {:8.2} {:8.2}", single.0, single.1, double.1);
    }
}

/// Values per nanosecond of the fastest of several rounds.
fn rate(count: usize, mut kernel: impl FnMut()) -> f64 {
    let repeats = 4_000_000 / count;
    let round = |kernel: &mut dyn FnMut()| {
        let start = Instant::now();
        (0..repeats).for_each(|_| kernel());
        (repeats * count) as f64 / start.elapsed().as_nanos() as f64
    };
    (0..15).map(|_| round(&mut kernel)).fold(0.0, f64::max)
}

/// Keeps the compiler from leaving out what a result is computed by.
fn discard<R>(result: R) {
    black_box(result);
}

/// Values between -4 and 4.
fn values<T: Element>() -> Vec<T> {
    (0..COUNT).map(|index| T::of((index * 977 % COUNT) as f64 / COUNT as f64 * 8.0 - 4.0)).collect()
}

fn rates<T: Element>() -> Vec<(&'static str, f64)> {
    let mut rates = functions::<T>();
    rates.extend(passes::<T>());
    rates.extend(images::<T>());
    rates
}

/// Functions in place; the values are copied in before each call, at a cost below that of the call.
fn functions<T: Element>() -> Vec<(&'static str, f64)> {
    let (input, mut work) = (values::<T>(), values::<T>());
    let mut time = |name, kernel: &dyn Fn(&mut [T])| {
        let rate = rate(COUNT, || {
            work.copy_from_slice(&input);
            kernel(black_box(&mut work));
        });
        (name, rate)
    };
    vec![
        time("copy alone", &|_| ()),
        time("exp", &|values| math::exp(values)),
        time("exp_m1", &|values| math::exp_m1(values)),
        time("ln", &|values| math::ln(values)),
        time("ln_1p", &|values| math::ln_1p(values)),
        time("sigmoid", &|values| math::sigmoid(values)),
        time("tanh", &|values| math::tanh(values)),
        time("erfc", &|values| math::erfc(values)),
        time("relu", &|values| apply(Function::Relu, values)),
        time("relu gradient", &|values| multiply_by_derivative(Function::Relu, &input, values)),
        time("gelu", &|values| apply(Function::Gelu, values)),
        time("gelu gradient", &|values| multiply_by_derivative(Function::Gelu, &input, values)),
        time("silu", &|values| apply(Function::Silu, values)),
    ]
}

fn passes<T: Element>() -> Vec<(&'static str, f64)> {
    let (p, g, t) = (values::<T>(), values::<T>(), vec![T::of(0.25); COUNT]);
    let (mut weights, mut first, mut second) = (values::<T>(), values::<T>(), t.clone());
    let (mut out, bytes) = (values::<T>(), vec![200u8; COUNT]);
    let step =
        Adam { rate: T::of(1e-3), beta_1: T::of(0.9), beta_2: T::of(0.999), epsilon: T::of(1e-7), decay: T::zero() };
    let logits = Pointwise::CrossEntropyFromLogits;
    vec![
        ("bce from logits", rate(COUNT, || discard(pointwise(logits, &p, &t, T::one(), None)))),
        ("bce from logits, gradient", rate(COUNT, || discard(pointwise(logits, &p, &t, T::one(), Some(&mut out))))),
        (
            "squared error, gradient",
            rate(COUNT, || discard(pointwise(Pointwise::Squared, &p, &t, T::one(), Some(&mut out)))),
        ),
        ("adam", rate(COUNT, || adam(black_box(&mut weights), &g, &mut first, &mut second, step))),
        ("bytes to unit", rate(COUNT, || convert::bytes_to_unit(&bytes, black_box(&mut out)))),
        ("sum of squares", rate(COUNT, || discard(reduce::sum_of_squares(&p)))),
        ("finite", rate(COUNT, || discard(reduce::finite(&p)))),
        ("outside unit interval", rate(COUNT, || discard(reduce::outside_unit_interval(&t)))),
    ]
}

/// Pooling and enlarging by two, in values of the larger image per nanosecond.
fn images<T: Element>() -> Vec<(&'static str, f64)> {
    let mut rates = Vec::new();
    for (channels, side, names) in [
        (1, 64, ["max pool, 1 channel", "its gradient", "nearest, 1 channel", "its gradient"]),
        (16, 16, ["max pool, 16 channels", "its gradient", "nearest, 16 channels", "its gradient"]),
    ] {
        let half = [side / 2; 2];
        let pooling = pool::Geometry {
            input: [side; 2],
            channels,
            window: [2; 2],
            stride: [2; 2],
            padding: [0; 2],
            output: half,
        };
        let enlarging = resample::Geometry { input: half, channels, factor: [2; 2] };
        let (large, mut small) = (values::<T>(), vec![T::zero(); COUNT / 4]);
        let mut out = large.clone();
        rates.push((names[0], rate(COUNT, || pool::max(&pooling, black_box(&large), &mut small))));
        let small = small;
        rates.push((
            names[1],
            rate(COUNT, || pool::max_gradient(&pooling, black_box(&large), &small, &small, &mut out)),
        ));
        rates.push((names[2], rate(COUNT, || resample::nearest(&enlarging, black_box(&small), &mut out))));
        let mut sums = small.clone();
        rates.push((names[3], rate(COUNT, || resample::nearest_gradient(&enlarging, black_box(&large), &mut sums))));
    }
    rates
}
