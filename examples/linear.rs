//! A linear autoencoder compared with principal component analysis, which it should rediscover
//! (Baldi and Hornik 1989).
//!
//! ```text
//! cargo run --release --example linear
//! ```
//!
//! Without activations, 32 units that minimise the squared error span the space of the first 32
//! principal components. Prints the squared errors of both on the test images, and, on synthetic
//! data whose spectrum has a clear gap after 32 directions, the largest principal angle between the
//! two spaces. Draws `reconstructions.png` and `loss.svg`.

mod support;

use std::error::Error;

use autoencoder::nalgebra::DMatrix;
use autoencoder::{Adam, Autoencoder, Dense, History, Mse, Shape, Trainer};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;
use rand_distr::{Distribution, StandardNormal};
use support::arguments::Arguments;
use support::gallery;
use support::mnist::Mnist;
use support::pca::Pca;
use support::progress::Progress;
use support::warnings;

const UNITS: usize = 32;

/// Successive learning rates with their shares of the epochs: large ones first, then smaller ones
/// to converge.
const RATES: [(f64, f64); 3] = [(1e-3, 0.6), (2e-4, 0.2), (4e-5, 0.2)];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse("linear", "Rediscovers principal components.", 100);
    let mnist = Mnist::load(&arguments)?;
    let (train, _) = mnist.train.first(usize::MAX)?;
    let (test, _) = mnist.test.first(usize::MAX)?;

    let (model, history) = learn(&train, &arguments)?;
    let pca = Pca::fit(&train, UNITS);
    let error = |again: DMatrix<f32>| (again - &test).norm_squared() / test.len() as f32;
    let ours = error(model.reconstruct(&test)?);
    let best = error(pca.inverse_transform(&pca.transform(&test)));
    let originals = mnist.test.of_each_digit(2)?;
    gallery::reconstructions(&arguments, &originals, &model.reconstruct(&originals)?)?;
    gallery::loss_curves(&arguments, "mean squared error of a pixel", &history)?;
    gallery::say_where(&arguments);

    let samples = with_gap(arguments.seed);
    let (model, _) = learn(&samples, &arguments)?;
    let weight = model.network().parameter("decoder.0.weight")?;
    let ours_spans = DMatrix::from_column_slice(samples.nrows(), UNITS, weight.values); // units x features, row-major
    let angle = largest_angle(&ours_spans, Pca::fit(&samples, UNITS).components());

    println!("largest angle between the spaces {angle:.4} rad");
    println!("squared error {ours:.6}, {:.4} times that of PCA ({best:.6})", ours / best);
    Ok(())
}

/// Trains a linear autoencoder on these samples.
fn learn(samples: &DMatrix<f32>, arguments: &Arguments) -> Result<(Autoencoder<f32>, History), Box<dyn Error>> {
    let mut model = Autoencoder::<f32>::builder(Shape::flat(samples.nrows()))
        .encoder(Dense::new(UNITS))
        .decoder(Dense::new(samples.nrows()))
        .seed(arguments.seed)
        .build()?;
    let mut first = None;
    for (index, (rate, share)) in RATES.into_iter().enumerate() {
        let epochs = ((arguments.epochs as f64 * share) as usize).max(1);
        let history = Trainer::new(Mse, Adam::new(rate))
            .epochs(epochs)
            .batch_size(256)
            .seed(arguments.seed + index as u64)
            .threads(arguments.threads)
            .callback(Progress::new(epochs))
            .fit(&mut model, samples)?;
        warnings::print(&history);
        first.get_or_insert(history);
    }
    Ok((model, first.unwrap_or_default()))
}

/// 20 000 samples of 100 features with standard deviations of 1 to 2 in 32 directions and 0.1 in
/// all others.
fn with_gap(seed: u64) -> DMatrix<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut normal = |rows, columns| DMatrix::<f32>::from_fn(rows, columns, |_, _| StandardNormal.sample(&mut rng));
    let directions = normal(100, UNITS).qr().q();
    let codes = DMatrix::from_fn(UNITS, 1, |unit, _| 1.0 + unit as f32 / (UNITS - 1) as f32);
    let codes = DMatrix::from_diagonal(&codes.column(0)) * normal(UNITS, 20_000);
    directions * codes + 0.1 * normal(100, 20_000)
}

/// The largest principal angle between the column spaces of two matrices: the arc sine of the
/// largest component of a direction in one that is orthogonal to the other; Björck and Golub 1973.
fn largest_angle(a: &DMatrix<f32>, b: &DMatrix<f32>) -> f64 {
    let basis = |matrix: &DMatrix<f32>| matrix.map(f64::from).qr().q();
    let (a, b) = (basis(a), basis(b));
    let outside = &a - &b * (b.transpose() * &a);
    outside.singular_values().max().min(1.0).asin()
}
