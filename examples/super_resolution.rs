//! Super-resolution: digits of 14 × 14 pixels enlarged to 28 × 28.
//!
//! ```text
//! cargo run --release --example super_resolution
//! ```
//!
//! The small image is enlarged by bilinear interpolation; a network of residual blocks computes
//! what must be added to it (Kim, Lee and Lee 2016). Draws `enlarged.png` (from top to bottom: the
//! pixels of the small images, bilinear and bicubic interpolation, the network, originals) and
//! `loss.svg`; prints the mean squared errors of a pixel.

mod support;

use std::error::Error;

use autoencoder::nalgebra::DMatrix;
use autoencoder::{
    Activation, Adam, Add, Block, Conv2D, Cosine, Interpolation, Mse, Network, Scalar, Shape, Trainer, UpSample, WarmUp,
};
use support::arguments::Arguments;
use support::gallery;
use support::mnist::Mnist;
use support::progress::Progress;
use support::warnings;

/// Rows and columns of a small image, and of a large one.
const SMALL: usize = 14;
const LARGE: usize = 2 * SMALL;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse("super_resolution", "Enlarges handwritten digits.", 8);
    let mnist = Mnist::load(&arguments)?;
    let (large, _) = mnist.train.first(usize::MAX)?;
    let (large_test, _) = mnist.test.first(usize::MAX)?;
    let (small, small_test) = (shrunk(&large), shrunk(&large_test));

    let mut network = Network::<f32>::builder(Shape::image(SMALL, SMALL, 1))
        .layer_named("enlarged", UpSample::new(2).interpolation(Interpolation::Bilinear))
        .layer(Conv2D::new(24, 3).activation(Activation::Relu))
        .layer(residual(24))
        .layer(residual(24))
        .layer(Conv2D::new(1, 3))
        .layer(Add::with("layers.enlarged"))
        .seed(arguments.seed)
        .build()?;
    println!("{}", network.summary());

    let history = Trainer::new(Mse, Adam::new(0.002))
        .schedule(WarmUp::new(0.5, Cosine::new()))
        .epochs(arguments.epochs)
        .batch_size(64)
        .seed(arguments.seed)
        .threads(arguments.threads)
        .validation_to(&small_test, &large_test)
        .callback(Progress::new(arguments.epochs))
        .fit_to(&mut network, &small, &large)?;
    warnings::print(&history);

    let bilinear = network.activations("layers.enlarged", &small_test)?;
    let bicubic = bicubic(&small_test);
    let enlarged = network.predict(&small_test)?;
    let pixels = Network::<f32>::builder(Shape::image(SMALL, SMALL, 1)).layer(UpSample::new(2)).build()?;
    let pixels = pixels.predict(&small_test)?;
    let first = |images: &DMatrix<f32>| images.columns(0, 10).into_owned();
    let rows = [&pixels, &bilinear, &bicubic, &enlarged, &large_test].map(first);
    gallery::rows(&rows.each_ref()).save(&arguments.file("enlarged.png"))?;
    gallery::loss_curves(&arguments, "mean squared error of a pixel", &history)?;
    gallery::say_where(&arguments);

    println!("bilinear {:.5}", error(&bilinear, &large_test));
    println!("bicubic {:.5}", error(&bicubic, &large_test));
    println!("error {:.5}", error(&enlarged, &large_test));
    Ok(())
}

/// Two convolutions with a skip connection.
fn residual<T: Scalar>(filters: usize) -> Block<T> {
    Block::new()
        .layer(Conv2D::new(filters, 3).activation(Activation::Relu))
        .layer(Conv2D::new(filters, 3))
        .layer(Add::with("input"))
}

/// Images of half the rows and columns: the means of 2 × 2 pixels.
fn shrunk(images: &DMatrix<f32>) -> DMatrix<f32> {
    DMatrix::from_fn(SMALL * SMALL, images.ncols(), |pixel, image| {
        let (row, column) = (2 * (pixel / SMALL), 2 * (pixel % SMALL));
        let at = |down: usize, right: usize| images[((row + down) * LARGE + column + right, image)];
        (at(0, 0) + at(0, 1) + at(1, 0) + at(1, 1)) / 4.0
    })
}

/// Bicubic interpolation (Keys 1981 with a = −1/2); beyond the edges are the pixels at the edge.
fn bicubic(images: &DMatrix<f32>) -> DMatrix<f32> {
    // Pixels are areas: the centre of large pixel 2i is a quarter before that of small pixel i.
    let weights = |place: usize| {
        let (first, offset) = if place.is_multiple_of(2) { (place / 2, 0.75) } else { (place / 2 + 1, 0.25) };
        let weight = |tap: usize| {
            let distance = (tap as f32 - 1.0 - offset).abs();
            match distance < 1.0 {
                true => (1.5 * distance - 2.5) * distance * distance + 1.0,
                false => ((-0.5 * distance + 2.5) * distance - 4.0) * distance + 2.0,
            }
        };
        // Taps are the small pixels from `first` - 2 on.
        [0, 1, 2, 3].map(|tap| ((first + tap).saturating_sub(2).min(SMALL - 1), weight(tap)))
    };
    DMatrix::from_fn(LARGE * LARGE, images.ncols(), |pixel, image| {
        let (rows, columns) = (weights(pixel / LARGE), weights(pixel % LARGE));
        let of_row =
            |row: usize| columns.iter().map(|(column, w)| w * images[(row * SMALL + column, image)]).sum::<f32>();
        rows.iter().map(|(row, weight)| weight * of_row(*row)).sum()
    })
}

/// The mean squared error of a pixel, of images clipped to 0..=1.
fn error(found: &DMatrix<f32>, originals: &DMatrix<f32>) -> f32 {
    (found.map(|pixel| pixel.clamp(0.0, 1.0)) - originals).norm_squared() / originals.len() as f32
}
