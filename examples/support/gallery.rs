//! The pictures of a trained autoencoder: reconstructions, loss curves and a map of the codes.

use std::io;

use autoencoder::History;
use nalgebra::{DMatrix, DMatrixView};

use super::arguments::Arguments;
use super::charts::{self, Labels, Series};
use super::pca::Pca;
use super::pictures::ImageGrid;

/// Digits in a row of a picture.
const ROW: usize = 10;

/// Writes `reconstructions.png`: rows of ten originals, each row above its reconstructions.
pub fn reconstructions(arguments: &Arguments, originals: &DMatrix<f32>, again: &DMatrix<f32>) -> io::Result<()> {
    assert_eq!(originals.shape(), again.shape(), "one reconstruction for each original");
    pairs(originals, again).save(&arguments.file("reconstructions.png"))
}

/// Rows of ten originals of 28 x 28 pixels, each row above its reconstructions.
pub fn pairs(originals: &DMatrix<f32>, again: &DMatrix<f32>) -> ImageGrid {
    rows(&[originals, again])
}

/// Ten images of 28 x 28 pixels of each matrix, one row below the other, then the next ten.
pub fn rows(versions: &[&DMatrix<f32>]) -> ImageGrid {
    let samples = versions.iter().map(|images| images.ncols()).min().unwrap_or(0);
    (0..samples).step_by(ROW).fold(ImageGrid::new(28, 28), |grid, first| {
        let count = ROW.min(samples - first);
        versions.iter().fold(grid, |grid, images| grid.row(images.columns(first, count)))
    })
}

/// Writes `loss.svg`: the loss of each epoch, over the training and over the validation images.
pub fn loss_curves(arguments: &Arguments, loss: &str, history: &History) -> io::Result<()> {
    let training = history.epochs().iter().map(|epoch| epoch.loss);
    let validation = history.epochs().iter().filter_map(|epoch| epoch.validation_loss);
    curves(arguments, "loss.svg", loss, training.collect(), validation.collect())
}

/// Writes a chart of a figure over the epochs.
pub fn curves(
    arguments: &Arguments,
    file_name: &str,
    figure: &str,
    training: Vec<f64>,
    validation: Vec<f64>,
) -> io::Result<()> {
    let labels = Labels { title: "How the model learned", x: "epoch", y: figure };
    let series = [Series::new("training", training), Series::new("validation", validation)];
    charts::curves(&arguments.file(file_name), &labels, &series)
}

/// Writes `map.svg`: codes (features x samples) as points in the plane in which they vary most,
/// coloured by digit.
pub fn code_map<'a>(arguments: &Arguments, codes: impl Into<DMatrixView<'a, f32>>, digits: &[u8]) -> io::Result<()> {
    let codes = codes.into();
    let plane = Pca::fit(codes, 2).transform(codes);
    let labels = Labels {
        title: "Where the codes of the digits lie",
        x: "first principal component",
        y: "second principal component",
    };
    charts::scatter(&arguments.file("map.svg"), &labels, &plane, digits)
}

/// Prints where everything was written.
pub fn say_where(arguments: &Arguments) {
    eprintln!("written to {}", arguments.output.display());
}
