//! [`LayerModel`]: a network of the checked layer alone, and its passes on the executor.

use std::ops::Range;
use std::sync::Arc;

use super::inputs::Inputs;
use super::limits::is_checkable;
use super::samples::Samples;
use crate::exec::{PassBuffer, Tape};
use crate::graph::{BuildError, LayoutOptions, NamedLayer, Network, Node};
use crate::layer::{Layer, Mode, Plan};
use crate::random::{Purpose, Random};
use crate::testing::numbers::{Numbers, largest};
use crate::{Error, Scalar, Shape, ShapeError, invariant};

/// A network of a single layer, in which the executor runs passes. The layer comes behind one that
/// is no operation: so it has the same place, and with it the same random numbers, as behind
/// another layer. If it joins values, one sample of the network holds them all.
#[derive(Debug, Clone)]
pub(super) struct LayerModel<T: Scalar> {
    pub network: Network<T>,
    pub inputs: Inputs,
    /// The progress of training that passes see.
    pub epoch: f64,
}

/// How to run the passes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    pub mode: Mode,
    /// The random stream of the first sample.
    pub random: Random,
    /// The most samples in a shard, which is a single pass; all by default.
    pub shard_samples: usize,
    /// The loss applies the activation.
    pub from_logits: bool,
    /// The loss's gradient overwrites the output.
    pub forgets_output: bool,
    /// Whether to compute the gradient with respect to the input.
    pub input_gradient: bool,
    /// A buffer, and what it holds before a pass writes to it.
    pub contents: Option<(PassBuffer, f64)>,
}

/// The results of the passes.
#[derive(Debug, Clone, Default)]
pub(super) struct Results<T> {
    pub output: Vec<T>,
    /// The layer's penalties and diagnostics, summed over the samples.
    pub penalties: Vec<f64>,
    pub diagnostics: Vec<f64>,
    /// The penalties on its parameters, multiplied by the number of samples.
    pub parameter_penalties: Vec<f64>,
    pub forward_statistics: Vec<f64>,
    pub input_gradient: Vec<T>,
    /// The gradient with respect to the parameters, in their layout.
    pub gradients: Vec<T>,
    /// The state after the step.
    pub state: Vec<T>,
}

impl Setting {
    /// Everything at once, in zeroed buffers.
    pub fn new(mode: Mode) -> Self {
        Self {
            mode,
            random: Random::new(3, Purpose::Layer).at(1, 2),
            shard_samples: usize::MAX,
            from_logits: false,
            forgets_output: false,
            input_gradient: true,
            contents: None,
        }
    }

    pub fn training() -> Self {
        Self::new(Mode::Training)
    }
}

impl<T: Scalar> LayerModel<T> {
    /// The layer with initial parameters; an error says why it cannot be checked on such samples.
    pub fn new(layer: Arc<dyn Layer<T>>, inputs: &Inputs) -> Result<Self, String> {
        is_checkable(&*layer, inputs)?;
        let network = network_of(inputs, inputs.no_operation(), [layer]);
        network
            .map(|network| Self { network, inputs: inputs.clone(), epoch: 3.0 })
            .map_err(|error| format!("no network can be built of it: {error}"))
    }

    /// The same numbers in another network, where the layer has the same place: behind `first`, and
    /// the first of `layers`.
    pub fn moved_to<const N: usize>(
        &self,
        first: Arc<dyn Layer<T>>,
        layers: [Arc<dyn Layer<T>>; N],
    ) -> Result<Self, BuildError> {
        let network = network_of(&self.inputs, first, layers)?;
        let mut moved = Self { network, inputs: self.inputs.clone(), epoch: self.epoch };
        let (mut parameters, numbers) = (moved.network.parameter_vector().to_vec(), self.network.parameter_vector());
        let start = moved.node().parameters.first().map_or(0, |range| range.start);
        let own = invariant::slice_mut(&mut parameters, &(start..start + numbers.len()), "parameters", "a moved layer");
        own.copy_from_slice(numbers);
        moved.network.set_numbers(&parameters, self.network.state_vector());
        Ok(moved)
    }

    /// The same numbers with a layer made again.
    pub fn with(&self, layer: Arc<dyn Layer<T>>) -> Self {
        invariant::checked(self.moved_to(self.inputs.no_operation(), [layer]), "a layer made again")
    }

    /// The same with another layer behind it, made from its name and its plan.
    pub fn followed_by<L: Layer<T>>(&self, other: impl FnOnce(&str, &Plan) -> L) -> Result<Self, BuildError> {
        let other = Arc::new(other(&self.node().name, self.plan()));
        self.moved_to(self.inputs.no_operation(), [Arc::clone(self.layer()), other])
    }

    /// The same with weights packed into memory full of `value`.
    pub fn packed_over(&self, value: T) -> Self {
        let mut model = self.clone();
        invariant::checked(model.network.pack_over(value), "packed weights");
        model
    }

    /// Replaces all parameters, including biases, by random numbers of about the magnitude of the
    /// initial ones.
    pub fn scatter(mut self, numbers: &mut Numbers) -> Self {
        for parameter in 0..self.plan().parameters.len() {
            self.change_parameter(parameter, |values| {
                let largest = largest(values.iter().map(|value| value.into_f64()));
                let limit = if largest > 0.0 { largest } else { 0.5 };
                values.iter_mut().for_each(|value| *value = T::from_f64(numbers.within([-limit, limit])));
            });
        }
        self
    }

    pub fn change_parameter(&mut self, parameter: usize, change: impl FnOnce(&mut [T])) {
        let range = self.range(parameter);
        change(invariant::slice_mut(self.network.parameters_mut(), &range, "parameter", "a checked layer"));
        self.network.pack();
    }

    fn node(&self) -> &Node<T> {
        let sections = if self.inputs.joined.is_empty() { 0 } else { self.inputs.joined.len() + 1 };
        self.network.definition().node(1 + sections)
    }

    pub fn layer(&self) -> &Arc<dyn Layer<T>> {
        &self.node().layer
    }

    pub fn plan(&self) -> &Plan {
        &self.node().plan
    }

    /// The shape of a sample of the network, which holds what the layer reads.
    pub fn input(&self) -> Shape {
        self.network.input_shape()
    }

    /// The plan of another layer on the same samples.
    pub fn plan_of(&self, layer: &dyn Layer<T>) -> Result<Plan, ShapeError> {
        layer.plan(self.inputs.own, &self.inputs.joined)
    }

    /// The range of a parameter in the parameter vector.
    pub fn range(&self, parameter: usize) -> Range<usize> {
        invariant::at(&self.node().parameters, parameter, "parameter").clone()
    }

    /// Random samples.
    pub fn samples(&self, count: usize, range: [f64; 2], numbers: &mut Numbers) -> Samples<T> {
        Samples {
            count,
            input: numbers.vector(count * self.input().elements(), range),
            side: numbers.vector(count * self.plan().side_input, [0.0, 1.0]),
            output_gradient: numbers.vector(count * self.plan().output.elements(), [-1.0, 1.0]),
        }
    }

    /// The terms of Σ r·output and of the penalties' means over the batch.
    pub fn terms(&self, samples: &Samples<T>, setting: Setting) -> Vec<f64> {
        let results = self.forward(samples, setting);
        let products = results.output.iter().zip(&samples.output_gradient);
        let products = products.map(|(value, r)| value.into_f64() * r.into_f64());
        let penalties = results.penalties.iter().chain(&results.parameter_penalties);
        products.chain(penalties.map(|sum| sum / samples.count as f64)).collect()
    }

    /// The forward pass alone.
    pub fn forward(&self, samples: &Samples<T>, setting: Setting) -> Results<T> {
        invariant::checked(self.run(samples, setting, false), "a check's passes")
    }

    /// A training step: forward and backward.
    pub fn step(&self, samples: &Samples<T>, setting: Setting) -> Results<T> {
        let setting = Setting { mode: Mode::Training, ..setting };
        invariant::checked(self.run(samples, setting, true), "a check's passes")
    }

    fn run(&self, samples: &Samples<T>, setting: Setting, backward: bool) -> Result<Results<T>, Error> {
        let mut tape = self.tape(samples.count, setting)?;
        let contents = setting.contents.map(|(buffer, value)| (buffer, T::from_f64(value)));
        contents.into_iter().for_each(|(buffer, value)| tape.fill(buffer, value));
        let fused_activation = self.plan().activation.filter(|_| setting.from_logits);
        let batch = samples.batch()?;
        let output = self.network.forward_drawing(&mut tape, batch, fused_activation, setting.random)?.to_vec();
        let mut results = Results { output, ..Results::default() };
        if backward {
            // The forward pass has written output and cache, and left scratch memory as it likes.
            let scratch = contents.filter(|(buffer, _)| *buffer == PassBuffer::Scratch);
            scratch.into_iter().for_each(|(buffer, value)| tape.fill(buffer, value));
            results.gradients = vec![T::zero(); self.network.parameter_count()];
            self.network.backward(&mut tape, &samples.output_gradient, &mut results.gradients)?;
            results.input_gradient = tape.input_gradient().to_vec();
            results.state = self.state_after(&tape)?;
        }
        let totals = tape.totals();
        let (own, of_parameters) = totals.penalties.split_at(self.plan().penalties.len());
        (results.penalties, results.parameter_penalties) = (own.to_vec(), of_parameters.to_vec());
        results.diagnostics.clone_from(&totals.diagnostics);
        results.forward_statistics.clone_from(&totals.forward_statistics);
        Ok(results)
    }

    /// A tape of its own for each pass: its buffers hold zeros. In inference it has no cache, as in
    /// a workspace.
    fn tape(&self, samples: usize, setting: Setting) -> Result<Tape<T>, Error> {
        let layout = LayoutOptions {
            loss: setting.mode != Mode::Inference,
            backward: setting.mode == Mode::Training,
            input_gradient: setting.mode == Mode::Training && setting.input_gradient,
            repeatable: true,
            fused_activation: self.plan().activation.filter(|_| setting.forgets_output),
            ..LayoutOptions::default()
        };
        let mut tape = Tape::in_shards(&self.network, samples, setting.shard_samples.clamp(1, samples), layout)?;
        tape.set_mode(setting.mode);
        tape.set_epoch(self.epoch);
        Ok(tape)
    }

    fn state_after(&self, tape: &Tape<T>) -> Result<Vec<T>, Error> {
        if self.network.state_vector().is_empty() {
            return Ok(Vec::new());
        }
        let mut network = self.network.clone();
        network.update_state(tape)?;
        Ok(network.state_vector().to_vec())
    }
}

/// A network of `first` and of `layers`, the first of which is the checked one. A parameter shared
/// with one that does not exist is the layer's own.
fn network_of<T: Scalar, const N: usize>(
    inputs: &Inputs,
    first: Arc<dyn Layer<T>>,
    layers: [Arc<dyn Layer<T>>; N],
) -> Result<Network<T>, BuildError> {
    let mut named = vec![NamedLayer { name: "layers.0".to_owned(), layer: first, joins: Vec::new() }];
    named.extend(inputs.sections());
    let mut joins: Vec<String> = (0..inputs.joined.len()).map(|index| format!("sections.{index}")).collect();
    for (index, layer) in (1..).zip(layers) {
        named.push(NamedLayer { name: format!("layers.{index}"), layer, joins: std::mem::take(&mut joins) });
    }
    Network::builder(inputs.together()).seed(1).with(named).build_detached()
}
