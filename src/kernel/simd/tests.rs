//! Comparison of every vector method, on every path of this CPU, with plain scalar arithmetic.

use super::*;
use crate::kernel::every_path::on_every_path;

/// Applies one method to vectors of the given values, lane by lane.
struct Apply<'a, T>(&'a str, [&'a [T]; 3]);

impl<T: Element> Operation<T> for Apply<'_, T> {
    type Output = Vec<T>;

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> Vec<T> {
        let [a, b, c] = self.1;
        let mut out = vec![T::zero(); a.len()];
        for start in (0..a.len()).step_by(S::LANES) {
            let (x, y, z) = (simd.read(&a[start..]), simd.read(&b[start..]), simd.read(&c[start..]));
            let result = match self.0 {
                "add" => x.add(y),
                "sub" => x.sub(y),
                "mul" => x.mul(y),
                "div" => x.div(y),
                "mul_add" => x.mul_add(y, z),
                "min" => x.min(y),
                "max" => x.max(y),
                "max_or_nan" => x.max_or_nan(y),
                "sqrt" => x.abs().sqrt(),
                "negate" => x.negate(),
                "copy_sign" => x.copy_sign(y),
                "less" => simd.select(x.less(y), y, z),
                "equal" => simd.select(x.equal(x.round()), y, z),
                "round" => x.round(),
                "scale" => x.scale_by_power_of_two(y.round()),
                "split" => x.abs().mantissa().scale_by_power_of_two(x.abs().exponent()),
                "mantissa" => x.abs().mantissa(),
                "sum" => simd.splat(x.sum_lanes().sub(y.max_lanes())),
                method => unreachable!("{method}"),
            };
            result.write(&mut out[start..]);
        }
        out
    }
}

fn values<T: Element>(seed: u64, scale: f64) -> Vec<T> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as f64 / (1u64 << 31) as f64 * 2.0 - 1.0
    };
    (0..37).map(|_| T::of(next() * scale)).collect()
}

fn check<T: Element>(path: CpuPath, method: &str, expected: impl Fn(T, T, T) -> T) {
    let (a, b, c) = (values::<T>(1, 100.0), values::<T>(2, 100.0), values::<T>(3, 1.0));
    let found = dispatch(Apply(method, [&a, &b, &c]));
    for lane in 0..a.len() {
        let (expected, found) = (expected(a[lane], b[lane], c[lane]), found[lane]);
        let tolerance = T::epsilon() * T::of(8.0) * (T::one() + a[lane].abs() * b[lane].abs());
        let near = if method == "mul_add" { (expected - found).abs() <= tolerance } else { expected == found };
        assert!(near, "{method} on {path:?}, lane {lane} of {}: {found} for {expected}", a[lane]);
    }
}

fn check_all<T: Element>() {
    on_every_path(|path| {
        check::<T>(path, "add", |a, b, _| a + b);
        check::<T>(path, "sub", |a, b, _| a - b);
        check::<T>(path, "mul", |a, b, _| a * b);
        check::<T>(path, "div", |a, b, _| a / b);
        check::<T>(path, "mul_add", |a, b, c| a * b + c);
        check::<T>(path, "min", |a, b, _| a.min(b));
        check::<T>(path, "max", |a, b, _| a.max(b));
        check::<T>(path, "max_or_nan", |a, b, _| a.max(b));
        check::<T>(path, "sqrt", |a, _, _| a.abs().sqrt());
        check::<T>(path, "negate", |a, _, _| -a);
        check::<T>(path, "copy_sign", |a, b, _| a.abs() * b.signum());
        check::<T>(path, "less", |a, b, c| if a < b { b } else { c });
        check::<T>(path, "equal", |_, _, c| c);
        check::<T>(path, "round", |a, _, _| a.round());
        check::<T>(path, "scale", |a, b, _| a * T::of(2.0).powi(b.round().to_i32().unwrap()));
        check::<T>(path, "split", |a, _, _| a.abs());
        check::<T>(path, "mantissa", |a, _, _| a.abs() / T::of(2.0).powf(a.abs().log2().floor()));
    });
}

#[test]
fn methods_agree_with_scalar_arithmetic() {
    check_all::<f32>();
    check_all::<f64>();
}

fn check_special<T: Element>(subnormal_exponent: f64) {
    on_every_path(|_| {
        let apply = |method, a: f64, b: f64| dispatch(Apply(method, [&[T::of(a)], &[T::of(b)], &[T::zero()]]))[0];
        assert!(apply("max", 0.0, f64::NAN).is_nan());
        assert_eq!(apply("max", f64::NAN, 1.0), T::one());
        assert!(apply("max_or_nan", 0.0, f64::NAN).is_nan() && apply("max_or_nan", f64::NAN, 0.0).is_nan());
        assert_eq!(apply("round", 2.5, 0.0), T::of(2.0));
        assert_eq!(apply("round", -3.5, 0.0), T::of(-4.0));
        let half = subnormal_exponent / 2.0;
        assert_eq!(apply("scale", 1.5, subnormal_exponent), T::of(1.5) * T::of(half.exp2()) * T::of(half.exp2()));
    });
}

#[test]
fn nan_ties_and_subnormals() {
    check_special::<f32>(-140.0);
    check_special::<f64>(-1060.0);
}

/// Sums of all lanes: the lanes past the values are zero.
#[test]
fn sums_and_largest_lanes() {
    on_every_path(|_| {
        assert_eq!(dispatch(Apply("sum", [&[3.0f32, 4.0], &[-1.0, 7.0], &[0.0]]))[0], 0.0);
        assert_eq!(dispatch(Apply("sum", [&[3.0f64, 4.0], &[-1.0, 7.0], &[0.0]]))[0], 0.0);
    });
}
