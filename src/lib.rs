//! Autoencoders.
#[doc(hidden)]
pub mod kernel;
