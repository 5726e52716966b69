//! Variational autoencoders: the objective, its gradient, the likelihood, and what a code can be
//! asked for.

#[path = "../common/mod.rs"]
mod common;

mod composed;
mod latent_space;
mod likelihood;
mod objective;
mod validation;

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;
use common::Numbers;

const NATS: Reduction = Reduction::SumPerSample;

/// A variational model of samples of 12 features with a code of 3.
fn builder(latent: GaussianLatent) -> AutoencoderBuilder<f64> {
    Autoencoder::builder(Shape::flat(12))
        .encoder(Dense::new(9).activation(Activation::Tanh))
        .encoder(Dense::new(2 * 3))
        .encoder(latent)
        .decoder(Dense::new(9).activation(Activation::Tanh))
        .decoder(Dense::new(12).activation(Activation::Sigmoid))
        .seed(5)
}

/// One whose code is an image of 2 x 3 pixels and 2 channels.
fn convolutional(latent: GaussianLatent) -> AutoencoderBuilder<f64> {
    Autoencoder::builder(Shape::image(4, 6, 1))
        .encoder(Conv2D::new(2 * 2, 3).stride(2))
        .encoder(latent)
        .decoder(Conv2DTranspose::new(3, 3).stride(2).activation(Activation::Tanh))
        .decoder(Conv2D::new(1, 3).activation(Activation::Sigmoid))
        .seed(6)
}

/// Samples of zeros and ones in which the first half of the features tells the second.
fn bits(features: usize, samples: usize) -> DMatrix<f64> {
    let mut random = Numbers::new(21);
    let mut data = DMatrix::from_fn(features, samples, |_, _| f64::from(u8::from(random.unit() < 0.5)));
    for mut sample in data.column_iter_mut() {
        for feature in features / 2..features {
            sample[feature] = 1.0 - sample[feature - features / 2];
        }
    }
    data
}
