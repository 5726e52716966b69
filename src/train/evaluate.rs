//! Evaluation of a model, and the trait [`Model`] of networks and autoencoders.

use super::Metric;
use super::step::{BatchStep, Pairs, Question};
use crate::data::{DataError, Source, numbered};
use crate::exec::{Step, Tape, TapeOptions, Totals};
use crate::graph::{LayoutOptions, Network};
use crate::layer::Mode;
use crate::loss::Loss;
use crate::random::Random;
use crate::{Autoencoder, Error, Scalar};

/// What can be trained and evaluated: a [`Network`] or an [`Autoencoder`]. Sealed.
pub trait Model<T: Scalar>: sealed::Sealed<T> {
    /// The layers with their parameters and state.
    fn as_network(&self) -> &Network<T>;
}

/// Keeps mutable access to the trainer: users could replace the network with one of another structure.
pub(super) mod sealed {
    use crate::Scalar;
    use crate::graph::Network;

    pub trait Sealed<T: Scalar> {
        fn as_network_mut(&mut self) -> &mut Network<T>;

        /// The index of the decoder's first layer, for an autoencoder.
        fn split(&self) -> Option<usize>;
    }

    impl<T: Scalar> Sealed<T> for Network<T> {
        fn as_network_mut(&mut self) -> &mut Network<T> {
            self
        }

        fn split(&self) -> Option<usize> {
            None
        }
    }

    impl<T: Scalar> Sealed<T> for crate::Autoencoder<T> {
        fn as_network_mut(&mut self) -> &mut Network<T> {
            self.network_mut()
        }

        fn split(&self) -> Option<usize> {
            Some(self.split())
        }
    }
}

impl<T: Scalar> Model<T> for Network<T> {
    fn as_network(&self) -> &Network<T> {
        self
    }
}

impl<T: Scalar> Model<T> for Autoencoder<T> {
    fn as_network(&self) -> &Network<T> {
        self.network()
    }
}

impl<T: Scalar> Network<T> {
    /// The mean loss over samples, each input being its own target. If the network ends in the loss's
    /// [`link`](Loss::link), the loss is computed from the logits; with a scaler, between scaled values.
    ///
    /// # Errors
    /// [`Error`] if the data do not suit the network or the loss.
    pub fn evaluate(&self, loss: &dyn Loss<T>, data: &dyn Source<T>) -> Result<f64, Error> {
        self.evaluate_pairs(Some(loss), &[], Pairs { inputs: data, targets: None }).map(|record| record.loss)
    }

    /// The mean loss over samples, with separate targets.
    ///
    /// # Errors
    /// [`Error`] if the data do not suit the network or the loss.
    pub fn evaluate_to(
        &self,
        loss: &dyn Loss<T>,
        inputs: &dyn Source<T>,
        targets: &dyn Source<T>,
    ) -> Result<f64, Error> {
        self.evaluate_pairs(Some(loss), &[], Pairs { inputs, targets: Some(targets) }).map(|record| record.loss)
    }

    /// The mean over samples of a metric.
    ///
    /// ```
    /// use autoencoder::nalgebra::DMatrix;
    /// use autoencoder::{Accuracy, Activation, Dense, Network, Shape};
    ///
    /// let network = Network::<f32>::builder(Shape::flat(4)).layer(Dense::new(3).activation(Activation::Softmax)).build()?;
    /// let (inputs, targets) = (DMatrix::from_element(4, 6, 1.0), DMatrix::from_element(3, 6, 1.0 / 3.0));
    /// let accuracy = network.evaluate_metric(Accuracy, &inputs, &targets)?;
    /// assert!((0.0..=1.0).contains(&accuracy));
    /// # Ok::<(), autoencoder::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error`] if the data do not suit the network.
    pub fn evaluate_metric(
        &self,
        metric: impl Metric<T> + 'static,
        inputs: &dyn Source<T>,
        targets: &dyn Source<T>,
    ) -> Result<f64, Error> {
        let metrics: [Box<dyn Metric<T>>; 1] = [Box::new(metric)];
        let record = self.evaluate_pairs(None, &metrics, Pairs { inputs, targets: Some(targets) })?;
        Ok(record.metrics.first().copied().unwrap_or(f64::NAN))
    }

    fn evaluate_pairs(
        &self,
        loss: Option<&dyn Loss<T>>,
        metrics: &[Box<dyn Metric<T>>],
        pairs: Pairs<'_, T>,
    ) -> Result<Totals, Error> {
        /// Samples evaluated at a time.
        const AT_ONCE: usize = 256;
        loss.map_or(Ok(()), |loss| loss.check())?;
        let samples = pairs.check(self)?;
        let question = Question::new(self, loss, metrics);
        let layout = LayoutOptions { loss: true, target: pairs.needs_targets(self), ..LayoutOptions::default() };
        let options = TapeOptions { layout, whole_batch: false, metrics: metrics.len() };
        let mut tape = Tape::new(self, AT_ONCE.min(samples), options)?;
        let order = numbered(0..samples)?;
        Ok(evaluate(self, &mut tape, pairs, question, &order, None)?)
    }
}

/// Means over the samples in `order`. `validation` is the random stream of the first one, if this is the validation of a training run.
pub(super) fn evaluate<T: Scalar>(
    network: &Network<T>,
    tape: &mut Tape<T>,
    pairs: Pairs<'_, T>,
    question: Question<'_, T>,
    order: &[usize],
    validation: Option<Random>,
) -> Result<Totals, DataError> {
    let mut sums = Totals::without_statistics(network.definition(), question.metrics.len());
    let at_once = tape.capacity();
    for (index, order) in order.chunks(at_once).enumerate() {
        let (mode, random) = match validation {
            Some(random) => (Mode::Validation, random.skip(index * at_once)),
            None => (Mode::Inference, network.layer_streams()),
        };
        let batch = BatchStep { pairs, question, noise: None, order };
        let (samples, from_logits) = (order.len(), question.link.is_some());
        network.evaluate_step(tape, mode, Step { samples, from_logits, random, loader: &batch, last: &batch })?;
        sums.add(tape.totals());
    }
    sums.divide(order.len());
    Ok(sums)
}

impl<T: Scalar> Autoencoder<T> {
    /// The mean over samples of the loss between a sample and its reconstruction. See [`Network::evaluate`].
    ///
    /// # Errors
    /// [`Error`] if the data do not suit the model or the loss.
    pub fn evaluate(&self, loss: &dyn Loss<T>, data: &dyn Source<T>) -> Result<f64, Error> {
        self.network().evaluate(loss, data)
    }

    /// The mean loss over samples with separate targets: clean ones for noisy inputs, for instance.
    ///
    /// # Errors
    /// [`Error`] if the data do not suit the model or the loss.
    pub fn evaluate_to(
        &self,
        loss: &dyn Loss<T>,
        inputs: &dyn Source<T>,
        targets: &dyn Source<T>,
    ) -> Result<f64, Error> {
        self.network().evaluate_to(loss, inputs, targets)
    }
}
