//! Schedules, clipping, early stopping, penalties on weights, and the layers against overfitting.

mod common;

use std::sync::{Arc, Mutex};

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;
use common::{Numbers, Outcome, bits, distance};

fn data(samples: usize) -> DMatrix<f64> {
    Numbers::new(3).matrix(12, samples)
}

fn model() -> Autoencoder<f64> {
    let builder = Autoencoder::builder(Shape::flat(12)).encoder(Dense::new(5).activation(Activation::Tanh));
    builder.mirror(Activation::Sigmoid).seed(1).build().unwrap()
}

fn parameters(model: &Autoencoder<f64>) -> Vec<u64> {
    bits(model.network().parameter_vector())
}

/// Remembers the moments of its steps.
#[derive(Debug, Clone, Default)]
struct Recorded(Arc<Mutex<Vec<(u64, f64, f64, Vec<f64>)>>>);

impl Schedule for Recorded {
    fn kind(&self) -> &'static str {
        "recorded"
    }

    fn config(&self) -> Config {
        Config::new()
    }

    fn factor(&self, moment: &Moment<'_>) -> f64 {
        self.0.lock().unwrap().push((moment.step, moment.elapsed, moment.total, moment.losses.to_vec()));
        1.0 / (1 + moment.step) as f64
    }
}

#[test]
fn a_schedule_of_one_s_own_sees_every_step() -> Outcome {
    let recorded = Recorded::default();
    let mut trainer = Trainer::new(Mse, Sgd::new(0.5)).epochs(2).batch_size(8).schedule(recorded.clone());
    let history = trainer.fit(&mut model(), &data(20))?;
    let first = history.epochs()[0].loss;
    let seen = recorded.0.lock().unwrap().clone();
    let expected: Vec<_> =
        (0..6).map(|step| (step, step as f64 / 3.0, 2.0, if step < 3 { vec![] } else { vec![first] })).collect();
    assert_eq!(seen, expected);
    let rates: Vec<f64> = history.epochs().iter().map(|epoch| epoch.learning_rate).collect();
    assert_eq!(rates, [0.5 / 3.0, 0.5 / 6.0]);
    let mut csv = Vec::new();
    history.write_csv(&mut csv)?;
    assert!(String::from_utf8(csv)?.starts_with("epoch,loss,learning_rate,seconds\n"));
    Ok(())
}

/// Each step of descent is as long as the schedule says.
#[test]
fn a_scheduled_rate_is_the_one_that_is_used() -> Outcome {
    let (data, start) = (data(20), model());
    let step = |rate: f64, schedule: Option<WarmUp<Constant>>| -> Result<Vec<u64>, Error> {
        let mut moved = start.clone();
        let mut trainer = Trainer::new(Mse, Sgd::new(rate)).batch_size(20);
        if let Some(schedule) = schedule {
            trainer = trainer.schedule(schedule);
        }
        trainer.fit(&mut moved, &data)?;
        Ok(parameters(&moved))
    };
    let warm_up = |share| Some(WarmUp::new(1.0, Constant).from(share));
    assert_eq!(step(0.5, warm_up(1.0))?, step(0.5, None)?);
    assert_eq!(step(0.5, warm_up(0.25))?, step(0.125, None)?);
    assert_eq!(step(0.5, warm_up(0.0))?, parameters(&start));
    Ok(())
}

#[test]
fn a_plateau_of_the_validation_loss_lowers_the_rate() -> Outcome {
    let (data, mut model) = (data(40), model());
    let trainer = Trainer::new(Mse, Sgd::new(1e-12)).epochs(7).validation_fraction(0.5); // nothing moves
    let history = trainer.schedule(OnPlateau::new(2).times(0.5)).fit(&mut model, &data)?;
    let rates: Vec<f64> = history.epochs().iter().map(|epoch| epoch.learning_rate / 1e-12).collect();
    assert_eq!(rates, [1.0, 1.0, 1.0, 0.5, 0.5, 0.25, 0.25]);
    Ok(())
}

/// One step of descent moves the parameters by the rate times the clipped gradient.
#[test]
fn a_clipped_step_is_as_long_as_the_norm() -> Outcome {
    let (data, start) = (data(20), model());
    let step = |clip: Option<Clip>| -> Result<Vec<f64>, Error> {
        let mut moved = start.clone();
        let mut trainer = Trainer::new(Mse.reduction(Reduction::SumPerSample), Sgd::new(1.0)).batch_size(20);
        if let Some(clip) = clip {
            trainer = trainer.clip(clip);
        }
        trainer.fit(&mut moved, &data)?;
        let pairs = moved.network().parameter_vector().iter().zip(start.network().parameter_vector());
        Ok(pairs.map(|(after, before)| after - before).collect())
    };
    let norm = |step: &[f64]| step.iter().map(|value| value * value).sum::<f64>().sqrt();
    let free = step(None)?;
    assert!(norm(&free) > 0.2);
    let clipped = step(Some(Clip::Norm(0.1)))?;
    approx::assert_relative_eq!(norm(&clipped), 0.1, max_relative = 1e-10);
    let scaled: Vec<f64> = free.iter().map(|value| value * 0.1 / norm(&free)).collect();
    assert!(distance(&clipped, &scaled) < 1e-10);
    let bounded: Vec<f64> = free.iter().map(|value| value.clamp(-0.01, 0.01)).collect();
    assert!(distance(&step(Some(Clip::Value(0.01)))?, &bounded) < 1e-10);
    Ok(())
}

#[test]
fn threads_do_not_matter_to_a_clipped_step() -> Outcome {
    let data = Numbers::new(3).matrix::<f32>(400, 96);
    let mut results = Vec::new();
    for threads in [1, 2, 3, 4] {
        let builder =
            Autoencoder::<f32>::builder(Shape::flat(400)).encoder(Dense::new(120)).mirror(Activation::Sigmoid);
        let mut model = builder.build()?;
        let trainer = Trainer::new(Bce, Adam::default()).clip(Clip::Norm(0.01)).schedule(Cosine::new());
        trainer.epochs(2).threads(threads).fit(&mut model, &data)?;
        results.push(bits(model.network().parameter_vector()));
    }
    assert!(results.iter().all(|result| *result == results[0]));
    Ok(())
}

/// A rate so large that the loss soon grows: training ends, and the model is the one of the best epoch.
#[test]
fn early_stopping_gives_back_the_best_epoch() -> Outcome {
    let (train, rest) = (data(30), Numbers::new(9).matrix::<f64>(12, 30));
    let trainer = |epochs: usize| Trainer::new(Mse, Adam::new(0.05)).epochs(epochs).validation(&rest).seed(4);
    let mut stopped = model();
    let history = trainer(500).early_stopping(EarlyStopping::new(7)).fit(&mut stopped, &train)?;
    let best = history.best().unwrap().number;
    assert!(best > 1 && history.epochs().len() == best + 7, "best {best} of {}", history.epochs().len());
    let mut again = model();
    trainer(best).fit(&mut again, &train)?;
    assert_eq!(parameters(&stopped), parameters(&again));
    assert_eq!(stopped.reconstruct(&rest)?, again.reconstruct(&rest)?);

    let mut last = model();
    let early = EarlyStopping::new(7).restore_best(false);
    let count = trainer(500).early_stopping(early).fit(&mut last, &train)?.epochs().len();
    let mut all = model();
    trainer(count).fit(&mut all, &train)?;
    assert_eq!(parameters(&last), parameters(&all));
    Ok(())
}

/// The best epoch is given back where training comes to its end or a callback stops it, too.
#[test]
fn the_best_epoch_is_given_back_however_training_ends() -> Outcome {
    let (train, rest) = (data(30), Numbers::new(9).matrix::<f64>(12, 30));
    let mut model = model();
    let trainer = Trainer::new(Mse, Adam::new(0.05)).epochs(300).validation(&rest);
    let history = trainer.early_stopping(EarlyStopping::new(1000)).fit(&mut model, &train)?;
    let best = history.best().unwrap();
    assert!(best.number < 300);
    assert_eq!(best.validation_loss, Some(model.evaluate(&Mse, &rest)?));
    Ok(())
}

/// Small progress does not count, but the lowest loss is the best all the same.
#[test]
fn min_delta_is_for_patience_alone() -> Outcome {
    let (train, mut model) = (data(40), model());
    let trainer = Trainer::new(Mse, Sgd::new(0.01)).epochs(50).validation_fraction(0.5);
    let history = trainer.early_stopping(EarlyStopping::new(3).min_delta(10.0)).fit(&mut model, &train)?;
    assert_eq!(history.epochs().len(), 4, "the first epoch is progress from nothing");
    assert_eq!(history.best().unwrap().number, 4);
    Ok(())
}
