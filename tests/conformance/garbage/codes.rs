//! Codes that are none of a model's, and more samples than there can be.

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;
use proptest::prelude::*;
use proptest::sample::select;

use super::{count, finite_only_if, number, row, taken_if, taken_only_if, variational};
use crate::Row;
use crate::properties::{Judgement, holds, require};

pub fn rows() -> Vec<Row> {
    vec![
        row("codes", || holds(400, codes(), decodes_or_says_why)),
        row("posteriors that were changed", || holds(1000, posteriors(), describes_whatever_it_holds)),
    ]
}

/// A code of some length, a dimension of it, and how much is asked for.
fn codes() -> impl Strategy<Value = (Vec<f64>, usize, usize, [f64; 2])> {
    let asked = select(vec![0, 1, 2, 7, 1 << 12, MAX_ELEMENTS + 1, usize::MAX / 2, usize::MAX]);
    (proptest::collection::vec(number(), 0..5), count(), asked, [number(), number()])
}

/// What a variational model does with codes, and with samples that may be none.
fn decodes_or_says_why((code, dimension, asked, [start, end]): (Vec<f64>, usize, usize, [f64; 2])) -> Judgement {
    let model = variational::<f64>();
    let samples = DMatrix::from_vec(code.len(), 1, code.clone());
    let (draws, nats) = (asked.min(9), Bce.reduction(Reduction::SumPerSample));
    let finite = |numbers: &[f64]| numbers.iter().all(|number| number.is_finite());
    let (few, is_code) = (asked <= 1 << 12, code.len() == 2);
    let drawn = taken_if(few, "a number of samples to draw", model.sample(asked, 7))?;
    require(drawn.is_none_or(|drawn| drawn.shape() == (3, asked)), "another number of samples is drawn")?;
    let traversed = model.traverse(&code, dimension, start..=end, asked);
    finite_only_if(is_code && few && dimension < 2, "a traversal", traversed, (3, asked))?;
    let walked = model.interpolate(&code, &code, asked);
    finite_only_if(is_code && few, "an interpolation", walked, (3, asked))?;
    let turned = model.interpolate_spherical(&code, &[start, end], asked);
    finite_only_if(is_code && few, "a spherical interpolation", turned, (3, asked))?;
    // Targets are the samples themselves, which the loss takes from 0 to 1.
    let suits = code.len() == 3 && code.iter().all(|number| (0.0..=1.0).contains(number)) && draws > 0;
    taken_if(false, "a bound by a mean", model.elbo(&Bce, &samples, draws, 1))?;
    taken_if(suits, "a sample's likelihood", model.log_likelihood(&nats, &samples, draws, 1))?;
    let bound = taken_if(suits, "a sample's bound", model.elbo(&nats, &samples, draws, u64::MAX))?;
    require(bound.is_none_or(|bound| bound.value().is_finite()), "a bound is not finite")?;
    let is_sample = code.len() == 3 && finite(&code);
    if let Some(report) = taken_only_if(is_sample, "a report", model.latent_report(&samples))? {
        require(report.active().len() + report.collapsed().len() == 2, "a dimension is neither in use nor collapsed")?;
    }
    let workspace = taken_if(asked > 0, "a workspace", model.network().workspace(asked.min(1 << 12)))?;
    require(workspace.is_none_or(|own| own.capacity() == asked.min(1 << 12)), "a workspace of another size")?;
    finite_only_if(is_sample, "a reconstruction", model.reconstruct(&samples), (3, 1))?;
    let activity = taken_only_if(is_sample, "an activity", model.activity(&samples))?;
    require(activity.is_none_or(|activity| finite(&activity.means)), "a mean activity is not finite")?;
    if let Some(posterior) = taken_only_if(is_sample, "a distribution", model.encode_distribution(&samples))? {
        require(posterior.draw(1).iter().all(|value| value.is_finite()), "a draw is not finite")?;
        let variances = posterior.variance();
        let pairs = variances.iter().zip(posterior.log_variance.iter());
        require(pairs.into_iter().all(|(one, log)| *one == log.exp()), "a variance is not that of its logarithm")?;
        require(posterior.kl().iter().all(|kl| *kl >= 0.0), "a divergence is negative or NaN")?;
    }
    let mut small = model.workspace(1).expect("a workspace");
    let two = DMatrix::from_element(code.len(), 2, start);
    taken_if(false, "two samples in a place for one", model.encode_with(&mut small, &two))?;
    taken_if(false, "two codes in a place for one", model.decode_with(&mut small, &two))?;
    taken_if(false, "a workspace of the whole", model.encoder().predict_with(&mut small, &two))?;
    require(small.capacity() == 1, "a workspace has grown")
}

/// The sizes of means and of logarithms of variances, and what they all are.
fn posteriors() -> impl Strategy<Value = ([usize; 4], [f64; 2])> {
    (proptest::array::uniform4(0_usize..4), [number(), number()])
}

/// The fields of what a model has said of its codes are open to everyone.
fn describes_whatever_it_holds(([a, b, c, d], [mean, log_variance]): ([usize; 4], [f64; 2])) -> Judgement {
    let model = variational::<f64>();
    let data = DMatrix::from_element(3, 2, 0.5);
    let mut posterior = model.encode_distribution(&data).expect("a distribution");
    posterior.mean = DMatrix::from_element(a, b, mean);
    posterior.log_variance = DMatrix::from_element(c, d, log_variance);
    let (variance, expected) = (posterior.variance(), log_variance.exp());
    require(variance.shape() == (c, d) && variance.iter().all(same(expected)), "another variance")?;
    let (kl, drawn) = (posterior.kl(), posterior.draw(3));
    require(kl.shape() == (a, b) && drawn.shape() == (a, b), "another shape than that of the means")?;
    let mut report = model.latent_report(&data).expect("a report");
    report.variance_of_mean = vec![mean; a];
    report.kl = vec![log_variance; b];
    let all_if = |belongs: bool, count: usize| if belongs { (0..count).collect() } else { Vec::new() };
    require(report.active() == all_if(mean > LatentReport::ACTIVE, a), "other dimensions are active")?;
    require(report.collapsed() == all_if(mean <= LatentReport::ACTIVE, a), "other dimensions have collapsed")?;
    let mut activity = model.activity(&data).expect("an activity");
    (activity.means, activity.rates) = (vec![mean; a], vec![log_variance; b]);
    require(activity.dead() == all_if(log_variance == 0.0, b), "other units are dead")?;
    require(same((0..b).map(|_| log_variance).sum())(&activity.l0()), "another number of units is active")?;
    let within = mean.is_nan() || a == 0 || (activity.mean() - mean).abs() <= 1e-12 * mean.abs() || mean.is_infinite();
    require(within, format!("the mean of {a} times {mean} is {}", activity.mean()))
}

/// Whether a number is this one, NaN included.
fn same(expected: f64) -> impl Fn(&f64) -> bool {
    move |found| *found == expected || found.is_nan() && expected.is_nan()
}
