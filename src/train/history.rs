//! [`History`]: what each epoch brought.

use std::fmt;
use std::io::{self, Write};

/// What one epoch brought.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Epoch {
    /// The epoch, from 1.
    pub number: usize,
    /// The mean loss over the epoch's training samples, each as it was when its step was taken; without penalties.
    pub loss: f64,
    /// Each penalty by name: its mean over samples.
    pub penalties: Vec<(String, f64)>,
    /// Each figure that a layer reports, by name: its mean over samples.
    pub figures: Vec<(String, f64)>,
    /// Each metric by name, over the training samples like the loss.
    pub metrics: Vec<(String, f64)>,
    /// The loss over the validation samples after the epoch. A variational model decodes a drawn code of each, not its mean as in
    /// [`evaluate`](crate::Autoencoder::evaluate).
    pub validation_loss: Option<f64>,
    /// Each penalty that is a term of a likelihood, by name: its mean over the validation samples, with the weight that it comes to at the end of a warm-up.
    pub validation_penalties: Vec<(String, f64)>,
    /// Each figure of the layers with such penalties, by name: its mean over the validation samples.
    pub validation_figures: Vec<(String, f64)>,
    /// Each metric by name, of the predictions that the validation loss judges.
    pub validation_metrics: Vec<(String, f64)>,
    /// The learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// How long the epoch took, validation included.
    pub seconds: f64,
}

/// What each epoch of a training brought. Print it for a table.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    epochs: Vec<Epoch>,
}

impl History {
    pub(super) fn push(&mut self, epoch: Epoch) {
        self.epochs.push(epoch);
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

    /// The loss over the validation samples with every term of a likelihood, after the last epoch: [`Epoch::validation_total`].
    pub fn validation_total(&self) -> Option<f64> {
        self.epochs.last().and_then(Epoch::validation_total)
    }

    /// The epoch with the lowest [validation total](Epoch::validation_total), or the lowest training loss where nothing was validated; the first of equals. None
    /// where no epoch's was finite.
    pub fn best(&self) -> Option<&Epoch> {
        let finite = self.epochs.iter().filter(|epoch| epoch.watched().is_finite());
        finite.min_by(|one, other| one.watched().total_cmp(&other.watched()))
    }

    /// The metric called `name` over the validation samples, after the last epoch.
    pub fn validation_metric(&self, name: &str) -> Option<f64> {
        self.epochs.last().and_then(|epoch| epoch.validation_metric(name))
    }

    /// Writes a line of headings and a line for each epoch, separated by commas. The learning rate has a column where it changes.
    ///
    /// # Errors
    /// What `writer` says.
    pub fn write_csv(&self, mut writer: impl Write) -> io::Result<()> {
        for row in self.rows() {
            writeln!(writer, "{}", row.join(","))?;
        }
        Ok(())
    }

    /// Headings, then a row for each epoch.
    fn rows(&self) -> Vec<Vec<String>> {
        let Some(first) = self.epochs.first() else { return Vec::new() };
        let names = |prefix: &str, values: &[(String, f64)]| -> Vec<String> {
            values.iter().map(|(name, _)| format!("{prefix}{name}")).collect()
        };
        let mut headings = vec!["epoch".to_owned(), "loss".to_owned()];
        headings.extend(names("", &first.penalties));
        headings.extend(first.penalties.first().map(|_| "total".to_owned()));
        headings.extend(names("", &first.figures));
        headings.extend(names("", &first.metrics));
        headings.extend(first.validation_loss.map(|_| "validation_loss".to_owned()));
        headings.extend(names("validation_", &first.validation_penalties));
        headings.extend(first.validation_penalties.first().map(|_| "validation_total".to_owned()));
        headings.extend(names("validation_", &first.validation_figures));
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
    /// What training made small: the loss and every penalty.
    pub fn total(&self) -> f64 {
        self.loss + self.penalties.iter().map(|(_, value)| value).sum::<f64>()
    }

    /// The loss over the validation samples and every penalty that is a term of a likelihood: the loss itself but for variational models, of which it is −ELBO with β
    /// before the divergence (where inputs are their own targets). Penalties that hold a model back from overfitting are no part of it.
    pub fn validation_total(&self) -> Option<f64> {
        let penalties = self.validation_penalties.iter().map(|(_, value)| value);
        self.validation_loss.map(|loss| loss + penalties.sum::<f64>())
    }

    /// What early stopping and schedules watch: infinity where it is not finite, since such an epoch is no better than any.
    pub(super) fn watched(&self) -> f64 {
        Some(self.validation_total().unwrap_or(self.loss)).filter(|loss| loss.is_finite()).unwrap_or(f64::INFINITY)
    }

    /// The penalty called `name`: `encoder.2.l1`, or just `l1` where one layer alone has such a penalty.
    pub fn penalty(&self, name: &str) -> Option<f64> {
        find(&self.penalties, name)
    }

    /// The figure called `name`: `encoder.2.kl`, or just `kl` where one layer alone has such a figure.
    pub fn figure(&self, name: &str) -> Option<f64> {
        find(&self.figures, name)
    }

    /// The penalty called `name` over the validation samples, where it is a term of a likelihood.
    pub fn validation_penalty(&self, name: &str) -> Option<f64> {
        find(&self.validation_penalties, name)
    }

    /// The figure called `name` over the validation samples, of a layer whose penalties are terms of a likelihood: `encoder.2.kl` for instance.
    pub fn validation_figure(&self, name: &str) -> Option<f64> {
        find(&self.validation_figures, name)
    }

    /// The metric called `name` over the training samples.
    pub fn metric(&self, name: &str) -> Option<f64> {
        find(&self.metrics, name)
    }

    /// The metric called `name` over the validation samples.
    pub fn validation_metric(&self, name: &str) -> Option<f64> {
        find(&self.validation_metrics, name)
    }

    fn row(&self, scheduled: bool) -> Vec<String> {
        let number = |value: &f64| format!("{value:.6}");
        let values = |named: &[(String, f64)]| -> Vec<String> { named.iter().map(|(_, v)| number(v)).collect() };
        let mut row = vec![self.number.to_string(), number(&self.loss)];
        row.extend(values(&self.penalties));
        row.extend(self.penalties.first().map(|_| number(&self.total())));
        row.extend(values(&self.figures));
        row.extend(values(&self.metrics));
        row.extend(self.validation_loss.as_ref().map(number));
        row.extend(values(&self.validation_penalties));
        let validation_total = self.validation_total().filter(|_| !self.validation_penalties.is_empty());
        row.extend(validation_total.as_ref().map(number));
        row.extend(values(&self.validation_figures));
        row.extend(values(&self.validation_metrics));
        row.extend(scheduled.then(|| format!("{:.3e}", self.learning_rate)));
        row.push(format!("{:.3}", self.seconds));
        row
    }
}

/// The value called `name`, or the only one whose name ends in `.name`.
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
