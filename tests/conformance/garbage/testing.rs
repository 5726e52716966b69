//! The checks for layers, losses, optimizers and sources of the user's own, of what cannot be
//! checked.

use autoencoder::nalgebra::DMatrix;
use autoencoder::testing::{LayerCheck, LossCheck, Report, check_optimizer, check_source, compare_gradient};
use autoencoder::*;
use proptest::prelude::*;

use super::{any_shape, anything, few_or_too_many, number, row};
use crate::Row;
use crate::built::Built;
use crate::properties::{Judgement, holds, layer, require};

pub fn rows() -> Vec<Row> {
    vec![
        // These train networks of their own: their memory is not a call's.
        Row::new("garbage: checks of layers", || holds(200, layers(), checks_layer)),
        Row::new("garbage: checks of losses", || holds(200, losses(), checks_loss)),
        Row::new("garbage: checks of optimizers and sources", || {
            holds(200, (number(), few_or_too_many(), few_or_too_many()), checks_others)
        }),
        row("comparisons of gradients", || holds(400, gradients(), compares)),
    ]
}

/// A report that can be printed and asked for everything.
fn told(report: &Report) -> Judgement {
    let _ = (report.subject(), report.passed(), report.passes(), report.compared(), report.redrawn(), report.worst());
    let _ = (report.gradient_error(), report.check(""), report.checks().count(), report.failures().count());
    require(!report.to_string().is_empty(), "a report without words")
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![2 => (0_usize..5).prop_map(Shape::flat), 1 => any_shape(), 2 => Just(Shape::image(3, 3, 1))]
}

fn layers() -> impl Strategy<Value = (Built, Shape, usize, [f64; 2], u64)> {
    (layer(&anything()), shape(), few_or_too_many(), [number(), number()], any::<u64>())
}

fn checks_layer((layer, shape, samples, [low, high], seed): (Built, Shape, usize, [f64; 2], u64)) -> Judgement {
    let outputs = layer.plan(shape, &[]).map_or(0, |plan| plan.output().elements());
    if shape.checked().is_ok() && (shape.elements() > 64 || outputs > 64 && outputs <= MAX_ELEMENTS) {
        return Ok(()); // as many numbers as are asked for
    }
    let check = || LayerCheck::new(|| layer.clone(), shape).samples(samples).inputs(low, high).seed(seed);
    told(&check().gradients())?;
    told(&check().differs_in_inference().constructor(|_| Ok(Built::new(Flatten))).allocations(|| 0).run())
}

fn losses() -> impl Strategy<Value = (Shape, [f64; 5], u64, bool)> {
    (shape(), [number(), number(), number(), number(), number()], any::<u64>(), any::<bool>())
}

fn checks_loss((shape, [a, b, c, d, option], seed, huber): (Shape, [f64; 5], u64, bool)) -> Judgement {
    if shape.checked().is_ok() && shape.elements() > 64 {
        return Ok(()); // as many numbers as are asked for
    }
    if huber {
        let check = || LossCheck::new(|| Huber::new(option), shape).predictions(a, b).targets(c, d).seed(seed);
        told(&check().gradients())?;
        return told(&check().run());
    }
    let check = || LossCheck::new(|| Bce, shape).predictions(a, b).targets(c, d).seed(seed).allocations(|| 0);
    told(&check().gradients())?;
    told(&check().run())
}

/// A source that says it has so many samples and features.
struct Huge(usize, usize, f64);

impl Source<f64> for Huge {
    fn len(&self) -> usize {
        self.0
    }

    fn features(&self) -> usize {
        self.1
    }

    fn read(&self, _samples: &[usize], batch: &mut [f64]) -> Result<(), DataError> {
        batch.fill(self.2);
        Ok(())
    }
}

fn checks_others((number, samples, features): (f64, usize, usize)) -> Judgement {
    told(&check_optimizer(|| Sgd::new(number).momentum(number)))?;
    told(&check_optimizer(|| Adam::new(number).betas(number, number)))?;
    told(&check_source(&DMatrix::from_element(features % 9, samples % 9, number)))?;
    told(&check_source(&Huge(samples, features, number)))
}

/// A point, a gradient that may be longer or shorter, and how many terms of which number the
/// function has.
fn gradients() -> impl Strategy<Value = ([Vec<f64>; 2], usize, f64, u64)> {
    let numbers = || proptest::collection::vec(number(), 0..60);
    ([numbers(), numbers()], 0_usize..3, number(), any::<u64>())
}

fn compares(([point, gradient], terms, number, seed): ([Vec<f64>; 2], usize, f64, u64)) -> Judgement {
    let sum = |moved: &[f64]| moved.iter().sum::<f64>();
    let mut comparison = compare_gradient(&point, &gradient, seed, |moved| vec![number * sum(moved); terms]);
    comparison.add(compare_gradient(&point, &gradient, seed, |moved| vec![number; (sum(moved) as usize) % 3]));
    Ok(())
}
