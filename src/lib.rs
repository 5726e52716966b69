//! Autoencoders that train fast on a CPU.

mod autoencoder;
mod config;
pub mod data;
mod error;
#[doc(hidden)]
pub mod kernel;
mod layer;
mod loss;
mod model_file;
mod network;
mod optimizer;
mod parallel;
mod random;
mod scalar;
mod shape;
mod train;

pub use nalgebra;

pub use autoencoder::{Autoencoder, AutoencoderBuilder};
pub use config::{Config, ConfigError, Value};
pub use data::{Batch, DataError, InputError, MinMaxScaler, Scaler, Source, StandardScaler, Subset};
pub use error::Error;
pub use layer::*;
pub use loss::*;
pub use model_file::{ModelFileError, ModelFileErrorKind, Registry};
pub use network::{
    BuildError, BuildErrorKind, Network, NetworkBuilder, Parameter, ParameterError, Summary, Tape, Workspace,
};
pub use optimizer::{Adam, AdamW, MAX_SLOTS, Optimizer, RmsProp, Sgd, Update};
pub use random::{Random, Rng};
pub use scalar::Scalar;
pub use shape::{MAX_ELEMENTS, MAX_RANK, Shape, ShapeError};
pub use train::{
    Accuracy, Callback, Control, Epoch, History, Metric, Model, Progress, TrainError, TrainErrorKind, Trainer,
};
