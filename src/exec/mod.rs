//! The executor: runs a program over batches, in training, evaluation and inference.

mod activity;
#[cfg(feature = "testing")]
mod check_tape;
mod diagnosis;
mod given;
mod infer;
mod partition;
mod passes;
mod penalties;
mod reduce;
mod run;
mod schedule;
mod shards;
mod slices;
mod tape;
#[cfg(test)]
mod tests;
mod totals;
mod workspace;

pub use activity::Activity;
pub use tape::Tape;
pub use workspace::Workspace;

pub(crate) use activity::mean;
#[cfg(feature = "testing")]
pub(crate) use check_tape::PassBuffer;
pub(crate) use infer::Ending;
pub(crate) use passes::Step;
pub(crate) use run::{BatchLoader, LastOperation, LastPass, Load};
pub(crate) use tape::TapeOptions;
pub(crate) use totals::Totals;
