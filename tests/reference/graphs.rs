//! Networks whose layers join earlier values: their passes, and the first steps of their training.

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;

use crate::build::with_layer;
use crate::case::{Case, cases};
use crate::layers::compare_passes;

fn graphs(kind: &str) -> Vec<Case> {
    cases("graphs", 15).into_iter().filter(|case| case.kind() == kind).collect()
}

#[test]
fn passes() {
    for case in graphs("Sequential") {
        compare_passes(&case).unwrap_or_else(|error| panic!("{}: {error}", case.name));
    }
}

/// From Keras's first parameters, in its order of samples.
#[test]
fn losses_of_the_first_steps_are_keras_s() -> Result<(), Error> {
    for case in graphs("Training") {
        compare(&case, &losses::<f64>(&case)?, |_| 1e-12);
        compare(&case, &losses::<f32>(&case)?, |step| if step < 20 { 1e-5 } else { 5e-3 }); // rounding grows
    }
    Ok(())
}

fn compare(case: &Case, losses: &[f64], tolerance: fn(usize) -> f64) {
    for (step, (found, expected)) in losses.iter().zip(case.values("losses")).enumerate() {
        let close = (found - expected).abs() <= tolerance(step) * expected;
        assert!(close, "{}, step {step}: {found}, expected {expected}", case.name);
    }
}

/// The loss of each step of three epochs.
fn losses<T: Scalar>(case: &Case) -> Result<Vec<f64>, Error> {
    let (shape, batch_size) = (case.sample("input"), case.count("batch_size"));
    let builder = case.layers().fold(Network::<T>::builder(shape), |builder, layer| with_layer(&layer, builder));
    let mut network = builder.build()?;
    let names: Vec<String> = network.parameters().map(|parameter| parameter.name.to_owned()).collect();
    for name in names {
        let values: Vec<T> = case.values(&name).iter().map(|value| T::from_f64(*value)).collect();
        network.set_parameter(&name, &values)?;
    }
    let values = case.values("input").iter().map(|value| T::from_f64(*value));
    let data = DMatrix::<T>::from_iterator(shape.elements(), case.tensor("input").shape[0], values);
    let mut losses = Vec::new();
    let trainer = Trainer::new(Bce, Adam::new(0.003).epsilon(1e-7)).shuffle(false).epochs(3).batch_size(batch_size);
    let mut before = 0.0;
    let mut trainer = trainer.on_progress(|progress| {
        let sum = progress.loss * progress.step as f64; // of an epoch's steps so far
        losses.push(if progress.step == 1 { sum } else { sum - before });
        before = sum;
    });
    trainer.fit_to(&mut network, &data, &data)?;
    drop(trainer);
    Ok(losses)
}
