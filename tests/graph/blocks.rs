//! Blocks: their names, and where the names in them lead.

use autoencoder::*;

use crate::common::{Numbers, Outcome};
use crate::{names, residual};

#[test]
fn a_block_is_its_layers() -> Outcome {
    let block = Network::<f32>::builder(Shape::image(4, 4, 3)).layer(residual(3)).build()?;
    let one_by_one = Network::<f32>::builder(Shape::image(4, 4, 3))
        .layer(Conv2D::new(3, 3).activation(Activation::Relu))
        .layer(Conv2D::new(3, 3))
        .layer(Add::with("input"))
        .layer(Activation::Relu)
        .build()?;
    assert_eq!(names(&block), ["layers.0.0", "layers.0.1", "layers.0.sum", "layers.0.3"]);
    assert_eq!(block.parameter_vector(), one_by_one.parameter_vector());
    let data = Numbers::new(1).matrix::<f32>(48, 5);
    assert_eq!(block.predict(&data)?, one_by_one.predict(&data)?);
    Ok(())
}

#[test]
fn names_in_a_block_are_its_own_before_they_are_those_outside() -> Outcome {
    let inner = Block::new().named("wide", Dense::new(4)).layer(Add::with("input")).layer(Add::with("wide"));
    let outer = Block::new()
        .layer(Dense::new(4))
        .named("inner", inner)
        .layer(Add::with("inner.wide"))
        .layer(Add::with("inner"))
        .layer(Add::with("encoder.stem"));
    let model = Autoencoder::<f32>::builder(Shape::flat(4))
        .encoder_named("stem", Dense::new(4))
        .encoder(outer)
        .decoder(Block::new().layer(Dense::new(4)).layer(Add::with("input")))
        .build()?;
    assert_eq!(
        names(model.network()),
        [
            "encoder.stem",
            "encoder.1.0",
            "encoder.1.inner.wide",
            "encoder.1.inner.1",
            "encoder.1.inner.2",
            "encoder.1.2",
            "encoder.1.3",
            "encoder.1.4",
            "decoder.0.0",
            "decoder.0.1"
        ]
    );
    let joined: Vec<String> = model
        .to_dot()
        .lines()
        .filter_map(|line| {
            line.trim()
                .strip_suffix("\";")?
                .strip_prefix('"')?
                .split_once("\" -> \"")
                .map(|(from, to)| format!("{from} > {to}"))
        })
        .collect();
    for wanted in [
        "encoder.1.0 > encoder.1.inner.1", // the inner block's input
        "encoder.1.inner.wide > encoder.1.inner.2",
        "encoder.1.inner.wide > encoder.1.2",
        "encoder.1.inner.2 > encoder.1.3", // a block's name is that of its last layer
        "encoder.stem > encoder.1.4",
        "encoder.1.4 > decoder.0.1", // the decoder's first block reads the code
    ] {
        assert!(joined.iter().any(|edge| edge == wanted), "{wanted} is not among {joined:#?}");
    }
    Ok(())
}

#[test]
fn layers_behind_a_named_one_keep_the_numbers_of_their_places() -> Outcome {
    let network = Network::<f32>::builder(Shape::flat(3))
        .layer(Dense::new(3))
        .layer_named("middle", Dense::new(3))
        .layer(Dense::new(2))
        .build()?;
    assert_eq!(names(&network), ["layers.0", "layers.middle", "layers.2"]);
    let extended = network.extend().layer(Dense::new(1)).build()?;
    assert_eq!(names(&extended).last(), Some(&"layers.3"));
    Ok(())
}

#[test]
fn a_block_is_frozen_by_its_name() -> Outcome {
    let mut network = Network::<f32>::builder(Shape::image(4, 4, 2)).layer(residual(2)).layer(residual(2)).build()?;
    network.freeze("layers.0.")?;
    let frozen: Vec<&str> = network.parameters().filter(|parameter| parameter.frozen).map(|p| p.name).collect();
    assert_eq!(frozen, ["layers.0.0.weight", "layers.0.0.bias", "layers.0.1.weight", "layers.0.1.bias"]);
    Ok(())
}

#[test]
fn the_summary_says_what_is_joined() -> Outcome {
    let network = Network::<f32>::builder(Shape::image(4, 4, 2)).layer(residual(2)).build()?;
    let summary = network.summary().to_string();
    assert!(summary.contains("layers.0.sum (add, with input)"), "{summary}");
    Ok(())
}

#[test]
fn an_extended_network_counts_on_behind_its_numbers() -> Outcome {
    let network = Network::<f32>::builder(Shape::flat(3))
        .layer_named("first", Dense::new(3))
        .layer_named("second", Dense::new(3))
        .layer(Dense::new(3))
        .build()?;
    let extended = network.after("layers.first")?.extend().layer(Dense::new(1)).build()?;
    assert_eq!(names(&extended), ["layers.second", "layers.2", "layers.3"]);
    let with_nothing = Network::<f32>::builder(Shape::flat(3)).layer(Dense::new(3)).layer(Block::new());
    let extended = with_nothing.layer(Dense::new(2)).build()?.extend().layer(Dense::new(1)).build()?;
    assert_eq!(names(&extended), ["layers.0", "layers.2", "layers.3"]);
    Ok(())
}
