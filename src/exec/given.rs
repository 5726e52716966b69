//! What a caller hands in: a batch, or the gradient with respect to its outputs.

use std::ops::Range;

use super::run::{BatchLoader, LastOperation, LastPass, Load};
use super::totals::Totals;
use crate::data::{Batch, DataPart, InputError, Scaler};
use crate::{DataError, Scalar, invariant};

/// Loads the caller's batch.
pub(super) struct GivenBatch<'a, T: Scalar> {
    pub batch: Batch<'a, T>,
    pub scaler: Option<&'a Scaler>,
}

impl<T: Scalar> BatchLoader<T> for GivenBatch<'_, T> {
    fn load(&self, positions: Range<usize>, samples: Load<'_, T>) -> Result<(), DataError> {
        let columns = self.batch.columns();
        for (sample, target) in positions.clone().zip(samples.input.chunks_exact_mut(columns.features())) {
            columns.copy(sample, target);
        }
        InputError::require_finite(DataPart::Sample, samples.input, |position| {
            (positions.start + position / columns.features(), position % columns.features())
        })?;
        if let Some(scaler) = self.scaler {
            scaler.apply(samples.input);
            scaler.require_fits("sample", samples.input, |sample| positions.start + sample)?;
        }
        if let Some(side) = self.batch.side().filter(|_| !samples.side.is_empty()) {
            for (sample, target) in positions.zip(samples.side.chunks_exact_mut(side.features())) {
                side.copy(sample, target);
            }
        }
        Ok(())
    }
}

/// Hands in the caller's output gradient.
pub(super) struct GivenGradient<'a, T> {
    pub output_gradient: &'a [T],
    pub features: usize,
}

impl<T: Scalar> LastOperation<T> for GivenGradient<'_, T> {
    fn run(&self, pass: LastPass<'_, T>, _totals: &mut Totals) {
        let range = pass.positions.start * self.features..pass.positions.end * self.features;
        pass.gradient.copy_from_slice(invariant::slice(self.output_gradient, &range, "gradient", "the caller"));
    }
}

/// No samples to load, or no last operation.
pub(super) struct Nothing;

impl<T: Scalar> BatchLoader<T> for Nothing {
    fn load(&self, _positions: Range<usize>, _samples: Load<'_, T>) -> Result<(), DataError> {
        Ok(())
    }
}

impl<T: Scalar> LastOperation<T> for Nothing {
    fn run(&self, _pass: LastPass<'_, T>, _totals: &mut Totals) {}
}
