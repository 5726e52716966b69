//! [`Callback`]: code of the user's that training calls.

use super::Epoch;
use crate::network::Network;
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

    /// Called after every epoch, with what it brought and the model as it is now.
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

    /// What the callback needs besides its options to go on when training is resumed from a checkpoint; asked for after [`on_step`](Self::on_step) and
    /// [`on_epoch`](Self::on_epoch).
    ///
    /// Unless said otherwise a callback without fields needs nothing, and of any other it is unknown: training with checkpoints refuses it before the first step.
    fn state(&self) -> CallbackState {
        if size_of_val(self) == 0 { CallbackState::Nothing } else { CallbackState::Unknown }
    }

    /// Takes back what [`state`](Self::state) gave, before the first step of a training that is resumed.
    ///
    /// # Errors
    /// [`ConfigError`] if that is not what it can use.
    fn restore(&mut self, _state: &Config) -> Result<(), ConfigError> {
        Ok(())
    }
}

/// What a callback hands over to a checkpoint.
///
/// ```
/// use autoencoder::{Callback, CallbackState, Config, ConfigError, Progress};
///
/// /// Counts steps, those before an interruption included.
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
    /// It keeps nothing from one call to the next that matters when training is resumed.
    Nothing,
    /// What [`Callback::restore`] is to be given; its numbers finite.
    Keep(Config),
    /// It keeps something and cannot hand it over: no checkpoint can be written.
    Unknown,
}

/// Whether training goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// With the next epoch.
    Continue,
    /// No further; `fit` returns the history so far.
    Stop,
}

/// How far training has come.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// The epoch under way, from 1.
    pub epoch: usize,
    /// Epochs in all.
    pub epochs: usize,
    /// The step of the epoch just finished, from 1.
    pub step: usize,
    /// Steps of an epoch.
    pub steps: usize,
    /// Samples seen in this epoch.
    pub samples: usize,
    /// The mean loss of this epoch so far, without penalties.
    pub loss: f64,
    /// Seconds since the epoch began.
    pub seconds: f64,
}

/// A closure as a callback for epochs.
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

    /// As that of [`OnProgress`].
    fn state(&self) -> CallbackState {
        CallbackState::Nothing
    }
}

/// A closure as a callback for progress.
pub(super) struct OnProgress<F>(pub F);

impl<T: Scalar, F: FnMut(&Progress) + Send + Sync> Callback<T> for OnProgress<F> {
    fn on_step(&mut self, progress: &Progress) {
        self.0(progress);
    }

    /// What a closure has captured is its own affair: it can only look on.
    fn state(&self) -> CallbackState {
        CallbackState::Nothing
    }
}
