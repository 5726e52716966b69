//! Schedules with options, and at moments, that nobody means.

use autoencoder::*;
use proptest::prelude::*;

use super::{count, number, row};
use crate::Row;
use crate::properties::{Judgement, holds, require};

pub fn rows() -> Vec<Row> {
    vec![row("schedules", || holds(2000, moments(), schedules_or_says_why))]
}

/// A moment of a training, and three numbers.
fn moments() -> impl Strategy<Value = (u64, usize, usize, Vec<f64>, [f64; 3])> {
    let losses = proptest::collection::vec(number(), 0..9);
    (any::<u64>(), count(), count(), losses, [number(), number(), number()])
}

/// A schedule whose options are accepted gives a finite factor, at least zero, at any moment.
fn schedules_or_says_why(
    (step, steps, epochs, losses, [a, b, c]): (u64, usize, usize, Vec<f64>, [f64; 3]),
) -> Judgement {
    let moment = TrainingProgress::new(step, steps, epochs, &losses);
    let mut other = moment;
    (other.elapsed, other.total) = (b, c); // the fields are open to everyone
    let schedules: [Box<dyn Schedule>; 7] = [
        Box::new(Constant),
        Box::new(Exponential::new(a).every(b).staircase(c > 0.0)),
        Box::new(Cosine::new().over(a).floor(b)),
        Box::new(OnPlateau::new(steps).times(a).min_delta(b).cooldown(epochs).floor(c)),
        Box::new(WarmUp::new(a, Cosine::new()).from(b)),
        Box::new(WarmUp::new(a, WarmUp::new(b, OnPlateau::new(1).times(c)).from(a)).from(c)),
        Box::new(WarmUp::new(a, Exponential::new(b).every(c)).from(b)),
    ];
    for schedule in schedules {
        let accepted = schedule.check().is_ok();
        require(!schedule.kind().is_empty(), "a schedule without a name")?;
        let factors = [&moment, &other].map(|moment| [(); 2].map(|()| schedule.factor(moment).to_bits()));
        require(factors.iter().all(|[one, again]| one == again), "another factor at the same moment")?;
        let factor = schedule.factor(&moment);
        require(
            !accepted || factor.is_finite() && factor >= 0.0,
            format!("{schedule:?} gives {factor} at {moment:?}"),
        )?;
    }
    Ok(())
}
