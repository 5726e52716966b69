//! Tied weights: the decoder's are the encoder's, transposed.

mod common;

use autoencoder::*;
use common::gradient::{Check, of_network};
use common::{Numbers, Outcome, bits, distance, error_of};

fn dense() -> AutoencoderBuilder<f64> {
    Autoencoder::builder(Shape::flat(20))
        .encoder(Dense::new(14).activation(Activation::Tanh))
        .encoder(Dense::new(5).activation(Activation::Silu))
        .mirror_tied(Activation::Sigmoid)
        .seed(3)
}

fn convolutional() -> AutoencoderBuilder<f64> {
    Autoencoder::builder(Shape::image(7, 6, 2))
        .encoder(Conv2D::new(3, 3).activation(Activation::Tanh))
        .encoder(Conv2D::new(4, 3).stride(2).activation(Activation::Tanh))
        .encoder(Conv2D::new(5, 2).padding(Padding::Valid))
        .encoder(Dense::new(6))
        .mirror_tied(Activation::Sigmoid)
        .seed(4)
}

/// With layers against overfitting between, and penalties.
fn regularised() -> AutoencoderBuilder<f64> {
    Autoencoder::builder(Shape::flat(20))
        .encoder(GaussianNoise::new(0.01))
        .encoder(Dense::new(14).without_bias().weight_regularizer(Regularizer::l1_l2(1e-3, 1e-2)))
        .encoder(BatchNorm::new().momentum(0.5))
        .encoder(Activation::Tanh)
        .encoder(Dropout::new(0.1))
        .encoder(Dense::new(5).weight_regularizer(Regularizer::l2(1e-2)))
        .mirror_tied(Activation::Sigmoid)
        .seed(7)
}

/// With a convolution that is computed together with the up-sampling before it.
fn enlarging() -> AutoencoderBuilder<f64> {
    Autoencoder::builder(Shape::image(3, 4, 2))
        .encoder(UpSample::new(2))
        .encoder(Conv2D::new(3, 3).activation(Activation::Tanh).weight_regularizer(Regularizer::l2(1e-2)))
        .mirror_tied(Activation::Linear)
        .seed(8)
}

fn models() -> [(&'static str, AutoencoderBuilder<f64>); 5] {
    let by_hand = Autoencoder::builder(Shape::image(4, 6, 1))
        .encoder(Conv2D::new(3, 3).stride(2).activation(Activation::Softplus))
        .encoder(L1Activity::new(0.1))
        .encoder(Dense::new(8))
        .encoder(GaussianLatent::new())
        .decoder(Dense::new(18).activation(Activation::Tanh))
        .decoder(Reshape::new(Shape::image(2, 3, 3)))
        .decoder(Conv2DTranspose::new(1, 3).stride(2).tied_to("encoder.0"));
    [
        ("dense", dense()),
        ("convolutional", convolutional()),
        ("by hand, variational and sparse", by_hand),
        ("regularised", regularised()),
        ("enlarging", enlarging()),
    ]
}

#[test]
fn there_is_one_set_of_numbers() -> Outcome {
    let names = |model: &Autoencoder<f64>| -> Vec<String> { model.parameters().map(|p| p.name.to_owned()).collect() };
    let tied = [
        "encoder.0.weight",
        "encoder.0.bias",
        "encoder.1.weight",
        "encoder.1.bias",
        "decoder.0.bias",
        "decoder.1.bias",
    ];
    assert_eq!(names(&dense().build()?), tied);
    let weights = names(&convolutional().build()?).iter().filter(|name| name.ends_with("weight")).count();
    assert_eq!(weights, 4);
    Ok(())
}

#[test]
fn a_penalty_on_it_is_counted_once() -> Outcome {
    let names = |model: Autoencoder<f64>| -> Result<Vec<String>, Error> {
        Ok(model.network().tape(1)?.penalties().map(|(name, _)| name.to_owned()).collect())
    };
    assert_eq!(names(regularised().build()?)?, ["encoder.1.weight.l1_l2", "encoder.5.weight.l2"]);
    assert_eq!(names(enlarging().build()?)?, ["encoder.1.weight.l2"]);
    Ok(())
}

/// The product with the transposed weight, computed by hand.
#[test]
fn it_is_the_transposed_weight() -> Outcome {
    let model =
        Autoencoder::<f64>::builder(Shape::flat(7)).encoder(Dense::new(3)).mirror_tied(Activation::Linear).build()?;
    let weight = model.network().parameter("encoder.0.weight")?;
    assert_eq!(weight.shape, [7, 3]);
    let weight = nalgebra::DMatrix::from_row_slice(7, 3, weight.values);
    let data = Numbers::new(1).matrix::<f64>(7, 4);
    let expected = &weight * (weight.transpose() * &data);
    assert!(distance(model.reconstruct(&data)?.as_slice(), expected.as_slice()) < 1e-13);
    Ok(())
}

/// ⟨A x, y⟩ = ⟨x, Aᵀ y⟩ for a convolution A and the transposed one that is tied to it.
#[test]
fn a_transposed_convolution_is_the_transpose() -> Outcome {
    for (stride, padding) in [(1, Padding::Same), (2, Padding::Same), (1, Padding::Valid), (2, Padding::Valid)] {
        let (height, width) = if padding == Padding::Same { (6, 8) } else { (7, 9) };
        let model = Autoencoder::<f64>::builder(Shape::image(height, width, 2))
            .encoder(Conv2D::new(3, 3).stride(stride).padding(padding).without_bias())
            .decoder(Conv2DTranspose::new(2, 3).stride(stride).padding(padding).without_bias().tied_to("encoder.0"))
            .build()?;
        let mut random = Numbers::new(2);
        let x = random.matrix::<f64>(model.input_shape().elements(), 1);
        let y = random.matrix::<f64>(model.code_shape().elements(), 1);
        let (left, right) = (model.encode(&x)?.dot(&y), x.dot(&model.decode(&y)?));
        approx::assert_relative_eq!(left, right, max_relative = 1e-12);
    }
    Ok(())
}

#[test]
fn both_layers_add_to_the_gradient() -> Outcome {
    for (name, builder) in models() {
        for samples in [2, 9, 150] {
            let network = builder.clone().build()?.network().clone();
            of_network(network, samples, &mut Numbers::new(2)).check(&format!("tied, {name}, {samples} samples"));
        }
    }
    Ok(())
}

#[test]
fn one_entry_in_the_file_and_a_copy_in_a_half() -> Outcome {
    for (name, builder) in models() {
        let model = builder.build()?;
        let data = Numbers::new(5).matrix::<f64>(model.input_shape().elements(), 9);
        let mut bytes = Vec::new();
        model.write_to(&mut bytes)?;
        let again = Autoencoder::<f64>::from_bytes(&bytes)?;
        assert_eq!(again.reconstruct(&data)?, model.reconstruct(&data)?, "{name}");
        assert_eq!(again.network().parameter_count(), model.network().parameter_count(), "{name}");

        let mut half = Vec::new();
        model.decoder()?.write_to(&mut half)?;
        let decoder = Network::<f64>::from_bytes(&half)?;
        let codes = model.encode(&data)?;
        assert_eq!(decoder.predict(&codes)?, model.decode(&codes)?, "{name}");
        let mut twice = Vec::new();
        decoder.write_to(&mut twice)?;
        assert_eq!(half, twice, "{name}");
    }
    let decoder = dense().build()?.decoder()?;
    assert!(decoder.parameter("decoder.0.weight").is_ok());
    Ok(())
}

/// What is added to a half still has to refer to what is there.
#[test]
fn a_half_can_be_extended() -> Outcome {
    let model = dense().build()?;
    let extended = model.decoder()?.extend().layer(Dense::new(3)).build()?;
    let codes = Numbers::new(6).matrix::<f64>(5, 4);
    let before = extended.activations("decoder.1", &codes)?;
    assert_eq!(before, model.decoder()?.predict(&codes)?);
    let missing = model.decoder()?.extend().layer(Dense::new(14).tied_to("encoder.0")).build();
    assert!(matches!(error_of(missing, "not there").kind(), BuildErrorKind::NoSuchParameter { .. }));
    Ok(())
}

#[test]
fn it_learns_with_the_same_bits_for_any_threads() -> Outcome {
    for (name, builder) in models() {
        let train = |threads| -> Result<(Vec<u64>, f64), Error> {
            let mut model = builder.clone().build()?;
            let data = Numbers::new(5).matrix::<f64>(model.input_shape().elements(), 150);
            let loss = Mse.reduction(Reduction::SumPerSample);
            let before = model.evaluate(&loss, &data)?;
            Trainer::new(loss, Adam::default()).epochs(4).batch_size(40).threads(threads).fit(&mut model, &data)?;
            Ok((bits(model.network().parameter_vector()), model.evaluate(&loss, &data)? - before))
        };
        let one = train(1)?;
        assert!(one.1 < 0.0, "{name}: {} worse", one.1);
        for threads in [2, 3, 7] {
            assert!(train(threads)? == one, "{name}, {threads} threads");
        }
    }
    Ok(())
}

#[test]
fn what_does_not_fit_is_an_error() {
    let encoder = || Autoencoder::<f64>::builder(Shape::flat(20)).encoder(Dense::new(5));
    let error = |builder: AutoencoderBuilder<f64>| error_of(builder.build(), "tied");
    let missing = error(encoder().decoder(Dense::new(20).tied_to("encoder.7")));
    assert!(matches!(missing.kind(), BuildErrorKind::NoSuchParameter { name } if name == "encoder.7.weight"));
    assert_eq!(missing.layer(), "decoder.0");
    let other = error(encoder().decoder(Dense::new(21).tied_to("encoder.0")));
    assert!(matches!(other.kind(), BuildErrorKind::SharedShape { .. }), "{other}");
    let own = error(encoder().decoder(Dense::new(20).tied_to("decoder.0")));
    assert!(matches!(own.kind(), BuildErrorKind::NoSuchParameter { .. }), "{own}");
    let image = Autoencoder::<f64>::builder(Shape::image(4, 4, 1)).encoder(Conv2D::new(3, 3));
    let kernel = error(image.decoder(Conv2DTranspose::new(1, 2).tied_to("encoder.0")));
    assert!(matches!(kernel.kind(), BuildErrorKind::SharedShape { .. }), "{kernel}");
    let spread = Autoencoder::<f64>::builder(Shape::image(9, 9, 1)).encoder(Conv2D::new(3, 3).dilation(2));
    let none = error(spread.mirror_tied(Activation::Linear));
    assert!(matches!(none.kind(), BuildErrorKind::NoMirror), "{none}");
}
