//! What must be equal for a checkpoint to go on with the same bits: the options, and the data by
//! their fingerprint. Also what need not be: where it was written.

use super::Session;
use crate::data::DataError;
use crate::kernel::cpu_path;
use crate::model_file::{Difference, ModelFileErrorKind};
use crate::train::trainer::Validation;
use crate::train::{TrainErrorKind, fingerprint};
use crate::{Config, ConfigError, Scalar, Value};

/// The form of what a checkpoint holds under `training`.
const FORMAT: usize = 1;

// The names of a checkpoint's settings: part of the file format.
const FORMAT_NAME: &str = "format";
const WRITTEN_BY: &str = "written_by";
const SETUP: &str = "setup";
const SCHEDULE: &str = "schedule";
const EPOCHS: &str = "epochs";
const SAMPLES: &str = "samples";
const VALIDATION_SAMPLES: &str = "validation_samples";
const DATA: &str = "data";
const VALIDATION_DATA: &str = "validation_data";

/// The first settings of a checkpoint: its form, who wrote it, and the setup.
pub(super) fn head(written_by: &[String], setup: &Config) -> Config {
    let writers = written_by.iter().map(|writer| Value::from(writer.as_str()));
    let head = Config::new().with(FORMAT_NAME, FORMAT).with(WRITTEN_BY, Value::List(writers.collect()));
    head.with(SETUP, setup.clone())
}

/// This version of the crate, and the CPU path: other ones may give other bits.
pub(super) fn here() -> String {
    format!("autoencoder {} (CPU path {})", env!("CARGO_PKG_VERSION"), cpu_path().name())
}

/// Who has written the checkpoints of a training run, in order.
pub(super) fn writers(training: &Config) -> Result<Vec<String>, ConfigError> {
    let text = |writer: &Value| match writer {
        Value::Text(writer) => Ok(writer.clone()),
        _ => Err(ConfigError::Type { name: WRITTEN_BY.to_owned(), expected: "a list of texts" }),
    };
    training.list(WRITTEN_BY)?.iter().map(text).collect()
}

/// `Ok` if the settings of a checkpoint are of a training run with this setup.
pub(super) fn require_same(training: &Config, setup: &Config) -> Result<(), ModelFileErrorKind> {
    if training.integer(FORMAT_NAME) != Ok(FORMAT) {
        return Err(ModelFileErrorKind::CheckpointFormat {
            writer: writers(training).ok().and_then(|mut writers| writers.pop()),
        });
    }
    let found = training.config(SETUP).map_err(ModelFileErrorKind::Description)?;
    let apart = [EPOCHS, SAMPLES, VALIDATION_SAMPLES, DATA, VALIDATION_DATA];
    if let Some(Difference { setting, checkpoint, here }) = Difference::first(found, setup, &apart) {
        return Err(ModelFileErrorKind::OtherOptions { setting, checkpoint, here });
    }
    for (name, what) in [(SAMPLES, "training samples"), (VALIDATION_SAMPLES, "validation samples")] {
        if let Some(Difference { checkpoint, here, .. }) = of_entry(name, found, setup) {
            return Err(ModelFileErrorKind::OtherNumber { what, checkpoint, here });
        }
    }
    for name in [DATA, VALIDATION_DATA] {
        if let Some(difference) = of_entry(name, found, setup) {
            return Err(ModelFileErrorKind::OtherData { part: in_words(&difference.setting) });
        }
    }
    require_same_epochs(found, setup)
}

/// `Ok` if the schedule does not depend on the number of epochs, or if that is the same.
fn require_same_epochs(found: &Config, setup: &Config) -> Result<(), ModelFileErrorKind> {
    let depends = setup.find(EPOCHS).is_some();
    match of_entry(EPOCHS, found, setup).filter(|_| depends) {
        None => Ok(()),
        Some(Difference { checkpoint, here, .. }) if found.find(EPOCHS).is_some() => {
            let schedule = setup.config(SCHEDULE).and_then(|schedule| schedule.text("kind"));
            let schedule = schedule.map_err(ModelFileErrorKind::Description)?.to_owned();
            Err(ModelFileErrorKind::OtherEpochs { schedule, checkpoint, here })
        }
        Some(Difference { .. }) => {
            let setting = "schedule.depends_on_total".to_owned();
            Err(ModelFileErrorKind::OtherOptions { setting, checkpoint: "false".to_owned(), here: "true".to_owned() })
        }
    }
}

/// The difference between two setups in the entry of that name.
fn of_entry(name: &str, found: &Config, here: &Config) -> Option<Difference> {
    let only =
        |config: &Config| config.find(name).map_or(Config::new(), |value| Config::new().with(name, value.clone()));
    Difference::first(&only(found), &only(here), &[])
}

/// What a fingerprint is of.
fn in_words(setting: &str) -> &'static str {
    match setting {
        "data.inputs" => "training inputs",
        "data.targets" => "training targets",
        "data.side_inputs" => "side inputs",
        "validation_data.inputs" => "validation inputs",
        "validation_data.targets" => "validation targets",
        "validation_data.side_inputs" => "validation side inputs",
        _ => "data",
    }
}

impl<T: Scalar> Session<'_, '_, T> {
    /// Everything that must be equal for training to continue with the same bits. Reads a sample
    /// of the data.
    ///
    /// # Errors
    /// An error of the data.
    pub(super) fn setup(&self) -> Result<Config, TrainErrorKind> {
        let trainer = &*self.trainer;
        let optional = |config: Option<Config>| config.map_or(Value::from("none"), Value::from);
        let kind = |kind: &str, config: Config| Config::new().with("kind", kind).with("config", config);
        let metrics = trainer.metrics.iter().map(|metric| Value::from(metric.name()));
        let setup = Config::new()
            .with("loss", kind(trainer.loss.kind(), trainer.loss.config()))
            .with("optimizer", kind(trainer.optimizer.kind(), trainer.optimizer.config()))
            .with(SCHEDULE, kind(trainer.schedule.kind(), trainer.schedule.config()));
        let setup = if trainer.schedule.depends_on_total() { setup.with(EPOCHS, trainer.epochs) } else { setup };
        let setup = setup
            .with("clip", optional(trainer.clip.map(|clip| clip.config())))
            .with("early_stopping", optional(trainer.early_stopping.map(|options| options.config())))
            .with("corruption", optional(trainer.corruption.as_ref().map(|it| kind(it.kind(), it.config()))))
            .with(SAMPLES, self.order.len())
            .with(VALIDATION_SAMPLES, self.validation_samples())
            .with("batch_size", trainer.batch_size)
            .with("shuffle", trainer.shuffle)
            .with("seed", trainer.seed)
            .with("metrics", Value::List(metrics.collect()))
            .with(DATA, fingerprint::of_pairs(self.pairs, self.network, 0..self.order.len())?);
        Ok(match self.validation_data()? {
            Some(data) => setup.with(VALIDATION_DATA, data),
            None => setup,
        })
    }

    /// The fingerprints of the validation data, if there are any.
    fn validation_data(&self) -> Result<Option<Config>, TrainErrorKind> {
        let (pairs, first, fails): (_, _, fn(DataError) -> TrainErrorKind) = match &self.trainer.validation {
            Validation::None => return Ok(None),
            Validation::Pairs(pairs) => (*pairs, 0, TrainErrorKind::ValidationData),
            Validation::Fraction(_) => (self.pairs, self.order.len(), TrainErrorKind::Data),
        };
        fingerprint::of_pairs(pairs, self.network, first..pairs.inputs.len()).map(Some).map_err(fails)
    }

    /// How many samples training is validated on.
    pub(super) fn validation_samples(&self) -> usize {
        match &self.trainer.validation {
            Validation::None => 0,
            Validation::Pairs(pairs) => pairs.inputs.len(),
            Validation::Fraction(_) => self.pairs.inputs.len().saturating_sub(self.order.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setup(epochs: Option<usize>) -> Config {
        let setup = Config::new().with(SCHEDULE, Config::new().with("kind", "own"));
        epochs.map_or(setup.clone(), |epochs| setup.with(EPOCHS, epochs))
    }

    /// They lack what this version compares; nothing else is said to be missing.
    #[test]
    fn checkpoints_of_other_versions_say_what_to_do() {
        let here = setup(None);
        let before = Config::new().with(SETUP, here.clone()).with(EPOCHS, 3_usize);
        let message = require_same(&before, &here).unwrap_err().to_string();
        assert!(message.contains("by another version of the crate; end that training with the version"), "{message}");
        assert!(message.contains("`Trainer::start_over`"), "{message}");
        let after = head(&["autoencoder 9.0.0 (CPU path avx2)".to_owned()], &here).with(FORMAT_NAME, FORMAT + 1);
        let message = require_same(&after, &here).unwrap_err().to_string();
        assert!(message.contains("version of the crate (autoencoder 9.0.0 (CPU path avx2));"), "{message}");
    }

    /// A schedule of the user's own may have changed its mind about whether it depends on them.
    #[test]
    fn epochs_are_compared_where_they_matter_here() {
        let resumed = |then: Option<usize>, now: Option<usize>| require_same(&head(&[], &setup(then)), &setup(now));
        assert!(resumed(Some(2), Some(2)).is_ok() && resumed(None, None).is_ok() && resumed(Some(2), None).is_ok());
        let message = resumed(Some(2), Some(5)).unwrap_err().to_string();
        assert!(message.contains("2 in the checkpoint, 5 here"), "{message}");
        let message = resumed(None, Some(5)).unwrap_err().to_string();
        assert!(message.contains("`schedule.depends_on_total` is false in the checkpoint, true here"), "{message}");
    }
}
