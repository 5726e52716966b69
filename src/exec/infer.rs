//! [`Workspace`] and inference: a forward pass that keeps nothing for a backward pass.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nalgebra::{DMatrix, DMatrixView};

use super::partition::Partition;
use super::run::{Memory, MicroBatch, Run};
use super::totals::Totals;
use crate::data::{Batch, Columns, InputError, Scaler};
use crate::graph::{Buffer, Graph, Layout, LayoutOptions, Network, Part, zeros};
use crate::kernel::reduce;
use crate::layer::Mode;
use crate::parallel::{self, Divide};
use crate::shape::checked_product;
use crate::{Error, Scalar, invariant};

/// Samples computed at a time when their outputs are visited and discarded.
const AT_ONCE: usize = 256;

/// Working memory for inference, owned by the caller so that repeated calls allocate nothing. Use one per thread.
#[derive(Debug)]
pub struct Workspace<T: Scalar> {
    graph: Arc<Graph<T>>,
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
    Loss { from_logits: bool },
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
        let output = checked_product("elements of a workspace", &[self.largest_output(), samples])?;
        Ok(Workspace { output: zeros(output)?, ..self.workspace_without_results(samples)? })
    }

    /// Working memory for one of several threads: the batch is not divided among threads.
    pub(crate) fn workspace_alone(&self, samples: usize) -> Result<Workspace<T>, Error> {
        let output = checked_product("elements of a workspace", &[self.largest_output(), samples])?;
        let partition = Partition::alone(self.program(), samples);
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
        let index = self.definition().nodes.iter().position(|node| node.name == layer);
        let index = index.ok_or_else(|| InputError::NoSuchLayer { name: layer.to_owned() })?;
        Ok(0..index + 1)
    }

    pub(crate) fn all(&self) -> Range<usize> {
        0..self.definition().nodes.len()
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
        if !Arc::ptr_eq(&workspace.graph, self.graph()) {
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
        let output = invariant::slice(&workspace.output, &(0..features * samples), "output", "a workspace");
        Ok(DMatrixView::from_slice(output, features, samples))
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
        self.workspace_cut(Partition::inference(self.program(), samples), samples)
    }

    fn workspace_cut(&self, partition: Partition, samples: usize) -> Result<Workspace<T>, Error> {
        let layout = Layout::new(self.program(), partition.micro_batch_samples, LayoutOptions::default())
            .map_err(Error::from)?;
        let memory = checked_product("elements of a workspace", &[layout.total, partition.shards])?;
        self.packed()?; // now, so that the first pass is as fast as the others
        Ok(Workspace {
            memory: Buffer::zeros(memory)?,
            output: Vec::new(),
            graph: Arc::clone(self.graph()),
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
        let run = Run::new(self, &workspace.layout, samples, Mode::Inference, false)?;
        let inference = Inference {
            network: self,
            run: Run { from_logits: ending == Ending::Loss { from_logits: true }, ..run },
            partition: workspace.partition,
            part: self.program().part(&nodes),
            batch,
            scaler: self.input_scaler().filter(|_| nodes.start == 0),
            unscales: nodes.end == self.definition().nodes.len() && ending == Ending::Result,
            features_in: self.features_before(&nodes),
            features_out: self.features_after(&nodes),
            not_finite: AtomicUsize::new(usize::MAX),
        };
        let shards = workspace.partition.shards_for(samples);
        let memory =
            invariant::slice_mut(&mut workspace.memory, &(0..shards * workspace.layout.total), "memory", "a workspace");
        parallel::run(
            Shards { inference: &inference, first: 0, count: shards, memory, output },
            self.program().is_worth_threads(samples),
        );
        let position = inference.not_finite.into_inner();
        if position != usize::MAX {
            let (sample, feature) = (position / inference.features_in, position % inference.features_in);
            return Err(InputError::NotFinite { sample, feature }.into());
        }
        Ok(())
    }

    /// Elements per sample before the first of `nodes`.
    fn features_before(&self, nodes: &Range<usize>) -> usize {
        self.shape_before(nodes.start).elements()
    }

    /// Elements per sample after the last of `nodes`.
    pub(super) fn features_after(&self, nodes: &Range<usize>) -> usize {
        let last = nodes.end.checked_sub(1).map(|last| self.definition().node(last));
        last.map_or(self.input_shape().elements(), |node| node.output.elements())
    }

    /// The shape of a sample before layer `index`.
    pub(crate) fn shape_before(&self, index: usize) -> crate::Shape {
        self.definition().nodes.get(index).map_or(self.input_shape(), |node| node.input)
    }

    /// The number of elements of the largest layer output.
    fn largest_output(&self) -> usize {
        self.definition().nodes.iter().map(|node| node.output.elements()).max().unwrap_or(0)
    }

    pub(crate) fn check_batch(&self, batch: &Batch<'_, T>) -> Result<(), InputError> {
        self.check_part(&self.all(), batch)
    }

    pub(super) fn check_part(&self, nodes: &Range<usize>, batch: &Batch<'_, T>) -> Result<(), InputError> {
        InputError::require_features(self.features_before(nodes), batch.features(), batch.samples())?;
        let nodes = invariant::slice(&self.definition().nodes, nodes, "layers", "a network");
        let expected = nodes.iter().map(|node| node.plan.side_input).max().unwrap_or(0);
        let found = batch.side().map_or((0, batch.samples()), |side| (side.features(), side.samples()));
        if expected > 0 && found != (expected, batch.samples()) {
            let (found, found_samples) = found;
            return Err(InputError::SideInput { expected, samples: batch.samples(), found, found_samples });
        }
        let Some(side) = batch.side().filter(|_| expected > 0) else { return Ok(()) };
        let bad =
            |sample: usize| side.values(sample).position(|value| !value.is_finite()).map(|feature| (sample, feature));
        match (0..side.samples()).find_map(bad) {
            Some((sample, feature)) => Err(InputError::NotFinite { sample, feature }),
            None => Ok(()),
        }
    }
}

/// What all shards of an inference share.
struct Inference<'a, T: Scalar> {
    network: &'a Network<T>,
    run: Run<'a, T>,
    partition: Partition,
    part: Part<'a, T>,
    batch: Batch<'a, T>,
    scaler: Option<&'a Scaler>,
    /// Whether the output scaler is undone on the results.
    unscales: bool,
    features_in: usize,
    features_out: usize,
    /// The position of the first input that is not finite.
    not_finite: AtomicUsize,
}

impl<T: Scalar> Inference<'_, T> {
    /// Computes a micro-batch.
    fn micro_batch(&self, micro_batch: MicroBatch, shard: &mut [T], output: &mut [T]) {
        let Run { layout, program, .. } = self.run;
        let MicroBatch { first, samples } = micro_batch;
        copy(self.batch.side(), first, micro_batch.part(&layout.side, program.side_input), shard);
        let place = micro_batch.part(&layout.value(self.part.entry), self.features_in);
        let lent = self.batch.columns().run(first, samples).filter(|_| self.scaler.is_none());
        if lent.is_none() {
            copy(Some(self.batch.columns()), first, place.clone(), shard);
        }
        if let Some(scaler) = self.scaler {
            scaler.apply(invariant::slice_mut(shard, &place, "input", "a network"));
        }
        let input = lent.unwrap_or_else(|| invariant::slice(shard, &place, "input", "a network"));
        if let Some(position) = reduce::first_not_finite(input) {
            self.not_finite.fetch_min(first * self.features_in + position, Ordering::Relaxed);
            return;
        }
        if self.part.is_empty() {
            output.copy_from_slice(input);
        } else {
            self.run_part(micro_batch, lent, shard, output);
        }
        if let Some(scaler) = self.network.output_scaler().filter(|_| self.unscales) {
            scaler.undo(output);
        }
    }

    fn run_part(&self, micro_batch: MicroBatch, lent: Option<&[T]>, shard: &mut [T], output: &mut [T]) {
        let Part { entry, indices, detached } = self.part.clone();
        let (input, mut totals) = (lent.map(|input| (entry, input)), Totals::default());
        let mut output = Some(output);
        let of_last = if detached.is_none() { output.take() } else { None };
        self.run.forward(indices, micro_batch, Memory { shard: &mut *shard, input, output: of_last }, &mut totals);
        if let Some(operation) = detached {
            self.run.forward_one(operation, [0..0, 0..0], micro_batch, Memory { shard, input, output }, &mut totals);
        }
    }
}

/// Copies samples from `first` on into a place of the memory, if there are any.
fn copy<T: Scalar>(columns: Option<Columns<'_, T>>, first: usize, place: Range<usize>, memory: &mut [T]) {
    let Some(columns) = columns.filter(|_| !place.is_empty()) else { return };
    let samples = invariant::slice_mut(memory, &place, "input", "a network").chunks_exact_mut(columns.features());
    samples.enumerate().for_each(|(index, sample)| _ = columns.copy(first + index, sample));
}

/// Some shards with their memory and outputs.
struct Shards<'a, T: Scalar> {
    inference: &'a Inference<'a, T>,
    first: usize,
    count: usize,
    memory: &'a mut [T],
    output: &'a mut [T],
}

impl<T: Scalar> Divide for Shards<'_, T> {
    fn pieces(&self) -> usize {
        self.count
    }

    fn divide(self, at: usize) -> (Self, Self) {
        let shard_output = self.inference.partition.shard_samples * self.inference.features_out;
        let (memory, other_memory) = self.memory.split_at_mut(at * self.inference.run.layout.total);
        let (output, other_output) = self.output.split_at_mut(at * shard_output);
        let others =
            Self { first: self.first + at, count: self.count - at, memory: other_memory, output: other_output, ..self };
        (Self { count: at, memory, output, ..self }, others)
    }

    fn run(self) {
        let Inference { partition, features_out, run, batch, .. } = self.inference;
        let (mut memory, mut output) = (self.memory, self.output);
        for shard in self.first..self.first + self.count {
            let (shard_first, samples) = partition.shard(shard, batch.samples());
            let (of_shard, others) = memory.split_at_mut(run.layout.total);
            memory = others;
            for (first, samples) in partition.micro_batches(samples) {
                let (of_micro_batch, others) = output.split_at_mut(samples * features_out);
                output = others;
                let micro_batch = MicroBatch { first: shard_first + first, samples };
                self.inference.micro_batch(micro_batch, of_shard, of_micro_batch);
            }
        }
    }
}
