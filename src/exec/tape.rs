//! [`Tape`] and the passes of training, forward and backward.

use std::ops::Range;
use std::sync::Arc;

use super::partition::{MAX_HALVED, Partition};
use super::run::{BatchLoader, LastOperation, LastPass, Load, MicroBatch, Run};
use super::schedule::{Passes, Schedule};
use super::shards::Stage;
use super::totals::Totals;
use crate::data::{Batch, DataPart, InputError, Scaler};
use crate::graph::{Buffer, Graph, Layout, LayoutOptions, Network, zeros};
use crate::layer::{Activation, Context, Mode, Parameters};
use crate::random::{Purpose, Random};
use crate::{DataError, Error, Scalar, invariant};

/// The memory of training passes: what [`Network::forward`] records for [`Network::backward`].
/// Create it once and use it for every step.
#[derive(Debug)]
pub struct Tape<T: Scalar> {
    graph: Arc<Graph<T>>,
    pub(super) layout: Layout,
    pub(super) partition: Partition,
    capacity: usize,
    memory: Buffer<T>,
    shard_totals: Vec<Totals>,
    /// The sum of the shards' totals of the last pass.
    pub(super) totals: Totals,
    /// Samples of the last forward pass; 0 if there was none.
    pub(super) samples: usize,
    /// Whether the last forward pass left the last activation to the loss.
    from_logits: bool,
    /// The random stream of the last forward pass.
    random: Random,
    /// The progress of training, in epochs.
    epoch: f64,
    /// The mode of passes by the caller.
    mode: Mode,
    /// Deferred gradients of the second half of the batch; empty if the batch is not halved.
    pub(super) second_gradients: Vec<T>,
    schedules: Schedules,
    /// Results of all shards gathered in one matrix.
    gathered: Vec<T>,
}

/// What a tape is for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TapeOptions {
    pub layout: LayoutOptions,
    /// Every activation is kept until the whole batch is done, since the passes are made apart.
    pub whole_batch: bool,
    /// How many metrics there are.
    pub metrics: usize,
}

/// The schedules made so far, each for its passes and mode, while these parameters were frozen.
#[derive(Debug, Default)]
struct Schedules {
    frozen: Vec<bool>,
    made: Vec<(Passes, Arc<Schedule>)>,
}

impl<T: Scalar> Tape<T> {
    pub(crate) fn new(network: &Network<T>, capacity: usize, options: TapeOptions) -> Result<Self, Error> {
        if capacity == 0 {
            return Err(InputError::Empty.into());
        }
        network.packed()?; // now, so that the first pass is as fast as the others
        let (definition, program) = (network.definition(), network.program());
        let partition = match options.layout.backward {
            true => Partition::training(program, capacity, options.whole_batch),
            false => Partition::evaluation(program, capacity),
        };
        let layout = Layout::new(program, partition.micro_batch_samples, options.layout).map_err(Error::from)?;
        let parameters = definition.parameter_count();
        let defers = options.layout.backward && program.gradients.iter().any(|gradient| gradient.deferred_by.is_some());
        let halved = if defers && parameters <= MAX_HALVED { parameters } else { 0 };
        let total = crate::shape::checked_product("elements of a tape", &[layout.total, partition.shards])?;
        let totals = || Totals::new(definition, program, options.metrics);
        Ok(Self {
            shard_totals: (0..partition.shards).map(|_| totals()).collect::<Result<_, _>>()?,
            totals: totals()?,
            memory: Buffer::zeros(total)?,
            second_gradients: zeros(halved)?,
            graph: Arc::clone(network.graph()),
            layout,
            partition,
            capacity,
            samples: 0,
            from_logits: false,
            random: Random::new(0, Purpose::Layer),
            epoch: 0.0,
            mode: Mode::Training,
            schedules: Schedules::default(),
            gathered: Vec::new(),
        })
    }

    /// The most samples a pass may have.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// The sum of the shards' totals of the last pass.
    pub(crate) fn totals(&self) -> &Totals {
        &self.totals
    }

    /// Each penalty by name, summed over the samples of the last pass.
    pub fn penalties(&self) -> impl Iterator<Item = (&str, f64)> {
        self.graph.definition.penalties.iter().map(String::as_str).zip(self.totals.penalties.iter().copied())
    }

    /// Each diagnostic that a layer reports, by name, summed over the samples of the last pass.
    pub fn diagnostics(&self) -> impl Iterator<Item = (&str, f64)> {
        self.graph.definition.diagnostics.iter().map(String::as_str).zip(self.totals.diagnostics.iter().copied())
    }

    /// Sets the progress of training in epochs (2.5: half-way through the third), for layers whose
    /// penalties warm up; 0 by default.
    pub fn set_epoch(&mut self, epoch: f64) {
        self.epoch = epoch;
    }

    /// Sets the mode of the passes to come; [`Mode::Training`] by default. In [`Mode::Inference`]
    /// both are those of inference: normalisation with running statistics, no dropout, no
    /// noise, no penalties on activations. So the input gradient is that of what
    /// [`Network::predict`] computes. A backward pass needs a forward pass in the same mode:
    /// after this call, a new one.
    pub fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
        self.samples = 0;
    }

    /// The gradient with respect to the input after a backward pass, features × samples; for tapes
    /// of [`Network::tape_with_input_gradient`], else empty.
    pub fn input_gradient(&mut self) -> &[T] {
        let place = self.layout.input_gradient.clone();
        self.gather(&place, self.graph.program.input)
    }

    /// The memory of all shards.
    pub(super) fn memory(&self) -> &[T] {
        &self.memory
    }

    /// The memory of the shards that hold `samples` samples.
    pub(super) fn shards(&self, samples: usize) -> &[T] {
        let used = 0..self.partition.shards_for(samples) * self.layout.total;
        invariant::slice(&self.memory, &used, "memory", "a tape")
    }

    /// The same, to be written.
    pub(super) fn shards_mut(&mut self, samples: usize) -> &mut [T] {
        let used = 0..self.partition.shards_for(samples) * self.layout.total;
        invariant::slice_mut(&mut self.memory, &used, "memory", "a tape")
    }

    /// Copies a place of every shard into one slice.
    fn gather(&mut self, place: &Range<usize>, elements: usize) -> &[T] {
        let mut gathered = std::mem::take(&mut self.gathered);
        gathered.clear();
        for shard in 0..self.partition.shards_for(self.samples) {
            let (first, samples) = self.partition.shard(shard, self.samples);
            let part = MicroBatch { first, samples }.part(place, elements);
            let start = shard * self.layout.total;
            let part = start + part.start..start + part.end;
            gathered.extend_from_slice(invariant::slice(&self.memory, &part, "result", "a tape"));
        }
        self.gathered = gathered;
        &self.gathered
    }
}

impl<T: Scalar> Network<T> {
    /// Memory for training passes of up to `samples` samples.
    ///
    /// # Errors
    /// [`Error`] if `samples` is 0 or the memory cannot be allocated.
    pub fn tape(&self, samples: usize) -> Result<Tape<T>, Error> {
        self.packed_backward()?;
        let layout = LayoutOptions { repeatable: true, ..LayoutOptions::training() };
        Tape::new(self, samples, TapeOptions { layout, whole_batch: true, metrics: 0 })
    }

    /// Like [`tape`](Self::tape), for passes that also compute the gradient with respect to the
    /// input ([`Tape::input_gradient`]).
    ///
    /// # Errors
    /// [`Error`] if `samples` is 0 or the memory cannot be allocated.
    pub fn tape_with_input_gradient(&self, samples: usize) -> Result<Tape<T>, Error> {
        self.packed_backward()?;
        let layout = LayoutOptions { input_gradient: true, repeatable: true, ..LayoutOptions::training() };
        Tape::new(self, samples, TapeOptions { layout, whole_batch: true, metrics: 0 })
    }

    /// Forward pass in training mode. Returns the outputs, features × samples, and records on the
    /// tape what [`backward`](Self::backward) needs.
    ///
    /// If the network ends in the activation `fused_activation` ([`ends_in`](Self::ends_in)), that
    /// activation is left to the loss ([`Loss::fused_activation`](crate::Loss::fused_activation)),
    /// and its arguments are returned. Random layers draw from the network's seed at step
    /// `step`.
    ///
    /// ```
    /// use autoencoder::nalgebra::DMatrix;
    /// use autoencoder::{Dense, Network, Shape};
    ///
    /// let network = Network::<f64>::builder(Shape::flat(3)).layer(Dense::new(2)).build()?;
    /// let (mut tape, mut gradients) = (network.tape(4)?, vec![0.0; network.parameter_count()]);
    /// let outputs = network.forward(&mut tape, &DMatrix::from_element(3, 4, 0.5), None, 0)?;
    /// let output_gradient = outputs.to_vec(); // of the loss ½ Σ y²
    /// network.backward(&mut tape, &output_gradient, &mut gradients)?;
    /// # Ok::<(), autoencoder::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error`] if the batch does not suit the network or the tape.
    pub fn forward<'t, 'b>(
        &self,
        tape: &'t mut Tape<T>,
        batch: impl Into<Batch<'b, T>>,
        fused_activation: Option<Activation>,
        step: usize,
    ) -> Result<&'t [T], Error> {
        let batch = batch.into();
        self.check(tape, &batch)?;
        tape.from_logits = self.ends_in(fused_activation);
        tape.random = self.layer_streams().at(0, step);
        let loader = GivenBatch { batch, scaler: self.input_scaler() };
        self.run(tape, batch.samples(), Passes::Forward, tape.mode, &loader, &Nothing)?;
        let output = tape.layout.value(self.program().output());
        Ok(tape.gather(&output, self.output_shape().elements()))
    }

    /// Backward pass: given the loss's gradient with respect to the outputs of the last
    /// [`forward`](Self::forward), features × samples, writes the gradient of every parameter
    /// to `gradients`, in the order of [`parameters`](Self::parameters); 0 for frozen ones. The
    /// gradients of penalties are included.
    ///
    /// # Errors
    /// [`Error`] if a length is wrong, the tape is another network's, or there was no forward pass.
    pub fn backward(&self, tape: &mut Tape<T>, output_gradient: &[T], gradients: &mut [T]) -> Result<(), Error> {
        let features = self.output_shape().elements();
        self.check_tape(tape)?;
        if tape.samples == 0 {
            return Err(InputError::Empty.into()); // no forward pass
        }
        expect_length("output gradients", tape.samples * features, output_gradient.len())?;
        expect_length("gradients", self.parameter_count(), gradients.len())?;
        let samples = tape.samples;
        let last = GivenGradient { output_gradient, features };
        self.run(tape, samples, Passes::Backward, tape.mode, &Nothing, &last)?;
        self.reduce(tape, samples, gradients);
        Ok(())
    }

    /// Whether the network ends in the activation `fused_activation`.
    pub fn ends_in(&self, fused_activation: Option<Activation>) -> bool {
        let channels = self.output_shape().channels();
        self.program().last().is_some_and(|last| {
            let groups_alike =
                last.output_shape.channels() == channels || fused_activation != Some(Activation::Softmax);
            fused_activation.is_some() && last.plan.activation == fused_activation && groups_alike
        })
    }

    /// The gradients of a training step: loads the batch, runs forward, evaluates the loss, runs
    /// backward.
    pub(crate) fn gradient(&self, tape: &mut Tape<T>, step: Step<'_, T>, gradients: &mut [T]) -> Result<(), DataError> {
        tape.from_logits = step.from_logits;
        tape.random = step.random;
        self.run(tape, step.samples, Passes::Both, Mode::Training, step.loader, step.last)?;
        self.reduce(tape, step.samples, gradients);
        Ok(())
    }

    /// Evaluates predictions in inference or validation mode; the tape holds the totals.
    pub(crate) fn evaluate_step(&self, tape: &mut Tape<T>, mode: Mode, step: Step<'_, T>) -> Result<(), DataError> {
        tape.from_logits = step.from_logits;
        tape.random = step.random;
        self.run(tape, step.samples, Passes::Evaluate, mode, step.loader, step.last)
    }

    /// Runs `passes` stage by stage; the totals of all shards are added up, in their order, after
    /// each.
    fn run(
        &self,
        tape: &mut Tape<T>,
        samples: usize,
        passes: Passes,
        mode: Mode,
        loader: &dyn BatchLoader<T>,
        last: &dyn LastOperation<T>,
    ) -> Result<(), DataError> {
        tape.samples = 0; // no backward pass is possible if this one fails
        match passes {
            Passes::Backward => tape.shard_totals.iter_mut().for_each(|totals| totals.backward_statistics.fill(0.0)),
            _ => tape.shard_totals.iter_mut().for_each(Totals::clear),
        }
        let needed = self.program().first_needed(self.frozen(), !tape.layout.input_gradient.is_empty());
        let schedule = tape.schedules.get(self, passes, mode, needed);
        for tasks in &schedule.stages {
            let Tape { totals, shard_totals, layout, partition, memory, from_logits, random, epoch, .. } = &mut *tape;
            let run = Run {
                from_logits: *from_logits,
                random: *random,
                epoch: *epoch,
                statistics: &totals.forward_statistics,
                gradient_statistics: &totals.backward_statistics,
                ..Run::new(self, layout, samples, mode, schedule.backward)?
            };
            let shards = partition.shards_for(samples);
            let memory = invariant::slice_mut(memory, &(0..shards * layout.total), "memory", "a tape");
            let shard_totals = invariant::slice_mut(shard_totals, &(0..shards), "totals", "a tape");
            let stage = Stage { run, partition: *partition, tasks, backward: schedule.backward, needed, loader, last };
            stage.run(memory, shard_totals);
            tape.add_up(shards)?;
        }
        tape.samples = samples;
        if mode == Mode::Training {
            self.add_parameter_penalties(tape);
        }
        Ok(())
    }

    /// Updates the layers' state (running statistics) from the last forward pass on `tape`; call it
    /// once per step in your own training loop.
    ///
    /// # Errors
    /// [`Error`] if the tape is another network's, or there was no forward pass; the state is then
    /// unchanged, as it is after passes in another mode than training.
    pub fn update_state(&mut self, tape: &Tape<T>) -> Result<(), Error> {
        self.check_tape(tape)?;
        if tape.samples == 0 {
            return Err(InputError::Empty.into()); // no forward pass
        }
        if tape.mode == Mode::Training {
            self.take_statistics(tape);
        }
        Ok(())
    }

    /// Like [`update_state`](Self::update_state), for a tape known to be this network's, after a
    /// pass in training mode.
    pub(crate) fn take_statistics(&mut self, tape: &Tape<T>) {
        let graph = Arc::clone(self.graph());
        for operation in graph.program.operations.iter().filter(|operation| !operation.state.is_empty()) {
            let Some(layer) = operation.layer.batch_statistics().filter(|_| !operation.is_frozen(self.frozen())) else {
                continue; // it keeps its state
            };
            let context = Context {
                input_shape: operation.input_shape,
                output_shape: operation.output_shape,
                samples: tape.samples,
                batch: tape.samples,
                mode: Mode::Training,
                epoch: tape.epoch,
                random: tape.random.of(operation.node),
                activation: operation.plan.activation.unwrap_or_default(),
                parameters: Parameters::new(&[], &[]),
                packed: &[],
                packed_backward: &[],
                state: &[],
                statistics: invariant::slice(
                    &tape.totals.forward_statistics,
                    &operation.forward_statistics,
                    "statistics",
                    &operation.name,
                ),
                gradient_statistics: &[],
            };
            layer.update_state(&context, self.state_of(operation));
        }
    }

    fn check(&self, tape: &Tape<T>, batch: &Batch<'_, T>) -> Result<(), InputError> {
        self.check_tape(tape)?;
        self.check_batch(batch)?;
        match batch.samples() {
            0 => Err(InputError::Empty),
            samples if samples > tape.capacity => Err(InputError::TapeTooSmall { capacity: tape.capacity, samples }),
            _ => Ok(()),
        }
    }

    fn check_tape(&self, tape: &Tape<T>) -> Result<(), InputError> {
        match Arc::ptr_eq(&tape.graph, self.graph()) {
            true => Ok(()),
            false => Err(InputError::ForeignTape),
        }
    }
}

fn expect_length(what: &'static str, expected: usize, found: usize) -> Result<(), InputError> {
    if expected == found { Ok(()) } else { Err(InputError::Length { what, expected, found }) }
}

/// The data and the last operation of a step.
#[derive(Clone, Copy)]
pub(crate) struct Step<'a, T: Scalar> {
    pub samples: usize,
    /// The loss applies the last activation.
    pub from_logits: bool,
    /// The random stream of the first sample.
    pub random: Random,
    pub loader: &'a dyn BatchLoader<T>,
    pub last: &'a dyn LastOperation<T>,
}

impl<T: Scalar> Tape<T> {
    /// Adds up the totals of the first `shards` shards.
    fn add_up(&mut self, shards: usize) -> Result<(), DataError> {
        self.totals.clear();
        for totals in self.shard_totals.iter_mut().take(shards) {
            if let Some(error) = totals.error.take() {
                return Err(error);
            }
            self.totals.add(totals);
        }
        Ok(())
    }
}

impl Schedules {
    /// The schedule of `passes` in `mode`, made when it is first needed.
    fn get<T: Scalar>(&mut self, network: &Network<T>, passes: Passes, mode: Mode, needed: usize) -> Arc<Schedule> {
        if self.frozen != network.frozen() {
            *self = Self { frozen: network.frozen().to_vec(), made: Vec::new() };
        }
        let made = self.made.iter().find(|(made_for, schedule)| *made_for == passes && schedule.mode == mode);
        match made {
            Some((_, schedule)) => Arc::clone(schedule),
            None => {
                let schedule = Arc::new(Schedule::new(network.program(), network.frozen(), mode, passes, needed));
                self.made.push((passes, Arc::clone(&schedule)));
                schedule
            }
        }
    }
}

/// Loads the caller's batch.
struct GivenBatch<'a, T: Scalar> {
    batch: Batch<'a, T>,
    scaler: Option<&'a Scaler>,
}

impl<T: Scalar> BatchLoader<T> for GivenBatch<'_, T> {
    fn load(&self, positions: Range<usize>, samples: Load<'_, T>) -> Result<(), DataError> {
        let columns = self.batch.columns();
        for (sample, target) in positions.clone().zip(samples.input.chunks_exact_mut(columns.features())) {
            columns.copy(sample, target);
        }
        InputError::require_finite(DataPart::Sample, samples.input, |position| {
            (positions.start + position / columns.features(), position % columns.features())
        })?;
        if let Some(scaler) = self.scaler {
            scaler.apply(samples.input);
            scaler.require_fits("sample", samples.input, |sample| positions.start + sample)?;
        }
        if let Some(side) = self.batch.side().filter(|_| !samples.side.is_empty()) {
            for (sample, target) in positions.zip(samples.side.chunks_exact_mut(side.features())) {
                side.copy(sample, target);
            }
        }
        Ok(())
    }
}

/// Hands in the caller's output gradient.
struct GivenGradient<'a, T> {
    output_gradient: &'a [T],
    features: usize,
}

impl<T: Scalar> LastOperation<T> for GivenGradient<'_, T> {
    fn run(&self, pass: LastPass<'_, T>, _totals: &mut Totals) {
        let range = pass.positions.start * self.features..pass.positions.end * self.features;
        pass.gradient.copy_from_slice(invariant::slice(self.output_gradient, &range, "gradient", "the caller"));
    }
}

/// No samples to load, or no last operation.
struct Nothing;

impl<T: Scalar> BatchLoader<T> for Nothing {
    fn load(&self, _positions: Range<usize>, _samples: Load<'_, T>) -> Result<(), DataError> {
        Ok(())
    }
}

impl<T: Scalar> LastOperation<T> for Nothing {
    fn run(&self, _pass: LastPass<'_, T>, _totals: &mut Totals) {}
}
