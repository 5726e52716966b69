//! Data that are not what they say.

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;
use proptest::prelude::*;

use super::{all_finite, count, few_or_too_many, number, row, small, taken_if, taken_only_if, variational};
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
    ask(&data, [a, b])?;
    if let Some(subset) = taken_if(a <= b && b <= columns, "a range of samples", Subset::new(&data, a..b))? {
        ask(&subset, [a, b])?;
    }
    if let Some(subset) = taken_if(true, "a range of samples", Subset::new(&data, 0..columns.min(a)))? {
        ask(&subset, [a, b])?;
    }
    for corruption in corruptions([x, y]) {
        let accepted = corruption.check().is_ok();
        if let Some(corrupted) = taken_if(accepted, "a corruption", Corrupted::new(&data, &*corruption))? {
            ask(&corrupted.seed(a as u64), [a, b])?;
        }
    }
    Ok(())
}

/// Asks for samples that are there and for others; what is not there is an error.
fn ask(source: &dyn Source<f64>, [a, b]: [usize; 2]) -> Judgement {
    let (samples, features) = (source.len(), source.features());
    require(source.is_empty() == (samples == 0), "a source that is empty, or not, in spite of its length")?;
    taken_only_if(a < samples && b < features, "a value", source.value(a, b))?;
    taken_only_if(samples > 0 && b < features, "a value", source.value(0, b))?;
    let mut batch = vec![0.0; b % 17];
    // A sample for which there is no place in the batch is not read.
    let places = batch.len() / features.max(1);
    let known = [a, b, 0].iter().take(places).all(|sample| *sample < samples);
    taken_only_if(known, "samples", source.read(&[a, b, 0], &mut batch))?;
    taken_only_if(samples > 0 || places == 0, "a sample", source.read(&[0], &mut batch))?;
    let has_side = source.side_features() > 0;
    let side = taken_only_if(true, "a side input", source.read_side(&[a, 0], &mut batch))?;
    require(has_side || side.is_some() || a >= samples, "no side input is refused")
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

/// A loss is no less than 0, and a number.
fn is_loss(loss: Option<f64>) -> Judgement {
    require(loss.is_none_or(|loss| loss >= 0.0), format!("the loss is {loss:?}"))
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
    // Its values are its number and zeros: with any other, nothing can be computed.
    let fits = liar.number.is_finite() && !liar.refuses;
    again();
    taken_only_if(!liar.refuses, "a value", liar.value(0, 0))?;
    again();
    taken_if(false, "inputs as targets of another width", network.evaluate(&Mse, &liar))?;
    again();
    is_loss(taken_only_if(fits, "inputs", network.evaluate_to(&Mse, &liar, &targets))?)?;
    again();
    is_loss(taken_only_if(fits, "inputs", model.evaluate(&Mse, &liar))?)?;
    again();
    taken_only_if(fits, "inputs", network.evaluate_metric(Accuracy, &liar, &liar))?;
    again();
    taken_only_if(fits, "inputs", model.elbo(&nats, &liar, 2, 1))?;
    again();
    taken_only_if(fits, "inputs", model.log_likelihood(&nats, &liar, 2, 1))?;
    for range in [0..1, 0..usize::MAX, 1..MAX_ELEMENTS + 1] {
        again();
        let subset = Subset::new(&liar, range.clone());
        if let Some(subset) = taken_only_if(range.end <= liar.lengths[0], "a range of samples", subset)? {
            taken_only_if(!liar.refuses, "a value", subset.value(0, 0))?;
        }
    }
    for corruption in corruptions(options) {
        again();
        let accepted = corruption.check().is_ok();
        if let Some(corrupted) = taken_if(accepted, "a corruption", Corrupted::new(&liar, &*corruption))? {
            let matrix = taken_only_if(true, "a corrupted source", corrupted.to_matrix())?;
            let finite = matrix.is_none_or(|matrix| matrix.iter().all(|value| value.is_finite()));
            require(finite, "a corrupted value is not finite")?;
        }
    }
    for corrupted in 0..5 {
        again();
        let data = DMatrix::from_element(3, 4, 0.5);
        let mut trainer = trainer(corrupted, options).batch_size(2).validation(&liar);
        taken_only_if(true, "lies to validate with", trainer.fit(&mut model, &data))?;
        again();
        let trainer = &mut Trainer::new(Mse, Sgd::new(0.1)).validation_fraction(0.5);
        taken_only_if(fits, "lies to train with", trainer.fit_to(&mut network, &liar, &targets))?;
        again();
        let refused = Trainer::new(nats, Sgd::new(0.1)).fit(&mut model, &liar).is_err();
        require(refused || liar.lengths[0] < 9, "more samples than there can be")?;
    }
    require(all_finite(&network) && all_finite(model.network()), "a parameter is not finite")
}
