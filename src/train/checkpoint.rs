//! [`Checkpoints`]: where and how often a training run is saved, and the folder of checkpoints.

#[cfg(test)]
mod power_failures;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::TrainErrorKind;
use crate::graph::Network;
use crate::model_file::disk::{Disk, System};
use crate::model_file::{self, ModelFileError};
use crate::{Scalar, option};

/// Where and how often a training run is saved. A run that is interrupted, by a kill or a power failure, can be resumed from its last checkpoint: see
/// [`Trainer::resume`](crate::Trainer::resume).
///
/// A checkpoint is one file, `checkpoint-0000001200.safetensors` after 1 200 steps. It holds the model, the optimizer's moments, the history, the state of early
/// stopping and callbacks, and the options of the run; see `docs/model-file.md`. The newest two are kept: an older one is removed only once a newer one is on the
/// disk. The folder also holds the model of the best epoch ([`History::best`](crate::History::best)) as a model file, `best.safetensors`, for
/// [`Autoencoder::load`](crate::Autoencoder::load).
///
/// Use a folder for one training run at a time.
///
/// ```
/// use autoencoder::nalgebra::DMatrix;
/// use autoencoder::{Activation, Adam, Autoencoder, Checkpoints, Dense, Mse, Shape, Trainer};
///
/// let data = DMatrix::<f32>::from_fn(8, 64, |feature, sample| ((feature * sample) % 7) as f32 / 7.0);
/// let build = || Autoencoder::<f32>::builder(Shape::flat(8)).encoder(Dense::new(3)).mirror(Activation::Linear).build();
/// let folder = std::env::temp_dir().join("autoencoder-checkpoints-example");
/// # let _ = std::fs::remove_dir_all(&folder);
///
/// let mut first = build()?; // trains two epochs, then the power fails
/// Trainer::new(Mse, Adam::new(0.01)).epochs(2).checkpoints(Checkpoints::new(&folder)).fit(&mut first, &data)?;
///
/// let mut second = build()?;
/// let history = Trainer::new(Mse, Adam::new(0.01)).epochs(5).resume(&folder).fit(&mut second, &data)?;
/// assert_eq!(history.epochs().len(), 5);
///
/// let mut undisturbed = build()?;
/// Trainer::new(Mse, Adam::new(0.01)).epochs(5).fit(&mut undisturbed, &data)?;
/// assert_eq!(second.encode(&data)?, undisturbed.encode(&data)?);
/// # std::fs::remove_dir_all(folder)?;
/// # Ok::<(), autoencoder::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Checkpoints {
    folder: PathBuf,
    interval: Interval,
    disk: Arc<dyn Disk>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Interval {
    Epochs(usize),
    Steps(usize),
}

impl Checkpoints {
    /// Saves in `folder` after every epoch. The folder is created if it does not exist.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), interval: Interval::Epochs(1), disk: Arc::new(System) }
    }

    /// Saves after every `epochs` epochs, at least 1, and at the end.
    #[must_use]
    pub fn every_epochs(mut self, epochs: usize) -> Self {
        self.interval = Interval::Epochs(epochs);
        self
    }

    /// Saves after every `steps` steps, at least 1, even within an epoch, and at the end.
    #[must_use]
    pub fn every_steps(mut self, steps: usize) -> Self {
        self.interval = Interval::Steps(steps);
        self
    }

    /// Uses another file system.
    #[cfg(test)]
    pub(crate) fn on(mut self, disk: Arc<dyn Disk>) -> Self {
        self.disk = disk;
        self
    }

    /// `Ok` if the options are in range, and the folder is empty of checkpoints, or is the one being resumed.
    pub(super) fn check(&self, resume: Option<&Resume>) -> Result<(), TrainErrorKind> {
        let (name, interval) = match self.interval {
            Interval::Epochs(epochs) => ("every_epochs", epochs),
            Interval::Steps(steps) => ("every_steps", steps),
        };
        option::at_least_one(name, interval)?;
        let folder = self.folder();
        let resumed = resume.is_some_and(|resume| resume.folder == self.folder);
        if !resumed && !folder.numbers()?.is_empty() {
            return Err(TrainErrorKind::CheckpointsExist { folder: folder.path });
        }
        Ok(())
    }

    /// Whether a checkpoint is due after a total of `steps` steps, within an epoch.
    pub(super) fn after_steps(&self, steps: u64) -> bool {
        matches!(self.interval, Interval::Steps(every) if steps.is_multiple_of(every as u64))
    }

    /// Whether a checkpoint is due at the end of an epoch, after a total of `epochs` epochs and `steps` steps.
    pub(super) fn after_epochs(&self, epochs: usize, steps: u64) -> bool {
        self.after_steps(steps) || matches!(self.interval, Interval::Epochs(every) if epochs.is_multiple_of(every))
    }

    /// The folder, on the same disk.
    pub(super) fn folder(&self) -> Folder {
        Folder { disk: Arc::clone(&self.disk), path: self.folder.clone() }
    }
}

/// Where training is resumed from.
#[derive(Debug, Clone)]
pub(super) struct Resume {
    pub folder: PathBuf,
    /// Training starts from the beginning if there is no checkpoint.
    pub or_start: bool,
}

impl Resume {
    /// The folder, on the disk where checkpoints are written.
    pub fn folder(&self, checkpoints: Option<&Checkpoints>) -> Folder {
        let disk =
            checkpoints.map_or_else(|| Arc::new(System) as Arc<dyn Disk>, |checkpoints| Arc::clone(&checkpoints.disk));
        Folder { disk, path: self.folder.clone() }
    }
}

/// A folder of checkpoints.
#[derive(Debug)]
pub(super) struct Folder {
    disk: Arc<dyn Disk>,
    path: PathBuf,
}

impl Folder {
    const BEST: &str = "best.safetensors";

    /// How many of the newest checkpoints are kept.
    const KEPT: usize = 2;

    /// Reads the newest undamaged checkpoint with `read`; `None` if there is no checkpoint.
    ///
    /// # Errors
    /// If all are damaged, the error of the newest; if the newest undamaged one cannot be used, its error.
    pub fn newest<C>(
        &self,
        read: impl Fn(&dyn Disk, &Path) -> Result<C, ModelFileError>,
    ) -> Result<Option<C>, TrainErrorKind> {
        let mut damaged = None;
        for number in self.numbers()? {
            match read(&*self.disk, &self.file(number)) {
                Ok(checkpoint) => return Ok(Some(checkpoint)),
                Err(error) if error.kind().is_damage() => damaged = damaged.or(Some(error)),
                Err(error) => return Err(error.into()),
            }
        }
        damaged.map_or(Ok(None), |error| Err(error.into()))
    }

    /// Creates the folder if it does not exist, and removes unfinished temporary files.
    pub fn prepare(&self) -> Result<(), TrainErrorKind> {
        let made = self.disk.create_folder(&self.path);
        made.and_then(|()| model_file::tidy(&*self.disk, &self.path)).map_err(|error| self.unusable(error))
    }

    /// Writes the checkpoint after `steps` steps with `write`; then removes all others except the newest earlier one.
    pub fn add(
        &self,
        steps: u64,
        write: impl FnOnce(&dyn Disk, &Path) -> Result<(), ModelFileError>,
    ) -> Result<(), TrainErrorKind> {
        write(&*self.disk, &self.file(steps))?;
        let numbers = self.numbers()?;
        let kept = numbers.iter().filter(|number| **number <= steps).take(Self::KEPT);
        let kept: Vec<u64> = kept.copied().collect();
        for number in numbers.iter().filter(|number| !kept.contains(number)) {
            let _ = self.disk.remove(&self.file(*number)); // an extra file does no harm, and the next call tries again
        }
        Ok(())
    }

    /// Replaces the file of the best model.
    pub fn set_best<T: Scalar>(&self, network: &Network<T>, model: model_file::Model) -> Result<(), TrainErrorKind> {
        Ok(model_file::write_model(&*self.disk, &self.path.join(Self::BEST), network, model)?)
    }

    pub fn no_checkpoint(self) -> TrainErrorKind {
        TrainErrorKind::NoCheckpoint { folder: self.path }
    }

    /// The step counts of the existing checkpoints, in descending order.
    fn numbers(&self) -> Result<Vec<u64>, TrainErrorKind> {
        let names = self.disk.names(&self.path).map_err(|error| self.unusable(error))?;
        let number = |name: &String| name.strip_prefix("checkpoint-")?.strip_suffix(".safetensors")?.parse().ok();
        let mut numbers: Vec<u64> = names.iter().filter_map(number).collect();
        numbers.sort_unstable_by(|one, other| other.cmp(one));
        Ok(numbers)
    }

    fn file(&self, number: u64) -> PathBuf {
        self.path.join(format!("checkpoint-{number:010}.safetensors"))
    }

    fn unusable(&self, error: std::io::Error) -> TrainErrorKind {
        TrainErrorKind::Folder { folder: self.path.clone(), error }
    }
}
