//! What bad input gets: an error that names the place, never a panic.

#[path = "../common/mod.rs"]
mod common;

mod building;
mod files;
mod inference;
mod messages;
mod not_finite;
mod training;

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;
use common::Numbers;

/// 6-3-6, dense.
fn model() -> Autoencoder<f64> {
    Autoencoder::builder(Shape::flat(6))
        .encoder(Dense::new(3).activation(Activation::Tanh))
        .decoder(Dense::new(6).activation(Activation::Sigmoid))
        .build()
        .unwrap()
}

fn data(samples: usize) -> DMatrix<f64> {
    Numbers::new(5).matrix(6, samples)
}

/// The error about a value of a sample that is not finite.
fn not_finite(sample: usize, feature: usize, value: NonFinite) -> InputError {
    InputError::NotFinite { sample, feature, part: DataPart::Sample, value }
}
