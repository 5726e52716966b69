//! Whether anything keeps a model from copying its input.

use super::kinds;
use crate::Scalar;
use crate::graph::{Network, Node};
use crate::shape::Shape;
use crate::train::Warning;

/// A model that reproduces its input and has no layer narrower than it. A narrower layer need not
/// be the code, and an image with fewer pixels counts as narrower, however many channels it has.
/// Noise, sparsity, a prior and penalties on weights keep a model from copying, too; what a user's
/// own layer does is not known.
pub(super) fn none<T: Scalar>(network: &Network<T>) -> Option<Warning> {
    let (nodes, input) = (&network.definition().nodes, network.input_shape());
    let last = nodes.iter().rposition(|node| !node.plan.parameters.is_empty())?;
    let inner = nodes.get(..last)?;
    let narrowest = inner.iter().min_by_key(|node| node.output.elements())?;
    let (width, inputs) = (narrowest.output.elements(), input.elements());
    let narrows = width < inputs || inner.iter().any(|node| has_fewer_places(node.output, input));
    let trains = inner.iter().any(|node| !node.plan.parameters.is_empty());
    if narrows || !trains || !nodes.iter().all(kinds::knows) || nodes.iter().any(constrains) {
        return None;
    }
    Some(Warning::NoBottleneck { layer: narrowest.name.clone(), width, inputs })
}

/// Whether an image or a sequence has fewer pixels or steps than the input.
fn has_fewer_places(shape: Shape, input: Shape) -> bool {
    let places = |shape: Shape| shape.elements() / shape.channels().max(1);
    shape.dimensions().len() == input.dimensions().len() && places(shape) < places(input)
}

/// Whether the layer keeps a model without a bottleneck from copying.
fn constrains<T: Scalar>(node: &Node<T>) -> bool {
    let positive = |name: &str| node.layer.config().number(name).is_ok_and(|number| number > 0.0);
    let penalised = node.plan.parameters.iter().any(|parameter| parameter.regularizer.is_some());
    penalised
        || match node.layer.kind() {
            "top_k" | "gaussian_latent" => true,
            "l1_activity" | "target_rate" => positive("weight"),
            "dropout" => positive("rate"),
            "gaussian_noise" => positive("deviation"),
            _ => false,
        }
}
