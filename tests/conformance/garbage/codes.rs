//! Codes that are none of a model's, and more samples than there can be.

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;
use proptest::prelude::*;
use proptest::sample::select;

use super::{count, number, row, variational};
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
    let _ = (model.sample(asked, 7), model.traverse(&code, dimension, start..=end, asked));
    let _ = (model.interpolate(&code, &code, asked), model.interpolate_spherical(&code, &[start, end], asked));
    let _ = (model.elbo(&Bce, &samples, draws, 1), model.log_likelihood(&nats, &samples, draws, 1));
    let _ = model.elbo(&nats, &samples, draws, u64::MAX).map(|elbo| elbo.value());
    if let Ok(report) = model.latent_report(&samples) {
        require(report.active().len() + report.collapsed().len() == 2, "a dimension is neither in use nor collapsed")?;
    }
    let _ = (model.network().workspace(asked.min(1 << 12)), model.reconstruct(&samples), model.activity(&samples));
    if let Ok(posterior) = model.encode_distribution(&samples) {
        require(posterior.draw(1).iter().all(|value| value.is_finite()), "a draw is not finite")?;
        let _ = (posterior.variance(), posterior.kl());
    }
    let mut small = model.workspace(1).expect("a workspace");
    let two = DMatrix::from_element(code.len(), 2, start);
    let _ = (model.encode_with(&mut small, &two).is_ok(), model.decode_with(&mut small, &two).is_ok());
    let _ = (small.capacity(), model.encoder().predict_with(&mut small, &two).is_ok());
    Ok(())
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
    let _ = posterior.variance();
    let (kl, drawn) = (posterior.kl(), posterior.draw(3));
    require(kl.shape() == (a, b) && drawn.shape() == (a, b), "another shape than that of the means")?;
    let mut report = model.latent_report(&data).expect("a report");
    report.variance_of_mean = vec![mean; a];
    report.kl = vec![log_variance; b];
    let _ = (report.active(), report.collapsed());
    let mut activity = model.activity(&data).expect("an activity");
    (activity.means, activity.rates) = (vec![mean; a], vec![log_variance; b]);
    let _ = (activity.mean(), activity.l0(), activity.dead());
    Ok(())
}
