//! [`Callback`]: user code that training calls.

use super::Epoch;
use crate::graph::Network;
use crate::{Config, ConfigError, Scalar};

/// Code that training calls after every step and every epoch.
///
/// Every callback is called, whatever the others answer; of several answers [`Control::Finish`]
/// counts most, then [`Control::Pause`].
///
/// ```
/// use autoencoder::{Callback, Control, Epoch, Network};
///
/// /// Ends training as soon as the loss is good enough.
/// struct GoodEnough(f64);
///
/// impl Callback<f32> for GoodEnough {
///     fn on_epoch(&mut self, epoch: &Epoch, _model: &Network<f32>) -> Result<Control, Box<dyn std::error::Error + Send + Sync>> {
///         Ok(if epoch.loss < self.0 { Control::Finish } else { Control::Continue })
///     }
/// }
/// ```
pub trait Callback<T: Scalar>: Send + Sync {
    /// Called after every step. [`Trainer::pause_when`](super::Trainer::pause_when) takes a closure
    /// instead.
    ///
    /// Where it stops training after the last step of an epoch, the epoch is still validated and
    /// reported.
    ///
    /// # Errors
    /// An error ends training with [`TrainErrorKind::Callback`](super::TrainErrorKind::Callback).
    fn on_step(&mut self, _progress: &Progress) -> Result<Control, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Control::Continue)
    }

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

    /// What a checkpoint keeps of the callback, for [`restore`](Self::restore). Called after
    /// [`on_step`](Self::on_step) and [`on_epoch`](Self::on_epoch) whenever a checkpoint is
    /// written.
    ///
    /// Default: nothing, which is right for a callback that only reports or that stops on a flag, a
    /// channel or a clock. In a resumed training such a callback begins as it was made: one that
    /// counts or remembers something over the whole training has to override this method and
    /// [`restore`](Self::restore).
    fn state(&self) -> CallbackState {
        CallbackState::Nothing
    }

    /// Takes back what [`state`](Self::state) returned, before the first step of a resumed training
    /// run.
    ///
    /// Default: an error unless the state is empty, so that no callback that keeps a state forgets
    /// to restore it.
    ///
    /// # Errors
    /// [`ConfigError`] if the callback cannot use this state.
    fn restore(&mut self, state: &Config) -> Result<(), ConfigError> {
        state.only(&[]).map(|_| ())
    }
}

/// The state of a callback that a checkpoint saves.
///
/// ```
/// use autoencoder::{Callback, CallbackState, Config, ConfigError, Control, Progress};
///
/// /// Counts steps, including those before an interruption.
/// struct Steps(usize);
///
/// impl Callback<f32> for Steps {
///     fn on_step(&mut self, _progress: &Progress) -> Result<Control, Box<dyn std::error::Error + Send + Sync>> {
///         self.0 += 1;
///         Ok(Control::Continue)
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
}

/// Whether training goes on after a step or an epoch.
///
/// `Pause` and `Finish` both stop it at once: a checkpoint is written where
/// [checkpoints](super::Checkpoints) are on, and `fit` returns `Ok` with the history of the
/// finished epochs; early stopping gives the model of the best of them. They differ in what
/// [`Trainer::resume`](super::Trainer::resume) does later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Control {
    /// Training goes on.
    Continue,
    /// Training stops for now: resuming it goes on here, even within an epoch, with the same bits
    /// as if it had never stopped.
    Pause,
    /// Training has ended, as it has after early stopping: resuming it only restores model and
    /// history.
    Finish,
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
}

/// A closure called after every step.
pub(super) struct OnProgress<F>(pub F);

impl<T: Scalar, F: FnMut(&Progress) + Send + Sync> Callback<T> for OnProgress<F> {
    fn on_step(&mut self, progress: &Progress) -> Result<Control, Box<dyn std::error::Error + Send + Sync>> {
        self.0(progress);
        Ok(Control::Continue)
    }
}

/// A closure that says after every step whether to pause.
pub(super) struct PauseWhen<F>(pub F);

impl<T: Scalar, F: FnMut(&Progress) -> bool + Send + Sync> Callback<T> for PauseWhen<F> {
    fn on_step(&mut self, progress: &Progress) -> Result<Control, Box<dyn std::error::Error + Send + Sync>> {
        Ok(if self.0(progress) { Control::Pause } else { Control::Continue })
    }
}
