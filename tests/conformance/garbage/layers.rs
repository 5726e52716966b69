//! Layers with options that nobody means, over shapes that nobody means.

use std::sync::Arc;

use autoencoder::*;
use proptest::prelude::*;

use super::{any_shape, anything, name, number, row, taken_if};
use crate::Row;
use crate::built::Built;
use crate::properties::{Judgement, holds, layer, require};

pub fn rows() -> Vec<Row> {
    vec![
        row("options of layers", || holds(4000, (any_shape(), layer(&anything())), planned)),
        row("halves of autoencoders", || holds(1000, halves(), mirrored)),
    ]
}

/// A plan and a mirror image for whatever shape and options; a network where it is small, and then
/// a file of it.
fn planned((shape, layer): (Shape, Built)) -> Judgement {
    let dimensions = shape.dimensions();
    let elements = dimensions.iter().fold(1_u128, |product, size| product.saturating_mul(*size as u128));
    let fits = elements > 0 && elements <= MAX_ELEMENTS as u128;
    taken_if(fits, "a shape", shape.checked())?;
    taken_if(dimensions.len() == 3, "an image", shape.as_image())?;
    require(shape.channels() == dimensions[dimensions.len() - 1], "the channels are not the last dimension")?;
    let written: Vec<_> = dimensions.iter().map(usize::to_string).collect();
    require(shape.to_string() == written.join(" x "), format!("the shape is written {shape}"))?;
    plans_alike(&layer, shape)?;
    let single: &dyn Layer<f32> = &layer;
    let plan = single.plan(shape, &[]);
    if let (Some(mirror), Ok(plan), true) = (single.mirror(), &plan, fits) {
        let output = MirrorOutput::new(Activation::Tanh);
        for mirrored in [mirror.mirrored(shape, output), mirror.mirrored_tied("encoder.0", shape, output)] {
            leads_back(mirrored, plan.output(), shape)?;
        }
    }
    let small = shape.elements() <= 1 << 17 && plan.is_ok_and(|plan| plan.output().elements() <= 64);
    if shape.checked().is_ok() && !small {
        return Ok(());
    }
    if let Ok(network) = Network::<f32>::builder(shape).layer(layer).build() {
        require(network.summary().to_string().contains("layers.0"), "a summary without its layer")?;
        let mut bytes = Vec::new();
        let written = network.write_to(&mut bytes).is_ok();
        require(!written || Network::<f32>::from_bytes(&bytes).is_ok(), "what was saved cannot be loaded")?;
    }
    Ok(())
}

/// Both float types have the same plan, or the same words.
pub fn plans_alike(layer: &Built, shape: Shape) -> Judgement {
    let told = |plan: Result<Plan, ShapeError>| plan.map(|plan| plan.output()).map_err(|error| error.to_string());
    let (single, double) = (told(Layer::<f32>::plan(layer, shape, &[])), told(Layer::<f64>::plan(layer, shape, &[])));
    require(single == double, format!("the plan of f32 is {single:?}, that of f64 {double:?}"))?;
    require(single.err().is_none_or(|words| !words.is_empty()), "an error without words")
}

/// The mirror image of a layer gives back its input, unless it would be too large on the way.
fn leads_back(mirrored: Option<Vec<Arc<dyn Layer<f32>>>>, output: Shape, input: Shape) -> Judgement {
    let Some(layers) = mirrored.filter(|layers| !layers.is_empty()) else { return Ok(()) };
    let planned = layers.iter().try_fold(output, |shape, layer| layer.plan(shape, &[]).map(|plan| plan.output()));
    let back = planned.as_ref().is_err() || planned == Ok(input);
    require(back, format!("from {output} back to {planned:?}, not to {input}: {layers:?}"))
}

/// The shape of samples, layers of an encoder and of a decoder, whether the decoder is mirrored,
/// tied too, and a seed.
fn halves() -> impl Strategy<Value = (Shape, [Option<Built>; 3], [bool; 2], Option<String>, f64)> {
    let layers = || proptest::option::of(layer(&anything()));
    let shape = prop_oneof![
        1 => any_shape(),
        3 => (1_usize..5).prop_map(Shape::flat),
        3 => (1_usize..5, 1_usize..5, 1_usize..3).prop_map(|(a, b, c)| Shape::image(a, b, c)),
    ];
    (shape, [layers(), layers(), layers()], any::<[bool; 2]>(), proptest::option::of(name()), number())
}

/// An autoencoder is built, or there is a reason; what is built is saved and loaded.
fn mirrored(
    (shape, [first, second, third], [mirrored, tied], tied_to, shift): (
        Shape,
        [Option<Built>; 3],
        [bool; 2],
        Option<String>,
        f64,
    ),
) -> Judgement {
    if shape.elements() > 1 << 12 && shape.checked().is_ok() {
        return Ok(()); // as many numbers as are asked for
    }
    let mut builder = Autoencoder::<f64>::builder(shape).seed(u64::MAX);
    let fits =
        |shape: Shape, layer: &Built| layer.plan(shape, &[]).ok().map_or(8, |plan| plan.output().elements()) <= 1 << 9;
    for layer in [first, second].into_iter().flatten().filter(|layer| fits(shape, layer)) {
        builder = builder.encoder(layer);
    }
    if let Some(name) = tied_to {
        builder = builder.decoder(Dense::new(shape.elements()).tied_to(name));
    }
    if let Some(layer) = third.filter(|layer| fits(shape, layer)) {
        builder = builder.decoder(layer);
    }
    if let Ok(scaler) = Scaler::new(vec![shift; shape.elements().min(8)], vec![shift; shape.elements().min(8)]) {
        builder = builder.scaler(scaler);
    }
    builder = if mirrored { builder.mirror(Activation::Elu { alpha: shift }) } else { builder };
    builder = if tied { builder.mirror_tied(Activation::Softmax) } else { builder };
    match builder.build() {
        Ok(model) => {
            let mut bytes = Vec::new();
            let written = model.write_to(&mut bytes).is_ok();
            require(!written || Autoencoder::<f64>::from_bytes(&bytes).is_ok(), "what was saved cannot be loaded")?;
            require(model.summary().to_string().contains("decoder.0"), "a summary without its decoder")
        }
        Err(error) => require(!error.to_string().is_empty() && !error.layer().is_empty(), "an error without words"),
    }
}
