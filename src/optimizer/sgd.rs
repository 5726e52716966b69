//! [`Sgd`]: stochastic gradient descent, plain or with momentum.

use super::{Optimizer, Update};
use crate::OptionError;
use crate::kernel::update as kernel;
use crate::{Config, Scalar, option};

/// Stochastic gradient descent with learning rate η and momentum μ.
///
/// Without momentum θ ← θ − ηg. With it v ← μv − ηg and θ ← θ + v, the heavy ball of Polyak 1964.
/// With Nesterov's look-ahead (1983) θ ← θ + μv − ηg, in the form of Sutskever et al. 2013, where θ
/// is the look-ahead point. Rules and defaults (η = 0.01, μ = 0) are Keras's. PyTorch multiplies
/// the whole velocity by η, which is equivalent for a constant η.
///
/// ```
/// use autoencoder::{Mse, Sgd, Trainer};
///
/// let trainer = Trainer::<f32>::new(Mse, Sgd::new(0.01).momentum(0.9).nesterov(true)).epochs(20);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sgd {
    learning_rate: f64,
    momentum: f64,
    nesterov: bool,
}

impl Default for Sgd {
    fn default() -> Self {
        Self::new(0.01)
    }
}

impl Sgd {
    /// Plain gradient descent with learning rate `learning_rate`, above 0.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, momentum: 0.0, nesterov: false }
    }

    /// Sets μ, in 0..1.
    #[must_use]
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self
    }

    /// Whether to use Nesterov's look-ahead.
    #[must_use]
    pub fn nesterov(mut self, nesterov: bool) -> Self {
        self.nesterov = nesterov;
        self
    }
}

impl<T: Scalar> Optimizer<T> for Sgd {
    fn kind(&self) -> &'static str {
        "sgd"
    }

    fn config(&self) -> Config {
        Config::new()
            .with("learning_rate", self.learning_rate)
            .with("momentum", self.momentum)
            .with("nesterov", self.nesterov)
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn slots(&self) -> usize {
        usize::from(self.momentum > 0.0)
    }

    #[inline(never)] // see `compiled.rs`
    fn update(&self, update: Update<'_, T>) {
        let Some(update) = update.consistent(Optimizer::<T>::slots(self)) else { return };
        let rate = update.rate();
        let [velocities, ..] = update.slots;
        match self.momentum > 0.0 {
            true => {
                let momentum = T::from_f64(self.momentum);
                kernel::momentum(update.parameters, update.gradients, velocities, rate, momentum, self.nesterov);
            }
            false => kernel::descend(update.parameters, update.gradients, rate),
        }
    }

    fn check(&self) -> Result<(), OptionError> {
        option::positive("learning_rate", self.learning_rate)?;
        option::share("momentum", self.momentum)
    }
}
