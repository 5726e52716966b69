//! A layer and a loss of your own, from outside the crate: written down, checked against numerical gradients, trained.
//!
//! ```text
//! cargo run --release --example custom_layer
//! ```
//!
//! The layer is PReLU, a ReLU whose slope for negative values is learned, one for each feature (He et al. 2015). The loss is
//! ln cosh(prediction - target): squared error where it is small, absolute error where it is large. Prints how far the
//! gradients are from numerical ones, and the validation loss; draws `reconstructions.png`, `loss.svg` and `map.svg`.

mod support;

use std::error::Error;

use autoencoder::nalgebra::DMatrix;
use autoencoder::{
    Activation, Adam, Autoencoder, Backward, Config, ConfigError, Dense, Forward, Initializer, Layer, Loss, LossPass,
    Network, ParameterSpec, Plan, Registry, Scalar, Shape, ShapeError, Trainer,
};
use support::arguments::Arguments;
use support::gallery;
use support::mnist::Mnist;
use support::progress::Progress;

/// y = x for x > 0, else a x, with a slope a for each feature.
#[derive(Debug, Clone, PartialEq)]
struct PRelu {
    first_slope: f64,
}

impl PRelu {
    /// What a model file's description is turned into; nothing in it may be ignored.
    fn from_config(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self { first_slope: config.only(&["first_slope"])?.number("first_slope")? })
    }
}

impl<T: Scalar> Layer<T> for PRelu {
    fn kind(&self) -> &'static str {
        "p_relu"
    }

    fn config(&self) -> Config {
        Config::new().with("first_slope", self.first_slope)
    }

    /// The output has the input's shape; there is one parameter.
    fn plan(&self, input: Shape) -> Result<Plan, ShapeError> {
        let slopes = ParameterSpec::new("slope", &[input.elements()], Initializer::Constant(self.first_slope));
        Ok(Plan::new(input).parameter(slopes))
    }

    /// Inputs and outputs hold one sample after the other.
    fn forward(&self, pass: Forward<'_, T>) {
        let slopes = pass.parameters.of(0).iter().cycle();
        for ((output, input), slope) in pass.output.iter_mut().zip(pass.input).zip(slopes) {
            *output = if *input > T::zero() { *input } else { *slope * *input };
        }
    }

    /// dy/da = x and dy/dx = a where x is negative. Parameters' gradients are added to, the input's is written.
    fn backward(&self, mut pass: Backward<'_, T>) {
        let slopes = pass.parameters.of(0);
        for (inputs, gradients) in pass.input.chunks(slopes.len()).zip(pass.output_gradient.chunks(slopes.len())) {
            for ((sum, input), gradient) in pass.gradients.of(0).iter_mut().zip(inputs).zip(gradients) {
                *sum += if *input > T::zero() { T::zero() } else { *gradient * *input };
            }
        }
        let Some(input_gradient) = pass.input_gradient else { return }; // nobody asks for it in a first layer
        let known = pass.input.iter().zip(pass.output_gradient.iter()).zip(slopes.iter().cycle());
        for (target, ((input, gradient), slope)) in input_gradient.iter_mut().zip(known) {
            *target = if *input > T::zero() { *gradient } else { *slope * *gradient };
        }
    }
}

/// The mean over features of ln cosh(prediction - target).
#[derive(Debug, Clone, Copy, PartialEq)]
struct LogCosh;

impl<T: Scalar> Loss<T> for LogCosh {
    fn kind(&self) -> &'static str {
        "log_cosh"
    }

    fn config(&self) -> Config {
        Config::new()
    }

    /// The sum over samples, and where it is asked for the gradient: tanh(prediction - target).
    fn evaluate(&self, pass: LossPass<'_, T>) -> f64 {
        let features = pass.shape.elements() as f64;
        let differences = pass.predictions.iter().zip(pass.targets).map(|(prediction, target)| *prediction - *target);
        if let Some(gradient) = pass.gradient {
            let factor = pass.factor / T::from_f64(features);
            gradient.iter_mut().zip(differences.clone()).for_each(|(to, difference)| *to = factor * difference.tanh());
        }
        let values = differences.map(|difference| ln_cosh(difference.into_f64()));
        values.sum::<f64>() / features
    }
}

/// Without the overflow of cosh: ln cosh x = |x| + ln(1 + exp(-2|x|)) - ln 2.
fn ln_cosh(x: f64) -> f64 {
    x.abs() + (-2.0 * x.abs()).exp().ln_1p() - std::f64::consts::LN_2
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse("custom_layer", "Trains with a layer and a loss from outside the crate.", 10);
    println!("largest error of a gradient {:.1e}", gradient_error(arguments.seed)?);

    let mnist = Mnist::load(&arguments)?;
    let mut model = Autoencoder::<f32>::builder(Shape::image(28, 28, 1))
        .encoder(Dense::new(128))
        .encoder(PRelu { first_slope: 0.25 })
        .encoder(Dense::new(32))
        .decoder(Dense::new(128))
        .decoder(PRelu { first_slope: 0.25 })
        .decoder(Dense::new(28 * 28).activation(Activation::Sigmoid))
        .seed(arguments.seed)
        .build()?;
    println!("{}", model.summary());

    let history = Trainer::new(LogCosh, Adam::default())
        .epochs(arguments.epochs)
        .batch_size(128)
        .seed(arguments.seed)
        .threads(arguments.threads)
        .validation(&mnist.test.images)
        .callback(Progress::new(arguments.epochs))
        .fit(&mut model, &mnist.train.images)?;
    for slopes in model.parameters().filter(|parameter| parameter.name.ends_with("slope")) {
        let mean = slopes.values.iter().sum::<f32>() / slopes.values.len() as f32;
        println!("{} has become {mean:.3} on average", slopes.name);
    }

    gallery::loss_curves(&arguments, "ln cosh of a pixel's error", &history)?;
    model.save(arguments.file("custom_layer.safetensors"))?;
    let registry = Registry::default().register("p_relu", PRelu::from_config);
    let model = Autoencoder::<f32>::load_with(arguments.file("custom_layer.safetensors"), &registry)?;

    let originals = mnist.test.of_each_digit(2)?;
    gallery::reconstructions(&arguments, &originals, &model.reconstruct(&originals)?)?;
    let (images, digits) = mnist.test.first(2_000)?;
    gallery::code_map(&arguments, &model.encode(&images)?, digits)?;
    gallery::say_where(&arguments);

    println!("validation loss {:.4}", history.validation_loss().unwrap_or(f64::NAN));
    Ok(())
}

/// The largest difference between the gradients of a small network and central differences, relative to the largest of them.
fn gradient_error(seed: u64) -> Result<f64, autoencoder::Error> {
    const STEP: f64 = 1e-4;
    let mut network = Network::<f64>::builder(Shape::flat(5))
        .layer(Dense::new(8))
        .layer(PRelu { first_slope: 0.25 })
        .layer(Dense::new(3))
        .seed(seed)
        .build()?;
    let inputs = DMatrix::from_fn(5, 16, |feature, sample| ((7 * feature + 3 * sample) as f64).sin());
    let targets = DMatrix::from_fn(3, 16, |feature, sample| ((5 * feature + 2 * sample) as f64).cos());

    let mut tape = network.tape(16)?;
    let predictions = network.forward(&mut tape, &inputs, None, 0)?;
    let mut output_gradient = vec![0.0; predictions.len()];
    let pass = LossPass::new(Shape::flat(3), predictions, targets.as_slice())?;
    LogCosh.evaluate(pass.gradient(1.0 / 16.0, &mut output_gradient)?);
    let mut gradients = vec![0.0; network.parameter_count()];
    network.backward(&mut tape, &output_gradient, &mut gradients)?;

    let (mut error, mut largest) = (0.0_f64, 0.0_f64);
    for (index, gradient) in gradients.iter().enumerate() {
        let mut loss_after = |change: f64| {
            network.update_parameters(|parameters| parameters[index] += change)?;
            network.evaluate_to(&LogCosh, &inputs, &targets)
        };
        let (above, below) = (loss_after(STEP)?, loss_after(-2.0 * STEP)?);
        loss_after(STEP)?; // as it was
        let numeric = (above - below) / (2.0 * STEP);
        (error, largest) = (error.max((gradient - numeric).abs()), largest.max(numeric.abs()));
    }
    Ok(error / largest)
}
