//! Checkpoints: training that is cut off goes on with the same bits.

#[path = "../common/mod.rs"]
mod common;

mod differences;
mod elsewhere;
#[cfg(unix)]
mod killed;
mod other_data;
mod resumed;
mod schedules;
mod started_over;
mod stopped;
mod support;
