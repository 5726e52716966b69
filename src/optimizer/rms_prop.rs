//! [`RmsProp`]: gradients divided by their recent magnitude.

use super::{Optimizer, Update};
use crate::OptionError;
use crate::kernel::update as kernel;
use crate::{Config, Scalar, option};

/// RMSprop; Tieleman and Hinton 2012.
///
/// v ← ρv + (1 − ρ)g²; u = ηg / √(v + ε), or, if centered, with m ← ρm + (1 − ρ)g, u = ηg / √(max(v
/// − m², 0) + ε); with momentum μ, b ← μb + u; θ ← θ − b. Where v − m² is negative by rounding, it
/// counts as 0; Keras and PyTorch take the root of it all the same. Otherwise rules and defaults (η
/// = 0.001, ρ = 0.9, ε = 10⁻⁷) are Keras's. PyTorch adds ε outside the root; its defaults are η =
/// 0.01, ρ = 0.99, ε = 10⁻⁸.
///
/// ```
/// use autoencoder::{Mse, RmsProp, Trainer};
///
/// let trainer = Trainer::<f32>::new(Mse, RmsProp::new(0.001).momentum(0.9)).epochs(20);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RmsProp {
    learning_rate: f64,
    rho: f64,
    momentum: f64,
    epsilon: f64,
    centered: bool,
}

impl Default for RmsProp {
    fn default() -> Self {
        Self::new(0.001)
    }
}

impl RmsProp {
    /// RMSprop with learning rate `learning_rate`, above 0, and the other defaults.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, rho: 0.9, momentum: 0.0, epsilon: 1e-7, centered: false }
    }

    /// Sets ρ, in 0..1.
    #[must_use]
    pub fn rho(mut self, rho: f64) -> Self {
        self.rho = rho;
        self
    }

    /// Sets μ, in 0..1.
    #[must_use]
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self
    }

    /// Sets ε, at least 0.
    #[must_use]
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }

    /// Whether to divide by the standard deviation of recent gradients instead of their root mean
    /// square.
    #[must_use]
    pub fn centered(mut self, centered: bool) -> Self {
        self.centered = centered;
        self
    }
}

impl<T: Scalar> Optimizer<T> for RmsProp {
    fn kind(&self) -> &'static str {
        "rms_prop"
    }

    fn config(&self) -> Config {
        Config::new()
            .with("learning_rate", self.learning_rate)
            .with("rho", self.rho)
            .with("momentum", self.momentum)
            .with("epsilon", self.epsilon)
            .with("centered", self.centered)
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn slots(&self) -> usize {
        1 + usize::from(self.momentum > 0.0) + usize::from(self.centered)
    }

    #[inline(never)] // see `compiled.rs`
    fn update(&self, update: Update<'_, T>) {
        let Some(update) = update.consistent(Optimizer::<T>::slots(self)) else { return };
        let step = kernel::RmsProp {
            rate: update.rate(),
            rho: T::from_f64(self.rho),
            epsilon: T::from_f64(self.epsilon),
            momentum: T::from_f64(self.momentum),
        };
        let [squares, second, third, _] = update.slots;
        let (mean, velocity) = match (self.centered, self.momentum > 0.0) {
            (true, true) => (Some(second), Some(third)),
            (true, false) => (Some(second), None),
            (false, true) => (None, Some(second)),
            (false, false) => (None, None),
        };
        kernel::rms_prop(update.parameters, update.gradients, squares, mean, velocity, step);
    }

    fn check(&self) -> Result<(), OptionError> {
        option::positive("learning_rate", self.learning_rate)?;
        option::share("rho", self.rho)?;
        option::share("momentum", self.momentum)?;
        option::not_negative("epsilon", self.epsilon)
    }
}
