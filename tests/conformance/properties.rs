//! Properties of random networks (proptest), and how a property becomes a row.

use std::fmt::Debug;

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config as Settings, RngAlgorithm, TestRng, TestRunner};

use crate::built::Built;
use crate::common::{Numbers, bits};
use crate::layers::activations;
use crate::{Found, Row};

pub fn rows() -> Vec<Row> {
    vec![Row::new("property: random networks", || holds(1500, networks(), builds_or_says_why))]
}

/// Tries a property on so many random values; the same every time.
pub fn holds<S>(cases: u32, strategy: S, property: impl Fn(S::Value) -> Result<(), TestCaseError>) -> Found
where
    S: Strategy,
    S::Value: Debug,
{
    let settings = Settings { cases, failure_persistence: None, max_shrink_iters: 2000, ..Settings::default() };
    let mut runner = TestRunner::new_with_rng(settings, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    match runner.run(&strategy, property) {
        Ok(()) => Found { line: format!("{cases} cases"), details: String::new(), failed: false },
        Err(error) => Found { line: error.to_string(), details: String::new(), failed: true },
    }
}

pub fn require(holds: bool, what: impl Into<String>) -> Result<(), TestCaseError> {
    if holds { Ok(()) } else { Err(TestCaseError::fail(what.into())) }
}

/// A network: the shape of its samples, and up to eight layers.
fn networks() -> impl Strategy<Value = (Shape, Vec<Built>)> {
    let shape = prop_oneof![
        (1_usize..20).prop_map(Shape::flat),
        (1_usize..5, 1_usize..5).prop_map(|(steps, features)| Shape::sequence(steps, features)),
        (1_usize..8, 1_usize..8, 1_usize..4)
            .prop_map(|(height, width, channels)| Shape::image(height, width, channels)),
        (1_usize..8, 1_usize..8, 1_usize..4)
            .prop_map(|(height, width, channels)| Shape::image(height, width, channels)),
    ];
    (shape, proptest::collection::vec(layer(), 1..=8))
}

/// Sizes that mostly make sense.
fn size() -> impl Strategy<Value = usize> {
    prop_oneof![1 => Just(0_usize), 12 => 1_usize..4, 1 => 4_usize..9]
}

fn extent() -> impl Strategy<Value = (usize, usize)> {
    (size(), size())
}

pub fn activation() -> impl Strategy<Value = Activation> {
    select(activations().into_iter().map(|(_, activation)| activation).collect::<Vec<_>>())
}

pub fn padding() -> impl Strategy<Value = Padding> {
    select(vec![Padding::Same, Padding::Valid])
}

fn layer() -> impl Strategy<Value = Built> {
    let share = -0.1_f64..1.1;
    prop_oneof![
        (size(), activation(), any::<bool>()).prop_map(|(units, activation, bias)| {
            let layer = Dense::new(units).activation(activation);
            Built::new(if bias { layer } else { layer.without_bias() })
        }),
        (size(), extent(), extent(), padding(), activation()).prop_map(
            |(filters, kernel, stride, padding, activation)| {
                Built::new(Conv2D::new(filters, kernel).stride(stride).padding(padding).activation(activation))
            }
        ),
        (size(), extent(), extent(), padding(), activation()).prop_map(
            |(filters, kernel, stride, padding, activation)| {
                Built::new(Conv2DTranspose::new(filters, kernel).stride(stride).padding(padding).activation(activation))
            }
        ),
        (extent(), extent(), padding())
            .prop_map(|(window, stride, padding)| Built::new(MaxPool::new(window).stride(stride).padding(padding))),
        (extent(), extent(), padding())
            .prop_map(|(window, stride, padding)| Built::new(AvgPool::new(window).stride(stride).padding(padding))),
        (extent(), any::<bool>()).prop_map(|(factor, bilinear)| {
            let interpolation = if bilinear { Interpolation::Bilinear } else { Interpolation::Nearest };
            Built::new(UpSample::new(factor).interpolation(interpolation))
        }),
        activation().prop_map(Built::new),
        Just(Built::new(Flatten)),
        (1_usize..5, 1_usize..5, 1_usize..4).prop_map(|(a, b, c)| Built::new(Reshape::new(Shape::image(a, b, c)))),
        (size(), size(), size(), size()).prop_map(|(a, b, c, d)| Built::new(Pad::new(a, b, c, d))),
        (size(), size()).prop_map(|(a, b)| Built::new(Crop::new(a, 0, b, 0))),
        share.clone().prop_map(|rate| Built::new(Dropout::new(rate))),
        share.clone().prop_map(|deviation| Built::new(GaussianNoise::new(deviation))),
        share.clone().prop_map(|momentum| Built::new(BatchNorm::new().momentum(momentum))),
        share.clone().prop_map(|weight| Built::new(L1Activity::new(weight))),
        (share.clone(), share.clone()).prop_map(|(rate, weight)| Built::new(TargetRate::new(rate, weight))),
        size().prop_map(|k| Built::new(TopK::new(k))),
        (share.clone(), share).prop_map(|(beta, bits)| Built::new(GaussianLatent::new().beta(beta).free_bits(bits))),
    ]
}

/// Builds or fails with an error; what is built trains a step, saves, loads and agrees.
fn builds_or_says_why((input, layers): (Shape, Vec<Built>)) -> Result<(), TestCaseError> {
    const MOST: usize = 4000;
    let mut shape = input;
    for layer in &layers {
        match layer.plan(shape) {
            Ok(plan) if plan.output().elements() <= MOST => shape = plan.output(),
            Ok(_) => return Ok(()), // too large to be tried
            Err(_) => break,
        }
    }
    let builder = layers.into_iter().fold(Network::<f32>::builder(input), |builder, layer| builder.layer(layer));
    let mut network = match builder.build() {
        Ok(network) => network,
        Err(error) => {
            return require(!error.to_string().is_empty() && error.layer().starts_with("layers."), error.to_string());
        }
    };
    let samples = 9;
    let mut random = Numbers::new(3);
    let inputs: DMatrix<f32> = random.matrix(input.elements(), samples);
    let targets: DMatrix<f32> = random.matrix(network.output_shape().elements(), samples);
    let step = Trainer::new(Mse.reduction(Reduction::SumPerSample), Sgd::new(1e-4)).batch_size(5).fit_to(
        &mut network,
        &inputs,
        &targets,
    );
    if let Err(error) = step {
        require(!error.to_string().is_empty(), "an error without words")?;
    }
    let finite = |network: &Network<f32>| {
        let state = network.state().flat_map(|state| state.values.to_vec());
        network.parameter_vector().iter().copied().chain(state).all(f32::is_finite)
    };
    require(finite(&network), "a parameter or a number of the state is not finite")?;
    let mut bytes = Vec::new();
    network.write_to(&mut bytes).map_err(|error| TestCaseError::fail(error.to_string()))?;
    let loaded = Network::<f32>::from_bytes(&bytes).map_err(|error| TestCaseError::fail(error.to_string()))?;
    let outputs =
        |network: &Network<f32>| network.predict(&inputs).map_err(|error| TestCaseError::fail(error.to_string()));
    let (one, other) = (outputs(&network)?, outputs(&loaded)?);
    require(one.shape() == (network.output_shape().elements(), samples), "outputs of another shape")?;
    require(bits(one.as_slice()) == bits(other.as_slice()), "a loaded network gives other bits")?;
    let alone = network.predict(&inputs.columns(4, 1)).map_err(|error| TestCaseError::fail(error.to_string()))?;
    require(bits(alone.as_slice()) == bits(one.column(4).as_slice()), "a sample alone gives other bits")
}
