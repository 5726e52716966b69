//! A layer that draws random numbers and has two modes: dropout.

use autoencoder::*;
use rand_distr::{Distribution, Uniform};

use crate::common::gradient::{Check, of_network};
use crate::common::{Numbers, Outcome, bits};
use crate::{data, descent, same_bits_for_any_threads, trained};

/// In training, sets a share of the values to zero and enlarges the others to match; passes
/// everything on in inference.
#[derive(Debug)]
struct Dropout {
    rate: f64,
}

impl Dropout {
    /// What each value of a sample is multiplied by.
    fn factors<T: Scalar>(&self, random: &Random, sample: usize) -> impl Iterator<Item = T> + use<T> {
        let (mut rng, rate) = (random.sample(sample), self.rate);
        let unit = Uniform::new(0.0, 1.0).expect("a range");
        std::iter::repeat_with(move || {
            let kept: f64 = unit.sample(&mut rng);
            T::from_f64(if kept < rate { 0.0 } else { 1.0 / (1.0 - rate) })
        })
    }
}

impl<T: Scalar> Layer<T> for Dropout {
    fn kind(&self) -> &'static str {
        "dropout"
    }

    fn config(&self) -> Config {
        Config::new().with("rate", self.rate)
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        Ok(Plan::new(input))
    }

    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        pass.output.copy_from_slice(pass.input);
        if context.mode != Mode::Training {
            return;
        }
        for (sample, output) in pass.output.chunks_exact_mut(context.output_shape.elements()).enumerate() {
            output
                .iter_mut()
                .zip(self.factors::<T>(&context.random, sample))
                .for_each(|(value, factor)| *value *= factor);
        }
    }

    fn backward(&self, context: &Context<'_, T>, pass: Backward<'_, T>) {
        let Some(input_gradient) = pass.input_gradient else { return };
        input_gradient.copy_from_slice(pass.output_gradient);
        for (sample, gradient) in input_gradient.chunks_exact_mut(context.output_shape.elements()).enumerate() {
            gradient
                .iter_mut()
                .zip(self.factors::<T>(&context.random, sample))
                .for_each(|(value, factor)| *value *= factor);
        }
    }
}

fn builder(rate: f64) -> NetworkBuilder<f64> {
    Network::builder(Shape::flat(40))
        .layer(Dense::new(60).activation(Activation::Tanh))
        .layer(Dropout { rate })
        .layer(Dense::new(40))
}

#[test]
fn backward_sees_the_stream_that_forward_had() -> Outcome {
    for samples in [1, 7, 40] {
        of_network(builder(0.4).build()?, samples, &mut Numbers::new(3)).check("dropout");
    }
    Ok(())
}

#[test]
fn streams_differ_between_samples_and_steps_and_repeat() -> Outcome {
    let network = Network::<f64>::builder(Shape::flat(200)).layer(Dropout { rate: 0.5 }).build()?;
    let ones = nalgebra::DMatrix::from_element(200, 20, 1.0);
    let mut tape = network.tape(20)?;
    let mut draw = |step| network.forward(&mut tape, &ones, None, step).map(<[f64]>::to_vec);
    let first = draw(0)?;
    let kept = first.iter().filter(|value| **value > 0.0).count() as f64 / first.len() as f64;
    assert!((kept - 0.5).abs() < 0.05, "{kept} were kept");
    assert_eq!(first, draw(0)?);
    assert_ne!(first, draw(1)?);
    let samples: Vec<_> = first.chunks_exact(200).collect();
    assert!((1..20).all(|sample| samples[0] != samples[sample]));
    Ok(())
}

#[test]
fn inference_is_the_mode_without_it() -> Outcome {
    let (data, with) = (data(40), builder(0.5).build()?);
    let without = builder(0.0).build()?;
    assert_eq!(with.predict(&data)?, without.predict(&data)?);
    assert_eq!(with.evaluate(&Mse, &data)?, without.evaluate(&Mse, &data)?);
    Ok(())
}

#[test]
fn threads_do_not_matter_and_the_seed_does() {
    let data = data(40);
    same_bits_for_any_threads(builder(0.3), &data);
    let seeded = |seed| trained(builder(0.3), &data, descent().shuffle(false).seed(seed));
    assert!(seeded(1) == seeded(1));
    assert!(seeded(1) != seeded(2));
}

/// How a batch is cut does not show in what is drawn.
#[test]
fn the_partition_does_not_matter() -> Outcome {
    let (data, network) = (data(40), builder(0.3).build()?);
    let few = data.columns(0, 20);
    let outputs = |capacity: usize| -> Result<Vec<u64>, Error> {
        Ok(bits(network.forward(&mut network.tape(capacity)?, &few, None, 5)?))
    };
    assert_eq!(outputs(20)?, outputs(400)?);
    Ok(())
}
