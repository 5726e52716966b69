//! A first autoencoder: compresses handwritten digits of 784 pixels to 32 numbers and reconstructs
//! them.
//!
//! ```text
//! cargo run --release --example mnist
//! ```
//!
//! Trains on the bundled images, prints the validation loss, saves the model, and draws
//! reconstructions (`reconstructions.png`), the losses (`loss.svg`) and a map of the codes
//! (`map.svg`). `--data DIR`, with the 60 000 training images in the folder, gives sharper digits.

mod support;

use std::error::Error;

use autoencoder::{Activation, Adam, Autoencoder, Bce, Dense, Shape, Trainer};
use support::arguments::Arguments;
use support::gallery;
use support::mnist::Mnist;
use support::progress::Progress;
use support::warnings;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse("mnist", "Puts handwritten digits through 32 numbers and back.", 50);
    let mnist = Mnist::load(&arguments)?;

    let mut model = Autoencoder::<f32>::builder(Shape::image(28, 28, 1))
        .encoder(Dense::new(32).activation(Activation::Relu)) // flattens the image
        .decoder(Dense::new(28 * 28).activation(Activation::Sigmoid))
        .seed(arguments.seed)
        .build()?;
    println!("{}", model.summary());

    let history = Trainer::new(Bce, Adam::default())
        .epochs(arguments.epochs)
        .batch_size(256)
        .seed(arguments.seed)
        .threads(arguments.threads)
        .validation(&mnist.test.images) // bytes, converted to numbers batch by batch
        .callback(Progress::new(arguments.epochs))
        .fit(&mut model, &mnist.train.images)?;
    warnings::print(&history);

    let originals = mnist.test.of_each_digit(2)?;
    gallery::reconstructions(&arguments, &originals, &model.reconstruct(&originals)?)?;
    gallery::loss_curves(&arguments, "binary cross-entropy of a pixel", &history)?;
    let (images, digits) = mnist.test.first(2_000)?;
    gallery::code_map(&arguments, &model.encode(&images)?, digits)?;
    model.save(arguments.file("mnist.safetensors"))?; // `Autoencoder::load` loads it
    gallery::say_where(&arguments);

    println!("validation loss {:.4}", history.validation_loss().unwrap_or(f64::NAN));
    Ok(())
}
