//! A layer with statistics over the batch, forward and backward, and state: batch normalisation,
//! whole.

use autoencoder::*;

use crate::common::gradient::{Case, Check, of_network, scatter, weighted};
use crate::common::{Numbers, Outcome, distance};
use crate::{SAMPLES, data, same_bits_for_any_threads};

const GAMMA: usize = 0;
const BETA: usize = 1;
const EPSILON: f64 = 1e-3;

/// y = γ (x − mean) / √(variance + ε) + β for each channel, over the batch in training and by
/// running means in inference; Ioffe and Szegedy 2015.
#[derive(Debug)]
struct BatchNorm {
    momentum: f64,
}

/// One over the deviation, and the mean: what is subtracted and multiplied by.
fn normaliser(sums: &[f64], channels: usize, channel: usize, count: f64) -> (f64, f64) {
    let (mean, square) = (sums[channel] / count, sums[channels + channel] / count);
    (mean, 1.0 / (square - mean * mean + EPSILON).sqrt())
}

fn count(shape: Shape, batch: usize) -> f64 {
    (shape.elements() / shape.channels() * batch) as f64
}

impl<T: Scalar> Layer<T> for BatchNorm {
    fn kind(&self) -> &'static str {
        "batch_norm"
    }

    fn config(&self) -> Config {
        Config::new().with("momentum", self.momentum)
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        let channels = input.channels();
        Ok(Plan::new(input)
            .parameter(ParameterSpec::new("gamma", &[channels], Initializer::Constant(1.0)))
            .parameter(ParameterSpec::new("beta", &[channels], Initializer::Zeros))
            .state(StateSpec::new("mean", channels, 0.0))
            .state(StateSpec::new("variance", channels, 1.0))
            .forward_statistics(2 * channels)
            .backward_statistics(2 * channels))
    }

    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        let channels = context.input_shape.channels();
        let (gamma, beta) = (context.parameters.of(GAMMA), context.parameters.of(BETA));
        let count = count(context.input_shape, context.batch);
        for (index, (output, input)) in pass.output.iter_mut().zip(pass.input).enumerate() {
            let channel = index % channels;
            let (mean, factor) = match context.mode {
                Mode::Training => normaliser(context.statistics, channels, channel, count),
                Mode::Validation | Mode::Inference => {
                    let variance = context.state[channels + channel].into_f64();
                    (context.state[channel].into_f64(), 1.0 / (variance + EPSILON).sqrt())
                }
            };
            *output = gamma[channel] * T::from_f64((input.into_f64() - mean) * factor) + beta[channel];
        }
    }

    fn backward(&self, context: &Context<'_, T>, mut pass: Backward<'_, T>) {
        let channels = context.input_shape.channels();
        let count = count(context.input_shape, context.batch);
        let mut input_gradient = pass.input_gradient;
        for (index, (gradient, input)) in pass.output_gradient.iter().zip(pass.input).enumerate() {
            let channel = index % channels;
            let (mean, factor) = normaliser(context.statistics, channels, channel, count);
            let normal = (input.into_f64() - mean) * factor;
            pass.gradients.of(GAMMA)[channel] += *gradient * T::from_f64(normal);
            pass.gradients.of(BETA)[channel] += *gradient;
            if let Some(input_gradient) = input_gradient.as_deref_mut() {
                let [sum, product] =
                    [context.gradient_statistics[channel], context.gradient_statistics[channels + channel]];
                let centred = gradient.into_f64() - sum / count - normal * product / count;
                input_gradient[index] = context.parameters.of(GAMMA)[channel] * T::from_f64(factor * centred);
            }
        }
    }

    fn batch_statistics(&self) -> Option<&dyn BatchStatistics<T>> {
        Some(self)
    }
}

impl<T: Scalar> BatchStatistics<T> for BatchNorm {
    /// Sums of x and of x².
    fn forward_sums(&self, context: &Context<'_, T>, input: &[T], sums: &mut [f64]) {
        let channels = context.input_shape.channels();
        let (sums, squares) = sums.split_at_mut(channels);
        for pixel in input.chunks_exact(channels) {
            for ((value, sum), square) in pixel.iter().zip(sums.iter_mut()).zip(squares.iter_mut()) {
                *sum += value.into_f64();
                *square += value.into_f64().powi(2);
            }
        }
    }

    /// Sums of g and of g·x̂.
    fn backward_sums(&self, context: &Context<'_, T>, pass: BackwardSums<'_, T>, sums: &mut [f64]) {
        let channels = context.input_shape.channels();
        let count = count(context.input_shape, context.batch);
        for (index, (gradient, input)) in pass.output_gradient.iter().zip(pass.input).enumerate() {
            let channel = index % channels;
            let (mean, factor) = normaliser(context.statistics, channels, channel, count);
            sums[channel] += gradient.into_f64();
            sums[channels + channel] += gradient.into_f64() * (input.into_f64() - mean) * factor;
        }
    }

    fn update_state(&self, context: &Context<'_, T>, state: &mut [T]) {
        let channels = context.input_shape.channels();
        let count = count(context.input_shape, context.batch);
        let (means, variances) = state.split_at_mut(channels);
        for channel in 0..channels {
            let (mean, factor) = normaliser(context.statistics, channels, channel, count);
            let variance = 1.0 / (factor * factor) - EPSILON;
            let blend = |old: T, new: f64| T::from_f64(self.momentum * old.into_f64() + (1.0 - self.momentum) * new);
            means[channel] = blend(means[channel], mean);
            variances[channel] = blend(variances[channel], variance);
        }
    }
}

fn dense() -> NetworkBuilder<f64> {
    Network::builder(Shape::flat(40))
        .layer(Dense::new(60).without_bias())
        .layer(BatchNorm { momentum: 0.9 })
        .layer(Activation::Tanh)
        .layer(Dense::new(30).without_bias())
        .layer(BatchNorm { momentum: 0.9 })
        .layer(Dense::new(40))
}

fn convolutional() -> NetworkBuilder<f64> {
    Network::builder(Shape::image(5, 4, 2))
        .layer(BatchNorm { momentum: 0.9 })
        .layer(Conv2D::new(4, 3).without_bias())
        .layer(BatchNorm { momentum: 0.9 })
        .layer(Activation::Silu)
        .layer(Conv2D::new(2, 3))
}

#[test]
fn gradients() -> Outcome {
    for (name, builder) in [("batch norm, dense", dense()), ("batch norm, convolutional", convolutional())] {
        for samples in [3, 20, SAMPLES] {
            of_network(builder.clone().build()?, samples, &mut Numbers::new(8))
                .check(&format!("{name}, {samples} samples"));
        }
    }
    Ok(())
}

#[test]
fn threads_do_not_matter() {
    same_bits_for_any_threads(dense(), &data(40));
    same_bits_for_any_threads(convolutional(), &data(40));
}

/// A tape for more samples cuts the same batch into other shards: outputs and gradients are the
/// same but for rounding.
#[test]
fn the_partition_does_not_matter() -> Outcome {
    for builder in [dense(), convolutional()] {
        let mut random = Numbers::new(4);
        let mut network = builder.build()?;
        scatter(&mut network, &mut random);
        let batch = data(40).columns(0, 20).clone_owned();
        let weights = random.vector(20 * 40, -1.0, 1.0);
        let mut results = Vec::new();
        for capacity in [20, 100, 1000] {
            let mut tape = network.tape_with_input_gradient(capacity)?;
            let mut result = network.forward(&mut tape, &batch, None, 0)?.to_vec();
            let mut gradients = vec![0.0; network.parameter_count()];
            network.backward(&mut tape, &weights, &mut gradients)?;
            result.extend(gradients);
            result.extend_from_slice(tape.input_gradient());
            results.push(result);
        }
        assert!(distance(&results[1], &results[0]) < 1e-13);
        assert!(distance(&results[2], &results[0]) < 1e-13);
    }
    Ok(())
}

/// Going back twice from one way forward gives the same twice.
#[test]
fn backward_can_be_repeated() -> Outcome {
    let (network, batch) = (dense().build()?, data(40));
    let mut tape = network.tape(SAMPLES)?;
    let weights = network.forward(&mut tape, &batch, None, 0)?.to_vec();
    let mut gradients = [vec![0.0; network.parameter_count()], vec![0.0; network.parameter_count()]];
    for gradients in &mut gradients {
        network.backward(&mut tape, &weights, gradients)?;
    }
    assert!(gradients[0] == gradients[1], "other gradients the second time");
    Ok(())
}

#[test]
fn state_is_updated_once_a_step_and_used_in_inference() -> Outcome {
    let builder = || Network::builder(Shape::flat(3)).layer(BatchNorm { momentum: 0.5 });
    let (data, mut network) = (data(3), builder().build()?);
    Trainer::new(Mse, Sgd::new(1e-9)).batch_size(SAMPLES / 3).shuffle(false).fit(&mut network, &data)?;
    let mut expected = vec![0.0; 3];
    for first in [0, 50, 100] {
        let mean = data.columns(first, 50).column_mean();
        expected.iter_mut().zip(mean.iter()).for_each(|(old, new)| *old = 0.5 * *old + 0.5 * new);
    }
    let state: Vec<_> = network.state().map(|state| (state.name.to_owned(), state.values.to_vec())).collect();
    assert_eq!(state[0].0, "layers.0.mean");
    assert_eq!(state[1].0, "layers.0.variance");
    assert!(distance(&state[0].1, &expected) < 1e-12);

    let outputs = network.predict(&data)?;
    let by_hand = (data[(1, 7)] - state[0].1[1]) / (state[1].1[1] + EPSILON).sqrt();
    approx::assert_relative_eq!(outputs[(1, 7)], by_hand, max_relative = 1e-6);
    assert_eq!(network.predict(&data.columns(7, 1))?.as_slice(), outputs.column(7).as_slice());
    let mut copy = builder().build()?;
    for (name, values) in &state {
        copy.set_parameter(name, values)?;
    }
    assert_eq!(copy.state().nth(1).unwrap().values, state[1].1);
    Ok(())
}

/// Nothing but training changes the state: not the explicit passes, not inference.
#[test]
fn passes_leave_the_state_alone() -> Outcome {
    let (data, network) = (data(40), dense().build()?);
    let objective = weighted(&mut Numbers::new(1), 40 * 10);
    Case::new(network.clone(), 10, &objective, &mut Numbers::new(2)).check(&mut Numbers::new(3));
    network.predict(&data)?;
    assert!(network.state().all(|state| state.values.iter().all(|value| *value == 0.0 || *value == 1.0)));
    Ok(())
}
