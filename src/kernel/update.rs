//! Optimizer updates: one pass over parameters θ, gradients g and moments.
//!
//! All functions panic if the lengths of their slices differ.

mod adam;
mod momentum;
mod rms_prop;
#[cfg(test)]
mod tests;

pub use adam::{Adam, adam};
pub use momentum::{descend, momentum};
pub use rms_prop::{RmsProp, rms_prop};
