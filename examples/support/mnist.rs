//! MNIST, from the folder the user names or from the images that come with the crate.

use std::path::{Path, PathBuf};

use autoencoder::data::idx::{self, Images, Labels};
use autoencoder::{DataError, Source};
use nalgebra::DMatrix;

use super::arguments::Arguments;

/// The number of bundled images to train on; the others are for testing.
const BUNDLED_TRAIN: usize = 9_000;

const NO_IMAGES: &str =
    "there is no examples/data (the published package has none): name a folder with MNIST's four files by --data";

/// Digits to train on, and others to test on.
#[derive(Debug, Clone)]
pub struct Mnist {
    pub train: Digits,
    pub test: Digits,
}

impl Mnist {
    /// All four files from `--data`, or the bundled test images cut in two.
    pub fn load(arguments: &Arguments) -> Result<Self, DataError> {
        match &arguments.data {
            Some(folder) => Ok(Self { train: Digits::read(folder, "train")?, test: Digits::read(folder, "t10k")? }),
            None if !bundled().is_dir() => Err(DataError::Source(NO_IMAGES.into())),
            None => {
                let (train, test) = Digits::read(&bundled(), "t10k")?.split_at(BUNDLED_TRAIN);
                Ok(Self { train, test })
            }
        }
    }
}

/// Images of digits, kept as bytes, and what they show.
#[derive(Debug, Clone)]
pub struct Digits {
    pub images: Images,
    pub labels: Labels,
}

impl Digits {
    /// The first images, at most `count`, one per column, and their labels.
    pub fn first(&self, count: usize) -> Result<(DMatrix<f32>, &[u8]), DataError> {
        let labels = self.labels.as_slice();
        let count = count.min(labels.len());
        let samples: Vec<usize> = (0..count).collect();
        Ok((self.select(&samples)?, &labels[..count]))
    }

    /// The first `count` images of each digit: ten columns for the digits, then ten more, and so
    /// on.
    pub fn of_each_digit(&self, count: usize) -> Result<DMatrix<f32>, DataError> {
        let numbers: Vec<Vec<usize>> = (0..10).map(|digit| self.samples_of(digit)).collect();
        let rounds = (0..count).flat_map(|round| numbers.iter().filter_map(move |samples| samples.get(round)));
        self.select(&rounds.copied().collect::<Vec<usize>>())
    }

    /// Which samples show a digit.
    pub fn samples_of(&self, digit: u8) -> Vec<usize> {
        let labels = self.labels.as_slice();
        (0..labels.len()).filter(|&sample| labels[sample] == digit).collect()
    }

    /// The images with these indices, one per column.
    pub fn select(&self, samples: &[usize]) -> Result<DMatrix<f32>, DataError> {
        let mut matrix = DMatrix::zeros(Source::<f32>::features(&self.images), samples.len());
        self.images.read(samples, matrix.as_mut_slice())?;
        Ok(matrix)
    }

    fn read(folder: &Path, set: &str) -> Result<Self, DataError> {
        Ok(Self {
            images: idx::read_images(file(folder, &format!("{set}-images-idx3-ubyte")))?,
            labels: idx::read_labels(file(folder, &format!("{set}-labels-idx1-ubyte")))?,
        })
    }

    fn split_at(self, count: usize) -> (Self, Self) {
        let (images, other_images) = self.images.split_at(count);
        let (labels, other_labels) = self.labels.split_at(count);
        (Self { images, labels }, Self { images: other_images, labels: other_labels })
    }
}

fn bundled() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "examples", "data"].iter().collect()
}

/// The file, compressed with gzip unless only the plain one is there.
fn file(folder: &Path, name: &str) -> PathBuf {
    let plain = folder.join(name);
    if plain.is_file() { plain } else { folder.join(format!("{name}.gz")) }
}
