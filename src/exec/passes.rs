//! The passes of a batch: those of training steps and evaluation, and those that a caller makes.

use std::sync::Arc;

use super::given::{GivenBatch, GivenGradient, Nothing};
use super::run::{BatchLoader, LastOperation, Run};
use super::schedule::Passes;
use super::shards::Stage;
use super::tape::{Tape, TapeOptions};
use super::totals::Totals;
use crate::data::{Batch, InputError};
use crate::graph::{LayoutOptions, Network};
use crate::layer::{Activation, Context, Mode, Parameters};
use crate::random::Random;
use crate::{DataError, Error, Scalar, invariant};

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

impl<T: Scalar> Network<T> {
    /// Memory for training passes of up to `samples` samples.
    ///
    /// # Errors
    /// [`Error`] if `samples` is 0 or the memory cannot be allocated.
    #[inline(never)] // see `compiled.rs`
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
    #[inline(never)] // see `compiled.rs`
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
        self.forward_drawing(tape, batch.into(), fused_activation, self.layer_streams().at(0, step))
    }

    /// [`forward`](Self::forward) with the random stream of the first sample.
    pub(crate) fn forward_drawing<'t>(
        &self,
        tape: &'t mut Tape<T>,
        batch: Batch<'_, T>,
        fused_activation: Option<Activation>,
        random: Random,
    ) -> Result<&'t [T], Error> {
        self.check(tape, &batch)?;
        tape.from_logits = self.ends_in(fused_activation);
        tape.random = random;
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
    #[inline(never)] // see `compiled.rs`
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
    #[inline(never)] // see `compiled.rs`
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
    #[inline(never)] // see `compiled.rs`
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
                input_shape: operation.input().shape,
                joined_shapes: &operation.joined_shapes,
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
