//! A sparse autoencoder: a penalty on activities gives codes in which few units are active at a
//! time.
//!
//! ```text
//! cargo run --release --example sparse
//! ```
//!
//! Trains the network of `mnist` twice, without and with an L1 penalty on the code (summed over its
//! units, mean over images), and compares reconstructions, the activity of the codes, and what each
//! unit has learned to draw: `filters.png`, the plain model's units above the sparse one's. Prints
//! the sparse model's loss without the penalty, and both mean activities.

mod support;

use std::error::Error;

use autoencoder::nalgebra::DMatrix;
use autoencoder::{Activation, Adam, Autoencoder, Bce, BuildError, Dense, L1Activity, Shape, Trainer};
use support::command_line::CommandLine;
use support::gallery;
use support::mnist::Mnist;
use support::pictures::ImageGrid;
use support::progress::Progress;
use support::warnings;

const UNITS: usize = 32;
const ROW: usize = 16;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = CommandLine::new("sparse", "Learns a code in which few units are active at a time.", 100)
        .float("penalty", 1e-4, 0.0..=1.0, "weight of the L1 penalty on the code")
        .parse();
    let mnist = Mnist::load(&arguments)?;
    let (test, _) = mnist.test.first(usize::MAX)?;

    let mut filters = ImageGrid::new(28, 28).scale(2);
    let mut figures = Vec::new();
    println!("{:<8}  loss    mean activity  active units  dead units", "model");
    for (name, penalty) in [("plain", 0.0), ("sparse", arguments.float("penalty"))] {
        let mut model = build(penalty, arguments.seed)?;
        let history = Trainer::new(Bce, Adam::default())
            .epochs(arguments.epochs)
            .batch_size(256)
            .seed(arguments.seed)
            .threads(arguments.threads)
            .validation(&mnist.test.images)
            .callback(Progress::new(arguments.epochs))
            .fit(&mut model, &mnist.train.images)?;
        warnings::print(&history);
        let activity = model.activity(&test)?;
        let loss = history.validation_loss().unwrap_or(f64::NAN); // without the penalty
        let dead = activity.dead().len();
        println!("{name:<8}  {loss:.4}  {:>13.2}  {:>12.1}  {dead:>10}", activity.mean(), activity.l0());
        figures.push((loss, activity.mean()));

        let images = what_units_draw(&model)?;
        filters = filters.row(images.columns(0, ROW)).row(images.columns(ROW, UNITS - ROW));
        if name == "sparse" {
            let originals = mnist.test.of_each_digit(2)?;
            gallery::reconstructions(&arguments, &originals, &model.reconstruct(&originals)?)?;
            gallery::loss_curves(&arguments, "binary cross-entropy of a pixel", &history)?;
            model.save(arguments.file("sparse.safetensors"))?;
        }
    }
    filters.save(&arguments.file("filters.png"))?;
    gallery::say_where(&arguments);

    let [(_, plain), (loss, sparse)] = figures[..] else { unreachable!("two models") };
    println!("loss {loss:.4}, mean activity {sparse:.2} against {plain:.2}");
    Ok(())
}

fn build(penalty: f64, seed: u64) -> Result<Autoencoder<f32>, BuildError> {
    Autoencoder::builder(Shape::image(28, 28, 1))
        .encoder(Dense::new(UNITS).activation(Activation::Relu))
        .encoder(L1Activity::new(penalty)) // passes the code on unchanged
        .decoder(Dense::new(28 * 28).activation(Activation::Sigmoid))
        .seed(seed)
        .build()
}

/// For each unit of the code, its contribution to the logits of an image: its row of the decoder's
/// weight, scaled between black and white.
fn what_units_draw(model: &Autoencoder<f32>) -> Result<DMatrix<f32>, Box<dyn Error>> {
    let weight = model.network().parameter("decoder.0.weight")?;
    let mut images = DMatrix::from_column_slice(28 * 28, UNITS, weight.values); // units x pixels, row-major
    for mut image in images.column_iter_mut() {
        let largest = image.amax().max(f32::MIN_POSITIVE);
        image.apply(|value| *value = 0.5 + 0.5 * *value / largest);
    }
    Ok(images)
}
