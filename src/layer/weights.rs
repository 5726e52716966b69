//! What layers with a weight, a bias and an activation share.

use super::{Activation, Initializer, MirrorOutput, ParameterSpec, Parameters, Plan, Regularizer};
use crate::{Config, ConfigError, Shape, ShapeError};

pub(super) const WEIGHT: usize = 0;
pub(super) const BIAS: usize = 1;

/// The name of the earlier layer whose weight a tied layer uses, transposed.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Tie(Option<String>);

impl Tie {
    /// The name under which [`write`](Self::write) stores it.
    pub const NAME: &'static str = "tied_to";

    pub fn to(layer: impl Into<String>) -> Self {
        Self(Some(layer.into()))
    }

    pub fn is_tied(&self) -> bool {
        self.0.is_some()
    }

    /// Writes nothing for a layer that is not tied.
    pub fn write(&self, config: Config) -> Config {
        match &self.0 {
            Some(layer) => config.with(Self::NAME, layer.as_str()),
            None => config,
        }
    }

    pub fn read(config: &Config) -> Result<Self, ConfigError> {
        config
            .find(Self::NAME)
            .map(|_| config.text(Self::NAME).map(Self::to))
            .transpose()
            .map(Option::unwrap_or_default)
    }

    /// The weight, shared with the layer it is tied to.
    pub fn weight(&self, weight: ParameterSpec) -> ParameterSpec {
        match &self.0 {
            Some(layer) => weight.shared_with(format!("{layer}.weight")),
            None => weight,
        }
    }
}

/// The options of a layer with a weight, a bias and an activation.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weights {
    pub activation: Activation,
    pub bias: bool,
    pub weight_initializer: Initializer,
    pub bias_initializer: Initializer,
    pub weight_regularizer: Option<Regularizer>,
}

impl Default for Weights {
    fn default() -> Self {
        Self {
            activation: Activation::Linear,
            bias: true,
            weight_initializer: Initializer::GlorotUniform,
            bias_initializer: Initializer::Zeros,
            weight_regularizer: None,
        }
    }
}

impl Weights {
    /// The names under which [`write`](Self::write) stores the options.
    pub const NAMES: [&str; 5] = ["activation", "bias", "weight_initializer", "bias_initializer", "weight_regularizer"];

    pub fn write(&self, config: Config) -> Config {
        let config = config
            .with("activation", self.activation.config())
            .with("bias", self.bias)
            .with("weight_initializer", self.weight_initializer.config())
            .with("bias_initializer", self.bias_initializer.config());
        match self.weight_regularizer {
            Some(regularizer) => config.with("weight_regularizer", regularizer.config()),
            None => config,
        }
    }

    pub fn read(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self {
            activation: Activation::from_config(config.config("activation")?)?,
            bias: config.boolean("bias")?,
            weight_initializer: Initializer::from_config(config.config("weight_initializer")?)?,
            bias_initializer: Initializer::from_config(config.config("bias_initializer")?)?,
            weight_regularizer: match config.find("weight_regularizer") {
                Some(_) => Some(Regularizer::from_config(config.config("weight_regularizer")?)?),
                None => None,
            },
        })
    }

    /// The options of the mirrored layer.
    pub fn mirrored(&self, MirrorOutput { activation, bias }: MirrorOutput) -> Self {
        Self { activation, bias, ..self.clone() }
    }

    /// Likewise for a mirrored layer with a tied weight, which leaves out the weight's penalty, so
    /// that it counts once.
    pub fn mirrored_tied(&self, output: MirrorOutput) -> Self {
        Self { weight_regularizer: None, ..self.mirrored(output) }
    }

    /// The weight.
    pub fn weight(&self, shape: &[usize]) -> ParameterSpec {
        ParameterSpec::new("weight", shape, self.weight_initializer).regularizer(self.weight_regularizer)
    }

    /// The plan of a layer with this output and weight, and a bias per output channel.
    pub fn plan(&self, output: Shape, weight: ParameterSpec) -> Result<Plan, ShapeError> {
        let output = output.checked()?;
        let cache = self.activation.checked()?.cache(output);
        let plan = Plan::new(output).activation(self.activation).parameter(weight).cache_per_sample(cache);
        Ok(match self.bias {
            true => plan.parameter(ParameterSpec::new("bias", &[output.channels()], self.bias_initializer)),
            false => plan,
        })
    }

    /// The bias, if there is one.
    pub fn bias<'a, T>(&self, parameters: Parameters<'a, T>) -> Option<&'a [T]> {
        self.bias.then(|| parameters.of(BIAS))
    }
}

/// The builder methods of a layer whose field `weights` is a [`Weights`].
macro_rules! weight_options {
    ($layer:ident) => {
        impl $layer {
            /// Copies another layer's options.
            #[allow(dead_code)] // not every layer's mirror is of another type
            pub(super) fn weights(mut self, weights: crate::layer::weights::Weights) -> Self {
                self.weights = weights;
                self
            }

            /// Applies `activation` to the output.
            #[must_use]
            pub fn activation(mut self, activation: crate::Activation) -> Self {
                self.weights.activation = activation;
                self
            }

            /// Leaves out the bias.
            #[must_use]
            pub fn without_bias(mut self) -> Self {
                self.weights.bias = false;
                self
            }

            /// Initialises the weight with `initializer`.
            #[must_use]
            pub fn weight_initializer(mut self, initializer: crate::Initializer) -> Self {
                self.weights.weight_initializer = initializer;
                self
            }

            /// Initialises the bias with `initializer`.
            #[must_use]
            pub fn bias_initializer(mut self, initializer: crate::Initializer) -> Self {
                self.weights.bias_initializer = initializer;
                self
            }

            /// Adds a penalty on the size of the weight to the loss.
            #[must_use]
            pub fn weight_regularizer(mut self, regularizer: crate::Regularizer) -> Self {
                self.weights.weight_regularizer = Some(regularizer);
                self
            }
        }
    };
}

pub(super) use weight_options;
