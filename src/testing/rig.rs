//! [`Rig`]: a single layer with its parameters and state, outside a network.

use std::ops::Range;
use std::sync::Arc;

use super::numbers::Numbers;
use crate::invariant;
use crate::kernel::product::Segments;
use crate::layer::{
    Activation, Backward, BackwardSums, Context, DeferredGradient, DeferredRows, Forward, Gradients, Layer, Mode,
    Parameters, Plan, deferred_gradient,
};
use crate::random::{Purpose, Random};
use crate::{Scalar, Shape, ShapeError};

/// A single layer with its parameters and state. Runs passes as a network does, but in buffers
/// whose initial contents the check chooses.
#[derive(Clone)]
pub(super) struct Rig<T: Scalar> {
    pub layer: Arc<dyn Layer<T>>,
    pub input: Shape,
    pub plan: Plan,
    /// The parameters, concatenated in the order of the plan.
    pub parameters: Vec<T>,
    /// For each parameter of the plan: its range.
    pub ranges: Vec<Range<usize>>,
    pub state: Vec<T>,
    pub epoch: f64,
}

/// A layer's input data.
#[derive(Debug, Clone)]
pub(super) struct Samples<T> {
    pub count: usize,
    pub input: Vec<T>,
    pub side: Vec<T>,
    /// The gradient of the loss with respect to the output.
    pub slopes: Vec<T>,
}

/// How to run the passes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Setting {
    pub mode: Mode,
    /// The random stream of the first sample.
    pub random: Random,
    /// Samples in the whole batch, if there are more than those given.
    pub batch: Option<usize>,
    /// The most samples in a part.
    pub part: usize,
    /// The loss applies the activation.
    pub from_logits: bool,
    /// The output is missing in the backward pass.
    pub forgets_output: bool,
    /// Whether to compute the gradient with respect to the input.
    pub by_input: bool,
    /// The initial value of the parameters' gradients, which are added to.
    pub before: f64,
    /// The initial contents of buffers to be written.
    pub found: Found,
}

/// The contents of buffers before a pass writes to them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Found {
    pub output: f64,
    pub cache: f64,
    pub scratch: f64,
    pub packed: f64,
    pub input_gradient: f64,
}

/// The results of the passes.
#[derive(Debug, Clone, Default)]
pub(super) struct Passed<T> {
    pub output: Vec<T>,
    pub penalties: Vec<f64>,
    pub diagnostics: Vec<f64>,
    /// The forward statistics.
    pub statistics: Vec<f64>,
    pub by_input: Vec<T>,
    /// The gradient with respect to the parameters, in their layout.
    pub by_parameters: Vec<T>,
    /// The state after the step.
    pub state: Vec<T>,
}

impl Setting {
    /// Everything in one part, in zeroed buffers.
    pub fn new(mode: Mode) -> Self {
        Self {
            mode,
            random: Random::new(3, Purpose::Layer).at(1, 2),
            batch: None,
            part: usize::MAX,
            from_logits: false,
            forgets_output: false,
            by_input: true,
            before: 0.0,
            found: Found::default(),
        }
    }

    pub fn training() -> Self {
        Self::new(Mode::Training)
    }
}

impl<T: Scalar> Samples<T> {
    pub fn part(&self, range: Range<usize>) -> Self {
        let cut = |values: &[T]| {
            let features = values.len() / self.count.max(1);
            values.get(range.start * features..range.end * features).unwrap_or(&[]).to_vec()
        };
        Self { count: range.len(), input: cut(&self.input), side: cut(&self.side), slopes: cut(&self.slopes) }
    }

    /// The parts of at most `samples` samples, each with its first sample's index.
    fn parts(&self, samples: usize) -> Vec<(usize, Self)> {
        let step = samples.clamp(1, self.count.max(1));
        (0..self.count).step_by(step).map(|first| (first, self.part(first..(first + step).min(self.count)))).collect()
    }
}

impl<T: Scalar> Rig<T> {
    /// The layer with initial parameters; an error says why it cannot be checked on such samples.
    pub fn new(layer: Arc<dyn Layer<T>>, input: Shape) -> Result<Self, String> {
        let plan = planned(&*layer, input).map_err(|error| error.to_string())?;
        let [of_layer, of_sample] = numbers_in(&plan, input);
        if of_layer > MOST_NUMBERS || of_sample > MOST_NUMBERS_OF_A_SAMPLE {
            return Err(format!(
                "it takes {of_layer} numbers and {of_sample} for each sample; no more than {MOST_NUMBERS} and {MOST_NUMBERS_OF_A_SAMPLE} are checked"
            ));
        }
        Self::filled(layer, input, plan).map_err(|error| error.to_string())
    }

    fn filled(layer: Arc<dyn Layer<T>>, input: Shape, plan: Plan) -> Result<Self, ShapeError> {
        let (mut parameters, mut ranges) = (Vec::new(), Vec::new());
        for (index, spec) in plan.parameters.iter().enumerate() {
            let mut values = vec![T::zero(); spec.elements()?];
            let random = Random::new(1, Purpose::Initialise).of(index);
            spec.initializer.fill(&spec.shape, &mut values, &mut random.sample(0));
            ranges.push(parameters.len()..parameters.len() + values.len());
            parameters.extend(values);
        }
        let state = plan.state.iter().flat_map(|state| vec![T::from_f64(state.initial); state.elements]).collect();
        Ok(Self { layer, input, plan, parameters, ranges, state, epoch: 3.0 })
    }

    /// Replaces all parameters, including biases, by random numbers of about the magnitude of the
    /// initial ones.
    pub fn scatter(mut self, numbers: &mut Numbers) -> Self {
        for range in &self.ranges {
            let Some(values) = self.parameters.get_mut(range.clone()) else { continue };
            let largest = super::numbers::largest(values.iter().map(|value| value.into_f64()));
            let limit = if largest > 0.0 && largest.is_finite() { largest } else { 0.5 };
            values.iter_mut().for_each(|value| *value = T::from_f64(numbers.within([-limit, limit])));
        }
        self
    }

    /// Random samples.
    pub fn samples(&self, count: usize, range: [f64; 2], numbers: &mut Numbers) -> Samples<T> {
        Samples {
            count,
            input: numbers.vector(count * self.input.elements(), range),
            side: numbers.vector(count * self.plan.side_input, [0.0, 1.0]),
            slopes: numbers.vector(count * self.plan.output.elements(), [-1.0, 1.0]),
        }
    }

    /// The terms of Σ r·output and of the penalties' means over the batch.
    pub fn terms(&self, samples: &Samples<T>, setting: Setting) -> Vec<f64> {
        let passed = self.forward(samples, setting);
        let products = passed.output.iter().zip(&samples.slopes).map(|(value, r)| value.into_f64() * r.into_f64());
        let batch = setting.batch.unwrap_or(samples.count) as f64;
        let penalties = passed.penalties.iter().map(|sum| sum / batch);
        let on_parameters = self.plan.parameters.iter().zip(&self.ranges).filter_map(|(spec, range)| {
            spec.regularizer.map(|regularizer| regularizer.value(self.parameters.get(range.clone()).unwrap_or(&[])))
        });
        products.chain(penalties).chain(on_parameters).collect()
    }

    /// The forward pass alone.
    pub fn forward(&self, samples: &Samples<T>, setting: Setting) -> Passed<T> {
        self.go(samples, setting, false)
    }

    /// A training step: forward and backward.
    pub fn step(&self, samples: &Samples<T>, setting: Setting) -> Passed<T> {
        self.go(samples, Setting { mode: Mode::Training, ..setting }, true)
    }

    fn go(&self, samples: &Samples<T>, setting: Setting, back: bool) -> Passed<T> {
        let batch = setting.batch.unwrap_or(samples.count);
        let (packed, packed_backward) = self.packed(setting);
        let mut trip = Trip {
            rig: self,
            setting,
            batch,
            packed,
            packed_backward,
            statistics: Vec::new(),
            gradient_statistics: Vec::new(),
        };
        let parts = samples.parts(setting.part).into_iter();
        let mut parts: Vec<Part<T>> = parts.map(|(first, samples)| trip.part(first, samples)).collect();
        if setting.mode == Mode::Training {
            trip.statistics = sums(self.plan.forward_statistics, &parts, |part, sums| trip.forward_sums(part, sums));
        }
        let mut passed = Passed {
            penalties: vec![0.0; self.plan.penalties.len()],
            diagnostics: vec![0.0; self.plan.diagnostics.len()],
            ..Passed::default()
        };
        for part in &mut parts {
            trip.forward(part, &mut passed);
            passed.output.extend_from_slice(&part.output);
        }
        if back {
            trip.backward(samples, &mut parts, &mut passed);
            passed.state = trip.state();
        }
        passed.statistics = trip.statistics;
        passed
    }

    fn packed(&self, setting: Setting) -> (Vec<T>, Vec<T>) {
        let buffer = |elements: usize| vec![T::from_f64(setting.found.packed); elements];
        let (mut packed, mut backward) = (buffer(self.plan.packed), buffer(self.plan.packed_backward));
        if let Some(packing) = self.layer.packing() {
            if !packed.is_empty() {
                packing.pack(self.input, self.parameters(), &mut packed);
            }
            if !backward.is_empty() {
                packing.pack_backward(self.input, self.parameters(), &packed, &mut backward);
            }
        }
        (packed, backward)
    }

    /// The gradient that is computed over the whole batch, if there is one.
    fn deferred(&self) -> Option<Arc<dyn DeferredGradient<T>>> {
        deferred_gradient(&self.layer)
    }

    fn parameters(&self) -> Parameters<'_, T> {
        Parameters::new(&self.parameters, &self.ranges)
    }
}

/// Some samples with their buffers.
struct Part<T> {
    first: usize,
    samples: Samples<T>,
    output: Vec<T>,
    cache: Vec<T>,
    by_input: Vec<T>,
}

/// The sums over all parts, in their order.
fn sums<P>(count: usize, parts: &[P], mut write: impl FnMut(&P, &mut [f64])) -> Vec<f64> {
    let mut total = vec![0.0; count];
    for part in parts.iter().filter(|_| count > 0) {
        let mut sums = vec![0.0; count];
        write(part, &mut sums);
        total.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
    }
    total
}

/// The passes of one step.
struct Trip<'a, T: Scalar> {
    rig: &'a Rig<T>,
    setting: Setting,
    batch: usize,
    packed: Vec<T>,
    packed_backward: Vec<T>,
    statistics: Vec<f64>,
    gradient_statistics: Vec<f64>,
}

impl<T: Scalar> Trip<'_, T> {
    fn part(&self, first: usize, samples: Samples<T>) -> Part<T> {
        let found = self.setting.found;
        let buffer = |value: f64, elements: usize| vec![T::from_f64(value); samples.count * elements];
        let cached = if self.setting.mode == Mode::Inference { 0 } else { self.rig.plan.cache_per_sample };
        Part {
            first,
            output: buffer(found.output, self.rig.plan.output.elements()),
            cache: buffer(found.cache, cached),
            by_input: buffer(found.input_gradient, self.rig.input.elements()),
            samples,
        }
    }

    fn scratch(&self) -> Vec<T> {
        vec![T::from_f64(self.setting.found.scratch); self.rig.plan.scratch]
    }

    /// What the passes of a part share with the layer.
    fn context(&self, first: usize, samples: usize) -> Context<'_, T> {
        let trains = self.setting.mode == Mode::Training;
        let activation = self.rig.plan.activation.unwrap_or_default();
        Context {
            input_shape: self.rig.input,
            output_shape: self.rig.plan.output,
            samples,
            batch: self.batch,
            mode: self.setting.mode,
            epoch: if trains { self.rig.epoch } else { 0.0 },
            random: self.setting.random.skip(first),
            activation: if self.setting.from_logits { Activation::Linear } else { activation },
            parameters: self.rig.parameters(),
            packed: &self.packed,
            packed_backward: &self.packed_backward,
            state: &self.rig.state,
            statistics: &self.statistics,
            gradient_statistics: &self.gradient_statistics,
        }
    }

    fn forward_sums(&self, part: &Part<T>, sums: &mut [f64]) {
        if let Some(layer) = self.rig.layer.batch_statistics() {
            layer.forward_sums(&self.context(part.first, part.samples.count), &part.samples.input, sums);
        }
    }

    fn forward(&self, part: &mut Part<T>, passed: &mut Passed<T>) {
        let counts = self.setting.mode != Mode::Inference;
        self.rig.layer.forward(
            &self.context(part.first, part.samples.count),
            Forward {
                input: &part.samples.input,
                side: &part.samples.side,
                output: &mut part.output,
                cache: &mut part.cache,
                scratch: &mut self.scratch(),
                penalties: if counts { &mut passed.penalties } else { &mut [] },
                diagnostics: if counts { &mut passed.diagnostics } else { &mut [] },
            },
        );
    }

    fn backward(&mut self, samples: &Samples<T>, parts: &mut [Part<T>], passed: &mut Passed<T>) {
        let plan = &self.rig.plan;
        self.gradient_statistics = sums(plan.backward_statistics, parts, |part, sums| self.backward_sums(part, sums));
        let deferred = self.rig.deferred();
        let mut in_shard: Vec<Range<usize>> = Vec::new();
        for (index, range) in self.rig.ranges.iter().enumerate() {
            let start = in_shard.last().map_or(0, |range| range.end);
            let is_deferred = deferred.as_ref().is_some_and(|layer| layer.deferred() == index);
            in_shard.push(start..start + if is_deferred { 0 } else { range.len() });
        }
        let mut gradients = vec![self.before(); in_shard.last().map_or(0, |range| range.end)];
        let mut slopes_left = Vec::new();
        for part in parts {
            self.backward_part(part, &mut gradients, &in_shard);
            slopes_left.extend_from_slice(&part.samples.slopes);
            passed.by_input.extend_from_slice(if self.setting.by_input { &part.by_input } else { &[] });
        }
        passed.by_parameters = vec![self.before(); self.rig.parameters.len()];
        for (index, (from, to)) in in_shard.iter().zip(&self.rig.ranges).enumerate() {
            let gradient = invariant::slice_mut(&mut passed.by_parameters, to, "gradient", "a checked layer");
            let in_shard = invariant::slice(&gradients, from, "gradient", "a checked layer");
            match deferred.as_deref().filter(|layer| layer.deferred() == index) {
                Some(layer) => self.complete_deferred(layer, samples, &slopes_left, gradient),
                None => gradient.copy_from_slice(in_shard),
            }
            self.add_penalty_gradient(index, gradient);
        }
    }

    fn before(&self) -> T {
        T::from_f64(self.setting.before)
    }

    fn backward_sums(&self, part: &Part<T>, sums: &mut [f64]) {
        let (samples, cache) = (&part.samples, &part.cache);
        let pass =
            BackwardSums { input: &samples.input, output: &part.output, cache, output_gradient: &samples.slopes };
        if let Some(layer) = self.rig.layer.batch_statistics() {
            layer.backward_sums(&self.context(part.first, samples.count), pass, sums);
        }
    }

    fn backward_part(&self, part: &mut Part<T>, gradients: &mut [T], in_shard: &[Range<usize>]) {
        let context = self.context(part.first, part.samples.count);
        self.rig.layer.backward(
            &context,
            Backward {
                input: &part.samples.input,
                side: &part.samples.side,
                output: if self.setting.forgets_output { &[] } else { &part.output },
                cache: &part.cache,
                scratch: &mut self.scratch(),
                output_gradient: &mut part.samples.slopes,
                input_gradient: self.setting.by_input.then_some(&mut part.by_input),
                gradients: Gradients::new(gradients, in_shard),
            },
        );
    }

    /// Computes the gradient of a parameter over the whole batch.
    fn complete_deferred(
        &self,
        layer: &dyn DeferredGradient<T>,
        samples: &Samples<T>,
        slopes_left: &[T],
        gradient: &mut [T],
    ) {
        let spec = invariant::at(&self.rig.plan.parameters, layer.deferred(), "parameter");
        let rows = spec.shape.first().copied().unwrap_or(1).max(1);
        let columns = (gradient.len() / rows).max(1);
        for (piece, gradient) in gradient.chunks_mut(ROWS * columns).enumerate() {
            let first = piece * ROWS;
            layer.add_rows(DeferredRows {
                input: Segments::contiguous(&samples.input, self.rig.input.elements(), samples.count),
                output_gradient: Segments::contiguous(slopes_left, self.rig.plan.output.elements(), samples.count),
                rows: first..first + gradient.len() / columns,
                gradient,
            });
        }
    }

    fn add_penalty_gradient(&self, parameter: usize, gradient: &mut [T]) {
        let spec = invariant::at(&self.rig.plan.parameters, parameter, "parameter");
        if let Some(regularizer) = spec.regularizer {
            let range = invariant::at(&self.rig.ranges, parameter, "parameter");
            let values = invariant::slice(&self.rig.parameters, range, "parameter", "a checked layer");
            regularizer.add_gradient(values, gradient);
        }
    }

    fn state(&self) -> Vec<T> {
        let mut state = self.rig.state.clone();
        if let Some(layer) = self.rig.layer.batch_statistics().filter(|_| !state.is_empty()) {
            layer.update_state(&Context { state: &[], ..self.context(0, self.batch) }, &mut state);
        }
        state
    }
}

/// The most numbers of a layer; limited because checks keep several copies.
const MOST_NUMBERS: usize = 1 << 22;

/// The most numbers of a sample in all buffers; limited because checks use hundreds of samples.
const MOST_NUMBERS_OF_A_SAMPLE: usize = 1 << 17;

/// The plan for such samples, if a network would accept it.
fn planned<T: Scalar>(layer: &dyn Layer<T>, input: Shape) -> Result<Plan, ShapeError> {
    let plan = layer.plan(input.checked()?)?;
    plan.output.checked()?;
    Ok(plan)
}

/// The number of elements of a layer, and of one sample.
fn numbers_in(plan: &Plan, input: Shape) -> [usize; 2] {
    let parameters = plan.parameters.iter().map(|spec| spec.shape.iter().fold(1, |a: usize, b| a.saturating_mul(*b)));
    let state = plan.state.iter().map(|state| state.elements);
    let shared = [plan.scratch, plan.packed, plan.packed_backward, plan.forward_statistics, plan.backward_statistics];
    let of_layer = parameters.chain(state).chain(shared).fold(0, usize::saturating_add);
    let buffers = [input.elements(), plan.output.elements(), plan.cache_per_sample, plan.side_input];
    [of_layer, buffers.into_iter().fold(0, usize::saturating_add)]
}

/// Rows of a whole-batch gradient computed at a time: a network splits at multiples of 8.
const ROWS: usize = 8;
