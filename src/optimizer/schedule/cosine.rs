//! [`Cosine`]: a learning rate that falls along half a cosine.

use super::{Schedule, TrainingProgress};
use crate::{Config, OptionError, option};

/// η·(φ + (1 − φ)·(1 + cos πt/s)/2) after t epochs, ηφ from s epochs on; Loshchilov and Hutter
/// 2016, Keras's `CosineDecay` with `alpha` φ.
///
/// By default s is the number of epochs of the training run, and φ is 0.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Cosine {
    epochs: Option<f64>,
    floor: f64,
}

impl Cosine {
    /// Falls to 0 at the end of training.
    pub fn new() -> Self {
        Self::default()
    }

    /// Falls over `epochs` epochs.
    #[must_use]
    pub fn over(mut self, epochs: f64) -> Self {
        self.epochs = Some(epochs);
        self
    }

    /// Falls to `share` of the optimizer's rate, from 0 to 1.
    #[must_use]
    pub fn floor(mut self, share: f64) -> Self {
        self.floor = share;
        self
    }
}

impl Schedule for Cosine {
    fn kind(&self) -> &'static str {
        "cosine"
    }

    fn config(&self) -> Config {
        let config = Config::new().with("floor", self.floor);
        match self.epochs {
            Some(epochs) => config.with("epochs", epochs),
            None => config,
        }
    }

    fn factor(&self, moment: &TrainingProgress<'_>) -> f64 {
        let epochs = self.epochs.unwrap_or(moment.total);
        let share = if epochs > 0.0 { (moment.elapsed / epochs).min(1.0) } else { 1.0 };
        self.floor + (1.0 - self.floor) * 0.5 * (1.0 + (std::f64::consts::PI * share).cos())
    }

    fn depends_on_total(&self) -> bool {
        self.epochs.is_none()
    }

    fn check(&self) -> Result<(), OptionError> {
        option::share_or_whole("floor", self.floor)?;
        self.epochs.map_or(Ok(()), |epochs| option::positive("epochs", epochs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_one_to_the_floor() {
        let at = |schedule: Cosine, step| schedule.factor(&TrainingProgress::new(step, 10, 4, &[]));
        let whole = [0, 20, 40, 50].map(|step| at(Cosine::new(), step));
        approx::assert_relative_eq!(whole[..], [1.0, 0.5, 0.0, 0.0][..], epsilon = 1e-15);
        let short = [10, 20, 30].map(|step| at(Cosine::new().over(2.0).floor(0.2), step));
        approx::assert_relative_eq!(short[..], [0.6, 0.2, 0.2][..], epsilon = 1e-15);
    }
}
