//! What layers that join others compute.

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;

use crate::common::{Numbers, Outcome};
use crate::{residual, u_net};

/// A layer that doubles each feature, after an activation where one is given.
fn twice(features: usize, activation: Activation) -> Dense {
    let identity = Initializer::Constant(0.0);
    Dense::new(features).weight_initializer(identity).activation(activation)
}

/// Sets the weight of the dense layer named `layer` to that of x ↦ 2x.
fn doubling(network: &mut Network<f64>, layer: &str) -> Outcome {
    let weight = network.parameters().find(|parameter| parameter.name == format!("{layer}.weight")).unwrap();
    let (inputs, outputs) = (weight.shape[0], weight.shape[1]);
    let values = DMatrix::<f64>::identity(outputs, inputs) * 2.0;
    Ok(network.set_parameter(&format!("{layer}.weight"), values.as_slice())?)
}

#[test]
fn sums_products_and_concatenations_are_those_of_their_inputs() -> Outcome {
    let samples = DMatrix::from_row_slice(2, 3, &[1.0, -2.0, 3.0, 4.0, 0.5, -1.0]);
    let of = |layer: &dyn Fn(NetworkBuilder<f64>) -> NetworkBuilder<f64>| -> Result<DMatrix<f64>, Box<dyn std::error::Error>> {
        let builder = Network::builder(Shape::flat(2)).layer_named("twice", twice(2, Activation::Relu));
        let mut network = layer(builder).build()?;
        doubling(&mut network, "layers.twice")?;
        Ok(network.predict(&samples)?)
    };
    let relu = samples.map(|value: f64| 2.0 * value.max(0.0)); // a name means the value after the activation
    assert_eq!(of(&|builder| builder.layer(Add::with("input")))?, &relu + &samples);
    assert_eq!(of(&|builder| builder.layer(Add::with("layers.twice").and("input")))?, &relu * 2.0 + &samples);
    assert_eq!(of(&|builder| builder.layer(Multiply::with("input")))?, relu.component_mul(&samples));
    assert_eq!(of(&|builder| builder.layer(Multiply::with("layers.twice").and("input")))?, {
        relu.component_mul(&relu).component_mul(&samples)
    });
    let side_by_side = of(&|builder| builder.layer(Concatenate::with("input").and("layers.twice")))?;
    assert_eq!(side_by_side.rows(0, 2), relu);
    assert_eq!(side_by_side.rows(2, 2), samples);
    assert_eq!(side_by_side.rows(4, 2), relu);
    Ok(())
}

#[test]
fn images_are_concatenated_along_any_axis() -> Outcome {
    let (one, other) = (Shape::image(2, 3, 2), [Shape::image(2, 3, 2), Shape::image(2, 3, 2), Shape::image(2, 3, 2)]);
    for axis in 0..3 {
        let network = Network::<f64>::builder(one)
            .layer(Activation::Tanh)
            .layer(Concatenate::with("input").axis(axis))
            .build()?;
        let mut dimensions = other[axis].dimensions().to_vec();
        dimensions[axis] *= 2;
        assert_eq!(network.output_shape().dimensions(), dimensions);
        let sample = Numbers::new(1).matrix::<f64>(12, 1);
        let output = network.predict(&sample)?;
        let at = |place: [usize; 3], shape: &[usize]| (place[0] * shape[1] + place[1]) * shape[2] + place[2];
        for (row, column, channel) in (0..12).map(|index| (index / 6, index / 2 % 3, index % 2)) {
            let place = [row, column, channel];
            let mut behind = place;
            behind[axis] += one.dimensions()[axis];
            let value = sample[at(place, one.dimensions())];
            assert!((output[at(place, &dimensions)] - value.tanh()).abs() < 1e-12);
            assert_eq!(output[at(behind, &dimensions)], value);
        }
    }
    Ok(())
}

#[test]
fn a_sample_has_the_same_bits_alone_and_in_a_batch() -> Outcome {
    let model = u_net::<f32>().build()?;
    let data = Numbers::new(2).matrix::<f32>(64, 300);
    let (all, mut workspace) = (model.reconstruct(&data)?, model.workspace(300)?);
    assert_eq!(model.reconstruct_with(&mut workspace, &data)?, all);
    for sample in [0, 7, 299] {
        assert_eq!(model.reconstruct(&data.column(sample))?, all.column(sample));
    }
    Ok(())
}

/// What the training step computes is what inference computes.
#[test]
fn training_and_inference_compute_the_same() -> Outcome {
    let network = Network::<f64>::builder(Shape::image(5, 4, 2)).layer(residual(2)).layer(residual(2)).build()?;
    let data = Numbers::new(3).matrix::<f64>(40, 21);
    let mut tape = network.tape(21)?;
    let trained = network.forward(&mut tape, &data, None, 0)?.to_vec();
    assert_eq!(trained, network.predict(&data)?.as_slice());
    Ok(())
}

#[test]
fn a_u_net_learns_to_denoise() -> Outcome {
    let mut model = u_net::<f32>().seed(1).build()?;
    let data = DMatrix::<f32>::from_fn(64, 256, |pixel, sample| {
        let (row, column) = (pixel / 8, pixel % 8);
        if (row + sample) % 4 < 2 && (column + sample / 4) % 5 < 3 { 1.0 } else { 0.0 }
    });
    let noisy = SaltAndPepper::new(0.2);
    let trainer = || Trainer::new(Bce, Adam::new(0.01)).batch_size(32).corrupt(noisy);
    let history = trainer().epochs(20).fit(&mut model, &data)?;
    let losses: Vec<f64> = history.epochs().iter().map(|epoch| epoch.loss).collect();
    assert!(losses.last() < losses.first().map(|first| first * 0.6).as_ref(), "{losses:?}");
    Ok(())
}

/// A normalisation that is joined keeps its place in the order of stages.
#[test]
fn running_statistics_are_those_of_the_training() -> Outcome {
    let mut model = Autoencoder::<f64>::builder(Shape::flat(6))
        .encoder(Dense::new(6))
        .encoder(BatchNorm::new().momentum(0.9))
        .encoder(Add::with("encoder.0"))
        .decoder(Dense::new(6))
        .build()?;
    let data = Numbers::new(4).matrix::<f64>(6, 90);
    Trainer::new(Mse, Sgd::new(1e-12)).epochs(400).batch_size(90).fit(&mut model, &data)?;
    let mut tape = model.network().tape(90)?;
    let trained = model.network().forward(&mut tape, &data, None, 0)?.to_vec();
    let inferred = model.reconstruct(&data)?;
    let far = trained.iter().zip(inferred.as_slice()).map(|(one, other)| (one - other).abs()).fold(0.0, f64::max);
    assert!(far < 0.05, "{far}");
    Ok(())
}
