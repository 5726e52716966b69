//! [`Built`]: any built-in layer in both float types, as it is or with its gradients off by one
//! part in a million.
//!
//! One type for all of them: a check that were generic over each would be compiled for each.

use std::sync::Arc;

use autoencoder::*;

/// One part in a million.
pub const OFF: f64 = 1e-6;

/// A layer in both float types.
#[derive(Debug, Clone)]
pub struct Built {
    single: Arc<dyn Layer<f32>>,
    double: Arc<dyn Layer<f64>>,
    /// What comes back is multiplied by this, and with it every gradient: it is linear in that.
    factor: f64,
}

impl Built {
    pub fn new(layer: impl Layer<f32> + Layer<f64> + Clone + 'static) -> Self {
        Self { single: Arc::new(layer.clone()), double: Arc::new(layer), factor: 1.0 }
    }

    /// The layers themselves, which a network knows as built-in ones.
    pub fn layers(&self) -> (Arc<dyn Layer<f32>>, Arc<dyn Layer<f64>>) {
        (Arc::clone(&self.single), Arc::clone(&self.double))
    }

    /// The same with gradients that are off.
    pub fn off(&self) -> Self {
        Self { factor: 1.0 + OFF, ..self.clone() }
    }

    pub fn kind(&self) -> &'static str {
        self.double.kind()
    }

    pub fn plan(&self, input: Shape, joined: &[Shape]) -> Result<Plan, ShapeError> {
        self.single.plan(input, joined)?;
        self.double.plan(input, joined)
    }
}

macro_rules! layer {
    ($scalar:ty, $field:ident) => {
        impl Layer<$scalar> for Built {
            fn kind(&self) -> &'static str {
                self.$field.kind()
            }

            fn config(&self) -> Config {
                self.$field.config()
            }

            fn plan(&self, input: Shape, joined: &[Shape]) -> Result<Plan, ShapeError> {
                self.$field.plan(input, joined)
            }

            fn forward(&self, context: &Context<'_, $scalar>, pass: Forward<'_, $scalar>) {
                self.$field.forward(context, pass);
            }

            fn backward(&self, context: &Context<'_, $scalar>, pass: Backward<'_, $scalar>) {
                if self.factor != 1.0 {
                    pass.output_gradient.iter_mut().for_each(|slope| *slope *= self.factor as $scalar);
                }
                self.$field.backward(context, pass);
            }

            fn packing(&self) -> Option<&dyn Packing<$scalar>> {
                self.$field.packing()
            }

            fn batch_statistics(&self) -> Option<&dyn BatchStatistics<$scalar>> {
                self.$field.batch_statistics().map(|_| self as _)
            }

            fn latent(&self) -> Option<&dyn Latent<$scalar>> {
                self.$field.latent()
            }

            fn mirror(&self) -> Option<&dyn Mirror<$scalar>> {
                self.$field.mirror()
            }
        }

        impl BatchStatistics<$scalar> for Built {
            fn forward_sums(&self, context: &Context<'_, $scalar>, input: &[$scalar], sums: &mut [f64]) {
                self.$field.batch_statistics().unwrap().forward_sums(context, input, sums);
            }

            fn backward_sums(&self, context: &Context<'_, $scalar>, pass: BackwardSums<'_, $scalar>, sums: &mut [f64]) {
                if self.factor == 1.0 {
                    return self.$field.batch_statistics().unwrap().backward_sums(context, pass, sums);
                }
                let slopes: Vec<$scalar> =
                    pass.output_gradient.iter().map(|slope| slope * self.factor as $scalar).collect();
                let mut pass = pass; // it may not outlive what it borrows
                pass.output_gradient = &slopes;
                self.$field.batch_statistics().unwrap().backward_sums(context, pass, sums);
            }

            fn update_state(&self, context: &Context<'_, $scalar>, state: &mut [$scalar]) {
                self.$field.batch_statistics().unwrap().update_state(context, state);
            }
        }
    };
}

layer!(f32, single);
layer!(f64, double);
