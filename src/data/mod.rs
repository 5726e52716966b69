//! Data: sources for training, batches for inference, scalers, corruptions.

mod batch;
mod corruption;
mod error;
mod file_kind;
#[cfg(feature = "gzip")]
mod gzip;
pub mod idx;
mod input_error;
mod place;
mod room;
mod scaler;
mod source;

pub use batch::Batch;
pub(crate) use batch::Columns;
pub use corruption::{Corrupted, Corruption, CorruptionPass, GaussianCorruption, Masking, SaltAndPepper, Swap};
pub(crate) use corruption::{Origin, streams};
pub use error::DataError;
pub use file_kind::FileKind;
pub(crate) use file_kind::{HEAD_BYTES, Wanted};
pub use input_error::InputError;
pub use place::{DataPart, NonFinite};
pub(crate) use room::{filled, numbered, samples_at_once};
pub use scaler::{MinMaxScaler, Scaler, StandardScaler};
pub use source::{Source, Subset};
