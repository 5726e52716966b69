//! [`BatchNorm`]: batch normalisation.

use std::sync::Arc;

use super::{
    Backward, BackwardSums, BatchStatistics, Context, Forward, Initializer, Layer, Mirror, MirrorOutput, Mode,
    ParameterSpec, Plan, StateSpec,
};
use crate::shape::checked_product;
use crate::{Config, ConfigError, Scalar, Shape, ShapeError, invariant, option};

const GAMMA: usize = 0;
const BETA: usize = 1;

/// Batch normalisation: y = γ·(x − μ)/√(v + ε) + β for each channel; Ioffe and Szegedy 2015. Rules
/// and defaults (momentum 0.99, ε = 10⁻³, initially γ = 1 and β = 0) are Keras's.
///
/// Input and output: any shape. Channels are the last dimension: the channels of an image, the
/// features of a flat sample. In training μ and v are the mean and the variance (divided by n, not
/// n − 1) over all pixels of the whole batch, whatever the number of threads. In inference they are
/// the running ones, m ← momentum·m + (1 − momentum)·μ after each step, kept in the model's state
/// and its file; a batch with one value per channel, whose variance is 0, leaves them as they are.
/// PyTorch's momentum is 1 minus this one, its ε is 10⁻⁵, and its running variance is divided by n
/// − 1. Frozen ([`Network::freeze`](crate::Network::freeze)), it normalises with the running ones
/// in training, too, and leaves them as they are.
///
/// The layer before it needs no bias. A mirrored decoder normalises the same channels.
///
/// ```
/// use autoencoder::{Activation, BatchNorm, Dense, Network, Shape};
///
/// let network = Network::<f32>::builder(Shape::flat(8))
///     .layer(Dense::new(4).without_bias())
///     .layer(BatchNorm::new())
///     .layer(Activation::Relu)
///     .build()?;
/// let state: Vec<_> = network.state().map(|state| state.name).collect();
/// assert_eq!(state, ["layers.1.running_mean", "layers.1.running_variance"]);
/// # Ok::<(), autoencoder::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BatchNorm {
    momentum: f64,
    epsilon: f64,
}

impl Default for BatchNorm {
    fn default() -> Self {
        Self::new()
    }
}

impl BatchNorm {
    /// Keras's defaults.
    pub fn new() -> Self {
        Self { momentum: 0.99, epsilon: 1e-3 }
    }

    /// How much of the running mean and variance a step keeps, in 0..1. With few steps per epoch, a
    /// value below 0.99 makes them follow sooner.
    #[must_use]
    pub fn momentum(mut self, momentum: f64) -> Self {
        self.momentum = momentum;
        self
    }

    /// Sets ε, which is added to the variance; above 0.
    #[must_use]
    pub fn epsilon(mut self, epsilon: f64) -> Self {
        self.epsilon = epsilon;
        self
    }

    /// Rebuilds the layer from its [`config`](Layer::config).
    ///
    /// # Errors
    /// [`ConfigError`] if an entry is missing, unknown or invalid.
    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        let config = config.only(&["momentum", "epsilon"])?;
        Ok(Self { momentum: config.number("momentum")?, epsilon: config.number("epsilon")? })
    }

    /// 1/√(v + ε)
    fn factor(&self, variance: f64) -> f64 {
        1.0 / (variance + self.epsilon).sqrt()
    }

    /// Writes what a channel's values are shifted by, their mean, and multiplied by, γ/√(v + ε),
    /// from the mean and the variance of each channel.
    fn set_channels<T: Scalar>(
        &self,
        moments: impl Iterator<Item = (f64, f64)>,
        gamma: &[T],
        means: &mut [T],
        slopes: &mut [T],
    ) {
        for (((mean, variance), gamma), (to_mean, to_slope)) in moments.zip(gamma).zip(means.iter_mut().zip(slopes)) {
            *to_mean = T::from_f64(mean);
            *to_slope = T::from_f64(gamma.into_f64() * self.factor(variance));
        }
    }

    /// The running moments do not depend on x, so its gradient is γa·g. Those of γ and β are Σg(x −
    /// μ)a and Σg.
    fn backward_in_inference<T: Scalar>(&self, context: &Context<'_, T>, mut pass: Backward<'_, T>) {
        let channels = context.input_shape.channels();
        let [means, factors] = pieces(pass.scratch, channels);
        let moments = moments_in(context.mode, &[], 1.0, context.state);
        for ((mean, factor), (running_mean, variance)) in means.iter_mut().zip(factors.iter_mut()).zip(moments) {
            (*mean, *factor) = (T::from_f64(running_mean), T::from_f64(self.factor(variance)));
        }
        let pixels = || pass.output_gradient.chunks_exact(channels).zip(pass.input.chunks_exact(channels));
        for (gradients, inputs) in pixels() {
            let values = gradients.iter().zip(inputs).zip(means.iter().zip(&*factors));
            for (sum, ((gradient, input), (mean, factor))) in pass.gradients.of(GAMMA).iter_mut().zip(values) {
                *sum += *gradient * (*input - *mean) * *factor;
            }
            pass.gradients.of(BETA).iter_mut().zip(gradients).for_each(|(sum, gradient)| *sum += *gradient);
        }
        let Some(input_gradient) = pass.input_gradient else { return };
        let gamma = context.parameters.of(GAMMA);
        for (to, (gradients, _)) in input_gradient.chunks_exact_mut(channels).zip(pixels()) {
            for ((to, gradient), (gamma, factor)) in to.iter_mut().zip(gradients).zip(gamma.iter().zip(&*factors)) {
                *to = *gradient * *gamma * *factor;
            }
        }
    }
}

/// Each channel's mean and variance over the batch, from the sums of x and of x² over `count`
/// values.
fn moments(sums: &[f64], count: f64) -> impl Iterator<Item = (f64, f64)> {
    let (sums, squares) = sums.split_at(sums.len() / 2);
    sums.iter().zip(squares).map(move |(sum, square)| {
        let mean = sum / count;
        let variance = square / count - mean * mean;
        (mean, if variance < 0.0 { 0.0 } else { variance }) // rounding may make it negative; NaN stays NaN
    })
}

/// Each channel's mean and variance in a pass: those of the batch in training, else the running
/// ones.
fn moments_in<T: Scalar>(mode: Mode, statistics: &[f64], count: f64, state: &[T]) -> impl Iterator<Item = (f64, f64)> {
    let (means, variances) = state.split_at(state.len() / 2);
    let running = means.iter().zip(variances).map(|(mean, variance)| (mean.into_f64(), variance.into_f64()));
    let (batch, running) = match mode {
        Mode::Training => (Some(moments(statistics, count)), None),
        Mode::Validation | Mode::Inference => (None, Some(running)),
    };
    batch.into_iter().flatten().chain(running.into_iter().flatten())
}

/// Splits `scratch` into `N` pieces of one number per channel.
fn pieces<T, const N: usize>(scratch: &mut [T], channels: usize) -> [&mut [T]; N] {
    let mut chunks = scratch.chunks_exact_mut(channels.max(1));
    std::array::from_fn(|_| invariant::some(chunks.next(), "batch normalisation has scratch for each of its vectors"))
}

impl<T: Scalar> Layer<T> for BatchNorm {
    fn kind(&self) -> &'static str {
        "batch_norm"
    }

    fn config(&self) -> Config {
        Config::new().with("momentum", self.momentum).with("epsilon", self.epsilon)
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        option::share("momentum", self.momentum)?;
        option::positive("epsilon", self.epsilon)?;
        let channels = input.channels();
        Ok(Plan::new(input)
            .parameter(ParameterSpec::new("gamma", &[channels], Initializer::Constant(1.0)))
            .parameter(ParameterSpec::new("beta", &[channels], Initializer::Zeros))
            .state(StateSpec::new("running_mean", channels, 0.0))
            .state(StateSpec::new("running_variance", channels, 1.0))
            .scratch(checked_product("channels", &[4, channels])?)
            .forward_statistics(checked_product("statistics", &[2, channels])?)
            .backward_statistics(checked_product("statistics", &[2, channels])?)
            .work_per_sample(input.elements().saturating_mul(4)))
    }

    #[inline(never)] // see `compiled.rs`
    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        let channels = context.input_shape.channels();
        let (gamma, beta) = (context.parameters.of(GAMMA), context.parameters.of(BETA));
        let [means, slopes] = pieces(pass.scratch, channels);
        let count = context.input_shape.values_per_channel(context.batch);
        self.set_channels(moments_in(context.mode, context.statistics, count, context.state), gamma, means, slopes);
        let pixels = pass.output.chunks_exact_mut(channels.max(1)).zip(pass.input.chunks_exact(channels.max(1)));
        for (output, input) in pixels {
            let channel = means.iter().zip(&*slopes).zip(beta);
            for ((output, input), ((mean, slope), beta)) in output.iter_mut().zip(input).zip(channel) {
                *output = (*input - *mean) * *slope + *beta;
            }
        }
    }

    /// With n values per channel and a = 1/√(v + ε), the gradients are: x: γa·(g − Σg/n − (x −
    /// μ)·a²·Σg(x − μ)/n), γ: a·Σg(x − μ), β: Σg. The sums already cover the whole batch, so
    /// each micro-batch adds its share of the last two.
    #[inline(never)] // see `compiled.rs`
    fn backward(&self, context: &Context<'_, T>, mut pass: Backward<'_, T>) {
        if context.mode != Mode::Training {
            return self.backward_in_inference(context, pass);
        }
        let channels = context.input_shape.channels().max(1);
        let count = context.input_shape.values_per_channel(context.batch);
        let share = context.samples as f64 / context.batch.max(1) as f64;
        let (sums, products) = context.gradient_statistics.split_at(context.gradient_statistics.len() / 2);
        let moments = || moments_in(context.mode, context.statistics, count, context.state);
        for ((gradient, product), (_, variance)) in pass.gradients.of(GAMMA).iter_mut().zip(products).zip(moments()) {
            *gradient += T::from_f64(share * product * self.factor(variance));
        }
        for (gradient, sum) in pass.gradients.of(BETA).iter_mut().zip(sums) {
            *gradient += T::from_f64(share * sum);
        }
        let Some(input_gradient) = pass.input_gradient else { return };
        let [means, slopes, shifts, pulls] = pieces(pass.scratch, channels);
        self.set_channels(moments(), context.parameters.of(GAMMA), means, slopes);
        [&mut *shifts, &mut *pulls].into_iter().for_each(|of_batch| of_batch.fill(T::zero()));
        let from = sums.iter().zip(products).zip(moments());
        for ((shift, pull), ((sum, product), (_, variance))) in shifts.iter_mut().zip(pulls.iter_mut()).zip(from) {
            let factor = self.factor(variance);
            *shift = T::from_f64(sum / count);
            *pull = T::from_f64(factor * factor * product / count);
        }
        let pixels = input_gradient.chunks_exact_mut(channels).zip(pass.output_gradient.chunks_exact(channels));
        for ((to, gradient), input) in pixels.zip(pass.input.chunks_exact(channels)) {
            let channel = means.iter().zip(&*slopes).zip(shifts.iter().zip(&*pulls));
            let values = to.iter_mut().zip(gradient).zip(input);
            for (((to, gradient), input), ((mean, slope), (shift, pull))) in values.zip(channel) {
                *to = *slope * (*gradient - *shift - (*input - *mean) * *pull);
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

impl<T: Scalar> BatchStatistics<T> for BatchNorm {
    /// Σx and Σx², in `f64`: the squares of `f32` are exact there, and the cancellation error of
    /// their difference, about 10⁻¹⁶ μ², is far below ε unless |μ| > 10⁶.
    #[inline(never)] // see `compiled.rs`
    fn forward_sums(&self, context: &Context<'_, T>, input: &[T], sums: &mut [f64]) {
        let channels = context.input_shape.channels();
        let [sums, squares] = pieces(sums, channels);
        for pixel in input.chunks_exact(channels.max(1)) {
            for ((value, sum), square) in pixel.iter().zip(sums.iter_mut()).zip(squares.iter_mut()) {
                let value = value.into_f64();
                *sum += value;
                *square += value * value;
            }
        }
    }

    /// Σg and Σg·(x − μ)
    #[inline(never)] // see `compiled.rs`
    fn backward_sums(&self, context: &Context<'_, T>, pass: BackwardSums<'_, T>, sums: &mut [f64]) {
        let channels = context.input_shape.channels().max(1);
        let share = 1.0 / context.input_shape.values_per_channel(context.batch);
        let [sums, products] = pieces(sums, channels);
        for (gradient, input) in pass.output_gradient.chunks_exact(channels).zip(pass.input.chunks_exact(channels)) {
            let to = sums.iter_mut().zip(products.iter_mut()).zip(context.statistics);
            for ((gradient, input), ((sum, product), total)) in gradient.iter().zip(input).zip(to) {
                let gradient = gradient.into_f64();
                *sum += gradient;
                *product += gradient * (input.into_f64() - total * share);
            }
        }
    }

    fn update_state(&self, context: &Context<'_, T>, state: &mut [T]) {
        let count = context.input_shape.values_per_channel(context.batch);
        if count <= 1.0 {
            return; // one value has no variance: it would say that the data have none
        }
        let (means, variances) = state.split_at_mut(state.len() / 2);
        // A variance may overflow `T`, and the difference of two infinite sums is NaN; a model
        // whose state is not finite could not be saved.
        let blend = |old: &mut T, new: f64| {
            let blended = T::from_f64(self.momentum * old.into_f64() + (1.0 - self.momentum) * new);
            if !blended.is_nan() {
                *old = blended.clamp(-T::max_value(), T::max_value());
            }
        };
        let moments = moments(context.statistics, count);
        for ((running_mean, running_variance), (mean, variance)) in means.iter_mut().zip(variances).zip(moments) {
            blend(running_mean, mean);
            blend(running_variance, variance);
        }
    }
}

impl<T: Scalar> Mirror<T> for BatchNorm {
    /// Normalises the same channels.
    fn mirrored(&self, _input: Shape, _output: MirrorOutput) -> Option<Vec<Arc<dyn Layer<T>>>> {
        Some(vec![Arc::new(*self)])
    }

    fn is_repeated(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variance_is_never_negative_and_nan_stays() {
        let variance = |sum: f64, square: f64| moments(&[sum, square], 4.0).map(|(_, variance)| variance).sum::<f64>();
        assert_eq!(variance(4.0, 4.0 - 1e-15), 0.0);
        assert_eq!(variance(4.0, 8.0), 1.0);
        assert!(variance(f64::NAN, f64::NAN).is_nan() && variance(f64::INFINITY, f64::INFINITY).is_nan());
    }
}
