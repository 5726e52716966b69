//! [`Checkpoints`]: where and how often a training run is saved, and the folder of checkpoints.

#[cfg(test)]
mod intervals;
#[cfg(test)]
mod power_failures;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::TrainErrorKind;
use crate::graph::Network;
use crate::model_file::disk::{Disk, System};
use crate::model_file::{self, ModelFileError};
use crate::{Scalar, option};

/// Where and how often a training run is saved. A run that is interrupted, by a kill or a power
/// failure, can be resumed from its last checkpoint: see
/// [`Trainer::resume`](crate::Trainer::resume).
///
/// By default there is at most one checkpoint in ten seconds, also within an epoch, and fewer where
/// saving takes long, so that it takes at most a twentieth of the time: a run that is killed has
/// lost some seconds. [`every`](Self::every), [`every_epochs`](Self::every_epochs) and
/// [`every_steps`](Self::every_steps) say something else. In any case there is one when training
/// ends, and when a callback [pauses or finishes](crate::Control) it.
///
/// A checkpoint is one file, `checkpoint-0000001200.safetensors` after 1 200 steps. It holds the
/// model, the optimizer's moments, the history, the state of early stopping and callbacks, the
/// options of the run and a fingerprint of the data; see `docs/model-file.md`. The newest two are
/// kept: an older one is removed only once a newer one is on the disk. The folder also holds the
/// model of the best epoch ([`History::best`](crate::History::best)) as of the last checkpoint as a
/// model file, `best.safetensors`, for [`Autoencoder::load`](crate::Autoencoder::load).
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
    /// After [`AT_LEAST`] and [`TIMES`] the duration of saving, whichever is longer.
    Automatic,
    Time(Duration),
    Epochs(usize),
    Steps(usize),
}

/// The least time between two checkpoints unless the user says otherwise.
const AT_LEAST: Duration = Duration::from_secs(10);

/// How many times as long as saving takes there is no other checkpoint, unless the user says
/// otherwise.
const TIMES: u32 = 20;

/// When the last checkpoint of a session was written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    /// When it was on the disk; before the first, when training began.
    last: Instant,
    /// How long saving took.
    took: Duration,
}

impl Clock {
    pub fn new() -> Self {
        Self { last: Instant::now(), took: Duration::ZERO }
    }

    /// Notes a checkpoint that is on the disk since now, and that has been saved since `began`.
    pub fn saved(&mut self, began: Instant) {
        self.last = Instant::now();
        self.took = self.last - began;
    }
}

impl Checkpoints {
    /// Saves in `folder`, at most once in ten seconds and at the end. The folder is created if it
    /// does not exist.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), interval: Interval::Automatic, disk: Arc::new(System) }
    }

    /// Saves whenever at least `interval` has passed since the last checkpoint, even within an
    /// epoch, and at the end. A zero interval saves after every step.
    #[must_use]
    pub fn every(mut self, interval: Duration) -> Self {
        self.interval = Interval::Time(interval);
        self
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

    /// `Ok` if the options are in range, and the folder is empty of checkpoints, or is the one
    /// being resumed.
    pub(super) fn check(&self, resume: Option<&Resume>) -> Result<(), TrainErrorKind> {
        match self.interval {
            Interval::Epochs(epochs) => option::at_least_one("every_epochs", epochs)?,
            Interval::Steps(steps) => option::at_least_one("every_steps", steps)?,
            Interval::Automatic | Interval::Time(_) => {}
        }
        let folder = self.folder();
        let resumed = resume.is_some_and(|resume| self.writes_to(&resume.folder));
        if !resumed && !folder.numbers()?.is_empty() {
            return Err(TrainErrorKind::CheckpointsExist { folder: folder.path });
        }
        Ok(())
    }

    /// Whether `folder` is that of these checkpoints, however the two are spelled.
    fn writes_to(&self, folder: &Path) -> bool {
        let both = (self.disk.canonical(&self.folder), self.disk.canonical(folder));
        self.folder == folder || matches!(both, (Ok(one), Ok(other)) if one == other)
    }

    /// Whether a checkpoint is due after a total of `steps` steps, within an epoch.
    pub(super) fn after_steps(&self, steps: u64, clock: &Clock) -> bool {
        match self.interval {
            Interval::Automatic => clock.last.elapsed() >= AT_LEAST.max(clock.took.saturating_mul(TIMES)),
            Interval::Time(interval) => clock.last.elapsed() >= interval,
            Interval::Steps(every) => steps.is_multiple_of(every as u64),
            Interval::Epochs(_) => false,
        }
    }

    /// Whether a checkpoint is due at the end of an epoch, after a total of `epochs` epochs and
    /// `steps` steps.
    pub(super) fn after_epochs(&self, epochs: usize, steps: u64, clock: &Clock) -> bool {
        match self.interval {
            Interval::Epochs(every) => epochs.is_multiple_of(every),
            _ => self.after_steps(steps, clock),
        }
    }

    /// The folder, on the same disk.
    pub(super) fn folder(&self) -> Folder {
        Folder { disk: Arc::clone(&self.disk), path: self.folder.clone() }
    }
}

/// What a training run does with the checkpoints that are in a folder before.
#[derive(Debug, Clone)]
pub(super) struct Resume {
    pub folder: PathBuf,
    pub mode: ResumeMode,
}

/// Which checkpoints it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ResumeMode {
    /// Goes on from the newest; without one there is an error.
    Resume,
    /// Goes on from the newest, or starts from the beginning.
    ResumeOrStart,
    /// Discards them and starts from the beginning.
    StartOver,
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

    /// Reads the newest undamaged checkpoint with `read`, and gives its path beside it; `None` if
    /// there is no checkpoint.
    ///
    /// # Errors
    /// If all are damaged, the error of the newest; if the newest undamaged one cannot be used, its
    /// error.
    pub fn newest<C>(
        &self,
        read: impl Fn(&dyn Disk, &Path) -> Result<C, ModelFileError>,
    ) -> Result<Option<(PathBuf, C)>, TrainErrorKind> {
        let mut damaged = None;
        for number in self.numbers()? {
            let path = self.file(number);
            match read(&*self.disk, &path) {
                Ok(checkpoint) => return Ok(Some((path, checkpoint))),
                Err(error) if error.kind().is_damage() => damaged = damaged.or(Some(error)),
                Err(error) => return Err(error.into()),
            }
        }
        match damaged {
            None => Ok(None),
            Some(newest) => Err(TrainErrorKind::DamagedCheckpoints { folder: self.path.clone(), newest }),
        }
    }

    /// Removes all checkpoints and the model of the best epoch.
    pub fn discard(&self) -> Result<(), TrainErrorKind> {
        let names = self.disk.names(&self.path).map_err(|error| self.unusable(error))?;
        let best = names.iter().filter(|name| *name == Self::BEST).map(|name| self.path.join(name));
        let mut files: Vec<PathBuf> = self.numbers()?.into_iter().map(|number| self.file(number)).collect();
        files.extend(best);
        let removed = files.iter().try_for_each(|file| self.disk.remove(file));
        let synced = removed.and_then(|()| if files.is_empty() { Ok(()) } else { self.disk.sync_folder(&self.path) });
        synced.map_err(|error| self.unusable(error))
    }

    /// Creates the folder if it does not exist, removes unfinished temporary files, and makes sure
    /// that files can be created in it.
    pub fn prepare(&self) -> Result<(), TrainErrorKind> {
        let made = self.disk.create_folder(&self.path);
        let tidied = made.and_then(|()| model_file::tidy(&*self.disk, &self.path));
        let tried = tidied.and_then(|()| model_file::try_out(&*self.disk, &self.path));
        tried.map_err(|error| self.unusable(error))
    }

    /// Writes the checkpoint after `steps` steps with `write`; then removes all others except the
    /// newest earlier one.
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
    pub fn set_best<T: Scalar>(
        &self,
        network: &Network<T>,
        model: model_file::ModelKind,
    ) -> Result<(), TrainErrorKind> {
        Ok(model_file::write_model(&*self.disk, &self.path.join(Self::BEST), network, model)?)
    }

    pub fn no_checkpoint(self) -> TrainErrorKind {
        TrainErrorKind::NoCheckpoint { folder: self.path }
    }

    /// The step counts of the existing checkpoints, in descending order.
    fn numbers(&self) -> Result<Vec<u64>, TrainErrorKind> {
        let names = self.disk.names(&self.path).map_err(|error| self.unusable(error))?;
        let number = |name: &String| -> Option<u64> {
            let number = name.strip_prefix("checkpoint-")?.strip_suffix(".safetensors")?.parse().ok()?;
            (Self::name(number) == *name).then_some(number)
        };
        let mut numbers: Vec<u64> = names.iter().filter_map(number).collect();
        numbers.sort_unstable_by(|one, other| other.cmp(one));
        Ok(numbers)
    }

    fn name(number: u64) -> String {
        format!("checkpoint-{number:010}.safetensors")
    }

    fn file(&self, number: u64) -> PathBuf {
        self.path.join(Self::name(number))
    }

    fn unusable(&self, error: std::io::Error) -> TrainErrorKind {
        TrainErrorKind::Folder { folder: self.path.clone(), error }
    }
}
