//! Batches with numbers, sizes and side inputs that nobody means, through everything that a model
//! can be asked.

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;
use proptest::prelude::*;

use super::{all_finite, few_or_too_many, finite_only_if, number, row, small, taken_if, taken_only_if};
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

fn in_unit_interval(value: &f64) -> bool {
    (0.0..=1.0).contains(value)
}

/// Inference, scalers, evaluation and sampling on numbers that may be anything.
fn infers_or_says_why((rows, values): (usize, Vec<f64>)) -> Judgement {
    let data = matrix(rows, values.clone());
    let finite = data.iter().all(|value| value.is_finite());
    let network = small::<f64>();
    let (fits, columns) = (rows == 3 && finite, data.ncols());
    finite_only_if(fits, "a batch", network.predict(&data), (2, columns))?;
    finite_only_if(fits, "a batch", network.activations("layers.0", &data), (4, columns))?;
    let activity = taken_only_if(fits && columns > 0, "a batch", network.activity("layers.1", &data))?;
    require(activity.is_none_or(|activity| activity.means.iter().all(in_unit_interval)), "no mean of sigmoids")?;
    let targets = data.rows(0, rows.min(2)).into_owned();
    let is_value = |value: Option<f64>| value.is_none_or(|value| value >= 0.0);
    taken_if(false, "inputs as targets of another width", network.evaluate(&Bce, &data))?;
    let loss = taken_only_if(fits && columns > 0, "targets", network.evaluate_to(&Mse, &data, &targets))?;
    let right = network.evaluate_metric(Accuracy, &data, &targets);
    let right = taken_only_if(fits && columns > 0, "targets", right)?;
    require(is_value(loss) && right.is_none_or(|right| in_unit_interval(&right)), "no loss, or no accuracy")?;
    let fitted = [StandardScaler::fit(&data), MinMaxScaler::fit(&data)];
    for scaler in fitted {
        let Some(scaler) = taken_only_if(finite && columns > 0, "data to scale", scaler)? else { continue };
        require(scaler.scale().iter().chain(scaler.shift()).all(|value| value.is_finite()), "a scaler is not finite")?;
        let scaled = Network::<f64>::builder(Shape::flat(rows)).layer(Dense::new(2)).scaler(scaler).build();
        let Some(scaled) = taken_if(rows > 0, "a scaled network", scaled)? else { continue };
        finite_only_if(finite, "data that were scaled", scaled.predict(&data), (2, columns))?;
    }
    let usable = values.iter().all(|value| value.is_normal());
    let scaler = taken_if(usable, "a scaler's numbers", Scaler::new(values.clone(), values.clone()))?;
    require(scaler.is_none_or(|scaler| scaler.features() == values.len()), "a scaler of other features")?;
    let usable = values.len() == rows && values.iter().all(|value| value.is_finite());
    taken_if(usable, "a scaler's numbers", Scaler::new(values.clone(), vec![1.0; rows]))?;
    let model = mirrored();
    let is_code = rows == 2 && finite;
    finite_only_if(fits, "a batch", model.encode(&data), (2, columns))?;
    finite_only_if(is_code, "codes", model.decode(&data), (3, columns))?;
    finite_only_if(fits, "a batch", model.reconstruct(&data), (3, columns))?;
    finite_only_if(fits, "a batch", model.activations("encoder.0", &data), (2, columns))?;
    let errors = [model.reconstruction_error(&data), model.reconstruction_error_per_feature(&data)];
    let is_nan = |errors: Result<Vec<f64>, Error>| errors.is_ok_and(|errors| errors.iter().any(|error| error.is_nan()));
    require(!errors.into_iter().any(is_nan), "an error is NaN")?;
    if let Ok(scores) = model.scores(&data) {
        let told = scores.len() == data.ncols() && scores.iter().flatten().all(|score| *score >= 0.0);
        require(told && (finite || scores.iter().any(Result::is_err)), "a score is missing, or NaN")?;
    }
    if let Some(activity) = taken_only_if(fits && columns > 0, "a batch", model.activity(&data))? {
        require(activity.mean().is_finite() && (0.0..=2.0).contains(&activity.l0()), "no activity of two units")?;
        require(activity.dead().iter().all(|unit| activity.rates[*unit] == 0.0), "a dead unit is active")?;
    }
    for loss in [model.evaluate(&Mae, &data), model.evaluate_to(&Mae, &data, &data)] {
        require(is_value(taken_only_if(fits && columns > 0, "a batch", loss)?), "no mean error")?;
    }
    let mut network = network;
    let fits = values.len() == 4 && values.iter().all(|value| value.is_finite());
    taken_if(fits, "a bias", network.set_parameter("layers.0.bias", &values))?;
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
    let few = (1..9).contains(&capacity);
    taken_if(few, "a number of samples", other.workspace(capacity))?;
    taken_if(few, "a number of samples", model.network().tape(capacity))?;
    let none = DMatrix::<f64>::zeros(capacity, 0);
    finite_only_if(capacity == 3, "a batch of no samples", model.encode(&none), (2, 0))?;
    finite_only_if(capacity == 3, "a batch of no samples", model.reconstruct(&none.columns(0, 0)), (3, 0))?;
    let errors = taken_only_if(capacity == 3, "a batch of no samples", model.reconstruction_error(&none))?;
    require(errors.is_none_or(|errors| errors.is_empty()), "the error of no sample")?;
    taken_if(false, "no samples to fit to", StandardScaler::fit(&none))?;
    taken_if(false, "no samples to fit to", MinMaxScaler::fit(&none))?;
    taken_if(false, "no samples to be active in", model.activity(Batch::from(&none).with_side(&none)))?;
    let swapped = Corrupted::new(&none, Swap::new(1.0)).expect("a corruption").to_matrix();
    let swapped = taken_only_if(true, "no samples to corrupt", swapped)?;
    require(swapped.is_none_or(|swapped| swapped.shape() == (capacity, 0)), "samples from nowhere")?;
    taken_if(false, "a value that is not there", Source::value(&none, 0, capacity))?;
    let mut batch = vec![0.0; capacity.min(9)];
    taken_if(batch.len() < capacity.max(1), "a sample that is not there", Source::read(&none, &[0], &mut batch))?;
    let empty = Subset::new(&none, 0..0).expect("no samples");
    taken_if(false, "a sample that is not there", empty.read(&[0], &mut [0.0]))?;
    let Some(mut workspace) = taken_if(few, "a number of samples", model.workspace(capacity))? else { return Ok(()) };
    let data = DMatrix::from_element(features, samples, number);
    let gaps = DMatrix::from_element(features + 1, samples, number);
    let mut errors = vec![0.5; places];
    require(workspace.capacity() == capacity && !format!("{workspace:?}").is_empty(), "another workspace")?;
    let fits = |width: usize| features == width && samples <= capacity && (number.is_finite() || samples == 0);
    let codes = model.encode_with(&mut workspace, &data).map(|codes| codes.into_owned());
    finite_only_if(fits(3), "a batch", codes, (2, samples))?;
    let decoded = model.decode_with(&mut workspace, &data).map(|samples| samples.into_owned());
    finite_only_if(fits(2), "codes", decoded, (3, samples))?;
    let again = model.reconstruct_with(&mut workspace, &gaps.rows(0, features)).map(|samples| samples.into_owned());
    finite_only_if(fits(3), "a batch with gaps", again, (3, samples))?;
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
    finite_only_if(samples == 0, "a batch without labels", model.encode(&data), (2, 0))?;
    taken_if(false, "a model that draws nothing", model.sample(samples, 1))?;
    taken_only_if(fits && samples > 0, "labels", model.activity(batch))?;
    // A source is asked for the labels of its samples only, so that it may have more.
    let fits = features == 2 && labels >= samples && samples > 0 && number.is_finite();
    let loss = taken_only_if(fits, "labels", model.evaluate(&Mse, &batch))?;
    require(loss.is_none_or(|loss| loss >= 0.0), "no loss")?;
    let nested = Batch::from(&side).with_side(batch).with_side(Batch::from(&side).with_side(batch));
    require(nested.samples() == labels && nested.features() == features, "a side input of a side input is seen")?;
    // The labels of the labels are the labels themselves.
    let fits = features == 2 && (number.is_finite() || labels == 0);
    finite_only_if(fits, "labels of labels", model.encode(nested), (2, labels))?;
    let read = Source::read_side(&nested, &[0, usize::MAX], &mut [0.0; 3]);
    taken_if(features > 1 && labels > 0, "a label", read)?; // there is no place for a second one
    let before = bits(model.network().parameter_vector());
    let fitted = Trainer::new(Mse, Sgd::new(0.1)).validation(&batch).fit(&mut model, &batch);
    let same = bits(model.network().parameter_vector()) == before;
    require(all_finite(model.network()) && (fitted.is_ok() || same), "a refused training has changed the model")
}
