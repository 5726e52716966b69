//! Losses with their gradients, and metrics.

use autoencoder::*;

use crate::case::{Case, cases};
use crate::common::Outcome;

/// The loss with each reduction. Keras has only the mean.
fn loss(case: &Case, reduction: Reduction) -> Box<dyn Loss<f64>> {
    match case.kind() {
        "MeanSquaredError" => Box::new(Mse.reduction(reduction)),
        "MeanAbsoluteError" => Box::new(Mae.reduction(reduction)),
        "Huber" => Box::new(Huber::new(case.number("delta")).reduction(reduction)),
        "BinaryCrossentropy" => Box::new(Bce.reduction(reduction)),
        "CategoricalCrossentropy" => Box::new(CategoricalCrossEntropy.reduction(reduction)),
        kind => panic!("{}: the loss {kind}", case.name),
    }
}

fn is_metric(case: &Case) -> bool {
    case.kind().ends_with("Accuracy")
}

#[test]
fn losses() -> Outcome {
    for case in cases("losses", 46).into_iter().filter(|case| !is_metric(case)) {
        let shape = case.sample("prediction");
        let samples = case.tensor("prediction").shape[0] as f64;
        let averaged = match case.kind() {
            "CategoricalCrossentropy" => shape.elements() / shape.channels(),
            _ => shape.elements(),
        };
        for (reduction, terms) in [(Reduction::MeanPerElement, 1.0), (Reduction::SumPerSample, averaged as f64)] {
            let mut gradient = vec![f64::NAN; case.values("prediction").len()];
            let pass = LossPass::new(shape, case.values("prediction"), case.values("target"))?
                .from_logits(case.options["from_logits"] == true)
                .gradient(1.0 / samples / terms, &mut gradient)?;
            let value = loss(&case, reduction).evaluate(pass) / samples / terms;
            case.compare("value", &[value]);
            case.compare("gradient", &gradient);
        }
    }
    Ok(())
}

#[test]
fn accuracies() {
    for case in cases("losses", 46).into_iter().filter(is_metric) {
        let right: f64 = Accuracy.evaluate(case.sample("target"), case.values("prediction"), case.values("target"));
        case.compare("value", &[right / case.tensor("target").shape[0] as f64]);
    }
}
