//! The passes of one lane through a network: the loops over layers that inference and training share.

use std::ops::Range;

use super::memory::{Layout, at, head, zeros};
use super::structure::Node;
use super::{Network, Structure};
use crate::layer::{Activation, Backward, BackwardStatistics, Forward, ForwardStatistics, Gradients, Mode, Parameters};
use crate::random::Random;
use crate::{DataError, InputError, Scalar};

/// The data and the loss of a step.
pub(crate) trait Step<T: Scalar>: Sync {
    /// Reads the samples at `positions` of the batch.
    fn read(&self, positions: Range<usize>, read: Read<'_, T>) -> Result<(), DataError>;

    /// Evaluates predictions: adds loss and metrics to the record and, in training, writes the gradient with respect to the predictions.
    fn judge(&self, judge: Judge<'_, T>, record: &mut Record);
}

/// Predictions to evaluate; predictions, targets and gradient are features × samples.
pub(crate) struct Judge<'a, T> {
    /// The samples' positions in the batch.
    pub positions: Range<usize>,
    pub predictions: &'a [T],
    pub targets: &'a [T],
    /// To be written in training; free to use as scratch otherwise.
    pub gradient: &'a mut [T],
    pub training: bool,
}

/// Buffers for a step's data. `target` is empty if the input is the target.
pub(crate) struct Read<'a, T> {
    pub input: &'a mut [T],
    pub side: &'a mut [T],
    pub target: &'a mut [T],
}

/// A lane's results besides gradients: sums over its samples.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub loss: f64,
    pub metrics: Vec<f64>,
    pub penalties: Vec<f64>,
    pub figures: Vec<f64>,
    pub forward_statistics: Vec<f64>,
    pub backward_statistics: Vec<f64>,
    pub error: Option<DataError>,
}

impl Record {
    /// A record for one step of a lane.
    ///
    /// # Errors
    /// [`InputError::OutOfMemory`].
    pub fn new<T: Scalar>(structure: &Structure<T>, metrics: usize) -> Result<Self, InputError> {
        Ok(Self {
            forward_statistics: zeros(structure.forward_statistics)?,
            backward_statistics: zeros(structure.backward_statistics)?,
            ..Self::without_statistics(structure, metrics)
        })
    }

    /// A record for the sums of many steps.
    pub fn without_statistics<T: Scalar>(structure: &Structure<T>, metrics: usize) -> Self {
        Self {
            loss: 0.0,
            metrics: vec![0.0; metrics],
            penalties: vec![0.0; structure.penalties.len()],
            figures: vec![0.0; structure.figures.len()],
            forward_statistics: Vec::new(),
            backward_statistics: Vec::new(),
            error: None,
        }
    }

    pub fn clear(&mut self) {
        self.loss = 0.0;
        self.error = None;
        for sums in [&mut self.metrics, &mut self.penalties, &mut self.figures] {
            sums.fill(0.0);
        }
        for sums in [&mut self.forward_statistics, &mut self.backward_statistics] {
            sums.fill(0.0);
        }
    }

    /// Turns sums over `samples` samples into means.
    pub fn divide(&mut self, samples: usize) {
        let count = samples.max(1) as f64;
        self.loss /= count;
        self.metrics.iter_mut().chain(&mut self.penalties).chain(&mut self.figures).for_each(|sum| *sum /= count);
    }

    /// Adds the record of another lane, whose samples come later.
    pub fn add(&mut self, other: &Record) {
        let add = |to: &mut [f64], from: &[f64]| to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        self.loss += other.loss;
        add(&mut self.metrics, &other.metrics);
        add(&mut self.penalties, &other.penalties);
        add(&mut self.figures, &other.figures);
        add(&mut self.forward_statistics, &other.forward_statistics);
        add(&mut self.backward_statistics, &other.backward_statistics);
    }
}

/// A network with all that the passes of a part of a batch need.
#[derive(Clone, Copy)]
pub(crate) struct Way<'a, T: Scalar> {
    pub structure: &'a Structure<T>,
    pub parameters: &'a [T],
    /// Whether the parameter of an entry in the table is frozen.
    pub frozen: &'a [bool],
    pub prepared: &'a [T],
    /// Empty without a backward pass.
    pub prepared_backward: &'a [T],
    pub state: &'a [T],
    pub layout: &'a Layout,
    /// The layer that reads the inputs: the first, except when a decoder runs alone.
    pub entrance: usize,
    /// Samples in the part.
    pub samples: usize,
    /// Samples in the batch.
    pub batch: usize,
    pub mode: Mode,
    /// The loss applies the last activation.
    pub linked: bool,
    /// The random stream of the part's first sample.
    pub random: Random,
    /// The progress of training, in epochs.
    pub epoch: f64,
    pub forward_statistics: &'a [f64],
    pub backward_statistics: &'a [f64],
}

impl<T: Scalar> Network<T> {
    /// What the forward pass of a batch needs, and with `backward` the backward pass.
    ///
    /// # Errors
    /// [`InputError::OutOfMemory`] if prepared data must be built and cannot be allocated.
    pub(super) fn way<'a>(
        &'a self,
        layout: &'a Layout,
        batch: usize,
        mode: Mode,
        backward: bool,
        random: Random,
    ) -> Result<Way<'a, T>, InputError> {
        Ok(Way {
            structure: &self.structure,
            parameters: &self.parameters,
            frozen: &self.frozen,
            prepared: self.prepared()?,
            prepared_backward: if backward { self.prepared_backward()? } else { &[] },
            state: &self.state,
            layout,
            entrance: 0,
            samples: 0,
            batch,
            mode,
            linked: false,
            random,
            epoch: 0.0,
            forward_statistics: &[],
            backward_statistics: &[],
        })
    }
}

/// Sums that a part's forward pass adds to.
#[derive(Default)]
pub(crate) struct Reports<'a> {
    pub penalties: &'a mut [f64],
    pub figures: &'a mut [f64],
}

/// A part's inputs and outputs, if they are outside the lane's memory.
#[derive(Default)]
pub(crate) struct Outside<'a, T> {
    pub input: Option<&'a [T]>,
    pub output: Option<&'a mut [T]>,
}

impl<'a, T: Scalar> Way<'a, T> {
    /// The same for a part of `samples` samples, from sample `first` of the batch on.
    pub fn of(self, first: usize, samples: usize) -> Self {
        Self { samples, random: self.random.skip(first), ..self }
    }

    /// Runs the layers in `nodes` forward.
    pub fn forward(&self, nodes: Range<usize>, memory: &mut [T], mut outside: Outside<'_, T>, reports: Reports<'_>) {
        let runs = |index: &usize| self.structure.runs(*index, &nodes);
        let last = nodes.clone().rev().find(runs);
        for index in nodes.clone().filter(runs) {
            let Some(node) = self.structure.nodes.get(index) else { continue };
            let source = self.structure.source(index).filter(|source| *source >= self.entrance);
            let outside_input = if source.is_none() { outside.input } else { None };
            let mode = self.mode_of(node);
            let counts = mode != Mode::Inference;
            let outside_output = if Some(index) == last { outside.output.take() } else { None };
            let [input, side, output, cache, scratch] = self.slices(
                memory,
                [
                    if outside_input.is_some() { 0..0 } else { self.input(node, source) },
                    self.side(node),
                    if outside_output.is_some() { 0..0 } else { self.output(node, index) },
                    if counts { self.cache(node, index) } else { 0..0 },
                    head(&self.layout.scratch, node.plan.scratch),
                ],
            );
            node.kernel.forward(Forward {
                input_shape: node.reads,
                output_shape: node.output,
                samples: self.samples,
                batch: self.batch,
                mode,
                activation: self.activation(node, index),
                parameters: Parameters::new(self.parameters, &node.parameters),
                prepared: part(self.prepared, &node.prepared),
                state: part(self.state, &node.state),
                input: outside_input.unwrap_or(input),
                side,
                output: outside_output.unwrap_or(output),
                cache,
                scratch,
                random: self.random.of(index),
                epoch: self.epoch,
                statistics: part(self.forward_statistics, &node.forward_statistics),
                penalties: reports.penalties.get_mut(node.penalties.clone()).filter(|_| counts).unwrap_or(&mut []),
                figures: reports.figures.get_mut(node.figures.clone()).filter(|_| counts).unwrap_or(&mut []),
            });
        }
    }

    /// Runs the layers in `nodes` backward, from the last; `needed` is the first layer whose gradients are needed.
    /// The memory already holds the gradient with respect to the last one's output.
    pub fn backward(&self, nodes: Range<usize>, needed: usize, memory: &mut [T]) {
        for index in nodes.rev().take_while(|index| *index >= needed) {
            let Some(node) = self.structure.nodes.get(index).filter(|node| !node.is_skipped()) else { continue };
            let source = self.structure.source(index);
            let input_gradient = match source {
                Some(source) if source < needed => 0..0,
                Some(source) => at(&self.layout.output_gradients, source),
                None => self.layout.input_gradient.clone(),
            };
            let input_gradient = self.head(&input_gradient, node.reads.elements());
            let wanted = !input_gradient.is_empty();
            let [input, side, output, cache, scratch, output_gradient, input_gradient, gradients] = self.slices(
                memory,
                [
                    self.input(node, source),
                    self.side(node),
                    self.kept_output(node, index),
                    self.cache(node, index),
                    head(&self.layout.scratch, node.plan.scratch),
                    self.output_gradient(node, index),
                    input_gradient,
                    self.layout.gradients.clone(),
                ],
            );
            node.kernel.backward(Backward {
                input_shape: node.reads,
                output_shape: node.output,
                samples: self.samples,
                batch: self.batch,
                mode: self.mode_of(node),
                activation: self.activation(node, index),
                parameters: Parameters::new(self.parameters, &node.parameters),
                prepared: part(self.prepared, &node.prepared),
                prepared_backward: part(self.prepared_backward, &node.prepared_backward),
                state: part(self.state, &node.state),
                input,
                side,
                output,
                cache,
                scratch,
                random: self.random.of(index),
                epoch: self.epoch,
                forward_statistics: part(self.forward_statistics, &node.forward_statistics),
                statistics: part(self.backward_statistics, &node.backward_statistics),
                output_gradient,
                input_gradient: wanted.then_some(input_gradient),
                gradients: Gradients::new(gradients, &node.lane_gradients),
            });
        }
    }

    /// Adds this part's statistics for the forward pass of layer `index`.
    pub fn forward_sums(&self, index: usize, memory: &mut [T], sums: &mut [f64]) {
        let Some(node) = self.structure.nodes.get(index) else { return };
        let [input] = self.slices(memory, [self.input(node, self.structure.source(index))]);
        node.kernel.forward_statistics(ForwardStatistics {
            input_shape: node.reads,
            samples: self.samples,
            batch: self.batch,
            parameters: Parameters::new(self.parameters, &node.parameters),
            input,
            sums: sums.get_mut(node.forward_statistics.clone()).unwrap_or(&mut []),
        });
    }

    /// Adds this part's statistics for the backward pass of layer `index`.
    pub fn backward_sums(&self, index: usize, memory: &mut [T], sums: &mut [f64]) {
        let Some(node) = self.structure.nodes.get(index) else { return };
        let [input, output, cache, output_gradient] = self.slices(
            memory,
            [
                self.input(node, self.structure.source(index)),
                self.kept_output(node, index),
                self.cache(node, index),
                self.output_gradient(node, index),
            ],
        );
        node.kernel.backward_statistics(BackwardStatistics {
            input_shape: node.reads,
            samples: self.samples,
            batch: self.batch,
            parameters: Parameters::new(self.parameters, &node.parameters),
            input,
            output,
            cache,
            output_gradient,
            forward_statistics: part(self.forward_statistics, &node.forward_statistics),
            sums: sums.get_mut(node.backward_statistics.clone()).unwrap_or(&mut []),
        });
    }

    /// The part's samples, of `elements` each, in a range sized for the largest part.
    pub fn head(&self, range: &Range<usize>, elements: usize) -> Range<usize> {
        head(range, self.samples * elements)
    }

    /// Disjoint slices of a lane's memory. The layout makes them disjoint; otherwise all would be empty.
    pub fn slices<'m, const N: usize>(&self, memory: &'m mut [T], ranges: [Range<usize>; N]) -> [&'m mut [T]; N] {
        memory.get_disjoint_mut(ranges).unwrap_or_else(|_| std::array::from_fn(|_| &mut [] as &mut [T]))
    }

    /// Validation runs layers in inference mode, except those whose penalties are terms of a likelihood. Training runs resting layers in inference mode.
    fn mode_of(&self, node: &Node<T>) -> Mode {
        match self.mode {
            Mode::Validation if !node.plan.sums_per_sample => Mode::Inference,
            Mode::Training if node.rests(self.frozen) => Mode::Inference,
            mode => mode,
        }
    }

    fn activation(&self, node: &Node<T>, index: usize) -> Activation {
        if self.linked && self.structure.last_active() == Some(index) {
            Activation::Linear
        } else {
            node.kernel.activation()
        }
    }

    fn input(&self, node: &Node<T>, source: Option<usize>) -> Range<usize> {
        let range = source.map_or(self.layout.input.clone(), |source| at(&self.layout.outputs, source));
        self.head(&range, node.reads.elements())
    }

    fn side(&self, node: &Node<T>) -> Range<usize> {
        self.head(&self.layout.side, node.plan.side_input)
    }

    fn output(&self, node: &Node<T>, index: usize) -> Range<usize> {
        self.head(&at(&self.layout.outputs, index), node.output.elements())
    }

    /// A layer's output in the backward pass; empty if the loss's gradient has overwritten it.
    fn kept_output(&self, node: &Node<T>, index: usize) -> Range<usize> {
        match at(&self.layout.outputs, index) == at(&self.layout.output_gradients, index) {
            true => 0..0,
            false => self.output(node, index),
        }
    }

    fn cache(&self, node: &Node<T>, index: usize) -> Range<usize> {
        self.head(&at(&self.layout.caches, index), node.plan.cache_per_sample)
    }

    fn output_gradient(&self, node: &Node<T>, index: usize) -> Range<usize> {
        self.head(&at(&self.layout.output_gradients, index), node.output.elements())
    }
}

fn part<'a, E>(all: &'a [E], range: &Range<usize>) -> &'a [E] {
    all.get(range.clone()).unwrap_or(&[])
}
