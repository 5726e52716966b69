//! Autoencoders that train fast on a CPU: dense and convolutional layers, numerically checked
//! gradients, thread-safe inference, one model file.
//!
//! An autoencoder is a pair of networks trained to reproduce their input through a bottleneck: an
//! encoder that compresses a sample to a code, and a decoder that reconstructs the sample from it.
//! Use it for compression, embeddings (codes as features), denoising and anomaly detection (samples
//! it reconstructs badly).
//!
//! ```no_run
//! use autoencoder::data::idx;
//! use autoencoder::{
//!     Activation, Adam, Autoencoder, Bce, Conv2D, Error, MaxPool, Shape, Trainer, UpSample,
//! };
//!
//! fn main() -> Result<(), Error> {
//!     let images = idx::read_images("t10k-images-idx3-ubyte.gz")?.to_matrix::<f32>(); // one image per column, pixels in 0..=1
//!     let (train, test) = images.columns_range_pair(..9_000, 9_000..);
//!
//!     let mut model = Autoencoder::<f32>::builder(Shape::image(28, 28, 1))
//!         .encoder(Conv2D::new(32, 3).activation(Activation::Relu)) // adds a layer: 32 filters of 3x3, `same` padding
//!         .encoder(MaxPool::new(2))
//!         .encoder(Conv2D::new(64, 3).activation(Activation::Relu))
//!         .encoder(MaxPool::new(2))
//!         .decoder(Conv2D::new(64, 3).activation(Activation::Relu))
//!         .decoder(UpSample::new(2))
//!         .decoder(Conv2D::new(32, 3).activation(Activation::Relu))
//!         .decoder(UpSample::new(2))
//!         .decoder(Conv2D::new(1, 3).activation(Activation::Sigmoid))
//!         .seed(42)
//!         .build()?;
//!     println!("{}", model.summary()); // a table: layer, output shape, parameters
//!
//!     let history = Trainer::new(Bce, Adam::default())
//!         .epochs(2)
//!         .batch_size(256)
//!         .validation(&test)
//!         .fit(&mut model, &train)?;
//!     for warning in history.warnings() {
//!         eprintln!("warning: {warning}"); // what may be a mistake: none here
//!     }
//!     if let Some(loss) = history.validation_loss() {
//!         println!("validation loss {loss:.4}"); // of the last epoch
//!     }
//!
//!     let codes = model.encode(&test)?; // features x samples
//!     let images_again = model.decode(&codes)?;
//!     let errors = model.reconstruction_error(&test)?; // mean squared error of each sample
//!     assert_eq!(codes.ncols(), errors.len());
//!     assert_eq!(images_again.nrows(), 28 * 28);
//!
//!     model.save("mnist.safetensors")?;
//!     let model = Autoencoder::<f32>::load("mnist.safetensors")?;
//!     assert_eq!(model.encode(&test)?, codes);
//!     Ok(())
//! }
//! ```
//!
//! # Overview
//!
//! | to | see |
//! |---|---|
//! | define a model | [`Autoencoder::builder`], [`Network::builder`]; layers [`Dense`], [`Conv2D`], [`Conv2DTranspose`], [`MaxPool`], [`AvgPool`], [`UpSample`], [`Activation`], [`Flatten`], [`Reshape`], [`Crop`], [`Pad`]; against overfitting: [`Dropout`], [`GaussianNoise`], [`BatchNorm`], [`Regularizer`] |
//! | let layers read earlier values | [`Add`], [`Multiply`], [`Concatenate`]; [`Block`], [`AutoencoderBuilder::encoder_named`]; [`Network::until`], [`Network::after`], [`Network::to_dot`] |
//! | make it denoise | [`Trainer::corrupt`]; [`GaussianCorruption`], [`Masking`], [`SaltAndPepper`], [`Swap`]; [`Corrupted`] for evaluation |
//! | make it sparse, tied, variational | [`L1Activity`], [`TargetRate`], [`TopK`]; [`AutoencoderBuilder::mirror_tied`]; [`GaussianLatent`], [`KlAnnealing`] |
//! | train it | [`Trainer`]; losses [`Mse`](struct@Mse), [`Mae`](struct@Mae), [`Huber`], [`Bce`](struct@Bce), [`GaussianNll`], [`CategoricalCrossEntropy`](struct@CategoricalCrossEntropy); optimizers [`Sgd`], [`RmsProp`], [`Adam`], [`AdamW`]; [`Exponential`], [`Cosine`], [`WarmUp`], [`OnPlateau`] for the learning rate; [`Clip`]; [`EarlyStopping`]; [`Checkpoints`]; [`Trainer::review`] for mistakes that are no errors |
//! | read data | [`Batch`], [`Source`], [`data::idx`], [`StandardScaler`], [`MinMaxScaler`] |
//! | use it | [`Autoencoder::encode`], [`decode`](Autoencoder::decode), [`reconstruct`](Autoencoder::reconstruct), [`reconstruction_error`](Autoencoder::reconstruction_error), [`scores`](Autoencoder::scores) of tables with bad rows, and their `_with` variants, which do not allocate |
//! | generate samples, inspect the code | [`Autoencoder::sample`], [`interpolate`](Autoencoder::interpolate), [`traverse`](Autoencoder::traverse), [`encode_distribution`](Autoencoder::encode_distribution), [`elbo`](Autoencoder::elbo), [`log_likelihood`](Autoencoder::log_likelihood), [`latent_report`](Autoencoder::latent_report), [`activity`](Autoencoder::activity) |
//! | save and load it | [`Autoencoder::save`], [`Autoencoder::load`], [`Registry`] for your own layers |
//! | extend it | the traits [`Layer`], [`Loss`], [`Optimizer`], [`Schedule`], [`Corruption`], [`Metric`], [`Callback`], [`Source`] |
//! | check your own parts | the module `testing`, behind the feature of the same name |
//! | write your own training loop | [`Network::tape`], [`Network::forward`], [`Network::backward`], [`Network::update_parameters`] |
//!
//! # Conventions
//!
//! - A batch is **features × samples**, one sample in each column of an [`nalgebra`] matrix.
//! - An image is height × width × channels, channels fastest, as in Keras.
//! - Definitions and defaults are Keras's, unless the docs say otherwise.
//! - The same seed gives bit-identical results for any number of threads; in inference, a sample's
//!   result depends on the sample, and the seed where something is drawn, never on its place or its
//!   batch. (Validation during training and [`Corrupted`] draw by a sample's index.)
//! - No result of inference is NaN: a score that is too large for the float type is infinite, any
//!   other result that is not finite is an error that names sample and layer.
//! - Bad input gives an [`Error`] that says where; nothing panics, and no update is applied by
//!   halves.
//!
//! # Features
//!
//! - `parallel` (default): uses all cores through rayon, or your own pool if called inside it.
//! - `gzip` (default): reads IDX files compressed with gzip.
//! - `testing`: the module `testing`, with checks for your own layers, losses, optimizers and
//!   sources.
//!
//! At run time the kernels use AVX-512, AVX2 or the target's baseline, whichever is best. The
//! environment variable `AUTOENCODER_CPU_PATH` (`portable`, `avx2`, `avx512`) forces one.

#![warn(missing_docs)]
#![deny(unsafe_code)]
// No panic is reachable through the public API.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable,
        clippy::todo,
        clippy::indexing_slicing
    )
)]

/// The README's programs compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// And so does the guide to layers of one's own.
#[cfg(doctest)]
#[doc = include_str!("../docs/layers.md")]
struct LayersGuide;

mod autoencoder;
mod causes;
#[doc(hidden)]
pub mod compiled;
mod config;
pub mod data;
mod error;
mod exec;
mod graph;
mod invariant;
#[doc(hidden)]
#[allow(
    unsafe_code,
    clippy::indexing_slicing,
    reason = "the only place; its functions check the lengths that they are handed"
)]
#[deny(clippy::undocumented_unsafe_blocks)]
pub mod kernel;
mod layer;
mod loss;
mod model_file;
mod optimizer;
mod option;
mod parallel;
mod random;
mod scalar;
mod shape;
#[cfg(feature = "testing")]
pub mod testing;
mod train;

pub use nalgebra;

pub use autoencoder::{Autoencoder, AutoencoderBuilder, LatentReport, Posterior, RowError};
pub use config::{Config, ConfigError, Value};
pub use data::{
    Batch, Corrupted, Corruption, CorruptionPass, DataError, DataPart, FileKind, GaussianCorruption, InputError,
    Masking, MinMaxScaler, NonFinite, SaltAndPepper, Scaler, Source, StandardScaler, Subset, Swap,
};
pub use error::Error;
pub use exec::{Activity, Tape, Workspace};
pub use graph::{
    Block, BuildError, BuildErrorKind, IntoLayers, Network, NetworkBuilder, Parameter, ParameterError, Summary,
};
pub use layer::*;
pub use loss::*;
pub use model_file::{ModelFileError, ModelFileErrorKind, Registry};
pub use optimizer::{
    Adam, AdamW, Clip, Constant, Cosine, Exponential, MAX_SLOTS, OnPlateau, Optimizer, RmsProp, Schedule, Sgd,
    TrainingProgress, Update, WarmUp,
};
pub use option::OptionError;
pub use random::{Random, Rng};
pub use scalar::Scalar;
pub use shape::{MAX_ELEMENTS, MAX_RANK, Shape, ShapeError};
pub use train::{
    Accuracy, Callback, CallbackState, Checkpoints, Control, EarlyStopping, Elbo, Epoch, History, LargestValue, Metric,
    Model, Progress, TrainError, TrainErrorKind, Trainer, Warning,
};
