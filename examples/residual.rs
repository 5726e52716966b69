//! A deep convolutional autoencoder of residual blocks, for colour images of odd sizes.
//!
//! ```text
//! cargo run --release --example residual
//! ```
//!
//! The images are digits of random colours at random places on backgrounds of random colours, 50 ×
//! 37 pixels. The encoder halves them three times by strided convolutions; between them are
//! residual blocks (He et al. 2015): two convolutions with batch normalisation and a skip
//! connection. The decoder mirrors all of that, sizes and skip connections included. Draws
//! `reconstructions.png` and `loss.svg`; prints the mean squared error of a value beside that of
//! the mean image.

mod support;

use std::error::Error;

use autoencoder::data::idx::Images;
use autoencoder::nalgebra::DMatrix;
use autoencoder::{
    Activation, Adam, Add, Autoencoder, BatchNorm, Block, Conv2D, Cosine, DataError, Mse, Scalar, Shape, Source,
    Trainer, WarmUp,
};
use support::arguments::Arguments;
use support::gallery;
use support::mnist::Mnist;
use support::pictures::ImageGrid;
use support::progress::Progress;
use support::warnings;

const HEIGHT: usize = 50;
const WIDTH: usize = 37;
const CHANNELS: usize = 3;

/// Rows and columns of a digit.
const SIDE: usize = 28;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse("residual", "Reconstructs colour images of digits.", 20);
    let mnist = Mnist::load(&arguments)?;
    let (train, test) = (Coloured(&mnist.train.images), Coloured(&mnist.test.images));

    let halved = |filters: usize| Conv2D::new(filters, 3).stride(2).without_bias();
    let relu = Activation::Relu;
    let mut model = Autoencoder::<f32>::builder(Shape::image(HEIGHT, WIDTH, CHANNELS))
        .encoder(halved(16)) // 25 x 19
        .encoder(BatchNorm::new())
        .encoder(relu)
        .encoder(residual(16))
        .encoder(halved(32)) // 13 x 10
        .encoder(BatchNorm::new())
        .encoder(relu)
        .encoder(residual(32))
        .encoder(Conv2D::new(8, 3).stride(2)) // 7 x 5: 280 numbers for 5 550
        .mirror(Activation::Sigmoid)
        .seed(arguments.seed)
        .build()?;
    println!("{}", model.summary());

    let history = Trainer::new(Mse, Adam::new(0.003))
        .schedule(WarmUp::new(0.5, Cosine::new()))
        .epochs(arguments.epochs)
        .batch_size(64)
        .seed(arguments.seed)
        .threads(arguments.threads)
        .validation(&test)
        .callback(Progress::new(arguments.epochs))
        .fit(&mut model, &train)?;
    warnings::print(&history);

    let originals = test.first(200)?;
    let again = model.reconstruct(&originals)?;
    let grid = ImageGrid::new(HEIGHT, WIDTH).rgb();
    grid.row(originals.columns(0, 10)).row(again.columns(0, 10)).save(&arguments.file("reconstructions.png"))?;
    gallery::loss_curves(&arguments, "mean squared error of a value", &history)?;
    gallery::say_where(&arguments);

    println!("the mean image's error {:.4}", variance(&originals));
    println!("validation loss {:.5}", history.validation_loss().unwrap_or(f64::NAN));
    Ok(())
}

/// Two convolutions, normalised, with a skip connection.
fn residual<T: Scalar>(filters: usize) -> Block<T> {
    let convolution = || Conv2D::new(filters, 3).without_bias();
    Block::new()
        .layer(convolution())
        .layer(BatchNorm::new())
        .layer(Activation::Relu)
        .layer(convolution())
        .layer(BatchNorm::new())
        .layer(Add::with("input"))
        .layer(Activation::Relu)
}

/// Digits in colour, made when they are read: sample s is the same in every epoch.
struct Coloured<'a>(&'a Images);

impl Coloured<'_> {
    /// The first `count` images, one per column.
    fn first(&self, count: usize) -> Result<DMatrix<f32>, DataError> {
        let samples: Vec<usize> = (0..count.min(self.len())).collect();
        let mut images = DMatrix::zeros(self.features(), samples.len());
        self.read(&samples, images.as_mut_slice())?;
        Ok(images)
    }
}

impl Source<f32> for Coloured<'_> {
    fn len(&self) -> usize {
        Source::<f32>::len(self.0)
    }

    fn features(&self) -> usize {
        HEIGHT * WIDTH * CHANNELS
    }

    fn read(&self, samples: &[usize], batch: &mut [f32]) -> Result<(), DataError> {
        let mut digit = vec![0.0_f32; SIDE * SIDE];
        for (sample, image) in samples.iter().zip(batch.chunks_exact_mut(self.features())) {
            self.0.read(&[*sample], &mut digit)?;
            let mut random = Numbers(*sample as u64);
            let (background, colour) = ([0; CHANNELS].map(|_| random.unit()), [0; CHANNELS].map(|_| random.unit()));
            let (top, left) = (random.below(HEIGHT - SIDE + 1), random.below(WIDTH - SIDE + 1));
            for (pixel, values) in image.chunks_exact_mut(CHANNELS).enumerate() {
                let (row, column) = ((pixel / WIDTH).wrapping_sub(top), (pixel % WIDTH).wrapping_sub(left));
                let ink = if row < SIDE && column < SIDE { digit[row * SIDE + column] } else { 0.0 };
                for ((value, background), colour) in values.iter_mut().zip(background).zip(colour) {
                    *value = background + ink * (colour - background);
                }
            }
        }
        Ok(())
    }
}

/// Random numbers that depend on nothing but where they begin (SplitMix64).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 to 1.
    fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1 << 24) as f32
    }

    fn below(&mut self, count: usize) -> usize {
        (self.next() % count as u64) as usize
    }
}

/// The mean squared error of the mean image.
fn variance(images: &DMatrix<f32>) -> f32 {
    let mean = images.column_mean();
    images.column_iter().map(|image| (image - &mean).norm_squared()).sum::<f32>() / images.len() as f32
}
