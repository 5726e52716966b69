//! A convolutional autoencoder: the README's network, trained on all available images.
//!
//! ```text
//! cargo run --release --example mnist_conv
//! ```
//!
//! Convolutions share their weights over the image, so one epoch achieves what a dense network
//! needs many for. Prints the validation loss, saves the model, and draws `reconstructions.png`,
//! `loss.svg` and `map.svg`.

mod support;

use std::error::Error;

use autoencoder::{Activation, Adam, Autoencoder, Bce, Conv2D, MaxPool, Shape, Trainer, UpSample};
use support::arguments::Arguments;
use support::gallery;
use support::mnist::Mnist;
use support::progress::Progress;
use support::warnings;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse("mnist_conv", "Puts handwritten digits through convolutions.", 2);
    let mnist = Mnist::load(&arguments)?;

    let mut model = Autoencoder::<f32>::builder(Shape::image(28, 28, 1))
        .encoder(Conv2D::new(32, 3).activation(Activation::Relu)) // 32 filters of 3 x 3; the image keeps its size
        .encoder(MaxPool::new(2)) // 14 x 14
        .encoder(Conv2D::new(64, 3).activation(Activation::Relu))
        .encoder(MaxPool::new(2)) // 7 x 7: the code
        .decoder(Conv2D::new(64, 3).activation(Activation::Relu))
        .decoder(UpSample::new(2))
        .decoder(Conv2D::new(32, 3).activation(Activation::Relu))
        .decoder(UpSample::new(2))
        .decoder(Conv2D::new(1, 3).activation(Activation::Sigmoid))
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
    let (images, digits) = mnist.test.first(1_000)?;
    gallery::code_map(&arguments, &model.encode(&images)?, digits)?;
    model.save(arguments.file("mnist_conv.safetensors"))?;
    gallery::say_where(&arguments);

    println!("validation loss {:.4}", history.validation_loss().unwrap_or(f64::NAN));
    Ok(())
}
