//! What is known of layers and losses: their kinds.

use crate::Scalar;
use crate::graph::{Network, Node};
use crate::layer::{Activation, Layer};
use crate::loss::Loss;

/// What a layer does to the range of its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Sums of inputs, then an activation.
    Weighted,
    /// An activation alone.
    Activation,
    /// The outputs are inputs, means of them, or 0.
    Keeps,
    /// Any outputs, whatever the inputs.
    Normalises,
    /// A layer of the user, or one that joins several values.
    Unknown,
}

fn kind<T: Scalar>(layer: &dyn Layer<T>) -> Kind {
    match layer.kind() {
        "dense" | "conv2d" | "conv2d_transpose" => Kind::Weighted,
        "activation" => Kind::Activation,
        "avg_pool" | "crop" | "dropout" | "flatten" | "gaussian_noise" | "l1_activity" | "max_pool" | "pad"
        | "reshape" | "target_rate" | "top_k" | "up_sample" => Kind::Keeps,
        "batch_norm" | "gaussian_latent" => Kind::Normalises,
        _ => Kind::Unknown,
    }
}

/// Whether the layer is one of the crate's that reads a single value.
pub(super) fn knows<T: Scalar>(node: &Node<T>) -> bool {
    kind(node.layer.as_ref()) != Kind::Unknown
}

/// Whether the loss is one of the crate's.
pub(super) fn knows_loss<T: Scalar>(loss: &dyn Loss<T>) -> bool {
    matches!(loss.kind(), "bce" | "categorical_cross_entropy" | "gaussian_nll" | "huber" | "mae" | "mse")
}

/// The activation that limits the outputs, `Linear` if none does; `None` if a user's layer does
/// something to them.
pub(super) fn last_activation<T: Scalar>(network: &Network<T>) -> Option<Activation> {
    for node in network.definition().nodes.iter().rev() {
        let activation = node.plan.activation.unwrap_or_default();
        match kind(node.layer.as_ref()) {
            Kind::Keeps => {}
            Kind::Activation if activation == Activation::Linear => {}
            Kind::Weighted | Kind::Activation => return Some(activation),
            Kind::Normalises => return Some(Activation::Linear),
            Kind::Unknown => return None,
        }
    }
    None
}

/// Whether the first layer that does anything to the inputs takes them as they are: no user's
/// layer, and no normalisation.
pub(super) fn weighs_inputs<T: Scalar>(network: &Network<T>) -> bool {
    let mut kinds = network.definition().nodes.iter().map(|node| kind(node.layer.as_ref()));
    matches!(kinds.find(|kind| *kind != Kind::Keeps), Some(Kind::Weighted | Kind::Activation))
}
