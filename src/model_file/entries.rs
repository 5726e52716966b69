//! [`Entries`]: what a file's table holds besides the model's tensors.

use super::ModelFileErrorKind;
use super::float::Float;
use super::json::spelled;
use crate::{Config, Shape, Value};

/// Prefix of the names of the tensors of a checkpoint's data; no layer has such a name.
pub(super) const PREFIX: &str = "training.";

/// The names of the tensors of the input's and the output's scaler.
pub(super) const SCALERS: [[&str; 2]; 2] =
    [["input_scaler.shift", "input_scaler.scale"], ["output_scaler.shift", "output_scaler.scale"]];

/// The entries of a file's table besides the model's tensors.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Entries {
    /// Before the model's parameters.
    pub front: Vec<Entry>,
    /// After its state.
    pub back: Vec<Entry>,
}

/// A tensor without its offsets.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub name: String,
    pub float: Float,
    pub shape: Shape,
}

impl Entries {
    /// Reads the entries from a header's table, including types and shapes, which nothing else
    /// determines.
    pub fn read(header: &Config) -> Result<Self, ModelFileErrorKind> {
        let mut entries = Self::default();
        let mut model_has_begun = false;
        for (name, value) in header.entries() {
            if name.starts_with(PREFIX) {
                let entry = Entry::read(name, value)?;
                if model_has_begun { entries.back.push(entry) } else { entries.front.push(entry) }
            } else {
                model_has_begun |= name != "__metadata__" && !SCALERS.as_flattened().contains(&name);
            }
        }
        Ok(entries)
    }
}

impl Entry {
    fn read(name: &str, value: &Value) -> Result<Self, ModelFileErrorKind> {
        let wrong = |entry, expected: &str| ModelFileErrorKind::Tensor {
            name: name.to_owned(),
            entry,
            expected: expected.to_owned(),
            found: spelled(value),
        };
        let Value::Config(config) = value else { return Err(wrong("dtype", "an entry")) };
        let float = config.text("dtype").ok().and_then(Float::named).ok_or_else(|| wrong("dtype", "F32 or F64"))?;
        let sizes = config.list("shape").ok().and_then(|sizes| sizes.iter().map(Value::as_integer).collect());
        let shape = sizes.and_then(|sizes: Vec<usize>| Shape::new(&sizes).ok()?.checked().ok());
        Ok(Self { name: name.to_owned(), float, shape: shape.ok_or_else(|| wrong("shape", "up to four sizes"))? })
    }
}
