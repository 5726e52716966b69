//! Losses, optimizers, activations and clips on slices that may not fit, and on numbers that are
//! none.

use autoencoder::*;
use proptest::prelude::*;

use super::{any_shape, count, number, row, taken_if};
use crate::Row;
use crate::common::bits;
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
    let whole = a == b && shape.elements() > 0 && a.is_multiple_of(shape.elements());
    for from_logits in [false, true] {
        let pass = taken_if(whole, "a comparison", LossPass::new(shape, &predictions, &targets))?;
        if let Some(pass) = pass {
            let found = loss.evaluate(pass.from_logits(from_logits));
            let expected = per_element(kind, number, from_logits).map(|(sums, loss)| {
                let share = if sums { 1.0 } else { 1.0 / shape.elements() as f64 };
                if a == 0 { 0.0 } else { share * a as f64 * loss }
            });
            let close =
                |expected: f64| found == expected || (found - expected).abs() <= 1e-9 * expected.abs().max(1e-9);
            let right = expected.is_none_or(|expected| close(expected) || !expected.is_finite() && !found.is_finite());
            require(right, format!("{loss:?} is {found}, expected {expected:?}"))?;
        }
        let pass = LossPass::new(shape, &predictions, &targets);
        let pass = pass.and_then(|pass| pass.from_logits(from_logits).gradient(number, &mut gradient));
        if let Some(pass) = taken_if(whole && a == c, "a comparison with a gradient", pass)? {
            loss.evaluate(pass);
        }
        // The fields are open to everyone.
        if let Ok(mut pass) = LossPass::new(Shape::flat(1), &targets, &targets) {
            (pass.shape, pass.from_logits, pass.factor) = (shape, from_logits, number);
            (pass.predictions, pass.gradient) = (&predictions, Some(gradient.as_mut_slice()));
            let fits = a == b && a == c && a.is_multiple_of(shape.channels().max(1));
            let found = loss.evaluate(pass);
            require(fits || found.is_nan(), format!("{loss:?} of lengths that do not fit is {found}"))?;
        }
    }
    require(loss.unsuitable_target(&targets).is_none(), "a half is no target")?;
    let channels = shape.channels().max(1);
    let groups = (a / channels).min(b / channels);
    // A half is of class 0; so is whatever is the same for all classes.
    let agree = if number.is_nan() { f64::NAN } else { f64::from(u8::from(channels > 1 || number <= 0.5)) };
    let expected = if groups == 0 { 0.0 } else { groups as f64 * agree / (shape.elements() / channels).max(1) as f64 };
    let found = Metric::evaluate(&Accuracy, shape, &predictions, &targets);
    let right = found.is_nan() && expected.is_nan() || (found - expected).abs() < 1e-12;
    require(right, format!("the accuracy is {found}, expected {expected}"))?;
    for (_, activation) in activations() {
        let channels = shape.channels();
        taken_if(true, "an activation", activation.checked())?;
        let rows = c.is_multiple_of(channels.max(1));
        let idle = activation == Activation::Linear || activation == Activation::Softmax && !rows;
        let before = bits(&gradient);
        activation.forward(channels, &mut gradient, &mut cache);
        require(!idle || bits(&gradient) == before, format!("{activation:?} has changed what it must not"))?;
        let before = bits(&gradient);
        let reference = if activation.needs_argument() { d } else { a };
        activation.backward(channels, &predictions, &cache, &mut gradient);
        let idle = idle || reference != c;
        require(!idle || bits(&gradient) == before, format!("{activation:?} has changed a gradient it must not"))?;
    }
    Ok(())
}

/// Whether a loss of [`loss`](super::training::loss) is a sum, and what it is for one element with
/// the target a half; `None` where that takes the whole sample.
fn per_element(kind: usize, number: f64, from_logits: bool) -> Option<(bool, f64)> {
    let difference = number - 0.5;
    let clamped = number.clamp(1e-7, 1.0 - 1e-7);
    Some(match kind {
        0 => (false, difference.powi(2)),
        1 => (true, difference.abs()),
        5 if from_logits => (false, number.max(0.0) - 0.5 * number + (-number.abs()).exp().ln_1p()),
        5 => (false, -0.5 * clamped.ln() - 0.5 * (1.0 - clamped).ln()),
        _ => return None,
    })
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
        let usable = optimizer.kind() != "sgd" || number.is_finite() && number > 0.0;
        taken_if(usable, "a learning rate", optimizer.check())?;
        require(optimizer.slots() <= MAX_SLOTS, "an optimizer with too many slots")?;
        for made_for in [&*optimizer, &none] {
            let (mut parameters, mut other) = (vec![number; a], vec![1.0; d]);
            let [mut one, mut two, mut three] = [vec![0.0; b], vec![0.0; c], vec![0.0; d]];
            let slots: [&mut [f64]; MAX_SLOTS] = [&mut one, &mut two, &mut three, &mut []];
            let rate = if step % 2 == 0 { number } else { 0.1 };
            let lengths = [b, c, d, 0];
            let long_enough = |count: usize| a == c && lengths[..count].iter().all(|length| *length == a);
            let update = Update::new(made_for, step, rate, &mut parameters, &gradient, slots);
            let fits = step > 0 && long_enough(made_for.slots());
            let Some(mut update) = taken_if(fits, "a step", update)? else { continue };
            require(update.rate().to_bits() == rate.to_bits(), "another learning rate")?;
            match kind {
                0 => update.parameters = &mut other,
                1 => update.gradients = &[],
                2 => update.slots = Default::default(),
                3 => update.step = 0,
                _ => {}
            }
            optimizer.update(update);
            // Of two slices as long as each other, one may stand for the other.
            let (changed, slots) = (if kind == 0 { &other } else { &parameters }, optimizer.slots());
            let gradients = if kind == 1 { 0 } else { c };
            let lost = gradients != changed.len()
                || lengths[..slots].iter().any(|length| if kind == 2 { 0 } else { *length } != changed.len());
            require(!lost || changed.iter().all(|value| value.is_nan()), "a step of lengths that do not fit is taken")?;
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
    let fits = features > 0 && features <= MAX_ELEMENTS && length.is_multiple_of(features);
    let Some(batch) = taken_if(fits, "a slice", Batch::from_slice(&values, features))? else { return Ok(()) };
    require(batch.samples() * batch.features() == length, "a part of the slice is left out")?;
    let alike = batch.len() == batch.samples() && Source::features(&batch) == features;
    require(alike && batch.is_empty() == (length == 0), "a source of another size than the batch")?;
    taken_if(false, "a value that is not there", batch.value(length, features))?;
    // One place is too short for two features, and then nothing is read.
    taken_if(features > 1 || features < length, "a sample's number", batch.read(&[features], &mut single))?;
    taken_if(true, "a side input of no features", batch.read_side(&[features], &mut single)).map(drop)
}
