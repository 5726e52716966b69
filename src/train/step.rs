//! A training step's data: reads and scales inputs and targets, evaluates loss and metrics.

use std::ops::Range;

use super::{LargestValue, Metric};
use crate::data::{Corruption, DataError, DataPart, InputError, Origin, Scaler, Source};
use crate::data::{filled, numbered, samples_at_once};
use crate::exec::{BatchLoader, LastOperation, LastPass, Load, Totals};
use crate::graph::{LOSS_SAMPLES, Network};
use crate::loss::{Loss, LossPass};
use crate::random::Random;
use crate::{Activation, Scalar, Shape, invariant};

/// Pairs of inputs and targets.
#[derive(Clone, Copy)]
pub(super) struct Pairs<'a, T> {
    pub inputs: &'a dyn Source<T>,
    /// `None` if each input is its own target.
    pub targets: Option<&'a dyn Source<T>>,
}

impl<T: Scalar> Pairs<'_, T> {
    /// Checks that the samples suit the network and that there is at least one; returns their
    /// number.
    pub fn check(&self, network: &Network<T>) -> Result<usize, InputError> {
        let samples = self.inputs.len();
        if samples == 0 {
            return Err(InputError::Empty);
        }
        InputError::require_features(network.input_shape().elements(), self.inputs.features(), samples)?;
        let (expected, found) = (network.definition().side_input, self.inputs.side_features());
        if expected > 0 && expected != found {
            return Err(InputError::SideInput { expected, samples, found, found_samples: samples });
        }
        let (output, targets) = (network.output_shape(), self.targets.unwrap_or(self.inputs));
        if targets.features() != output.elements() {
            let (found, inputs) = (targets.features(), self.targets.is_none());
            return Err(InputError::Targets { output, found, inputs });
        }
        match targets.len() == samples {
            true => Ok(samples),
            false => Err(InputError::Unpaired { inputs: samples, targets: targets.len() }),
        }
    }

    /// The number with the largest magnitude among these samples, for an error; samples that cannot
    /// be read are left out.
    pub fn largest(&self, samples: &[usize]) -> Option<LargestValue> {
        let sources = [(Some(self.inputs), false), (self.targets, true)];
        let sources = sources.into_iter().filter_map(|(source, target)| Some((source?, target)));
        let largest = sources.filter_map(|(source, target)| {
            let mut values = filled(T::zero(), source.features()).ok()?;
            let mut of_sample = |sample: &usize| {
                source.read(&[*sample], &mut values).ok()?;
                let numbers = values.iter().map(|value| value.into_f64()).enumerate();
                let numbers = numbers.map(|(feature, value)| LargestValue { value, sample: *sample, feature, target });
                numbers.reduce(LargestValue::or)
            };
            samples.iter().filter_map(&mut of_sample).reduce(LargestValue::or)
        });
        largest.reduce(LargestValue::or)
    }

    /// Whether targets need their own buffer: other data, or another scaler.
    pub fn needs_targets(&self, network: &Network<T>) -> bool {
        self.targets.is_some() || network.input_scaler() != network.output_scaler()
    }
}

/// The loss and metrics to compute from predictions.
#[derive(Clone, Copy)]
pub(super) struct LossSpec<'a, T: Scalar> {
    /// `None` if only metrics are wanted.
    pub loss: Option<&'a dyn Loss<T>>,
    pub metrics: &'a [Box<dyn Metric<T>>],
    pub shape: Shape,
    /// The last activation, if the loss applies it.
    pub fused_activation: Option<Activation>,
    pub input_scaler: Option<&'a Scaler>,
    pub output_scaler: Option<&'a Scaler>,
}

impl<'a, T: Scalar> LossSpec<'a, T> {
    pub fn new(network: &'a Network<T>, loss: Option<&'a dyn Loss<T>>, metrics: &'a [Box<dyn Metric<T>>]) -> Self {
        let fused_activation = loss.and_then(|loss| loss.fused_activation());
        Self {
            loss,
            metrics,
            shape: network.output_shape(),
            fused_activation: fused_activation.filter(|fused_activation| network.ends_in(Some(*fused_activation))),
            input_scaler: network.input_scaler(),
            output_scaler: network.output_scaler(),
        }
    }

    /// The name of the loss, or of the first metric, for errors.
    pub fn name(&self) -> String {
        let metric = || self.metrics.first().map_or(String::new(), |metric| metric.name().to_owned());
        self.loss.map_or_else(metric, |loss| loss.kind().to_owned())
    }

    /// The loss, or 0 if none is wanted.
    pub fn value(&self, pass: LossPass<'_, T>) -> f64 {
        self.loss.map_or(0.0, |loss| loss.evaluate(pass))
    }
}

/// The corruption of a step's inputs; targets stay clean.
#[derive(Clone, Copy)]
pub(super) struct Noise<'a, T: Scalar> {
    pub corruption: &'a dyn Corruption<T>,
    pub origin: Origin<'a, T>,
    /// The random stream of the batch's first sample.
    pub random: Random,
}

/// One step over the samples named in `order`.
pub(super) struct BatchStep<'a, T: Scalar> {
    pub pairs: Pairs<'a, T>,
    pub loss_spec: LossSpec<'a, T>,
    pub noise: Option<Noise<'a, T>>,
    pub order: &'a [usize],
}

impl<T: Scalar> BatchStep<'_, T> {
    fn check_finite(&self, part: DataPart, samples: &[usize], values: &[T]) -> Result<(), DataError> {
        Ok(InputError::require_finite(part, values, |position| locate(samples, values.len(), position))?)
    }

    fn check_targets(&self, samples: &[usize], targets: &[T]) -> Result<(), DataError> {
        let Some(loss) = self.loss_spec.loss else { return Ok(()) };
        match loss.unsuitable_target(targets) {
            None => Ok(()),
            Some((position, expected)) => {
                // A loss of the user's may name a place that is not there.
                let position = position.min(targets.len().saturating_sub(1));
                let (sample, feature) = locate(samples, targets.len(), position);
                let value = targets.get(position).map_or(f64::NAN, |value| value.into_f64());
                let (loss, scaled) = (loss.kind(), self.loss_spec.output_scaler.is_some());
                Err(InputError::Target { sample, feature, value, scaled, loss, expected }.into())
            }
        }
    }
}

/// Reads `samples` and checks their values as a step would: `Ok` if all are finite, and targets are
/// what the loss takes. So errors that an epoch would end with are known before it begins, and the
/// first one in the order of the data is named.
pub(super) fn check_values<T: Scalar>(
    network: &Network<T>,
    loss: &dyn Loss<T>,
    pairs: Pairs<'_, T>,
    samples: Range<usize>,
) -> Result<(), DataError> {
    let loss_spec = LossSpec::new(network, Some(loss), &[]);
    let (input_width, side_width) = (network.input_shape().elements(), network.definition().side_input);
    let target_width = if pairs.needs_targets(network) { network.output_shape().elements() } else { 0 };
    let width = input_width + side_width + target_width;
    let order = numbered(samples)?;
    let at_once = samples_at_once(width);
    let mut values = filled(T::zero(), width.saturating_mul(at_once.min(order.len())))?;
    for order in order.chunks(at_once) {
        let (input, others) = values.split_at_mut(input_width * order.len());
        let (side, others) = others.split_at_mut(side_width * order.len());
        let (target, _) = others.split_at_mut(target_width * order.len());
        BatchStep { pairs, loss_spec, noise: None, order }.load(0..order.len(), Load { input, side, target })?;
    }
    Ok(())
}

/// The sample and the feature at `position` of a batch of `elements` that holds `samples`.
fn locate(samples: &[usize], elements: usize, position: usize) -> (usize, usize) {
    let features = (elements / samples.len().max(1)).max(1);
    (*invariant::at(samples, position / features, "sample of a batch"), position % features)
}

/// Samples read at a time before they are checked: few enough to still be in the L1 cache.
const READ_AT_ONCE: usize = 8;

impl<T: Scalar> BatchLoader<T> for BatchStep<'_, T> {
    fn load(&self, positions: Range<usize>, read: Load<'_, T>) -> Result<(), DataError> {
        let first = positions.start;
        let samples = invariant::slice(self.order, &positions, "order", "batch");
        let features = read.input.len() / samples.len().max(1);
        let number = |index: usize| *invariant::at(samples, index, "sample of a batch");
        for (samples, input) in samples.chunks(READ_AT_ONCE).zip(read.input.chunks_mut(READ_AT_ONCE * features.max(1)))
        {
            self.pairs.inputs.read(samples, input)?;
            self.check_finite(DataPart::Sample, samples, input)?;
        }
        if !read.side.is_empty() {
            self.pairs.inputs.read_side(samples, read.side)?;
            self.check_finite(DataPart::SideInput, samples, read.side)?;
        }
        if !read.target.is_empty() {
            match self.pairs.targets {
                Some(targets) => targets.read(samples, read.target)?,
                None => read.target.copy_from_slice(read.input),
            }
            self.check_finite(DataPart::Target, samples, read.target)?;
        }
        if let Some(Noise { corruption, origin, random }) = self.noise {
            origin.corrupt(corruption, samples, read.input, |position, _| random.skip(first + position))?;
        }
        if let Some(scaler) = self.loss_spec.input_scaler {
            scaler.apply(read.input);
            scaler.require_fits("sample", read.input, number)?;
        }
        if let Some(scaler) = self.loss_spec.output_scaler {
            scaler.apply(read.target);
            scaler.require_fits("target", read.target, number)?;
        }
        let targets = if read.target.is_empty() { read.input } else { read.target };
        self.check_targets(samples, targets)
    }
}

impl<T: Scalar> LastOperation<T> for BatchStep<'_, T> {
    fn run(&self, pass: LastPass<'_, T>, totals: &mut Totals) {
        let LastPass { predictions, targets, gradient, backward, .. } = pass;
        let loss_spec = &self.loss_spec;
        if !loss_spec.metrics.is_empty() {
            gradient.copy_from_slice(predictions); // the gradient buffer is scratch here, for the activated predictions
            if let Some(fused_activation) = loss_spec.fused_activation {
                fused_activation.forward(loss_spec.shape.channels(), gradient, &mut []);
            }
            // In the groups of samples in which the loss may be given them, so that a metric has
            // the same bits with every loss and with none.
            let group = LOSS_SAMPLES * loss_spec.shape.elements().max(1);
            for (predictions, targets) in gradient.chunks(group).zip(targets.chunks(group)) {
                for (metric, sum) in loss_spec.metrics.iter().zip(&mut totals.metrics) {
                    *sum += metric.evaluate(loss_spec.shape, predictions, targets);
                }
            }
        }
        let factor = T::from_f64(1.0 / self.order.len().max(1) as f64);
        let pass = LossPass::new(loss_spec.shape, predictions, targets)
            .map(|pass| pass.from_logits(loss_spec.fused_activation.is_some()));
        let pass = pass.and_then(|pass| if backward { pass.gradient(factor, gradient) } else { Ok(pass) });
        totals.loss += loss_spec.value(invariant::checked(pass, "loss"));
    }
}
