//! [`Adam`] and [`AdamW`]: moving averages of gradients and of their squares.

use super::{Optimizer, Update};
use crate::OptionError;
use crate::kernel::update as kernel;
use crate::{Config, Scalar, option};

/// Two moments for each parameter.
const SLOTS: usize = 2;

/// Adam; Kingma and Ba 2014.
///
/// In step t: m ← β₁m + (1 − β₁)g; v ← β₂v + (1 − β₂)g²; θ ← θ − η·√(1 − β₂ᵗ)/(1 − β₁ᵗ) · m/(√v +
/// ε). The rule (the paper's shorter form, where ε is added to the uncorrected root) and the
/// defaults (η = 0.001, β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁷) are Keras's. PyTorch adds its ε (10⁻⁸) to
/// the corrected root.
///
/// ```
/// use autoencoder::{Adam, Mse, Trainer};
///
/// let trainer = Trainer::<f32>::new(Mse, Adam::new(0.0005).betas(0.9, 0.99)).epochs(20);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Adam {
    learning_rate: f64,
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
}

impl Default for Adam {
    fn default() -> Self {
        Self::new(0.001)
    }
}

impl Adam {
    /// Adam with learning rate `learning_rate`, above 0, and the other defaults.
    pub fn new(learning_rate: f64) -> Self {
        Self { learning_rate, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7 }
    }

    /// Sets β₁ and β₂, in 0..1.
    #[must_use]
    pub fn betas(mut self, beta_1: f64, beta_2: f64) -> Self {
        (self.beta_1, self.beta_2) = (beta_1, beta_2);
        self
    }

    /// Sets ε, at least 0.
    #[must_use]
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }

    fn options(&self) -> Config {
        Config::new()
            .with("learning_rate", self.learning_rate)
            .with("beta_1", self.beta_1)
            .with("beta_2", self.beta_2)
            .with("epsilon", self.epsilon)
    }

    fn step<T: Scalar>(&self, update: Update<'_, T>, decay: f64) {
        let Some(update) = update.consistent(SLOTS) else { return };
        let t = update.step as f64;
        let correction = (1.0 - self.beta_2.powf(t)).sqrt() / (1.0 - self.beta_1.powf(t));
        let step = kernel::Adam {
            rate: T::from_f64(update.learning_rate * correction),
            beta_1: T::from_f64(self.beta_1),
            beta_2: T::from_f64(self.beta_2),
            epsilon: T::from_f64(self.epsilon),
            decay: T::from_f64(update.learning_rate * decay),
        };
        let [first, second, ..] = update.slots;
        kernel::adam(update.parameters, update.gradients, first, second, step);
    }

    fn check_options(&self) -> Result<(), OptionError> {
        option::positive("learning_rate", self.learning_rate)?;
        option::share("beta_1", self.beta_1)?;
        option::share("beta_2", self.beta_2)?;
        option::not_negative("epsilon", self.epsilon)
    }
}

impl<T: Scalar> Optimizer<T> for Adam {
    fn kind(&self) -> &'static str {
        "adam"
    }

    fn config(&self) -> Config {
        self.options()
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    fn slots(&self) -> usize {
        SLOTS
    }

    #[inline(never)] // see `compiled.rs`
    fn update(&self, update: Update<'_, T>) {
        self.step(update, 0.0);
    }

    fn check(&self) -> Result<(), OptionError> {
        self.check_options()
    }
}

/// Adam with decoupled weight decay λ; Loshchilov and Hutter 2017.
///
/// θ ← θ − ηλθ, then a step of [`Adam`]. The default λ is Keras's 0.004 (PyTorch's is 0.01). As in
/// both, every parameter decays, including biases.
///
/// ```
/// use autoencoder::{AdamW, Mse, Trainer};
///
/// let trainer = Trainer::<f32>::new(Mse, AdamW::new(0.001).weight_decay(0.01)).epochs(20);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct AdamW {
    adam: Adam,
    weight_decay: WeightDecay,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct WeightDecay(f64);

impl Default for WeightDecay {
    fn default() -> Self {
        Self(0.004)
    }
}

impl AdamW {
    /// AdamW with learning rate `learning_rate`, above 0, and the other defaults.
    pub fn new(learning_rate: f64) -> Self {
        Self { adam: Adam::new(learning_rate), weight_decay: WeightDecay::default() }
    }

    /// Sets λ, at least 0.
    #[must_use]
    pub fn weight_decay(mut self, weight_decay: f64) -> Self {
        self.weight_decay = WeightDecay(weight_decay);
        self
    }

    /// Sets β₁ and β₂, in 0..1.
    #[must_use]
    pub fn betas(mut self, beta_1: f64, beta_2: f64) -> Self {
        self.adam = self.adam.betas(beta_1, beta_2);
        self
    }

    /// Sets ε, at least 0.
    #[must_use]
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.adam = self.adam.epsilon(epsilon);
        self
    }
}

impl<T: Scalar> Optimizer<T> for AdamW {
    fn kind(&self) -> &'static str {
        "adam_w"
    }

    fn config(&self) -> Config {
        self.adam.options().with("weight_decay", self.weight_decay.0)
    }

    fn learning_rate(&self) -> f64 {
        self.adam.learning_rate
    }

    fn slots(&self) -> usize {
        SLOTS
    }

    #[inline(never)] // see `compiled.rs`
    fn update(&self, update: Update<'_, T>) {
        self.adam.step(update, self.weight_decay.0);
    }

    fn check(&self) -> Result<(), OptionError> {
        self.adam.check_options()?;
        option::not_negative("weight_decay", self.weight_decay.0)
    }
}
