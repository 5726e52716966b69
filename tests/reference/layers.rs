//! Layers forward and backward, in training and in inference.

use autoencoder::*;

use crate::build::{activation, with_layer};
use crate::case::{Case, cases};
use crate::common::Outcome;

/// Runs the case's input through the network and compares everything that the case holds.
fn compare_passes(case: &Case, mut network: Network<f64>) -> Outcome {
    for name in ["weight", "bias"].into_iter().filter(|name| case.tensors.contains_key(*name)) {
        let parameter = network.parameter(&format!("layers.0.{name}"))?;
        assert_eq!(parameter.shape, case.tensor(name).shape, "{}/{name}", case.name);
        network.set_parameter(&format!("layers.0.{name}"), case.values(name))?;
    }
    assert_eq!(network.output_shape(), case.sample("output"), "{}: shape", case.name);
    let batch = Batch::from_slice(case.values("input"), network.input_shape().elements())?;
    case.compare("output", network.predict(batch)?.as_slice());

    let mut tape = network.tape_with_input_gradient(batch.samples())?;
    case.compare("output", network.forward(&mut tape, batch, None, 0)?);
    let mut gradients = vec![f64::NAN; network.parameter_count()];
    network.backward(&mut tape, case.values("output_gradient"), &mut gradients)?;
    case.compare("input_gradient", tape.input_gradient());
    let mut rest = gradients.as_slice();
    for parameter in network.parameters() {
        let (gradient, others) = rest.split_at(parameter.values.len());
        case.compare(&format!("{}_gradient", parameter.name.trim_start_matches("layers.0.")), gradient);
        rest = others;
    }
    Ok(())
}

#[test]
fn layers() -> Outcome {
    for case in cases("layers", 127) {
        let network = with_layer(&case, Network::builder(case.sample("input"))).build();
        compare_passes(&case, network.unwrap_or_else(|error| panic!("{}: {error}", case.name)))?;
    }
    Ok(())
}

#[test]
fn activations() -> Outcome {
    for case in cases("activations", 26) {
        let layer = activation(&case, case.kind());
        compare_passes(&case, Network::builder(case.sample("input")).layer(layer).build()?)?;
    }
    Ok(())
}

/// Batch normalisation: a training step's outputs, gradients and running statistics, and inference after it.
#[test]
fn batch_normalisation() -> Outcome {
    for case in cases("normalisation", 11).into_iter().filter(|case| case.kind() == "BatchNormalization") {
        let layer = BatchNorm::new().momentum(case.number("momentum")).epsilon(case.number("epsilon"));
        let mut network = Network::builder(case.sample("input")).layer(layer).build()?;
        for name in ["gamma", "beta", "running_mean", "running_variance"] {
            network.set_parameter(&format!("layers.0.{name}"), case.values(name))?;
        }
        let batch = Batch::from_slice(case.values("input"), network.input_shape().elements())?;
        let mut tape = network.tape_with_input_gradient(batch.samples())?;
        case.compare("output", network.forward(&mut tape, batch, None, 0)?);
        let mut gradients = vec![f64::NAN; network.parameter_count()];
        network.backward(&mut tape, case.values("output_gradient"), &mut gradients)?;
        case.compare("input_gradient", tape.input_gradient());
        let (by_gamma, by_beta) = gradients.split_at(gradients.len() / 2);
        case.compare("gamma_gradient", by_gamma);
        case.compare("beta_gradient", by_beta);
        network.update_state(&tape);
        let state: Vec<Vec<f64>> = network.state().map(|state| state.values.to_vec()).collect();
        case.compare("new_running_mean", &state[0]);
        case.compare("new_running_variance", &state[1]);
        case.compare("inference", network.predict(batch)?.as_slice());
    }
    let defaults = Layer::<f64>::config(&BatchNorm::new());
    let case = cases("normalisation", 11).swap_remove(0);
    assert_eq!(
        defaults,
        Config::new().with("momentum", case.number("momentum")).with("epsilon", case.number("epsilon"))
    );
    Ok(())
}

#[test]
fn penalties_on_weights() -> Outcome {
    for case in cases("normalisation", 11).into_iter().filter(|case| case.kind() == "L1L2") {
        let penalty = Regularizer::l1_l2(case.number("l1"), case.number("l2"));
        let builder = Network::builder(case.sample("input")).layer(Dense::new(4).weight_regularizer(penalty));
        let mut network = builder.build()?;
        network.set_parameter("layers.0.weight", case.values("weight"))?;
        network.set_parameter("layers.0.bias", case.values("bias"))?;
        let batch = Batch::from_slice(case.values("input"), 6)?;
        let mut tape = network.tape(batch.samples())?;
        network.forward(&mut tape, batch, None, 0)?;
        let mut gradients = vec![f64::NAN; network.parameter_count()];
        network.backward(&mut tape, case.values("output_gradient"), &mut gradients)?;
        case.compare("weight_gradient", &gradients[..24]);
        let values: Vec<f64> = tape.penalties().map(|(_, sum)| sum / batch.samples() as f64).collect();
        case.compare("penalty", &values);
    }
    Ok(())
}
