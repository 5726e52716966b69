//! Model files.
mod registry;
pub use registry::Registry;
use thiserror::Error;
/// Why.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ModelFileError {}
