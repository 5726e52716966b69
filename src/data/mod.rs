//! Data: what training reads from and what inference is handed.

mod batch;
mod error;
pub mod idx;
mod scaler;
mod source;

pub use batch::Batch;
pub(crate) use batch::Columns;
pub use error::{DataError, InputError};
pub use scaler::{MinMaxScaler, Scaler, StandardScaler};
pub use source::{Source, Subset};
