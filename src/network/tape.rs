//! [`Tape`] and the training passes that are public: forward with memory, and backward.

use std::ops::Range;
use std::sync::Arc;

use super::buffer::Buffer;
use super::lanes::Passes;
use super::memory::{Keep, Layout, at, head, zeros};
use super::partition::{MAX_HALVED, Partition};
use super::step::{Judge, Read, Record, Step};
use super::{Network, Structure};
use crate::data::{Batch, InputError, Scaler};
use crate::kernel::reduce;
use crate::layer::{Activation, StateUpdate};
use crate::random::{Purpose, Random};
use crate::{DataError, Error, Scalar};

/// The memory of training passes: what [`Network::forward`] leaves for [`Network::backward`]. Made once, used for every step.
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
    /// The last forward pass left out the last activation.
    pub(super) linked: bool,
    /// The place of the last forward pass.
    pub(super) random: Random,
    /// Gradients over the second half of the batch, of parameters that ask for the whole; empty where that is not halved.
    pub(super) second_gradients: Vec<T>,
    /// How far training has come.
    pub(super) epoch: f64,
    /// For results that the caller sees as one matrix.
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
        if capacity == 0 {
            return Err(InputError::Empty.into());
        }
        network.prepared()?; // so that the first pass takes no longer than the others
        let structure = Arc::clone(&network.structure);
        let partition = Partition::training(&structure, capacity, whole);
        let layout = Layout::training(&structure, partition.part_samples, keep).map_err(Error::from)?;
        let halved = structure.nodes.iter().any(|node| node.whole_batch()) && structure.parameter_count() <= MAX_HALVED;
        let total = crate::shape::checked_product("elements of a tape", &[layout.total, partition.lanes])?;
        Ok(Self {
            records: (0..partition.lanes).map(|_| Record::new(&structure, metrics)).collect::<Result<_, _>>()?,
            total: Record::new(&structure, metrics)?,
            memory: Buffer::zeros(total)?,
            second_gradients: zeros(if halved { structure.parameter_count() } else { 0 })?,
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

    /// What the lanes of the last pass left behind, added up.
    pub(crate) fn total(&self) -> &Record {
        &self.total
    }

    /// The sum over the samples of the last pass of each penalty, by name.
    pub fn penalties(&self) -> impl Iterator<Item = (&str, f64)> {
        self.structure.penalties.iter().map(String::as_str).zip(self.total.penalties.iter().copied())
    }

    /// The sum over the samples of the last pass of each figure that a layer reports, by name.
    pub fn figures(&self) -> impl Iterator<Item = (&str, f64)> {
        self.structure.figures.iter().map(String::as_str).zip(self.total.figures.iter().copied())
    }

    /// Says how far training has come, in epochs (2.5: half-way through the third), for layers whose penalties are warmed up; 0 unless said.
    pub fn set_epoch(&mut self, epoch: f64) {
        self.epoch = epoch;
    }

    /// The gradient by the input, after a backward pass with a tape that was asked for it; features × samples.
    pub fn input_gradient(&mut self) -> &[T] {
        let range = self.layout.input_gradient.clone();
        self.gather(&range, self.structure.input.elements())
    }

    pub(super) fn lane_memory(&self, lane: usize) -> &[T] {
        let size = self.layout.total;
        self.memory.get(lane * size..(lane + 1) * size).unwrap_or(&[])
    }

    /// Copies a range of every lane into one run.
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

    /// The same for passes that compute the gradient by the input, too ([`Tape::input_gradient`]).
    ///
    /// # Errors
    /// [`Error`] if `samples` is 0 or the memory cannot be allocated.
    pub fn tape_with_input_gradient(&self, samples: usize) -> Result<Tape<T>, Error> {
        self.prepared_backward()?;
        Tape::new(self, samples, Keep { input_gradient: true, ..Keep::default() }, true, 0)
    }

    /// The way forward, in training mode: the outputs, features × samples, and on the tape what [`backward`](Self::backward) needs.
    ///
    /// With `link` of a loss the network may leave its last activation to that loss ([`Loss::link`](crate::Loss::link)); what is returned are then the activation's
    /// arguments. Whether it does, [`is_linked`](Self::is_linked) says. Random layers draw from the network's seed at step `step`.
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

    /// The way back from the gradient by the outputs of the last [`forward`](Self::forward), features × samples, to the gradient by every parameter,
    /// which is written to `gradients` in the order of [`parameters`](Self::parameters); 0 for frozen ones. The gradients of penalties are among them.
    ///
    /// # Errors
    /// [`Error`] if a length is not what it should be.
    pub fn backward(&self, tape: &mut Tape<T>, output_gradient: &[T], gradients: &mut [T]) -> Result<(), Error> {
        let features = self.output_shape().elements();
        self.check_tape(tape)?;
        if tape.samples == 0 {
            return Err(InputError::Empty.into()); // nothing has gone forward
        }
        expect_length("output gradients", tape.samples * features, output_gradient.len())?;
        expect_length("gradients", self.parameters.len(), gradients.len())?;
        let samples = tape.samples;
        self.run(tape, samples, Passes::Backward, &GivenGradient { output_gradient, features })?;
        self.collect(tape, samples, gradients);
        Ok(())
    }

    /// Whether the network ends in the activation that a loss would rather take over.
    pub fn is_linked(&self, link: Option<Activation>) -> bool {
        let last = self.structure.last_active().and_then(|last| self.structure.nodes.get(last));
        let channels = self.output_shape().channels();
        last.is_some_and(|node| {
            let groups_alike = node.output.channels() == channels || link != Some(Activation::Softmax);
            Some(node.layer.activation()) == link && groups_alike
        })
    }

    /// A whole training step's gradients: reads, runs forward, judges, runs backward, in one go.
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

    /// Judges predictions in inference mode; the sums are left on the tape. `validation` is where codes are drawn over validation data.
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

    /// Updates the layers' state (running statistics) from the last forward pass on `tape`: once a step, in a training loop of one's own.
    ///
    /// # Errors
    /// [`Error`] if the tape is another network's, or nothing has gone forward on it; the state is then unchanged.
    pub fn update_state(&mut self, tape: &Tape<T>) -> Result<(), Error> {
        self.check_tape(tape)?;
        if tape.samples == 0 {
            return Err(InputError::Empty.into()); // nothing has gone forward
        }
        self.take_statistics(tape);
        Ok(())
    }

    /// The same with a tape that is known to be this network's, after a pass in training mode.
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

/// A step that reads a batch the caller holds.
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
        if let Some(position) = reduce::first_not_finite(read.input) {
            let (sample, feature) = (positions.start + position / columns.features(), position % columns.features());
            return Err(InputError::NotFinite { sample, feature }.into());
        }
        if let Some(scaler) = self.scaler {
            scaler.apply(read.input);
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

/// A step whose gradient the caller has.
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
