//! What is compiled in this crate, for `f32` and for `f64`, and not again in every crate that uses
//! it.
//!
//! A generic function is compiled with the crate that calls it, and so is everything generic that
//! it calls: most of this crate would be compiled with a user's program, after each change of it.
//! But a function that is `#[inline(never)]` is taken from a crate that has already compiled it for
//! the same types, in every profile (since Rust 1.85; if that ever changes, programs only take
//! longer to build). So the wide functions behind the public ones are `#[inline(never)]`, as are
//! the passes of layers and those that a kernel is compiled in for each CPU path
//! (`simd::dispatch`), and `program` uses all of them.

use std::path::Path;

use nalgebra::DMatrix;

use crate::data::idx;
use crate::{
    Accuracy, Adam, AdamW, Autoencoder, Batch, Bce, CategoricalCrossEntropy, Corrupted, Corruption, Dense, Error,
    GaussianCorruption, GaussianNll, Huber, Loss, Mae, Masking, Mse, Network, Optimizer, RmsProp, SaltAndPepper,
    Scalar, Sgd, Shape, Swap, Trainer,
};

/// For programs that compute in `f32`.
#[inline(never)]
pub fn for_f32() -> Result<(), Error> {
    program::<f32>()
}

/// For programs that compute in `f64`.
#[inline(never)]
pub fn for_f64() -> Result<(), Error> {
    program::<f64>()
}

/// Uses whatever is to be compiled here. Nobody runs it.
fn program<T: Scalar>() -> Result<(), Error> {
    let data: DMatrix<T> = idx::read_images("images")?.to_matrix();
    let labels: DMatrix<T> = idx::read_labels("labels")?.to_one_hot(10)?;
    let losses: [Box<dyn Loss<T>>; 6] = [
        Box::new(Bce),
        Box::new(CategoricalCrossEntropy),
        Box::new(GaussianNll::new(1.0)),
        Box::new(Huber::new(1.0)),
        Box::new(Mae),
        Box::new(Mse),
    ];
    let optimizers: [Box<dyn Optimizer<T>>; 4] =
        [Box::new(Adam::default()), Box::new(AdamW::default()), Box::new(RmsProp::default()), Box::new(Sgd::new(0.1))];
    let corruptions: [Box<dyn Corruption<T>>; 4] = [
        Box::new(GaussianCorruption::new(0.1)),
        Box::new(Masking::new(0.1)),
        Box::new(SaltAndPepper::new(0.1)),
        Box::new(Swap::new(0.1)),
    ];

    let mut network = Network::<T>::builder(Shape::flat(1)).layer(Dense::new(1)).build()?;
    let mut model = Autoencoder::builder(Shape::flat(1)).encoder(Dense::new(1)).build()?;
    println!("{}", model.summary());
    for (loss, optimizer) in losses.into_iter().zip(optimizers) {
        for corruption in &corruptions {
            model.evaluate(&loss, &Corrupted::new(&data, corruption.as_ref())?)?;
        }
        model.elbo(&loss, &data, 1, 1)?;
        let mut trainer = Trainer::new(loss, optimizer).metric(Accuracy);
        trainer.review(&model, &data)?;
        trainer.fit(&mut model, &data)?;
    }
    network.evaluate_metric(Accuracy, &data, &labels)?;

    let samples = Batch::from(&data);
    let mut workspace = model.workspace(1)?;
    model.encode(samples)?;
    model.encode_with(&mut workspace, samples)?;
    model.activity(samples)?;
    model.scores(samples)?;
    model.scores_with(&mut workspace, samples, &mut [])?;
    model.reconstruction_error(samples)?;
    model.scaled_reconstruction_error(samples)?;
    model.latent_report(samples)?;
    model.encode_distribution(samples)?.draw(1);
    model.sample(1, 1)?;
    model.interpolate(&[], &[], 1)?;
    model.interpolate_spherical(&[], &[], 1)?;
    model.traverse(&[], 0, T::zero()..=T::one(), 1)?;

    let mut tape = network.tape_with_input_gradient(1)?;
    network.forward(&mut tape, samples, None, 0)?;
    network.backward(&mut tape, &[], &mut [])?;
    network.update_state(&tape)?;
    network.set_parameter("weight", &[])?;
    network.update_parameters(|_| ())?;
    network.freeze("")?;

    let mut bytes = Vec::new();
    model.write_to(&mut bytes)?;
    model.save(Path::new("model"))?;
    Autoencoder::<T>::from_bytes(&bytes)?;
    Autoencoder::<T>::load(Path::new("model"))?.encoder().extend().build()?;
    Ok(())
}
