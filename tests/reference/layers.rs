//! Layers and small networks: a step of training, forward and backward, and inference after it.

use autoencoder::*;

use crate::build::with_layer;
use crate::case::{Case, cases};

/// What the file calls a parameter of the case: that of a single layer goes without the layer's
/// name.
fn tensor_of<'a>(case: &Case, parameter: &'a str) -> &'a str {
    if case.kind() == "Sequential" { parameter } else { parameter.trim_start_matches("layers.0.") }
}

/// The network that the case describes, with the case's numbers.
fn network(case: &Case) -> Result<Network<f64>, Error> {
    let builder = Network::builder(case.sample("input"));
    let mut network = with_layer(case, builder).build()?;
    assert_eq!(network.output_shape(), case.sample("output"), "{}: shape", case.name);
    let described = |parameter: Parameter<'_, f64>| (parameter.name.to_owned(), parameter.shape.to_owned());
    let parameters: Vec<_> = network.parameters().chain(network.state()).map(described).collect();
    for (parameter, shape) in parameters {
        let tensor = case.tensor(tensor_of(case, &parameter));
        assert_eq!(shape, tensor.shape, "{}/{parameter}", case.name);
        network.set_parameter(&parameter, &tensor.values)?;
    }
    Ok(network)
}

/// Compares everything that the case holds.
pub fn compare_passes(case: &Case) -> Result<(), Error> {
    let mut network = network(case)?;
    let batch = Batch::from_slice(case.values("input"), network.input_shape().elements())?;
    let mut tape = network.tape_with_input_gradient(batch.samples())?;
    case.compare("output", network.forward(&mut tape, batch, None, 0)?);
    if case.holds("penalty") {
        let penalties: Vec<f64> = tape.penalties().map(|(_, sum)| sum / batch.samples() as f64).collect();
        case.compare("penalty", &penalties);
    }
    let mut gradients = vec![f64::NAN; network.parameter_count()];
    network.backward(&mut tape, case.values("output_gradient"), &mut gradients)?;
    case.compare("input_gradient", tape.input_gradient());
    let mut rest = gradients.as_slice();
    for parameter in network.parameters() {
        let (gradient, others) = rest.split_at(parameter.values.len());
        case.compare(&format!("{}_gradient", tensor_of(case, parameter.name)), gradient);
        rest = others;
    }
    network.update_state(&tape)?;
    // Keras moves running statistics towards a single value and its variance of 0; here they stay.
    let shape = network.input_shape();
    let stays = batch.samples() * shape.elements() == shape.channels();
    for state in network.state() {
        let name = tensor_of(case, state.name);
        case.compare(&if stays { name.to_owned() } else { format!("new_{name}") }, state.values);
    }
    if stays && network.state().next().is_some() {
        return Ok(());
    }
    let inference = if case.holds("inference") { "inference" } else { "output" };
    case.compare(inference, network.predict(batch)?.as_slice());
    Ok(())
}

fn compare_area(area: &str, count: usize) {
    for case in cases(area, count) {
        compare_passes(&case).unwrap_or_else(|error| panic!("{}: {error}", case.name));
    }
}

#[test]
fn layers() {
    compare_area("layers", 140);
}

#[test]
fn activations() {
    compare_area("activations", 26);
}

/// Batch normalisation with its running statistics, and penalties on weights.
#[test]
fn normalisation() {
    compare_area("normalisation", 11);
}

#[test]
fn sparse() {
    compare_area("sparse", 41);
}

/// Layers that share a weight, and shapes that change on the way.
#[test]
fn networks() {
    compare_area("networks", 36);
}

#[test]
fn batch_normalisation_starts_with_keras_s_settings() {
    let case = cases("normalisation", 11).swap_remove(0);
    let expected = Config::new().with("momentum", case.number("momentum")).with("epsilon", case.number("epsilon"));
    assert_eq!(Layer::<f64>::config(&BatchNorm::new()), expected);
}
