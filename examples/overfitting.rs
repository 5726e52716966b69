//! Overfitting: a network with 1 900 parameters per training image, plain and regularised.
//!
//! ```text
//! cargo run --release --example overfitting
//! ```
//!
//! Trains the same network twice on 500 images: plain, and with dropout, a penalty on its weights,
//! clipped gradients and a falling learning rate. The plain network memorises its images: the
//! training loss keeps falling while the validation loss starts to rise. Prints both validation
//! losses and draws all four curves (`loss.svg`) and reconstructions of unseen digits
//! by both networks (`reconstructions.png`: originals, plain, regularised).

mod support;

use std::error::Error;

use autoencoder::{
    Activation, Adam, Autoencoder, Bce, BuildError, Clip, Constant, Cosine, Dense, Dropout, Epoch, History,
    Regularizer, Schedule, Shape, Subset, Trainer,
};
use support::arguments::Arguments;
use support::charts::{self, Labels, Series};
use support::command_line::CommandLine;
use support::gallery;
use support::mnist::Mnist;
use support::progress::Progress;
use support::warnings;

/// The number of training images.
const FEW: usize = 500;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = CommandLine::new("overfitting", "Learns too much from too few digits, and then less.", 200)
        .float("dropout", 0.1, 0.0..=0.9, "share of the values that dropout leaves out")
        .float("penalty", 1e-6, 0.0..=1.0, "weight of the L2 penalty on each layer's weight")
        .parse();
    let mnist = Mnist::load(&arguments)?;
    let few = Subset::new(&mnist.train.images, 0..FEW)?;

    let mut plain = model(&arguments, 0.0, 0.0)?;
    println!("{}", plain.summary());
    let without = trainer(&arguments, &mnist, Constant).fit(&mut plain, &few)?;
    let mut regularised = model(&arguments, arguments.float("dropout"), arguments.float("penalty"))?;
    let with = trainer(&arguments, &mnist, Cosine::new()).clip(Clip::Norm(1.0)).fit(&mut regularised, &few)?;
    [&without, &with].into_iter().for_each(warnings::print);

    let originals = mnist.test.of_each_digit(2)?;
    let again = [&plain, &regularised].map(|model| model.reconstruct(&originals));
    let [plain, regularised] = again;
    gallery::rows(&[&originals, &plain?, &regularised?]).save(&arguments.file("reconstructions.png"))?;
    curves(&arguments, &without, &with)?;
    gallery::say_where(&arguments);

    let last = |history: &History| history.validation_loss().unwrap_or(f64::NAN);
    println!("validation loss {:.4} left alone, {:.4} regularised", last(&without), last(&with));
    Ok(())
}

/// 784-512-128-512-784, with dropout before each layer and a penalty on each weight.
fn model(arguments: &Arguments, dropout: f64, penalty: f64) -> Result<Autoencoder<f32>, BuildError> {
    let dense = |units| Dense::new(units).weight_regularizer(Regularizer::l2(penalty));
    Autoencoder::builder(Shape::image(28, 28, 1))
        .encoder(Dropout::new(dropout))
        .encoder(dense(512).activation(Activation::Relu))
        .encoder(Dropout::new(dropout))
        .encoder(dense(128).activation(Activation::Relu))
        .decoder(dense(512).activation(Activation::Relu))
        .decoder(Dropout::new(dropout))
        .decoder(dense(28 * 28).activation(Activation::Sigmoid))
        .seed(arguments.seed)
        .build()
}

fn trainer<'a>(arguments: &Arguments, mnist: &'a Mnist, schedule: impl Schedule + 'static) -> Trainer<'a, f32> {
    Trainer::new(Bce, Adam::default())
        .schedule(schedule)
        .epochs(arguments.epochs)
        .batch_size(50)
        .seed(arguments.seed)
        .threads(arguments.threads)
        .validation(&mnist.test.images)
        .callback(Progress::new(arguments.epochs))
}

/// Writes `loss.svg`: the training and validation losses of both training runs. The first epochs,
/// whose losses are far above the rest, are left out.
fn curves(arguments: &Arguments, without: &History, with: &History) -> std::io::Result<()> {
    let first = arguments.epochs / 10;
    let values = |history: &History, value: fn(&Epoch) -> f64| {
        let shown = |epoch: &Epoch| if epoch.number > first { value(epoch) } else { f64::NAN };
        history.epochs().iter().map(shown).collect::<Vec<f64>>()
    };
    let unseen = |epoch: &Epoch| epoch.validation_loss.unwrap_or(f64::NAN);
    let series = [
        Series::new("left alone, learned", values(without, |epoch| epoch.loss)),
        Series::new("left alone, unseen", values(without, unseen)),
        Series::new("regularised, learned", values(with, |epoch| epoch.loss)),
        Series::new("regularised, unseen", values(with, unseen)),
    ];
    let labels = Labels { title: "What 500 images teach", x: "epoch", y: "binary cross-entropy of a pixel" };
    charts::curves(&arguments.file("loss.svg"), &labels, &series)
}
