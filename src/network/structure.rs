//! [`Structure`]: the layers of a network with their shapes and the ranges of their numbers.

use std::ops::Range;
use std::sync::Arc;

use super::{BuildError, BuildErrorKind, WeightPenalty};
use crate::layer::{Activation, Layer, Plan};
use crate::shape::checked_sum;
use crate::{Scalar, Shape, ShapeError};

/// The layers of a network with their shapes and the ranges of their numbers. Immutable once built; shared by clones, workspaces and tapes.
#[derive(Debug)]
pub(crate) struct Structure<T: Scalar> {
    pub input: Shape,
    pub nodes: Vec<Node<T>>,
    /// The parameters, in the order of the flat vector.
    pub table: Vec<Entry>,
    /// The state tensors, in the order of the flat vector.
    pub states: Vec<Entry>,
    pub prepared: usize,
    pub prepared_backward: usize,
    pub lane_gradients: usize,
    pub forward_statistics: usize,
    pub backward_statistics: usize,
    pub penalties: Vec<String>,
    pub weight_penalties: Vec<WeightPenalty>,
    pub figures: Vec<String>,
    pub side_input: usize,
    /// The network's output shape, if it differs from the last layer's (with as many elements).
    pub output_shape: Option<Shape>,
}

/// How to treat a parameter shared with one that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// It is an error.
    Strict,
    /// It becomes the layer's own: for half of a model with tied weights.
    Detached,
    /// It becomes the layer's own in the first so many layers, those of an extended half; in later ones it is an error.
    DetachedUpTo(usize),
}

impl Sharing {
    /// Whether it is an error in layer `index`.
    fn is_strict(self, index: usize) -> bool {
        match self {
            Self::Strict => true,
            Self::Detached => false,
            Self::DetachedUpTo(layers) => index >= layers,
        }
    }
}

/// A layer of the network.
#[derive(Debug)]
pub(crate) struct Node<T> {
    /// Its index among the nodes.
    pub index: usize,
    pub name: String,
    /// The layer as added by the user.
    pub layer: Arc<dyn Layer<T>>,
    /// The layer that computes it: the layer itself, or one fused with the layer before it.
    pub kernel: Arc<dyn Layer<T>>,
    /// The plan of `kernel`.
    pub plan: Plan,
    pub input: Shape,
    /// The shape that `kernel` reads: `input`, or if fused, the input shape of the layer before.
    pub reads: Shape,
    /// The next layer is fused with this one and computes it.
    pub absorbed: bool,
    pub output: Shape,
    /// For each parameter of the plan: its entry in the table.
    pub entries: Vec<usize>,
    /// For each parameter of the plan: its range in the parameter vector.
    pub parameters: Vec<Range<usize>>,
    /// For each parameter of the plan: its range in a lane's gradients, empty for whole-batch gradients.
    pub lane_gradients: Vec<Range<usize>>,
    pub prepared: Range<usize>,
    pub prepared_backward: Range<usize>,
    pub state: Range<usize>,
    pub forward_statistics: Range<usize>,
    pub backward_statistics: Range<usize>,
    pub penalties: Range<usize>,
    pub figures: Range<usize>,
}

/// A named tensor in a flat vector.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub name: String,
    pub shape: Vec<usize>,
    pub range: Range<usize>,
    /// Its range in a lane's gradients, if a layer computes it there.
    pub lane: Option<Range<usize>>,
    /// The first layer that computes its gradient over the whole batch.
    pub whole_batch: Option<usize>,
}

impl<T: Scalar> Structure<T> {
    pub fn new(input: Shape, layers: Vec<(String, Arc<dyn Layer<T>>)>, sharing: Sharing) -> Result<Self, BuildError> {
        let input = input.checked().map_err(|error| BuildError::new("model", "input", error))?;
        let mut structure = Self {
            input,
            nodes: Vec::with_capacity(layers.len()),
            table: Vec::new(),
            states: Vec::new(),
            prepared: 0,
            prepared_backward: 0,
            lane_gradients: 0,
            forward_statistics: 0,
            backward_statistics: 0,
            penalties: Vec::new(),
            weight_penalties: Vec::new(),
            figures: Vec::new(),
            side_input: 0,
            output_shape: None,
        };
        for (name, layer) in layers {
            let kind = layer.kind();
            structure.add(name.clone(), layer, sharing).map_err(|error| BuildError::new(&name, kind, error))?;
        }
        match structure.nodes.is_empty() {
            true => Err(BuildError::new("model", "network", BuildErrorKind::NoLayers)),
            false => Ok(structure),
        }
    }

    pub fn output(&self) -> Shape {
        self.output_shape.unwrap_or(self.last_output())
    }

    /// The last node that computes anything.
    pub fn last_active(&self) -> Option<usize> {
        self.source(self.nodes.len())
    }

    /// Whether predictions are not needed after the loss, which applies the activation `link` if the network ends in it.
    pub fn forgets_predictions(&self, link: Option<Activation>) -> bool {
        let last = self.last_active().and_then(|last| self.nodes.get(last));
        last.is_some_and(|last| last.plan.forgets_output && Some(last.kernel.activation()) == link)
    }

    fn last_output(&self) -> Shape {
        self.nodes.last().map_or(self.input, |node| node.output)
    }

    /// The number of elements of the largest layer output.
    pub fn largest_output(&self) -> usize {
        self.nodes.iter().map(|node| node.output.elements()).max().unwrap_or(0)
    }

    pub fn parameter_count(&self) -> usize {
        self.table.last().map_or(0, |entry| entry.range.end)
    }

    pub fn state_count(&self) -> usize {
        self.states.last().map_or(0, |entry| entry.range.end)
    }

    /// The node whose output node `index` reads, not counting skipped ones; `None` for the network's input.
    pub fn source(&self, index: usize) -> Option<usize> {
        (0..index).rev().find(|earlier| self.nodes.get(*earlier).is_some_and(|node| !node.is_skipped()))
    }

    /// Whether a pass over layers `nodes` computes layer `index`.
    pub fn runs(&self, index: usize, nodes: &Range<usize>) -> bool {
        let absorbs = nodes.contains(&(index + 1));
        self.nodes.get(index).is_some_and(|node| !(node.plan.passes_through || node.absorbed && absorbs))
    }

    /// Of `all` penalties (their names or values), those that are also reported over validation data.
    pub fn validated_penalties<E: Clone>(&self, all: &[E]) -> Vec<E> {
        self.validated(all, |node| node.penalties.clone())
    }

    /// The same for figures.
    pub fn validated_figures<E: Clone>(&self, all: &[E]) -> Vec<E> {
        self.validated(all, |node| node.figures.clone())
    }

    /// The names of both.
    pub fn validated_names(&self) -> (Vec<String>, Vec<String>) {
        (self.validated_penalties(&self.penalties), self.validated_figures(&self.figures))
    }

    fn validated<E: Clone>(&self, all: &[E], places: impl Fn(&Node<T>) -> Range<usize>) -> Vec<E> {
        let nodes = self.nodes.iter().filter(|node| node.plan.sums_per_sample);
        nodes.filter_map(|node| all.get(places(node))).flatten().cloned().collect()
    }

    /// Whether a penalty has not reached its full weight when epoch `epoch` ends.
    pub fn warms_up(&self, epoch: usize) -> bool {
        self.nodes.iter().any(|node| node.layer.warms_up(epoch as f64))
    }

    /// Roughly the multiplications of a forward pass over one sample.
    pub fn work_per_sample(&self) -> usize {
        self.nodes
            .iter()
            .fold(0, |sum, node| sum.saturating_add(node.plan.work_per_sample).saturating_add(node.output.elements()))
    }

    fn add(&mut self, name: String, layer: Arc<dyn Layer<T>>, sharing: Sharing) -> Result<(), BuildErrorKind> {
        let input = self.last_output();
        let fused = self.fused(&name, &layer);
        let absorbs = fused.is_some();
        let (kernel, reads) = fused.unwrap_or((Arc::clone(&layer), input));
        let plan = kernel.plan(reads)?;
        let output = plan.output.checked()?;
        if plan.passes_through && output.elements() != input.elements() {
            return Err(ShapeError::Reshape { from: input, to: output }.into());
        }
        self.agree_on_side_input(plan.side_input)?;
        let mut node = Node {
            index: self.nodes.len(),
            input,
            reads,
            absorbed: false,
            output,
            entries: Vec::new(),
            parameters: Vec::new(),
            lane_gradients: Vec::new(),
            prepared: extend(&mut self.prepared, "prepared weights", plan.prepared)?,
            prepared_backward: extend(&mut self.prepared_backward, "prepared weights", plan.prepared_backward)?,
            state: self.add_states(&name, &plan)?,
            forward_statistics: extend(&mut self.forward_statistics, "statistics", plan.forward_statistics)?,
            backward_statistics: extend(&mut self.backward_statistics, "statistics", plan.backward_statistics)?,
            penalties: self.penalties.len()..self.penalties.len() + plan.penalties.len(),
            figures: self.figures.len()..self.figures.len() + plan.figures.len(),
            name,
            layer,
            kernel,
            plan,
        };
        self.penalties.extend(node.plan.penalties.iter().map(|penalty| format!("{}.{penalty}", node.name)));
        self.figures.extend(node.plan.figures.iter().map(|figure| format!("{}.{figure}", node.name)));
        self.add_parameters(&mut node, sharing)?;
        if let Some(previous) = self.nodes.last_mut() {
            previous.absorbed = absorbs;
        }
        self.nodes.push(node);
        Ok(())
    }

    /// The fused layer that computes `layer`, named `name`, together with the layer before it, and the shape that it reads. Layers of different halves are
    /// never fused, since each half can run alone.
    fn fused(&self, name: &str, layer: &Arc<dyn Layer<T>>) -> Option<(Arc<dyn Layer<T>>, Shape)> {
        let previous = self.nodes.last().filter(|previous| half_of(&previous.name) == half_of(name))?;
        let kernel = layer.behind_repetition(previous.input, previous.plan.repeats?)?;
        Some((kernel, previous.input))
    }

    fn agree_on_side_input(&mut self, features: usize) -> Result<(), BuildErrorKind> {
        if features == 0 || features == self.side_input {
            return Ok(());
        }
        if self.side_input != 0 {
            return Err(BuildErrorKind::SideInput { expected: self.side_input, found: features });
        }
        self.side_input = features;
        Ok(())
    }

    fn add_states(&mut self, layer: &str, plan: &Plan) -> Result<Range<usize>, ShapeError> {
        let start = self.state_count();
        for state in &plan.state {
            let mut end = self.state_count();
            let range = extend(&mut end, "state", state.elements)?;
            let name = format!("{layer}.{}", state.name);
            self.states.push(Entry { name, shape: vec![state.elements], range, lane: None, whole_batch: None });
        }
        Ok(start..self.state_count())
    }

    fn add_parameters(&mut self, node: &mut Node<T>, sharing: Sharing) -> Result<(), BuildErrorKind> {
        for spec in &node.plan.parameters {
            let shared = spec.shared_with.as_ref().map(|shared| self.find_shared(shared, &spec.shape));
            let index = match shared {
                Some(Ok(index)) => index,
                Some(Err(error)) if sharing.is_strict(self.nodes.len()) => return Err(error),
                _ => {
                    let mut end = self.parameter_count();
                    let range = extend(&mut end, "parameters", spec.elements()?)?;
                    let name = format!("{}.{}", node.name, spec.name);
                    self.table.push(Entry { name, shape: spec.shape.clone(), range, lane: None, whole_batch: None });
                    self.table.len() - 1
                }
            };
            let Some(entry) = self.table.get_mut(index) else { continue };
            if spec.whole_batch && entry.whole_batch.is_none() {
                entry.whole_batch = Some(node.index);
            }
            if let Some(regularizer) = spec.regularizer {
                let (regularizer, penalty) = (regularizer.checked()?, self.penalties.len());
                self.weight_penalties.push(WeightPenalty { regularizer, entry: index, penalty });
                self.penalties.push(format!("{}.{}.{}", node.name, spec.name, regularizer.name()));
            }
            let in_lane = match (spec.whole_batch, spec.collected, &entry.lane) {
                (true, _, _) => 0..0,
                (false, Some(elements), _) => extend(&mut self.lane_gradients, "gradients", elements)?,
                (false, None, Some(lane)) => lane.clone(),
                (false, None, None) => {
                    let lane = extend(&mut self.lane_gradients, "gradients", entry.range.len())?;
                    entry.lane = Some(lane.clone());
                    lane
                }
            };
            node.entries.push(index);
            node.parameters.push(entry.range.clone());
            node.lane_gradients.push(in_lane);
        }
        Ok(())
    }

    fn find_shared(&self, name: &str, shape: &[usize]) -> Result<usize, BuildErrorKind> {
        let found = self.table.iter().position(|entry| entry.name == name);
        let index = found.ok_or_else(|| BuildErrorKind::NoSuchParameter { name: name.to_owned() })?;
        match self.table.get(index) {
            Some(entry) if entry.shape != shape => Err(BuildErrorKind::SharedShape {
                name: name.to_owned(),
                expected: entry.shape.clone(),
                found: shape.to_vec(),
            }),
            _ => Ok(index),
        }
    }
}

impl<T> Node<T> {
    /// Whether passes skip this layer: the next one reads this one's input.
    pub fn is_skipped(&self) -> bool {
        self.plan.passes_through || self.absorbed
    }

    /// Whether a gradient of this layer is computed over the whole batch.
    pub fn whole_batch(&self) -> bool {
        self.plan.parameters.iter().any(|parameter| parameter.whole_batch)
    }

    /// Whether the layer rests while others train: it has state, and all its parameters are `frozen`. As in Keras it then runs in inference mode.
    pub fn rests(&self, frozen: &[bool]) -> bool {
        let mut entries = self.entries.iter().map(|entry| frozen.get(*entry) == Some(&true));
        !self.state.is_empty() && !self.entries.is_empty() && entries.all(|frozen| frozen)
    }

    /// Whether this layer needs statistics of the whole batch, forward or backward.
    pub fn waits(&self) -> bool {
        self.plan.forward_statistics + self.plan.backward_statistics > 0
    }
}

/// Which half of a model a layer belongs to: `encoder` for `encoder.0`. A file of an autoencoder's network, or of an extended encoder, tells halves
/// only by these names; a loaded model must fuse the same layers as before to give the same bits.
fn half_of(layer: &str) -> Option<&str> {
    layer.split_once('.').map(|(half, _)| half)
}

/// The range of `count` positions from `end` on; advances `end`.
fn extend(end: &mut usize, what: &'static str, count: usize) -> Result<Range<usize>, ShapeError> {
    let start = *end;
    *end = checked_sum(what, &[start, count])?;
    Ok(start..*end)
}
