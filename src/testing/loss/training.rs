//! Whether a network can be trained with the loss.

use nalgebra::DMatrix;

use super::bench::Bench;
use crate::graph::Network;
use crate::layer::{Dense, Reshape};
use crate::testing::numbers::Numbers;
use crate::testing::report::{Verdict, fails, verdict};
use crate::{Activation, Error, Sgd, Trainer};

/// A network, inputs and targets.
type NetworkAndData = (Network<f64>, DMatrix<f64>, DMatrix<f64>);

/// A small network and its data.
fn network_and_data(bench: &Bench<'_, f64>) -> Result<NetworkAndData, Error> {
    const SAMPLES: usize = 600;
    let elements = bench.shape.elements();
    let activation = bench.loss.fused_activation().unwrap_or(Activation::Linear);
    let network = Network::builder(bench.shape)
        .layer(Dense::new(40).activation(Activation::Tanh))
        .layer(Dense::new(elements))
        .layer(Reshape::new(bench.shape))
        .layer(activation)
        .build()?;
    let matrix = |values: Vec<f64>| DMatrix::from_vec(elements, SAMPLES, values);
    let inputs = matrix(Numbers::new(4).vector(SAMPLES * elements, [-1.0, 1.0]));
    let targets = bench.targets.iter().copied().cycle().take(SAMPLES * elements).collect();
    Ok((network, inputs, matrix(targets)))
}

pub(super) fn trains(bench: &Bench<'_, f64>) -> Verdict {
    let train = |threads: usize| -> Result<Vec<f64>, Error> {
        let (mut network, inputs, targets) = network_and_data(bench)?;
        let mut trainer = Trainer::new((bench.make)(), Sgd::new(1e-3)).epochs(2).batch_size(300).threads(threads);
        let history = trainer.fit_to(&mut network, &inputs, &targets)?;
        let losses = history.epochs().iter().map(|epoch| epoch.loss);
        Ok(losses.chain(network.parameter_vector().iter().copied()).collect())
    };
    verdict(|| {
        let went_wrong = |error: Error| fails("a network cannot be trained with it", error);
        let one = train(1).map_err(went_wrong)?;
        for threads in [2, 3, 7] {
            if train(threads).map_err(went_wrong)? != one {
                return Err(Verdict::Fails(format!(
                    "training on {threads} threads gives other numbers than on one: a comparison may depend on nothing but what its pass holds"
                )));
            }
        }
        Ok(Verdict::Holds)
    })
}

pub(super) fn bad_targets(bench: &Bench<'_, f64>) -> Verdict {
    verdict(|| {
        let went_wrong = |error: Error| fails("a network cannot be built for it", error);
        for bad in [f64::NAN, f64::INFINITY] {
            let (mut network, inputs, mut targets) = network_and_data(bench).map_err(went_wrong)?;
            let place = targets.len() / 2;
            targets.as_mut_slice().get_mut(place).into_iter().for_each(|value| *value = bad);
            let mut trainer = Trainer::new((bench.make)(), Sgd::new(1e-3));
            if trainer.fit_to(&mut network, &inputs, &targets).is_ok() {
                return Err(Verdict::Fails(format!("training goes on with a target of {bad}")));
            }
        }
        Ok(Verdict::Holds)
    })
}
