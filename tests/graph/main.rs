//! Layers that join earlier values by name: what they compute, blocks, parts, files, mirrors, and
//! what is said when a name does not fit. Their gradients are in `tests/gradients.rs`.

#[path = "../common/mod.rs"]
mod common;

mod blocks;
mod checks;
mod errors;
mod files;
mod mirrors;
mod parts;
mod values;

use autoencoder::*;

/// An encoder that halves the image, and a decoder that also reads what the encoder saw before.
fn u_net<T: Scalar>() -> AutoencoderBuilder<T> {
    let convolution = |filters: usize| Conv2D::new(filters, 3).activation(Activation::Relu);
    Autoencoder::builder(Shape::image(8, 8, 1))
        .encoder_named("fine", convolution(4))
        .encoder(MaxPool::new(2))
        .encoder(convolution(6))
        .decoder(UpSample::new(2))
        .decoder(Concatenate::with("encoder.fine"))
        .decoder(Conv2D::new(1, 3).activation(Activation::Sigmoid))
}

/// Two convolutions with a skip connection.
fn residual<T: Scalar>(filters: usize) -> Block<T> {
    Block::new()
        .layer(Conv2D::new(filters, 3).activation(Activation::Relu))
        .layer(Conv2D::new(filters, 3))
        .named("sum", Add::with("input"))
        .layer(Activation::Relu)
}

fn names<T: Scalar>(network: &Network<T>) -> Vec<&str> {
    network.layers().map(|(name, _)| name).collect()
}
