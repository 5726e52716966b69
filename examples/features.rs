//! Feature extraction: codes learned without labels as features for a classifier.
//!
//! ```text
//! cargo run --release --example features
//! ```
//!
//! An autoencoder compresses digits to 32 numbers; the 5 nearest neighbours among these codes then
//! classify a digit. For comparison, the same with raw pixels (784 numbers, so 25 times the work)
//! and with the first 32 principal components, the best *linear* code of that length. Prints a
//! table that includes the reconstruction error of each code; draws `reconstructions.png`,
//! `loss.svg` and `map.svg`.

mod support;

use std::error::Error;

use autoencoder::nalgebra::DMatrix;
use autoencoder::{Activation, Adam, Autoencoder, Dense, Mse, Shape, Trainer};
use support::arguments::Arguments;
use support::gallery;
use support::knn::{NearestNeighbors, accuracy};
use support::mnist::Mnist;
use support::pca::Pca;
use support::progress::Progress;
use support::warnings;

const CODE: usize = 32;
const NEIGHBORS: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse("features", "Classifies digits by codes learned without labels.", 20);
    let mnist = Mnist::load(&arguments)?;
    let (train, test) = (mnist.train.images.to_matrix::<f32>(), mnist.test.images.to_matrix::<f32>());

    let mut model = Autoencoder::<f32>::builder(Shape::flat(28 * 28))
        .encoder(Dense::new(256).activation(Activation::Relu))
        .encoder(Dense::new(128).activation(Activation::Relu))
        .encoder(Dense::new(CODE)) // linear: a ReLU would set half of each code to 0 and distort distances
        .mirror(Activation::Sigmoid)
        .seed(arguments.seed)
        .build()?;
    let history = Trainer::new(Mse, Adam::default())
        .epochs(arguments.epochs)
        .batch_size(128)
        .seed(arguments.seed)
        .threads(arguments.threads)
        .validation(&test)
        .callback(Progress::new(arguments.epochs))
        .fit(&mut model, &train)?;
    warnings::print(&history);
    let (codes, test_codes) = (model.encode(&train)?, model.encode(&test)?);

    let pca = Pca::fit(&train, CODE);
    let (components, test_components) = (pca.transform(&train), pca.transform(&test));
    let error = |again: DMatrix<f32>| (again - &test).norm_squared() / test.len() as f32;
    let kinds = [
        ("raw pixels", &train, &test, 0.0),
        ("principal components", &components, &test_components, error(pca.inverse_transform(&test_components))),
        ("codes", &codes, &test_codes, error(model.decode(&test_codes)?)),
    ];
    println!("{:<20}  numbers  squared error  accuracy", "5 nearest neighbours");
    let mut accuracies = Vec::new();
    for (name, train, test, error) in kinds {
        let classifier = NearestNeighbors::fit(NEIGHBORS, train, mnist.train.labels.as_slice());
        let accuracy = accuracy(&classifier.predict(test), mnist.test.labels.as_slice());
        println!("{name:<20}  {:>7}  {error:>13.4}    {accuracy:.4}", train.nrows());
        accuracies.push(accuracy);
    }

    let originals = mnist.test.of_each_digit(2)?;
    gallery::reconstructions(&arguments, &originals, &model.reconstruct(&originals)?)?;
    gallery::loss_curves(&arguments, "mean squared error of a pixel", &history)?;
    let shown = test_codes.ncols().min(2_000);
    gallery::code_map(&arguments, test_codes.columns(0, shown), &mnist.test.labels.as_slice()[..shown])?;
    gallery::say_where(&arguments);

    println!("accuracy {:.4}", accuracies[2]);
    Ok(())
}
