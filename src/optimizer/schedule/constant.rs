//! [`Constant`]: a constant learning rate.

use super::{Schedule, TrainingProgress};
use crate::Config;

/// The optimizer's learning rate throughout; a trainer's default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Constant;

impl Schedule for Constant {
    fn kind(&self) -> &'static str {
        "constant"
    }

    fn config(&self) -> Config {
        Config::new()
    }

    fn factor(&self, _moment: &TrainingProgress<'_>) -> f64 {
        1.0
    }

    fn depends_on_total(&self) -> bool {
        false
    }
}
