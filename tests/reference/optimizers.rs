//! The way of every optimizer over 100 steps.

use autoencoder::*;
use safetensors::SafeTensors;

use crate::case::{Case, cases, reference};
use crate::common::Outcome;

fn optimizer(case: &Case) -> Box<dyn Optimizer<f64>> {
    let rate = case.number("learning_rate");
    let betas = || (case.number("beta_1"), case.number("beta_2"));
    match case.kind() {
        "SGD" => Box::new(Sgd::new(rate).momentum(case.number("momentum")).nesterov(case.flag("nesterov"))),
        "RMSprop" => Box::new(
            RmsProp::new(rate)
                .rho(case.number("rho"))
                .momentum(case.number("momentum"))
                .epsilon(case.number("epsilon"))
                .centered(case.flag("centered")),
        ),
        "Adam" => Box::new(Adam::new(rate).betas(betas().0, betas().1).epsilon(case.number("epsilon"))),
        "AdamW" => Box::new(
            AdamW::new(rate)
                .betas(betas().0, betas().1)
                .epsilon(case.number("epsilon"))
                .weight_decay(case.number("weight_decay")),
        ),
        kind => panic!("{}: the optimizer {kind}", case.name),
    }
}

#[test]
fn optimizers() -> Outcome {
    let bytes = std::fs::read(reference("optimizers.safetensors"))?;
    let file = SafeTensors::deserialize(&bytes)?;
    let problem = |name: &str| -> Vec<f64> {
        let tensor = file.tensor(&format!("problem/{name}")).unwrap();
        tensor.data().chunks_exact(8).map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap())).collect()
    };
    let (initial, gradients) = (problem("initial"), problem("gradients"));
    for case in cases("optimizers", 26) {
        let optimizer = optimizer(&case);
        let mut parameters = initial.clone();
        let mut slots = vec![vec![0.0; initial.len()]; optimizer.slots()];
        let mut path = Vec::new();
        for (step, gradient) in gradients.chunks_exact(initial.len()).enumerate() {
            let mut borrowed = slots.iter_mut();
            let slots = std::array::from_fn(|_| borrowed.next().map_or(&mut [][..], Vec::as_mut_slice));
            let step = step as u64 + 1;
            optimizer.update(Update::new(
                optimizer.as_ref(),
                step,
                optimizer.learning_rate(),
                &mut parameters,
                gradient,
                slots,
            )?);
            path.extend_from_slice(&parameters);
        }
        case.compare("parameters", &path);
    }
    Ok(())
}

/// The names of Keras's defaults: what an optimizer is without any setting.
#[test]
fn optimizers_start_with_keras_s_settings() {
    let defaults: [(&str, Box<dyn Optimizer<f64>>); 4] = [
        ("sgd", Box::new(Sgd::default())),
        ("rmsprop", Box::new(RmsProp::default())),
        ("adam", Box::new(Adam::default())),
        ("adamw", Box::new(AdamW::default())),
    ];
    let cases = cases("optimizers", 26);
    for (name, found) in defaults {
        let case = cases.iter().find(|case| case.name == name).unwrap();
        assert_eq!(found.config(), optimizer(case).config(), "{name}");
    }
}
