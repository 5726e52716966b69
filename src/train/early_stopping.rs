//! [`EarlyStopping`]: ends training when the validation total stops falling, and restores the best
//! model.

use crate::data::InputError;
use crate::graph::{Network, zeros};
use crate::{Config, OptionError, Scalar, option};

/// Ends training when [`Epoch::validation_total`](super::Epoch::validation_total) has not fallen
/// for some epochs, and restores the model of the best epoch; Prechelt 1998, Keras's
/// `EarlyStopping`. The total is the validation loss, plus the divergence for a variational model;
/// other penalties are not included.
///
/// The best epoch is the one with the lowest total, the first of equals:
/// [`History::best`](super::History::best). Its parameters and its state (running statistics) are
/// restored however training ends, except with an error.
///
/// An epoch counts as progress if its total is more than `min_delta` below that of the last epoch
/// that counted. Patience ignores the epochs before the end of the first
/// [`KlAnnealing`](crate::KlAnnealing), though one of them may be the best.
///
/// ```
/// use autoencoder::nalgebra::DMatrix;
/// use autoencoder::{Activation, Adam, Autoencoder, Dense, EarlyStopping, Mse, Shape, Trainer};
///
/// let data = DMatrix::<f32>::from_fn(8, 64, |feature, sample| ((feature * sample) % 7) as f32 / 7.0);
/// let mut model = Autoencoder::<f32>::builder(Shape::flat(8)).encoder(Dense::new(3)).mirror(Activation::Linear).build()?;
/// let history = Trainer::new(Mse, Adam::new(0.05))
///     .epochs(200)
///     .validation_fraction(0.25)
///     .early_stopping(EarlyStopping::new(5))
///     .fit(&mut model, &data)?;
/// let validation = data.columns(48, 16);
/// assert_eq!(history.best().and_then(|epoch| epoch.validation_loss), Some(model.evaluate(&Mse, &validation)?));
/// # Ok::<(), autoencoder::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EarlyStopping {
    patience: usize,
    min_delta: f64,
    restore_best: bool,
}

impl EarlyStopping {
    /// Stops after `patience` epochs without progress, at least 1.
    pub fn new(patience: usize) -> Self {
        Self { patience, min_delta: 0.0, restore_best: true }
    }

    /// The total must fall by more than `min_delta`, at least 0, to count as progress; 0 by
    /// default.
    #[must_use]
    pub fn min_delta(mut self, min_delta: f64) -> Self {
        self.min_delta = min_delta;
        self
    }

    /// Whether the model of the best epoch is restored (the default) or that of the last one kept.
    #[must_use]
    pub fn restore_best(mut self, restore_best: bool) -> Self {
        self.restore_best = restore_best;
        self
    }

    /// The options by name; a checkpoint records them.
    pub(super) fn config(self) -> Config {
        let config = Config::new().with("patience", self.patience).with("min_delta", self.min_delta);
        config.with("restore_best", self.restore_best)
    }

    pub(super) fn check(self) -> Result<(), OptionError> {
        option::at_least_one("patience", self.patience)?;
        option::not_negative("min_delta", self.min_delta)
    }
}

/// An epoch as early stopping and schedules see it.
#[derive(Debug, Clone, Copy)]
pub(super) struct WatchedLoss {
    /// The validation total, or the training loss without validation data; infinity if it is not
    /// finite.
    pub loss: f64,
    /// A penalty has not reached its full weight: the loss cannot be compared with that of later
    /// epochs.
    pub warms_up: bool,
}

/// The best epoch so far, and how many epochs ago there was progress.
#[derive(Debug)]
pub(super) struct EarlyStoppingState<T> {
    options: EarlyStopping,
    /// The loss of the last epoch that counted as progress.
    reference: f64,
    waited: usize,
    lowest: f64,
    /// The parameters after the epoch with the lowest loss; empty if they are not to be restored.
    parameters: Vec<T>,
    state: Vec<T>,
}

impl<T: Scalar> EarlyStoppingState<T> {
    pub fn new(options: EarlyStopping, network: &Network<T>) -> Result<Self, InputError> {
        let kept = |elements: usize| zeros(if options.restore_best { elements } else { 0 });
        Ok(Self {
            options,
            reference: f64::INFINITY,
            waited: 0,
            lowest: f64::INFINITY,
            parameters: kept(network.parameter_count())?,
            state: kept(network.state_vector().len())?,
        })
    }

    /// Records an epoch and, if it is the best, the model. Returns whether patience has run out.
    pub fn see(&mut self, epoch: WatchedLoss, network: &Network<T>) -> bool {
        if self.note(epoch) && self.options.restore_best {
            self.parameters.copy_from_slice(network.parameter_vector());
            self.state.copy_from_slice(network.state_vector());
        }
        self.waited >= self.options.patience
    }

    /// Records the epochs before an interruption and the model of the best of them. Returns whether
    /// the numbers of parameters and states fit.
    pub fn replay(&mut self, epochs: &[WatchedLoss], parameters: &[T], state: &[T]) -> bool {
        epochs.iter().for_each(|epoch| _ = self.note(*epoch));
        let fits = self.parameters.len() == parameters.len() && self.state.len() == state.len();
        if fits {
            self.parameters.copy_from_slice(parameters);
            self.state.copy_from_slice(state);
        }
        fits || !self.has_best()
    }

    /// Parameters and state of the best epoch, if there was one and it is to be restored.
    pub fn best(&self) -> Option<(&[T], &[T])> {
        self.has_best().then_some((&*self.parameters, &*self.state))
    }

    fn has_best(&self) -> bool {
        self.options.restore_best && self.lowest.is_finite()
    }

    /// Records a loss and returns whether it is the lowest so far.
    fn note(&mut self, WatchedLoss { loss, warms_up }: WatchedLoss) -> bool {
        if loss < self.reference - self.options.min_delta && !warms_up {
            (self.reference, self.waited) = (loss, 0);
        } else if !warms_up {
            self.waited += 1;
        }
        let lowest = loss < self.lowest;
        if lowest {
            self.lowest = loss;
        }
        lowest
    }

    /// Restores the network of the best epoch, if there was one.
    pub fn restore(self, network: &mut Network<T>) {
        if self.has_best() {
            network.set_numbers(&self.parameters, &self.state);
        }
    }
}
