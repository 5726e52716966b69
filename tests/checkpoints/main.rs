//! Checkpoints: training that is cut off goes on with the same bits.

#[path = "../common/mod.rs"]
mod common;

mod differences;
#[cfg(unix)]
mod killed;
mod resumed;
mod support;
