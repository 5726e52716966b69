//! [`History`]: the results of every epoch.

use std::fmt;
use std::io::{self, Write};

use super::Warning;

/// The results of an epoch.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Epoch {
    /// The epoch, from 1.
    pub number: usize,
    /// The mean loss over the training samples, each computed in its step, before the update;
    /// without penalties.
    pub loss: f64,
    /// Penalties by name: means over samples.
    pub penalties: Vec<(String, f64)>,
    /// Diagnostics that layers report, by name: means over samples.
    pub diagnostics: Vec<(String, f64)>,
    /// Metrics by name, over the training samples as the loss is.
    pub metrics: Vec<(String, f64)>,
    /// The mean loss over the validation samples after the epoch. A variational model decodes a
    /// drawn code, not the mean as in [`evaluate`](crate::Autoencoder::evaluate).
    pub validation_loss: Option<f64>,
    /// Penalties that are terms of a likelihood, by name: means over the validation samples, with
    /// their full weight, as after a warm-up.
    pub validation_penalties: Vec<(String, f64)>,
    /// Diagnostics of the layers with such penalties, by name: means over the validation samples.
    pub validation_diagnostics: Vec<(String, f64)>,
    /// Metrics by name, of the same predictions as the validation loss.
    pub validation_metrics: Vec<(String, f64)>,
    /// The learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// The epoch's duration in seconds, validation included.
    pub seconds: f64,
}

/// The results of every epoch of a training run. Prints as a table.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    epochs: Vec<Epoch>,
    warnings: Vec<Warning>,
}

impl History {
    pub(super) fn push(&mut self, epoch: Epoch) {
        self.epochs.push(epoch);
    }

    pub(super) fn warn(&mut self, warning: Warning) {
        self.warnings.push(warning);
    }

    /// What training noticed that may be a mistake, before its first step or while it was resumed.
    /// Checkpoints do not hold it.
    pub fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The epochs, in order.
    pub fn epochs(&self) -> &[Epoch] {
        &self.epochs
    }

    /// The training loss of the last epoch.
    pub fn loss(&self) -> Option<f64> {
        self.epochs.last().map(|epoch| epoch.loss)
    }

    /// The validation loss of the last epoch.
    pub fn validation_loss(&self) -> Option<f64> {
        self.epochs.last().and_then(|epoch| epoch.validation_loss)
    }

    /// The [validation total](Epoch::validation_total) of the last epoch.
    pub fn validation_total(&self) -> Option<f64> {
        self.epochs.last().and_then(Epoch::validation_total)
    }

    /// The epoch with the lowest [validation total](Epoch::validation_total), or the lowest
    /// training loss without validation data; the first of equals. `None` if no epoch's was
    /// finite.
    pub fn best(&self) -> Option<&Epoch> {
        let finite = self.epochs.iter().filter(|epoch| epoch.watched().is_finite());
        finite.min_by(|one, other| one.watched().total_cmp(&other.watched()))
    }

    /// The metric named `name` over the validation samples, after the last epoch.
    pub fn validation_metric(&self, name: &str) -> Option<f64> {
        self.epochs.last().and_then(|epoch| epoch.validation_metric(name))
    }

    /// Writes comma-separated values: a line of headings and a line per epoch. The learning rate
    /// has a column only if it changes.
    ///
    /// # Errors
    /// An error of `writer`.
    pub fn write_csv(&self, mut writer: impl Write) -> io::Result<()> {
        for row in self.rows() {
            writeln!(writer, "{}", row.join(","))?;
        }
        Ok(())
    }

    /// A row of headings, then a row per epoch.
    fn rows(&self) -> Vec<Vec<String>> {
        let Some(first) = self.epochs.first() else { return Vec::new() };
        let names = |prefix: &str, values: &[(String, f64)]| -> Vec<String> {
            values.iter().map(|(name, _)| format!("{prefix}{name}")).collect()
        };
        let mut headings = vec!["epoch".to_owned(), "loss".to_owned()];
        headings.extend(names("", &first.penalties));
        headings.extend(first.penalties.first().map(|_| "total".to_owned()));
        headings.extend(names("", &first.diagnostics));
        headings.extend(names("", &first.metrics));
        headings.extend(first.validation_loss.map(|_| "validation_loss".to_owned()));
        headings.extend(names("validation_", &first.validation_penalties));
        headings.extend(first.validation_penalties.first().map(|_| "validation_total".to_owned()));
        headings.extend(names("validation_", &first.validation_diagnostics));
        headings.extend(names("validation_", &first.validation_metrics));
        let scheduled = self.epochs.iter().any(|epoch| epoch.learning_rate != first.learning_rate);
        headings.extend(scheduled.then(|| "learning_rate".to_owned()));
        headings.push("seconds".to_owned());
        let mut rows = vec![headings];
        rows.extend(self.epochs.iter().map(|epoch| epoch.row(scheduled)));
        rows
    }
}

impl Epoch {
    /// What training minimises: the loss plus all penalties.
    pub fn total(&self) -> f64 {
        self.loss + self.penalties.iter().map(|(_, value)| value).sum::<f64>()
    }

    /// The validation loss plus all likelihood penalties: the loss alone without a variational
    /// layer, else −ELBO with the divergence weighted by β (if inputs are their own targets).
    /// Regularization penalties are not included.
    pub fn validation_total(&self) -> Option<f64> {
        let penalties = self.validation_penalties.iter().map(|(_, value)| value);
        self.validation_loss.map(|loss| loss + penalties.sum::<f64>())
    }

    /// What early stopping and schedules watch; infinity if it is not finite, so that such an epoch
    /// is never the best.
    pub(super) fn watched(&self) -> f64 {
        Some(self.validation_total().unwrap_or(self.loss)).filter(|loss| loss.is_finite()).unwrap_or(f64::INFINITY)
    }

    /// The penalty named `name`: `encoder.2.l1`, or just `l1` if only one layer has such a penalty.
    pub fn penalty(&self, name: &str) -> Option<f64> {
        find(&self.penalties, name)
    }

    /// The diagnostic named `name`: `encoder.2.kl`, or just `kl` if only one layer has such a
    /// diagnostic.
    pub fn diagnostic(&self, name: &str) -> Option<f64> {
        find(&self.diagnostics, name)
    }

    /// The penalty named `name` over the validation samples, if it is a term of a likelihood.
    pub fn validation_penalty(&self, name: &str) -> Option<f64> {
        find(&self.validation_penalties, name)
    }

    /// The diagnostic named `name` over the validation samples, of a layer whose penalties are
    /// terms of a likelihood: `encoder.2.kl` for instance.
    pub fn validation_diagnostic(&self, name: &str) -> Option<f64> {
        find(&self.validation_diagnostics, name)
    }

    /// The metric named `name` over the training samples.
    pub fn metric(&self, name: &str) -> Option<f64> {
        find(&self.metrics, name)
    }

    /// The metric named `name` over the validation samples.
    pub fn validation_metric(&self, name: &str) -> Option<f64> {
        find(&self.validation_metrics, name)
    }

    fn row(&self, scheduled: bool) -> Vec<String> {
        let number = |value: &f64| format!("{value:.6}");
        let values = |named: &[(String, f64)]| -> Vec<String> { named.iter().map(|(_, v)| number(v)).collect() };
        let mut row = vec![self.number.to_string(), number(&self.loss)];
        row.extend(values(&self.penalties));
        row.extend(self.penalties.first().map(|_| number(&self.total())));
        row.extend(values(&self.diagnostics));
        row.extend(values(&self.metrics));
        row.extend(self.validation_loss.as_ref().map(number));
        row.extend(values(&self.validation_penalties));
        let validation_total = self.validation_total().filter(|_| !self.validation_penalties.is_empty());
        row.extend(validation_total.as_ref().map(number));
        row.extend(values(&self.validation_diagnostics));
        row.extend(values(&self.validation_metrics));
        row.extend(scheduled.then(|| format!("{:.3e}", self.learning_rate)));
        row.push(format!("{:.3}", self.seconds));
        row
    }
}

/// The value named `name`, or the only one whose name ends in `.name`.
fn find(named: &[(String, f64)], name: &str) -> Option<f64> {
    let ends = |full: &str| full.strip_suffix(name).is_some_and(|layer| layer.ends_with('.'));
    let mut ending = named.iter().filter(|(full, _)| ends(full));
    let only = ending.next().filter(|_| ending.next().is_none());
    named.iter().find(|(full, _)| full == name).or(only).map(|(_, value)| *value)
}

impl fmt::Display for History {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows();
        let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0);
        for (index, row) in rows.iter().enumerate() {
            if index > 0 {
                writeln!(formatter)?;
            }
            for (column, cell) in row.iter().enumerate() {
                let gap = if column > 0 { "  " } else { "" };
                write!(formatter, "{gap}{cell:>width$}", width = width(column))?;
            }
        }
        Ok(())
    }
}
