//! Random garbage into public functions: empty, zero, huge, NaN, infinities, lengths that do not
//! fit, files that are damaged, parts of the user's own that say anything. What does not fit is
//! refused in words, what is taken has the right answer, nothing panics or takes more memory than
//! [`BOUND`], and a model that was given garbage is as it was.

mod checkpoints;
mod codes;
mod configs;
mod files;
mod idx;
mod inference;
mod layers;
mod names;
mod passes;
mod plans;
mod schedules;
mod slices;
mod sources;
mod strangers;
mod testing;
mod training;

use std::fmt::Display;
use std::path::PathBuf;

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;
use proptest::prelude::*;
use proptest::sample::select;

use crate::properties::{self, Judgement, Ranges, require};
use crate::{Found, Row, heap};

/// The most memory that a call may take besides what it is asked to return, in bytes.
const BOUND: usize = 8 << 20;

pub fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    rows.extend(layers::rows());
    rows.extend(configs::rows());
    rows.extend(plans::rows());
    rows.extend(names::rows());
    rows.extend(inference::rows());
    rows.extend(codes::rows());
    rows.extend(passes::rows());
    rows.extend(slices::rows());
    rows.extend(schedules::rows());
    rows.extend(training::rows());
    rows.extend(strangers::rows());
    rows.extend(sources::rows());
    rows.extend(files::rows());
    rows.extend(checkpoints::rows());
    rows.extend(idx::rows());
    rows.extend(testing::rows());
    rows
}

/// A row that runs alone, so that its memory can be told.
fn row(what: &str, property: impl Fn() -> Found + Send + Sync + 'static) -> Row {
    let measured = move || {
        let (mut found, peak) = heap::peak(&property);
        found.failed |= peak > BOUND;
        found.line += &format!(", {:.1} MiB at most", peak as f64 / f64::from(1 << 20));
        found
    };
    Row::new(format!("garbage: {what}"), measured).alone()
}

/// Numbers that nobody means.
fn number() -> impl Strategy<Value = f64> {
    let odd = [0.0, -0.0, 1.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e308, -1e308, 1e-310, 1e-45, 2.0];
    prop_oneof![select(odd.to_vec()), -3.0..3.0_f64]
}

/// Sizes that nobody means.
fn count() -> impl Strategy<Value = usize> {
    select(vec![0, 1, 2, 3, 7, 1 << 16, MAX_ELEMENTS, MAX_ELEMENTS + 1, usize::MAX / 2, usize::MAX - 1, usize::MAX])
}

/// A size that is small, or so large that it must be refused.
fn few_or_too_many() -> impl Strategy<Value = usize> {
    prop_oneof![4 => 0_usize..9, 1 => select(vec![MAX_ELEMENTS + 1, usize::MAX / 2, usize::MAX - 1, usize::MAX])]
}

fn any_shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        count().prop_map(Shape::flat),
        (count(), count()).prop_map(|(a, b)| Shape::sequence(a, b)),
        (count(), count(), count()).prop_map(|(a, b, c)| Shape::image(a, b, c)),
        proptest::collection::vec(count(), 0..7).prop_map(|all| Shape::new(&all).unwrap_or(Shape::flat(0))),
    ]
}

fn any_activation() -> impl Strategy<Value = Activation> {
    prop_oneof![
        properties::activation(),
        number().prop_map(|slope| Activation::LeakyRelu { slope }),
        number().prop_map(|alpha| Activation::Elu { alpha }),
    ]
}

/// What layers are drawn with that nobody means.
fn anything() -> Ranges {
    Ranges {
        size: count().boxed(),
        number: number().boxed(),
        shape: any_shape().boxed(),
        activation: any_activation().boxed(),
    }
}

/// Names that nobody gives.
fn name() -> impl Strategy<Value = String> {
    let odd = ["", ".", "layers", "layers.", "layers.0", "layers.0.weight", "layers.1.bias", "layers.00", "encoder.0"];
    let strange = ["encoder", "decoder.0.weight", "\0", "ä.0", "../x", "layers.18446744073709551616", "__metadata__"];
    let long = || "long".repeat(1000);
    prop_oneof![8 => select([odd.as_slice(), &strange].concat()).prop_map(str::to_owned), 1 => Just(long())]
}

/// A small network of two layers.
fn small<T: Scalar>() -> Network<T> {
    Network::builder(Shape::flat(3))
        .layer(Dense::new(4).activation(Activation::Tanh))
        .layer(Dense::new(2).activation(Activation::Sigmoid))
        .build()
        .expect("a network")
}

/// A small variational autoencoder.
fn variational<T: Scalar>() -> Autoencoder<T> {
    Autoencoder::builder(Shape::flat(3))
        .encoder(Dense::new(4))
        .encoder(GaussianLatent::new())
        .decoder(Dense::new(3).activation(Activation::Sigmoid))
        .build()
        .expect("a model")
}

/// A network that keeps running statistics.
fn normalised() -> Network<f64> {
    Network::builder(Shape::flat(3)).layer(Dense::new(2)).layer(BatchNorm::new()).build().expect("a network")
}

/// Every number that a network keeps.
fn numbers<T: Scalar>(network: &Network<T>) -> Vec<T> {
    network.parameters().chain(network.state()).flat_map(|tensor| tensor.values.to_vec()).collect()
}

fn all_finite<T: Scalar>(network: &Network<T>) -> bool {
    numbers(network).iter().all(|value| value.is_finite())
}

/// The answer to what `fits`, or does not: exactly what fits is taken, and a refusal says why.
fn taken_if<V, E: Display>(fits: bool, what: &str, answer: Result<V, E>) -> Result<Option<V>, TestCaseError> {
    if let Err(error) = &answer {
        require(!fits, format!("{what} is refused: {error}"))?;
    }
    taken_only_if(fits, what, answer)
}

/// The same where what fits may be refused, too, since a number overflows on the way.
fn taken_only_if<V, E: Display>(fits: bool, what: &str, answer: Result<V, E>) -> Result<Option<V>, TestCaseError> {
    match answer {
        Ok(value) => require(fits, format!("{what} is taken, which does not fit")).map(|()| Some(value)),
        Err(error) => require(!error.to_string().is_empty(), format!("{what}: an error without words")).map(|()| None),
    }
}

/// A matrix that is taken only if its input `fits` has so many rows and columns, and finite
/// numbers.
fn finite_only_if(fits: bool, what: &str, answer: Result<DMatrix<f64>, Error>, shape: (usize, usize)) -> Judgement {
    let Some(found) = taken_only_if(fits, what, answer)? else { return Ok(()) };
    let finite = found.iter().all(|value| value.is_finite());
    let size = found.shape();
    require(finite && size == shape, format!("{what} gives {size:?} (all finite: {finite}), expected {shape:?}"))
}

/// A place of this process's own among temporary files.
fn temporary(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("autoencoder-garbage-{}-{name}", std::process::id()))
}
