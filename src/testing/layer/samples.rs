//! [`Samples`]: what a checked layer reads, and the gradient that comes back to it.

use std::ops::Range;

use crate::data::{Batch, InputError};
use crate::{Scalar, invariant};

/// Samples for a layer, each tensor features × samples.
#[derive(Debug, Clone)]
pub(super) struct Samples<T> {
    pub count: usize,
    pub input: Vec<T>,
    pub side: Vec<T>,
    /// The gradient of the loss with respect to the output; empty if there is only a forward pass.
    pub output_gradient: Vec<T>,
}

impl<T: Scalar> Samples<T> {
    /// Some of them.
    pub fn part(&self, range: Range<usize>) -> Self {
        let cut = |values: &[T]| {
            let features = values.len() / self.count;
            let range = range.start * features..range.end * features;
            invariant::slice(values, &range, "samples", "a check").to_vec()
        };
        Self {
            count: range.len(),
            input: cut(&self.input),
            side: cut(&self.side),
            output_gradient: cut(&self.output_gradient),
        }
    }

    /// These and others behind them.
    pub fn followed_by(&self, others: &Self) -> Self {
        let join = |one: &[T], other: &[T]| [one, other].concat();
        Self {
            count: self.count + others.count,
            input: join(&self.input, &others.input),
            side: join(&self.side, &others.side),
            output_gradient: join(&self.output_gradient, &others.output_gradient),
        }
    }

    /// As a network takes them.
    pub fn batch(&self) -> Result<Batch<'_, T>, InputError> {
        let batch = Batch::from_slice(&self.input, self.input.len() / self.count)?;
        Ok(match self.side.is_empty() {
            true => batch,
            false => batch.with_side(Batch::from_slice(&self.side, self.side.len() / self.count)?),
        })
    }
}
