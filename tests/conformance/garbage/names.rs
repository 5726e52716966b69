//! Names that nothing has.

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;

use super::{all_finite, finite_only_if, name, number, numbers, row, small, taken_if, taken_only_if, variational};
use crate::Row;
use crate::common::bits;
use crate::properties::{Judgement, holds, require};

pub fn rows() -> Vec<Row> {
    vec![row("names", || holds(1000, (name(), proptest::collection::vec(number(), 0..17)), finds_or_says_why))]
}

/// Parameters, layers and figures are asked for by name; what is refused has changed nothing.
fn finds_or_says_why((name, values): (String, Vec<f64>)) -> Judgement {
    let (mut network, mut model) = (small::<f64>(), variational::<f64>());
    let before = [bits(&numbers(&network)), bits(&numbers(model.network()))];
    let set = [network.set_parameter(&name, &values).is_ok(), model.set_parameter(&name, &values).is_ok()];
    let after = [bits(&numbers(&network)), bits(&numbers(model.network()))];
    for ((before, after), set) in before.iter().zip(&after).zip(set) {
        require(set || before == after, "what was refused has changed the model")?;
    }
    require(all_finite(&network) && all_finite(model.network()), "a parameter is not finite")?;

    let frozen = network.freeze(&name).is_ok();
    require(frozen == network.parameters().any(|parameter| parameter.frozen), "freezing and its answer differ")?;
    let begins = |network: &Network<f64>| network.parameters().any(|parameter| parameter.name.starts_with(&name));
    taken_if(begins(&network), "a prefix to unfreeze", network.unfreeze(&name))?;
    require(network.parameters().all(|parameter| !parameter.frozen), "something is still frozen")?;
    taken_if(begins(model.network()), "a prefix to freeze", model.freeze(&name))?;
    taken_if(begins(model.network()), "a prefix to unfreeze", model.unfreeze(&name))?;
    for (summary, network) in [(network.summary(), &network), (model.summary(), model.network())] {
        let summary = summary.to_string();
        require(network.layers().all(|(layer, _)| summary.contains(layer)), "a layer is not in the summary")?;
    }
    let known = network.parameters().any(|parameter| parameter.name == name);
    require(network.parameter(&name).is_ok() == known, "a parameter that is there is not found, or another")?;

    let data = DMatrix::from_element(3, 2, 0.5);
    let part_of = |layer: &str| layer == name || layer.starts_with(&format!("{name}."));
    let is_layer = |network: &Network<f64>| network.layers().any(|(layer, _)| part_of(layer)); // or a block
    taken_only_if(is_layer(&network), "a layer's name", network.activations(&name, &data))?;
    taken_only_if(is_layer(&network), "a layer's name", network.activity(&name, &data))?;
    taken_only_if(is_layer(model.network()), "a layer's name", model.activations(&name, &data))?;
    let history =
        Trainer::new(Mse, Sgd::new(0.1)).metric(Accuracy).fit_to(&mut network, &data, &data.rows(0, 2).into_owned());
    let history = history.expect("a history");
    let none = history.validation_metric(&name).is_none();
    let none_of = |epoch: &Epoch| {
        [epoch.penalty(&name), epoch.diagnostic(&name), epoch.metric(&name), epoch.validation_metric(&name)]
            .iter()
            .all(Option::is_none)
    };
    require(none && history.epochs().iter().all(none_of), "a figure that was not asked for is there")?;

    for tied in [Dense::new(4).tied_to(name.as_str()), Dense::new(3).tied_to(name.as_str())] {
        let extended = small::<f64>().extend().layer(tied.clone()).build();
        let alone = Network::<f64>::builder(Shape::flat(4)).layer(tied).build();
        require(alone.is_err(), "a layer is tied to one that is not there")?;
        gives_finite_numbers(extended, &data)?;
    }
    let tied = Conv2DTranspose::new(1, 3).tied_to(name);
    let built = Network::<f64>::builder(Shape::image(4, 4, 1)).layer(Conv2D::new(1, 3)).layer(tied).build();
    gives_finite_numbers(built, &DMatrix::zeros(16, 1))
}

/// A network, if it could be built, predicts numbers or says why not.
fn gives_finite_numbers(built: Result<Network<f64>, BuildError>, data: &DMatrix<f64>) -> Judgement {
    let Some(network) = taken_only_if(true, "a network", built)? else { return Ok(()) };
    let shape = (network.output_shape().elements(), data.ncols());
    finite_only_if(true, "a prediction", network.predict(data), shape)
}
