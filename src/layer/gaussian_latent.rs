//! [`GaussianLatent`]: the code of a variational autoencoder.

use std::sync::Arc;

use rand_distr::{Distribution, StandardNormal};

use super::{
    Backward, BatchStatistics, Context, Forward, KlAnnealing, Latent, Layer, Mirror, MirrorOutput, Mode, Plan,
    deviation, divergence,
};
use crate::{Config, ConfigError, OptionError, Scalar, Shape, ShapeError, option};

/// Up to this magnitude a log-variance is used as is; beyond, it approaches twice this magnitude.
const STRAIGHT: f64 = 10.0;

/// The code of a variational autoencoder: z = μ + exp(½ℓ)·ε with standard normal ε in training and
/// validation, z = μ in inference; Kingma and Welling 2013. The last layer of an encoder.
///
/// Input: twice as many channels as the output, first the means μ, then the log-variances ℓ. A
/// linear layer computes both:
///
/// ```
/// use autoencoder::{Activation, Autoencoder, Dense, GaussianLatent, Shape};
///
/// let model = Autoencoder::<f32>::builder(Shape::flat(784))
///     .encoder(Dense::new(400).activation(Activation::Relu))
///     .encoder(Dense::new(2 * 40)) // 40 means and 40 log-variances
///     .encoder(GaussianLatent::new())
///     .decoder(Dense::new(400).activation(Activation::Relu))
///     .decoder(Dense::new(784).activation(Activation::Sigmoid))
///     .build()?;
/// assert_eq!(model.code_shape(), Shape::flat(40));
/// # Ok::<(), autoencoder::Error>(())
/// ```
///
/// Adds to the loss the divergence from the standard normal prior, summed over a sample's
/// dimensions and averaged over samples:
///
/// KL = ½ (μ² + exp ℓ − 1 − ℓ), in nats,
///
/// times β and the current share of [`warm_up`](Self::warm_up). A history reports this penalty as
/// `kl_weighted` and the divergence itself as the figure `kl`. The loss must be a negative
/// log-likelihood in nats: [`Bce`](struct@crate::Bce) with
/// [`Reduction::SumPerSample`](crate::Reduction::SumPerSample), or
/// [`GaussianNll`](crate::GaussianNll).
///
/// In validation the noise is the same after every epoch, and the divergence has its full weight β,
/// without warm-up or free bits. The sum of loss and divergence is
/// [`Epoch::validation_total`](crate::Epoch::validation_total), which
/// [`EarlyStopping`](crate::EarlyStopping) and [`OnPlateau`](crate::OnPlateau) watch; with β = 1 it
/// estimates −[`elbo`](crate::Autoencoder::elbo). Their patience ignores epochs of a warm-up.
///
/// Nothing overflows: ℓ is the input where that is within ±10, and ±(10 + 10·tanh((|x| − 10) / 10))
/// for an input x beyond, which is smooth and stays within ±20.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GaussianLatent {
    beta: f64,
    warm_up: KlAnnealing,
    free_bits: f64,
}

impl Default for GaussianLatent {
    fn default() -> Self {
        Self::new()
    }
}

impl GaussianLatent {
    /// A latent layer with β = 1.
    pub fn new() -> Self {
        Self { beta: 1.0, warm_up: KlAnnealing::None, free_bits: 0.0 }
    }

    /// Weights the divergence by `beta`, at least 0. Values above 1 encourage disentangled
    /// dimensions; Higgins et al. 2017.
    #[must_use]
    pub fn beta(mut self, beta: f64) -> Self {
        self.beta = beta;
        self
    }

    /// Starts with a small weight, so that the code does not collapse before the decoder uses it.
    /// The patience of [`EarlyStopping`](crate::EarlyStopping) and
    /// [`OnPlateau`](crate::OnPlateau) waits until the full weight is reached for the first time.
    #[must_use]
    pub fn warm_up(mut self, warm_up: KlAnnealing) -> Self {
        self.warm_up = warm_up;
        self
    }

    /// Leaves the first `nats` of each dimension's divergence unpenalised: its term is max(nats,
    /// mean of its KL over the batch); Kingma et al. 2016. At least 0, the default.
    #[must_use]
    pub fn free_bits(mut self, nats: f64) -> Self {
        self.free_bits = nats;
        self
    }

    /// Rebuilds the layer from its [`config`](Layer::config).
    ///
    /// # Errors
    /// [`ConfigError`] if an entry is missing, unknown or invalid.
    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        let config = config.only(&["beta", "warm_up", "free_bits"])?;
        Ok(Self {
            beta: config.number("beta")?,
            warm_up: KlAnnealing::from_config(config.config("warm_up")?)?,
            free_bits: config.number("free_bits")?,
        })
    }

    fn check(&self) -> Result<(), OptionError> {
        option::not_negative("beta", self.beta)?;
        option::not_negative("free_bits", self.free_bits)?;
        self.warm_up.check()
    }

    /// The weight of the divergence after `epoch` epochs.
    fn weight(&self, epoch: f64) -> f64 {
        self.beta * self.warm_up.share(epoch)
    }

    /// The unweighted term of the objective: `kl` of this part or, with free bits, this part's
    /// share of the floored sums over the whole batch.
    fn term(&self, kl: f64, statistics: &[f64], samples: usize, batch: usize) -> f64 {
        match self.free_bits > 0.0 {
            true => {
                let mean = |sum: &f64| sum / batch as f64;
                let floored =
                    statistics.iter().map(|sum| if mean(sum) < self.free_bits { self.free_bits } else { mean(sum) });
                samples as f64 * floored.sum::<f64>()
            }
            false => kl,
        }
    }

    /// Whether the dimension's mean divergence over the batch exceeds the free bits, or is NaN.
    fn counts(&self, statistics: &[f64], dimension: usize, batch: usize) -> bool {
        let exceeds = |mean: f64| mean > self.free_bits || mean.is_nan();
        self.free_bits == 0.0 || statistics.get(dimension).is_some_and(|sum| exceeds(sum / batch as f64))
    }
}

/// The log-variance for an input, and its derivative.
fn bounded<T: Scalar>(input: T) -> (T, T) {
    let straight = T::from_f64(STRAIGHT);
    if input.abs() <= straight {
        return (input, T::one());
    }
    let bent = ((input.abs() - straight) / straight).tanh();
    ((straight + straight * bent) * input.signum(), T::one() - bent * bent)
}

/// The means in an input: the first half of each pixel's channels. `channels` is that of the
/// output.
fn means<T>(input: &[T], channels: usize) -> impl Iterator<Item = &T> {
    input.chunks_exact(2 * channels.max(1)).flat_map(move |pixel| pixel.iter().take(channels))
}

/// The unbounded log-variances in an input: the second half.
fn logarithms<T>(input: &[T], channels: usize) -> impl Iterator<Item = &T> {
    input.chunks_exact(2 * channels.max(1)).flat_map(move |pixel| pixel.iter().skip(channels))
}

fn means_mut<T>(input: &mut [T], channels: usize) -> impl Iterator<Item = &mut T> {
    input.chunks_exact_mut(2 * channels.max(1)).flat_map(move |pixel| pixel.iter_mut().take(channels))
}

fn logarithms_mut<T>(input: &mut [T], channels: usize) -> impl Iterator<Item = &mut T> {
    input.chunks_exact_mut(2 * channels.max(1)).flat_map(move |pixel| pixel.iter_mut().skip(channels))
}

impl<T: Scalar> Layer<T> for GaussianLatent {
    fn kind(&self) -> &'static str {
        "gaussian_latent"
    }

    fn config(&self) -> Config {
        Config::new().with("beta", self.beta).with("warm_up", self.warm_up.config()).with("free_bits", self.free_bits)
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        self.check()?;
        let Some((channels, before)) = input.dimensions().split_last().filter(|(last, _)| last.is_multiple_of(2))
        else {
            let expected = "an even number of channels, means before logarithms of variances";
            return Err(ShapeError::Unsuitable { expected, shape: input });
        };
        let output = Shape::new(&[before, &[channels / 2]].concat())?;
        let waits_for = if self.free_bits > 0.0 { output.elements() } else { 0 };
        Ok(Plan::new(output)
            .cache_per_sample(input.elements())
            .forward_statistics(waits_for)
            .penalty("kl_weighted")
            .diagnostic("kl")
            .likelihood_terms()
            .annealing_epochs(if self.beta > 0.0 { self.warm_up.first_whole() } else { 0.0 }))
    }

    fn latent(&self) -> Option<&dyn Latent<T>> {
        Some(self)
    }

    /// Caches z − μ and exp ℓ of each dimension.
    #[inline(never)] // see `compiled.rs`
    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        let channels = context.output_shape.channels();
        let ([penalty], [reported]) = (pass.penalties, pass.diagnostics) else {
            pass.output.iter_mut().zip(means(pass.input, channels)).for_each(|(output, mean)| *output = *mean);
            return; // in inference
        };
        let (inputs, outputs) = (context.input_shape.elements(), context.output_shape.elements());
        let samples = pass.input.chunks_exact(inputs).zip(pass.output.chunks_exact_mut(outputs));
        let mut kl = 0.0;
        for (position, ((input, output), cache)) in samples.zip(pass.cache.chunks_exact_mut(inputs)).enumerate() {
            let mut rng = context.random.sample(position);
            let (deviations, variances) = cache.split_at_mut(outputs);
            let distributions = means(input, channels).zip(logarithms(input, channels));
            let drawn = output.iter_mut().zip(deviations).zip(variances);
            for ((mean, raw), ((output, to_deviation), variance)) in distributions.zip(drawn) {
                let (log_variance, _) = bounded(*raw);
                let noise: f64 = StandardNormal.sample(&mut rng);
                *to_deviation = deviation(log_variance, noise);
                *variance = log_variance.exp();
                *output = *mean + *to_deviation;
                kl += divergence(*mean, log_variance);
            }
        }
        *penalty += match context.mode {
            Mode::Training => {
                self.weight(context.epoch) * self.term(kl, context.statistics, context.samples, context.batch)
            }
            Mode::Validation | Mode::Inference => self.beta * kl,
        };
        *reported += kl;
    }

    /// ∂/∂μ = g + w μ and ∂/∂ℓ = ½ g (z − μ) + ½ w (exp ℓ − 1) with the output's gradient g, and w
    /// the dimension's weight over the batch's samples.
    #[inline(never)] // see `compiled.rs`
    fn backward(&self, context: &Context<'_, T>, pass: Backward<'_, T>) {
        let Some(input_gradient) = pass.input_gradient else { return };
        let (inputs, outputs) = (context.input_shape.elements(), context.output_shape.elements());
        let channels = context.output_shape.channels();
        if context.mode == Mode::Inference {
            return back_to_means(channels, pass.output_gradient, input_gradient);
        }
        let weight = T::from_f64(self.weight(context.epoch) / context.batch as f64);
        let counts = |dimension| self.counts(context.statistics, dimension, context.batch);
        let weights = || (0..outputs).map(|dimension| if counts(dimension) { weight } else { T::zero() });
        let half = T::from_f64(0.5);
        let samples = pass.input.chunks_exact(inputs).zip(pass.cache.chunks_exact(inputs));
        let gradients = pass.output_gradient.chunks_exact(outputs).zip(input_gradient.chunks_exact_mut(inputs));
        for ((input, cache), (gradient, to)) in samples.zip(gradients) {
            let of_means = means_mut(to, channels).zip(gradient);
            for (((to, gradient), mean), weight) in of_means.zip(means(input, channels)).zip(weights()) {
                *to = *gradient + weight * *mean;
            }
            let (deviations, variances) = cache.split_at(outputs);
            let drawn = deviations.iter().zip(variances).zip(weights());
            let of_logarithms = logarithms_mut(to, channels).zip(gradient).zip(logarithms(input, channels));
            for (((to, gradient), raw), ((deviation, variance), weight)) in of_logarithms.zip(drawn) {
                let (_, slope) = bounded(*raw);
                *to = half * (*gradient * *deviation + weight * (*variance - T::one())) * slope;
            }
        }
    }

    fn batch_statistics(&self) -> Option<&dyn BatchStatistics<T>> {
        Some(self)
    }

    fn mirror(&self) -> Option<&dyn Mirror<T>> {
        Some(self)
    }
}

impl<T: Scalar> BatchStatistics<T> for GaussianLatent {
    /// Σ KL for each dimension.
    #[inline(never)] // see `compiled.rs`
    fn forward_sums(&self, context: &Context<'_, T>, input: &[T], sums: &mut [f64]) {
        let channels = context.input_shape.channels() / 2;
        for sample in input.chunks_exact(context.input_shape.elements()) {
            let distributions = means(sample, channels).zip(logarithms(sample, channels));
            for ((mean, raw), sum) in distributions.zip(sums.iter_mut()) {
                *sum += divergence(*mean, bounded(*raw).0);
            }
        }
    }
}

impl<T: Scalar> Mirror<T> for GaussianLatent {
    /// Empty: the decoder reads the code itself.
    fn mirrored(&self, _input: Shape, _output: MirrorOutput) -> Option<Vec<Arc<dyn Layer<T>>>> {
        Some(Vec::new())
    }
}

impl<T: Scalar> Latent<T> for GaussianLatent {
    #[inline(never)] // see `compiled.rs`
    fn posterior(&self, output_shape: Shape, input: &[T], mean: &mut [T], log_variance: &mut [T]) {
        let channels = output_shape.channels();
        mean.iter_mut().zip(means(input, channels)).for_each(|(to, from)| *to = *from);
        log_variance.iter_mut().zip(logarithms(input, channels)).for_each(|(to, from)| *to = bounded(*from).0);
    }
}

/// In inference the output is the mean, and the variances have no gradient.
fn back_to_means<T: Scalar>(channels: usize, output_gradient: &[T], input_gradient: &mut [T]) {
    input_gradient.fill(T::zero());
    means_mut(input_gradient, channels).zip(output_gradient).for_each(|(to, gradient)| *to = *gradient);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_bits_do_not_hide_nan() {
        let layer = GaussianLatent::new().free_bits(0.5);
        assert_eq!(layer.term(9.0, &[4.0, 0.2], 2, 4), 2.0 * (1.0 + 0.5));
        assert!(layer.term(9.0, &[4.0, f64::NAN], 2, 4).is_nan());
        let counted = [4.0, 0.2, f64::NAN].map(|sum| layer.counts(&[sum], 0, 4));
        assert_eq!(counted, [true, false, true]);
        assert!(bounded(f32::NAN).0.is_nan() && bounded(f32::NAN).1.is_nan());
    }
}
