//! A classifier: the same layers and the same trainer, with labels as targets.
//!
//! ```text
//! cargo run --release --example mnist_classifier
//! ```
//!
//! Prints the accuracy on held-out digits, and draws the curves of loss and accuracy and the
//! misclassified digits: the row of `mistakes.png` that starts with a 4 shows digits taken for a 4,
//! the most confident mistake first.

mod support;

use std::error::Error;

use autoencoder::nalgebra::DMatrix;
use autoencoder::{Accuracy, Activation, CategoricalCrossEntropy, Dense, Network, RmsProp, Shape, Trainer};
use support::arguments::Arguments;
use support::gallery;
use support::mnist::{Digits, Mnist};
use support::pictures::ImageGrid;
use support::progress::Progress;
use support::warnings;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse("mnist_classifier", "Reads handwritten digits.", 20);
    let Mnist { train, test } = Mnist::load(&arguments)?;

    let mut network = Network::<f32>::builder(Shape::image(28, 28, 1))
        .layer(Dense::new(128).activation(Activation::Relu))
        .layer(Dense::new(64).activation(Activation::Relu))
        .layer(Dense::new(10).activation(Activation::Softmax))
        .seed(arguments.seed)
        .build()?;
    println!("{}", network.summary());

    let (targets, test_targets) = (train.labels.to_one_hot(10)?, test.labels.to_one_hot(10)?);
    let history = Trainer::new(CategoricalCrossEntropy, RmsProp::default())
        .epochs(arguments.epochs)
        .batch_size(128)
        .seed(arguments.seed)
        .threads(arguments.threads)
        .metric(Accuracy)
        .validation_to(&test.images, &test_targets)
        .callback(Progress::new(arguments.epochs))
        .fit_to(&mut network, &train.images, &targets)?;
    warnings::print(&history);

    gallery::loss_curves(&arguments, "cross-entropy of a digit", &history)?;
    let training = history.epochs().iter().filter_map(|epoch| epoch.metric("accuracy")).collect();
    let validation = history.epochs().iter().filter_map(|epoch| epoch.validation_metric("accuracy")).collect();
    gallery::curves(&arguments, "accuracy.svg", "share read right", training, validation)?;
    let probabilities = network.predict(&test.images.to_matrix())?;
    mistakes(&test, &probabilities)?.save(&arguments.file("mistakes.png"))?;
    gallery::say_where(&arguments);

    println!("accuracy {:.4}", history.validation_metric("accuracy").unwrap_or(f64::NAN));
    Ok(())
}

/// One row per digit: a correctly classified one, then those wrongly taken for it, the most
/// confident mistakes first.
fn mistakes(test: &Digits, probabilities: &DMatrix<f32>) -> Result<ImageGrid, Box<dyn Error>> {
    const MOST: usize = 15;
    let labels = test.labels.as_slice();
    let mut grid = ImageGrid::new(28, 28).scale(2);
    for digit in 0..10 {
        let probability = |sample: usize| probabilities[(usize::from(digit), sample)];
        let read_as_digit =
            (0..labels.len()).filter(|&sample| probabilities.column(sample).imax() == usize::from(digit));
        let (right, mut wrong): (Vec<usize>, Vec<usize>) = read_as_digit.partition(|&sample| labels[sample] == digit);
        wrong.sort_by(|&left, &right| probability(right).total_cmp(&probability(left)));
        let row: Vec<usize> = right.into_iter().take(1).chain(wrong.into_iter().take(MOST)).collect();
        grid = grid.row(&test.select(&row)?);
    }
    Ok(grid)
}
