//! [`Callback`]: code of the user's that training calls.

use super::Epoch;
use crate::Scalar;
use crate::network::Network;

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
pub trait Callback<T: Scalar>: Send {
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

/// A closure as a callback for progress.
pub(super) struct OnProgress<F>(pub F);

impl<T: Scalar, F: FnMut(&Progress) + Send> Callback<T> for OnProgress<F> {
    fn on_step(&mut self, progress: &Progress) {
        self.0(progress);
    }
}
