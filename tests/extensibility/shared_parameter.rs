//! A layer that shares a parameter: the tied decoder of a dense autoencoder, x̂ = W h + b with the
//! encoder's W.

use autoencoder::*;

use crate::common::gradient::{Check, of_network};
use crate::common::{Numbers, Outcome, bits, distance};
use crate::{data, descent};

const WEIGHT: usize = 0;
const BIAS: usize = 1;

/// The transpose of the dense layer whose weight is called `weight`, back to `features` features.
#[derive(Debug)]
struct Tied {
    features: usize,
    weight: &'static str,
}

impl<T: Scalar> Layer<T> for Tied {
    fn kind(&self) -> &'static str {
        "tied"
    }

    fn config(&self) -> Config {
        Config::new().with("features", self.features).with("weight", self.weight)
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        let shape = [self.features, input.elements()];
        let weight = ParameterSpec::new("weight", &shape, Initializer::GlorotUniform).shared_with(self.weight);
        Ok(Plan::new(Shape::flat(self.features))
            .parameter(weight)
            .parameter(ParameterSpec::new("bias", &[self.features], Initializer::Zeros))
            .work_per_sample(shape.iter().product()))
    }

    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        let units = context.input_shape.elements();
        let samples = pass.output.chunks_exact_mut(self.features).zip(pass.input.chunks_exact(units));
        for (output, code) in samples {
            let rows = context.parameters.of(WEIGHT).chunks_exact(units).zip(context.parameters.of(BIAS));
            for (value, (row, bias)) in output.iter_mut().zip(rows) {
                *value = row.iter().zip(code).fold(*bias, |sum, (weight, value)| sum + *weight * *value);
            }
        }
    }

    fn backward(&self, context: &Context<'_, T>, mut pass: Backward<'_, T>) {
        let units = context.input_shape.elements();
        let samples = pass.output_gradient.chunks_exact(self.features).zip(pass.input.chunks_exact(units));
        for (gradient, code) in samples.clone() {
            let rows = pass.gradients.of(WEIGHT).chunks_exact_mut(units);
            for (row, slope) in rows.zip(gradient) {
                row.iter_mut().zip(code).for_each(|(weight, value)| *weight += *slope * *value);
            }
            pass.gradients.of(BIAS).iter_mut().zip(gradient).for_each(|(bias, slope)| *bias += *slope);
        }
        let Some(input_gradient) = pass.input_gradient else { return };
        input_gradient.fill(T::zero());
        for ((gradient, _), to) in samples.zip(input_gradient.chunks_exact_mut(units)) {
            for (row, slope) in context.parameters.of(WEIGHT).chunks_exact(units).zip(gradient) {
                to.iter_mut().zip(row).for_each(|(to, weight)| *to += *slope * *weight);
            }
        }
    }
}

fn builder() -> AutoencoderBuilder<f64> {
    Autoencoder::builder(Shape::flat(40))
        .encoder(Dense::new(12).activation(Activation::Tanh))
        .decoder(Tied { features: 40, weight: "encoder.0.weight" })
        .seed(3)
}

#[test]
fn there_is_one_set_of_numbers() -> Outcome {
    let model = builder().build()?;
    let names: Vec<_> = model.parameters().map(|parameter| parameter.name.to_owned()).collect();
    assert_eq!(names, ["encoder.0.weight", "encoder.0.bias", "decoder.0.bias"]);
    assert_eq!(model.network().parameter_count(), 40 * 12 + 12 + 40);
    Ok(())
}

/// The weight's gradient has both layers' shares, one computed over the whole batch and one in
/// shards.
#[test]
fn both_layers_add_to_its_gradient() -> Outcome {
    for samples in [1, 9, 200] {
        of_network(builder().build()?.network().clone(), samples, &mut Numbers::new(2)).check("tied weights");
    }
    Ok(())
}

#[test]
fn it_learns_with_the_same_bits_for_any_threads() -> Outcome {
    let data = data(40);
    let train = |threads| -> Result<(Vec<u64>, f64), Error> {
        let mut model = builder().build()?;
        let history = descent().epochs(20).batch_size(50).threads(threads).fit(&mut model, &data)?;
        assert!(history.epochs()[19].loss < history.epochs()[0].loss);
        Ok((bits(model.network().parameter_vector()), model.evaluate(&Mse, &data)?))
    };
    let one = train(1)?;
    for threads in [2, 3, 4, 7] {
        assert!(train(threads)? == one, "{threads} threads");
    }
    Ok(())
}

#[test]
fn halves_work_alone() -> Outcome {
    let (data, mut model) = (data(40), builder().build()?);
    descent().fit(&mut model, &data)?;
    let (encoder, decoder) = (model.encoder(), model.decoder().unwrap());
    assert_eq!(decoder.parameter("decoder.0.weight")?.values, model.network().parameter("encoder.0.weight")?.values);
    let codes = encoder.predict(&data)?;
    assert_eq!(codes, model.encode(&data)?);
    assert_eq!(decoder.predict(&codes)?, model.decode(&codes)?);
    assert!(distance(decoder.predict(&codes)?.as_slice(), model.reconstruct(&data)?.as_slice()) < 1e-14);
    Ok(())
}

/// Freezing what is shared stops both layers' shares.
#[test]
fn frozen_it_stays() -> Outcome {
    let (data, mut model) = (data(40), builder().build()?);
    let before = model.network().parameter("encoder.0.weight")?.values.to_vec();
    model.freeze("encoder.0.weight")?;
    descent().fit(&mut model, &data)?;
    assert_eq!(model.network().parameter("encoder.0.weight")?.values, before);
    assert!(model.network().parameter("decoder.0.bias")?.values.iter().any(|value| *value != 0.0));
    Ok(())
}

#[test]
fn what_cannot_be_shared_is_an_error() {
    let with = |features, weight| {
        let encoder = Autoencoder::<f64>::builder(Shape::flat(40)).encoder(Dense::new(12));
        encoder.decoder(Tied { features, weight }).build().unwrap_err()
    };
    let error = with(40, "encoder.7.weight");
    assert!(matches!(error.kind(), BuildErrorKind::NoSuchParameter { name } if name == "encoder.7.weight"));
    assert_eq!(error.layer(), "decoder.0");
    let error = with(41, "encoder.0.weight");
    assert!(matches!(error.kind(), BuildErrorKind::SharedShape { .. }), "{error}");
}
