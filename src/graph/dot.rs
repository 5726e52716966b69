//! A network as a picture, in the language of Graphviz.

use super::{INPUT, Network, Node};
use crate::{Activation, Scalar};

impl<T: Scalar> Network<T> {
    /// The layers as a graph in the language of [Graphviz](https://graphviz.org): a box for each
    /// with its name, kind and output shape, and an arrow from each value to the layers that read
    /// it. `dot -Tsvg model.dot` draws it.
    ///
    /// ```
    /// use autoencoder::{Add, Dense, Network, Shape};
    ///
    /// let builder = Network::<f32>::builder(Shape::flat(4));
    /// let network = builder.layer(Dense::new(4)).layer(Add::with("input")).build()?;
    /// assert!(network.to_dot().contains(r#""input" -> "layers.1";"#));
    /// # Ok::<(), autoencoder::Error>(())
    /// ```
    pub fn to_dot(&self) -> String {
        let mut dot = String::from("digraph model {\n  node [shape=box];\n");
        draw(&mut dot, INPUT, &[&self.input_shape().to_string()]);
        for node in &self.definition().nodes {
            draw(&mut dot, &node.name, &[&what(node), &node.output.to_string()]);
            for source in &node.inputs {
                arrow(&mut dot, self.definition().name_of(*source), &node.name);
            }
        }
        dot.push_str("}\n");
        dot
    }
}

/// The box of a value, with `lines` below its name.
fn draw(dot: &mut String, name: &str, lines: &[&str]) {
    let name = quotable(name);
    let label = lines.iter().fold(name.clone(), |label, line| label + "\\n" + &quotable(line));
    dot.push_str(&format!("  \"{name}\" [label=\"{label}\"];\n"));
}

fn arrow(dot: &mut String, from: &str, to: &str) {
    dot.push_str(&format!("  \"{}\" -> \"{}\";\n", quotable(from), quotable(to)));
}

fn what<T: Scalar>(node: &Node<T>) -> String {
    match node.plan.activation.filter(|activation| *activation != Activation::Linear) {
        Some(activation) => format!("{}, {}", node.layer.kind(), activation.name()),
        None => node.layer.kind().to_owned(),
    }
}

/// A text within quotes.
fn quotable(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
