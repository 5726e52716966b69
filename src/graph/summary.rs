//! [`Summary`]: a table of a model's layers.

use std::fmt;

use super::{Layout, LayoutOptions, Network, Node};
use crate::{Activation, Scalar};

/// A table of a model's layers: name and kind, output shape, parameters. Implements `Display`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    rows: Vec<[String; 3]>,
    total: usize,
    frozen: usize,
    /// Bytes of working memory for a sample, in inference and in training; `None` if they pass all
    /// bounds.
    memory: Option<[usize; 2]>,
}

impl<T: Scalar> Network<T> {
    /// The layers, their output shapes and their parameters, as a table.
    #[inline(never)] // see `compiled.rs`
    pub fn summary(&self) -> Summary {
        let mut rows = vec![["input".to_owned(), self.input_shape().to_string(), String::new()]];
        let mut seen = vec![false; self.definition().table.len()];
        for node in &self.definition().nodes {
            let mut count = 0;
            for (entry, range) in node.entries.iter().zip(&node.parameters) {
                if let Some(seen) = seen.get_mut(*entry).filter(|seen| !**seen) {
                    *seen = true; // a shared parameter counts where it occurs first
                    count += range.len();
                }
            }
            let activation = match node.plan.activation {
                None | Some(Activation::Linear) => String::new(),
                Some(activation) => format!(", {}", activation.name()),
            };
            let name = format!("{} ({}{activation}{})", node.name, node.layer.kind(), self.joined_by(node));
            rows.push([name, node.output.to_string(), count.to_string()]);
        }
        let frozen = self.parameters().filter(|parameter| parameter.frozen).map(|p| p.values.len()).sum();
        Summary { rows, total: self.parameter_count(), frozen, memory: self.memory_of_a_sample() }
    }

    /// `, with encoder.0, encoder.1` for a node that joins them.
    fn joined_by(&self, node: &Node<T>) -> String {
        let names: Vec<&str> = node.inputs.iter().skip(1).map(|source| self.definition().name_of(*source)).collect();
        if names.is_empty() { String::new() } else { format!(", with {}", names.join(", ")) }
    }

    /// The bytes that a sample takes in a workspace and on a tape, besides those that all samples
    /// share.
    fn memory_of_a_sample(&self) -> Option<[usize; 2]> {
        let bytes = |options| {
            let [one, two] = [64, 128].map(|samples| Layout::new(self.program(), samples, options).map(|l| l.total));
            Some((two.ok()? - one.ok()?).div_ceil(64) * size_of::<T>())
        };
        Some([bytes(LayoutOptions::default())?, bytes(LayoutOptions::training())?])
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headings = ["layer", "output", "parameters"].map(str::to_owned);
        let widths: [usize; 3] = std::array::from_fn(|column| {
            let cells = self.rows.iter().chain([&headings]).filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        });
        let [first, second, third] = widths;
        let mut line = |[layer, output, parameters]: &[String; 3]| {
            writeln!(formatter, "{layer:<first$}  {output:<second$}  {parameters:>third$}")
        };
        line(&headings)?;
        line(&[first, second, third].map(|width| "-".repeat(width)))?;
        self.rows.iter().try_for_each(line)?;
        write!(formatter, "{} parameters", self.total)?;
        if self.frozen > 0 {
            write!(formatter, ", {} of them frozen", self.frozen)?;
        }
        match self.memory {
            None => Ok(()),
            Some([inference, training]) => write!(
                formatter,
                "\nworking memory for each sample of a batch: {} in inference, {} in training",
                kilobytes(inference),
                kilobytes(training)
            ),
        }
    }
}

/// A number of bytes, in kilobytes.
fn kilobytes(bytes: usize) -> String {
    format!("{:.1} KB", bytes as f64 / 1000.0)
}
