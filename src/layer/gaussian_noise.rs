//! [`GaussianNoise`]: normal noise added in training.

use std::sync::Arc;

use rand_distr::{Distribution, StandardNormal};

use super::{Backward, Context, Forward, Layer, Mirror, MirrorOutput, Mode, Plan};
use crate::{Config, ConfigError, Scalar, Shape, ShapeError, option};

/// x + σε with standard normal ε in training, x in inference; Keras's `GaussianNoise`. As the first
/// layer of an encoder it corrupts the input of a denoising autoencoder (Vincent et al. 2008) and
/// is saved with the model; [`Trainer::corrupt`](crate::Trainer::corrupt) is not.
///
/// Input and output: any shape. Each sample in each step has its own draws. A mirrored decoder has
/// no counterpart.
///
/// ```
/// use autoencoder::nalgebra::DMatrix;
/// use autoencoder::{GaussianNoise, Network, Shape};
///
/// let network = Network::<f32>::builder(Shape::flat(4)).layer(GaussianNoise::new(0.1)).build()?;
/// let sample = DMatrix::from_element(4, 1, 1.0);
/// assert_eq!(network.predict(&sample)?, sample);
/// let mut tape = network.tape(1)?;
/// assert_ne!(network.forward(&mut tape, &sample, None, 0)?, sample.as_slice());
/// # Ok::<(), autoencoder::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GaussianNoise {
    deviation: f64,
}

impl GaussianNoise {
    /// Noise with standard deviation σ = `deviation`, at least 0.
    pub fn new(deviation: f64) -> Self {
        Self { deviation }
    }

    /// Rebuilds the layer from its [`config`](Layer::config).
    ///
    /// # Errors
    /// [`ConfigError`] if an entry is missing, unknown or invalid.
    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self { deviation: config.only(&["deviation"])?.number("deviation")? })
    }
}

impl<T: Scalar> Layer<T> for GaussianNoise {
    fn kind(&self) -> &'static str {
        "gaussian_noise"
    }

    fn config(&self) -> Config {
        Config::new().with("deviation", self.deviation)
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        option::not_negative("deviation", self.deviation)?;
        Ok(Plan::new(input).work_per_sample(input.elements().saturating_mul(8)))
    }

    #[inline(never)] // see `compiled.rs`
    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        pass.output.copy_from_slice(pass.input);
        if context.mode != Mode::Training {
            return;
        }
        for (sample, values) in pass.output.chunks_exact_mut(context.output_shape.elements()).enumerate() {
            let mut rng = context.random.sample(sample);
            for value in values {
                let draw: f64 = StandardNormal.sample(&mut rng);
                *value += T::from_f64(self.deviation * draw);
            }
        }
    }

    #[inline(never)] // see `compiled.rs`
    fn backward(&self, _context: &Context<'_, T>, pass: Backward<'_, T>) {
        let Some(input_gradient) = pass.input_gradient else { return };
        input_gradient.copy_from_slice(pass.output_gradient);
    }

    fn mirror(&self) -> Option<&dyn Mirror<T>> {
        Some(self)
    }
}

impl<T: Scalar> Mirror<T> for GaussianNoise {
    fn mirrored(&self, _input: Shape, _output: MirrorOutput) -> Option<Vec<Arc<dyn Layer<T>>>> {
        Some(Vec::new())
    }
}
