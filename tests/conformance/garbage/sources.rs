//! Data that are not what they say.

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;
use proptest::prelude::*;

use super::{all_finite, count, few_or_too_many, number, row, small, variational};
use crate::Row;
use crate::properties::{Judgement, holds, require};

pub fn rows() -> Vec<Row> {
    vec![
        row("sources", || holds(400, sources(), reads_or_says_why)),
        row("sources that lie", || holds(1000, liars(), is_found_out)),
    ]
}

/// Rows, values, samples asked for, and two options.
fn sources() -> impl Strategy<Value = (usize, Vec<f64>, [usize; 2], [f64; 2])> {
    let values = proptest::collection::vec(number(), 0..30);
    (0_usize..5, values, [count(), count()], [number(), number()])
}

/// Matrices, parts of them and corruptions, asked for what they have not.
fn reads_or_says_why((rows, mut values, [a, b], [x, y]): (usize, Vec<f64>, [usize; 2], [f64; 2])) -> Judgement {
    let columns = values.len().checked_div(rows).unwrap_or(0);
    values.truncate(rows * columns);
    let data = DMatrix::from_vec(rows, columns, values);
    ask(&data, [a, b]);
    if let Ok(subset) = Subset::new(&data, a..b) {
        ask(&subset, [a, b]);
    }
    if let Ok(subset) = Subset::new(&data, 0..columns.min(a)) {
        ask(&subset, [a, b]);
    }
    for corruption in corruptions([x, y]) {
        if let Ok(corrupted) = Corrupted::new(&data, &*corruption) {
            ask(&corrupted.seed(a as u64), [a, b]);
        }
    }
    Ok(())
}

fn ask(source: &dyn Source<f64>, [a, b]: [usize; 2]) {
    let mut batch = vec![0.0; b % 17];
    let _ = (source.read(&[a, b, 0], &mut batch), source.value(a, b), source.value(0, b));
    let _ = (source.read(&[0], &mut batch), source.read_side(&[a, 0], &mut batch));
    let _ = (source.len(), source.features(), source.side_features(), source.is_empty());
}

fn corruptions([x, y]: [f64; 2]) -> [Box<dyn Corruption<f64>>; 5] {
    [
        Box::new(GaussianCorruption::new(x).clip(x, y)),
        Box::new(GaussianCorruption::new(y)),
        Box::new(Masking::new(x).value(y)),
        Box::new(SaltAndPepper::new(x).between(x, y)),
        Box::new(Swap::new(x)),
    ]
}

/// A source that is of any size, and of another the next time it is asked.
#[derive(Debug)]
struct Liar {
    lengths: [usize; 2],
    features: [usize; 2],
    side: usize,
    number: f64,
    asked: std::sync::atomic::AtomicUsize,
    refuses: bool,
}

impl Liar {
    fn answer(&self, [first, later]: [usize; 2]) -> usize {
        match self.asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            0..8 => first,
            _ => later,
        }
    }
}

impl Source<f64> for Liar {
    fn len(&self) -> usize {
        self.answer(self.lengths)
    }

    fn features(&self) -> usize {
        self.answer(self.features)
    }

    fn read(&self, samples: &[usize], batch: &mut [f64]) -> Result<(), DataError> {
        batch.iter_mut().step_by(2).for_each(|value| *value = self.number);
        match samples.iter().find(|sample| **sample > 300) {
            Some(sample) => Err(DataError::NoSuchSample { sample: *sample, samples: 300 }),
            None if self.refuses => Err(DataError::Source("not today".into())),
            None => Ok(()),
        }
    }

    fn side_features(&self) -> usize {
        self.side
    }
}

fn liars() -> impl Strategy<Value = (Liar, [f64; 2])> {
    let features = || prop_oneof![3 => Just(3_usize), 1 => few_or_too_many()];
    let lengths = || few_or_too_many();
    let parts = ([lengths(), lengths()], [features(), features()], few_or_too_many(), number(), any::<bool>());
    let liar = parts.prop_map(|(lengths, features, side, number, refuses)| {
        let asked = std::sync::atomic::AtomicUsize::new(0);
        Liar { lengths, features, side, number, asked, refuses }
    });
    (liar, [number(), number()])
}

/// A training with the corruption of a number.
fn trainer<'a>(corruption: usize, [x, y]: [f64; 2]) -> Trainer<'a, f64> {
    let trainer = Trainer::new(Bce.reduction(Reduction::SumPerSample), Sgd::new(0.1));
    match corruption {
        0 => trainer.corrupt(GaussianCorruption::new(x).clip(x, y)),
        1 => trainer.corrupt(Masking::new(x).value(y)),
        2 => trainer.corrupt(SaltAndPepper::new(x).between(x, y)),
        3 => trainer.corrupt(Swap::new(0.5)),
        _ => trainer,
    }
}

/// Whatever a source says, its size is no reason to take that much memory, and the model stays
/// finite.
fn is_found_out((liar, options): (Liar, [f64; 2])) -> Judgement {
    let again = || liar.asked.store(0, std::sync::atomic::Ordering::Relaxed);
    let (targets, mut network, mut model) = (DMatrix::from_element(2, 5, 0.5), small::<f64>(), variational::<f64>());
    let nats = Bce.reduction(Reduction::SumPerSample);
    let scalers = [StandardScaler::fit(&liar), MinMaxScaler::fit(&liar)];
    require(scalers.iter().flatten().all(|scaler| scaler.features() < 9), "a scaler of too many features")?;
    again();
    ask(&liar, [0, 1]);
    again();
    let _ = (network.evaluate(&Mse, &liar), network.evaluate_to(&Mse, &liar, &targets));
    again();
    let _ = (model.evaluate(&Mse, &liar), network.evaluate_metric(Accuracy, &liar, &liar));
    again();
    let _ = (model.elbo(&nats, &liar, 2, 1), model.log_likelihood(&nats, &liar, 2, 1));
    for range in [0..1, 0..usize::MAX, 1..MAX_ELEMENTS + 1] {
        again();
        let _ = Subset::new(&liar, range).map(|subset| ask(&subset, [0, 1]));
    }
    for corruption in corruptions(options) {
        again();
        let _ = Corrupted::new(&liar, &*corruption).map(|corrupted| corrupted.to_matrix());
    }
    for corrupted in 0..5 {
        again();
        let data = DMatrix::from_element(3, 4, 0.5);
        let mut trainer = trainer(corrupted, options).batch_size(2).validation(&liar);
        let _ = trainer.fit(&mut model, &data);
        again();
        let _ = Trainer::new(Mse, Sgd::new(0.1)).validation_fraction(0.5).fit_to(&mut network, &liar, &targets);
        again();
        let refused = Trainer::new(nats, Sgd::new(0.1)).fit(&mut model, &liar).is_err();
        require(refused || liar.lengths[0] < 9, "more samples than there can be")?;
    }
    require(all_finite(&network) && all_finite(model.network()), "a parameter is not finite")
}
