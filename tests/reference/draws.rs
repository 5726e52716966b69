//! What is drawn at random, by its moments: the first values of parameters.

use autoencoder::*;
use serde_json::Value;

use crate::case::reference;
use crate::common::Outcome;

fn initializer(case: &Value) -> Initializer {
    match case["kind"].as_str().unwrap() {
        "TruncatedNormal" => Initializer::TruncatedNormal(case["stddev"].as_f64().unwrap()),
        "Orthogonal" => Initializer::Orthogonal(1.0),
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
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(reference("initialisers.json"))?)?;
    assert_eq!(cases.len(), 16);
    for case in cases {
        let shape: Vec<usize> =
            case["shape"].as_array().unwrap().iter().map(|d| d.as_u64().unwrap() as usize).collect();
        let theory = |name: &str| case["theory"][name].as_f64().unwrap();
        let mut values = Vec::new();
        for seed in 0..20 {
            values.extend(drawn(&shape, initializer(&case), seed)?);
        }
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
        assert!(mean.abs() < 5.0 * theory("std") / count.sqrt(), "{}: mean {mean}", case["name"]);
        assert!((deviation / theory("std") - 1.0).abs() < 0.005, "{}: deviation {deviation}", case["name"]);
        let (low, high) = values.iter().fold((0.0_f64, 0.0_f64), |(low, high), v| (low.min(*v), high.max(*v)));
        assert!(theory("min") <= low && high <= theory("max"), "{}: {low} to {high}", case["name"]);
        if case["kind"] != "Orthogonal" {
            assert!(high > 0.99 * theory("max"), "{}: {high} is far from the limit", case["name"]);
        }
    }
    Ok(())
}
