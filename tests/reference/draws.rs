//! What is drawn at random, by its moments: the first values of parameters, and layers that add
//! noise.

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;
use serde_json::Value;

use crate::case::{reference, sizes};
use crate::common::Outcome;

/// Every case of `tests/reference/<area>.json`, of which there are `count`.
fn cases(area: &str, count: usize) -> Result<Vec<Value>, Box<dyn std::error::Error>> {
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(reference(&format!("{area}.json")))?)?;
    assert_eq!(cases.len(), count, "{area}: cases");
    Ok(cases)
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is not a number"))
}

/// What is measured of many values.
struct Moments {
    count: f64,
    zeros: f64,
    mean: f64,
    /// From the mean in theory.
    deviation: f64,
    low: f64,
    high: f64,
}

impl Moments {
    fn new(values: &[f64], mean_in_theory: f64) -> Self {
        let count = values.len() as f64;
        let mean_of = |figure: &dyn Fn(f64) -> f64| values.iter().map(|value| figure(*value)).sum::<f64>() / count;
        Self {
            count,
            zeros: mean_of(&|value| f64::from(value == 0.0)),
            mean: mean_of(&|value| value),
            deviation: mean_of(&|value| (value - mean_in_theory).powi(2)).sqrt(),
            low: values.iter().copied().fold(f64::INFINITY, f64::min),
            high: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        }
    }

    /// Panics where a value is beyond the limits of the theory, but for rounding. A normal variable
    /// has none.
    fn check_limits(&self, case: &Value) {
        let (low, high) = (&case["theory"]["min"], &case["theory"]["max"]);
        let room = 1e-15 * self.low.abs().max(self.high.abs());
        let inside = low.as_f64().is_none_or(|low| low <= self.low + room)
            && high.as_f64().is_none_or(|high| self.high <= high + room);
        assert!(inside, "{}: {:e} to {:e}, not {low} to {high}", case["name"], self.low, self.high);
    }
}

fn initializer(case: &Value) -> Initializer {
    match case["kind"].as_str().unwrap() {
        "Zeros" => Initializer::Zeros,
        "Constant" => Initializer::Constant(number(&case["value"])),
        "RandomNormal" => Initializer::Normal(number(&case["stddev"])),
        "RandomUniform" => Initializer::Uniform(number(&case["maxval"])),
        "TruncatedNormal" => Initializer::TruncatedNormal(number(&case["stddev"])),
        "Orthogonal" => Initializer::Orthogonal(number(&case["gain"])),
        "GlorotUniform" => Initializer::GlorotUniform,
        "GlorotNormal" => Initializer::GlorotNormal,
        "HeUniform" => Initializer::HeUniform,
        "HeNormal" => Initializer::HeNormal,
        "LecunUniform" => Initializer::LecunUniform,
        "LecunNormal" => Initializer::LecunNormal,
        kind => panic!("the initialiser {kind}"),
    }
}

/// The first weight of a network whose weight has this shape, drawn with this seed.
fn drawn(shape: &[usize], initializer: Initializer, seed: u64) -> Result<Vec<f64>, BuildError> {
    let builder = match *shape {
        [inputs, units] => {
            Network::builder(Shape::flat(inputs)).layer(Dense::new(units).weight_initializer(initializer))
        }
        [height, width, channels, filters] => Network::builder(Shape::image(height, width, channels))
            .layer(Conv2D::new(filters, (height, width)).weight_initializer(initializer)),
        _ => panic!("the shape {shape:?}"),
    };
    Ok(builder.seed(seed).build()?.parameters().next().unwrap().values.to_vec())
}

#[test]
fn initialisers() -> Outcome {
    for case in cases("initialisers", 33)? {
        let (shape, initializer, name) = (sizes(&case["shape"]), initializer(&case), &case["name"]);
        let draws: Result<Vec<_>, _> = (0..20).map(|seed| drawn(&shape, initializer, seed)).collect();
        let (mean, deviation) = (number(&case["theory"]["mean"]), number(&case["theory"]["std"]));
        let found = Moments::new(&draws?.concat(), mean);
        let far = (found.mean - mean).abs() > 5.0 * deviation / found.count.sqrt();
        assert!(!far, "{name}: mean {}", found.mean);
        assert!((found.deviation - deviation).abs() <= 0.005 * deviation, "{name}: deviation {}", found.deviation);
        found.check_limits(&case);
        let filled = |high: f64| found.high >= high - 0.01 * high.abs();
        if case["kind"] != "Orthogonal" {
            let high = case["theory"]["max"].as_f64();
            assert!(high.is_none_or(filled), "{name}: {} is far from the limit", found.high);
        }
    }
    Ok(())
}

/// The largest element of |QᵀQ / gain² − 1|, for Q the kernel as a matrix, or its transpose where
/// that is taller.
fn gram_error(shape: &[usize], kernel: &[f64], gain: f64) -> f64 {
    let columns = shape[shape.len() - 1];
    let matrix = DMatrix::from_row_slice(kernel.len() / columns, columns, kernel) / gain;
    let tall = if matrix.nrows() >= columns { matrix } else { matrix.transpose() };
    (tall.tr_mul(&tall) - DMatrix::identity(tall.ncols(), tall.ncols())).amax()
}

/// To within rounding; Keras's own error is up to 1.8e-15.
#[test]
fn orthogonal_kernels_are_orthogonal() -> Outcome {
    for case in cases("initialisers", 33)?.into_iter().filter(|case| case["kind"] == "Orthogonal") {
        let (shape, gain) = (sizes(&case["shape"]), number(&case["gain"]));
        let of_keras = number(&case["gram_error"]);
        let worst = (0..5).try_fold(of_keras, |worst, seed| -> Result<f64, BuildError> {
            Ok(gram_error(&shape, &drawn(&shape, initializer(&case), seed)?, gain).max(worst))
        })?;
        assert!(worst < 1e-14, "{}: {worst:e}, of Keras {of_keras:e}", case["name"]);
    }
    Ok(())
}

fn noisy(case: &Value, builder: NetworkBuilder<f64>) -> NetworkBuilder<f64> {
    match case["kind"].as_str().unwrap() {
        "Dropout" => builder.layer(Dropout::new(number(&case["rate"]))),
        "GaussianNoise" => builder.layer(GaussianNoise::new(number(&case["stddev"]))),
        kind => panic!("the layer {kind}"),
    }
}

/// Within five standard errors of the theory, and of what Keras drew, which has errors of its own.
#[test]
fn noise() -> Outcome {
    for case in cases("noise", 17)? {
        let (shape, value) = (sizes(&case["shape"]), number(&case["value"]));
        let network = noisy(&case, Network::builder(Shape::new(&shape[1..])?)).build()?;
        let input = DMatrix::from_element(network.input_shape().elements(), shape[0], value);
        assert_eq!(network.predict(&input)?, input, "{}: inference", case["name"]);

        let mut tape = network.tape(shape[0])?;
        let found = Moments::new(network.forward(&mut tape, &input, None, 0)?, number(&case["theory"]["mean"]));
        assert_eq!(found.count, number(&case["drawn"]["count"]));
        found.check_limits(&case);
        for (figure, found) in [("zeros", found.zeros), ("mean", found.mean), ("std", found.deviation)] {
            let allowed = 5.0 * number(&case["standard_errors"][figure]);
            for (whose, allowed) in [("theory", allowed), ("drawn", allowed * 2.0_f64.sqrt())] {
                let expected = number(&case[whose][figure]);
                let close = (found - expected).abs() <= allowed + 1e-12 * expected.abs();
                assert!(close, "{}: {figure} {found}, {whose} {expected}", case["name"]);
            }
        }
    }
    Ok(())
}
