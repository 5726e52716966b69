//! Numerical gradients through the public passes of a network.

use autoencoder::nalgebra::DMatrix;
use autoencoder::{Activation, Batch, Network};

use super::{Numbers, distance};

/// Distance between the points of the stencil.
const H: f64 = 1e-3;

/// Where stencils of two widths differ by more than this share of the largest gradient, the function has a kink between
/// their points. Rounding makes them differ by 1e-11, a kink by about the change of its slope.
const KINK: f64 = 1e-9;

/// The most coordinates of one tensor that are compared; of larger ones, as many random ones.
const MOST: usize = 48;

/// What became of one check.
#[derive(Debug, Default, Clone, Copy)]
pub struct Report {
    /// max|analytic − numeric| / max|numeric|, of the worst tensor.
    pub worst: f64,
    pub compared: usize,
    /// Coordinates that were passed over because of a kink within the stencil.
    pub kinks: usize,
}

impl Report {
    pub fn add(&mut self, other: Report) {
        self.worst = self.worst.max(other.worst);
        self.compared += other.compared;
        self.kinks += other.kinks;
    }

    /// Prints the figures, and panics where the gradient is wrong or too little was compared.
    #[track_caller]
    pub fn check(self, what: &str) {
        println!("{what:<60} {:.1e} over {} coordinates, {} kinks", self.worst, self.compared, self.kinks);
        assert!(self.worst <= 1e-8, "{what}: the gradient is off by {:.2e}", self.worst);
        assert!(self.compared > 2 * self.kinks, "{what}: {} of {} at a kink", self.kinks, self.compared);
    }
}

/// A number made of a network's outputs; writes its gradient where asked to.
pub type Objective<'a> = &'a dyn Fn(&[f64], Option<&mut [f64]>) -> f64;

/// Compares `analytic` with the five-point stencil over `value`, which is the objective with one coordinate moved.
pub fn compare(analytic: &[f64], mut value: impl FnMut(usize, f64) -> f64, random: &mut Numbers) -> Report {
    let mut stencil = |index: usize, h: f64| {
        let [a, b, c, d] = [-2.0, -1.0, 1.0, 2.0].map(|step| value(index, step * h));
        (a - 8.0 * b + 8.0 * c - d) / (12.0 * h)
    };
    let mut coordinates: Vec<usize> = (0..analytic.len()).collect();
    for last in (1..coordinates.len()).rev() {
        coordinates.swap(last, random.below(last + 1));
    }
    let pairs: Vec<[f64; 3]> = coordinates
        .into_iter()
        .take(MOST)
        .map(|index| [analytic[index], stencil(index, H), stencil(index, H / 2.0)])
        .collect();
    let scale = pairs.iter().fold(0.0, |most: f64, [_, numeric, _]| most.max(numeric.abs()));
    let (smooth, kinks): (Vec<[f64; 3]>, Vec<[f64; 3]>) =
        pairs.into_iter().partition(|[_, wide, narrow]| (wide - narrow).abs() <= KINK * scale);
    let found: Vec<f64> = smooth.iter().map(|[analytic, ..]| *analytic).collect();
    let numeric: Vec<f64> = smooth.iter().map(|[_, numeric, _]| *numeric).collect();
    Report { worst: distance(&found, &numeric), compared: smooth.len(), kinks: kinks.len() }
}

/// The objective of a network's outputs, after every parameter has been replaced by a random number.
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
    pub fn check(mut self, random: &mut Numbers) -> Report {
        let samples = self.inputs.ncols();
        let mut tape = self.network.tape_with_input_gradient(samples).expect("a tape");
        let outputs =
            self.network.forward(&mut tape, batch(&self.inputs, &self.side), self.link, 3).expect("outputs").to_vec();
        let mut output_gradient = vec![0.0; outputs.len()];
        (self.objective)(&outputs, Some(&mut output_gradient));
        let mut gradients = vec![f64::NAN; self.network.parameter_count()];
        self.network.backward(&mut tape, &output_gradient, &mut gradients).expect("gradients");
        let by_input = tape.input_gradient().to_vec();

        let mut report = compare(&by_input, |index, step| self.moved_input(&mut tape, index, step), random);
        let mut start = 0;
        let tensors: Vec<_> = self.network.parameters().map(|p| (p.name.to_owned(), p.values.to_vec())).collect();
        for (name, values) in tensors {
            let analytic = &gradients[start..start + values.len()];
            report.add(compare(
                analytic,
                |index, step| self.moved_parameter(&mut tape, &name, &values, index, step),
                random,
            ));
            start += values.len();
        }
        report
    }

    fn moved_input(&mut self, tape: &mut autoencoder::Tape<f64>, index: usize, step: f64) -> f64 {
        let before = self.inputs.as_slice()[index];
        self.inputs.as_mut_slice()[index] = before + step;
        let value = self.value(tape);
        self.inputs.as_mut_slice()[index] = before;
        value
    }

    fn moved_parameter(
        &mut self,
        tape: &mut autoencoder::Tape<f64>,
        name: &str,
        values: &[f64],
        index: usize,
        step: f64,
    ) -> f64 {
        let mut moved = values.to_vec();
        moved[index] += step;
        self.network.set_parameter(name, &moved).expect("a parameter of that name");
        let value = self.value(tape);
        self.network.set_parameter(name, values).expect("a parameter of that name");
        value
    }

    /// The objective, and the mean over samples of every penalty.
    fn value(&self, tape: &mut autoencoder::Tape<f64>) -> f64 {
        let outputs = self.network.forward(tape, batch(&self.inputs, &self.side), self.link, 3).expect("outputs");
        let value = (self.objective)(outputs, None);
        value + tape.penalties().map(|(_, sum)| sum).sum::<f64>() / self.inputs.ncols() as f64
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

/// Σ r·output with random r.
pub fn weighted(random: &mut Numbers, count: usize) -> impl Fn(&[f64], Option<&mut [f64]>) -> f64 + use<> {
    let weights = random.vector(count, -1.0, 1.0);
    move |outputs, gradient| {
        if let Some(gradient) = gradient {
            gradient.copy_from_slice(&weights);
        }
        outputs.iter().zip(&weights).map(|(output, weight)| output * weight).sum()
    }
}

/// Checks the gradients of Σ r·output of a network with random parameters, over `samples` samples.
pub fn of_network(network: Network<f64>, samples: usize, random: &mut Numbers) -> Report {
    let objective = weighted(random, samples * network.output_shape().elements());
    Case::new(network, samples, &objective, random).check(random)
}
