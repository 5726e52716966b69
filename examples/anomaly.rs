//! Anomaly detection: an autoencoder trained on a single digit reconstructs other digits badly.
//!
//! ```text
//! cargo run --release --example anomaly -- --digit 3
//! ```
//!
//! The reconstruction error of an image is its anomaly score. Prints the area under the ROC curve,
//! the probability that another digit scores higher than one of the trained kind; draws the
//! distributions of the scores (`histogram.svg`), the images with the highest ones
//! (`most_anomalous.png`: other digits above, digits of the trained kind below, each
//! with its reconstruction) and `loss.svg`.

mod support;

use std::error::Error;

use autoencoder::{Activation, Adam, Autoencoder, Dense, Mse, Shape, Trainer};
use support::auc::area_under_roc_curve;
use support::charts::{self, Labels, Series};
use support::command_line::CommandLine;
use support::gallery;
use support::mnist::Mnist;
use support::progress::Progress;
use support::warnings;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = CommandLine::new("anomaly", "Finds digits unlike the ones it was trained on.", 50)
        .integer("digit", 3, 0..=9, "the digit to train on")
        .parse();
    let digit = arguments.integer("digit") as u8;
    let Mnist { train, test } = Mnist::load(&arguments)?;
    let normal = train.select(&train.samples_of(digit))?;
    let normal_test = test.select(&test.samples_of(digit))?;

    let mut model = Autoencoder::<f32>::builder(Shape::image(28, 28, 1))
        .encoder(Dense::new(128).activation(Activation::Relu))
        .encoder(Dense::new(16).activation(Activation::Relu))
        .mirror(Activation::Sigmoid)
        .seed(arguments.seed)
        .build()?;
    let history = Trainer::new(Mse, Adam::default())
        .epochs(arguments.epochs)
        .batch_size(32)
        .seed(arguments.seed)
        .threads(arguments.threads)
        .validation(&normal_test)
        .callback(Progress::new(arguments.epochs))
        .fit(&mut model, &normal)?;
    warnings::print(&history);

    let scores = model.reconstruction_error(&test.images.to_matrix())?;
    let anomalous: Vec<bool> = test.labels.as_slice().iter().map(|&label| label != digit).collect();
    let auc = area_under_roc_curve(&scores, &anomalous).ok_or("there is only one kind of digit to test on")?;

    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&left, &right| scores[right].total_cmp(&scores[left])); // the highest score first
    let (others, known): (Vec<usize>, Vec<usize>) = order.into_iter().partition(|&sample| anomalous[sample]);
    let shown: Vec<usize> = others.iter().take(10).chain(known.iter().take(10)).copied().collect();
    let originals = test.select(&shown)?;
    gallery::pairs(&originals, &model.reconstruct(&originals)?).save(&arguments.file("most_anomalous.png"))?;

    let score = |samples: &[usize]| samples.iter().map(|&sample| scores[sample]).collect::<Vec<f32>>();
    let distributions =
        [Series::new(format!("the digit {digit}"), score(&known)), Series::new("others", score(&others))];
    let labels = Labels {
        title: "How badly digits are given back",
        x: "mean squared error of a pixel",
        y: "share of the images (%)",
    };
    charts::histogram(&arguments.file("histogram.svg"), &labels, &distributions, 60)?;
    gallery::loss_curves(&arguments, "mean squared error of a pixel", &history)?;
    gallery::say_where(&arguments);

    println!("auc {auc:.4}");
    Ok(())
}
