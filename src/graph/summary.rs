//! [`Summary`]: a table of a model's layers.

use std::fmt;

use super::Network;
use crate::{Activation, Scalar};

/// A table of a model's layers: name and kind, output shape, parameters. Implements `Display`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    rows: Vec<[String; 3]>,
    total: usize,
    frozen: usize,
}

impl<T: Scalar> Network<T> {
    /// The layers, their output shapes and their parameters, as a table.
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
            let name = format!("{} ({}{activation})", node.name, node.layer.kind());
            rows.push([name, node.output.to_string(), count.to_string()]);
        }
        let frozen = self.parameters().filter(|parameter| parameter.frozen).map(|p| p.values.len()).sum();
        Summary { rows, total: self.parameter_count(), frozen }
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
        match self.frozen {
            0 => Ok(()),
            frozen => write!(formatter, ", {frozen} of them frozen"),
        }
    }
}
