//! [`Definition`]: the layers of a network as the user wrote them, with their shapes and the ranges
//! of their parameters and state.

use std::ops::Range;
use std::sync::Arc;

use super::{BuildError, BuildErrorKind, WeightPenalty};
use crate::layer::{Latent, Layer, MAX_JOINED, ParameterSpec, Plan};
use crate::shape::checked_sum;
use crate::{Scalar, Shape, ShapeError, invariant, option};

/// The name of the network's input among what layers join.
pub(crate) const INPUT: &str = "input";

/// The layers of a network as the user wrote them: what is saved, mirrored and summarised.
#[derive(Debug)]
pub(crate) struct Definition<T: Scalar> {
    pub input: Shape,
    pub nodes: Vec<Node<T>>,
    /// The parameters, in the order of the flat vector.
    pub table: Vec<Entry>,
    /// The state tensors, in the order of the flat vector.
    pub states: Vec<Entry>,
    /// The names of all penalties: those of layers, and those on parameters.
    pub penalties: Vec<String>,
    pub weight_penalties: Vec<WeightPenalty>,
    pub diagnostics: Vec<String>,
    /// Features of a sample's side input; 0 if no layer reads one.
    pub side_input: usize,
    /// The network's output shape, if it differs from the last layer's (with as many elements).
    pub output_shape: Option<Shape>,
}

/// A layer of the network, and what it reads.
#[derive(Debug)]
pub(crate) struct Node<T> {
    pub name: String,
    pub layer: Arc<dyn Layer<T>>,
    /// What it reads: first its input, then what its layer joins, in the layer's order.
    pub inputs: Vec<NodeInput>,
    pub plan: Plan,
    pub input: Shape,
    /// The shapes of what it joins.
    pub joined: Vec<Shape>,
    pub output: Shape,
    /// For each parameter of the plan: its entry in the table.
    pub entries: Vec<usize>,
    /// For each parameter of the plan: its range in the parameter vector.
    pub parameters: Vec<Range<usize>>,
    pub state: Range<usize>,
    pub penalties: Range<usize>,
    pub diagnostics: Range<usize>,
}

/// What a node reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NodeInput {
    /// The network's input.
    Input,
    /// The output of a node.
    Node(usize),
}

/// A layer with its name and the names of what it joins, not yet placed in a network.
#[doc(hidden)]
#[derive(Debug, Clone)]
pub struct NamedLayer<T: Scalar> {
    pub(crate) name: String,
    pub(crate) layer: Arc<dyn Layer<T>>,
    pub(crate) joins: Vec<String>,
}

impl<T: Scalar> NamedLayer<T> {
    /// `layer`, which joins what it says itself.
    pub(crate) fn new(name: impl Into<String>, layer: Arc<dyn Layer<T>>) -> Self {
        Self { name: name.into(), joins: layer.joins().to_vec(), layer }
    }
}

/// A named tensor in a flat vector.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub name: String,
    pub shape: Vec<usize>,
    pub range: Range<usize>,
}

/// How to treat a parameter shared with one that does not exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TiedWeights {
    /// It is an error.
    Required,
    /// It becomes the layer's own: for half of a model with tied weights.
    Copied,
    /// It becomes the layer's own in the first so many layers, those of an extended half; in later
    /// ones it is an error.
    CopiedInFirst(usize),
}

impl TiedWeights {
    /// Whether it is an error in layer `index`.
    fn are_required(self, index: usize) -> bool {
        match self {
            Self::Required => true,
            Self::Copied => false,
            Self::CopiedInFirst(layers) => index >= layers,
        }
    }
}

impl<T: Scalar> Definition<T> {
    pub fn new(input: Shape, layers: Vec<NamedLayer<T>>, tied: TiedWeights) -> Result<Self, BuildError> {
        let input = input.checked().map_err(|error| BuildError::new("model", "input", error))?;
        let mut definition = Self {
            input,
            nodes: Vec::with_capacity(layers.len()),
            table: Vec::new(),
            states: Vec::new(),
            penalties: Vec::new(),
            weight_penalties: Vec::new(),
            diagnostics: Vec::new(),
            side_input: 0,
            output_shape: None,
        };
        for index in 0..layers.len() {
            let NamedLayer { name, layer, .. } = invariant::at(&layers, index, "layer");
            definition.add(&layers, index, tied).map_err(|error| BuildError::new(name, layer.kind(), error))?;
        }
        match definition.nodes.is_empty() {
            true => Err(BuildError::new("model", "network", BuildErrorKind::NoLayers)),
            false => Ok(definition),
        }
    }

    pub fn output(&self) -> Shape {
        self.output_shape.unwrap_or(self.last_output())
    }

    /// The name of the last node.
    pub fn last_name(&self) -> &str {
        self.nodes.last().map_or(INPUT, |node| &node.name)
    }

    fn last_output(&self) -> Shape {
        self.nodes.last().map_or(self.input, |node| node.output)
    }

    /// Node `index`.
    pub fn node(&self, index: usize) -> &Node<T> {
        invariant::at(&self.nodes, index, "node")
    }

    pub fn parameter_count(&self) -> usize {
        self.table.last().map_or(0, |entry| entry.range.end)
    }

    pub fn state_count(&self) -> usize {
        self.states.last().map_or(0, |entry| entry.range.end)
    }

    /// Of `all` penalties (their names or values), those that are also reported over validation
    /// data.
    pub fn validated_penalties<E: Clone>(&self, all: &[E]) -> Vec<E> {
        self.validated(all, |node| node.penalties.clone())
    }

    /// The same for diagnostics.
    pub fn validated_diagnostics<E: Clone>(&self, all: &[E]) -> Vec<E> {
        self.validated(all, |node| node.diagnostics.clone())
    }

    /// The names of both.
    pub fn validated_names(&self) -> (Vec<String>, Vec<String>) {
        (self.validated_penalties(&self.penalties), self.validated_diagnostics(&self.diagnostics))
    }

    fn validated<E: Clone>(&self, all: &[E], ranges: impl Fn(&Node<T>) -> Range<usize>) -> Vec<E> {
        let nodes = self.nodes.iter().filter(|node| node.plan.likelihood_terms);
        nodes.flat_map(|node| invariant::slice(all, &ranges(node), "reports", &node.name)).cloned().collect()
    }

    /// Whether a penalty has not reached its full weight when epoch `epoch` ends.
    pub fn is_annealing(&self, epoch: usize) -> bool {
        self.nodes.iter().any(|node| node.plan.annealing_epochs > epoch as f64)
    }

    /// The distribution of node `index`, if it draws its output from one.
    pub fn latent(&self, index: usize) -> Option<&dyn Latent<T>> {
        self.nodes.get(index)?.layer.latent()
    }

    /// Adds layer `index` of `layers`; those before it are the nodes so far.
    fn add(&mut self, layers: &[NamedLayer<T>], index: usize, tied: TiedWeights) -> Result<(), BuildErrorKind> {
        let NamedLayer { name, layer, joins } = invariant::at(layers, index, "layer").clone();
        let input = self.last_output();
        let mut sources = vec![index.checked_sub(1).map_or(NodeInput::Input, NodeInput::Node)];
        let collides =
            |earlier: &NamedLayer<T>| is_or_contains(&earlier.name, &name) || is_or_contains(&name, &earlier.name);
        if name == INPUT || layers.iter().take(index).any(collides) {
            return Err(BuildErrorKind::NameTaken);
        }
        if joins.len() > MAX_JOINED {
            return Err(BuildErrorKind::JoinsTooMany { joined: joins.len() });
        }
        for reference in joins {
            sources.push(self.find(&name, reference, layers)?);
        }
        let joined: Vec<Shape> = sources.iter().skip(1).map(|source| self.shape_of(*source)).collect();
        let plan = layer.plan(input, &joined)?;
        if plan.joined != joined.len() {
            return Err(BuildErrorKind::JoinsInVain { joined: joined.len(), taken: plan.joined });
        }
        let output = plan.output.checked()?;
        option::not_negative("annealing_epochs", plan.annealing_epochs).map_err(ShapeError::from)?;
        has_capabilities(layer.as_ref(), &plan)?;
        self.agree_on_side_input(plan.side_input)?;
        let state = self.add_states(&name, &plan)?;
        let penalties = self.penalties.len()..self.penalties.len() + plan.penalties.len();
        let diagnostics = self.diagnostics.len()..self.diagnostics.len() + plan.diagnostics.len();
        self.penalties.extend(plan.penalties.iter().map(|penalty| format!("{name}.{penalty}")));
        self.diagnostics.extend(plan.diagnostics.iter().map(|diagnostic| format!("{name}.{diagnostic}")));
        let mut entries = Vec::with_capacity(plan.parameters.len());
        for spec in &plan.parameters {
            entries.push(self.add_parameter(&name, spec, tied)?);
        }
        let parameters = entries.iter().map(|entry| self.entry(*entry).range.clone()).collect();
        self.nodes.push(Node {
            name,
            layer,
            inputs: sources,
            plan,
            input,
            joined,
            output,
            entries,
            parameters,
            state,
            penalties,
            diagnostics,
        });
        Ok(())
    }

    /// What `reference`, of the layer named `reader`, names: the network's input, or the output of
    /// one of the nodes so far. The name of a block is that of its last layer.
    fn find(&self, reader: &str, reference: String, layers: &[NamedLayer<T>]) -> Result<NodeInput, BuildErrorKind> {
        if reference == INPUT {
            return Ok(NodeInput::Input);
        }
        let last = layers.iter().rposition(|layer| is_or_contains(&reference, &layer.name));
        if let Some(node) = last.filter(|last| *last < self.nodes.len() && !is_or_contains(&reference, reader)) {
            return Ok(NodeInput::Node(node));
        }
        let later = last.is_some();
        let names = std::iter::once(INPUT).chain(self.nodes.iter().map(|node| node.name.as_str()));
        Err(BuildErrorKind::NoSuchValue { name: reference, later, available: names.map(str::to_owned).collect() })
    }

    /// The shape of what a node reads.
    pub fn shape_of(&self, source: NodeInput) -> Shape {
        match source {
            NodeInput::Input => self.input,
            NodeInput::Node(node) => self.node(node).output,
        }
    }

    /// The name by which a layer joins `source`.
    pub fn name_of(&self, source: NodeInput) -> &str {
        match source {
            NodeInput::Input => INPUT,
            NodeInput::Node(node) => &self.node(node).name,
        }
    }

    /// `node` as a layer to be placed in a network whose input is the value `entry`.
    pub fn named_layer(&self, node: &Node<T>, entry: NodeInput) -> NamedLayer<T> {
        let name = |source: &NodeInput| if *source == entry { INPUT } else { self.name_of(*source) };
        let joins = node.inputs.iter().skip(1).map(|source| name(source).to_owned()).collect();
        NamedLayer { name: node.name.clone(), layer: Arc::clone(&node.layer), joins }
    }

    /// How often the nodes read `source`.
    pub fn readers_of(&self, source: NodeInput) -> usize {
        self.nodes.iter().flat_map(|node| &node.inputs).filter(|read| **read == source).count()
    }

    /// The first node of `nodes` that reads something before their first node's input, and what.
    pub fn reads_outside(&self, nodes: &Range<usize>) -> Option<(&Node<T>, NodeInput)> {
        if nodes.start == 0 || nodes.is_empty() {
            return None;
        }
        let is_inside = |source: &NodeInput| matches!(source, NodeInput::Node(node) if node + 1 >= nodes.start);
        let nodes = invariant::slice(&self.nodes, nodes, "layers", "a network").iter();
        nodes
            .flat_map(|node| node.inputs.iter().map(move |source| (node, *source)))
            .find(|(_, source)| !is_inside(source))
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
            self.states.push(Entry { name: format!("{layer}.{}", state.name), shape: vec![state.elements], range });
        }
        Ok(start..self.state_count())
    }

    /// Adds a parameter of `layer`, or finds the earlier one that it is shared with; returns its
    /// entry.
    fn add_parameter(&mut self, layer: &str, spec: &ParameterSpec, tied: TiedWeights) -> Result<usize, BuildErrorKind> {
        let shared = spec.shared_with.as_ref().map(|shared| self.find_shared(shared, &spec.shape));
        let entry = match shared {
            Some(Ok(entry)) => entry,
            Some(Err(error)) if tied.are_required(self.nodes.len()) => return Err(error),
            _ => {
                let mut end = self.parameter_count();
                let range = extend(&mut end, "parameters", spec.elements()?)?;
                self.table.push(Entry { name: format!("{layer}.{}", spec.name), shape: spec.shape.clone(), range });
                self.table.len() - 1
            }
        };
        if let Some(regularizer) = spec.regularizer {
            let (regularizer, penalty) = (regularizer.checked()?, self.penalties.len());
            self.weight_penalties.push(WeightPenalty { regularizer, entry, penalty });
            self.penalties.push(format!("{layer}.{}.{}", spec.name, regularizer.name()));
        }
        Ok(entry)
    }

    /// The parameter with this entry in the table.
    pub fn entry(&self, entry: usize) -> &Entry {
        invariant::at(&self.table, entry, "parameter")
    }

    fn find_shared(&self, name: &str, shape: &[usize]) -> Result<usize, BuildErrorKind> {
        let found = self.table.iter().enumerate().find(|(_, entry)| entry.name == name);
        let (index, entry) = found.ok_or_else(|| BuildErrorKind::NoSuchParameter { name: name.to_owned() })?;
        if entry.shape != shape {
            let (expected, found) = (entry.shape.clone(), shape.to_vec());
            return Err(BuildErrorKind::SharedShape { name: name.to_owned(), expected, found });
        }
        Ok(index)
    }
}

/// An error if the plan asks for what the layer has no capability for.
fn has_capabilities<T: Scalar>(layer: &dyn Layer<T>, plan: &Plan) -> Result<(), BuildErrorKind> {
    let packs = plan.packed > 0 || plan.packed_backward > 0;
    let sums = plan.forward_statistics > 0 || plan.backward_statistics > 0;
    if packs && layer.packing().is_none() {
        return Err(BuildErrorKind::Capability { capability: "packing", asked: "packed weights" });
    }
    if sums && layer.batch_statistics().is_none() {
        return Err(BuildErrorKind::Capability { capability: "batch_statistics", asked: "sums over the batch" });
    }
    Ok(())
}

/// The range of `count` positions from `end` on; advances `end`.
pub(super) fn extend(end: &mut usize, what: &'static str, count: usize) -> Result<Range<usize>, ShapeError> {
    let start = *end;
    *end = checked_sum(what, &[start, count])?;
    Ok(start..*end)
}

/// Whether `name` is that of the layer named `layer`, or of a block that contains it.
pub(crate) fn is_or_contains(name: &str, layer: &str) -> bool {
    layer.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
