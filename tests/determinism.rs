//! The same bits for any number of threads, from run to run, and for any number of users at a time;
//! and the bits of this version, so that a change of them is noticed.
//!
//! ```text
//! AUTOENCODER_STEPS=50 AUTOENCODER_BATCH=256 cargo test --test determinism -- --nocapture
//! ```

mod common;

use std::process::Command;

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;
use common::{Numbers, Outcome, bits};

type Layers<T> = fn(AutoencoderBuilder<T>) -> AutoencoderBuilder<T>;

const RELU: Activation = Activation::Relu;

fn dense<T: Scalar>(builder: AutoencoderBuilder<T>) -> AutoencoderBuilder<T> {
    builder.encoder(Dense::new(32).activation(RELU)).decoder(Dense::new(784).activation(Activation::Sigmoid))
}

fn deep<T: Scalar>(builder: AutoencoderBuilder<T>) -> AutoencoderBuilder<T> {
    let relu = |units| Dense::new(units).activation(RELU);
    builder.encoder(relu(128)).encoder(relu(64)).encoder(relu(32)).mirror(Activation::Sigmoid)
}

fn convolutional<T: Scalar>(builder: AutoencoderBuilder<T>) -> AutoencoderBuilder<T> {
    builder
        .encoder(Conv2D::new(32, 3).activation(RELU))
        .encoder(MaxPool::new(2))
        .encoder(Conv2D::new(64, 3).activation(RELU))
        .encoder(MaxPool::new(2))
        .decoder(Conv2D::new(64, 3).activation(RELU))
        .decoder(UpSample::new(2))
        .decoder(Conv2D::new(32, 3).activation(RELU))
        .decoder(UpSample::new(2))
        .decoder(Conv2D::new(1, 3).activation(Activation::Sigmoid))
}

/// Statistics over the batch, random layers, penalties, a shared weight, strides.
fn everything<T: Scalar>(builder: AutoencoderBuilder<T>) -> AutoencoderBuilder<T> {
    builder
        .encoder(GaussianNoise::new(0.1))
        .encoder(Conv2D::new(8, 3).stride(2).activation(Activation::Gelu).weight_regularizer(Regularizer::l2(1e-4)))
        .encoder(BatchNorm::new())
        .encoder(AvgPool::new(2))
        .encoder(Dense::new(24).activation(Activation::Sigmoid))
        .encoder(TargetRate::new(0.1, 0.01))
        .encoder(Dropout::new(0.1))
        .encoder(Dense::new(2 * 6))
        .encoder(GaussianLatent::new().beta(0.5))
        .decoder(Dense::new(24).activation(Activation::Tanh))
        .decoder(Dense::new(7 * 7 * 8).activation(Activation::Softplus))
        .decoder(Reshape::new(Shape::image(7, 7, 8)))
        .decoder(UpSample::new(2).interpolation(Interpolation::Bilinear))
        .decoder(Conv2DTranspose::new(1, 3).stride(2).activation(Activation::Sigmoid))
}

/// Values that several layers read, in blocks and across the encoder.
fn joined<T: Scalar>(builder: AutoencoderBuilder<T>) -> AutoencoderBuilder<T> {
    let block = || {
        let convolutions = Block::new().layer(Conv2D::new(8, 3)).layer(BatchNorm::new()).layer(RELU);
        convolutions.layer(Conv2D::new(8, 3)).layer(Add::with("input")).layer(RELU)
    };
    builder
        .encoder_named("stem", Conv2D::new(8, 3).stride(2).activation(RELU))
        .encoder(block())
        .encoder(block())
        .encoder(Concatenate::with("encoder.stem").and("encoder.1"))
        .decoder(Conv2D::new(8, 3).activation(Activation::Sigmoid))
        .decoder(Multiply::with("decoder.0"))
        .decoder(UpSample::new(2))
        .decoder(Conv2D::new(1, 3).activation(Activation::Sigmoid))
}

fn built<T: Scalar>(layers: Layers<T>) -> Autoencoder<T> {
    layers(Autoencoder::builder(Shape::image(28, 28, 1))).seed(42).build().expect("it fits")
}

fn number(name: &str, otherwise: usize) -> usize {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(otherwise)
}

/// `count` codes of `elements` drawn from the prior, by a model that decodes each of their numbers
/// to two of the same.
fn codes<T: Scalar>(elements: usize, count: usize) -> DMatrix<T> {
    let twice = Autoencoder::builder(Shape::image(elements, 1, 2)).encoder(GaussianLatent::new());
    let model = twice.decoder(UpSample::new([1, 2])).build().expect("it fits");
    let samples = model.sample(count, 8).expect("it is variational");
    DMatrix::from_fn(elements, count, |element, code| samples[(2 * element, code)])
}

/// The bits of the parameters after some steps, and those of decoded codes.
fn trained<T: Scalar>(layers: Layers<T>, threads: usize) -> Vec<u64> {
    let (steps, batch) = (number("AUTOENCODER_STEPS", 10), number("AUTOENCODER_BATCH", 32));
    let data: DMatrix<T> = Numbers::new(3).matrix(784, steps * batch - batch / 3); // the last batch is smaller
    let mut model = built(layers);
    let mut trainer = Trainer::new(Bce.reduction(Reduction::SumPerSample), Adam::default())
        .batch_size(batch)
        .threads(threads)
        .corrupt(SaltAndPepper::new(0.05))
        .clip(Clip::Norm(50.0));
    trainer.fit(&mut model, &data).expect("it trains");
    let mut found = bits(model.network().parameter_vector());
    let samples = model.decode(&codes(model.code_shape().elements(), 3)).expect("codes of this model");
    found.extend(bits(samples.as_slice()));
    found
}

fn for_any_number_of_threads<T: Scalar>(name: &str, layers: Layers<T>) {
    let one = trained(layers, 1);
    for threads in [2, 3, 4, 7, 8, 16] {
        assert!(trained(layers, threads) == one, "{name}, {}: other bits on {threads} threads", T::NAME);
    }
}

#[test]
fn the_number_of_threads_does_not_matter() {
    for_any_number_of_threads::<f32>("dense", dense);
    for_any_number_of_threads::<f64>("dense", dense);
    for_any_number_of_threads::<f32>("deep", deep);
    for_any_number_of_threads::<f64>("deep", deep);
    for_any_number_of_threads::<f32>("joined", joined);
    for_any_number_of_threads::<f64>("joined", joined);
    for_any_number_of_threads::<f32>("everything", everything);
    for_any_number_of_threads::<f64>("everything", everything);
}

#[test]
fn nor_does_it_to_convolutions() {
    for_any_number_of_threads::<f32>("convolutional", convolutional);
    for_any_number_of_threads::<f64>("convolutional", convolutional);
}

/// FNV-1a.
fn hash(bits: &[u64]) -> u64 {
    let bytes = bits.iter().flat_map(|bits| bits.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The hashes of what is trained on the CPU path that this process takes, one a line.
fn hashes() -> String {
    let path = autoencoder::kernel::cpu_path().name();
    macro_rules! line {
        ($($model:ident),*) => {[$({
            let [single, double] = [hash(&trained::<f32>($model, 2)), hash(&trained::<f64>($model, 2))];
            format!("{path} {} {single:016x} {double:016x}\n", stringify!($model))
        }),*]};
    }
    line!(dense, deep, convolutional, everything, joined).concat()
}

/// What a process of its own runs, since a path is chosen once; by itself a test of nothing.
#[test]
fn of_one_path() {
    if std::env::var_os("AUTOENCODER_CPU_PATH").is_some() {
        eprint!("{}", hashes());
    }
}

/// If this fails, results have other bits than before: if that is meant, replace the lines in
/// `golden_bits.txt` and say so in the changelog.
#[test]
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
fn the_bits_of_this_version() -> Outcome {
    let golden = include_str!("golden_bits.txt");
    for path in autoencoder::kernel::CpuPath::ALL.into_iter().filter(|path| path.is_available()) {
        let process = Command::new(std::env::current_exe()?)
            .args(["--exact", "of_one_path", "--nocapture"])
            .env("AUTOENCODER_CPU_PATH", path.name())
            .env_remove("AUTOENCODER_STEPS")
            .env_remove("AUTOENCODER_BATCH")
            .output()?;
        let found = String::from_utf8(process.stderr)?;
        let expected = golden.lines().filter(|line| line.starts_with(path.name())).map(|line| format!("{line}\n"));
        assert_eq!(found, expected.collect::<String>(), "other bits on the path {}", path.name());
    }
    Ok(())
}

#[test]
fn sixty_four_users_of_one_model() {
    const USERS: usize = 64;
    const CALLS: usize = 10_000;
    let model = Autoencoder::<f32>::builder(Shape::flat(64)).encoder(Dense::new(16).activation(Activation::Tanh));
    let model = model.mirror(Activation::Sigmoid).build().expect("it fits");
    let data: DMatrix<f32> = Numbers::new(5).matrix(64, USERS);
    let expected = model.encode(&data).expect("it is finite");
    std::thread::scope(|scope| {
        for user in 0..USERS {
            let (model, sample, expected) = (&model, data.column(user), bits(expected.column(user).as_slice()));
            scope.spawn(move || {
                for _ in 0..CALLS {
                    assert_eq!(bits(model.encode(&sample).expect("it is finite").as_slice()), expected);
                }
            });
        }
    });
}

/// Everything public can be handed to another thread, and be looked at by several.
#[test]
fn everything_is_send_and_sync() {
    macro_rules! shared {
        ($($kind:ty),* $(,)?) => { $( let _ = is_shared::<$kind>; )* };
    }
    fn is_shared<K: Send + Sync + ?Sized>() {}
    type T = f32;
    shared![
        Autoencoder<T>,
        AutoencoderBuilder<T>,
        LatentReport,
        Posterior<T>,
        RowError,
        Network<T>,
        NetworkBuilder<T>,
        Tape<T>,
        Workspace<T>,
        Summary,
        Activity,
        Parameter<'static, T>,
        Registry<T>,
        Config,
        Value,
        Shape,
        Random,
        Rng,
        TrainingProgress<'static>,
        Update<'static, T>,
        Batch<'static, T>,
        Corrupted<'static, T, Masking>,
        CorruptionPass<'static, T>,
        GaussianCorruption,
        Masking,
        SaltAndPepper,
        Swap,
        Scaler,
        StandardScaler,
        MinMaxScaler,
        Subset<'static, T>,
        data::idx::Images,
        data::idx::Labels,
        Trainer<'static, T>,
        Checkpoints,
        EarlyStopping,
        Elbo,
        dyn Callback<T>,
        Epoch,
        History,
        Progress,
        Control,
        CallbackState,
        Accuracy,
        Adam,
        AdamW,
        Sgd,
        RmsProp,
        Clip,
        Constant,
        Cosine,
        Exponential,
        OnPlateau,
        WarmUp<Cosine>,
        Mse,
        Mae,
        Bce,
        Huber,
        GaussianNll,
        CategoricalCrossEntropy,
        Reduction,
        LossPass<'static, T>,
        Activation,
        Initializer,
        Regularizer,
        Padding,
        Interpolation,
        KlAnnealing,
        Plan,
        ParameterSpec,
        StateSpec,
        Mode,
        Extent,
        Forward<'static, T>,
        Backward<'static, T>,
        Context<'static, T>,
        BackwardSums<'static, T>,
        Parameters<'static, T>,
        Gradients<'static, T>,
        Dense,
        Conv2D,
        Conv2DTranspose,
        MaxPool,
        AvgPool,
        UpSample,
        Crop,
        Pad,
        Reshape,
        Flatten,
        Dropout,
        GaussianNoise,
        BatchNorm,
        GaussianLatent,
        L1Activity,
        TargetRate,
        TopK,
        Error,
        BuildError,
        BuildErrorKind,
        ConfigError,
        DataError,
        InputError,
        LossError,
        ModelFileError,
        ModelFileErrorKind,
        OptionError,
        ParameterError,
        ShapeError,
        TrainError,
        TrainErrorKind,
        dyn Layer<T>,
        dyn Loss<T>,
        dyn Optimizer<T>,
        dyn Schedule,
        dyn Corruption<T>,
        dyn Metric<T>,
        dyn Latent<T>,
        testing::Report,
        testing::Check,
        testing::CheckFailed,
        testing::Outcome,
        testing::GradientComparison,
        testing::LayerCheck<'static, Dense>,
        testing::LossCheck<'static, Mse>,
    ];
}
