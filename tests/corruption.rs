//! Denoising: what is done to inputs while targets stay clean.

mod common;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;
use common::{Numbers, Outcome, bits, error_of};
use rand_distr::{Distribution, Uniform};

/// Sample s has in feature f the value s + f/1000: who looks at a value knows where it is from.
fn marked(features: usize, samples: usize) -> DMatrix<f64> {
    DMatrix::from_fn(features, samples, |feature, sample| sample as f64 + feature as f64 / 1000.0)
}

fn data(samples: usize) -> DMatrix<f64> {
    Numbers::new(3).matrix(20, samples)
}

fn model() -> Autoencoder<f64> {
    let builder = Autoencoder::builder(Shape::flat(20)).encoder(Dense::new(12).activation(Activation::Tanh));
    builder.mirror(Activation::Sigmoid).seed(1).build().unwrap()
}

fn corrupted<C: Corruption<f64>>(data: &DMatrix<f64>, corruption: C) -> Result<DMatrix<f64>, Error> {
    Ok(Corrupted::new(data, corruption)?.to_matrix()?)
}

/// The share of values for which something holds.
fn share(pairs: impl Iterator<Item = bool>) -> f64 {
    let (hits, all) = pairs.fold((0_usize, 0_u32), |(hits, all), hit| (hits + usize::from(hit), all + 1));
    hits as f64 / f64::from(all)
}

#[test]
fn gaussian_noise_has_its_deviation_and_its_range() -> Outcome {
    let clean = DMatrix::from_element(100, 200, 0.5);
    let noise = corrupted(&clean, GaussianCorruption::new(0.2))? - &clean;
    let deviation = (noise.norm_squared() / noise.len() as f64).sqrt();
    assert!(noise.mean().abs() < 0.005 && (deviation - 0.2).abs() < 0.005, "{} {deviation}", noise.mean());
    let clipped = corrupted(&clean, GaussianCorruption::new(0.5).clip(0.0, 1.0))?;
    assert!(clipped.iter().all(|value| (0.0..=1.0).contains(value)));
    let ends = share(clipped.iter().map(|value| *value == 0.0 || *value == 1.0));
    assert!((ends - 0.317).abs() < 0.01, "{ends} lie beyond one deviation");
    assert_eq!(corrupted(&clean, GaussianCorruption::new(0.0))?, clean);
    Ok(())
}

#[test]
fn masking_and_salt_and_pepper_hit_their_share() -> Outcome {
    let clean = DMatrix::from_element(100, 200, 0.5);
    let masked = corrupted(&clean, Masking::new(0.3))?;
    assert!((share(masked.iter().map(|value| *value == 0.0)) - 0.3).abs() < 0.01);
    assert!(masked.iter().all(|value| *value == 0.0 || *value == 0.5));
    assert!(corrupted(&clean, Masking::new(1.0).value(-7.0))?.iter().all(|value| *value == -7.0));
    assert_eq!(corrupted(&clean, Masking::new(0.0))?, clean);
    let specks = corrupted(&clean, SaltAndPepper::new(0.4).between(-1.0, 2.0))?;
    for end in [-1.0, 2.0] {
        assert!((share(specks.iter().map(|value| *value == end)) - 0.2).abs() < 0.01);
    }
    Ok(())
}

#[test]
fn a_swapped_feature_comes_from_any_other_sample() -> Outcome {
    let clean = marked(50, 40);
    let swapped = corrupted(&clean, Swap::new(0.25))?;
    let pairs = || clean.iter().zip(swapped.iter());
    assert!((share(pairs().map(|(clean, swapped)| clean != swapped)) - 0.25).abs() < 0.03);
    assert!(pairs().all(|(clean, swapped)| (clean.fract() - swapped.fract()).abs() < 1e-9), "the same feature");
    let first: Vec<f64> =
        pairs().take(50).filter(|(clean, swapped)| clean != swapped).map(|(_, s)| s.floor()).collect();
    assert!(first.iter().any(|donor| *donor != first[0]), "each from a sample of its own: {first:?}");
    let all = corrupted(&marked(200, 3), Swap::new(1.0))?;
    for (sample, column) in all.column_iter().enumerate() {
        for other in 0..3 {
            let from = share(column.iter().map(|value| value.floor() == other as f64));
            let expected = if other == sample { 0.0 } else { 0.5 };
            assert!((from - expected).abs() < 0.12, "{from} of sample {sample} from {other}");
        }
    }
    let alone = marked(5, 1);
    assert_eq!(corrupted(&alone, Swap::new(1.0))?, alone);
    Ok(())
}

/// A sample's noise is its own, whatever is read beside it.
#[test]
fn corrupted_data_are_the_same_whenever_they_are_read() -> Outcome {
    let clean = data(30);
    let noisy = Corrupted::new(&clean, GaussianCorruption::new(0.1))?;
    let all = noisy.to_matrix()?;
    let mut some = DMatrix::zeros(20, 3);
    noisy.read(&[7, 29, 7], some.as_mut_slice())?;
    assert_eq!(some.column(0), all.column(7));
    assert_eq!(some.column(1), all.column(29));
    assert_eq!(some.column(2), all.column(7));
    assert_ne!(all.column(0) - clean.column(0), all.column(1) - clean.column(1));
    assert_ne!(noisy.seed(1).to_matrix()?, all);
    let part = Subset::new(&clean, 5..30)?;
    assert_eq!(part.value(2, 3)?, clean[(3, 7)]);
    assert!(matches!(part.value(25, 0), Err(DataError::NoSuchSample { sample: 25, samples: 25 })));
    assert!(matches!(part.value(0, 20), Err(DataError::NoSuchFeature { feature: 20, features: 20 })));
    Ok(())
}

/// Remembers, for each sample that it sees, the clean value of its first feature and a random
/// number.
#[derive(Debug, Clone, Default)]
struct Recorded(Arc<Mutex<BTreeMap<u64, Vec<f64>>>>);

impl Corruption<f64> for Recorded {
    fn kind(&self) -> &'static str {
        "recorded"
    }

    fn config(&self) -> Config {
        Config::new()
    }

    fn corrupt(&self, mut pass: CorruptionPass<'_, f64>) -> Result<(), DataError> {
        let number = Uniform::new(0.0, 1.0).unwrap().sample(&mut pass.rng);
        self.0.lock().unwrap().entry(pass.sample[0].to_bits()).or_default().push(number);
        pass.sample[1..].fill(0.0);
        Ok(())
    }
}

fn recorded(threads: usize, epochs: usize) -> Result<BTreeMap<u64, Vec<f64>>, Error> {
    let (data, record) = (data(50), Recorded::default());
    let trainer = Trainer::new(Mse, Sgd::new(0.01)).epochs(epochs).corrupt(record.clone()).threads(threads).seed(5);
    { trainer }.fit(&mut model(), &data)?;
    let seen = record.0.lock().unwrap().clone();
    Ok(seen)
}

#[test]
fn every_sample_is_corrupted_afresh_in_every_epoch_for_any_threads() -> Outcome {
    let one = recorded(1, 3)?;
    assert_eq!(one.len(), 50);
    let mut numbers: Vec<f64> = one.values().flatten().copied().collect();
    assert_eq!(numbers.len(), 150);
    numbers.sort_by(f64::total_cmp);
    numbers.dedup();
    assert_eq!(numbers.len(), 150, "no two draws are the same");
    assert_eq!(recorded(4, 3)?, one);
    Ok(())
}

/// All but the first feature is lost on the way in; only a clean target can bring the loss that
/// this is.
#[test]
fn targets_stay_clean() -> Outcome {
    let (data, mut model) = (data(50), model());
    let mut lost = data.clone();
    lost.rows_mut(1, 19).fill(0.0);
    let expected = model.evaluate_to(&Mse, &lost, &data)?;
    assert_ne!(expected, model.evaluate(&Mse, &data)?);
    let mut trainer = Trainer::new(Mse, Sgd::new(1e-15)).corrupt(Recorded::default()).validation(&data).metric(Squared);
    let epoch = trainer.fit(&mut model, &data)?.epochs()[0].clone();
    for found in [epoch.loss, epoch.validation_loss.unwrap(), epoch.metrics[0].1, epoch.validation_metrics[0].1] {
        approx::assert_relative_eq!(found, expected, max_relative = 1e-9);
    }
    Ok(())
}

/// The mean squared error as a metric.
#[derive(Debug)]
struct Squared;

impl Metric<f64> for Squared {
    fn name(&self) -> &str {
        "squared"
    }

    fn evaluate(&self, shape: Shape, predictions: &[f64], targets: &[f64]) -> f64 {
        let sum: f64 = predictions.iter().zip(targets).map(|(p, t)| (p - t).powi(2)).sum();
        sum / shape.elements() as f64
    }
}

/// The same noise after every epoch and for every seed, however the validation data are named.
#[test]
fn validation_data_are_corrupted_once() -> Outcome {
    let (all, noise) = (data(80), SaltAndPepper::new(0.2));
    let (train, rest) = (all.columns(0, 60), all.columns(60, 20));
    let trainer = |seed| Trainer::new(Mse, Sgd::new(1e-15)).epochs(3).seed(seed).corrupt(noise);
    let losses = |history: History| -> Vec<f64> { history.epochs().iter().filter_map(|e| e.validation_loss).collect() };
    let expected = model().evaluate_to(&Mse, &Corrupted::new(&rest, noise)?, &rest)?;
    for seed in [0, 1] {
        for found in losses(trainer(seed).validation(&rest).fit(&mut model(), &train)?) {
            approx::assert_relative_eq!(found, expected, max_relative = 1e-9);
        }
    }
    let pairs = losses(trainer(0).validation_to(&rest, &rest).fit_to(&mut model(), &train, &train)?);
    approx::assert_relative_eq!(pairs[2], expected, max_relative = 1e-9);
    let fraction = losses(trainer(0).validation_fraction(0.25).fit(&mut model(), &all)?);
    assert_eq!(fraction[0].to_bits() >> 12, fraction[2].to_bits() >> 12);
    let noisy = Corrupted::new(&all, noise)?;
    let by_place = model().evaluate_to(&Mse, &Subset::new(&noisy, 60..80)?, &rest)?;
    approx::assert_relative_eq!(fraction[0], by_place, max_relative = 1e-9);
    Ok(())
}

/// Values are taken from the training samples alone in training, from the validation samples alone
/// in validation.
#[test]
fn swaps_stay_within_their_set() -> Outcome {
    #[derive(Debug)]
    struct Within;
    impl Corruption<f64> for Within {
        fn kind(&self) -> &'static str {
            "within"
        }
        fn config(&self) -> Config {
            Config::new()
        }
        fn corrupt(&self, mut pass: CorruptionPass<'_, f64>) -> Result<(), DataError> {
            for _ in 0..30 {
                let (own, other) = (pass.sample[0], pass.of_another(0)?);
                assert!(own != other && (own < 30.0) == (other < 30.0), "{own} and {other}");
            }
            Ok(())
        }
    }
    let data = marked(20, 40);
    let mut trainer = Trainer::new(Mse, Sgd::new(1e-9)).corrupt(Within).validation_fraction(0.25).threads(1);
    trainer.fit(&mut model(), &data)?;
    Ok(())
}

#[test]
fn the_number_of_threads_does_not_matter() -> Outcome {
    let data = Numbers::new(3).matrix::<f32>(400, 200);
    let train = |threads: usize, noise: usize| -> Result<Vec<u64>, Error> {
        let builder = Autoencoder::<f32>::builder(Shape::flat(400)).encoder(Dense::new(60));
        let mut model = builder.mirror(Activation::Sigmoid).build()?;
        let trainer = Trainer::new(Bce, Adam::default()).epochs(2).threads(threads).validation_fraction(0.2);
        let trainer = match noise {
            0 => trainer.corrupt(GaussianCorruption::new(0.4).clip(0.0, 1.0)),
            1 => trainer.corrupt(Masking::new(0.3)),
            2 => trainer.corrupt(SaltAndPepper::new(0.3)),
            _ => trainer.corrupt(Swap::new(0.2)),
        };
        let history = { trainer }.fit(&mut model, &data)?;
        let mut result = bits(model.network().parameter_vector());
        result.extend(history.validation_loss().map(f64::to_bits));
        Ok(result)
    };
    for noise in 0..4 {
        let one = train(1, noise)?;
        for threads in [2, 3, 5] {
            assert!(train(threads, noise)? == one, "noise {noise}, {threads} threads: other bits");
        }
    }
    Ok(())
}

#[test]
fn it_learns_to_clean() -> Outcome {
    let mut random = Numbers::new(8);
    let basis = random.matrix::<f64>(20, 3);
    let clean = (basis * random.matrix::<f64>(3, 600)) / 3.0;
    let noise = GaussianCorruption::new(0.2);
    let (train, rest) = (clean.columns(0, 500), clean.columns(500, 100));
    let noisy = corrupted(&rest.clone_owned(), noise)?;
    let mut model = model();
    let trainer = Trainer::new(Mse, Adam::new(0.005)).epochs(60).corrupt(noise).validation(&rest);
    let history = { trainer }.fit(&mut model, &train)?;
    let before = (&noisy - rest).norm_squared() / rest.len() as f64;
    let after = history.validation_loss().unwrap();
    println!("noise {before:.4}, cleaned {after:.4}");
    assert!(after < 0.4 * before);
    approx::assert_relative_eq!(
        after,
        (model.reconstruct(&noisy)? - rest).norm_squared() / rest.len() as f64,
        max_relative = 1e-9
    );
    Ok(())
}

/// Corruption that leaves something that is no number is found where it happens.
#[test]
fn noise_that_is_not_finite() {
    #[derive(Debug)]
    struct Broken;
    impl Corruption<f64> for Broken {
        fn kind(&self) -> &'static str {
            "broken"
        }
        fn config(&self) -> Config {
            Config::new()
        }
        fn corrupt(&self, pass: CorruptionPass<'_, f64>) -> Result<(), DataError> {
            if pass.sample[0] == 13.0 {
                pass.sample[2] = f64::NAN;
            }
            Ok(())
        }
    }
    let result = Trainer::new(Mse, Sgd::default()).corrupt(Broken).fit(&mut model(), &marked(20, 40));
    let Error::Train(error) = error_of(result, "NaN") else { panic!("another error") };
    let expected = InputError::Corrupted { sample: 13, feature: 2, corruption: "broken" };
    assert!(matches!(error.kind(), TrainErrorKind::Data(DataError::Input(found)) if *found == expected), "{error}");
}

#[test]
fn options() {
    let data = data(20);
    let trainer = || Trainer::new(Mse, Sgd::default());
    let unit = "expected a number from 0 to 1";
    let rows: Vec<(Trainer<'_, f64>, String)> = vec![
        (
            trainer().corrupt(GaussianCorruption::new(-0.1)),
            "`deviation` is -0.1, expected a finite number, at least 0".into(),
        ),
        (
            trainer().corrupt(GaussianCorruption::new(f64::NAN)),
            "`deviation` is NaN, expected a finite number, at least 0".into(),
        ),
        (
            trainer().corrupt(GaussianCorruption::new(0.1).clip(1.0, 0.0)),
            "`clip` is 0, expected a finite end above a finite beginning".into(),
        ),
        (trainer().corrupt(Masking::new(1.1)), format!("`rate` is 1.1, {unit}")),
        (trainer().corrupt(Masking::new(0.1).value(f64::NAN)), "`value` is NaN, expected a finite number".into()),
        (trainer().corrupt(SaltAndPepper::new(-0.1)), format!("`rate` is -0.1, {unit}")),
        (
            trainer().corrupt(SaltAndPepper::new(0.1).between(f64::NAN, 1.0)),
            "`low` is NaN, expected a finite number".into(),
        ),
        (trainer().corrupt(Swap::new(f64::NAN)), format!("`rate` is NaN, {unit}")),
    ];
    for (mut trainer, text) in rows {
        let error = error_of(trainer.fit(&mut model(), &data), &text);
        assert_eq!(error.to_string(), format!("training stopped before the first step: {text}"));
    }
    let error = error_of(Corrupted::new(&data, Masking::new(2.0)), "a rate of 2");
    assert_eq!(error.to_string(), format!("`rate` is 2, {unit}"));
}

/// Neither a range, a mask nor a swap hides it, and the corruption is not blamed for it.
#[test]
fn a_nan_in_the_data_stays_visible() -> Outcome {
    let mut data = data(200);
    data[(3, 150)] = f64::NAN;
    let named = |error: Error| {
        let message = error.to_string();
        assert!(message.contains("feature 3 of sample 150 is NaN, expected a finite number"), "{message}");
    };
    named(error_of(corrupted(&data, GaussianCorruption::new(0.1)), "noise"));
    named(error_of(corrupted(&data, GaussianCorruption::new(0.1).clip(0.0, 1.0)), "clipped noise"));
    named(error_of(corrupted(&data, Masking::new(1.0)), "a mask"));
    named(error_of(corrupted(&data, SaltAndPepper::new(1.0)), "specks"));
    named(error_of(corrupted(&data, Swap::new(1.0)), "swaps"));
    let noisy = Corrupted::new(&data, GaussianCorruption::new(0.1).clip(0.0, 1.0))?;
    named(error_of(model().evaluate(&Mse, &noisy), "evaluation"));
    let mut trainer = Trainer::new(Mse, Sgd::default()).corrupt(Swap::new(1.0));
    named(error_of(trainer.fit(&mut model(), &data), "training"));
    Ok(())
}
