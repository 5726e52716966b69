//! A denoising autoencoder: reconstructs clean digits from noisy ones.
//!
//! ```text
//! cargo run --release --example denoise
//! ```
//!
//! The network is that of keras-io's example. Every image gets new noise in every epoch; the target
//! is the clean image (Vincent et al. 2008). Prints the validation loss, between reconstructions of
//! noisy test images and the clean ones; draws `denoised.png` (from top to bottom: noisy digits,
//! reconstructions, originals) and `loss.svg`.

mod support;

use std::error::Error;

use autoencoder::{
    Activation, Adam, Autoencoder, Bce, Conv2D, Conv2DTranspose, Corrupted, Cosine, GaussianCorruption, MaxPool, Shape,
    Trainer, WarmUp,
};
use support::command_line::CommandLine;
use support::gallery;
use support::mnist::Mnist;
use support::progress::Progress;
use support::warnings;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = CommandLine::new("denoise", "Takes the noise off handwritten digits.", 10)
        .float("noise", 0.4, 0.0..=10.0, "standard deviation of the noise; pixels are 0 to 1")
        .parse();
    let mnist = Mnist::load(&arguments)?;
    let noise = GaussianCorruption::new(arguments.float("noise")).clip(0.0, 1.0);

    let relu = Activation::Relu;
    let mut model = Autoencoder::<f32>::builder(Shape::image(28, 28, 1))
        .encoder(Conv2D::new(32, 3).activation(relu))
        .encoder(MaxPool::new(2)) // 14 x 14
        .encoder(Conv2D::new(32, 3).activation(relu))
        .encoder(MaxPool::new(2)) // 7 x 7
        .decoder(Conv2DTranspose::new(32, 3).stride(2).activation(relu))
        .decoder(Conv2DTranspose::new(32, 3).stride(2).activation(relu))
        .decoder(Conv2D::new(1, 3).activation(Activation::Sigmoid))
        .seed(arguments.seed)
        .build()?;
    println!("{}", model.summary());

    let history = Trainer::new(Bce, Adam::new(0.003))
        .schedule(WarmUp::new(1.0, Cosine::new()))
        .epochs(arguments.epochs)
        .batch_size(128)
        .seed(arguments.seed)
        .threads(arguments.threads)
        .corrupt(noise) // only the inputs; targets stay clean
        .validation(&mnist.test.images)
        .callback(Progress::new(arguments.epochs))
        .fit(&mut model, &mnist.train.images)?;
    warnings::print(&history);

    let originals = mnist.test.of_each_digit(2)?;
    let noisy = Corrupted::new(&originals, noise)?.to_matrix()?;
    let cleaned = model.reconstruct(&noisy)?;
    gallery::rows(&[&noisy, &cleaned, &originals]).save(&arguments.file("denoised.png"))?;
    gallery::loss_curves(&arguments, "binary cross-entropy of a pixel", &history)?;
    gallery::say_where(&arguments);

    println!("validation loss {:.4}", history.validation_loss().unwrap_or(f64::NAN));
    Ok(())
}
