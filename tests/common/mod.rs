//! What the integration tests share: random numbers, distances, models, and (in [`gradient`])
//! numerical gradients.

#![allow(dead_code, reason = "every test binary compiles all of this and uses a part of it")]

pub mod gradient;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::{fs, process};

use autoencoder::nalgebra::DMatrix;
use autoencoder::{
    Activation, AutoencoderBuilder, Callback, CallbackState, Config, ConfigError, Control, Conv2D, MaxPool, Progress,
    Scalar, UpSample,
};

/// What a test returns, so that it can use `?`.
pub type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Random numbers that are the same on every machine (SplitMix64).
pub struct Numbers(u64);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Uniform in 0..1.
    pub fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((word ^ (word >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Uniform in 0..`count`.
    pub fn below(&mut self, count: usize) -> usize {
        ((self.unit() * count as f64) as usize).min(count.saturating_sub(1))
    }

    /// Uniform in low..high.
    pub fn vector(&mut self, count: usize, low: f64, high: f64) -> Vec<f64> {
        (0..count).map(|_| low + (high - low) * self.unit()).collect()
    }

    /// Uniform in 0..1: pixels.
    pub fn matrix<T: Scalar>(&mut self, rows: usize, columns: usize) -> DMatrix<T> {
        DMatrix::from_fn(rows, columns, |_, _| T::from_f64(self.unit()))
    }
}

/// A bundled file of MNIST. Without the feature `gzip` it is unpacked first: what the tests do with
/// images needs no compression.
pub fn mnist(name: &str) -> PathBuf {
    static UNPACKING: Mutex<()> = Mutex::new(());
    let packed = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data").join(format!("{name}.gz"));
    if cfg!(feature = "gzip") {
        return packed;
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _one_thread = UNPACKING.lock();
    if !path.exists() {
        // Other processes may be at it, too: the file takes its name once it is complete.
        let mine = path.with_extension(process::id().to_string());
        let mut reader = flate2::read::GzDecoder::new(fs::File::open(packed).expect("the bundled images"));
        std::io::copy(&mut reader, &mut fs::File::create(&mine).expect("a file")).expect("unpacked images");
        fs::rename(&mine, &path).expect("its name");
    }
    path
}

/// The largest difference, as a share of the largest expected value. Infinite where one is not
/// finite.
pub fn distance(found: &[f64], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len(), "another number of elements");
    let largest = |values: &mut dyn Iterator<Item = f64>| {
        values.fold(0.0, |most: f64, value| if value.is_finite() { most.max(value.abs()) } else { f64::INFINITY })
    };
    let difference = largest(&mut found.iter().zip(expected).map(|(a, b)| a - b));
    let scale = largest(&mut expected.iter().copied());
    if difference == 0.0 { 0.0 } else { difference / scale }
}

/// The bits of numbers: equal bits, not merely equal values.
pub fn bits<T: Scalar>(values: &[T]) -> Vec<u64> {
    values.iter().map(|value| value.into_f64().to_bits()).collect()
}

/// Panics with the message of the error where there is one.
#[track_caller]
pub fn error_of<V, E>(result: Result<V, E>, what: &str) -> E {
    match result {
        Ok(_) => panic!("{what}: no error"),
        Err(error) => error,
    }
}

/// Every activation, with options at which it takes another turn.
pub fn activations() -> Vec<Activation> {
    vec![
        Activation::Linear,
        Activation::Relu,
        Activation::LeakyRelu { slope: 0.3 },
        Activation::LeakyRelu { slope: 0.0 },
        Activation::LeakyRelu { slope: -0.5 },
        Activation::Elu { alpha: 1.0 },
        Activation::Elu { alpha: 0.3 },
        Activation::Elu { alpha: 0.0 },
        Activation::Selu,
        Activation::Gelu,
        Activation::Silu,
        Activation::Sigmoid,
        Activation::Tanh,
        Activation::Softplus,
        Activation::Softmax,
    ]
}

/// The layers of the front page's model.
pub fn convolutional<T: Scalar>(builder: AutoencoderBuilder<T>) -> AutoencoderBuilder<T> {
    builder
        .encoder(Conv2D::new(32, 3).activation(Activation::Relu))
        .encoder(MaxPool::new(2))
        .encoder(Conv2D::new(64, 3).activation(Activation::Relu))
        .encoder(MaxPool::new(2))
        .decoder(Conv2D::new(64, 3).activation(Activation::Relu))
        .decoder(UpSample::new(2))
        .decoder(Conv2D::new(32, 3).activation(Activation::Relu))
        .decoder(UpSample::new(2))
        .decoder(Conv2D::new(1, 3).activation(Activation::Sigmoid))
}

/// A callback that remembers how many steps it has seen, in checkpoints too.
#[derive(Debug)]
pub struct Steps(pub usize);

impl<T: Scalar> Callback<T> for Steps {
    fn on_step(&mut self, _progress: &Progress) -> Result<Control, Box<dyn std::error::Error + Send + Sync>> {
        self.0 = self.0.wrapping_add(1); // a forged checkpoint may hold any number
        Ok(Control::Continue)
    }

    fn state(&self) -> CallbackState {
        CallbackState::Keep(Config::new().with("steps", self.0))
    }

    fn restore(&mut self, state: &Config) -> Result<(), ConfigError> {
        self.0 = state.integer("steps")?;
        Ok(())
    }
}
