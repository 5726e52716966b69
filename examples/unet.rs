//! A U-Net: takes the noise off digits with the help of what its encoder has seen.
//!
//! ```text
//! cargo run --release --example unet
//! ```
//!
//! Ronneberger, Fischer and Brox 2015, made small. The decoder reads its own up-sampled images and,
//! beside them, those of the same size from the encoder, so that edges need not pass through the
//! narrow middle. Trained like `denoise`, with the same noise and as many epochs; the network of
//! `denoise` is trained beside it. Draws `denoised.png` (from top to bottom: noisy digits, those of
//! the network without skip connections, the U-Net's, originals) and `loss.svg`, and writes
//! `unet.dot`, the network as a graph.

mod support;

use std::error::Error;

use autoencoder::{
    Activation, Adam, Autoencoder, Bce, Concatenate, Conv2D, Conv2DTranspose, Corrupted, Cosine, GaussianCorruption,
    History, MaxPool, Shape, Trainer, UpSample, WarmUp,
};
use support::arguments::Arguments;
use support::command_line::CommandLine;
use support::gallery;
use support::mnist::Mnist;
use support::progress::Progress;
use support::warnings;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = CommandLine::new("unet", "Takes the noise off handwritten digits with skip connections.", 10)
        .float("noise", 0.4, 0.0..=10.0, "standard deviation of the noise; pixels are 0 to 1")
        .parse();
    let mnist = Mnist::load(&arguments)?;
    let noise = GaussianCorruption::new(arguments.float("noise")).clip(0.0, 1.0);

    let (mut plain, mut unet) = (without_skips(&arguments)?, with_skips(&arguments)?);
    println!("{}", unet.summary());
    std::fs::create_dir_all(&arguments.output)?;
    std::fs::write(arguments.file("unet.dot"), unet.to_dot())?;

    let plain_history = train(&mut plain, &mnist, noise, &arguments)?;
    let history = train(&mut unet, &mnist, noise, &arguments)?;

    let originals = mnist.test.of_each_digit(1)?;
    let noisy = Corrupted::new(&originals, noise)?.to_matrix()?;
    let (without, with) = (plain.reconstruct(&noisy)?, unet.reconstruct(&noisy)?);
    gallery::rows(&[&noisy, &without, &with, &originals]).save(&arguments.file("denoised.png"))?;
    gallery::loss_curves(&arguments, "binary cross-entropy of a pixel", &history)?;
    gallery::say_where(&arguments);

    println!("without skip connections {:.4}", plain_history.validation_loss().unwrap_or(f64::NAN));
    println!("validation loss {:.4}", history.validation_loss().unwrap_or(f64::NAN));
    Ok(())
}

/// The network of the example `denoise`.
fn without_skips(arguments: &Arguments) -> Result<Autoencoder<f32>, Box<dyn Error>> {
    let relu = Activation::Relu;
    let model = Autoencoder::builder(Shape::image(28, 28, 1))
        .encoder(Conv2D::new(32, 3).activation(relu))
        .encoder(MaxPool::new(2))
        .encoder(Conv2D::new(32, 3).activation(relu))
        .encoder(MaxPool::new(2))
        .decoder(Conv2DTranspose::new(32, 3).stride(2).activation(relu))
        .decoder(Conv2DTranspose::new(32, 3).stride(2).activation(relu))
        .decoder(Conv2D::new(1, 3).activation(Activation::Sigmoid))
        .seed(arguments.seed)
        .build()?;
    Ok(model)
}

fn with_skips(arguments: &Arguments) -> Result<Autoencoder<f32>, Box<dyn Error>> {
    let convolution = |filters: usize| Conv2D::new(filters, 3).activation(Activation::Relu);
    let model = Autoencoder::builder(Shape::image(28, 28, 1))
        .encoder_named("fine", convolution(32))
        .encoder(MaxPool::new(2)) // 14 x 14
        .encoder_named("middle", convolution(32))
        .encoder(MaxPool::new(2)) // 7 x 7
        .encoder(convolution(64))
        .decoder(UpSample::new(2)) // 14 x 14
        .decoder(Concatenate::with("encoder.middle"))
        .decoder(convolution(32))
        .decoder(UpSample::new(2)) // 28 x 28
        .decoder(Concatenate::with("encoder.fine"))
        .decoder(convolution(32))
        .decoder(Conv2D::new(1, 3).activation(Activation::Sigmoid))
        .seed(arguments.seed)
        .build()?;
    Ok(model)
}

fn train(
    model: &mut Autoencoder<f32>,
    mnist: &Mnist,
    noise: GaussianCorruption,
    arguments: &Arguments,
) -> Result<History, Box<dyn Error>> {
    let history = Trainer::new(Bce, Adam::new(0.003))
        .schedule(WarmUp::new(1.0, Cosine::new()))
        .epochs(arguments.epochs)
        .batch_size(128)
        .seed(arguments.seed)
        .threads(arguments.threads)
        .corrupt(noise) // only the inputs; targets stay clean
        .validation(&mnist.test.images)
        .callback(Progress::new(arguments.epochs))
        .fit(model, &mnist.train.images)?;
    warnings::print(&history);
    Ok(history)
}
