//! A training loop of your own: forward, loss, backward and update, without the trainer.
//!
//! ```text
//! cargo run --release --example custom_training_loop
//! ```
//!
//! The loop is written out by hand, so that anything in it can be changed: here the learning rate
//! warms up, then falls along a cosine. The optimizer is user-defined: Lion, which moves every
//! parameter by the *sign* of a mean gradient (Chen et al. 2023). Prints the validation loss; draws
//! `reconstructions.png`, `loss.svg` and `map.svg`.

mod support;

use std::error::Error;
use std::f64::consts::PI;
use std::time::Instant;

use autoencoder::nalgebra::DMatrix;
use autoencoder::{
    Activation, Autoencoder, Bce, Config, Dense, Loss, LossPass, Optimizer, Scalar, Shape, Source, Update,
};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use support::arguments::Arguments;
use support::gallery;
use support::mnist::Mnist;
use support::progress::Progress;

const BATCH: usize = 64;

/// u = sign(β₁m + (1 − β₁)g); θ ← θ − ηu; m ← β₂m + (1 − β₂)g
#[derive(Debug, Clone, Copy)]
struct Lion {
    learning_rate: f64,
    betas: [f64; 2],
}

impl<T: Scalar> Optimizer<T> for Lion {
    fn kind(&self) -> &'static str {
        "lion"
    }

    fn config(&self) -> Config {
        let [first, second] = self.betas;
        Config::new().with("learning_rate", self.learning_rate).with("beta_1", first).with("beta_2", second)
    }

    fn learning_rate(&self) -> f64 {
        self.learning_rate
    }

    /// One number for each parameter: m.
    fn slots(&self) -> usize {
        1
    }

    fn update(&self, update: Update<'_, T>) {
        let (rate, [first, second]) = (update.rate(), self.betas.map(T::from_f64));
        let mix = |beta: T, mean: T, gradient: T| beta * mean + (T::one() - beta) * gradient;
        let [means, ..] = update.slots;
        for ((parameter, gradient), mean) in update.parameters.iter_mut().zip(update.gradients).zip(means) {
            *parameter -= rate * mix(first, *mean, *gradient).signum();
            *mean = mix(second, *mean, *gradient);
        }
    }
}

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let arguments =
        Arguments::parse("custom_training_loop", "Trains without the trainer, by an optimizer of its own.", 10);
    let threads = arguments.threads.unwrap_or(0); // 0: one per core
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    pool.install(|| train(&arguments)) // the passes use the current pool's threads
}

fn train(arguments: &Arguments) -> Result<(), Box<dyn Error + Send + Sync>> {
    let Mnist { train, test } = Mnist::load(arguments)?;
    let mut model = Autoencoder::<f32>::builder(Shape::image(28, 28, 1))
        .encoder(Dense::new(32).activation(Activation::Relu))
        .decoder(Dense::new(28 * 28).activation(Activation::Sigmoid))
        .seed(arguments.seed)
        .build()?;
    let optimizer = Lion { learning_rate: 1e-3, betas: [0.9, 0.99] };

    let features = model.input_shape().elements();
    let link = Loss::<f32>::fused_activation(&Bce); // the loss applies the last sigmoid: it is computed from the logits
    let mut tape = model.network().tape(BATCH)?; // working memory, allocated once
    let mut output_gradient = vec![0.0; features * BATCH];
    let mut gradients = vec![0.0; model.network().parameter_count()];
    let mut means = vec![0.0; model.network().parameter_count()]; // the optimizer's state
    let mut images = DMatrix::<f32>::zeros(features, BATCH);

    let mut rng = ChaCha8Rng::seed_from_u64(arguments.seed);
    let mut order: Vec<usize> = (0..train.images.count()).collect();
    let steps = order.len().div_ceil(BATCH);
    let progress = Progress::new(arguments.epochs);
    let (mut losses, mut validation_losses, mut taken) = (Vec::new(), Vec::new(), 0);
    for epoch in 1..=arguments.epochs {
        let (started, mut sum, mut seen) = (Instant::now(), 0.0, 0);
        order.sort_by_cached_key(|_| rng.next_u64()); // shuffled
        for (step, samples) in order.chunks(BATCH).enumerate() {
            let (batch, elements) = (samples.len(), features * samples.len());
            images.resize_horizontally_mut(batch, 0.0);
            train.images.read(samples, images.as_mut_slice())?;

            let predictions = model.network().forward(&mut tape, &images, link, taken)?;
            let pass = LossPass::new(Shape::flat(features), predictions, images.as_slice())?;
            let pass =
                pass.from_logits(link.is_some()).gradient(1.0 / batch as f32, &mut output_gradient[..elements])?;
            sum += Bce.evaluate(pass);
            model.network().backward(&mut tape, &output_gradient[..elements], &mut gradients)?;

            taken += 1;
            let rate = Optimizer::<f32>::learning_rate(&optimizer) * schedule(taken, steps * arguments.epochs);
            model.update_parameters(|parameters| {
                let slots = [means.as_mut_slice(), &mut [], &mut [], &mut []];
                Update::new(&optimizer, taken as u64, rate, parameters, &gradients, slots)
                    .map(|update| optimizer.update(update))
            })??;
            seen += batch;
            progress.update(epoch, step + 1, steps, sum / seen as f64, seen as f64 / started.elapsed().as_secs_f64());
        }
        let per_second = seen as f64 / started.elapsed().as_secs_f64();
        let (loss, validation_loss) = (sum / seen as f64, model.evaluate(&Bce, &test.images)?);
        progress.finish_epoch(epoch, loss, Some(validation_loss), started.elapsed().as_secs_f64(), per_second);
        losses.push(loss);
        validation_losses.push(validation_loss);
    }
    progress.finish();

    let originals = test.of_each_digit(2)?;
    gallery::reconstructions(arguments, &originals, &model.reconstruct(&originals)?)?;
    let last = validation_losses.last().copied().unwrap_or(f64::NAN);
    gallery::curves(arguments, "loss.svg", "binary cross-entropy of a pixel", losses, validation_losses)?;
    let (images, digits) = test.first(2_000)?;
    gallery::code_map(arguments, &model.encode(&images)?, digits)?;
    gallery::say_where(arguments);

    println!("validation loss {last:.4}");
    Ok(())
}

/// The share of the full learning rate at a step: grows linearly over the first twentieth, then
/// falls along a cosine.
fn schedule(step: usize, steps: usize) -> f64 {
    let (step, steps) = (step as f64, steps as f64);
    (20.0 * step / steps).min(1.0) * 0.5 * (1.0 + (PI * step / steps).cos())
}
