//! Random garbage into public functions: empty, zero, huge, NaN, infinities, lengths that do not fit. Nothing panics, nothing takes more memory than
//! [`BOUND`], and a model that was given garbage is as it was.

use autoencoder::data::idx;
use autoencoder::nalgebra::DMatrix;
use autoencoder::*;
use proptest::prelude::*;
use proptest::sample::select;

use crate::built::Built;
use crate::common::{Numbers, bits};
use crate::layers::activations;
use crate::properties::{activation, holds, padding, require};
use crate::{Found, Row, heap};

/// The most memory that a call may take besides what it is asked to return, in bytes.
const BOUND: usize = 8 << 20;

pub fn rows() -> Vec<Row> {
    vec![
        row("options of layers", || holds(4000, (any_shape(), garbage_layer()), planned)),
        row("options of training", || holds(600, options(), trains_or_says_why)),
        row("numbers in batches", || holds(600, batch(), infers_or_says_why)),
        row("codes", || holds(400, codes(), decodes_or_says_why)),
        row("tapes", || holds(400, lengths(), steps_or_says_why)),
        row("lengths of slices", || holds(2000, lengths(), slices_fit_or_not)),
        row("schedules", || holds(2000, moments(), schedules_or_says_why)),
        row("sources", || holds(400, sources(), reads_or_says_why)),
        row("settings", || holds(2000, settings(), configures_or_says_why)),
        row("bytes of model files", || holds(2000, damage(), loads_or_says_why)),
        row("bytes of IDX files", || holds(300, idx_file(), reads_idx_or_says_why)),
    ]
}

/// A row that runs alone, so that its memory can be told.
fn row(what: &str, property: impl Fn() -> Found + Send + Sync + 'static) -> Row {
    let measured = move || {
        let (mut found, peak) = heap::peak(&property);
        found.failed |= peak > BOUND;
        found.line += &format!(", {:.1} MiB at most", peak as f64 / f64::from(1 << 20));
        found
    };
    Row::new(format!("garbage: {what}"), measured).alone()
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

/// A code of some length, a dimension of it, and how much is asked for.
fn codes() -> impl Strategy<Value = (Vec<f64>, usize, usize, [f64; 2])> {
    let asked = select(vec![0, 1, 2, 7, 1 << 12, MAX_ELEMENTS + 1, usize::MAX / 2, usize::MAX]);
    (proptest::collection::vec(number(), 0..5), count(), asked, [number(), number()])
}

fn variational() -> Result<Autoencoder<f64>, BuildError> {
    Autoencoder::builder(Shape::flat(3))
        .encoder(Dense::new(4))
        .encoder(GaussianLatent::new())
        .decoder(Dense::new(3).activation(Activation::Sigmoid))
        .build()
}

/// What a variational model does with codes, and with samples that may be none.
fn decodes_or_says_why(
    (code, dimension, asked, [start, end]): (Vec<f64>, usize, usize, [f64; 2]),
) -> Result<(), TestCaseError> {
    let model = variational().expect("a model");
    let samples = DMatrix::from_vec(code.len(), 1, code.clone());
    let draws = asked.min(9);
    let _ = (model.sample(asked, 7), model.traverse(&code, dimension, start..=end, asked));
    let _ = (model.interpolate(&code, &code, asked), model.interpolate_spherical(&code, &[start, end], asked));
    let _ = (model.elbo(&Bce, &samples, draws, 1), model.log_likelihood(&Bce, &samples, draws, 1));
    let _ = (model.latent_report(&samples), model.network().workspace(asked.min(1 << 12)));
    if let Ok(posterior) = model.encode_distribution(&samples) {
        require(posterior.draw(1).iter().all(|value| value.is_finite()), "a draw is not finite")?;
        let _ = (posterior.variance(), posterior.kl());
    }
    let mut small = model.workspace(1).expect("a workspace");
    let two = DMatrix::from_element(code.len(), 2, start);
    let _ = (model.encode_with(&mut small, &two).is_ok(), model.decode_with(&mut small, &two).is_ok());
    let _ = (small.capacity(), model.encoder().predict_with(&mut small, &two).is_ok());
    Ok(())
}

/// The passes by hand, with tapes of other networks and vectors of other lengths.
fn steps_or_says_why(
    ([a, b, c, samples], features, number, kind): ([usize; 4], usize, f64, usize),
) -> Result<(), TestCaseError> {
    let mut network = small();
    let other = Network::<f64>::builder(Shape::flat(3)).layer(Dense::new(5)).build().expect("a network");
    let Ok(mut tape) = (if kind == 0 { &other } else { &network }).tape_with_input_gradient(b) else { return Ok(()) };
    tape.set_epoch(number);
    let input = DMatrix::from_element(features, samples, number);
    let _ = network.forward(&mut tape, &input, None, c).is_ok();
    let (output_gradient, mut gradients) = (vec![number; a * samples], vec![0.0; 16 + 10 * (c % 2)]);
    let _ = network.backward(&mut tape, &output_gradient, &mut gradients);
    let _ = (tape.input_gradient().len(), tape.penalties().count(), tape.figures().count(), tape.capacity());
    network.update_state(&tape);
    let before = bits(network.parameter_vector());
    let changed = network.update_parameters(|parameters| parameters.fill(number));
    let same = bits(network.parameter_vector()) == before;
    require(changed.is_ok() == number.is_finite() && (changed.is_ok() || same), "a bad update has changed the model")?;
    let _ = (network.freeze(""), network.unfreeze("layers"), network.freeze("nothing"), network.parameter("").is_ok());
    Ok(())
}

/// A moment of a training, and three numbers.
fn moments() -> impl Strategy<Value = (u64, usize, usize, Vec<f64>, [f64; 3])> {
    let losses = proptest::collection::vec(number(), 0..9);
    (any::<u64>(), count(), count(), losses, [number(), number(), number()])
}

/// A schedule whose options are accepted gives a finite factor, at least zero, at any moment.
fn schedules_or_says_why(
    (step, steps, epochs, losses, [a, b, c]): (u64, usize, usize, Vec<f64>, [f64; 3]),
) -> Result<(), TestCaseError> {
    let moment = Moment::new(step, steps, epochs, &losses);
    let schedules: [Box<dyn Schedule>; 5] = [
        Box::new(Constant),
        Box::new(Exponential::new(a).every(b).staircase(c > 0.0)),
        Box::new(Cosine::new().over(a).floor(b)),
        Box::new(OnPlateau::new(steps).times(a).min_delta(b).cooldown(epochs).floor(c)),
        Box::new(WarmUp::new(a, Cosine::new()).from(b)),
    ];
    for schedule in schedules {
        let factor = schedule.factor(&moment);
        let accepted = schedule.check().is_ok();
        require(
            !accepted || factor.is_finite() && factor >= 0.0,
            format!("{schedule:?} gives {factor} at {moment:?}"),
        )?;
    }
    Ok(())
}

/// Rows, values, samples asked for, and two options.
fn sources() -> impl Strategy<Value = (usize, Vec<f64>, [usize; 2], [f64; 2])> {
    let values = proptest::collection::vec(number(), 0..30);
    (0_usize..5, values, [count(), count()], [number(), number()])
}

/// Matrices, parts of them and corruptions, asked for what they have not.
fn reads_or_says_why(
    (rows, mut values, [a, b], [x, y]): (usize, Vec<f64>, [usize; 2], [f64; 2]),
) -> Result<(), TestCaseError> {
    let columns = values.len().checked_div(rows).unwrap_or(0);
    values.truncate(rows * columns);
    let data = DMatrix::from_vec(rows, columns, values);
    let mut batch = vec![0.0; b % 17];
    let numbers = [a, b, 0];
    let mut ask = |source: &dyn Source<f64>| {
        let _ = (source.read(&numbers, &mut batch), source.value(a, b), source.value(0, b));
        let _ = (source.read(&[0], &mut batch), source.len(), source.features());
    };
    ask(&data);
    if let Ok(subset) = Subset::new(&data, a..b) {
        ask(&subset);
    }
    if let Ok(subset) = Subset::new(&data, 0..columns.min(a)) {
        ask(&subset);
    }
    let corruptions: [&dyn Corruption<f64>; 4] = [
        &GaussianCorruption::new(x).clip(x, y),
        &Masking::new(x).value(y),
        &SaltAndPepper::new(x).between(x, y),
        &Swap::new(x),
    ];
    for corruption in corruptions {
        if let Ok(corrupted) = Corrupted::new(&data, corruption) {
            ask(&corrupted.seed(a as u64));
        }
    }
    Ok(())
}

/// Entries of a layer's configuration: some of the names that layers know, with any values.
fn settings() -> impl Strategy<Value = (Vec<(usize, Value)>, usize)> {
    let leaf = prop_oneof![
        number().prop_map(Value::Number),
        count().prop_map(Value::from),
        any::<bool>().prop_map(Value::Boolean),
        select(vec!["", "relu", "same", "valid", "glorot_uniform", "nearest"]).prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 8, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            (select(SETTINGS.to_vec()), inner).prop_map(|(name, value)| Value::Config(Config::new().with(name, value))),
        ]
    });
    (proptest::collection::vec((0..SETTINGS.len(), value), 0..5), 0..layers_by_name().len())
}

const SETTINGS: [&str; 12] = [
    "units",
    "filters",
    "kernel",
    "stride",
    "padding",
    "activation",
    "rate",
    "shape",
    "factor",
    "window",
    "weight",
    "kind",
];

type FromConfig = fn(&Config) -> Result<Built, ConfigError>;

/// What a file's settings are read with.
fn layers_by_name() -> [FromConfig; 17] {
    fn read<L: Layer<f32> + Layer<f64> + Clone + 'static>(layer: Result<L, ConfigError>) -> Result<Built, ConfigError> {
        layer.map(Built::new)
    }
    [
        |config| read(Activation::from_config(config)),
        |config| read(AvgPool::from_config(config)),
        |config| read(BatchNorm::from_config(config)),
        |config| read(Conv2D::from_config(config)),
        |config| read(Conv2DTranspose::from_config(config)),
        |config| read(Crop::from_config(config)),
        |config| read(Dense::from_config(config)),
        |config| read(Dropout::from_config(config)),
        |config| read(GaussianLatent::from_config(config)),
        |config| read(GaussianNoise::from_config(config)),
        |config| read(L1Activity::from_config(config)),
        |config| read(MaxPool::from_config(config)),
        |config| read(Pad::from_config(config)),
        |config| read(Reshape::from_config(config)),
        |config| read(TargetRate::from_config(config)),
        |config| read(TopK::from_config(config)),
        |config| read(UpSample::from_config(config)),
    ]
}

/// A layer from any settings: either they are refused, or the layer describes itself and plans.
fn configures_or_says_why((entries, layer): (Vec<(usize, Value)>, usize)) -> Result<(), TestCaseError> {
    let config = entries.into_iter().fold(Config::new(), |config, (name, value)| config.with(SETTINGS[name], value));
    for name in SETTINGS {
        let _ = (config.integer(name), config.number(name), config.boolean(name), config.text(name), config.list(name));
        let _ = (config.config(name), config.integers::<2>(name), config.find(name).map(Value::as_integer));
    }
    match layers_by_name()[layer](&config) {
        Ok(layer) => {
            let single: &dyn Layer<f32> = &layer;
            let _ = (single.config(), single.plan(Shape::image(3, 3, 1)), single.plan(Shape::flat(4)));
            Ok(())
        }
        Err(error) => require(!error.to_string().is_empty(), "an error without words"),
    }
}

/// The start of an IDX file with such dimensions, and some bytes.
fn idx_file() -> impl Strategy<Value = (u32, [u32; 3], Vec<u8>)> {
    let magic = prop_oneof![3 => Just(0x803_u32), 3 => Just(0x801), 1 => any::<u32>()];
    let size = || prop_oneof![0_u32..5, any::<u32>(), Just(u32::MAX)];
    (magic, [size(), size(), size()], proptest::collection::vec(any::<u8>(), 0..80))
}

fn reads_idx_or_says_why((magic, sizes, bytes): (u32, [u32; 3], Vec<u8>)) -> Result<(), TestCaseError> {
    let path = std::env::temp_dir().join(format!("autoencoder-garbage-{}.idx", std::process::id()));
    let header = std::iter::once(magic).chain(sizes).flat_map(u32::to_be_bytes);
    std::fs::write(&path, header.chain(bytes).collect::<Vec<u8>>()).expect("a file");
    let (images, labels) = (idx::read_images(&path), idx::read_labels(&path));
    std::fs::remove_file(&path).expect("the file");
    if let Ok(images) = images {
        let _ = (images.image(usize::MAX), images.image(0), Source::<f32>::value(&images, usize::MAX, usize::MAX));
        let _ = (images.to_matrix::<f32>(), images.shape(), images.split_at(usize::MAX));
    }
    if let Ok(labels) = labels {
        let _ = (labels.to_one_hot::<f32>(0), labels.to_one_hot::<f32>(10), labels.to_one_hot::<f32>(usize::MAX));
        let _ = (labels.count(), labels.split_at(usize::MAX));
    }
    Ok(())
}
