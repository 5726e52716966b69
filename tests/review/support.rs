//! Tables, models and what is said about them.

use autoencoder::data::idx;
use autoencoder::nalgebra::DMatrix;
use autoencoder::*;

use crate::common::{Numbers, mnist};

/// Roughly from the standard normal distribution.
pub fn normal(numbers: &mut Numbers) -> f64 {
    (0..12).map(|_| numbers.unit()).sum::<f64>() - 6.0
}

/// Means and standard deviations of columns of measurements in their units.
pub const UNITS: [(f64, f64); 10] = [
    (14.0, 3.5),
    (92.0, 24.0),
    (650.0, 350.0),
    (0.1, 0.014),
    (0.06, 0.007),
    (1.2, 0.5),
    (-40.0, 8.0),
    (2_500.0, 900.0),
    (0.003, 0.001),
    (23.0, 6.0),
];

/// A table in its units, a row of it in each column: 30 measurements that depend on each other, and
/// four columns of categories.
pub fn table(rows: usize) -> DMatrix<f64> {
    let mut numbers = Numbers::new(7);
    let mut samples = DMatrix::zeros(34, rows);
    for mut sample in samples.column_iter_mut() {
        let common = normal(&mut numbers);
        for (feature, value) in sample.iter_mut().take(30).enumerate() {
            let (mean, deviation) = UNITS[feature % UNITS.len()];
            *value = mean + deviation * (0.6 * common + 0.8 * normal(&mut numbers));
        }
        sample[30 + numbers.below(3)] = 1.0;
        sample[33] = f64::from(u8::from(numbers.unit() < 0.3));
    }
    samples
}

pub fn apply(scaler: &Scaler, data: &DMatrix<f64>, categories: bool) -> DMatrix<f64> {
    DMatrix::from_fn(data.nrows(), data.ncols(), |feature, sample| match feature >= 30 && !categories {
        true => data[(feature, sample)],
        false => (data[(feature, sample)] - scaler.shift()[feature]) / scaler.scale()[feature],
    })
}

/// Mean 0 and standard deviation 1; categories stay 0 and 1.
pub fn standardised(data: &DMatrix<f64>) -> DMatrix<f64> {
    apply(&StandardScaler::fit(data).unwrap(), data, false)
}

/// From 0 to 1.
pub fn to_unit(data: &DMatrix<f64>) -> DMatrix<f64> {
    apply(&MinMaxScaler::fit(data).unwrap(), data, true)
}

pub fn images<T: Scalar>(count: usize) -> DMatrix<T> {
    idx::read_images(mnist("t10k-images-idx3-ubyte")).unwrap().split_at(count).0.to_matrix()
}

/// The model of the README for tables, with another last activation.
pub fn model(features: usize, last: Activation, scaler: Option<Scaler>) -> Autoencoder<f64> {
    let builder = Autoencoder::builder(Shape::flat(features))
        .encoder(Dense::new(features.div_ceil(2).min(16)).activation(Activation::Tanh))
        .encoder(Dense::new(features.div_ceil(4).min(4)))
        .mirror(last);
    match scaler {
        Some(scaler) => builder.scaler(scaler),
        None => builder,
    }
    .build()
    .unwrap()
}

pub fn trainer<'a, T: Scalar>() -> Trainer<'a, T> {
    Trainer::new(Mse, Adam::default()).epochs(2)
}

/// What is said about training the README's model on a table.
pub fn review(data: &DMatrix<f64>, last: Activation, scaler: Option<Scaler>) -> Vec<Warning> {
    trainer().review(&model(data.nrows(), last, scaler), data).unwrap()
}

/// The only warning.
#[track_caller]
pub fn only(warnings: Vec<Warning>) -> Warning {
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    warnings.into_iter().next().unwrap()
}

#[track_caller]
pub fn none(warnings: Vec<Warning>, what: &str) {
    assert!(warnings.is_empty(), "{what}: {warnings:?}");
}
