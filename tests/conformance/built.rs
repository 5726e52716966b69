//! [`Built`]: any built-in layer in both float types, as it is or with its gradients off by one part in a million.
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

    /// The same with gradients that are off.
    pub fn off(&self) -> Self {
        Self { factor: 1.0 + OFF, ..self.clone() }
    }

    pub fn kind(&self) -> &'static str {
        self.double.kind()
    }

    pub fn plan(&self, input: Shape) -> Result<Plan, ShapeError> {
        self.single.plan(input)?;
        self.double.plan(input)
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

            fn plan(&self, input: Shape) -> Result<Plan, ShapeError> {
                self.$field.plan(input)
            }

            fn forward(&self, pass: Forward<'_, $scalar>) {
                self.$field.forward(pass);
            }

            fn backward(&self, pass: Backward<'_, $scalar>) {
                if self.factor != 1.0 {
                    pass.output_gradient.iter_mut().for_each(|slope| *slope *= self.factor as $scalar);
                }
                self.$field.backward(pass);
            }

            fn activation(&self) -> Activation {
                self.$field.activation()
            }

            fn prepare(&self, pass: Prepare<'_, $scalar>) {
                self.$field.prepare(pass);
            }

            fn prepare_backward(&self, pass: PrepareBackward<'_, $scalar>) {
                self.$field.prepare_backward(pass);
            }

            fn forward_statistics(&self, pass: ForwardStatistics<'_, $scalar>) {
                self.$field.forward_statistics(pass);
            }

            fn backward_statistics(&self, pass: BackwardStatistics<'_, $scalar>) {
                let slopes: Vec<$scalar> = match self.factor {
                    1.0 => return self.$field.backward_statistics(pass),
                    factor => pass.output_gradient.iter().map(|slope| slope * factor as $scalar).collect(),
                };
                let mut pass = pass; // it may not outlive what it borrows
                pass.output_gradient = &slopes;
                self.$field.backward_statistics(pass);
            }

            fn update_state(&self, pass: StateUpdate<'_, $scalar>) {
                self.$field.update_state(pass);
            }

            fn whole_batch_gradient(&self, pass: WholeBatch<'_, $scalar>) {
                self.$field.whole_batch_gradient(pass);
            }

            fn finish_gradient(&self, pass: FinishGradient<'_, $scalar>) {
                self.$field.finish_gradient(pass);
            }

            fn behind_repetition(&self, image: Shape, times: [usize; 2]) -> Option<Arc<dyn Layer<$scalar>>> {
                self.$field.behind_repetition(image, times)
            }

            fn warms_up(&self, epoch: f64) -> bool {
                self.$field.warms_up(epoch)
            }

            fn latent(&self) -> Option<&dyn Latent<$scalar>> {
                self.$field.latent()
            }

            fn mirror(&self, input: Shape, activation: Activation) -> Option<Vec<Arc<dyn Layer<$scalar>>>> {
                self.$field.mirror(input, activation)
            }

            fn tied_mirror(
                &self,
                name: &str,
                input: Shape,
                activation: Activation,
            ) -> Option<Vec<Arc<dyn Layer<$scalar>>>> {
                self.$field.tied_mirror(name, input, activation)
            }
        }
    };
}

layer!(f32, single);
layer!(f64, double);
