//! Inference: a forward pass that keeps nothing for a backward pass.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nalgebra::{DMatrix, DMatrixView};

use super::partition::Partition;
use super::run::{Memory, MicroBatch, Run};
use super::totals::Totals;
use super::workspace::Workspace;
use crate::data::{Batch, Columns, DataPart, InputError, Scaler};
use crate::graph::{Network, Part};
use crate::kernel::fresh::{self, Fresh};
use crate::kernel::reduce;
use crate::layer::Mode;
use crate::parallel::{self, Splittable};
use crate::shape::checked_product;
use crate::{Error, Scalar, invariant};

/// Samples computed at a time when their outputs are visited and discarded.
const AT_ONCE: usize = 256;

/// Who consumes the last layer's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The caller: in the units of the data, with any scaler undone.
    Result,
    /// A loss: scaled, and without the last activation if the loss applies it.
    Loss { from_logits: bool },
}

impl<T: Scalar> Network<T> {
    /// The outputs for a batch, features × samples.
    ///
    /// # Errors
    /// [`Error`] if the batch does not suit the network, or an output is not finite:
    /// [`InputError::Output`] names sample and layer.
    pub fn predict<'b>(&self, batch: impl Into<Batch<'b, T>>) -> Result<DMatrix<T>, Error> {
        self.infer(self.all(), batch.into())
    }

    /// Like [`predict`](Self::predict), but without allocating: the result is in the workspace.
    ///
    /// # Errors
    /// [`Error`] if the batch does not suit the network or the workspace, or an output is not
    /// finite.
    pub fn predict_with<'w, 'b>(
        &self,
        workspace: &'w mut Workspace<T>,
        batch: impl Into<Batch<'b, T>>,
    ) -> Result<DMatrixView<'w, T>, Error> {
        self.infer_with(self.all(), workspace, batch.into())
    }

    /// The output of the layer named `layer` (`layers.2`, `encoder.0`; see
    /// [`layers`](Self::layers)), after its activation. The name of a block, or of a half of an
    /// autoencoder, is that of its last layer.
    ///
    /// # Errors
    /// [`Error`] if there is no such layer, the batch does not suit the network, or an output is
    /// not finite.
    pub fn activations<'b>(&self, layer: &str, batch: impl Into<Batch<'b, T>>) -> Result<DMatrix<T>, Error> {
        self.infer(self.up_to(layer)?, batch.into())
    }

    /// The output of the last of `nodes`, given inputs of the first. Costs no more than computing
    /// and writing it.
    #[inline(never)] // see `compiled.rs`
    pub(crate) fn infer(&self, nodes: Range<usize>, batch: Batch<'_, T>) -> Result<DMatrix<T>, Error> {
        self.check_part(&nodes, &batch)?; // before any memory is taken
        let mut workspace = self.workspace_without_results(&nodes, &batch, batch.samples())?;
        let features = self.features_after(&nodes);
        let elements = checked_product("elements of a result", &[features, batch.samples()])?;
        let mut memory = Vec::new();
        memory.try_reserve_exact(elements).map_err(|_| InputError::OutOfMemory { elements })?;
        let output = fresh::written(memory, elements, |fresh| {
            self.infer_into(nodes, Ending::Result, &mut workspace, batch, Output::Fresh(fresh))
        })?;
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

    #[inline(never)] // see `compiled.rs`
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
            Some(output) => self.infer_into(nodes, ending, workspace, batch, Output::Old(output)),
            None => Err(InputError::WorkspaceTooSmall { capacity, samples }.into()),
        };
        workspace.output = output;
        result?;
        let output = invariant::slice(&workspace.output, &(0..features * samples), "output", "a workspace");
        Ok(DMatrixView::from_slice(output, features, samples))
    }

    /// Calls `visit` with each sample's index and its output of the last of `nodes`; only a few
    /// outputs are held at a time.
    #[inline(never)] // see `compiled.rs`
    pub(crate) fn each_output(
        &self,
        nodes: Range<usize>,
        batch: Batch<'_, T>,
        visit: &mut dyn FnMut(usize, &[T]),
    ) -> Result<(), Error> {
        self.check_part(&nodes, &batch)?; // the whole batch: parts would not reveal that a side input has too many samples
        let mut workspace = self.workspace_for(&nodes, &batch, batch.samples().clamp(1, AT_ONCE))?;
        for (first, part) in parts(batch) {
            let outputs = self.infer_with(nodes.clone(), &mut workspace, part).map_err(|error| error.after(first))?;
            outputs.column_iter().enumerate().for_each(|(index, output)| visit(first + index, output.as_slice()));
        }
        Ok(())
    }

    /// An error if an input or an output is not finite.
    fn infer_into(
        &self,
        nodes: Range<usize>,
        ending: Ending,
        workspace: &mut Workspace<T>,
        batch: Batch<'_, T>,
        output: Output<'_, T>,
    ) -> Result<(), Error> {
        match self.run_layers(nodes.clone(), ending, workspace, batch, output)? {
            None => Ok(()),
            Some(sample) => Err(self.diagnose(&nodes, ending, batch, sample)),
        }
    }

    /// Runs `nodes`. Returns the first sample that is not finite before or after them; a part of
    /// the batch is not computed if one of its inputs is not finite.
    pub(super) fn run_layers(
        &self,
        nodes: Range<usize>,
        ending: Ending,
        workspace: &mut Workspace<T>,
        batch: Batch<'_, T>,
        output: Output<'_, T>,
    ) -> Result<Option<usize>, Error> {
        self.check_part(&nodes, &batch)?;
        let samples = batch.samples();
        let run = Run::new(self, &workspace.layout, samples, Mode::Inference, false)?;
        let inference = Inference {
            run: Run { from_logits: ending == Ending::Loss { from_logits: true }, ..run },
            partition: workspace.partition,
            part: self.program().part(&nodes),
            batch,
            scaler: self.input_scaler().filter(|_| nodes.start == 0),
            output_scaler: self
                .output_scaler()
                .filter(|_| nodes.end == self.definition().nodes.len() && ending == Ending::Result),
            features_in: self.features_before(&nodes),
            features_out: self.features_after(&nodes),
            not_finite: AtomicUsize::new(usize::MAX),
        };
        let count = workspace.partition.shards_for(samples);
        let used = 0..count * workspace.layout.total;
        let memory = invariant::slice_mut(&mut workspace.memory, &used, "memory", "a workspace");
        let worth_threads = self.program().is_worth_threads(samples);
        parallel::run(Shards { inference: &inference, first: 0, count, memory, output }, worth_threads);
        Ok(Some(inference.not_finite.into_inner()).filter(|sample| *sample != usize::MAX))
    }

    /// Elements per sample before the first of `nodes`.
    pub(super) fn features_before(&self, nodes: &Range<usize>) -> usize {
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
    pub(super) fn largest_output(&self) -> usize {
        self.definition().nodes.iter().map(|node| node.output.elements()).max().unwrap_or(0)
    }

    pub(crate) fn check_batch(&self, batch: &Batch<'_, T>) -> Result<(), InputError> {
        self.check_part(&self.all(), batch)
    }

    /// `Ok` if samples and side inputs have as many features as `nodes` ask for. Returns that
    /// number for side inputs.
    pub(super) fn check_sizes(&self, nodes: &Range<usize>, batch: &Batch<'_, T>) -> Result<usize, InputError> {
        if let Some((node, source)) = self.definition().reads_outside(nodes) {
            let (layer, value) = (node.name.clone(), self.definition().name_of(source).to_owned());
            return Err(InputError::JoinsOutside { layer, value });
        }
        InputError::require_features(self.features_before(nodes), batch.features(), batch.samples())?;
        let nodes = invariant::slice(&self.definition().nodes, nodes, "layers", "a network");
        let expected = nodes.iter().map(|node| node.plan.side_input).max().unwrap_or(0);
        let found = batch.side().map_or((0, batch.samples()), |side| (side.features(), side.samples()));
        if expected > 0 && found != (expected, batch.samples()) {
            let (found, found_samples) = found;
            return Err(InputError::SideInput { expected, samples: batch.samples(), found, found_samples });
        }
        Ok(expected)
    }

    pub(super) fn check_part(&self, nodes: &Range<usize>, batch: &Batch<'_, T>) -> Result<(), InputError> {
        let expected = self.check_sizes(nodes, batch)?;
        let Some(side) = batch.side().filter(|_| expected > 0) else { return Ok(()) };
        let bad = |sample: usize| {
            let mut values = side.values(sample).enumerate();
            let (feature, value) = values.find(|(_, value)| !value.is_finite())?;
            Some(InputError::not_finite(DataPart::SideInput, sample, feature, value))
        };
        (0..side.samples()).find_map(bad).map_or(Ok(()), Err)
    }
}

/// What all shards of an inference share.
struct Inference<'a, T: Scalar> {
    run: Run<'a, T>,
    partition: Partition,
    part: Part<'a, T>,
    batch: Batch<'a, T>,
    scaler: Option<&'a Scaler>,
    /// What is undone on the results.
    output_scaler: Option<&'a Scaler>,
    features_in: usize,
    features_out: usize,
    /// The first sample whose input or output is not finite.
    not_finite: AtomicUsize,
}

impl<T: Scalar> Inference<'_, T> {
    /// Computes a micro-batch.
    fn micro_batch(&self, micro_batch: MicroBatch, shard: &mut [T], output: Output<'_, T>) {
        let (layout, MicroBatch { first, samples }) = (self.run.layout, micro_batch);
        copy(self.batch.side(), first, micro_batch.part(&layout.side, self.run.program.side_input), shard);
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
            self.note(first + position / self.features_in);
            return;
        }
        let output = output.into_slice();
        if self.part.is_empty() {
            output.copy_from_slice(input);
        } else {
            self.run_part(micro_batch, lent, shard, output);
        }
        if let Some(scaler) = self.output_scaler {
            scaler.undo(output);
        }
        if let Some(position) = reduce::first_not_finite(output) {
            self.note(first + position / self.features_out);
        }
    }

    /// Notes a sample that is not finite.
    fn note(&self, sample: usize) {
        self.not_finite.fetch_min(sample, Ordering::Relaxed);
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
    output: Output<'a, T>,
}

impl<T: Scalar> Splittable for Shards<'_, T> {
    fn pieces(&self) -> usize {
        self.count
    }

    fn divide(self, at: usize) -> (Self, Self) {
        let shard_output = self.inference.partition.shard_samples * self.inference.features_out;
        let (memory, other_memory) = self.memory.split_at_mut(at * self.inference.run.layout.total);
        let (output, other_output) = self.output.split_at(at * shard_output);
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
                let (of_micro_batch, others) = output.split_at(samples * features_out);
                output = others;
                let micro_batch = MicroBatch { first: shard_first + first, samples };
                self.inference.micro_batch(micro_batch, of_shard, of_micro_batch);
            }
        }
    }
}

/// The place of a batch's results, or of some of them.
pub(super) enum Output<'a, T> {
    /// Holds numbers already, those of another batch for instance.
    Old(&'a mut [T]),
    /// Has not been written.
    Fresh(Fresh<'a, T>),
}

impl<'a, T: Scalar> Output<'a, T> {
    fn split_at(self, at: usize) -> (Self, Self) {
        match self {
            Self::Old(values) => {
                let (left, right) = values.split_at_mut(at);
                (Self::Old(left), Self::Old(right))
            }
            Self::Fresh(values) => {
                let (left, right) = values.split_at(at);
                (Self::Fresh(left), Self::Fresh(right))
            }
        }
    }

    /// Numbers to be overwritten, still in the cache if they had to be written.
    fn into_slice(self) -> &'a mut [T] {
        match self {
            Self::Old(values) => values,
            Self::Fresh(values) => values.zeros(),
        }
    }
}

/// A batch in parts that are small enough to be visited, with the first sample of each.
pub(super) fn parts<T: Scalar>(batch: Batch<'_, T>) -> impl Iterator<Item = (usize, Batch<'_, T>)> {
    let firsts = (0..batch.samples()).step_by(AT_ONCE);
    firsts.map(move |first| (first, batch.part(first, (batch.samples() - first).min(AT_ONCE))))
}
