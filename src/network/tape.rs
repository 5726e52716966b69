//! [`Tape`] and the public training passes, forward and backward.

use std::ops::Range;
use std::sync::Arc;

use super::buffer::Buffer;
use super::lanes::Passes;
use super::memory::{Keep, Layout, at, head, zeros};
use super::partition::{MAX_HALVED, Partition};
use super::step::{Judge, Read, Record, Step};
use super::{Network, Structure};
use crate::data::{Batch, DataPart, InputError, Scaler};
use crate::layer::{Activation, StateUpdate};
use crate::random::{Purpose, Random};
use crate::{DataError, Error, Scalar};

/// The memory of training passes: what [`Network::forward`] records for [`Network::backward`]. Create it once and use it for every step.
#[derive(Debug)]
pub struct Tape<T: Scalar> {
    pub(super) structure: Arc<Structure<T>>,
    pub(super) layout: Layout,
    pub(super) partition: Partition,
    capacity: usize,
    pub(super) memory: Buffer<T>,
    pub(super) records: Vec<Record>,
    pub(super) total: Record,
    /// Samples of the last forward pass.
    pub(super) samples: usize,
    /// Whether the last forward pass omitted the last activation.
    pub(super) linked: bool,
    /// The random stream of the last forward pass.
    pub(super) random: Random,
    /// Whole-batch gradients of the second half of the batch; empty if the batch is not halved.
    pub(super) second_gradients: Vec<T>,
    /// The progress of training, in epochs.
    pub(super) epoch: f64,
    /// Results of all lanes gathered in one matrix.
    gathered: Vec<T>,
}

impl<T: Scalar> Tape<T> {
    pub(crate) fn new(
        network: &Network<T>,
        capacity: usize,
        keep: Keep,
        whole: bool,
        metrics: usize,
    ) -> Result<Self, Error> {
        let structure = &network.structure;
        let partition = Partition::training(structure, capacity, whole);
        let layout = Layout::training(structure, partition.part_samples, keep).map_err(Error::from)?;
        let halved = structure.nodes.iter().any(|node| node.whole_batch()) && structure.parameter_count() <= MAX_HALVED;
        let second_gradients = zeros(if halved { structure.parameter_count() } else { 0 })?;
        Ok(Self { second_gradients, ..Self::of(network, capacity, partition, layout, metrics)? })
    }

    /// For loss and metrics without a backward pass.
    pub(crate) fn for_evaluation(
        network: &Network<T>,
        capacity: usize,
        keep: Keep,
        metrics: usize,
    ) -> Result<Self, Error> {
        let partition = Partition::evaluation(&network.structure, capacity);
        let layout = Layout::evaluation(&network.structure, partition.part_samples, keep).map_err(Error::from)?;
        Self::of(network, capacity, partition, layout, metrics)
    }

    fn of(
        network: &Network<T>,
        capacity: usize,
        partition: Partition,
        layout: Layout,
        metrics: usize,
    ) -> Result<Self, Error> {
        if capacity == 0 {
            return Err(InputError::Empty.into());
        }
        network.prepared()?; // now, so that the first pass is as fast as the others
        let structure = Arc::clone(&network.structure);
        let total = crate::shape::checked_product("elements of a tape", &[layout.total, partition.lanes])?;
        Ok(Self {
            records: (0..partition.lanes).map(|_| Record::new(&structure, metrics)).collect::<Result<_, _>>()?,
            total: Record::new(&structure, metrics)?,
            memory: Buffer::zeros(total)?,
            second_gradients: Vec::new(),
            structure,
            layout,
            partition,
            capacity,
            samples: 0,
            linked: false,
            random: Random::new(0, Purpose::Layer),
            epoch: 0.0,
            gathered: Vec::new(),
        })
    }

    /// The most samples a pass may have.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// The sum of the lanes' records of the last pass.
    pub(crate) fn total(&self) -> &Record {
        &self.total
    }

    /// Each penalty by name, summed over the samples of the last pass.
    pub fn penalties(&self) -> impl Iterator<Item = (&str, f64)> {
        self.structure.penalties.iter().map(String::as_str).zip(self.total.penalties.iter().copied())
    }

    /// Each figure that a layer reports, by name, summed over the samples of the last pass.
    pub fn figures(&self) -> impl Iterator<Item = (&str, f64)> {
        self.structure.figures.iter().map(String::as_str).zip(self.total.figures.iter().copied())
    }

    /// Sets the progress of training in epochs (2.5: half-way through the third), for layers whose penalties warm up; 0 by default.
    pub fn set_epoch(&mut self, epoch: f64) {
        self.epoch = epoch;
    }

    /// The gradient with respect to the input after a backward pass, features × samples; for tapes of [`Network::tape_with_input_gradient`], else empty.
    pub fn input_gradient(&mut self) -> &[T] {
        let range = self.layout.input_gradient.clone();
        self.gather(&range, self.structure.input.elements())
    }

    pub(super) fn lane_memory(&self, lane: usize) -> &[T] {
        let size = self.layout.total;
        self.memory.get(lane * size..(lane + 1) * size).unwrap_or(&[])
    }

    /// Copies a range of every lane into one slice.
    fn gather(&mut self, range: &Range<usize>, elements: usize) -> &[T] {
        let mut gathered = std::mem::take(&mut self.gathered);
        gathered.clear();
        for lane in 0..self.partition.lanes_for(self.samples) {
            let (_, samples) = self.partition.lane(lane, self.samples);
            gathered.extend_from_slice(self.lane_memory(lane).get(head(range, samples * elements)).unwrap_or(&[]));
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
        self.prepared_backward()?;
        Tape::new(self, samples, Keep::default(), true, 0)
    }

    /// Like [`tape`](Self::tape), for passes that also compute the gradient with respect to the input ([`Tape::input_gradient`]).
    ///
    /// # Errors
    /// [`Error`] if `samples` is 0 or the memory cannot be allocated.
    pub fn tape_with_input_gradient(&self, samples: usize) -> Result<Tape<T>, Error> {
        self.prepared_backward()?;
        Tape::new(self, samples, Keep { input_gradient: true, ..Keep::default() }, true, 0)
    }

    /// Forward pass in training mode. Returns the outputs, features × samples, and records on the tape what [`backward`](Self::backward) needs.
    ///
    /// If the network ends in the activation `link` ([`is_linked`](Self::is_linked)), that activation is left to the loss ([`Loss::link`](crate::Loss::link)), and
    /// its arguments are returned. Random layers draw from the network's seed at step `step`.
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
        link: Option<Activation>,
        step: usize,
    ) -> Result<&'t [T], Error> {
        let batch = batch.into();
        self.check(tape, &batch)?;
        tape.linked = self.is_linked(link);
        tape.random = Random::new(self.seed, Purpose::Layer).at(0, step);
        self.run(tape, batch.samples(), Passes::Forward, &ReadBatch { batch, scaler: self.input_scaler() })?;
        let outputs = at(&tape.layout.outputs, self.structure.nodes.len().saturating_sub(1));
        Ok(tape.gather(&outputs, self.output_shape().elements()))
    }

    /// Backward pass: given the loss's gradient with respect to the outputs of the last [`forward`](Self::forward), features × samples, writes the gradient of
    /// every parameter to `gradients`, in the order of [`parameters`](Self::parameters); 0 for frozen ones. The gradients of penalties are included.
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
        expect_length("gradients", self.parameters.len(), gradients.len())?;
        let samples = tape.samples;
        self.run(tape, samples, Passes::Backward, &GivenGradient { output_gradient, features })?;
        self.collect(tape, samples, gradients);
        Ok(())
    }

    /// Whether the network ends in the activation `link`.
    pub fn is_linked(&self, link: Option<Activation>) -> bool {
        let last = self.structure.last_active().and_then(|last| self.structure.nodes.get(last));
        let channels = self.output_shape().channels();
        last.is_some_and(|node| {
            let groups_alike = node.output.channels() == channels || link != Some(Activation::Softmax);
            Some(node.layer.activation()) == link && groups_alike
        })
    }

    /// The gradients of a training step: reads the batch, runs forward, evaluates the loss, runs backward.
    pub(crate) fn gradient(
        &self,
        tape: &mut Tape<T>,
        samples: usize,
        linked: bool,
        random: Random,
        step: &impl Step<T>,
        gradients: &mut [T],
    ) -> Result<(), DataError> {
        tape.linked = linked;
        tape.random = random;
        self.run(tape, samples, Passes::Both, step)?;
        self.collect(tape, samples, gradients);
        Ok(())
    }

    /// Evaluates predictions in inference mode; the tape holds the sums. `validation` is the random stream of codes drawn in validation.
    pub(crate) fn evaluate_step(
        &self,
        tape: &mut Tape<T>,
        samples: usize,
        linked: bool,
        validation: Option<Random>,
        step: &impl Step<T>,
    ) -> Result<(), DataError> {
        tape.linked = linked;
        tape.random = validation.unwrap_or(Random::new(self.seed, Purpose::Layer));
        self.run(tape, samples, if validation.is_some() { Passes::Validate } else { Passes::Evaluate }, step)
    }

    /// Updates the layers' state (running statistics) from the last forward pass on `tape`; call it once per step in your own training loop.
    ///
    /// # Errors
    /// [`Error`] if the tape is another network's, or there was no forward pass; the state is then unchanged.
    pub fn update_state(&mut self, tape: &Tape<T>) -> Result<(), Error> {
        self.check_tape(tape)?;
        if tape.samples == 0 {
            return Err(InputError::Empty.into()); // no forward pass
        }
        self.take_statistics(tape);
        Ok(())
    }

    /// Like [`update_state`](Self::update_state), for a tape known to be this network's, after a pass in training mode.
    pub(crate) fn take_statistics(&mut self, tape: &Tape<T>) {
        for node in self.structure.nodes.iter().filter(|node| !node.rests(&self.frozen)) {
            let Some(state) = self.state.get_mut(node.state.clone()).filter(|state| !state.is_empty()) else {
                continue;
            };
            let statistics = tape.total.forward_statistics.get(node.forward_statistics.clone()).unwrap_or(&[]);
            let (input_shape, batch) = (node.reads, tape.samples);
            node.kernel.update_state(StateUpdate { input_shape, batch, statistics, state });
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
        match Arc::ptr_eq(&tape.structure, &self.structure) {
            true => Ok(()),
            false => Err(InputError::ForeignTape),
        }
    }
}

fn expect_length(what: &'static str, expected: usize, found: usize) -> Result<(), InputError> {
    if expected == found { Ok(()) } else { Err(InputError::Length { what, expected, found }) }
}

/// A step that reads the caller's batch.
struct ReadBatch<'a, T: Scalar> {
    batch: Batch<'a, T>,
    scaler: Option<&'a Scaler>,
}

impl<T: Scalar> Step<T> for ReadBatch<'_, T> {
    fn read(&self, positions: Range<usize>, read: Read<'_, T>) -> Result<(), DataError> {
        let columns = self.batch.columns();
        for (sample, target) in positions.clone().zip(read.input.chunks_exact_mut(columns.features().max(1))) {
            columns.copy(sample, target);
        }
        InputError::require_finite(DataPart::Sample, read.input, |position| {
            (positions.start + position / columns.features(), position % columns.features())
        })?;
        if let Some(scaler) = self.scaler {
            scaler.apply(read.input);
            scaler.require_fits("sample", read.input, |sample| positions.start + sample)?;
        }
        if let Some(side) = self.batch.side() {
            for (sample, target) in positions.zip(read.side.chunks_exact_mut(side.features().max(1))) {
                side.copy(sample, target);
            }
        }
        Ok(())
    }

    fn judge(&self, _judge: Judge<'_, T>, _record: &mut Record) {}
}

/// A step with the caller's output gradient.
struct GivenGradient<'a, T> {
    output_gradient: &'a [T],
    features: usize,
}

impl<T: Scalar> Step<T> for GivenGradient<'_, T> {
    fn read(&self, _: Range<usize>, _: Read<'_, T>) -> Result<(), DataError> {
        Ok(())
    }

    fn judge(&self, judge: Judge<'_, T>, _record: &mut Record) {
        let range = judge.positions.start * self.features..judge.positions.end * self.features;
        if let Some(given) = self.output_gradient.get(range) {
            judge.gradient.copy_from_slice(given);
        }
    }
}
