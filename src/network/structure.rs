//! [`Structure`]: the layers of a network with their shapes, and where each finds its numbers.

use std::ops::Range;
use std::sync::Arc;

use super::{BuildError, BuildErrorKind, WeightPenalty};
use crate::layer::{Activation, Layer, Plan};
use crate::shape::checked_sum;
use crate::{Scalar, Shape, ShapeError};

/// The layers of a network with their shapes, and where each finds its numbers. Never changes once built; shared by clones and workspaces.
#[derive(Debug)]
pub(crate) struct Structure<T: Scalar> {
    pub input: Shape,
    pub nodes: Vec<Node<T>>,
    /// The parameters, in the order of their numbers.
    pub table: Vec<Entry>,
    /// The state tensors, in the order of their numbers.
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
    /// What the last layer's output is called, where it is another shape of as many elements.
    pub output_shape: Option<Shape>,
}

/// What becomes of a parameter that is shared with one that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sharing {
    /// It is an error.
    Strict,
    /// It is the layer's own: a half of a model with tied weights.
    Detached,
    /// It is the layer's own in the first so many layers, a half that is extended; after them it is an error.
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

/// A layer in its place.
#[derive(Debug)]
pub(crate) struct Node<T> {
    /// Its place among the nodes.
    pub index: usize,
    pub name: String,
    /// The layer as it was given.
    pub layer: Arc<dyn Layer<T>>,
    /// What computes it: the layer itself, or one that does the work of the layer before it, too.
    pub kernel: Arc<dyn Layer<T>>,
    /// The plan of `kernel`.
    pub plan: Plan,
    pub input: Shape,
    /// The shape that `kernel` reads: the input's, or that of the layer before.
    pub reads: Shape,
    /// The next layer does this one's work.
    pub absorbed: bool,
    pub output: Shape,
    /// For each parameter of the plan: its entry in the table.
    pub entries: Vec<usize>,
    /// For each parameter of the plan: its place in the parameter vector.
    pub parameters: Vec<Range<usize>>,
    /// For each parameter of the plan: its place in a lane's gradients, empty for those computed over the whole batch.
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
    /// Its place in a lane's gradients, where some layer computes it there.
    pub lane: Option<Range<usize>>,
    /// The first layer that computes a gradient of it over the whole batch.
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

    /// The last node that does something to its input.
    pub fn last_active(&self) -> Option<usize> {
        self.source(self.nodes.len())
    }

    /// Whether nobody needs predictions once the loss has seen them, which takes over the activation `link` if they end in it.
    pub fn forgets_predictions(&self, link: Option<Activation>) -> bool {
        let last = self.last_active().and_then(|last| self.nodes.get(last));
        last.is_some_and(|last| last.plan.forgets_output && Some(last.kernel.activation()) == link)
    }

    fn last_output(&self) -> Shape {
        self.nodes.last().map_or(self.input, |node| node.output)
    }

    /// Elements of the largest output of a layer.
    pub fn largest_output(&self) -> usize {
        self.nodes.iter().map(|node| node.output.elements()).max().unwrap_or(0)
    }

    pub fn parameter_count(&self) -> usize {
        self.table.last().map_or(0, |entry| entry.range.end)
    }

    pub fn state_count(&self) -> usize {
        self.states.last().map_or(0, |entry| entry.range.end)
    }

    /// The node whose output node `index` reads, past those that only rename a shape; `None` for the network's input.
    pub fn source(&self, index: usize) -> Option<usize> {
        (0..index).rev().find(|earlier| self.nodes.get(*earlier).is_some_and(|node| !node.is_skipped()))
    }

    /// Whether a pass over layers `nodes` computes layer `index`.
    pub fn runs(&self, index: usize, nodes: &Range<usize>) -> bool {
        let absorbs = nodes.contains(&(index + 1));
        self.nodes.get(index).is_some_and(|node| !(node.plan.passes_through || node.absorbed && absorbs))
    }

    /// Of `all` penalties (their names, or their values), those that are counted over validation data as well.
    pub fn validated_penalties<E: Clone>(&self, all: &[E]) -> Vec<E> {
        self.validated(all, |node| node.penalties.clone())
    }

    /// The same of figures.
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

    /// Whether a penalty has yet to come to its whole weight when epoch `epoch` ends.
    pub fn warms_up(&self, epoch: usize) -> bool {
        self.nodes.iter().any(|node| node.layer.warms_up(epoch as f64))
    }

    /// Multiplications of one forward pass over one sample, roughly.
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

    /// What computes `layer`, called `name`, together with the layer before it, and the shape that it reads. Layers of two halves are never
    /// computed together, since each half is run by itself.
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
    /// Whether a pass goes by this layer: the next one finds its input where this one would.
    pub fn is_skipped(&self) -> bool {
        self.plan.passes_through || self.absorbed
    }

    /// Whether a gradient of this layer is computed over the whole batch.
    pub fn whole_batch(&self) -> bool {
        self.plan.parameters.iter().any(|parameter| parameter.whole_batch)
    }

    /// Whether the layer keeps its state while others train: all its parameters are `frozen`. It is then in inference mode, as in Keras.
    pub fn rests(&self, frozen: &[bool]) -> bool {
        let mut entries = self.entries.iter().map(|entry| frozen.get(*entry) == Some(&true));
        !self.state.is_empty() && !self.entries.is_empty() && entries.all(|frozen| frozen)
    }

    /// Whether the whole batch has to arrive at this layer before it can go on, forward or backward.
    pub fn waits(&self) -> bool {
        self.plan.forward_statistics + self.plan.backward_statistics > 0
    }
}

/// Which half of a model a layer belongs to: `encoder` for `encoder.0`. The names are all that a file of an autoencoder's network, or of an extended encoder,
/// tells of halves; were layers computed together that were not before it was saved, the loaded model would give other bits.
fn half_of(layer: &str) -> Option<&str> {
    layer.split_once('.').map(|(half, _)| half)
}

/// The next `count` places after `end`, which moves on.
fn extend(end: &mut usize, what: &'static str, count: usize) -> Result<Range<usize>, ShapeError> {
    let start = *end;
    *end = checked_sum(what, &[start, count])?;
    Ok(start..*end)
}
