//! Evaluation of a model, and the trait [`Model`] of networks and autoencoders.

use std::ops::Range;

use super::Metric;
use super::step::{BatchStep, LossSpec, Pairs};
use crate::data::{Batch, DataError, Source, filled, numbered};
use crate::exec::{Ending, Step, Tape, TapeOptions, Totals};
use crate::graph::{LayoutOptions, Network};
use crate::layer::Mode;
use crate::loss::{Loss, LossError};
use crate::random::Random;
use crate::{Activation, Autoencoder, Error, Scalar};

/// What can be trained and evaluated: a [`Network`] or an [`Autoencoder`]. Sealed.
pub trait Model<T: Scalar>: sealed::Sealed<T> {
    /// The layers with their parameters and state.
    fn as_network(&self) -> &Network<T>;
}

/// Keeps mutable access to the trainer: users could replace the network with one of another
/// structure.
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
    /// The mean loss over samples, each input being its own target. If the network ends in the
    /// loss's [`fused_activation`](Loss::fused_activation), the loss is computed from the
    /// logits; with a scaler, between scaled values. It has the bits of the [validation
    /// loss](crate::Epoch::validation_loss) over the same data, whatever the batch size of
    /// training, unless the model is variational: validation decodes a drawn code. Infinite if
    /// it is too large for its numbers.
    ///
    /// # Errors
    /// [`Error`] if the data do not suit the network or the loss, or the loss is NaN.
    pub fn evaluate(&self, loss: &dyn Loss<T>, data: &dyn Source<T>) -> Result<f64, Error> {
        self.evaluate_pairs(Some(loss), &[], Pairs { inputs: data, targets: None }).map(|record| record.loss)
    }

    /// The mean loss over samples, with separate targets.
    ///
    /// # Errors
    /// [`Error`] if the data do not suit the network or the loss, or the loss is NaN.
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
    /// [`Error`] if the data do not suit the network, or the metric is NaN.
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

    #[inline(never)] // see `compiled.rs`
    fn evaluate_pairs(
        &self,
        loss: Option<&dyn Loss<T>>,
        metrics: &[Box<dyn Metric<T>>],
        pairs: Pairs<'_, T>,
    ) -> Result<Totals, Error> {
        loss.map_or(Ok(()), |loss| loss.check())?;
        let samples = pairs.check(self)?;
        let loss_spec = LossSpec::new(self, loss, metrics);
        let mut evaluation =
            Evaluation::new(self, loss_spec.fused_activation, pairs.needs_targets(self), metrics.len(), 0..samples)?;
        let record = evaluation.means(self, pairs, loss_spec, None)?;
        match record.loss.is_nan() || record.metrics.iter().any(|metric| metric.is_nan()) {
            true => Err(self.why_nan(pairs.inputs, loss_spec.fused_activation.is_some(), loss_spec.name())),
            false => Ok(record),
        }
    }

    /// The first prediction that is not finite, as an error; else that `name` makes a NaN of finite
    /// numbers.
    fn why_nan(&self, inputs: &dyn Source<T>, from_logits: bool, name: String) -> Error {
        match self.require_finite_outputs(inputs, from_logits) {
            Ok(()) => LossError::NotANumber { name }.into(),
            Err(error) => error,
        }
    }

    fn require_finite_outputs(&self, inputs: &dyn Source<T>, from_logits: bool) -> Result<(), Error> {
        let mut workspace = self.workspace(1)?;
        let (mut input, mut side) = (filled(T::zero(), inputs.features())?, filled(T::zero(), inputs.side_features())?);
        for sample in 0..inputs.len() {
            inputs.read(&[sample], &mut input)?;
            inputs.read_side(&[sample], &mut side)?;
            let batch = Batch::from(input.as_slice());
            let batch = if side.is_empty() { batch } else { batch.with_side(side.as_slice()) };
            let output = self.infer_to(self.all(), Ending::Loss { from_logits }, &mut workspace, batch);
            output.map_err(|error| error.of_sample(sample))?;
        }
        Ok(())
    }
}

/// Samples evaluated at a time, whatever the batches of training: sums are added in the same order,
/// and so validation has the bits of [`Network::evaluate`].
const AT_ONCE: usize = 256;

/// The memory for evaluating the same samples once or many times.
pub(super) struct Evaluation<T: Scalar> {
    tape: Tape<T>,
    /// The samples.
    order: Vec<usize>,
}

impl<T: Scalar> Evaluation<T> {
    /// `fused_activation` is the activation that the loss applies; `target` tells whether targets
    /// need their own buffer.
    pub fn new(
        network: &Network<T>,
        fused_activation: Option<Activation>,
        target: bool,
        metrics: usize,
        samples: Range<usize>,
    ) -> Result<Self, Error> {
        let layout = LayoutOptions { loss: true, target, fused_activation, ..LayoutOptions::default() };
        let options = TapeOptions { layout, whole_batch: false, metrics };
        let tape = Tape::new(network, AT_ONCE.min(samples.len()), options)?;
        Ok(Self { tape, order: numbered(samples)? })
    }

    /// The samples.
    pub fn samples(&self) -> &[usize] {
        &self.order
    }

    /// Means over the samples. `validation` is the random stream of the first one, if this is the
    /// validation of a training run.
    pub fn means(
        &mut self,
        network: &Network<T>,
        pairs: Pairs<'_, T>,
        loss_spec: LossSpec<'_, T>,
        validation: Option<Random>,
    ) -> Result<Totals, DataError> {
        let Self { tape, order } = self;
        let mut sums = Totals::without_statistics(network.definition(), loss_spec.metrics.len());
        for (index, order) in order.chunks(AT_ONCE).enumerate() {
            let (mode, random) = match validation {
                Some(random) => (Mode::Validation, random.skip(index * AT_ONCE)),
                None => (Mode::Inference, network.layer_streams()),
            };
            let batch = BatchStep { pairs, loss_spec, noise: None, order };
            let (samples, from_logits) = (order.len(), loss_spec.fused_activation.is_some());
            network.evaluate_step(tape, mode, Step { samples, from_logits, random, loader: &batch, last: &batch })?;
            sums.add(tape.totals());
        }
        sums.divide(order.len());
        Ok(sums)
    }
}

impl<T: Scalar> Autoencoder<T> {
    /// The mean over samples of the loss between a sample and its reconstruction. See
    /// [`Network::evaluate`].
    ///
    /// # Errors
    /// [`Error`] if the data do not suit the model or the loss, or the loss is NaN.
    pub fn evaluate(&self, loss: &dyn Loss<T>, data: &dyn Source<T>) -> Result<f64, Error> {
        self.network().evaluate(loss, data)
    }

    /// The mean loss over samples with separate targets: clean ones for noisy inputs, for instance.
    ///
    /// # Errors
    /// [`Error`] if the data do not suit the model or the loss, or the loss is NaN.
    pub fn evaluate_to(
        &self,
        loss: &dyn Loss<T>,
        inputs: &dyn Source<T>,
        targets: &dyn Source<T>,
    ) -> Result<f64, Error> {
        self.network().evaluate_to(loss, inputs, targets)
    }
}
