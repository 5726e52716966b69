//! [`L1Activity`] and [`TargetRate`]: penalties that make codes sparse.

use std::sync::Arc;

use super::{Backward, BatchStatistics, Context, Forward, Layer, Mirror, MirrorOutput, Mode, Plan};
use crate::{Config, ConfigError, OptionError, Scalar, Shape, ShapeError, option};

/// Passes its input on unchanged and adds the penalty λ Σ|x| to the loss: summed over the units,
/// averaged over samples. Equals Keras's `activity_regularizer=L1(λ)` on the layer before it;
/// sparse coding's penalty, Olshausen and Field 1996. The penalty is reported as `l1`.
///
/// Input and output: any shape, the same for both.
///
/// ```
/// use autoencoder::{Activation, Autoencoder, Dense, L1Activity, Shape};
///
/// let model = Autoencoder::<f32>::builder(Shape::flat(784))
///     .encoder(Dense::new(32).activation(Activation::Relu))
///     .encoder(L1Activity::new(1e-4))
///     .decoder(Dense::new(784).activation(Activation::Sigmoid))
///     .build()?;
/// # Ok::<(), autoencoder::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct L1Activity {
    weight: f64,
}

impl L1Activity {
    /// The penalty with λ = `weight`, at least 0.
    pub fn new(weight: f64) -> Self {
        Self { weight }
    }

    /// Rebuilds the layer from its [`config`](Layer::config).
    ///
    /// # Errors
    /// [`ConfigError`] if an entry is missing, unknown or invalid.
    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self { weight: config.only(&["weight"])?.number("weight")? })
    }
}

impl<T: Scalar> Layer<T> for L1Activity {
    fn kind(&self) -> &'static str {
        "l1_activity"
    }

    fn config(&self) -> Config {
        Config::new().with("weight", self.weight)
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        option::not_negative("weight", self.weight)?;
        Ok(Plan::new(input).penalty("l1"))
    }

    #[inline(never)] // see `compiled.rs`
    fn forward(&self, _context: &Context<'_, T>, pass: Forward<'_, T>) {
        pass.output.copy_from_slice(pass.input);
        if let [penalty] = pass.penalties {
            *penalty += self.weight * pass.input.iter().map(|value| value.into_f64().abs()).sum::<f64>();
        }
    }

    /// The derivative of |x| at 0 is taken to be 0, as in Keras.
    #[inline(never)] // see `compiled.rs`
    fn backward(&self, context: &Context<'_, T>, pass: Backward<'_, T>) {
        let Some(input_gradient) = pass.input_gradient else { return };
        if context.mode == Mode::Inference {
            return input_gradient.copy_from_slice(pass.output_gradient); // there is no penalty
        }
        let slope = T::from_f64(self.weight / context.batch as f64);
        for ((to, gradient), value) in input_gradient.iter_mut().zip(&*pass.output_gradient).zip(pass.input) {
            *to = match *value == T::zero() {
                true => *gradient,
                false => *gradient + slope * value.signum(),
            };
        }
    }

    fn mirror(&self) -> Option<&dyn Mirror<T>> {
        Some(self)
    }
}

impl<T: Scalar> Mirror<T> for L1Activity {
    /// Empty: a decoder does not need it.
    fn mirrored(&self, _input: Shape, _output: MirrorOutput) -> Option<Vec<Arc<dyn Layer<T>>>> {
        Some(Vec::new())
    }
}

/// Closer than this to 0 or 1, the divergence is replaced by its tangent, so that a unit that is
/// never active has a finite gradient.
const EDGE: f64 = 1e-4;

/// The edge is at most this share of the target rate (or of its distance to 1), so that the
/// divergence is still smallest at the target rate.
const EDGE_SHARE: f64 = 0.1;

/// Passes its input on unchanged and adds β Σⱼ KL(ρ ‖ ρ̂ⱼ) to the loss, with the target rate ρ, the
/// mean activity ρ̂ⱼ of unit j over the whole batch, and KL(ρ ‖ ρ̂) = ρ ln(ρ/ρ̂) + (1 − ρ) ln((1 −
/// ρ)/(1 − ρ̂)); Ng, *Sparse autoencoder* (CS294A lecture notes), 2011.
///
/// Input and output: any shape, the same for both.
/// Expects activities in 0..1: put it after a layer with a sigmoid. A unit is a feature of a flat
/// sample, or a channel of an image (then ρ̂ⱼ also averages over pixels). Below ρ̂ = min(10⁻⁴,
/// ρ/10) and above 1 − min(10⁻⁴, (1 − ρ)/10) the divergence is replaced by its tangent. The penalty
/// is reported as `target_rate`.
///
/// ```
/// use autoencoder::{Activation, Autoencoder, Dense, Shape, TargetRate};
///
/// let model = Autoencoder::<f32>::builder(Shape::flat(64))
///     .encoder(Dense::new(25).activation(Activation::Sigmoid))
///     .encoder(TargetRate::new(0.01, 3.0)) // each unit active in one sample in a hundred
///     .decoder(Dense::new(64).activation(Activation::Sigmoid))
///     .build()?;
/// # Ok::<(), autoencoder::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TargetRate {
    rate: f64,
    weight: f64,
}

impl TargetRate {
    /// The penalty with ρ = `rate`, between 0 and 1, and β = `weight`, at least 0.
    pub fn new(rate: f64, weight: f64) -> Self {
        Self { rate, weight }
    }

    /// Rebuilds the layer from its [`config`](Layer::config).
    ///
    /// # Errors
    /// [`ConfigError`] if an entry is missing, unknown or invalid.
    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        let config = config.only(&["rate", "weight"])?;
        Ok(Self { rate: config.number("rate")?, weight: config.number("weight")? })
    }

    /// KL(ρ ‖ ρ̂) for ρ̂ = `active`, and its derivative with respect to ρ̂.
    fn divergence(&self, active: f64) -> (f64, f64) {
        let edge = |share: f64| EDGE.min(EDGE_SHARE * share);
        let (rate, inside) = (self.rate, active.clamp(edge(self.rate), 1.0 - edge(1.0 - self.rate)));
        let value = rate * (rate / inside).ln() + (1.0 - rate) * ((1.0 - rate) / (1.0 - inside)).ln();
        let slope = (1.0 - rate) / (1.0 - inside) - rate / inside;
        (value + slope * (active - inside), slope)
    }
}

impl<T: Scalar> Layer<T> for TargetRate {
    fn kind(&self) -> &'static str {
        "target_rate"
    }

    fn config(&self) -> Config {
        Config::new().with("rate", self.rate).with("weight", self.weight)
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        let accepted = self.rate > 0.0 && self.rate < 1.0;
        OptionError::require(accepted, "rate", self.rate, "a number between 0 and 1")?;
        option::not_negative("weight", self.weight)?;
        Ok(Plan::new(input).forward_statistics(input.channels()).penalty("target_rate"))
    }

    #[inline(never)] // see `compiled.rs`
    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        pass.output.copy_from_slice(pass.input);
        if let [penalty] = pass.penalties {
            let count = context.input_shape.values_per_channel(context.batch);
            let divergences = context.statistics.iter().map(|sum| self.divergence(sum / count).0);
            *penalty += context.samples as f64 * self.weight * divergences.sum::<f64>();
        }
    }

    #[inline(never)] // see `compiled.rs`
    fn backward(&self, context: &Context<'_, T>, pass: Backward<'_, T>) {
        let Some(input_gradient) = pass.input_gradient else { return };
        if context.mode == Mode::Inference {
            return input_gradient.copy_from_slice(pass.output_gradient); // there is no penalty
        }
        let (channels, count) = (context.input_shape.channels(), context.input_shape.values_per_channel(context.batch));
        let pixels = input_gradient.chunks_exact_mut(channels).zip(pass.output_gradient.chunks_exact(channels));
        for (to, gradients) in pixels {
            for ((to, gradient), sum) in to.iter_mut().zip(gradients).zip(context.statistics) {
                *to = *gradient + T::from_f64(self.weight * self.divergence(sum / count).1 / count);
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

impl<T: Scalar> BatchStatistics<T> for TargetRate {
    /// The sum of each unit's activities.
    #[inline(never)] // see `compiled.rs`
    fn forward_sums(&self, context: &Context<'_, T>, input: &[T], sums: &mut [f64]) {
        for pixel in input.chunks_exact(context.input_shape.channels()) {
            sums.iter_mut().zip(pixel).for_each(|(sum, value)| *sum += value.into_f64());
        }
    }
}

impl<T: Scalar> Mirror<T> for TargetRate {
    /// Empty: a decoder does not need it.
    fn mirrored(&self, _input: Shape, _output: MirrorOutput) -> Option<Vec<Arc<dyn Layer<T>>>> {
        Some(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_divergence_is_least_at_the_rate() {
        for rate in [1e-6, 1e-4, 0.01, 0.5, 0.99, 1.0 - 1e-4, 1.0 - 1e-6] {
            let penalty = TargetRate::new(rate, 1.0);
            let (value, slope) = penalty.divergence(rate);
            assert!(value.abs() < 1e-12 && slope.abs() < 1e-9, "{rate}: {value}, {slope}");
            for other in [0.0, 0.5 * rate, rate + 0.5 * (1.0 - rate), 1.0] {
                assert!(penalty.divergence(other).0 > 0.0, "{rate} against {other}");
            }
        }
    }
}
