//! [`GradientSharer`]: a layer that shares the checked layer's parameters.

use crate::layer::{Backward, Context, Forward, Initializer, Layer, ParameterSpec, Plan};
use crate::{Config, Scalar, Shape, ShapeError};

/// y = x, behind a layer whose parameters it shares: adds a number to every gradient before that
/// layer's backward pass does.
#[derive(Debug)]
pub(super) struct GradientSharer {
    pub parameters: Vec<ParameterSpec>,
    pub added: f64,
}

impl GradientSharer {
    /// Shares all parameters of the layer named `layer` with this plan.
    pub fn of(layer: &str, plan: &Plan, added: f64) -> Self {
        let share = |spec: &ParameterSpec| {
            ParameterSpec::new(spec.name, &spec.shape, Initializer::Zeros).shared_with(format!("{layer}.{}", spec.name))
        };
        Self { parameters: plan.parameters.iter().map(share).collect(), added }
    }
}

impl<T: Scalar> Layer<T> for GradientSharer {
    fn kind(&self) -> &'static str {
        "gradient_sharer"
    }

    fn config(&self) -> Config {
        Config::new()
    }

    fn plan(&self, input: Shape) -> Result<Plan, ShapeError> {
        Ok(self.parameters.iter().cloned().fold(Plan::new(input), Plan::parameter))
    }

    fn forward(&self, _: &Context<'_, T>, pass: Forward<'_, T>) {
        pass.output.copy_from_slice(pass.input);
    }

    fn backward(&self, _: &Context<'_, T>, mut pass: Backward<'_, T>) {
        for parameter in 0..self.parameters.len() {
            pass.gradients.of(parameter).iter_mut().for_each(|gradient| *gradient += T::from_f64(self.added));
        }
        if let Some(gradient) = pass.input_gradient {
            gradient.copy_from_slice(pass.output_gradient);
        }
    }
}
