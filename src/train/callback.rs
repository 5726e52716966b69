//! [`Callback`]: user code that training calls.

use super::Epoch;
use crate::graph::Network;
use crate::{Config, ConfigError, Scalar};

/// Code that training calls after every step and every epoch.
///
/// ```
/// use autoencoder::{Callback, Control, Epoch, Network};
///
/// /// Stops as soon as the loss is good enough.
/// struct GoodEnough(f64);
///
/// impl Callback<f32> for GoodEnough {
///     fn on_epoch(&mut self, epoch: &Epoch, _model: &Network<f32>) -> Result<Control, Box<dyn std::error::Error + Send + Sync>> {
///         Ok(if epoch.loss < self.0 { Control::Stop } else { Control::Continue })
///     }
/// }
/// ```
pub trait Callback<T: Scalar>: Send + Sync {
    /// Called after every step.
    fn on_step(&mut self, _progress: &Progress) {}

    /// Called after every epoch, with its results and the current model.
    ///
    /// # Errors
    /// An error ends training with [`TrainErrorKind::Callback`](super::TrainErrorKind::Callback).
    fn on_epoch(
        &mut self,
        _epoch: &Epoch,
        _model: &Network<T>,
    ) -> Result<Control, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Control::Continue)
    }

    /// The state, besides its options, that the callback needs when training is resumed from a checkpoint. Called after [`on_step`](Self::on_step) and
    /// [`on_epoch`](Self::on_epoch).
    ///
    /// Default: `Nothing` for a type without fields, else `Unknown`, which training with checkpoints refuses before the first step.
    fn state(&self) -> CallbackState {
        if size_of_val(self) == 0 { CallbackState::Nothing } else { CallbackState::Unknown }
    }

    /// Restores what [`state`](Self::state) returned, before the first step of a resumed training run.
    ///
    /// # Errors
    /// [`ConfigError`] if the callback cannot use this state.
    fn restore(&mut self, _state: &Config) -> Result<(), ConfigError> {
        Ok(())
    }
}

/// The state of a callback that a checkpoint saves.
///
/// ```
/// use autoencoder::{Callback, CallbackState, Config, ConfigError, Progress};
///
/// /// Counts steps, including those before an interruption.
/// struct Steps(usize);
///
/// impl Callback<f32> for Steps {
///     fn on_step(&mut self, _progress: &Progress) {
///         self.0 += 1;
///     }
///     fn state(&self) -> CallbackState {
///         CallbackState::Keep(Config::new().with("steps", self.0))
///     }
///     fn restore(&mut self, state: &Config) -> Result<(), ConfigError> {
///         self.0 = state.integer("steps")?;
///         Ok(())
///     }
/// }
/// ```
#[derive(Debug, Clone, PartialEq)]
pub enum CallbackState {
    /// The callback has no state that matters when training is resumed.
    Nothing,
    /// The state to pass to [`Callback::restore`]; its numbers must be finite.
    Keep(Config),
    /// The callback has state that it cannot save: no checkpoint can be written.
    Unknown,
}

/// Whether training continues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Continue with the next epoch.
    Continue,
    /// Stop; `fit` returns the history so far.
    Stop,
}

/// The progress of training.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// The current epoch, from 1.
    pub epoch: usize,
    /// The total number of epochs.
    pub epochs: usize,
    /// The step just finished within the epoch, from 1.
    pub step: usize,
    /// Steps per epoch.
    pub steps: usize,
    /// Samples seen in this epoch.
    pub samples: usize,
    /// The mean loss of this epoch so far, without penalties.
    pub loss: f64,
    /// Seconds since the epoch began.
    pub seconds: f64,
}

/// A closure called after every epoch.
pub(super) struct OnEpoch<F>(pub F);

impl<T: Scalar, F: FnMut(&Epoch) + Send + Sync> Callback<T> for OnEpoch<F> {
    fn on_epoch(
        &mut self,
        epoch: &Epoch,
        _model: &Network<T>,
    ) -> Result<Control, Box<dyn std::error::Error + Send + Sync>> {
        self.0(epoch);
        Ok(Control::Continue)
    }

    /// See [`OnProgress`].
    fn state(&self) -> CallbackState {
        CallbackState::Nothing
    }
}

/// A closure called after every step.
pub(super) struct OnProgress<F>(pub F);

impl<T: Scalar, F: FnMut(&Progress) + Send + Sync> Callback<T> for OnProgress<F> {
    fn on_step(&mut self, progress: &Progress) {
        self.0(progress);
    }

    /// A progress closure only observes; its captures are not saved.
    fn state(&self) -> CallbackState {
        CallbackState::Nothing
    }
}
