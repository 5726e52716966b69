//! [`Activation`]: functions of one value, and softmax.

use std::sync::Arc;

use super::{Backward, Context, Forward, Layer, Mirror, MirrorOutput, Plan};
use crate::kernel::activation::{self as kernel, Function};
use crate::{Config, ConfigError, Scalar, Shape, ShapeError, option};

/// A function applied to every value of a layer's output; also a layer in its own right. Formulas
/// and constants as in Keras.
///
/// ```
/// use autoencoder::{Activation, Autoencoder, Dense, Shape};
///
/// let fused = Autoencoder::<f32>::builder(Shape::flat(8)).encoder(Dense::new(3).activation(Activation::Tanh));
/// let apart = Autoencoder::<f32>::builder(Shape::flat(8)).encoder(Dense::new(3)).encoder(Activation::Tanh);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum Activation {
    /// x
    #[default]
    Linear,
    /// max(0, x); Nair and Hinton 2010.
    Relu,
    /// x for x > 0, else slope·x; Maas et al. 2013. Keras's slope is 0.3, PyTorch's 0.01.
    LeakyRelu {
        /// The slope for negative values.
        slope: f64,
    },
    /// x for x > 0, else α(eˣ − 1); Clevert et al. 2015. α is usually 1.
    Elu {
        /// The limit for large negative values is −α; at least 0.
        alpha: f64,
    },
    /// λx for x > 0, else λα(eˣ − 1), with λ = 1.0507…, α = 1.6733…; Klambauer et al. 2017.
    Selu,
    /// x·Φ(x) with the normal distribution function Φ, exactly (not the tanh approximation);
    /// Hendrycks and Gimpel 2016.
    Gelu,
    /// x·σ(x), also called swish; Elfwing et al. 2017.
    Silu,
    /// σ(x) = 1 / (1 + e⁻ˣ)
    Sigmoid,
    /// tanh(x)
    Tanh,
    /// ln(1 + eˣ); Dugas et al. 2000.
    Softplus,
    /// exp(xᵢ) / Σⱼ exp(xⱼ) over the channels: all features of a flat sample, or the channels of
    /// each pixel of an image.
    Softmax,
}

impl Activation {
    /// The element-wise function; `None` for linear and softmax.
    fn function<T: Scalar>(self) -> Option<Function<T>> {
        Some(match self {
            Self::Linear | Self::Softmax => return None,
            Self::Relu => Function::Relu,
            Self::LeakyRelu { slope } => Function::LeakyRelu(T::from_f64(slope)),
            Self::Elu { alpha } => Function::Elu(T::from_f64(alpha)),
            Self::Selu => Function::Selu,
            Self::Gelu => Function::Gelu,
            Self::Silu => Function::Silu,
            Self::Sigmoid => Function::Sigmoid,
            Self::Tanh => Function::Tanh,
            Self::Softplus => Function::Softplus,
        })
    }

    /// The least and the greatest value, or their limits; `None` if there is neither.
    pub(crate) fn range(self) -> Option<(f64, f64)> {
        let from = |least: f64| Some((least, f64::INFINITY));
        match self {
            Self::LeakyRelu { slope } if slope <= 0.0 => from(0.0),
            Self::Linear | Self::LeakyRelu { .. } => None,
            Self::Relu | Self::Softplus => from(0.0),
            Self::Elu { alpha } => from(-alpha),
            Self::Selu => from(-1.758_099_340_847_376_6), // -λα
            Self::Gelu => from(-0.169_971_201_747_033_2), // at x = -0.7518
            Self::Silu => from(-0.278_464_542_761_073_8), // at x = -1.2785
            Self::Sigmoid | Self::Softmax => Some((0.0, 1.0)),
            Self::Tanh => Some((-1.0, 1.0)),
        }
    }

    /// Whether the derivative is computed from the function's argument rather than from its value.
    /// A layer that ends in such an activation requests a cache of its output's size.
    pub fn needs_argument(self) -> bool {
        match self {
            Self::Gelu | Self::Silu => true,
            // With these signs the output does not reveal the sign of its argument.
            Self::LeakyRelu { slope } => slope <= 0.0,
            _ => false,
        }
    }

    /// `Ok` if the activation's constants are in range.
    ///
    /// # Errors
    /// [`ShapeError::Option`] names the one that is not.
    pub fn checked(self) -> Result<Self, ShapeError> {
        match self {
            Self::LeakyRelu { slope } => option::finite("slope", slope)?,
            Self::Elu { alpha } => option::not_negative("alpha", alpha)?,
            _ => {}
        }
        Ok(self)
    }

    /// Replaces each argument in `values` by the function's value, and stores what
    /// [`backward`](Self::backward) needs in `cache`, unless that is empty (in inference).
    /// `channels` is the size of the last dimension; if the number of values is not a multiple
    /// of it, softmax does nothing.
    pub fn forward<T: Scalar>(self, channels: usize, values: &mut [T], cache: &mut [T]) {
        if self.needs_argument() && cache.len() == values.len() {
            cache.copy_from_slice(values);
        }
        match self.function() {
            Some(function) => kernel::apply(function, values),
            None if self == Self::Softmax && values.len().is_multiple_of(channels.max(1)) => {
                kernel::softmax(channels.max(1), values);
            }
            None => {}
        }
    }

    /// Turns the gradient with respect to the function's values into that with respect to its
    /// arguments, using the arguments in `cache` if [`needs_argument`](Self::needs_argument),
    /// else the values in `output`. Does nothing if the lengths differ.
    pub fn backward<T: Scalar>(self, channels: usize, output: &[T], cache: &[T], gradient: &mut [T]) {
        let reference = if self.needs_argument() { cache } else { output };
        if reference.len() != gradient.len() {
            return;
        }
        match self.function() {
            Some(function) => kernel::multiply_by_derivative(function, reference, gradient),
            None if self == Self::Softmax && gradient.len().is_multiple_of(channels.max(1)) => {
                kernel::softmax_gradient(channels.max(1), output, gradient);
            }
            None => {}
        }
    }

    /// Its name in files and summaries.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Relu => "relu",
            Self::LeakyRelu { .. } => "leaky_relu",
            Self::Elu { .. } => "elu",
            Self::Selu => "selu",
            Self::Gelu => "gelu",
            Self::Silu => "silu",
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Softplus => "softplus",
            Self::Softmax => "softmax",
        }
    }

    /// The activation's kind and constants by name.
    pub fn config(self) -> Config {
        let config = Config::new().with("kind", self.name());
        match self {
            Self::LeakyRelu { slope } => config.with("slope", slope),
            Self::Elu { alpha } => config.with("alpha", alpha),
            _ => config,
        }
    }

    /// Rebuilds the activation from its [`config`](Self::config).
    ///
    /// # Errors
    /// [`ConfigError`] if an entry is missing, unknown or invalid.
    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        let plain = |activation| config.only(&["kind"]).map(|_| activation);
        match config.text("kind")? {
            "linear" => plain(Self::Linear),
            "relu" => plain(Self::Relu),
            "leaky_relu" => Ok(Self::LeakyRelu { slope: config.only(&["kind", "slope"])?.number("slope")? }),
            "elu" => Ok(Self::Elu { alpha: config.only(&["kind", "alpha"])?.number("alpha")? }),
            "selu" => plain(Self::Selu),
            "gelu" => plain(Self::Gelu),
            "silu" => plain(Self::Silu),
            "sigmoid" => plain(Self::Sigmoid),
            "tanh" => plain(Self::Tanh),
            "softplus" => plain(Self::Softplus),
            "softmax" => plain(Self::Softmax),
            _ => Err(ConfigError::Invalid { name: "kind".to_owned(), expected: "the name of an activation" }),
        }
    }

    /// Cache elements per sample, for samples of shape `output`.
    pub(crate) fn cache(self, output: Shape) -> usize {
        if self.needs_argument() { output.elements() } else { 0 }
    }
}

impl<T: Scalar> Layer<T> for Activation {
    fn kind(&self) -> &'static str {
        "activation"
    }

    fn config(&self) -> Config {
        Config::new().with("activation", (*self).config())
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        self.checked()?;
        Ok(Plan::new(input).activation(*self).cache_per_sample(self.cache(input)))
    }

    #[inline(never)] // see `compiled.rs`
    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        pass.output.copy_from_slice(pass.input);
        context.activation.forward(context.output_shape.channels(), pass.output, pass.cache);
    }

    #[inline(never)] // see `compiled.rs`
    fn backward(&self, context: &Context<'_, T>, pass: Backward<'_, T>) {
        let Some(input_gradient) = pass.input_gradient else { return };
        input_gradient.copy_from_slice(pass.output_gradient);
        context.activation.backward(context.output_shape.channels(), pass.output, pass.cache, input_gradient);
    }

    fn mirror(&self) -> Option<&dyn Mirror<T>> {
        Some(self)
    }
}

impl<T: Scalar> Mirror<T> for Activation {
    fn mirrored(&self, _input: Shape, _output: MirrorOutput) -> Option<Vec<Arc<dyn Layer<T>>>> {
        Some(vec![Arc::new(*self)])
    }

    fn is_repeated(&self) -> bool {
        true
    }
}
