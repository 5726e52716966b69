//! Inference: a forward pass that keeps nothing for a backward pass.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nalgebra::{DMatrix, DMatrixView};

use super::Network;
use super::partition::{Partition, worth_threads};
use super::step::{Outside, Reports, Way};
use super::workspace::Workspace;
use crate::data::{Batch, Columns, DataPart, InputError};
use crate::kernel::fresh::{self, Fresh};
use crate::kernel::reduce;
use crate::layer::{Latent, Mode};
use crate::parallel::{self, Divide};
use crate::random::{Purpose, Random};
use crate::shape::checked_product;
use crate::{Error, Scalar};

/// Samples computed at a time when their outputs are visited and discarded.
const AT_ONCE: usize = 256;

/// Who consumes the last layer's output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The caller: in the units of the data, with any scaler undone.
    Result,
    /// A loss: scaled, and without the last activation if the loss applies it.
    Loss { linked: bool },
}

impl<T: Scalar> Network<T> {
    /// The outputs for a batch, features × samples.
    ///
    /// # Errors
    /// [`Error`] if the batch does not suit the network, or an output is not finite: [`InputError::Output`] names sample and layer.
    pub fn predict<'b>(&self, batch: impl Into<Batch<'b, T>>) -> Result<DMatrix<T>, Error> {
        self.infer(self.all(), batch.into())
    }

    /// Like [`predict`](Self::predict), but without allocating: the result is in the workspace.
    ///
    /// # Errors
    /// [`Error`] if the batch does not suit the network or the workspace, or an output is not finite.
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
    /// [`Error`] if there is no such layer, the batch does not suit the network, or an output is not finite.
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

    /// The output of the last of `nodes`, given inputs of the first. Costs no more than computing and writing it.
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
            Some(output) => self.infer_into(nodes, ending, workspace, batch, Output::Old(output)),
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

    /// Runs `nodes`. Returns the first sample that is not finite before or after them; a part of the batch is not computed if one
    /// of its inputs is not finite.
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
        Ok(Some(trip.not_finite.into_inner()).filter(|sample| *sample != usize::MAX))
    }

    /// Elements per sample before the first of `nodes`.
    pub(super) fn features_before(&self, nodes: &Range<usize>) -> usize {
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

    /// `Ok` if samples and side inputs have as many features as `nodes` ask for. Returns that number for side inputs.
    pub(super) fn check_sizes(&self, nodes: &Range<usize>, batch: &Batch<'_, T>) -> Result<usize, InputError> {
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
    /// The first sample whose input or output is not finite.
    not_finite: AtomicUsize,
}

impl<T: Scalar> Trip<'_, T> {
    /// Computes `samples` samples of the batch, from sample `first` on.
    fn part(&self, first: usize, samples: usize, memory: &mut [T], output: Output<'_, T>) {
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
            self.not_finite.fetch_min(first + position / self.features_in, Ordering::Relaxed);
            return;
        }
        let output = output.into_slice();
        if !self.nodes.clone().any(|index| way.structure.runs(index, &self.nodes)) {
            output.copy_from_slice(input);
        }
        way.forward(self.nodes.clone(), memory, Outside { input: run, output: Some(&mut *output) }, Reports::default());
        let seen = self.nodes.end == way.structure.nodes.len() && self.ending == Ending::Result;
        if let Some(scaler) = self.network.output_scaler().filter(|_| seen) {
            scaler.undo(output);
        }
        if let Some(position) = reduce::first_not_finite(output) {
            self.not_finite.fetch_min(first + position / self.features_out, Ordering::Relaxed);
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
    output: Output<'a, T>,
}

impl<T: Scalar> Divide for Lanes<'_, T> {
    fn pieces(&self) -> usize {
        self.count
    }

    fn divide(self, at: usize) -> (Self, Self) {
        let lane_output = self.trip.partition.lane_samples * self.trip.features_out;
        let (memory, other_memory) = self.memory.split_at_mut(at * self.trip.way.layout.total);
        let (output, other_output) = self.output.split_at(at * lane_output);
        let others =
            Self { first: self.first + at, count: self.count - at, memory: other_memory, output: other_output, ..self };
        (Self { count: at, memory, output, ..self }, others)
    }

    fn run(self) {
        let trip = self.trip;
        let (mut memory, mut output) = (self.memory, self.output);
        for index in 0..self.count {
            let lane_first = (self.first + index) * trip.partition.lane_samples;
            let (_, samples) = trip.partition.lane(self.first + index, trip.batch.samples());
            let (of_lane, others) = memory.split_at_mut(trip.way.layout.total);
            memory = others;
            for (first, samples) in trip.partition.parts(samples) {
                let (part, others) = output.split_at(samples * trip.features_out);
                output = others;
                trip.part(lane_first + first, samples, of_lane, part);
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
