//! Losses, optimizers, activations and clips on slices that may not fit, and on numbers that are
//! none.

use autoencoder::*;
use proptest::prelude::*;

use super::{any_shape, count, number, row};
use crate::Row;
use crate::layers::activations;
use crate::properties::{Judgement, holds, require};

pub fn rows() -> Vec<Row> {
    vec![
        row("lengths of slices", || holds(2000, lengths(), compares_or_says_why)),
        row("updates", || holds(2000, (lengths(), any::<u64>()), updates_or_says_why)),
        row("gradients to be clipped", || holds(2000, clipped(), clips)),
        row("batches of slices", || holds(2000, (0_usize..40, count()), cuts_or_says_why)),
    ]
}

/// Lengths of four slices; a shape; a number; which loss or optimizer.
fn lengths() -> impl Strategy<Value = ([usize; 4], Shape, f64, usize)> {
    let shape = prop_oneof![4 => (0_usize..5).prop_map(Shape::flat), 1 => any_shape()];
    (proptest::array::uniform4(0_usize..9), shape, number(), 0_usize..6)
}

/// Losses, metrics and activations on slices that may not fit.
fn compares_or_says_why(([a, b, c, d], shape, number, kind): ([usize; 4], Shape, f64, usize)) -> Judgement {
    let (predictions, targets) = (vec![number; a], vec![0.5; b]);
    let (mut gradient, mut cache) = (vec![number; c], vec![number; d]);
    let loss = super::training::loss(kind, number);
    for from_logits in [false, true] {
        if let Ok(pass) = LossPass::new(shape, &predictions, &targets) {
            loss.evaluate(pass.from_logits(from_logits));
        }
        let pass = LossPass::new(shape, &predictions, &targets);
        if let Ok(pass) = pass.and_then(|pass| pass.from_logits(from_logits).gradient(number, &mut gradient)) {
            loss.evaluate(pass);
        }
        // The fields are open to everyone.
        if let Ok(mut pass) = LossPass::new(Shape::flat(1), &targets, &targets) {
            (pass.shape, pass.from_logits, pass.factor) = (shape, from_logits, number);
            (pass.predictions, pass.gradient) = (&predictions, Some(gradient.as_mut_slice()));
            loss.evaluate(pass);
        }
    }
    let _ = (loss.unsuitable_target(&targets), Bce::value_from_logits(number, number));
    let _ = (Metric::evaluate(&Accuracy, shape, &predictions, &targets), loss.kind(), loss.config());
    for (_, activation) in activations() {
        let channels = shape.channels();
        let _ = (activation.needs_argument(), activation.checked());
        activation.forward(channels, &mut gradient, &mut cache);
        activation.backward(channels, &predictions, &cache, &mut gradient);
    }
    Ok(())
}

/// A step on slices that may not fit, by another optimizer than it was made for, and with fields
/// that were changed afterwards.
fn updates_or_says_why((([a, b, c, d], _, number, kind), step): (([usize; 4], Shape, f64, usize), u64)) -> Judgement {
    let optimizers = || -> [Box<dyn Optimizer<f64>>; 4] {
        [
            Box::new(Sgd::new(number).momentum(0.5)),
            Box::new(Adam::default()),
            Box::new(AdamW::default()),
            Box::new(RmsProp::new(0.1).momentum(0.5).centered(true)),
        ]
    };
    let (gradient, none) = (vec![number; c], Sgd::new(0.1));
    for optimizer in optimizers() {
        let _ = (optimizer.check(), optimizer.kind(), optimizer.config(), optimizer.slots(), optimizer.learning_rate());
        for made_for in [&*optimizer, &none] {
            let (mut parameters, mut other) = (vec![number; a], vec![1.0; d]);
            let [mut one, mut two, mut three] = [vec![0.0; b], vec![0.0; c], vec![0.0; d]];
            let slots: [&mut [f64]; MAX_SLOTS] = [&mut one, &mut two, &mut three, &mut []];
            let rate = if step % 2 == 0 { number } else { 0.1 };
            let Ok(mut update) = Update::new(made_for, step, rate, &mut parameters, &gradient, slots) else { continue };
            let _ = update.rate();
            match kind {
                0 => update.parameters = &mut other,
                1 => update.gradients = &[],
                2 => update.slots = Default::default(),
                3 => update.step = 0,
                _ => {}
            }
            optimizer.update(update);
        }
    }
    Ok(())
}

fn clipped() -> impl Strategy<Value = (Vec<f64>, f64)> {
    (proptest::collection::vec(number(), 0..40), number())
}

/// What is finite stays so, and keeps its sign, under any bound that is accepted.
fn clips((gradients, bound): (Vec<f64>, f64)) -> Judgement {
    for clip in [Clip::Norm(bound), Clip::Value(bound)] {
        let mut after = gradients.clone();
        clip.apply(&mut after);
        let mut single: Vec<f32> = gradients.iter().map(|gradient| *gradient as f32).collect();
        clip.apply(&mut single);
        let alike = |(before, after): (&f64, &f64)| !before.is_finite() || after.is_finite() && before * after >= 0.0;
        require(clip.check().is_err() || gradients.iter().zip(&after).all(alike), format!("{after:?}"))?;
    }
    Ok(())
}

fn cuts_or_says_why((length, features): (usize, usize)) -> Judgement {
    let values = vec![0.5; length];
    let mut single = [0.0];
    match Batch::from_slice(&values, features) {
        Ok(batch) => {
            require(batch.samples() * batch.features() == length, "a part of the slice is left out")?;
            let _ = (batch.len(), Source::features(&batch), batch.value(length, features), batch.is_empty());
            let _ = (batch.read(&[features], &mut single), batch.read_side(&[features], &mut single));
            Ok(())
        }
        Err(error) => require(!error.to_string().is_empty(), "an error without words"),
    }
}
