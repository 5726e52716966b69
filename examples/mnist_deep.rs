//! A deep autoencoder: encoder 784-128-64-32, mirrored decoder 32-64-128-784.
//!
//! ```text
//! cargo run --release --example mnist_deep
//! ```
//!
//! Only the encoder is given; `mirror` derives the decoder from it. Prints the validation loss and
//! draws `reconstructions.png`, `loss.svg` and `map.svg`.

mod support;

use std::error::Error;

use autoencoder::{Activation, Adam, Autoencoder, Bce, Dense, Shape, Trainer};
use support::arguments::Arguments;
use support::gallery;
use support::mnist::Mnist;
use support::progress::Progress;
use support::warnings;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse("mnist_deep", "Puts handwritten digits through six dense layers.", 50);
    let mnist = Mnist::load(&arguments)?;

    let mut model = Autoencoder::<f32>::builder(Shape::image(28, 28, 1))
        .encoder(Dense::new(128).activation(Activation::Relu))
        .encoder(Dense::new(64).activation(Activation::Relu))
        .encoder(Dense::new(32).activation(Activation::Relu))
        .mirror(Activation::Sigmoid) // 64 and 128 with ReLU, then the image's 784 pixels with a sigmoid
        .seed(arguments.seed)
        .build()?;
    println!("{}", model.summary());

    let history = Trainer::new(Bce, Adam::default())
        .epochs(arguments.epochs)
        .batch_size(256)
        .seed(arguments.seed)
        .threads(arguments.threads)
        .validation(&mnist.test.images)
        .callback(Progress::new(arguments.epochs))
        .fit(&mut model, &mnist.train.images)?;
    warnings::print(&history);

    let originals = mnist.test.of_each_digit(2)?;
    gallery::reconstructions(&arguments, &originals, &model.reconstruct(&originals)?)?;
    gallery::loss_curves(&arguments, "binary cross-entropy of a pixel", &history)?;
    let (images, digits) = mnist.test.first(2_000)?;
    gallery::code_map(&arguments, &model.encode(&images)?, digits)?;
    gallery::say_where(&arguments);

    println!("validation loss {:.4}", history.validation_loss().unwrap_or(f64::NAN));
    Ok(())
}
