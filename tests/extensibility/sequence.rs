//! A layer over sequences: a causal convolution in time.

use autoencoder::*;

use crate::common::Numbers;
use crate::common::Outcome;
use crate::common::gradient::{Check, of_network};
use crate::{before_and_after, data, same_bits_for_any_threads};

/// yₜ = Wᵀ [xₜ₋₁, xₜ] for each step t, with x₋₁ = 0.
#[derive(Debug)]
struct Conv1D {
    filters: usize,
}

/// A step's features and the previous one's, in the order of the weight's rows: previous first.
fn visible<T: Scalar>(sample: &[T], step: usize, features: usize) -> impl Iterator<Item = (usize, T)> + '_ {
    let before = if step == 0 { &[] } else { &sample[(step - 1) * features..step * features] };
    let now = &sample[step * features..(step + 1) * features];
    before.iter().copied().enumerate().chain((features..).zip(now.iter().copied()))
}

impl<T: Scalar> Layer<T> for Conv1D {
    fn kind(&self) -> &'static str {
        "conv1d"
    }

    fn config(&self) -> Config {
        Config::new().with("filters", self.filters)
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        let [steps, features] = *input.dimensions() else {
            return Err(ShapeError::Unsuitable { expected: "a sequence (steps x features)", shape: input });
        };
        let weight = ParameterSpec::new("weight", &[2, features, self.filters], Initializer::GlorotUniform);
        let work = steps * 2 * features * self.filters;
        Ok(Plan::new(Shape::sequence(steps, self.filters)).parameter(weight).work_per_sample(work))
    }

    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        let (features, weight) = (context.input_shape.channels(), context.parameters.of(0));
        let samples = pass.input.chunks_exact(context.input_shape.elements());
        for (input, output) in samples.zip(pass.output.chunks_exact_mut(context.output_shape.elements())) {
            for (step, output) in output.chunks_exact_mut(self.filters).enumerate() {
                output.fill(T::zero());
                for (row, value) in visible(input, step, features) {
                    let row = &weight[row * self.filters..][..self.filters];
                    output.iter_mut().zip(row).for_each(|(output, weight)| *output += value * *weight);
                }
            }
        }
    }

    fn backward(&self, context: &Context<'_, T>, mut pass: Backward<'_, T>) {
        let (features, elements) = (context.input_shape.channels(), context.input_shape.elements());
        let mut input_gradient = pass.input_gradient;
        if let Some(input_gradient) = input_gradient.as_deref_mut() {
            input_gradient.fill(T::zero());
        }
        for (sample, input) in pass.input.chunks_exact(elements).enumerate() {
            for step in 0..elements / features {
                let at = sample * context.output_shape.elements() + step * self.filters;
                let gradient = &pass.output_gradient[at..at + self.filters];
                for (row, value) in visible(input, step, features) {
                    let place = row * self.filters..(row + 1) * self.filters;
                    let weights = &mut pass.gradients.of(0)[place.clone()];
                    weights.iter_mut().zip(gradient).for_each(|(weight, slope)| *weight += value * *slope);
                    if let Some(input_gradient) = input_gradient.as_deref_mut() {
                        let slope =
                            context.parameters.of(0)[place].iter().zip(gradient).map(|(w, g)| *w * *g).sum::<T>();
                        input_gradient[sample * elements + step * features + row - features] += slope;
                    }
                }
            }
        }
    }
}

fn builder() -> NetworkBuilder<f64> {
    Network::builder(Shape::sequence(10, 4))
        .layer(Conv1D { filters: 8 })
        .layer(Activation::Tanh)
        .layer(Conv1D { filters: 4 })
}

#[test]
fn it_is_built_checked_and_trained_like_any_other() -> Outcome {
    assert_eq!(builder().build()?.output_shape(), Shape::sequence(10, 4));
    for samples in [1, 5, 30] {
        of_network(builder().build()?, samples, &mut Numbers::new(6)).check("conv1d");
    }
    same_bits_for_any_threads(builder().layer(Dense::new(40)), &data(40));
    let (before, after) = before_and_after(&mut builder().build()?, &data(40), &Mse);
    assert!(after < 0.7 * before, "{before} to {after}");
    Ok(())
}

#[test]
fn softmax_and_dense_see_a_sequence_as_it_is() -> Outcome {
    let network = Network::<f64>::builder(Shape::sequence(5, 8)).layer(Activation::Softmax).build()?;
    let outputs = network.predict(&data(40))?;
    assert!(outputs.as_slice().chunks_exact(8).all(|step| (step.iter().sum::<f64>() - 1.0).abs() < 1e-12));
    Ok(())
}

#[test]
fn it_names_what_it_takes() {
    let error = Network::<f64>::builder(Shape::image(4, 4, 1)).layer(Conv1D { filters: 2 }).build().unwrap_err();
    let expected =
        "layer `layers.0` (conv1d): the layer takes a sequence (steps x features), found the shape 4 x 4 x 1";
    assert!(error.to_string().starts_with(expected), "{error}");
}
