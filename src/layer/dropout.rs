//! [`Dropout`]: values set to zero at random in training.

use std::sync::Arc;

use super::{Backward, Context, Forward, Layer, Mirror, MirrorOutput, Mode, Plan};
use crate::random::Bernoulli;
use crate::{Config, ConfigError, Scalar, Shape, ShapeError, option};

/// In training each value becomes 0 with probability p, and x/(1 − p) otherwise; in inference it
/// stays x. Srivastava et al. 2014, in the inverted form that all frameworks use: the expected
/// value is the same in both modes.
///
/// Input and output: any shape. Each sample in each step has its own draws. A mirrored decoder has
/// no counterpart.
///
/// ```
/// use autoencoder::nalgebra::DMatrix;
/// use autoencoder::{Dropout, Network, Shape};
///
/// let network = Network::<f32>::builder(Shape::flat(4)).layer(Dropout::new(0.5)).build()?;
/// let sample = DMatrix::from_element(4, 1, 1.0);
/// assert_eq!(network.predict(&sample)?, sample);
/// let mut tape = network.tape(1)?;
/// assert!(network.forward(&mut tape, &sample, None, 0)?.iter().all(|value| [0.0, 2.0].contains(value)));
/// # Ok::<(), autoencoder::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Dropout {
    rate: f64,
}

impl Dropout {
    /// Drops a value with probability `rate`, at least 0 and below 1.
    pub fn new(rate: f64) -> Self {
        Self { rate }
    }

    /// Rebuilds the layer from its [`config`](Layer::config).
    ///
    /// # Errors
    /// [`ConfigError`] if an entry is missing, unknown or invalid.
    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self { rate: config.only(&["rate"])?.number("rate")? })
    }
}

impl<T: Scalar> Layer<T> for Dropout {
    fn kind(&self) -> &'static str {
        "dropout"
    }

    fn config(&self) -> Config {
        Config::new().with("rate", self.rate)
    }

    /// The cache holds the factor of each value.
    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        option::share("rate", self.rate)?;
        Ok(Plan::new(input).cache_per_sample(input.elements()).work_per_sample(input.elements().saturating_mul(4)))
    }

    #[inline(never)] // see `compiled.rs`
    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        pass.output.copy_from_slice(pass.input);
        if context.mode != Mode::Training {
            return;
        }
        let (drop, kept) = (Bernoulli::of(self.rate), T::from_f64(1.0 / (1.0 - self.rate)));
        for (sample, factors) in pass.cache.chunks_exact_mut(context.output_shape.elements()).enumerate() {
            let mut rng = context.random.sample(sample);
            factors.iter_mut().for_each(|factor| *factor = if drop.sample(&mut rng) { T::zero() } else { kept });
        }
        pass.output.iter_mut().zip(&*pass.cache).for_each(|(value, factor)| *value *= *factor);
    }

    #[inline(never)] // see `compiled.rs`
    fn backward(&self, context: &Context<'_, T>, pass: Backward<'_, T>) {
        let Some(input_gradient) = pass.input_gradient else { return };
        if context.mode != Mode::Training {
            return input_gradient.copy_from_slice(pass.output_gradient);
        }
        let gradients = pass.output_gradient.iter().zip(pass.cache);
        input_gradient.iter_mut().zip(gradients).for_each(|(to, (gradient, factor))| *to = *gradient * *factor);
    }

    fn mirror(&self) -> Option<&dyn Mirror<T>> {
        Some(self)
    }
}

impl<T: Scalar> Mirror<T> for Dropout {
    fn mirrored(&self, _input: Shape, _output: MirrorOutput) -> Option<Vec<Arc<dyn Layer<T>>>> {
        Some(Vec::new())
    }
}
