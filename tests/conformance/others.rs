//! The rows of losses, optimizers and sources.

use autoencoder::data::idx;
use autoencoder::nalgebra::DMatrix;
use autoencoder::testing::{LossCheck, check_optimizer, check_source};
use autoencoder::*;

use crate::common::mnist;
use crate::heap::calls_of_thread;
use crate::wrong::OffLoss;
use crate::{Found, Row};

trait BothLosses: Loss<f32> + Loss<f64> + Clone + Send + Sync + 'static {}
impl<L: Loss<f32> + Loss<f64> + Clone + Send + Sync + 'static> BothLosses for L {}

trait BothOptimizers: Optimizer<f32> + Optimizer<f64> + Clone + Send + Sync + 'static {}
impl<O: Optimizer<f32> + Optimizer<f64> + Clone + Send + Sync + 'static> BothOptimizers for O {}

pub fn rows() -> Vec<Row> {
    let mut rows = losses();
    rows.extend(optimizers());
    rows.extend(sources());
    rows
}

fn loss<L: BothLosses>(name: &str, shape: Shape, loss: L) -> Row {
    let off = loss.clone();
    Row::checked(
        format!("{name} over {shape}"),
        move || LossCheck::new(|| loss.clone(), shape).allocations(calls_of_thread).run(),
        move || LossCheck::new(|| OffLoss(off.clone()), shape).gradients(),
    )
}

fn losses() -> Vec<Row> {
    let mut rows = Vec::new();
    for (name, reduction) in [("mean", Reduction::MeanPerElement), ("sum", Reduction::SumPerSample)] {
        let named = |loss: &str| format!("{loss}, {name}");
        for shape in [Shape::flat(5), Shape::flat(1), Shape::image(2, 3, 4), Shape::flat(67)] {
            rows.push(loss(&named("mse"), shape, Mse.reduction(reduction)));
            rows.push(loss(&named("mae"), shape, Mae.reduction(reduction)));
            rows.push(loss(&named("huber 1"), shape, Huber::default().reduction(reduction)));
            rows.push(loss(&named("huber 0.3"), shape, Huber::new(0.3).reduction(reduction)));
            rows.push(loss(&named("bce"), shape, Bce.reduction(reduction)));
            rows.push(loss(&named("gaussian nll 0.3"), shape, GaussianNll::new(0.3).reduction(reduction)));
        }
        for shape in [Shape::flat(5), Shape::image(2, 3, 4)] {
            rows.push(loss(&named("categorical"), shape, CategoricalCrossEntropy.reduction(reduction)));
        }
    }
    rows
}

fn optimizer<O: BothOptimizers>(name: &str, optimizer: O) -> Row {
    Row::new(format!("optimizer {name}"), move || Found::of(&check_optimizer(|| optimizer.clone())))
}

fn optimizers() -> Vec<Row> {
    vec![
        optimizer("sgd", Sgd::new(0.1)),
        optimizer("sgd with momentum", Sgd::new(0.01).momentum(0.9)),
        optimizer("sgd with nesterov", Sgd::new(0.01).momentum(0.9).nesterov(true)),
        optimizer("rms prop", RmsProp::new(0.01)),
        optimizer("rms prop, centred", RmsProp::new(0.01).centered(true)),
        optimizer("rms prop with momentum", RmsProp::new(0.01).momentum(0.5)),
        optimizer("rms prop, all", RmsProp::new(0.01).rho(0.8).momentum(0.5).centered(true).epsilon(1e-4)),
        optimizer("adam", Adam::new(0.01)),
        optimizer("adam, other betas", Adam::new(0.01).betas(0.8, 0.95).epsilon(1e-3)),
        optimizer("adam w", AdamW::new(0.01)),
        optimizer("adam w, strong decay", AdamW::new(0.01).weight_decay(0.1)),
    ]
}

fn data<T: Scalar>(features: usize, samples: usize) -> DMatrix<T> {
    DMatrix::from_fn(features, samples, |feature, sample| T::from_f64(((7 * feature + 3 * sample) as f64).sin()))
}

fn source(name: &str, found: impl Fn() -> Found + Send + Sync + 'static) -> Row {
    Row::new(format!("source {name}"), found)
}

fn sources() -> Vec<Row> {
    let images = || idx::read_images(mnist("t10k-images-idx3-ubyte")).expect("the bundled images");
    vec![
        source("matrix, f32", || Found::of(&check_source(&data::<f32>(13, 150)))),
        source("matrix, f64", || Found::of(&check_source(&data::<f64>(13, 150)))),
        source("matrix of one sample", || Found::of(&check_source(&data::<f64>(13, 1)))),
        source("matrix without samples", || Found::of(&check_source(&data::<f64>(13, 0)))),
        source("columns of a matrix", || Found::of(&check_source(&data::<f64>(13, 150).columns(20, 40)))),
        source("rows of a matrix", || Found::of(&check_source(&data::<f32>(13, 150).rows(2, 7)))),
        source("slice", || {
            let values = data::<f32>(13, 20);
            Found::of(&check_source(&Batch::from_slice(values.as_slice(), 26).expect("whole samples")))
        }),
        source("batch with side inputs", || {
            let (values, side) = (data::<f64>(13, 70), data::<f64>(3, 70));
            Found::of(&check_source(&Batch::from(&values).with_side(&side)))
        }),
        source("subset", || {
            Found::of(&check_source(&Subset::new(&data::<f64>(5, 90), 7..61).expect("a range within")))
        }),
        source("images, f32", move || Found::of(&check_source::<f32>(&images()))),
        source("images, f64", move || Found::of(&check_source::<f64>(&images()))),
        source("corrupted by gaussian noise", || corrupted(GaussianCorruption::new(0.3))),
        source("corrupted by masking", || corrupted(Masking::new(0.3))),
        source("corrupted by salt and pepper", || corrupted(SaltAndPepper::new(0.2))),
        source("corrupted by swaps", || corrupted(Swap::new(0.3))),
    ]
}

fn corrupted(corruption: impl Corruption<f64>) -> Found {
    let data = data::<f64>(13, 90);
    Found::of(&check_source(&Corrupted::new(&data, corruption).expect("options in their range")))
}
