//! The options of a [`Trainer`] that concern checkpoints: writing them, and what becomes of those
//! that are there.

use std::path::PathBuf;

use super::Trainer;
use crate::Scalar;
use crate::train::checkpoint::{Checkpoints, Resume, ResumeMode};

impl<T: Scalar> Trainer<'_, T> {
    /// Writes checkpoints, so that interrupted training can be continued with
    /// [`resume`](Self::resume).
    #[must_use]
    pub fn checkpoints(mut self, checkpoints: Checkpoints) -> Self {
        self.checkpoints = Some(checkpoints);
        self
    }

    /// Continues from the newest undamaged checkpoint in `folder`, with the same bits as if
    /// training had never been interrupted. Call [`fit`](Self::fit) with the model, data and
    /// options of the interrupted run; only threads, checkpoint settings, callbacks without saved
    /// state, and the number of epochs, if the schedule does not [depend on
    /// it](crate::Schedule::depends_on_total), may differ. All the rest is compared, and a
    /// difference is an error before the first step; but for the parameters of the model that is
    /// passed, which those of the checkpoint replace: to train a loaded model further on the same
    /// data, give another folder.
    ///
    /// Data are compared by their numbers of samples and features and by the bits of a sample of 64
    /// of them: the first, the last and others evenly between, of the inputs, the targets, the side
    /// inputs and the validation data. A change that touches none of the 64 is not noticed, and a
    /// [`Source`](crate::Source) that gives other values whenever it is read cannot be resumed
    /// with.
    ///
    /// If all epochs have run, or if a callback has [finished](crate::Control::Finish) training or
    /// early stopping has ended it, `fit` only restores model and history. Where another version of
    /// the crate or another CPU path goes on, bits may differ:
    /// [`History::warnings`](crate::History::warnings) then says so.
    ///
    /// Resuming alone writes no further checkpoints; [`checkpoints`](Self::checkpoints) or
    /// [`resume_or_start`](Self::resume_or_start) does. See [`Checkpoints`] for an example.
    #[must_use]
    pub fn resume(self, folder: impl Into<PathBuf>) -> Self {
        self.before(folder, ResumeMode::Resume)
    }

    /// Continues from the newest checkpoint in `folder`, as [`resume`](Self::resume) does, or
    /// starts from the beginning if there is none: for a program that is simply run again after it
    /// was killed. Writes [checkpoints](Checkpoints) there, unless
    /// [`checkpoints`](Self::checkpoints) names another folder.
    ///
    /// Give every training a folder of its own: to train on other data, or with other options, in
    /// the folder of an earlier training is an error. [`start_over`](Self::start_over) discards the
    /// earlier one.
    #[must_use]
    pub fn resume_or_start(self, folder: impl Into<PathBuf>) -> Self {
        self.before(folder, ResumeMode::ResumeOrStart)
    }

    /// Discards the checkpoints in `folder`, of whichever training, with the model of the best
    /// epoch beside them, and starts from the beginning. Writes [checkpoints](Checkpoints) there,
    /// unless [`checkpoints`](Self::checkpoints) names another folder.
    ///
    /// They are discarded before the first step, once everything has been checked: an error before
    /// leaves them as they are. A program that is run again after it was killed needs
    /// [`resume_or_start`](Self::resume_or_start) instead, since this would discard its own
    /// checkpoints.
    ///
    /// ```
    /// use autoencoder::nalgebra::DMatrix;
    /// use autoencoder::{Activation, Adam, Autoencoder, Dense, Mse, Shape, Trainer};
    ///
    /// let folder = std::env::temp_dir().join("autoencoder-start-over-example");
    /// # let _ = std::fs::remove_dir_all(&folder);
    /// let yesterday = DMatrix::<f32>::from_fn(8, 64, |feature, sample| ((feature * sample) % 7) as f32 / 7.0);
    /// let today = DMatrix::<f32>::from_fn(8, 64, |feature, sample| ((feature + sample) % 5) as f32 / 5.0);
    /// let build = || {
    ///     let builder = Autoencoder::<f32>::builder(Shape::flat(8)).encoder(Dense::new(3));
    ///     builder.mirror(Activation::Linear).build()
    /// };
    /// let trainer = || Trainer::new(Mse, Adam::new(0.01)).epochs(2);
    ///
    /// trainer().resume_or_start(&folder).fit(&mut build()?, &yesterday)?;
    /// assert!(trainer().resume_or_start(&folder).fit(&mut build()?, &today).is_err()); // other data
    /// let history = trainer().start_over(&folder).fit(&mut build()?, &today)?;
    /// assert_eq!(history.epochs().len(), 2);
    /// # std::fs::remove_dir_all(folder)?;
    /// # Ok::<(), autoencoder::Error>(())
    /// ```
    #[must_use]
    pub fn start_over(self, folder: impl Into<PathBuf>) -> Self {
        self.before(folder, ResumeMode::StartOver)
    }

    fn before(mut self, folder: impl Into<PathBuf>, mode: ResumeMode) -> Self {
        self.resume = Some(Resume { folder: folder.into(), mode });
        self
    }

    /// The checkpoints to write: those asked for, or those that go with resuming or starting.
    pub(in crate::train) fn checkpoints_to_write(&self) -> Option<Checkpoints> {
        let saving = self.resume.as_ref().filter(|resume| resume.mode != ResumeMode::Resume);
        self.checkpoints.clone().or_else(|| saving.map(|resume| Checkpoints::new(&resume.folder)))
    }
}
