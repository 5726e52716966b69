//! The likelihood of unseen digits under a variational autoencoder: the importance-weighted
//! estimate of ln p(x).
//!
//! ```text
//! cargo run --release --example vae_likelihood
//! ```
//!
//! Pixels are binarised once, at random with the pixel's intensity as probability. The last sixth
//! of the training images is held out for validation. A network of 784-400-40 (deeper with
//! `--hidden-layers`) is trained, then evaluated on the test images with `--draws` codes each, and
//! on the first `--images` of them with `--more-draws`. Prints -ln p(x) in nats per image and which
//! dimensions of the code are in use; draws `reconstructions.png`, `samples.png` and `loss.svg`.

mod support;

use std::error::Error;

use autoencoder::nalgebra::DMatrix;
use autoencoder::{
    Activation, Adam, Autoencoder, AutoencoderBuilder, Bce, Cosine, Dense, GaussianLatent, KlAnnealing, Reduction,
    Shape, Trainer,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, Uniform};
use support::command_line::CommandLine;
use support::gallery;
use support::mnist::Mnist;
use support::progress::Progress;
use support::warnings;

const CODE: usize = 40;

/// The seed of the binarisation, independent of `--seed`, so that all runs use the same images.
const COINS: u64 = 2013;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = CommandLine::new("vae_likelihood", "Judges how likely digits are under a model of digits.", 200)
        .integer("draws", 200, 1..=1_000_000, "codes drawn for each test image")
        .integer("images", 100, 0..=10_000, "test images that more codes are drawn for")
        .integer("more-draws", 5_000, 1..=1_000_000, "codes drawn for each of these")
        .integer("batch", 100, 1..=50_000, "images to a batch")
        .float("learning-rate", 1e-3, 1e-6..=1.0, "learning rate of Adam")
        .integer("hidden-layers", 1, 1..=4, "layers of 400 units in the encoder, and in the decoder")
        .float("warm-up", 0.0, 0.0..=1e6, "epochs over which the divergence is given its weight")
        .parse();
    let mnist = Mnist::load(&arguments)?;
    let all = binarised(&mnist.train.first(usize::MAX)?.0, COINS)?;
    let test = binarised(&mnist.test.first(usize::MAX)?.0, COINS + 1)?;
    let (train, validation) = all.columns_range_pair(..all.ncols() * 5 / 6, all.ncols() * 5 / 6..);

    let warm_up = match arguments.float("warm-up") {
        0.0 => KlAnnealing::None,
        epochs => KlAnnealing::Linear { epochs },
    };
    let hidden = || (0..arguments.integer("hidden-layers")).map(|_| Dense::new(400).activation(Activation::Relu));
    let encoder = hidden().fold(Autoencoder::<f32>::builder(Shape::flat(28 * 28)), AutoencoderBuilder::encoder);
    let encoder = encoder
        .encoder(Dense::new(2 * CODE)) // means and log-variances
        .encoder(GaussianLatent::new().warm_up(warm_up));
    let mut model = hidden()
        .fold(encoder, AutoencoderBuilder::decoder)
        .decoder(Dense::new(28 * 28).activation(Activation::Sigmoid))
        .seed(arguments.seed)
        .build()?;
    let nats = Bce.reduction(Reduction::SumPerSample);
    let history = Trainer::new(nats, Adam::new(arguments.float("learning-rate")))
        .schedule(Cosine::new())
        .epochs(arguments.epochs)
        .batch_size(arguments.integer("batch") as usize)
        .seed(arguments.seed)
        .threads(arguments.threads)
        .validation(&validation)
        .callback(Progress::new(arguments.epochs))
        .fit(&mut model, &train)?;
    warnings::print(&history);
    if let Some(epoch) = history.epochs().last() {
        let kl = epoch.diagnostic("kl").unwrap_or(f64::NAN);
        println!("training loss {:.2} = {:.2} reconstruction + {kl:.2} divergence, nats", epoch.total(), epoch.loss);
    }

    let originals = test.columns(0, 20).into_owned();
    gallery::reconstructions(&arguments, &originals, &model.reconstruct(&originals)?)?;
    gallery::pairs(&model.sample(20, arguments.seed)?, &model.sample(20, arguments.seed + 1)?)
        .save(&arguments.file("samples.png"))?;
    gallery::loss_curves(&arguments, "reconstruction loss in nats", &history)?;
    model.save(arguments.file("vae_likelihood.safetensors"))?;
    gallery::say_where(&arguments);

    let report = model.latent_report(&test)?;
    println!(
        "{} of {CODE} dimensions in use, {:.2} nats of divergence",
        report.active().len(),
        report.kl.iter().sum::<f64>()
    );
    for (name, images) in [("validation", validation.into_owned()), ("test", test.clone())] {
        println!("{name} ELBO {:.2}", model.elbo(&nats, &images, 1, arguments.seed)?.value());
    }
    let negative = |images: &DMatrix<f32>, draws: u64| -> Result<f64, autoencoder::Error> {
        let logarithms = model.log_likelihood(&nats, images, draws as usize, arguments.seed)?;
        Ok(-logarithms.iter().sum::<f64>() / logarithms.len() as f64)
    };
    let (draws, more) = (arguments.integer("draws"), arguments.integer("more-draws"));
    let few = test.columns(0, test.ncols().min(arguments.integer("images") as usize)).into_owned();
    if !few.is_empty() {
        println!(
            "the first {}: -ln p {:.2} by {draws} draws, {:.2} by {more}",
            few.ncols(),
            negative(&few, draws)?,
            negative(&few, more)?
        );
    }
    println!("-ln p {:.2} nats by {draws} draws", negative(&test, draws)?);
    Ok(())
}

/// Sets each pixel to 1 with its intensity as probability, else to 0.
fn binarised(images: &DMatrix<f32>, seed: u64) -> Result<DMatrix<f32>, Box<dyn Error>> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let unit = Uniform::new(0.0_f32, 1.0)?;
    Ok(images.map(|intensity| f32::from(u8::from(unit.sample(&mut rng) < intensity))))
}
