//! A user-defined layer and loss: implemented, checked as the crate checks its own, and trained.
//!
//! ```text
//! cargo run --release --example custom_layer
//! ```
//!
//! The layer is PReLU, a ReLU whose slope for negative values is learned, one for each feature (He
//! et al. 2015). The loss is ln cosh(prediction - target): like the squared error if small, like
//! the absolute error if large. Prints how many checks passed, the largest error of a gradient, and
//! the validation loss; draws `reconstructions.png`, `loss.svg` and `map.svg`.

mod support;

use std::error::Error;

use autoencoder::testing::{CheckFailed, LayerCheck, check_loss};
use autoencoder::{
    Activation, Adam, Autoencoder, Backward, Config, ConfigError, Context, Dense, Forward, Initializer, Layer, Loss,
    LossPass, ParameterSpec, Plan, Registry, Scalar, Shape, ShapeError, Trainer,
};
use support::arguments::Arguments;
use support::gallery;
use support::mnist::Mnist;
use support::progress::Progress;
use support::warnings;

/// y = x for x > 0, else a x, with a slope a for each feature.
#[derive(Debug, Clone, PartialEq)]
struct PRelu {
    first_slope: f64,
}

impl PRelu {
    /// Builds the layer from a model file's description; unknown settings must be errors.
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
    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        let slopes = ParameterSpec::new("slope", &[input.elements()], Initializer::Constant(self.first_slope));
        Ok(Plan::new(input).parameter(slopes))
    }

    /// Inputs and outputs hold one sample after the other.
    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        let slopes = context.parameters.of(0).iter().cycle();
        for ((output, input), slope) in pass.output.iter_mut().zip(pass.input).zip(slopes) {
            *output = if *input > T::zero() { *input } else { *slope * *input };
        }
    }

    /// dy/da = x and dy/dx = a where x is negative. Parameters' gradients are added to, the input's
    /// is written.
    fn backward(&self, context: &Context<'_, T>, mut pass: Backward<'_, T>) {
        let slopes = context.parameters.of(0);
        for (inputs, gradients) in pass.input.chunks(slopes.len()).zip(pass.output_gradient.chunks(slopes.len())) {
            for ((sum, input), gradient) in pass.gradients.of(0).iter_mut().zip(inputs).zip(gradients) {
                *sum += if *input > T::zero() { T::zero() } else { *gradient * *input };
            }
        }
        let Some(input_gradient) = pass.input_gradient else { return }; // not needed in a first layer
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

    /// The sum over samples and, if requested, the gradient: tanh(prediction - target).
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

/// Avoids the overflow of cosh: ln cosh x = |x| + ln(1 + exp(-2|x|)) - ln 2.
fn ln_cosh(x: f64) -> f64 {
    x.abs() + (-2.0 * x.abs()).exp().ln_1p() - std::f64::consts::LN_2
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse("custom_layer", "Trains with a layer and a loss from outside the crate.", 10);
    println!("largest error of a gradient {:.1e}", gradient_error()?);

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
    warnings::print(&history);
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

/// Makes every check that the crate makes of its own layers and losses; returns the largest error
/// of a gradient.
fn gradient_error() -> Result<f64, CheckFailed> {
    let layer = LayerCheck::new(|| PRelu { first_slope: 0.25 }, Shape::flat(7)).constructor(PRelu::from_config);
    let (layer, loss) = (layer.run().into_result()?, check_loss(|| LogCosh, Shape::flat(7)).into_result()?);
    println!("{} checks of the layer hold, {} of the loss", layer.passes(), loss.passes());
    Ok(layer.gradient_error().max(loss.gradient_error()))
}
