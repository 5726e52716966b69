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

/// A report that can be printed, and whose answers agree.
fn told(report: &Report) -> Judgement {
    let failures = report.failures().count();
    require(report.passed() == (failures == 0), "a report passes in spite of its failures, or fails without any")?;
    require(report.passes() + failures <= report.checks().count(), "more checks passed or failed than were made")?;
    require(!report.gradient_error().is_nan() && report.gradient_error() >= 0.0, "no error of a gradient")?;
    let checks: Vec<_> = report.checks().map(|check| check.name.as_str()).collect();
    let found = |name: &str| report.check(name).is_some_and(|check| check.name == name);
    require(checks.iter().all(|name| found(name)) && report.check("").is_none(), "a check that is not found")?;
    require(report.worst().is_none_or(|worst| worst.figure.is_some()), "the worst check measures nothing")?;
    let text = report.to_string();
    let named = report.failures().all(|check| text.contains(&check.name));
    require(named && text.contains(report.subject()), "a failure, or what was checked, is not in the report")
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
    let linear = compare_gradient(&point, &gradient, seed, |moved| vec![number * sum(moved); terms]);
    require(linear.compared <= point.len(), "more coordinates than there are")?;
    let is_usual = |number: &f64| number.is_finite() && number.abs() <= 3.0;
    if number.abs() <= 3.0 && number.abs() >= 1e-3 && terms > 0 && !point.is_empty() && point.iter().all(is_usual) {
        let slope = number * terms as f64;
        let right = compare_gradient(&point, &vec![slope; point.len()], seed, |moved| vec![number * sum(moved); terms]);
        let off =
            compare_gradient(&point, &vec![2.0 * slope; point.len()], seed, |moved| vec![number * sum(moved); terms]);
        require(right.error < 1e-6 && off.error > 0.1, format!("a slope of {slope}: {right:?}, twice that: {off:?}"))?;
    }
    let mut both = linear;
    both.add(compare_gradient(&point, &gradient, seed, |moved| vec![number; (sum(moved) as usize) % 3]));
    let worse = both.error >= linear.error && both.compared >= linear.compared;
    require(worse || linear.error.is_nan(), format!("{linear:?} with another is {both:?}"))
}
