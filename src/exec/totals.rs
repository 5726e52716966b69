//! [`Totals`]: what a shard reports beside gradients.

use crate::graph::{Definition, Program, zeros};
use crate::{DataError, InputError, Scalar};

/// What a shard, or a whole step, reports beside gradients: sums over its samples.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub loss: f64,
    pub metrics: Vec<f64>,
    pub penalties: Vec<f64>,
    pub diagnostics: Vec<f64>,
    pub forward_statistics: Vec<f64>,
    pub backward_statistics: Vec<f64>,
    pub error: Option<DataError>,
}

impl Totals {
    /// Totals of one step.
    ///
    /// # Errors
    /// [`InputError::OutOfMemory`].
    pub fn new<T: Scalar>(
        definition: &Definition<T>,
        program: &Program<T>,
        metrics: usize,
    ) -> Result<Self, InputError> {
        Ok(Self {
            forward_statistics: zeros(program.forward_statistics)?,
            backward_statistics: zeros(program.backward_statistics)?,
            ..Self::without_statistics(definition, metrics)
        })
    }

    /// Totals of many steps.
    pub fn without_statistics<T: Scalar>(definition: &Definition<T>, metrics: usize) -> Self {
        Self {
            metrics: vec![0.0; metrics],
            penalties: vec![0.0; definition.penalties.len()],
            diagnostics: vec![0.0; definition.diagnostics.len()],
            ..Self::default()
        }
    }

    pub fn clear(&mut self) {
        self.loss = 0.0;
        self.error = None;
        let Self { metrics, penalties, diagnostics, forward_statistics, backward_statistics, .. } = self;
        for sums in [metrics, penalties, diagnostics, forward_statistics, backward_statistics] {
            sums.fill(0.0);
        }
    }

    /// Turns sums over `samples` samples into means.
    pub fn divide(&mut self, samples: usize) {
        let count = samples.max(1) as f64;
        self.loss /= count;
        self.metrics.iter_mut().chain(&mut self.penalties).chain(&mut self.diagnostics).for_each(|sum| *sum /= count);
    }

    /// Adds the totals of another shard or step, whose samples come later.
    pub fn add(&mut self, other: &Self) {
        let add = |to: &mut [f64], from: &[f64]| to.iter_mut().zip(from).for_each(|(to, from)| *to += from);
        self.loss += other.loss;
        add(&mut self.metrics, &other.metrics);
        add(&mut self.penalties, &other.penalties);
        add(&mut self.diagnostics, &other.diagnostics);
        add(&mut self.forward_statistics, &other.forward_statistics);
        add(&mut self.backward_statistics, &other.backward_statistics);
    }
}
