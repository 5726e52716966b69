//! Properties of random networks and of random garbage (proptest).

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
    vec![
        Row::new("property: random networks", || holds(1500, networks(), builds_or_says_why)),
        Row::new("property: options of layers", || holds(4000, (any_shape(), garbage_layer()), planned)),
        Row::new("property: options of training", || holds(600, options(), trains_or_says_why)),
        Row::new("property: numbers in batches", || holds(600, batch(), infers_or_says_why)),
        Row::new("property: lengths of slices", || holds(2000, lengths(), slices_fit_or_not)),
        Row::new("property: bytes of files", || holds(2000, damage(), loads_or_says_why)),
    ]
}

/// Tries a property on so many random values; the same every time.
fn holds<S>(cases: u32, strategy: S, property: impl Fn(S::Value) -> Result<(), TestCaseError>) -> Found
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

fn require(holds: bool, what: impl Into<String>) -> Result<(), TestCaseError> {
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

fn activation() -> impl Strategy<Value = Activation> {
    select(activations().into_iter().map(|(_, activation)| activation).collect::<Vec<_>>())
}

fn padding() -> impl Strategy<Value = Padding> {
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

/// Numbers that nobody means.
fn number() -> impl Strategy<Value = f64> {
    let odd = [0.0, -0.0, 1.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e308, -1e308, 1e-310, 1e-45, 2.0];
    prop_oneof![select(odd.to_vec()), -3.0..3.0_f64]
}

/// Sizes that nobody means.
fn count() -> impl Strategy<Value = usize> {
    select(vec![0, 1, 2, 3, 7, 1 << 16, MAX_ELEMENTS, MAX_ELEMENTS + 1, usize::MAX / 2, usize::MAX - 1, usize::MAX])
}

fn any_shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        count().prop_map(Shape::flat),
        (count(), count()).prop_map(|(a, b)| Shape::sequence(a, b)),
        (count(), count(), count()).prop_map(|(a, b, c)| Shape::image(a, b, c)),
        proptest::collection::vec(count(), 0..7).prop_map(|all| Shape::new(&all).unwrap_or(Shape::flat(0))),
    ]
}

fn pair() -> impl Strategy<Value = (usize, usize)> {
    (count(), count())
}

fn any_activation() -> impl Strategy<Value = Activation> {
    prop_oneof![
        activation(),
        number().prop_map(|slope| Activation::LeakyRelu { slope }),
        number().prop_map(|alpha| Activation::Elu { alpha }),
    ]
}

fn garbage_layer() -> impl Strategy<Value = Built> {
    let regularizer = || (number(), number()).prop_map(|(l1, l2)| Regularizer::l1_l2(l1, l2));
    prop_oneof![
        (count(), any_activation(), regularizer()).prop_map(|(units, activation, regularizer)| {
            Built::new(Dense::new(units).activation(activation).weight_regularizer(regularizer))
        }),
        (count(), pair(), pair(), pair(), padding(), regularizer()).prop_map(
            |(filters, kernel, stride, dilation, padding, regularizer)| {
                let layer = Conv2D::new(filters, kernel).stride(stride).dilation(dilation).padding(padding);
                Built::new(layer.weight_regularizer(regularizer))
            }
        ),
        (count(), pair(), pair(), padding()).prop_map(|(filters, kernel, stride, padding)| {
            Built::new(Conv2DTranspose::new(filters, kernel).stride(stride).padding(padding))
        }),
        (pair(), pair(), padding())
            .prop_map(|(window, stride, padding)| Built::new(MaxPool::new(window).stride(stride).padding(padding))),
        (pair(), pair(), padding())
            .prop_map(|(window, stride, padding)| Built::new(AvgPool::new(window).stride(stride).padding(padding))),
        (pair(), any::<bool>()).prop_map(|(factor, bilinear)| {
            let interpolation = if bilinear { Interpolation::Bilinear } else { Interpolation::Nearest };
            Built::new(UpSample::new(factor).interpolation(interpolation))
        }),
        any_activation().prop_map(Built::new),
        any_shape().prop_map(|shape| Built::new(Reshape::new(shape))),
        (pair(), pair()).prop_map(|((a, b), (c, d))| Built::new(Pad::new(a, b, c, d))),
        (pair(), pair()).prop_map(|((a, b), (c, d))| Built::new(Crop::new(a, b, c, d))),
        number().prop_map(|rate| Built::new(Dropout::new(rate))),
        number().prop_map(|deviation| Built::new(GaussianNoise::new(deviation))),
        (number(), number())
            .prop_map(|(momentum, epsilon)| Built::new(BatchNorm::new().momentum(momentum).epsilon(epsilon))),
        number().prop_map(|weight| Built::new(L1Activity::new(weight))),
        (number(), number()).prop_map(|(rate, weight)| Built::new(TargetRate::new(rate, weight))),
        (count(), number()).prop_map(|(k, factor)| Built::new(TopK::new(k).inference_factor(factor))),
        (number(), number(), number(), number()).prop_map(|(beta, bits, epochs, rise)| {
            let warm_up = KlWarmUp::Cyclic { epochs, rise };
            Built::new(GaussianLatent::new().beta(beta).free_bits(bits).warm_up(warm_up))
        }),
    ]
}

/// A plan and a mirror image for whatever shape and options; a network where it is small, and then a file of it.
fn planned((shape, layer): (Shape, Built)) -> Result<(), TestCaseError> {
    let _ = (shape.checked(), shape.to_string(), shape.channels(), shape.as_image());
    let single: &dyn Layer<f32> = &layer;
    let plan = single.plan(shape);
    let _ = layer.plan(shape);
    let _ = single.mirror(shape, Activation::Tanh);
    let _ = single.tied_mirror("encoder.0", shape, Activation::Tanh);
    let _ = single.behind_repetition(shape, [2, usize::MAX]);
    let small = shape.elements() <= 1 << 17 && plan.is_ok_and(|plan| plan.output().elements() <= 64);
    if shape.checked().is_ok() && !small {
        return Ok(());
    }
    if let Ok(network) = Network::<f32>::builder(shape).layer(layer).build() {
        let mut bytes = Vec::new();
        let written = network.write_to(&mut bytes).is_ok();
        require(!written || Network::<f32>::from_bytes(&bytes).is_ok(), "what was saved cannot be loaded")?;
    }
    Ok(())
}

/// Options of a training.
#[derive(Debug, Clone)]
struct Options {
    numbers: [f64; 6],
    sizes: [usize; 3],
    kind: usize,
    flags: [bool; 4],
}

fn options() -> impl Strategy<Value = Options> {
    let numbers = proptest::array::uniform6(number());
    let sizes = (count(), 0_usize..5, 0_usize..3).prop_map(|(a, b, c)| [a, b, c]);
    (numbers, sizes, 0_usize..6, proptest::array::uniform4(any::<bool>()))
        .prop_map(|(numbers, sizes, kind, flags)| Options { numbers, sizes, kind, flags })
}

fn small() -> Network<f64> {
    Network::builder(Shape::flat(3))
        .layer(Dense::new(4).activation(Activation::Tanh))
        .layer(Dense::new(2).activation(Activation::Sigmoid))
        .build()
        .expect("a network")
}

/// Whatever the options, the model stays finite; what goes wrong is an error.
fn trains_or_says_why(options: Options) -> Result<(), TestCaseError> {
    let [a, b, c, d, e, f] = options.numbers;
    let [size, patience, epochs] = options.sizes;
    let loss: Box<dyn Loss<f64>> = match options.kind {
        0 => Box::new(Mse),
        1 => Box::new(Mae),
        2 => Box::new(Huber::new(a)),
        3 => Box::new(GaussianNll::new(a)),
        4 => Box::new(CategoricalCrossEntropy),
        _ => Box::new(Bce),
    };
    let optimizer: Box<dyn Optimizer<f64>> = match options.kind {
        0 => Box::new(Sgd::new(b).momentum(c).nesterov(options.flags[0])),
        1 => Box::new(RmsProp::new(b).rho(c).momentum(d).epsilon(e).centered(options.flags[0])),
        2 => Box::new(AdamW::new(b).betas(c, d).epsilon(e).weight_decay(a)),
        _ => Box::new(Adam::new(b).betas(c, d).epsilon(e)),
    };
    let (_, _) = (loss.check(), optimizer.check());
    let mut random = Numbers::new(1);
    let (inputs, targets): (DMatrix<f64>, DMatrix<f64>) = (random.matrix(3, 11), random.matrix(2, 11));
    let mut trainer = Trainer::new(loss, optimizer).batch_size(size).epochs(epochs).validation_fraction(f);
    if options.flags[1] {
        trainer = trainer.early_stopping(EarlyStopping::new(patience).min_delta(d)).clip(Clip::Norm(e));
    }
    if options.flags[2] {
        trainer =
            trainer.schedule(WarmUp::new(a, Exponential::new(c).every(d)).from(e)).corrupt(Masking::new(f).value(a));
    }
    if options.flags[3] {
        trainer = trainer.schedule(OnPlateau::new(patience).times(a).floor(b)).corrupt(GaussianCorruption::new(c));
    }
    let mut network = small();
    if let Err(error) = trainer.fit_to(&mut network, &inputs, &targets) {
        require(!error.to_string().is_empty(), "an error without words")?;
    }
    require(network.parameter_vector().iter().all(|value| value.is_finite()), "a parameter is not finite")
}

/// A batch with odd numbers, of some size.
fn batch() -> impl Strategy<Value = (usize, Vec<f64>)> {
    (0_usize..6).prop_flat_map(|rows| (Just(rows), proptest::collection::vec(number(), 0..40)))
}

/// Inference, scalers, evaluation and sampling on numbers that may be anything.
fn infers_or_says_why((rows, mut values): (usize, Vec<f64>)) -> Result<(), TestCaseError> {
    let columns = values.len().checked_div(rows).unwrap_or(values.len());
    values.truncate(rows * columns);
    let finite = values.iter().all(|value| value.is_finite());
    let data = DMatrix::from_vec(rows, columns, values.clone());
    let network = small();
    let predicted = network.predict(&data);
    require(predicted.is_err() || rows == 3 && finite, "bad input is taken")?;
    let _ = (network.activations("layers.0", &data), network.activations("", &data), network.workspace(columns));
    let _ = (network.evaluate(&Mse, &data), network.evaluate_to(&Bce, &data, &data), Batch::from_slice(&values, rows));
    let _ = network.evaluate_metric(Accuracy, &data, &data);
    let (standard, range) = (StandardScaler::fit(&data), MinMaxScaler::fit(&data));
    for scaler in [standard, range].into_iter().flatten() {
        require(scaler.scale().iter().chain(scaler.shift()).all(|value| value.is_finite()), "a scaler is not finite")?;
        let scaled = Network::<f64>::builder(Shape::flat(rows)).layer(Dense::new(2)).scaler(scaler).build();
        let _ = scaled.map(|network| network.predict(&data));
    }
    let _ = Scaler::new(values.clone(), values.clone());
    let model = Autoencoder::<f64>::builder(Shape::flat(3)).encoder(Dense::new(2)).mirror(Activation::Tanh).build();
    let model = model.expect("a model");
    let _ = (model.encode(&data), model.decode(&data), model.reconstruct(&data), model.reconstruction_error(&data));
    let _ = (model.reconstruction_error_per_feature(&data), model.activity(&data), model.sample(columns, 1));
    let _ = (model.interpolate(&values, &values, columns), model.interpolate_spherical(&values, &values, columns));
    let _ = (model.elbo(&Mse, &data, columns, 1), model.log_likelihood(&Mse, &data, columns, 1));
    let mut network = network;
    let _ = network.set_parameter("layers.0.bias", &values);
    require(network.parameter_vector().iter().all(|value| value.is_finite()), "a parameter is not finite")
}

/// Lengths of predictions, targets, gradients and a cache; features; a scale.
fn lengths() -> impl Strategy<Value = ([usize; 4], usize, f64, usize)> {
    (proptest::array::uniform4(0_usize..9), 0_usize..5, number(), 0_usize..6)
}

/// Losses, activations and optimizers on slices that may not fit.
fn slices_fit_or_not(
    ([a, b, c, d], features, number, kind): ([usize; 4], usize, f64, usize),
) -> Result<(), TestCaseError> {
    let (predictions, targets) = (vec![number; a], vec![0.5; b]);
    let (mut gradient, mut cache) = (vec![number; c], vec![number; d]);
    let loss: Box<dyn Loss<f64>> = match kind {
        0 => Box::new(Mse),
        1 => Box::new(Mae),
        2 => Box::new(Huber::new(number)),
        3 => Box::new(GaussianNll::new(number)),
        4 => Box::new(CategoricalCrossEntropy),
        _ => Box::new(Bce),
    };
    for linked in [false, true] {
        if let Ok(pass) = LossPass::new(Shape::flat(features), &predictions, &targets) {
            loss.evaluate(pass.linked(linked));
        }
        let pass = LossPass::new(Shape::flat(features), &predictions, &targets);
        if let Ok(pass) = pass.and_then(|pass| pass.linked(linked).gradient(number, &mut gradient)) {
            loss.evaluate(pass);
        }
    }
    loss.unsuitable_target(&targets);
    for (_, activation) in activations() {
        activation.forward(features, &mut gradient, &mut cache);
        activation.backward(features, &predictions, &cache, &mut gradient);
    }
    let mut parameters = vec![number; a];
    let (mut one, mut two, mut three) = (vec![0.0; b], vec![0.0; c], vec![0.0; d]);
    for optimizer in [
        Box::new(Sgd::new(number).momentum(0.5)) as Box<dyn Optimizer<f64>>,
        Box::new(Adam::default()),
        Box::new(RmsProp::new(0.1).momentum(0.5).centered(true)),
    ] {
        let slots: [&mut [f64]; MAX_SLOTS] = [&mut one, &mut two, &mut three, &mut []];
        if let Ok(update) = Update::new(&*optimizer, d as u64, number, &mut parameters, &gradient, slots) {
            optimizer.update(update);
        }
    }
    Ok(())
}

/// Bytes to be changed in a model's file, and where it ends.
fn damage() -> impl Strategy<Value = (Vec<(usize, u8)>, Option<usize>)> {
    (proptest::collection::vec((0_usize..3000, any::<u8>()), 0..6), proptest::option::of(0_usize..3000))
}

/// A damaged file is an error, or the model it was.
fn loads_or_says_why((changes, end): (Vec<(usize, u8)>, Option<usize>)) -> Result<(), TestCaseError> {
    let mut bytes = Vec::new();
    small().write_to(&mut bytes).expect("bytes");
    let original = bytes.clone();
    for (place, byte) in changes {
        let length = bytes.len();
        bytes[place % length] = byte;
    }
    bytes.truncate(end.unwrap_or(usize::MAX));
    match Network::<f64>::from_bytes(&bytes) {
        Ok(_) => require(bytes == original, "damaged bytes were loaded"),
        Err(error) => require(!error.to_string().is_empty(), "an error without words"),
    }
}
