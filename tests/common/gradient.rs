//! Numerical gradients through the public passes of a network.

use autoencoder::nalgebra::DMatrix;
use autoencoder::testing::{GradientComparison, compare_gradient};
use autoencoder::{Activation, Batch, Loss, LossPass, Network, Shape};

use super::Numbers;

/// The comparison of a gradient with numerical ones.
pub trait Check {
    /// Prints the figures, and panics where the gradient is wrong or too little was compared.
    fn check(self, what: &str);
}

impl Check for GradientComparison {
    #[track_caller]
    fn check(self, what: &str) {
        let Self { error, compared, redrawn, .. } = self;
        println!("{what:<60} {error:.1e} over {compared} coordinates, {redrawn} kinks");
        assert!(error <= 1e-8, "{what}: the gradient is off by {error:.2e}");
        assert!(compared > 2 * redrawn, "{what}: {redrawn} of {compared} at a kink");
    }
}

/// The terms of a number made of a network's outputs; writes its gradient where asked to.
pub type Objective<'a> = &'a dyn Fn(&[f64], Option<&mut [f64]>) -> Vec<f64>;

/// The objective of a network's outputs, after every parameter has been replaced by a random
/// number.
pub struct Case<'a> {
    pub network: Network<f64>,
    pub inputs: DMatrix<f64>,
    pub side: Option<DMatrix<f64>>,
    pub link: Option<Activation>,
    pub objective: Objective<'a>,
}

impl<'a> Case<'a> {
    /// Random inputs and parameters for `samples` samples.
    pub fn new(mut network: Network<f64>, samples: usize, objective: Objective<'a>, random: &mut Numbers) -> Self {
        scatter(&mut network, random);
        let features = network.input_shape().elements();
        let inputs = DMatrix::from_vec(features, samples, random.vector(features * samples, -1.0, 1.0));
        Self { network, inputs, side: None, link: None, objective }
    }

    /// The gradient by the input and by every parameter against numerical ones.
    pub fn check(mut self, random: &mut Numbers) -> GradientComparison {
        let samples = self.inputs.ncols();
        let mut tape = self.network.tape_with_input_gradient(samples).expect("a tape");
        let outputs =
            self.network.forward(&mut tape, batch(&self.inputs, &self.side), self.link, 3).expect("outputs").to_vec();
        let mut output_gradient = vec![0.0; outputs.len()];
        (self.objective)(&outputs, Some(&mut output_gradient));
        let mut gradients = vec![f64::NAN; self.network.parameter_count()];
        self.network.backward(&mut tape, &output_gradient, &mut gradients).expect("gradients");
        let by_input = tape.input_gradient().to_vec();

        let mut seed = || random.below(1 << 20) as u64;
        let inputs = self.inputs.as_slice().to_vec();
        let mut report = compare_gradient(&inputs, &by_input, seed(), |moved| {
            self.inputs.copy_from_slice(moved);
            self.value(&mut tape)
        });
        self.inputs.copy_from_slice(&inputs);
        let mut start = 0;
        let tensors: Vec<_> = self.network.parameters().map(|p| (p.name.to_owned(), p.values.to_vec())).collect();
        for (name, values) in tensors {
            let analytic = &gradients[start..start + values.len()];
            report.add(compare_gradient(&values, analytic, seed(), |moved| {
                self.network.set_parameter(&name, moved).expect("a parameter of that name");
                self.value(&mut tape)
            }));
            self.network.set_parameter(&name, &values).expect("a parameter of that name");
            start += values.len();
        }
        report
    }

    /// The terms of the objective, and the mean over samples of every penalty.
    fn value(&self, tape: &mut autoencoder::Tape<f64>) -> Vec<f64> {
        let outputs = self.network.forward(tape, batch(&self.inputs, &self.side), self.link, 3).expect("outputs");
        let mut terms = (self.objective)(outputs, None);
        terms.extend(tape.penalties().map(|(_, sum)| sum / self.inputs.ncols() as f64));
        terms
    }
}

fn batch<'a>(inputs: &'a DMatrix<f64>, side: &'a Option<DMatrix<f64>>) -> Batch<'a, f64> {
    match side {
        Some(side) => Batch::from(inputs).with_side(side),
        None => Batch::from(inputs),
    }
}

/// Replaces every parameter, biases too, by random numbers of about the size its tensor had.
pub fn scatter(network: &mut Network<f64>, random: &mut Numbers) {
    let tensors: Vec<_> = network.parameters().map(|p| (p.name.to_owned(), p.values.to_vec())).collect();
    for (name, values) in tensors {
        let largest = values.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
        let limit = if largest > 0.0 { largest } else { 0.5 };
        network.set_parameter(&name, &random.vector(values.len(), -limit, limit)).expect("a parameter of that name");
    }
}

/// The terms of Σ r·output with random r.
pub fn weighted(random: &mut Numbers, count: usize) -> impl Fn(&[f64], Option<&mut [f64]>) -> Vec<f64> + use<> {
    let weights = random.vector(count, -1.0, 1.0);
    move |outputs, gradient| {
        if let Some(gradient) = gradient {
            gradient.copy_from_slice(&weights);
        }
        outputs.iter().zip(&weights).map(|(output, weight)| output * weight).collect()
    }
}

/// The terms of the mean over samples of a loss, from logits.
pub fn mean_loss<'a>(
    loss: &'a dyn Loss<f64>,
    shape: Shape,
    targets: &'a [f64],
) -> impl Fn(&[f64], Option<&mut [f64]>) -> Vec<f64> + use<'a> {
    let factor = shape.elements() as f64 / targets.len() as f64;
    move |outputs, gradient| {
        if let Some(gradient) = gradient {
            let pass = LossPass::new(shape, outputs, targets).expect("lengths").from_logits(true);
            loss.evaluate(pass.gradient(factor, gradient).expect("lengths"));
        }
        let samples = outputs.chunks(shape.elements()).zip(targets.chunks(shape.elements()));
        let pass = |outputs, targets| LossPass::new(shape, outputs, targets).expect("lengths").from_logits(true);
        samples.map(|(outputs, targets)| factor * loss.evaluate(pass(outputs, targets))).collect()
    }
}

/// Checks the gradients of Σ r·output of a network with random parameters, over `samples` samples.
pub fn of_network(network: Network<f64>, samples: usize, random: &mut Numbers) -> GradientComparison {
    let objective = weighted(random, samples * network.output_shape().elements());
    Case::new(network, samples, &objective, random).check(random)
}
