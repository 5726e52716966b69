//! [`Workspace`] and inference: a forward pass that keeps nothing for a backward pass.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nalgebra::{DMatrix, DMatrixView};

use super::buffer::Buffer;
use super::memory::{Layout, zeros};
use super::partition::{Partition, worth_threads};
use super::step::{Outside, Reports, Way};
use super::{Network, Structure};
use crate::data::{Batch, Columns, DataPart, InputError};
use crate::kernel::reduce;
use crate::layer::{Latent, Mode};
use crate::parallel::{self, Divide};
use crate::random::{Purpose, Random};
use crate::shape::checked_product;
use crate::{Error, Scalar};

/// Samples computed at a time when their outputs are visited and discarded.
const AT_ONCE: usize = 256;

/// Working memory for inference, owned by the caller so that repeated calls allocate nothing. Use one per thread.
#[derive(Debug)]
pub struct Workspace<T: Scalar> {
    structure: Arc<Structure<T>>,
    layout: Layout,
    partition: Partition,
    capacity: usize,
    memory: Buffer<T>,
    output: Vec<T>,
}

impl<T: Scalar> Workspace<T> {
    /// The most samples a batch may have.
    pub fn capacity(&self) -> usize {
        self.capacity
    }
}

/// Who consumes the last layer's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The caller: in the units of the data, with any scaler undone.
    Result,
    /// A loss: scaled, and without the last activation if the loss applies it.
    Loss { linked: bool },
}

impl<T: Scalar> Network<T> {
    /// Working memory for batches of up to `samples` samples.
    ///
    /// # Errors
    /// [`Error`] if `samples` is 0 or the memory cannot be allocated.
    pub fn workspace(&self, samples: usize) -> Result<Workspace<T>, Error> {
        if samples == 0 {
            return Err(InputError::Empty.into());
        }
        let output = checked_product("elements of a workspace", &[self.structure.largest_output(), samples])?;
        Ok(Workspace { output: zeros(output)?, ..self.workspace_without_results(samples)? })
    }

    /// Working memory for one of several threads: the batch is not divided among threads.
    pub(crate) fn workspace_alone(&self, samples: usize) -> Result<Workspace<T>, Error> {
        let output = checked_product("elements of a workspace", &[self.structure.largest_output(), samples])?;
        let partition = Partition::alone(&self.structure, samples);
        Ok(Workspace { output: zeros(output)?, ..self.workspace_cut(partition, samples)? })
    }

    /// The outputs for a batch, features × samples.
    ///
    /// # Errors
    /// [`Error`] if the batch does not suit the network.
    pub fn predict<'b>(&self, batch: impl Into<Batch<'b, T>>) -> Result<DMatrix<T>, Error> {
        self.infer(self.all(), batch.into())
    }

    /// Like [`predict`](Self::predict), but without allocating: the result is in the workspace.
    ///
    /// # Errors
    /// [`Error`] if the batch does not suit the network or the workspace.
    pub fn predict_with<'w, 'b>(
        &self,
        workspace: &'w mut Workspace<T>,
        batch: impl Into<Batch<'b, T>>,
    ) -> Result<DMatrixView<'w, T>, Error> {
        self.infer_with(self.all(), workspace, batch.into())
    }

    /// The output of the layer named `layer` (`layers.2`, `encoder.0`; see [`layers`](Self::layers)), after its activation.
    ///
    /// # Errors
    /// [`Error`] if there is no such layer or the batch does not suit the network.
    pub fn activations<'b>(&self, layer: &str, batch: impl Into<Batch<'b, T>>) -> Result<DMatrix<T>, Error> {
        self.infer(self.up_to(layer)?, batch.into())
    }

    /// The layers from the first to the one named `layer`.
    pub(super) fn up_to(&self, layer: &str) -> Result<Range<usize>, InputError> {
        let index = self.structure.nodes.iter().position(|node| node.name == layer);
        let index = index.ok_or_else(|| InputError::NoSuchLayer { name: layer.to_owned() })?;
        Ok(0..index + 1)
    }

    pub(crate) fn all(&self) -> Range<usize> {
        0..self.structure.nodes.len()
    }

    /// The output of the last of `nodes`, given inputs of the first.
    pub(crate) fn infer(&self, nodes: Range<usize>, batch: Batch<'_, T>) -> Result<DMatrix<T>, Error> {
        let mut workspace = self.workspace_without_results(batch.samples())?;
        let features = self.features_after(&nodes);
        let mut output = zeros(checked_product("elements of a result", &[features, batch.samples()])?)?;
        self.infer_into(nodes, Ending::Result, &mut workspace, batch, &mut output)?;
        Ok(DMatrix::from_vec(features, batch.samples(), output))
    }

    pub(crate) fn infer_with<'w>(
        &self,
        nodes: Range<usize>,
        workspace: &'w mut Workspace<T>,
        batch: Batch<'_, T>,
    ) -> Result<DMatrixView<'w, T>, Error> {
        self.infer_to(nodes, Ending::Result, workspace, batch)
    }

    pub(crate) fn infer_to<'w>(
        &self,
        nodes: Range<usize>,
        ending: Ending,
        workspace: &'w mut Workspace<T>,
        batch: Batch<'_, T>,
    ) -> Result<DMatrixView<'w, T>, Error> {
        if !Arc::ptr_eq(&workspace.structure, &self.structure) {
            return Err(InputError::ForeignWorkspace.into());
        }
        let (capacity, samples) = (workspace.capacity, batch.samples());
        if samples > capacity {
            return Err(InputError::WorkspaceTooSmall { capacity, samples }.into());
        }
        let features = self.features_after(&nodes);
        let mut output = std::mem::take(&mut workspace.output);
        let result = match output.get_mut(..features * samples) {
            Some(output) => self.infer_into(nodes, ending, workspace, batch, output),
            None => Err(InputError::WorkspaceTooSmall { capacity, samples }.into()),
        };
        workspace.output = output;
        result?;
        Ok(DMatrixView::from_slice(workspace.output.get(..features * samples).unwrap_or(&[]), features, samples))
    }

    /// Calls `visit` with each sample's index and its output of the last of `nodes`; only a few outputs are held at a time.
    pub(crate) fn each_output(
        &self,
        nodes: Range<usize>,
        batch: Batch<'_, T>,
        mut visit: impl FnMut(usize, &[T]),
    ) -> Result<(), Error> {
        self.check_part(&nodes, &batch)?; // the whole batch: parts would not reveal that a side input has too many samples
        let mut workspace = self.workspace(batch.samples().clamp(1, AT_ONCE))?;
        for first in (0..batch.samples()).step_by(AT_ONCE) {
            let part = batch.part(first, (batch.samples() - first).min(AT_ONCE));
            let outputs = self.infer_with(nodes.clone(), &mut workspace, part).map_err(|error| error.after(first))?;
            outputs.column_iter().enumerate().for_each(|(index, output)| visit(first + index, output.as_slice()));
        }
        Ok(())
    }

    fn workspace_without_results(&self, samples: usize) -> Result<Workspace<T>, Error> {
        self.workspace_cut(Partition::inference(&self.structure, samples), samples)
    }

    fn workspace_cut(&self, partition: Partition, samples: usize) -> Result<Workspace<T>, Error> {
        let layout = Layout::inference(&self.structure, partition.part_samples).map_err(Error::from)?;
        let memory = checked_product("elements of a workspace", &[layout.total, partition.lanes])?;
        self.prepared()?; // now, so that the first pass is as fast as the others
        Ok(Workspace {
            memory: Buffer::zeros(memory)?,
            output: Vec::new(),
            structure: Arc::clone(&self.structure),
            layout,
            partition,
            capacity: samples,
        })
    }

    fn infer_into(
        &self,
        nodes: Range<usize>,
        ending: Ending,
        workspace: &mut Workspace<T>,
        batch: Batch<'_, T>,
        output: &mut [T],
    ) -> Result<(), Error> {
        self.check_part(&nodes, &batch)?;
        let samples = batch.samples();
        let random = Random::new(self.seed, Purpose::Layer);
        let way = self.way(&workspace.layout, samples, Mode::Inference, false, random)?;
        let trip = Trip {
            network: self,
            way: Way { entrance: nodes.start, linked: ending == Ending::Loss { linked: true }, ..way },
            ending,
            partition: workspace.partition,
            nodes: nodes.clone(),
            batch,
            features_in: self.features_before(&nodes),
            features_out: self.features_after(&nodes),
            not_finite: AtomicUsize::new(usize::MAX),
        };
        let lanes = workspace.partition.lanes_for(samples);
        let memory = workspace.memory.get_mut(..lanes * workspace.layout.total).unwrap_or(&mut []);
        parallel::run(
            Lanes { trip: &trip, first: 0, count: lanes, memory, output },
            worth_threads(&self.structure, samples),
        );
        let position = trip.not_finite.into_inner();
        if position != usize::MAX {
            let (sample, feature) = (position / trip.features_in, position % trip.features_in);
            let value = batch.columns().value(sample, feature).unwrap_or(T::nan());
            return Err(InputError::not_finite(DataPart::Sample, sample, feature, value).into());
        }
        Ok(())
    }

    /// Elements per sample before the first of `nodes`.
    fn features_before(&self, nodes: &Range<usize>) -> usize {
        self.shape_before(nodes.start).elements()
    }

    /// Elements per sample after the last of `nodes`.
    pub(super) fn features_after(&self, nodes: &Range<usize>) -> usize {
        let last = nodes.end.checked_sub(1).and_then(|last| self.structure.nodes.get(last));
        last.map_or(self.structure.input.elements(), |node| node.output.elements())
    }

    /// The shape of a sample before layer `index`.
    pub(crate) fn shape_before(&self, index: usize) -> crate::Shape {
        self.structure.nodes.get(index).map_or(self.structure.input, |node| node.input)
    }

    /// The layer that draws the code from a distribution, and its index, if it is the last layer before `end` that computes anything.
    pub(crate) fn latent_before(&self, end: usize) -> Option<(usize, &dyn Latent<T>)> {
        let index = self.structure.source(end)?;
        let latent = self.structure.nodes.get(index)?.layer.latent()?;
        Some((index, latent))
    }

    pub(crate) fn check_batch(&self, batch: &Batch<'_, T>) -> Result<(), InputError> {
        self.check_part(&self.all(), batch)
    }

    pub(super) fn check_part(&self, nodes: &Range<usize>, batch: &Batch<'_, T>) -> Result<(), InputError> {
        InputError::require_features(self.features_before(nodes), batch.features(), batch.samples())?;
        let asked = |node: &super::structure::Node<T>| node.plan.side_input > 0;
        let expected = match self.structure.nodes.get(nodes.clone()).is_some_and(|nodes| nodes.iter().any(asked)) {
            true => self.structure.side_input,
            false => 0,
        };
        let found = batch.side().map_or((0, batch.samples()), |side| (side.features(), side.samples()));
        if expected > 0 && found != (expected, batch.samples()) {
            let (found, found_samples) = found;
            return Err(InputError::SideInput { expected, samples: batch.samples(), found, found_samples });
        }
        let Some(side) = batch.side().filter(|_| expected > 0) else { return Ok(()) };
        let bad = |sample: usize| {
            let mut values = side.values(sample).enumerate();
            let (feature, value) = values.find(|(_, value)| !value.is_finite())?;
            Some(InputError::not_finite(DataPart::SideInput, sample, feature, value))
        };
        (0..side.samples()).find_map(bad).map_or(Ok(()), Err)
    }
}

/// What all lanes of an inference share.
struct Trip<'a, T: Scalar> {
    network: &'a Network<T>,
    way: Way<'a, T>,
    ending: Ending,
    partition: Partition,
    nodes: Range<usize>,
    batch: Batch<'a, T>,
    features_in: usize,
    features_out: usize,
    /// The position of the first input that is not finite.
    not_finite: AtomicUsize,
}

impl<T: Scalar> Trip<'_, T> {
    /// Computes `samples` samples of the batch, from sample `first` on.
    fn part(&self, first: usize, samples: usize, memory: &mut [T], output: &mut [T]) {
        let way = self.way.of(first, samples);
        let scaler = self.network.input_scaler().filter(|_| self.nodes.start == 0);
        self.stage(self.batch.side(), first, way.head(&way.layout.side, way.structure.side_input), memory);
        let run = self.batch.columns().run(first, samples).filter(|_| scaler.is_none());
        let staged = way.head(&way.layout.input, self.features_in);
        if run.is_none() {
            self.stage(Some(self.batch.columns()), first, staged.clone(), memory);
        }
        if let (Some(scaler), Some(staged)) = (scaler, memory.get_mut(staged.clone())) {
            scaler.apply(staged);
        }
        let input = run.or(memory.get(staged)).unwrap_or(&[]);
        if let Some(position) = reduce::first_not_finite(input) {
            self.not_finite.fetch_min(first * self.features_in + position, Ordering::Relaxed);
            return;
        }
        if !self.nodes.clone().any(|index| way.structure.runs(index, &self.nodes)) {
            output.copy_from_slice(input);
        }
        way.forward(self.nodes.clone(), memory, Outside { input: run, output: Some(&mut *output) }, Reports::default());
        let seen = self.nodes.end == way.structure.nodes.len() && self.ending == Ending::Result;
        if let Some(scaler) = self.network.output_scaler().filter(|_| seen) {
            scaler.undo(output);
        }
    }

    /// Copies samples from `first` on into a range of the memory.
    fn stage(&self, columns: Option<Columns<'_, T>>, first: usize, range: Range<usize>, memory: &mut [T]) {
        let (Some(columns), Some(staged)) = (columns, memory.get_mut(range)) else { return };
        for (index, sample) in staged.chunks_exact_mut(columns.features().max(1)).enumerate() {
            columns.copy(first + index, sample);
        }
    }
}

/// Some lanes with their memory and outputs.
struct Lanes<'a, T: Scalar> {
    trip: &'a Trip<'a, T>,
    first: usize,
    count: usize,
    memory: &'a mut [T],
    output: &'a mut [T],
}

impl<T: Scalar> Divide for Lanes<'_, T> {
    fn pieces(&self) -> usize {
        self.count
    }

    fn divide(self, at: usize) -> (Self, Self) {
        let lane_output = self.trip.partition.lane_samples * self.trip.features_out;
        let (memory, other_memory) = self.memory.split_at_mut(at * self.trip.way.layout.total);
        let (output, other_output) = self.output.split_at_mut(at * lane_output);
        let others =
            Self { first: self.first + at, count: self.count - at, memory: other_memory, output: other_output, ..self };
        (Self { count: at, memory, output, ..self }, others)
    }

    fn run(self) {
        let trip = self.trip;
        let lane_output = (trip.partition.lane_samples * trip.features_out).max(1);
        let memories = self.memory.chunks_exact_mut(trip.way.layout.total.max(1));
        for (index, (memory, output)) in memories.zip(self.output.chunks_mut(lane_output)).enumerate() {
            let lane_first = (self.first + index) * trip.partition.lane_samples;
            for (first, samples) in trip.partition.parts(output.len() / trip.features_out) {
                let part = first * trip.features_out..(first + samples) * trip.features_out;
                if let Some(output) = output.get_mut(part) {
                    trip.part(lane_first + first, samples, memory, output);
                }
            }
        }
    }
}
