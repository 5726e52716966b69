//! The design's "room for what comes": small layers written against the public API alone, one file
//! for each promise.

#[path = "../common/mod.rs"]
mod common;

mod batch_statistics;
mod latent;
mod penalty;
mod plugged_in;
mod random_stream;
mod second_input;
mod sequence;
mod shared_parameter;

use autoencoder::nalgebra::DMatrix;
use autoencoder::{Loss, Mse, Network, NetworkBuilder, Sgd, Source, Trainer};
use common::{Numbers, bits};

/// Batches of this many samples are cut into shards, the last of them shorter.
const SAMPLES: usize = 150;

fn data(features: usize) -> DMatrix<f64> {
    Numbers::new(11).matrix(features, SAMPLES)
}

/// The parameters and the state of a network after a short training.
fn trained(builder: NetworkBuilder<f64>, data: &dyn Source<f64>, trainer: Trainer<'_, f64>) -> (Vec<u64>, Vec<u64>) {
    let mut network = builder.build().unwrap();
    trainer.epochs(2).batch_size(60).fit(&mut network, data).unwrap();
    let state: Vec<f64> = network.state().flat_map(|state| state.values.to_vec()).collect();
    (bits(network.parameter_vector()), bits(&state))
}

fn descent() -> Trainer<'static, f64> {
    Trainer::new(Mse, Sgd::new(0.1))
}

/// Panics unless training leaves the same bits behind for any number of threads.
#[track_caller]
fn same_bits_for_any_threads(builder: NetworkBuilder<f64>, data: &dyn Source<f64>) {
    let one = trained(builder.clone(), data, descent().threads(1));
    for threads in [2, 3, 4, 7] {
        assert!(trained(builder.clone(), data, descent().threads(threads)) == one, "{threads} threads: other bits");
    }
}

/// The loss of a network over data before and after a training.
fn before_and_after(network: &mut Network<f64>, data: &dyn Source<f64>, loss: &dyn Loss<f64>) -> (f64, f64) {
    let before = network.evaluate(loss, data).unwrap();
    descent().epochs(30).batch_size(30).fit(network, data).unwrap();
    (before, network.evaluate(loss, data).unwrap())
}
