//! The likelihood of data under a variational model: [`Elbo`] and the importance-weighted estimate.

use nalgebra::DMatrix;
use rand_distr::{Distribution, StandardNormal};

use super::step::{BatchStep, LossSpec, Pairs};
use crate::autoencoder::Posterior;
use crate::data::{Batch, InputError, Source, numbered};
use crate::exec::{BatchLoader, Ending, Load, Workspace};
use crate::graph::zeros;
use crate::layer::deviation;
use crate::loss::{Loss, LossError, LossPass, Reduction};
use crate::parallel::{self, Splittable};
use crate::random::Rng;
use crate::shape::checked_product;
use crate::{Autoencoder, Error, Scalar, option};

/// Samples encoded at a time.
const SAMPLES_AT_ONCE: usize = 256;

/// Codes decoded at a time.
const DRAWS_AT_ONCE: usize = 128;

/// The evidence lower bound of a variational model, and its two parts: means over samples, in nats.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Elbo {
    /// The mean of −ln p(x|z) over codes z drawn from the posterior.
    pub reconstruction: f64,
    /// The divergence of the posterior from the prior, in closed form.
    pub kl: f64,
}

impl Elbo {
    /// The bound itself, −(reconstruction + kl): ln p(x) is at least this.
    pub fn value(&self) -> f64 {
        -(self.reconstruction + self.kl)
    }
}

impl<T: Scalar> Autoencoder<T> {
    /// The evidence lower bound E[ln p(x|z)] − KL(q(z|x) ‖ p(z)) of data under a variational model,
    /// with `draws` codes drawn per sample; Kingma and Welling 2013. `loss` is the negative
    /// log-likelihood that the model was trained with. The weight β, warm-up and free bits do not
    /// enter. With a [`scaler`](crate::AutoencoderBuilder::scaler), p is the density of the
    /// *scaled* values, as in training. For the density of the data, subtract the
    /// sum over features of ln s, where s is the number that the scaler divides the feature by.
    ///
    /// A sample's noise is drawn from the seed and the sample's own values (with −0 as 0; its side
    /// input included), never from its place: equal samples get equal codes, different ones
    /// independent codes, and the result does not depend on their order, but for rounding. Two
    /// others draw by a sample's index in its data instead, so that equal samples get different
    /// noise: validation during training, and [`Corrupted`](crate::Corrupted).
    ///
    /// ```
    /// use autoencoder::nalgebra::DMatrix;
    /// use autoencoder::{Activation, Autoencoder, Bce, Dense, GaussianLatent, Reduction, Shape};
    ///
    /// let model = Autoencoder::<f32>::builder(Shape::flat(8))
    ///     .encoder(Dense::new(2 * 3))
    ///     .encoder(GaussianLatent::new())
    ///     .decoder(Dense::new(8).activation(Activation::Sigmoid))
    ///     .build()?;
    /// let (nats, data) = (Bce.reduction(Reduction::SumPerSample), DMatrix::from_element(8, 5, 1.0));
    /// let bound = model.elbo(&nats, &data, 100, 1)?;
    /// let likelihoods = model.log_likelihood(&nats, &data, 100, 1)?;
    /// assert!(bound.value() < 0.0 && likelihoods.iter().all(|value| *value == likelihoods[0])); // equal samples
    /// # Ok::<(), autoencoder::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error`] if the model is not variational, the data do not suit it or the loss, the loss is
    /// no [negative log-likelihood](Loss::is_log_likelihood), `draws` is 0, or the output of a
    /// layer is not finite. A likelihood too small for the float type is 0, its logarithm −∞;
    /// no result is NaN.
    pub fn elbo(&self, loss: &dyn Loss<T>, data: &dyn Source<T>, draws: usize, seed: u64) -> Result<Elbo, Error> {
        let estimates = self.estimates(loss, data, draws, seed)?;
        let mean = |value: fn(&SampleEstimate) -> f64| {
            estimates.iter().map(value).sum::<f64>() / estimates.len().max(1) as f64
        };
        Ok(Elbo { reconstruction: mean(|estimate| estimate.reconstruction), kl: mean(|estimate| estimate.kl) })
    }

    /// Estimates ln p(x) of each sample x under a variational model: ln of the mean of the
    /// importance weights p(x|z)·p(z) / q(z|x) over `draws` codes z drawn from the posterior;
    /// Burda et al. 2015. Its expectation is a lower bound of ln p(x) that tightens with more
    /// draws; with one, that of [`elbo`](Self::elbo). The same seed gives the same bits for any
    /// number of threads. As for [`elbo`](Self::elbo), p is the density of scaled values, and the
    /// noise of a sample depends on its values, never on its place: equal samples have equal
    /// values.
    ///
    /// # Errors
    /// As [`elbo`](Self::elbo).
    pub fn log_likelihood(
        &self,
        loss: &dyn Loss<T>,
        data: &dyn Source<T>,
        draws: usize,
        seed: u64,
    ) -> Result<Vec<f64>, Error> {
        Ok(self.estimates(loss, data, draws, seed)?.into_iter().map(|estimate| estimate.log_likelihood).collect())
    }

    #[inline(never)] // see `compiled.rs`
    fn estimates(
        &self,
        loss: &dyn Loss<T>,
        data: &dyn Source<T>,
        draws: usize,
        seed: u64,
    ) -> Result<Vec<SampleEstimate>, Error> {
        loss.check()?;
        option::at_least_one("draws", draws)?;
        if loss.reduced_by() != Reduction::SumPerSample {
            return Err(LossError::Reduction { loss: loss.kind() }.into());
        }
        if !loss.is_log_likelihood() {
            return Err(LossError::NotLikelihood { loss: loss.kind() }.into());
        }
        let pairs = Pairs { inputs: data, targets: None };
        let samples = pairs.check(self.network())?;
        let loss_spec = LossSpec::new(self.network(), Some(loss), &[]);
        let order = numbered(0..samples)?;
        let mut estimates = Vec::new();
        for (block, order) in order.chunks(SAMPLES_AT_ONCE).enumerate() {
            let (step, first) = (BatchStep { pairs, loss_spec, noise: None, order }, block * SAMPLES_AT_ONCE);
            let block = Block::read(self, step, seed, draws).map_err(|error| error.after(first))?;
            estimates.extend(block.estimate_all().map_err(|error| error.after(first))?);
        }
        Ok(estimates)
    }
}

/// The results for the codes drawn for one sample.
#[derive(Debug, Clone, Copy, Default)]
struct SampleEstimate {
    log_likelihood: f64,
    reconstruction: f64,
    kl: f64,
}

/// Some samples with their posteriors.
struct Block<'a, T: Scalar> {
    model: &'a Autoencoder<T>,
    loss_spec: LossSpec<'a, T>,
    /// Scaled as the loss compares them: features × samples.
    targets: DMatrix<T>,
    side: DMatrix<T>,
    posterior: Posterior<T>,
    kl: DMatrix<f64>,
    seed: u64,
    draws: usize,
}

impl<'a, T: Scalar> Block<'a, T> {
    fn read(model: &'a Autoencoder<T>, step: BatchStep<'a, T>, seed: u64, draws: usize) -> Result<Self, Error> {
        let (network, samples) = (model.network(), step.order.len());
        let matrix = |features: usize| -> Result<DMatrix<T>, Error> {
            let values = zeros(checked_product("elements of a batch", &[features, samples])?)?;
            Ok(DMatrix::from_vec(features, samples, values))
        };
        let mut inputs = matrix(network.input_shape().elements())?;
        let (mut targets, mut side) = (inputs.clone(), matrix(network.definition().side_input)?);
        let read = Load { input: targets.as_mut_slice(), side: side.as_mut_slice(), target: &mut [] };
        step.load(0..samples, read)?;
        step.pairs.inputs.read(step.order, inputs.as_mut_slice())?;
        let batch = Batch::from(&inputs);
        let posterior = model.encode_distribution(if side.is_empty() { batch } else { batch.with_side(&side) })?;
        let kl = posterior.kl();
        Ok(Self { model, loss_spec: step.loss_spec, targets, side, posterior, kl, seed, draws })
    }

    fn estimate_all(&self) -> Result<Vec<SampleEstimate>, Error> {
        let mut results: Vec<Result<SampleEstimate, Error>> =
            (0..self.targets.ncols()).map(|_| Ok(SampleEstimate::default())).collect();
        parallel::run(Samples { block: self, first: 0, results: &mut results }, true);
        results.into_iter().collect()
    }

    /// Draws codes for sample `sample`, decodes them a few at a time, and computes their weights.
    fn estimate_sample(&self, sample: usize, memory: &mut Memory<T>) -> Result<SampleEstimate, Error> {
        let (network, from_logits) = (self.model.network(), self.loss_spec.fused_activation.is_some());
        let (target, side) = (self.targets.column(sample), self.side.column(sample));
        let mut rng = self.posterior.noise(self.seed, sample).stream();
        let (mut weights, mut reconstruction) = (LogMeanExp::default(), 0.0);
        for first in (0..self.draws).step_by(DRAWS_AT_ONCE) {
            let count = (self.draws - first).min(DRAWS_AT_ONCE);
            memory.draw(count, &self.posterior, sample, &mut rng);
            self.check_codes(memory, count).map_err(|fault| fault.of_sample(sample))?;
            let (codes, sides) = (memory.codes.columns(0, count), DMatrix::from_columns(&vec![side; count]));
            let codes = if sides.is_empty() { Batch::from(&codes) } else { Batch::from(&codes).with_side(&sides) };
            let (layers, ending) = (self.model.decoder_layers(), Ending::Loss { from_logits });
            let predictions = network.infer_to(layers, ending, &mut memory.workspace, codes);
            let predictions = predictions.map_err(|error| error.of_sample(sample))?;
            for (prediction, log_ratio) in predictions.column_iter().zip(&memory.log_ratios) {
                let pass = LossPass::new(self.loss_spec.shape, prediction.as_slice(), target.as_slice())?
                    .from_logits(from_logits);
                let loss = self.loss_spec.value(pass);
                reconstruction += loss / self.draws as f64;
                weights.add(log_ratio - loss);
            }
        }
        let estimate =
            SampleEstimate { log_likelihood: weights.value(), reconstruction, kl: self.kl.column(sample).sum() };
        match estimate.log_likelihood.is_nan() || estimate.reconstruction.is_nan() {
            true => Err(LossError::NotANumber { name: self.loss_spec.name() }.into()),
            false => Ok(estimate),
        }
    }

    /// An error if one of the first `count` codes that have been drawn is not finite.
    fn check_codes(&self, memory: &Memory<T>, count: usize) -> Result<(), InputError> {
        let (latent, _) = self.model.latent()?;
        match memory.codes.columns(0, count).iter().find(|value| !value.is_finite()) {
            Some(value) => Err(self.model.network().fault_of_layer(latent + 1, *value)),
            None => Ok(()),
        }
    }
}

/// The working memory of one thread.
struct Memory<T: Scalar> {
    workspace: Workspace<T>,
    codes: DMatrix<T>,
    /// ln p(z) − ln q(z|x) of each code.
    log_ratios: Vec<f64>,
}

impl<T: Scalar> Memory<T> {
    fn new(block: &Block<'_, T>) -> Result<Self, Error> {
        let (codes, dimensions) = (block.draws.min(DRAWS_AT_ONCE), block.posterior.mean.nrows());
        Ok(Self {
            workspace: block.model.network().workspace_alone(codes)?,
            codes: DMatrix::zeros(dimensions, codes),
            log_ratios: vec![0.0; codes],
        })
    }

    /// Draws the next `count` codes of sample `sample`. With z = μ + exp(½ℓ)·ε, ln p(z) − ln q(z|x)
    /// is the sum over dimensions of ½ (ε² + ℓ − z²).
    fn draw(&mut self, count: usize, posterior: &Posterior<T>, sample: usize, rng: &mut Rng) {
        let (means, log_variances) = (posterior.mean.column(sample), posterior.log_variance.column(sample));
        for (mut code, log_ratio) in self.codes.columns_mut(0, count).column_iter_mut().zip(&mut self.log_ratios) {
            *log_ratio = 0.0;
            for ((value, mean), log_variance) in code.iter_mut().zip(means.iter()).zip(log_variances.iter()) {
                let noise: f64 = StandardNormal.sample(rng);
                *value = *mean + deviation(*log_variance, noise);
                *log_ratio += 0.5 * (noise * noise + log_variance.into_f64() - value.into_f64().powi(2));
            }
        }
    }
}

/// Samples that one thread handles with the same working memory.
const SAMPLES_PIECE: usize = 8;

/// Some of a block's samples.
struct Samples<'a, T: Scalar> {
    block: &'a Block<'a, T>,
    first: usize,
    results: &'a mut [Result<SampleEstimate, Error>],
}

impl<T: Scalar> Samples<'_, T> {
    fn try_each(&mut self) -> Result<(), Error> {
        let mut memory = Memory::new(self.block)?;
        for (index, result) in self.results.iter_mut().enumerate() {
            *result = Ok(self.block.estimate_sample(self.first + index, &mut memory)?);
        }
        Ok(())
    }
}

impl<T: Scalar> Splittable for Samples<'_, T> {
    fn pieces(&self) -> usize {
        self.results.len().div_ceil(SAMPLES_PIECE)
    }

    fn divide(self, at: usize) -> (Self, Self) {
        let samples = at * SAMPLES_PIECE;
        let (left, right) = self.results.split_at_mut(samples);
        let others = Self { block: self.block, first: self.first + samples, results: right };
        (Self { block: self.block, first: self.first, results: left }, others)
    }

    fn run(mut self) {
        if let Err(error) = self.try_each()
            && let Some(first) = self.results.first_mut()
        {
            *first = Err(error);
        }
    }
}

/// ln of the mean of exp(x) over numbers added one by one. The largest is factored out, so nothing
/// overflows.
#[derive(Debug, Clone, Copy)]
struct LogMeanExp {
    largest: f64,
    /// Σ exp(x − largest)
    sum: f64,
    count: usize,
}

impl Default for LogMeanExp {
    fn default() -> Self {
        Self { largest: f64::NEG_INFINITY, sum: 0.0, count: 0 }
    }
}

impl LogMeanExp {
    fn add(&mut self, x: f64) {
        self.count += 1;
        if x > self.largest {
            self.sum = self.sum * (self.largest - x).exp() + 1.0;
            self.largest = x;
        } else if x != f64::NEG_INFINITY {
            self.sum += (x - self.largest).exp();
        }
    }

    fn value(&self) -> f64 {
        self.largest + (self.sum / self.count.max(1) as f64).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_exponentials_does_not_overflow() {
        let of = |values: &[f64]| {
            let mut mean = LogMeanExp::default();
            values.iter().for_each(|value| mean.add(*value));
            mean.value()
        };
        assert!((of(&[0.0, 3.0_f64.ln()]) - 2.0_f64.ln()).abs() < 1e-15);
        for shift in [-100_000.0, 100_000.0] {
            assert!(
                (of(&[shift, shift + 3.0_f64.ln(), f64::NEG_INFINITY]) - shift - (4.0_f64 / 3.0).ln()).abs() < 1e-10
            );
            assert!((of(&[shift + 3.0_f64.ln(), shift]) - shift - 2.0_f64.ln()).abs() < 1e-10);
        }
        assert_eq!(of(&[f64::NEG_INFINITY]), f64::NEG_INFINITY);
        assert!(of(&[0.0, f64::NAN]).is_nan());
    }
}
