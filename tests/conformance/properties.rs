//! Properties of random networks (proptest), how a property becomes a row, and the layers that
//! properties draw.

use std::cell::Cell;
use std::fmt::Debug;

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;
use proptest::option::weighted;
use proptest::prelude::*;
use proptest::sample::select;
use proptest::test_runner::{Config as Settings, RngAlgorithm, TestRng, TestRunner};

use crate::built::Built;
use crate::common::{Numbers, bits};
use crate::layers::activations;
use crate::{Found, Row};

/// Networks that are drawn for each float type.
const NETWORKS: u32 = 1500;

pub fn rows() -> Vec<Row> {
    vec![
        Row::new("property: random networks, f32", random_networks::<f32>),
        Row::new("property: random networks, f64", random_networks::<f64>),
    ]
}

/// What a property says of a value: nothing, or what is wrong.
pub type Judgement = Result<(), TestCaseError>;

/// Tries a property on so many random values; the same every time.
pub fn holds<S>(cases: u32, strategy: S, property: impl Fn(S::Value) -> Judgement) -> Found
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

pub fn require(holds: bool, what: impl Into<String>) -> Judgement {
    if holds { Ok(()) } else { Err(TestCaseError::fail(what.into())) }
}

/// The value, or its error as what is wrong.
fn required<V, E: std::fmt::Display>(result: Result<V, E>) -> Result<V, TestCaseError> {
    result.map_err(|error| TestCaseError::fail(error.to_string()))
}

/// What layers are drawn with.
#[derive(Debug, Clone)]
pub struct Ranges {
    pub size: BoxedStrategy<usize>,
    pub number: BoxedStrategy<f64>,
    pub shape: BoxedStrategy<Shape>,
    pub activation: BoxedStrategy<Activation>,
}

/// A layer that has weights, with these options.
macro_rules! weighed {
    ($layer:expr, $options:expr) => {{
        let (activation, (bias, initializer, regularizer)) = $options;
        let mut layer = $layer.activation(activation);
        if !bias {
            layer = layer.without_bias();
        }
        if let Some(initializer) = initializer {
            layer = layer.weight_initializer(initializer);
        }
        if let Some(regularizer) = regularizer {
            layer = layer.weight_regularizer(regularizer);
        }
        layer
    }};
}
/// Any built-in layer.
pub fn layer(ranges: &Ranges) -> impl Strategy<Value = Built> + use<> {
    let Ranges { size, number, shape, activation } = ranges;
    let (size, number, activation) = (|| size.clone(), || number.clone(), || activation.clone());
    let extent = || (size(), size());
    let padding = || select(vec![Padding::Same, Padding::Valid]);
    let weights = || (activation(), weights(number().boxed()));
    prop_oneof![
        (size(), weights()).prop_map(|(units, options)| Built::new(weighed!(Dense::new(units), options))),
        (size(), extent(), extent(), extent(), padding(), weights()).prop_map(
            |(filters, kernel, stride, dilation, padding, options)| {
                let layer = Conv2D::new(filters, kernel).stride(stride).dilation(dilation).padding(padding);
                Built::new(weighed!(layer, options))
            }
        ),
        (size(), extent(), extent(), padding(), weights()).prop_map(|(filters, kernel, stride, padding, options)| {
            Built::new(weighed!(Conv2DTranspose::new(filters, kernel).stride(stride).padding(padding), options))
        }),
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
        shape.clone().prop_map(|shape| Built::new(Reshape::new(shape))),
        (extent(), extent()).prop_map(|((a, b), (c, d))| Built::new(Pad::new(a, b, c, d))),
        (extent(), extent()).prop_map(|((a, b), (c, d))| Built::new(Crop::new(a, b, c, d))),
        number().prop_map(|rate| Built::new(Dropout::new(rate))),
        number().prop_map(|deviation| Built::new(GaussianNoise::new(deviation))),
        (number(), number())
            .prop_map(|(momentum, epsilon)| Built::new(BatchNorm::new().momentum(momentum).epsilon(epsilon))),
        number().prop_map(|weight| Built::new(L1Activity::new(weight))),
        (number(), number()).prop_map(|(rate, weight)| Built::new(TargetRate::new(rate, weight))),
        (size(), number()).prop_map(|(k, factor)| Built::new(TopK::new(k).inference_factor(factor))),
        (number(), number(), warm_up(number().boxed())).prop_map(|(beta, bits, warm_up)| {
            Built::new(GaussianLatent::new().beta(beta).free_bits(bits).warm_up(warm_up))
        }),
    ]
}

/// Whether there is a bias, how weights begin and what is asked of them.
type Weights = (bool, Option<Initializer>, Option<Regularizer>);

fn weights(number: BoxedStrategy<f64>) -> impl Strategy<Value = Weights> {
    let regularizer = (number.clone(), number.clone()).prop_map(|(l1, l2)| Regularizer::l1_l2(l1, l2));
    (any::<bool>(), weighted(0.3, initializer(number)), weighted(0.2, regularizer))
}

pub fn initializer(number: BoxedStrategy<f64>) -> impl Strategy<Value = Initializer> {
    let plain = [
        Initializer::Zeros,
        Initializer::GlorotUniform,
        Initializer::GlorotNormal,
        Initializer::HeUniform,
        Initializer::HeNormal,
        Initializer::LecunUniform,
        Initializer::LecunNormal,
    ];
    let of_number: [fn(f64) -> Initializer; 5] = [
        Initializer::Constant,
        Initializer::Normal,
        Initializer::TruncatedNormal,
        Initializer::Uniform,
        Initializer::Orthogonal,
    ];
    prop_oneof![select(plain.to_vec()), (select(of_number.to_vec()), number).prop_map(|(make, number)| make(number))]
}

pub fn warm_up(number: BoxedStrategy<f64>) -> impl Strategy<Value = KlAnnealing> {
    prop_oneof![
        Just(KlAnnealing::None),
        number.clone().prop_map(|epochs| KlAnnealing::Linear { epochs }),
        (number.clone(), number).prop_map(|(epochs, rise)| KlAnnealing::Cyclic { epochs, rise }),
    ]
}

pub fn activation() -> impl Strategy<Value = Activation> {
    select(activations().into_iter().map(|(_, activation)| activation).collect::<Vec<_>>())
}

/// Sizes and options that mostly make sense.
fn sensible() -> Ranges {
    Ranges {
        size: prop_oneof![1 => Just(0_usize), 12 => 1_usize..4, 1 => 4_usize..9].boxed(),
        number: (-0.1_f64..1.1).boxed(),
        shape: (1_usize..5, 1_usize..5, 1_usize..4).prop_map(|(a, b, c)| Shape::image(a, b, c)).boxed(),
        activation: activation().boxed(),
    }
}

/// A network: the shape of its samples, and up to eight layers. Those that do not fit are left out,
/// but for a few.
fn networks() -> impl Strategy<Value = (Shape, Vec<Built>)> {
    /// Elements of a sample, anywhere in a network.
    const MOST: usize = 4000;
    let image = (1_usize..8, 1_usize..8, 1_usize..4);
    let shape = prop_oneof![
        1 => (1_usize..20).prop_map(Shape::flat),
        1 => (1_usize..5, 1_usize..5).prop_map(|(steps, features)| Shape::sequence(steps, features)),
        2 => image.prop_map(|(height, width, channels)| Shape::image(height, width, channels)),
    ];
    let kept = prop_oneof![15 => Just(false), 1 => Just(true)];
    let layers = proptest::collection::vec((layer(&sensible()), kept), 1..=8);
    (shape, layers).prop_map(|(input, drawn)| {
        let (mut shape, mut layers) = (input, Vec::new());
        for (layer, kept) in drawn {
            let plan = layer.plan(shape, &[]).ok().filter(|plan| plan.output().elements() <= MOST);
            match plan {
                Some(plan) => (shape, _) = (plan.output(), layers.push(layer)),
                None if kept && layer.plan(shape, &[]).is_err() => layers.push(layer),
                None => {}
            }
        }
        (input, layers)
    })
}

fn random_networks<T: Scalar>() -> Found
where
    Built: Layer<T>,
{
    let [built, trained] = [Cell::new(0), Cell::new(0)];
    let count = |counter: &Cell<u32>, happened: bool| counter.set(counter.get() + u32::from(happened));
    let mut found = holds(NETWORKS, networks(), |network| {
        let fate = builds_or_says_why::<T>(network)?;
        count(&built, fate != Fate::Refused);
        count(&trained, fate == Fate::Trained);
        Ok(())
    });
    let [built, trained] = [built.get(), trained.get()];
    found.line += &format!(", {built} built, {trained} trained");
    found.failed |= built < NETWORKS / 2 || trained < NETWORKS / 3;
    found
}

/// What has become of a network, where all is as it should be.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    /// It could not be built.
    Refused,
    /// It could not be trained: a loss was not finite.
    Built,
    Trained,
}

/// Builds or fails with an error; what is built trains a step, saves, loads and agrees.
fn builds_or_says_why<T: Scalar>((input, layers): (Shape, Vec<Built>)) -> Result<Fate, TestCaseError>
where
    Built: Layer<T>,
{
    let builder = layers.into_iter().fold(Network::<T>::builder(input), |builder, layer| builder.layer(layer));
    let mut network = match builder.build() {
        Ok(network) => network,
        Err(error) => {
            let named = error.layer().starts_with("layers.") || *error.kind() == BuildErrorKind::NoLayers;
            require(!error.to_string().is_empty() && named, error.to_string())?;
            return Ok(Fate::Refused);
        }
    };
    let samples = 9;
    let mut random = Numbers::new(3);
    let inputs: DMatrix<T> = random.matrix(input.elements(), samples);
    let targets: DMatrix<T> = random.matrix(network.output_shape().elements(), samples);
    let mut trainer = Trainer::new(Mse.reduction(Reduction::SumPerSample), Sgd::new(1e-4)).batch_size(5);
    let step = trainer.fit_to(&mut network, &inputs, &targets);
    if let Err(error) = &step {
        require(!error.to_string().is_empty(), "an error without words")?;
    }
    let state = network.state().flat_map(|state| state.values.to_vec());
    let mut numbers = network.parameter_vector().iter().copied().chain(state);
    require(numbers.all(|value| value.is_finite()), "a parameter or a number of the state is not finite")?;
    saves_and_loads(&network, &inputs)?;
    Ok(if step.is_ok() { Fate::Trained } else { Fate::Built })
}

/// The same network, bit for bit, after a file; and a sample has the same outputs alone.
fn saves_and_loads<T: Scalar>(network: &Network<T>, inputs: &DMatrix<T>) -> Judgement {
    let mut bytes = Vec::new();
    required(network.write_to(&mut bytes))?;
    let loaded = required(Network::<T>::from_bytes(&bytes))?;
    let (one, other) = (required(network.predict(inputs))?, required(loaded.predict(inputs))?);
    require(one.shape() == (network.output_shape().elements(), inputs.ncols()), "outputs of another shape")?;
    require(bits(one.as_slice()) == bits(other.as_slice()), "a loaded network gives other bits")?;
    let alone = required(network.predict(&inputs.columns(4, 1)))?;
    require(bits(alone.as_slice()) == bits(one.column(4).as_slice()), "a sample alone gives other bits")
}
