//! Names that nothing has.

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;

use super::{all_finite, name, number, numbers, row, small, variational};
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
    let _ = (network.unfreeze(&name), model.freeze(&name), model.unfreeze(&name));
    let _ = (network.summary().to_string(), model.summary().to_string());
    let _ = network.parameter(&name).map(|parameter| parameter.values.len());

    let data = DMatrix::from_element(3, 2, 0.5);
    let _ = (network.activations(&name, &data), network.activity(&name, &data), model.activations(&name, &data));
    let history =
        Trainer::new(Mse, Sgd::new(0.1)).metric(Accuracy).fit_to(&mut network, &data, &data.rows(0, 2).into_owned());
    let history = history.expect("a history");
    let _ = history.validation_metric(&name);
    for epoch in history.epochs() {
        let _ = (epoch.penalty(&name), epoch.diagnostic(&name), epoch.metric(&name), epoch.validation_metric(&name));
    }

    for tied in [Dense::new(4).tied_to(name.as_str()), Dense::new(3).tied_to(name.as_str())] {
        let extended = small::<f64>().extend().layer(tied.clone()).build();
        let alone = Network::<f64>::builder(Shape::flat(4)).layer(tied).build();
        require(alone.is_err(), "a layer is tied to one that is not there")?;
        let _ = extended.map(|network| network.predict(&data));
    }
    let tied = Conv2DTranspose::new(1, 3).tied_to(name);
    let built = Network::<f64>::builder(Shape::image(4, 4, 1)).layer(Conv2D::new(1, 3)).layer(tied).build();
    let _ = built.map(|network| network.predict(&DMatrix::zeros(16, 1)));
    Ok(())
}
