//! [`Tape`]: the memory of training passes.

use std::ops::Range;
use std::sync::Arc;

use super::partition::{MAX_HALVED, Partition};
use super::run::MicroBatch;
use super::schedule::{Passes, Schedule};
use super::totals::Totals;
use crate::data::InputError;
use crate::graph::{Buffer, Graph, Layout, LayoutOptions, Network, zeros};
use crate::layer::Mode;
use crate::random::{Purpose, Random};
use crate::{DataError, Error, Scalar, invariant};

/// The memory of training passes: what [`Network::forward`] records for [`Network::backward`].
/// Create it once and use it for every step.
#[derive(Debug)]
pub struct Tape<T: Scalar> {
    pub(super) graph: Arc<Graph<T>>,
    pub(super) layout: Layout,
    pub(super) partition: Partition,
    pub(super) capacity: usize,
    pub(super) memory: Buffer<T>,
    pub(super) shard_totals: Vec<Totals>,
    /// The sum of the shards' totals of the last pass.
    pub(super) totals: Totals,
    /// Samples of the last forward pass; 0 if there was none.
    pub(super) samples: usize,
    /// Whether the last forward pass left the last activation to the loss.
    pub(super) from_logits: bool,
    /// The random stream of the last forward pass.
    pub(super) random: Random,
    /// The progress of training, in epochs.
    pub(super) epoch: f64,
    /// The mode of passes by the caller.
    pub(super) mode: Mode,
    /// Deferred gradients of the second half of the batch; empty if the batch is not halved.
    pub(super) second_gradients: Vec<T>,
    pub(super) schedules: Schedules,
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
pub(super) struct Schedules {
    frozen: Vec<bool>,
    made: Vec<(Passes, Arc<Schedule>)>,
}

impl<T: Scalar> Tape<T> {
    pub(crate) fn new(network: &Network<T>, capacity: usize, options: TapeOptions) -> Result<Self, Error> {
        if capacity == 0 {
            return Err(InputError::Empty.into());
        }
        let partition = match options.layout.backward {
            true => Partition::training(network.program(), capacity, options.whole_batch),
            false => Partition::evaluation(network.program(), capacity),
        };
        Self::divided(network, capacity, partition, options)
    }

    /// For batches that are divided as `partition` says.
    pub(super) fn divided(
        network: &Network<T>,
        capacity: usize,
        partition: Partition,
        options: TapeOptions,
    ) -> Result<Self, Error> {
        network.packed()?; // now, so that the first pass is as fast as the others
        let (definition, program) = (network.definition(), network.program());
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
    pub(super) fn gather(&mut self, place: &Range<usize>, elements: usize) -> &[T] {
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

impl<T: Scalar> Tape<T> {
    /// Adds up the totals of the first `shards` shards.
    pub(super) fn add_up(&mut self, shards: usize) -> Result<(), DataError> {
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
    pub fn get<T: Scalar>(&mut self, network: &Network<T>, passes: Passes, mode: Mode, needed: usize) -> Arc<Schedule> {
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
