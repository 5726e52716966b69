//! Parts of a graph: its halves, and cuts at named layers.

use autoencoder::*;

use crate::common::{Numbers, Outcome, error_of};
use crate::{residual, u_net};

#[test]
fn a_decoder_that_reads_the_encoder_says_so() -> Outcome {
    let model = u_net::<f32>().build()?;
    let data = Numbers::new(1).matrix::<f32>(64, 3);
    assert_eq!(model.reconstruct(&data)?.shape(), (64, 3));
    let codes = model.encode(&data)?;
    let says_both = |message: String| {
        assert!(message.contains("`decoder.1`") && message.contains("`encoder.fine`"), "{message}");
    };
    says_both(error_of(model.decode(&codes), "decoding").to_string());
    says_both(error_of(model.decode_with(&mut model.workspace(3)?, &codes), "decoding").to_string());
    says_both(error_of(model.decoder(), "the decoder").to_string());
    assert_eq!(model.encoder().predict(&data)?, codes);
    Ok(())
}

#[test]
fn a_variational_decoder_that_reads_the_encoder_cannot_sample() -> Outcome {
    let model = Autoencoder::<f32>::builder(Shape::flat(6))
        .encoder_named("wide", Dense::new(8).activation(Activation::Relu))
        .encoder(Dense::new(4))
        .encoder(GaussianLatent::new())
        .decoder(Dense::new(8))
        .decoder(Add::with("encoder.wide"))
        .decoder(Dense::new(6))
        .build()?;
    for message in [
        error_of(model.sample(2, 1), "sampling").to_string(),
        error_of(model.traverse(&[0.0; 2], 0, 0.0..=1.0, 2), "traversing").to_string(),
    ] {
        assert!(message.contains("`decoder.1`") && message.contains("`encoder.wide`"), "{message}");
    }
    Ok(())
}

/// The code is what the decoder reads anyway, whatever its name.
#[test]
fn a_decoder_may_join_the_code() -> Outcome {
    let model = Autoencoder::<f64>::builder(Shape::flat(6))
        .encoder_named("code", Dense::new(3))
        .decoder(Dense::new(3).activation(Activation::Tanh))
        .decoder(Concatenate::with("encoder.code"))
        .decoder(Dense::new(6))
        .build()?;
    let data = Numbers::new(2).matrix::<f64>(6, 4);
    let codes = model.encode(&data)?;
    assert_eq!(model.decode(&codes)?, model.reconstruct(&data)?);
    assert_eq!(model.decoder()?.predict(&codes)?, model.reconstruct(&data)?);
    Ok(())
}

#[test]
fn a_network_can_be_cut_at_a_layer_or_a_block() -> Outcome {
    let network = Network::<f64>::builder(Shape::image(4, 3, 2))
        .layer_named("first", residual(2))
        .layer_named("second", residual(2))
        .layer(Dense::new(3))
        .build()?;
    let data = Numbers::new(3).matrix::<f64>(24, 5);
    for name in ["layers.first.0", "layers.first.sum", "layers.first", "layers.second"] {
        assert_eq!(network.until(name)?.predict(&data)?, network.activations(name, &data)?, "{name}");
    }
    let middle = network.activations("layers.first", &data)?;
    assert_eq!(network.after("layers.first")?.predict(&middle)?, network.predict(&data)?);
    let across = error_of(network.after("layers.first.0"), "a cut through a block").to_string();
    assert!(across.contains("`layers.first.sum`") && across.contains("`input`"), "{across}");
    assert!(network.after("layers.2").is_err(), "nothing is behind it");
    assert!(network.until("layers.third").is_err());
    Ok(())
}

/// A part keeps which of its parameters are frozen.
#[test]
fn a_part_has_the_parameters_of_the_whole() -> Outcome {
    let mut network = Network::<f32>::builder(Shape::image(4, 3, 2)).layer(residual(2)).layer(Dense::new(3)).build()?;
    network.freeze("layers.0.1")?;
    let part = network.until("layers.0")?;
    for (own, original) in part.parameters().zip(network.parameters()) {
        assert_eq!((own.name, own.values, own.frozen), (original.name, original.values, original.frozen));
    }
    Ok(())
}
