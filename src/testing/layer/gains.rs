//! [`Gains`]: a layer beside the checked one.

use crate::layer::{Backward, Context, Forward, Initializer, Layer, ParameterSpec, Plan};
use crate::{Config, ConfigError, Scalar, Shape, ShapeError};

/// y = a x with a factor a for each element of a sample. Before a layer, its gradient reveals that
/// layer's input gradient; behind it, it adds to the gradients of the parameters they share, and
/// does so first.
#[derive(Debug, Clone, Default)]
pub(super) struct Gains {
    shared: Vec<ParameterSpec>,
}

/// What [`Gains`] adds to each element of a shared gradient.
pub(super) const ADDED: f64 = 0.75;

impl Gains {
    pub const KIND: &'static str = "gains";

    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        config.only(&[]).map(|_| Self::default())
    }

    /// Shares all parameters of the layer named `layer`, whose plan this is.
    pub fn sharing(layer: &str, plan: &Plan) -> Self {
        let share = |spec: &ParameterSpec| {
            ParameterSpec::new(spec.name, &spec.shape, Initializer::Zeros).shared_with(format!("{layer}.{}", spec.name))
        };
        Self { shared: plan.parameters.iter().map(share).collect() }
    }
}

impl<T: Scalar> Layer<T> for Gains {
    fn kind(&self) -> &'static str {
        Self::KIND
    }

    fn config(&self) -> Config {
        Config::new()
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        let gains = ParameterSpec::new("gains", &[input.elements()], Initializer::Constant(1.0));
        Ok(self.shared.iter().cloned().fold(Plan::new(input).parameter(gains), Plan::parameter))
    }

    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        let gains = context.parameters.of(0).iter().cycle();
        for ((output, input), gain) in pass.output.iter_mut().zip(pass.input).zip(gains) {
            *output = *gain * *input;
        }
    }

    fn backward(&self, context: &Context<'_, T>, mut pass: Backward<'_, T>) {
        let features = context.input_shape.elements();
        for (inputs, slopes) in pass.input.chunks(features).zip(pass.output_gradient.chunks(features)) {
            let sums = pass.gradients.of(0).iter_mut().zip(inputs).zip(slopes);
            sums.for_each(|((sum, input), slope)| *sum += *input * *slope);
        }
        for shared in 1..=self.shared.len() {
            pass.gradients.of(shared).iter_mut().for_each(|gradient| *gradient += T::from_f64(ADDED));
        }
        let Some(input_gradient) = pass.input_gradient else { return };
        let gains = context.parameters.of(0).iter().cycle();
        for ((to, slope), gain) in input_gradient.iter_mut().zip(pass.output_gradient).zip(gains) {
            *to = *gain * *slope;
        }
    }
}
