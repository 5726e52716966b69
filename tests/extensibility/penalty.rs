//! Layers that add a penalty to the loss: L1 activity, which makes codes sparse; and one on a
//! parameter.

use autoencoder::*;

use crate::common::gradient::{Check, of_network};
use crate::common::{Numbers, Outcome};
use crate::{data, same_bits_for_any_threads};

/// Passes its input on and adds λ Σ|x| to the loss of each sample.
#[derive(Debug)]
struct Sparse {
    weight: f64,
}

impl<T: Scalar> Layer<T> for Sparse {
    fn kind(&self) -> &'static str {
        "sparse"
    }

    fn config(&self) -> Config {
        Config::new().with("weight", self.weight)
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        Ok(Plan::new(input).penalty("l1"))
    }

    fn forward(&self, _context: &Context<'_, T>, pass: Forward<'_, T>) {
        pass.output.copy_from_slice(pass.input);
        if let [penalty] = pass.penalties {
            *penalty += self.weight * pass.input.iter().map(|value| value.into_f64().abs()).sum::<f64>();
        }
    }

    fn backward(&self, context: &Context<'_, T>, pass: Backward<'_, T>) {
        let Some(input_gradient) = pass.input_gradient else { return };
        let step = T::from_f64(self.weight / context.batch as f64);
        for ((to, from), value) in input_gradient.iter_mut().zip(&*pass.output_gradient).zip(pass.input) {
            *to = *from + if *value > T::zero() { step } else { -step };
        }
    }
}

fn builder(weight: f64) -> NetworkBuilder<f64> {
    Network::builder(Shape::flat(40)).layer(Dense::new(60)).layer(Sparse { weight }).layer(Dense::new(40))
}

#[test]
fn its_gradient_is_that_of_the_mean_over_the_batch() -> Outcome {
    for samples in [1, 5, 40] {
        of_network(builder(0.3).build()?, samples, &mut Numbers::new(3)).check("L1 penalty");
    }
    Ok(())
}

#[test]
fn it_is_in_the_history_by_name_and_not_in_the_loss() -> Outcome {
    let (data, mut network) = (data(40), builder(0.3).build()?);
    let codes = network.activations("layers.0", &data)?;
    let by_hand = 0.3 * codes.abs().sum() / data.ncols() as f64;
    let loss = network.evaluate(&Mse, &data)?;
    let history = Trainer::new(Mse, Sgd::new(1e-9)).batch_size(1000).fit(&mut network, &data)?;
    let epoch = &history.epochs()[0];
    assert_eq!(epoch.penalties.len(), 1);
    let (name, value) = &epoch.penalties[0];
    assert_eq!(name, "layers.1.l1");
    approx::assert_relative_eq!(*value, by_hand, max_relative = 1e-12);
    approx::assert_relative_eq!(epoch.loss, loss, max_relative = 1e-12);
    assert!(history.to_string().contains("layers.1.l1"));
    Ok(())
}

#[test]
fn it_makes_codes_smaller() -> Outcome {
    let data = data(40);
    let mut sizes = Vec::new();
    for weight in [0.0, 0.05] {
        let mut network = builder(weight).build()?;
        crate::before_and_after(&mut network, &data, &Mse);
        sizes.push(network.activations("layers.0", &data)?.abs().sum());
    }
    assert!(sizes[1] < 0.7 * sizes[0], "{sizes:?}");
    Ok(())
}

#[test]
fn threads_do_not_matter() {
    same_bits_for_any_threads(builder(0.1), &data(40));
}

/// Multiplies each feature by a factor of its own, which may be an earlier layer's; large factors
/// are punished.
#[derive(Debug)]
struct Scale {
    penalty: Regularizer,
    shared_with: Option<&'static str>,
}

impl<T: Scalar> Layer<T> for Scale {
    fn kind(&self) -> &'static str {
        "scale"
    }

    fn config(&self) -> Config {
        Config::new().with("penalty", self.penalty.config())
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        let factors =
            ParameterSpec::new("factors", &[input.elements()], Initializer::Uniform(1.0)).regularizer(self.penalty);
        Ok(Plan::new(input).parameter(match self.shared_with {
            Some(name) => factors.shared_with(name),
            None => factors,
        }))
    }

    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        let factors = context.parameters.of(0).iter().cycle();
        let products = pass.input.iter().zip(factors).map(|(value, factor)| *value * *factor);
        pass.output.iter_mut().zip(products).for_each(|(to, product)| *to = product);
    }

    fn backward(&self, context: &Context<'_, T>, mut pass: Backward<'_, T>) {
        let factors = context.parameters.of(0);
        for (gradients, inputs) in pass.output_gradient.chunks(factors.len()).zip(pass.input.chunks(factors.len())) {
            let sums = pass.gradients.of(0).iter_mut().zip(gradients.iter().zip(inputs));
            sums.for_each(|(sum, (gradient, input))| *sum += *gradient * *input);
        }
        let Some(input_gradient) = pass.input_gradient else { return };
        let products = pass.output_gradient.iter().zip(factors.iter().cycle()).map(|(g, factor)| *g * *factor);
        input_gradient.iter_mut().zip(products).for_each(|(to, product)| *to = product);
    }
}

/// A parameter that two layers share and both punish is punished twice.
#[test]
fn a_penalty_on_a_parameter_is_part_of_the_plan() -> Outcome {
    let scale = |penalty, shared_with| Scale { penalty, shared_with };
    let builder = || {
        let builder = Network::<f64>::builder(Shape::flat(6)).layer(scale(Regularizer::l1_l2(0.1, 0.2), None));
        builder.layer(Activation::Tanh).layer(scale(Regularizer::l2(0.3), Some("layers.0.factors")))
    };
    for samples in [1, 5, 40] {
        of_network(builder().build()?, samples, &mut Numbers::new(3)).check("a penalty on a shared parameter");
    }
    let network = builder().build()?;
    let factors = network.parameter("layers.0.factors")?.values;
    let mut tape = network.tape(7)?;
    network.forward(&mut tape, &data(6).columns(0, 7), None, 0)?;
    let found: Vec<(String, f64)> = tape.penalties().map(|(name, sum)| (name.to_owned(), sum / 7.0)).collect();
    let sum = |term: fn(&f64) -> f64| factors.iter().map(term).sum::<f64>();
    let (absolutes, squares) = (sum(|f| f.abs()), sum(|f| f * f));
    assert_eq!(found[0].0, "layers.0.factors.l1_l2");
    approx::assert_relative_eq!(found[0].1, 0.1 * absolutes + 0.2 * squares, max_relative = 1e-12);
    assert_eq!(found[1].0, "layers.2.factors.l2");
    approx::assert_relative_eq!(found[1].1, 0.3 * squares, max_relative = 1e-12);
    same_bits_for_any_threads(builder(), &data(6));
    Ok(())
}
