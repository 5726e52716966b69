//! [`Trainer::review`]: looks for mistakes that are no errors, before the first step.
//!
//! Only what the crate knows is judged: a user's own layers, losses, optimizers and schedules are
//! left alone.

mod bottleneck;
mod constant;
mod features;
mod kinds;
mod options;
mod output;
mod sample;
mod small_batches;
mod transposed;
mod units;
mod validation;

use sample::{RawSamples, Sample};
use small_batches::Batches;

use super::step::Pairs;
use super::trainer::{Trainer, Validation};
use super::{History, Model, TrainError, TrainErrorKind, Warning};
use crate::data::{DataError, Source};
use crate::graph::Network;
use crate::{Error, Scalar, Shape};

impl<T: Scalar> Trainer<'_, T> {
    /// Looks for mistakes that are no errors: a last activation that cannot give what the data
    /// hold, data in their units, a table with its samples in rows, a code that is no bottleneck, a
    /// learning rate far too large. [`fit`](Self::fit) does the same and puts what it finds into
    /// the [`History`], but only returns it after training.
    ///
    /// It looks at the model, the options and at most 256 samples spread over the data, of
    /// more than 64 at most half (at all, up to a million numbers, if a feature is constant in
    /// those), and changes nothing. It costs less than an epoch.
    ///
    /// ```
    /// use autoencoder::nalgebra::DMatrix;
    /// use autoencoder::{Activation, Adam, Autoencoder, Dense, Mse, Shape, StandardScaler};
    /// use autoencoder::{Trainer, Warning};
    ///
    /// // Three columns of a table; each row is a column of the matrix.
    /// let table = DMatrix::from_fn(3, 40, |column, row| ((row * 7 + column * 3) % 11) as f64);
    /// let mut model = Autoencoder::<f64>::builder(Shape::flat(3))
    ///     .scaler(StandardScaler::fit(&table)?)
    ///     .encoder(Dense::new(2))
    ///     .mirror(Activation::Relu) // but half of all scaled values are negative
    ///     .build()?;
    /// let warnings = Trainer::new(Mse, Adam::default()).epochs(20).review(&model, &table)?;
    /// assert!(matches!(warnings[..], [Warning::OutputOutOfReach { features: 3, .. }]));
    /// for warning in &warnings {
    ///     eprintln!("warning: {warning}");
    /// }
    /// # Ok::<(), autoencoder::Error>(())
    /// ```
    ///
    /// # Errors
    /// Those of [`fit`](Self::fit) before its first step, and those of reading the samples.
    pub fn review(&self, model: &impl Model<T>, data: &dyn Source<T>) -> Result<Vec<Warning>, Error> {
        self.review_pairs(model.as_network(), Pairs { inputs: data, targets: None })
    }

    /// [`review`](Self::review) before [`fit_to`](Self::fit_to).
    ///
    /// # Errors
    /// As [`review`](Self::review).
    pub fn review_to(
        &self,
        model: &impl Model<T>,
        inputs: &dyn Source<T>,
        targets: &dyn Source<T>,
    ) -> Result<Vec<Warning>, Error> {
        self.review_pairs(model.as_network(), Pairs { inputs, targets: Some(targets) })
    }

    #[inline(never)] // see `compiled.rs`
    fn review_pairs(&self, network: &Network<T>, pairs: Pairs<'_, T>) -> Result<Vec<Warning>, Error> {
        let before = |kind| TrainError::new(0, 0, kind, History::default());
        let samples = self.check(network, pairs).map_err(before)?;
        let mut warnings = Vec::new();
        review(self, network, pairs, samples, &mut warnings).map_err(before)?;
        Ok(warnings)
    }
}

/// What may be a mistake in training on the first `samples` of `pairs`. After an error, `warnings`
/// holds what was found without the data that cannot be read.
pub(super) fn review<T: Scalar>(
    trainer: &Trainer<'_, T>,
    network: &Network<T>,
    pairs: Pairs<'_, T>,
    samples: usize,
    warnings: &mut Vec<Warning>,
) -> Result<(), TrainErrorKind> {
    let (loss, batches) = (trainer.loss.as_ref(), Batches { samples, size: trainer.batch_size });
    let reproduces = pairs.targets.is_none() && trainer.corruption.is_none();
    warnings.extend(options::one_epoch(trainer, batches));
    warnings.extend(options::learning_rate(trainer, network.output_shape()));
    warnings.extend(small_batches::of(network, batches));
    warnings.extend(output::not_probability(loss, network));
    warnings.extend(reproduces.then(|| bottleneck::none(network)).flatten());
    let Some(raw) = RawSamples::read(network, pairs, samples)? else { return Ok(()) };
    let Some(reviewed) = ReviewedData::new(network, pairs, samples, &raw)? else { return Ok(()) };
    reviewed.at_data(kinds::knows_loss(loss), warnings)?;
    warnings.extend(reviewed.at_validation(&trainer.validation)?);
    Ok(())
}

/// The data looked at.
struct ReviewedData<'a, T: Scalar> {
    network: &'a Network<T>,
    source: &'a dyn Source<T>,
    /// The number of training samples.
    count: usize,
    /// The inputs, as the source has them.
    inputs: Sample<'a, T>,
    /// The inputs after the model's scaler.
    seen: Sample<'a, T>,
    /// The targets as the loss sees them, if they differ from the inputs as the model sees them.
    targets: Option<Sample<'a, T>>,
}

impl<'a, T: Scalar> ReviewedData<'a, T> {
    /// `None` if values overflow when scaled, which training reports.
    fn new(
        network: &'a Network<T>,
        pairs: Pairs<'a, T>,
        count: usize,
        raw: &'a RawSamples<T>,
    ) -> Result<Option<Self>, DataError> {
        let inputs = Sample::new(&raw.samples, &raw.inputs)?;
        let seen = inputs.scaled(network.input_scaler())?;
        let targets = match pairs.targets {
            Some(_) => Some(Sample::new(&raw.samples, &raw.targets)?.scaled(network.output_scaler())?),
            None if pairs.needs_targets(network) => Some(inputs.scaled(network.output_scaler())?),
            None => None,
        };
        let finite = seen.is_finite() && targets.as_ref().is_none_or(Sample::is_finite);
        let reviewed = Self { network, source: pairs.inputs, count, inputs, seen, targets };
        Ok(finite.then_some(reviewed))
    }

    fn at_data(&self, knows_loss: bool, warnings: &mut Vec<Warning>) -> Result<(), DataError> {
        let (network, inputs, seen) = (self.network, &self.inputs, &self.seen);
        let aims = self.targets.as_ref().unwrap_or(seen);
        warnings.extend(knows_loss.then(|| output::out_of_reach(network, aims)).flatten());
        let (is_table, scaler) = (is_flat(network.input_shape()), network.input_scaler());
        let transposed = is_table.then(|| transposed::samples_in_rows(inputs, self.count)).flatten();
        let twice = || scaler.and_then(|_| units::scaled_twice(inputs, &inputs.unclipped(scaler)));
        if let Some(warning) = transposed.or_else(twice) {
            warnings.push(warning); // what else is to be said of features would follow from it
            return Ok(());
        }
        let judges_inputs = kinds::weighs_inputs(network);
        let judges_targets = knows_loss && kinds::last_activation(network).is_some();
        if judges_inputs {
            warnings.extend(units::unsuitable("inputs", seen, scaler.is_some(), is_table));
        }
        if judges_targets && (self.targets.is_some() || !judges_inputs) {
            let (scaled, is_table) = (network.output_scaler().is_some(), is_flat(network.output_shape()));
            warnings.extend(units::unsuitable("targets", aims, scaled, is_table));
        }
        if is_table {
            warnings.extend(constant::features(self.source, self.count, inputs, scaler.zip(Some(seen)))?);
        }
        Ok(())
    }

    fn at_validation(&self, validation: &Validation<'_, T>) -> Result<Option<Warning>, TrainErrorKind> {
        let Validation::Pairs(Pairs { inputs, .. }) = *validation else { return Ok(None) };
        let pairs = Pairs { inputs, targets: None };
        let raw = RawSamples::read(self.network, pairs, inputs.len()).map_err(TrainErrorKind::ValidationData)?;
        let Some(raw) = raw else { return Ok(None) };
        Ok(validation::unlike(&self.inputs, &Sample::new(&raw.samples, &raw.inputs)?))
    }
}

/// Whether a sample is flat: perhaps a row of a table.
fn is_flat(shape: Shape) -> bool {
    shape.dimensions().len() == 1
}
