//! Right layers and losses that a check could take for wrong ones, and their wrong neighbours.

use autoencoder::testing::{LayerCheck, LossCheck, Report, check_layer};
use autoencoder::*;

use crate::built::OFF;
use crate::{Found, Row};

/// y = ⌊4x⌉ / 4, whose slope is zero almost everywhere; backward multiplies by `factor`.
#[derive(Debug, Clone)]
struct Round {
    factor: f64,
}

impl<T: Scalar> Layer<T> for Round {
    fn kind(&self) -> &'static str {
        "round"
    }

    fn config(&self) -> Config {
        Config::new()
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        Ok(Plan::new(input))
    }

    fn forward(&self, _: &Context<'_, T>, pass: Forward<'_, T>) {
        let four = T::from_f64(4.0);
        pass.output.iter_mut().zip(pass.input).for_each(|(output, input)| *output = (*input * four).round() / four);
    }

    fn backward(&self, _: &Context<'_, T>, pass: Backward<'_, T>) {
        let Some(gradient) = pass.input_gradient else { return };
        let factor = T::from_f64(self.factor);
        gradient.iter_mut().zip(pass.output_gradient).for_each(|(to, from)| *to = factor * *from);
    }
}

/// softmax(x + b) with one number b for all features, of which the output does not depend: the
/// gradient by b is `gradient`, and zero is right.
#[derive(Debug, Clone)]
struct Shifted {
    gradient: f64,
}

impl<T: Scalar> Layer<T> for Shifted {
    fn kind(&self) -> &'static str {
        "shifted"
    }

    fn config(&self) -> Config {
        Config::new()
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        let shift = ParameterSpec::new("shift", &[1], Initializer::Uniform(1.0));
        Ok(Plan::new(input).parameter(shift))
    }

    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        let (features, shift) = (context.input_shape.elements(), context.parameters.of(0)[0]);
        for (output, input) in pass.output.chunks_exact_mut(features).zip(pass.input.chunks_exact(features)) {
            let largest = input.iter().fold(T::zero(), |largest, value| largest.max(*value + shift));
            output.iter_mut().zip(input).for_each(|(output, input)| *output = (*input + shift - largest).exp());
            let sum = output.iter().fold(T::zero(), |sum, value| sum + *value);
            output.iter_mut().for_each(|value| *value /= sum);
        }
    }

    fn backward(&self, context: &Context<'_, T>, mut pass: Backward<'_, T>) {
        pass.gradients.of(0)[0] += T::from_f64(self.gradient * context.samples as f64);
        let (features, Some(gradient)) = (context.input_shape.elements(), pass.input_gradient) else { return };
        let samples = pass.output.chunks_exact(features).zip(pass.output_gradient.chunks_exact(features));
        for (to, (output, slopes)) in gradient.chunks_exact_mut(features).zip(samples) {
            let mean = output.iter().zip(slopes).fold(T::zero(), |sum, (value, slope)| sum + *value * *slope);
            let each = to.iter_mut().zip(output.iter().zip(slopes));
            each.for_each(|(to, (value, slope))| *to = *value * (*slope - mean));
        }
    }
}

/// Squared differences of neighbours along an image's rows: needs the shape, and panics where a
/// sample of two rows is handed over as one of a single row.
#[derive(Debug, Clone)]
struct RowDifferences {
    factor: f64,
}

impl<T: Scalar> Loss<T> for RowDifferences {
    fn kind(&self) -> &'static str {
        "row_differences"
    }

    fn config(&self) -> Config {
        Config::new()
    }

    fn evaluate(&self, mut pass: LossPass<'_, T>) -> f64 {
        let [height, width, channels] = *pass.shape.dimensions() else { panic!("no image: {}", pass.shape) };
        let row = width * channels;
        if let Some(gradient) = &mut pass.gradient {
            gradient.fill(T::zero());
        }
        let count = pass.predictions.len().min(pass.targets.len());
        let count = pass.gradient.as_ref().map_or(count, |gradient| count.min(gradient.len()));
        let mut sum = 0.0;
        for sample in 0..count / (height * row) {
            for place in (0..height * row).filter(|place| place % row >= channels) {
                let (here, before) = (sample * height * row + place, sample * height * row + place - channels);
                let predicted = pass.predictions[here] - pass.predictions[before];
                let difference = predicted - (pass.targets[here] - pass.targets[before]);
                sum += difference.into_f64() * difference.into_f64();
                let slope = T::from_f64(2.0 * self.factor) * difference * pass.factor;
                if let Some(gradient) = &mut pass.gradient {
                    gradient[here] += slope;
                    gradient[before] -= slope;
                }
            }
        }
        sum
    }
}

fn caught(report: &Report, check: &str) -> Found {
    Found { failed: !report.failures().any(|failure| failure.name.contains(check)), ..Found::of(report) }
}

pub fn rows() -> Vec<Row> {
    let flat = Shape::flat(6);
    let round = move |factor: f64| LayerCheck::new(move || Round { factor }, flat).straight_through().run();
    let shifted = move |gradient: f64| check_layer(move || Shifted { gradient }, flat);
    let rows = |factor: f64| LossCheck::new(move || RowDifferences { factor }, Shape::image(2, 3, 2)).run();
    vec![
        Row::new("a straight-through gradient", move || Found::of(&round(1.0))),
        Row::new("a straight-through gradient that is none", move || caught(&round(1.0 + OFF), "straight through")),
        Row::new("a rounding layer that does not say so", move || {
            caught(&check_layer(|| Round { factor: 1.0 }, flat), "gradient by the input")
        }),
        Row::new("a parameter without effect", move || Found::of(&shifted(0.0))),
        Row::new("a parameter without effect, with a gradient", move || caught(&shifted(OFF), "gradient by shift")),
        Row::new("a loss that looks at the shape", move || Found::of(&rows(1.0))),
        Row::new("a loss that looks at the shape, its gradient off", move || caught(&rows(1.0 + OFF), "predictions")),
    ]
}
