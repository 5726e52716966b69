//! A variational autoencoder: generates new digits.
//!
//! ```text
//! cargo run --release --example vae
//! ```
//!
//! The convolutional network of Keras's example, with a code of two numbers. Draws `samples.png`
//! (digits from random codes), `codes.png` (digits decoded from a grid of codes), `map.svg` (the
//! codes of the digits), `interpolation.png` (on a line and on an arc from one digit to another)
//! and `reconstructions.png`. Prints the training loss of the last epoch and its two parts, and the
//! evidence lower bound on the test images, all in nats per image.

mod support;

use std::error::Error;

use autoencoder::nalgebra::DMatrix;
use autoencoder::{
    Activation, Adam, Autoencoder, Bce, BuildError, Conv2D, Conv2DTranspose, Cosine, Dense, Elbo, GaussianLatent,
    Reduction, Reshape, Shape, Trainer, WarmUp,
};
use support::arguments::Arguments;
use support::charts::{self, Labels};
use support::command_line::CommandLine;
use support::gallery;
use support::mnist::Mnist;
use support::pictures::ImageGrid;
use support::progress::Progress;
use support::warnings;

/// Epochs in which the learning rate grows. At the full rate the first steps, down from hundreds of
/// nats, leave most units of the narrow layer before the code permanently without a gradient, in
/// some runs all but one.
const WARM_UP: f64 = 1.0;

/// Images in a row of a picture.
const ROW: usize = 15;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = CommandLine::new("vae", "Learns to draw digits, with a code of two numbers.", 30)
        .flag("all", "train on the test images, too, as Keras's example does")
        .parse();
    let mnist = Mnist::load(&arguments)?;
    let (test, digits) = mnist.test.first(usize::MAX)?;
    let (mut train, _) = mnist.train.first(usize::MAX)?;
    if arguments.flag("all") {
        let columns = train.ncols();
        train = train.insert_columns(columns, test.ncols(), 0.0);
        train.columns_mut(columns, test.ncols()).copy_from(&test);
    }

    let mut model = build(arguments.seed)?;
    println!("{}", model.summary());
    let nats = Bce.reduction(Reduction::SumPerSample); // -ln p(x|z): the divergence, in nats too, is added to it
    let history = Trainer::new(nats, Adam::default())
        .schedule(WarmUp::new(WARM_UP, Cosine::new()))
        .epochs(arguments.epochs)
        .batch_size(128)
        .seed(arguments.seed)
        .threads(arguments.threads)
        .callback(Progress::new(arguments.epochs))
        .fit(&mut model, &train)?;
    warnings::print(&history);

    draw(&arguments, &model, &mnist)?;
    gallery::loss_curves(&arguments, "reconstruction loss in nats", &history)?;
    let shown = test.ncols().min(5_000);
    let labels = Labels { title: "Where the codes of the digits lie", x: "first number", y: "second number" };
    let codes = model.encode(&test.columns(0, shown))?;
    charts::scatter(&arguments.file("map.svg"), &labels, &codes, &digits[..shown])?;
    model.save(arguments.file("vae.safetensors"))?;
    gallery::say_where(&arguments);

    if !arguments.flag("all") {
        let bound = model.elbo(&nats, &test, 10, arguments.seed)?;
        let Elbo { reconstruction, kl, .. } = bound;
        println!("test ELBO {:.2} = -({reconstruction:.2} reconstruction + {kl:.2} divergence) nats", bound.value());
    }
    if let Some(epoch) = history.epochs().last() {
        let kl = epoch.diagnostic("kl").unwrap_or(f64::NAN);
        println!("training loss {:.2} = {:.2} reconstruction + {kl:.2} divergence, nats", epoch.total(), epoch.loss);
    }
    Ok(())
}

fn build(seed: u64) -> Result<Autoencoder<f32>, BuildError> {
    let relu = Activation::Relu;
    Autoencoder::builder(Shape::image(28, 28, 1))
        .encoder(Conv2D::new(32, 3).stride(2).activation(relu)) // 14 x 14
        .encoder(Conv2D::new(64, 3).stride(2).activation(relu)) // 7 x 7
        .encoder(Dense::new(16).activation(relu)) // flattens
        .encoder(Dense::new(2 * 2)) // two means, two log-variances
        .encoder(GaussianLatent::new())
        .decoder(Dense::new(7 * 7 * 64).activation(relu))
        .decoder(Reshape::new(Shape::image(7, 7, 64)))
        .decoder(Conv2DTranspose::new(64, 3).stride(2).activation(relu))
        .decoder(Conv2DTranspose::new(32, 3).stride(2).activation(relu))
        .decoder(Conv2DTranspose::new(1, 3).activation(Activation::Sigmoid))
        .seed(seed)
        .build()
}

/// Draws the pictures.
fn draw(arguments: &Arguments, model: &Autoencoder<f32>, mnist: &Mnist) -> Result<(), Box<dyn Error>> {
    let samples = model.sample(4 * ROW, arguments.seed)?;
    save_rows(arguments, "samples.png", [samples])?;

    let at = |step: usize| 2.0 - 4.0 * step as f32 / (ROW - 1) as f32; // from 2 at the top to -2 at the bottom
    let rows = (0..ROW).map(|row| model.traverse(&[0.0, at(row)], 0, -2.0..=2.0, ROW));
    save_rows(arguments, "codes.png", rows.collect::<Result<Vec<_>, _>>()?)?;

    let originals = mnist.test.of_each_digit(2)?;
    let codes = model.encode(&originals)?;
    let code = |digit: usize| [codes[(0, digit)], codes[(1, digit)]];
    let mut walks = Vec::new();
    for (from, to) in [(0, 1), (3, 7), (6, 9)] {
        walks.push(model.interpolate(&code(from), &code(to), ROW)?);
        walks.push(model.interpolate_spherical(&code(from), &code(to), ROW)?);
    }
    save_rows(arguments, "interpolation.png", walks)?;
    gallery::reconstructions(arguments, &originals, &model.reconstruct(&originals)?)?;
    Ok(())
}

/// Writes rows of images.
fn save_rows(
    arguments: &Arguments,
    file_name: &str,
    images: impl IntoIterator<Item = DMatrix<f32>>,
) -> std::io::Result<()> {
    let mut grid = ImageGrid::new(28, 28).scale(2);
    for images in images {
        for first in (0..images.ncols()).step_by(ROW) {
            grid = grid.row(images.columns(first, ROW.min(images.ncols() - first)));
        }
    }
    grid.save(&arguments.file(file_name))
}
