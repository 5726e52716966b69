//! Decoders derived from encoders with skip connections.

use autoencoder::*;

use crate::common::{Numbers, Outcome, error_of};
use crate::residual;

fn edges<T: Scalar>(model: &Autoencoder<T>, to: &str) -> Vec<String> {
    let arrow = format!("\" -> \"{to}\";");
    let from = |line: &str| Some(line.trim().strip_suffix(&arrow)?.trim_start_matches('"').to_owned());
    model.to_dot().lines().filter_map(from).collect()
}

#[test]
fn a_residual_block_is_mirrored_with_its_way_around() -> Outcome {
    let model = Autoencoder::<f64>::builder(Shape::image(6, 6, 1))
        .encoder(Conv2D::new(4, 3).activation(Activation::Relu))
        .encoder(residual(4))
        .encoder(MaxPool::new(2))
        .mirror(Activation::Sigmoid)
        .build()?;
    let kinds: Vec<(&str, &str)> = model.network().layers().skip(6).map(|(name, layer)| (name, layer.kind())).collect();
    assert_eq!(
        kinds,
        [
            ("decoder.0", "up_sample"),
            ("decoder.1", "conv2d"),
            ("decoder.2", "conv2d"),
            ("decoder.3", "add"),
            ("decoder.4", "conv2d")
        ]
    );
    assert_eq!(edges(&model, "decoder.3"), ["decoder.2", "decoder.0"]);
    let data = Numbers::new(1).matrix::<f64>(36, 3);
    let codes = model.encode(&data)?;
    assert_eq!(model.decoder()?.predict(&codes)?, model.decode(&codes)?);
    Ok(())
}

/// The activation that was asked for comes last, behind the sum.
#[test]
fn a_way_around_the_whole_encoder_ends_in_the_activation() -> Outcome {
    let model = Autoencoder::<f32>::builder(Shape::flat(5))
        .encoder(Dense::new(5).activation(Activation::Tanh))
        .encoder(Add::with("input"))
        .mirror(Activation::Sigmoid)
        .build()?;
    let kinds: Vec<&str> = model.network().layers().skip(2).map(|(_, layer)| layer.kind()).collect();
    assert_eq!(kinds, ["dense", "add", "activation"]);
    assert_eq!(edges(&model, "decoder.1"), ["decoder.0", "encoder.1"]);
    assert!(model.reconstruct(&Numbers::new(1).matrix::<f32>(5, 9))?.iter().all(|value| (0.0..=1.0).contains(value)));
    Ok(())
}

#[test]
fn what_cannot_be_mirrored_is_an_error_that_names_it() {
    let concatenated = Autoencoder::<f32>::builder(Shape::flat(5))
        .encoder(Dense::new(5))
        .encoder_named("both", Concatenate::with("input"))
        .encoder(Dense::new(2))
        .mirror(Activation::Linear)
        .build();
    let error = error_of(concatenated, "a mirrored concatenation");
    assert_eq!((error.layer(), error.kind()), ("encoder.both", &BuildErrorKind::NoMirror));
    let between = Autoencoder::<f32>::builder(Shape::flat(5))
        .encoder(Dense::new(5))
        .encoder(Activation::Relu)
        .encoder(Dense::new(5))
        .encoder_named("sum", Add::with("encoder.0")) // before its activation, which the mirror joins to it
        .mirror(Activation::Linear)
        .build();
    assert_eq!(error_of(between, "a sum with what is never given back").layer(), "encoder.sum");
}

#[test]
fn what_is_added_before_the_first_weights_comes_before_the_activation_too() -> Outcome {
    let model = Autoencoder::<f32>::builder(Shape::image(5, 1, 1))
        .encoder(GaussianNoise::new(0.1))
        .encoder(Flatten::new())
        .encoder(Dense::new(5).activation(Activation::Tanh))
        .encoder(Add::with("encoder.1"))
        .mirror(Activation::Sigmoid)
        .build()?;
    let kinds: Vec<&str> = model.network().layers().skip(4).map(|(_, layer)| layer.kind()).collect();
    assert_eq!(kinds, ["dense", "add", "reshape", "activation"]);
    assert!(model.reconstruct(&Numbers::new(1).matrix::<f32>(5, 9))?.iter().all(|value| (0.0..=1.0).contains(value)));
    Ok(())
}

/// A sum before a latent layer: the code has half its features.
#[test]
fn a_sum_whose_counterpart_would_be_the_code_has_none_if_the_code_is_narrower() {
    let builder = Autoencoder::<f32>::builder(Shape::flat(8)).encoder(Dense::new(8)).encoder(Dense::new(8));
    let builder = builder.encoder(Add::with("encoder.0")).encoder(GaussianLatent::new()).mirror(Activation::Linear);
    let error = error_of(builder.build(), "a mirrored sum before a latent layer");
    assert_eq!((error.layer(), error.kind()), ("encoder.2", &BuildErrorKind::NoMirror));
}
