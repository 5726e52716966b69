//! The executor: runs a program over batches, in training, evaluation and inference.

mod activity;
mod infer;
mod partition;
mod penalties;
mod reduce;
mod run;
mod schedule;
mod shards;
mod tape;
#[cfg(test)]
mod tests;
mod totals;

pub use activity::Activity;
pub use infer::Workspace;
pub use tape::Tape;

pub(crate) use infer::Ending;
pub(crate) use run::{BatchLoader, LastOperation, LastPass, Load};
pub(crate) use tape::{Step, TapeOptions};
pub(crate) use totals::Totals;
