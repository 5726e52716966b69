//! Batches with numbers, sizes and side inputs that nobody means, through everything that a model
//! can be asked.

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;
use proptest::prelude::*;

use super::{all_finite, few_or_too_many, number, row, small};
use crate::Row;
use crate::common::bits;
use crate::properties::{Judgement, holds, require};

pub fn rows() -> Vec<Row> {
    vec![
        row("numbers in batches", || holds(600, batch(), infers_or_says_why)),
        row("workspaces", || holds(1000, lent(), lends_or_says_why)),
        row("side inputs", || holds(600, labelled(), takes_labels_or_says_why)),
    ]
}

/// A batch with odd numbers, of some size.
fn batch() -> impl Strategy<Value = (usize, Vec<f64>)> {
    (0_usize..6).prop_flat_map(|rows| (Just(rows), proptest::collection::vec(number(), 0..40)))
}

fn matrix(rows: usize, mut values: Vec<f64>) -> DMatrix<f64> {
    let columns = values.len().checked_div(rows).unwrap_or(values.len());
    values.truncate(rows * columns);
    DMatrix::from_vec(rows, columns, values)
}

fn mirrored() -> Autoencoder<f64> {
    let builder = Autoencoder::builder(Shape::flat(3)).encoder(Dense::new(2));
    builder.mirror(Activation::Tanh).build().expect("a model")
}

/// Inference, scalers, evaluation and sampling on numbers that may be anything.
fn infers_or_says_why((rows, values): (usize, Vec<f64>)) -> Judgement {
    let data = matrix(rows, values.clone());
    let finite = data.iter().all(|value| value.is_finite());
    let network = small::<f64>();
    let predicted = network.predict(&data);
    require(predicted.is_err() || rows == 3 && finite, "bad input is taken")?;
    let is_finite =
        |result: Result<DMatrix<f64>, Error>| result.map_or(true, |found| found.iter().all(|v| v.is_finite()));
    require(is_finite(predicted), "a result is not finite")?;
    let _ = (network.activations("layers.0", &data), network.activity("layers.1", &data));
    let _ = (network.evaluate(&Bce, &data), network.evaluate_to(&Mse, &data, &data.rows(0, rows.min(2))));
    let _ = network.evaluate_metric(Accuracy, &data, &data.rows(0, rows.min(2)));
    for scaler in [StandardScaler::fit(&data), MinMaxScaler::fit(&data)].into_iter().flatten() {
        require(scaler.scale().iter().chain(scaler.shift()).all(|value| value.is_finite()), "a scaler is not finite")?;
        let scaled = Network::<f64>::builder(Shape::flat(rows)).layer(Dense::new(2)).scaler(scaler).build();
        let _ = scaled.map(|network| network.predict(&data));
    }
    let _ = Scaler::new(values.clone(), values.clone()).map(|scaler| scaler.features());
    let _ = Scaler::new(values.clone(), vec![1.0; rows]);
    let model = mirrored();
    for result in
        [model.encode(&data), model.decode(&data), model.reconstruct(&data), model.activations("encoder.0", &data)]
    {
        require(is_finite(result), "a result is not finite")?;
    }
    let errors = [model.reconstruction_error(&data), model.reconstruction_error_per_feature(&data)];
    let is_nan = |errors: Result<Vec<f64>, Error>| errors.is_ok_and(|errors| errors.iter().any(|error| error.is_nan()));
    require(!errors.into_iter().any(is_nan), "an error is NaN")?;
    if let Ok(scores) = model.scores(&data) {
        let told = scores.len() == data.ncols() && scores.iter().flatten().all(|score| *score >= 0.0);
        require(told && (finite || scores.iter().any(Result::is_err)), "a score is missing, or NaN")?;
    }
    if let Ok(activity) = model.activity(&data) {
        let _ = (activity.mean(), activity.l0(), activity.dead());
    }
    let _ = (model.evaluate(&Mae, &data), model.evaluate_to(&Mae, &data, &data));
    let mut network = network;
    let _ = network.set_parameter("layers.0.bias", &values);
    require(all_finite(&network), "a parameter is not finite")
}

/// The samples that a workspace is asked for, features and samples of a batch, places for results,
/// and a number.
fn lent() -> impl Strategy<Value = (usize, [usize; 3], f64)> {
    (few_or_too_many(), [0_usize..5, 0..12, 0..12], number())
}

/// The passes that allocate nothing, with workspaces that are too small or another model's.
fn lends_or_says_why((capacity, [features, samples, places], number): (usize, [usize; 3], f64)) -> Judgement {
    let (model, other) = (mirrored(), small::<f64>());
    let _ = (other.workspace(capacity).is_ok(), model.network().tape(capacity).is_ok());
    let none = DMatrix::<f64>::zeros(capacity, 0);
    let _ = (model.encode(&none), model.reconstruct(&none.columns(0, 0)), model.reconstruction_error(&none));
    let _ = (StandardScaler::fit(&none), MinMaxScaler::fit(&none), model.activity(Batch::from(&none).with_side(&none)));
    let _ = (Corrupted::new(&none, Swap::new(1.0)).map(|none| none.to_matrix()), Source::value(&none, 0, capacity));
    let _ =
        (Source::read(&none, &[0], &mut [0.0; 3]), Subset::new(&none, 0..0).map(|none| none.read(&[0], &mut [0.0])));
    let Ok(mut workspace) = model.workspace(capacity) else { return Ok(()) };
    let data = DMatrix::from_element(features, samples, number);
    let gaps = DMatrix::from_element(features + 1, samples, number);
    let mut errors = vec![0.5; places];
    let _ = (workspace.capacity(), format!("{workspace:?}").len());
    let _ = model.encode_with(&mut workspace, &data).map(|codes| codes.len());
    let _ = model.decode_with(&mut workspace, &data).map(|samples| samples.len());
    let _ = model.reconstruct_with(&mut workspace, &gaps.rows(0, features)).map(|samples| samples.len());
    let told = model.reconstruction_error_with(&mut workspace, &data, &mut errors);
    require(told.is_ok() || errors.iter().all(|error| *error == 0.5), "half of the errors are told")?;
    require(told.is_err() || places == samples, "errors of samples that are not there")?;
    require(other.predict_with(&mut workspace, &data).is_err(), "a workspace of another model is taken")?;
    let mut halves = [model.encoder().workspace(4).expect("a workspace"), other.workspace(4).expect("a workspace")];
    require(halves.iter_mut().all(|own| model.encode_with(own, &data).is_err()), "a workspace of a half is taken")
}

/// A layer that adds a label to each of two features.
#[derive(Debug, Clone)]
struct Labelled;

impl Layer<f64> for Labelled {
    fn kind(&self) -> &'static str {
        "labelled"
    }

    fn config(&self) -> Config {
        Config::new()
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        Ok(Plan::new(input).side_input(2))
    }

    fn forward(&self, _context: &Context<'_, f64>, pass: Forward<'_, f64>) {
        for ((output, input), label) in pass.output.iter_mut().zip(pass.input).zip(pass.side.iter().cycle()) {
            *output = input + label;
        }
    }

    fn backward(&self, _context: &Context<'_, f64>, pass: Backward<'_, f64>) {
        if let Some(gradient) = pass.input_gradient {
            gradient.copy_from_slice(pass.output_gradient);
        }
    }
}

/// Samples, features and samples of their labels, a number among them.
fn labelled() -> impl Strategy<Value = (usize, [usize; 2], f64)> {
    (0_usize..12, [0_usize..4, 0..12], number())
}

/// Labels that are too many, too few, or no numbers.
fn takes_labels_or_says_why((samples, [features, labels], number): (usize, [usize; 2], f64)) -> Judgement {
    let builder =
        Autoencoder::<f64>::builder(Shape::flat(2)).encoder(Labelled).decoder(Labelled).decoder(Dense::new(2));
    let mut model = builder.build().expect("a model");
    let (data, side) = (DMatrix::from_element(2, samples, 0.5), DMatrix::from_element(features, labels, number));
    let batch = Batch::from(&data).with_side(&side);
    let fits = features == 2 && labels == samples && (number.is_finite() || samples == 0);
    let mut workspace = model.workspace(20).expect("a workspace");
    let answers = [
        model.encode(batch).is_ok(),
        model.decode(batch).is_ok(),
        model.reconstruct(batch).is_ok(),
        model.reconstruct_with(&mut workspace, batch).is_ok(),
        model.reconstruction_error(batch).is_ok(),
    ];
    let overflows = number.is_finite() && number.abs() > 1e307; // in some layer; that is an error, too
    let as_expected = answers.iter().all(|taken| *taken == fits);
    require(as_expected || samples == 0 || overflows, "labels that do not fit are taken")?;
    let _ = (model.encode(&data), model.sample(samples, 1), model.activity(batch), model.evaluate(&Mse, &batch));
    let nested = Batch::from(&side).with_side(batch).with_side(Batch::from(&side).with_side(batch));
    let _ = (model.encode(nested), nested.samples(), Source::read_side(&nested, &[0, usize::MAX], &mut [0.0; 3]));
    let before = bits(model.network().parameter_vector());
    let fitted = Trainer::new(Mse, Sgd::new(0.1)).validation(&batch).fit(&mut model, &batch);
    let same = bits(model.network().parameter_vector()) == before;
    require(all_finite(model.network()) && (fitted.is_ok() || same), "a refused training has changed the model")
}
