//! A user's loss, optimizer, metric, callback and source.

use std::sync::Mutex;

use autoencoder::testing::{LossCheck, check_optimizer, check_source};
use autoencoder::*;

use crate::common::{Outcome, bits, error_of};
use crate::{SAMPLES, data};

/// Σ ln cosh(prediction − target) over the elements of a sample.
#[derive(Debug)]
struct LogCosh;

impl<T: Scalar> Loss<T> for LogCosh {
    fn kind(&self) -> &'static str {
        "log_cosh"
    }

    fn config(&self) -> Config {
        Config::new()
    }

    fn evaluate(&self, pass: LossPass<'_, T>) -> f64 {
        let differences = pass.predictions.iter().zip(pass.targets).map(|(p, t)| *p - *t);
        if let Some(gradient) = pass.gradient {
            gradient.iter_mut().zip(differences.clone()).for_each(|(g, d)| *g = pass.factor * d.tanh());
        }
        differences.map(|difference| difference.cosh().ln().into_f64()).sum()
    }
}

/// θ ← θ − η g / √(Σ g² + ε); Duchi et al. 2011. One slot.
#[derive(Debug)]
struct AdaGrad(f64);

impl<T: Scalar> Optimizer<T> for AdaGrad {
    fn kind(&self) -> &'static str {
        "ada_grad"
    }

    fn config(&self) -> Config {
        Config::new().with("learning_rate", self.0)
    }

    fn learning_rate(&self) -> f64 {
        self.0
    }

    fn slots(&self) -> usize {
        1
    }

    fn update(&self, update: Update<'_, T>) {
        let rate = update.rate();
        let [squares, ..] = update.slots;
        for ((parameter, gradient), square) in update.parameters.iter_mut().zip(update.gradients).zip(squares) {
            *square += *gradient * *gradient;
            *parameter -= rate * *gradient / (*square + T::from_f64(1e-7)).sqrt();
        }
    }
}

/// The largest error of a sample.
#[derive(Debug)]
struct LargestError;

impl<T: Scalar> Metric<T> for LargestError {
    fn name(&self) -> &str {
        "largest_error"
    }

    fn evaluate(&self, shape: Shape, predictions: &[T], targets: &[T]) -> f64 {
        let size = shape.elements();
        let samples = predictions.chunks_exact(size).zip(targets.chunks_exact(size));
        let largest =
            |(p, t): (&[T], &[T])| p.iter().zip(t).fold(0.0, |most: f64, (p, t)| most.max((*p - *t).into_f64().abs()));
        samples.map(largest).sum()
    }
}

/// Samples that are computed when they are asked for. One of them cannot be.
struct Waves {
    samples: usize,
    broken: Option<usize>,
    most_at_once: Mutex<usize>,
}

impl Waves {
    fn new(samples: usize, broken: Option<usize>) -> Self {
        Self { samples, broken, most_at_once: Mutex::new(0) }
    }
}

impl Source<f64> for Waves {
    fn len(&self) -> usize {
        self.samples
    }

    fn features(&self) -> usize {
        40
    }

    fn read(&self, samples: &[usize], batch: &mut [f64]) -> Result<(), DataError> {
        let mut most = self.most_at_once.lock().unwrap();
        *most = (*most).max(samples.len());
        for (sample, target) in samples.iter().zip(batch.chunks_exact_mut(40)) {
            if *sample >= self.samples {
                return Err(DataError::NoSuchSample { sample: *sample, samples: self.samples });
            }
            if self.broken == Some(*sample) {
                return Err(DataError::Source("the tape is torn".into()));
            }
            let frequency = 0.1 + *sample as f64 / 400.0;
            target.iter_mut().enumerate().for_each(|(time, value)| *value = (frequency * time as f64).sin());
        }
        Ok(())
    }
}

fn network() -> Result<Network<f64>, BuildError> {
    Network::builder(Shape::flat(40)).layer(Dense::new(64).activation(Activation::Tanh)).layer(Dense::new(40)).build()
}

#[test]
fn each_passes_the_checks() -> Outcome {
    let loss = LossCheck::new(|| LogCosh, Shape::flat(6)).targets(-2.0, 2.0);
    loss.gradients().into_result()?; // its value overflows far from the target
    check_optimizer(|| AdaGrad(0.02)).into_result()?;
    check_source(&Waves::new(SAMPLES, None)).into_result()?;
    Ok(())
}

#[test]
fn loss_optimizer_metric_and_source_train_together() -> Outcome {
    let train = |threads| -> Result<(History, Vec<u64>), Error> {
        let (waves, mut network) = (Waves::new(SAMPLES, None), network()?);
        let mut trainer = Trainer::new(LogCosh, AdaGrad(0.02)).epochs(10).batch_size(50).threads(threads);
        trainer = trainer.metric(LargestError).validation_fraction(0.2);
        let history = trainer.fit(&mut network, &waves)?;
        assert!(*waves.most_at_once.lock().unwrap() <= 50);
        Ok((history, bits(network.parameter_vector())))
    };
    let (history, one) = train(1)?;
    let (first, last) = (&history.epochs()[0], &history.epochs()[9]);
    assert!(last.loss < 0.3 * first.loss && last.validation_loss < first.validation_loss);
    assert_eq!(last.metrics[0].0, "largest_error");
    assert!(last.metrics[0].1 < first.metrics[0].1 && last.validation_metrics[0].1 > 0.0);
    for threads in [2, 3, 4, 7] {
        assert!(train(threads)?.1 == one, "{threads} threads");
    }
    Ok(())
}

/// The metric of a whole is the mean over samples, whatever the batches.
#[test]
fn a_metric_is_a_mean_over_samples() -> Outcome {
    let (data, network) = (data(40), network()?);
    let outputs = network.predict(&data)?;
    let by_hand = (&outputs - &data).abs().column_iter().map(|column| column.max()).sum::<f64>() / SAMPLES as f64;
    approx::assert_relative_eq!(network.evaluate_metric(LargestError, &data, &data)?, by_hand, max_relative = 1e-12);
    Ok(())
}

#[test]
fn a_source_s_error_comes_back() -> Outcome {
    let error = error_of(network()?.evaluate(&Mse, &Waves::new(SAMPLES, Some(77))), "a torn tape");
    assert!(matches!(&error, Error::Data(DataError::Source(source)) if source.to_string() == "the tape is torn"));
    let mut network = network()?;
    let mut trainer = Trainer::new(Mse, AdaGrad(0.1)).shuffle(false).batch_size(50);
    let Error::Train(error) = error_of(trainer.fit(&mut network, &Waves::new(SAMPLES, Some(77))), "a torn tape") else {
        panic!("another kind of error")
    };
    assert_eq!((error.epoch(), error.step()), (1, 2));
    assert!(matches!(error.kind(), TrainErrorKind::Data(DataError::Source(_))));
    Ok(())
}

/// Stops when the loss no longer falls, and remembers the best parameters.
#[derive(Default)]
struct Patience {
    best: Option<f64>,
    parameters: Vec<f64>,
    steps: usize,
}

impl Callback<f64> for &mut Patience {
    fn on_step(&mut self, progress: &Progress) -> Result<Control, Box<dyn std::error::Error + Send + Sync>> {
        self.steps += 1;
        assert!(progress.step <= progress.steps && progress.epoch <= progress.epochs);
        Ok(Control::Continue)
    }

    fn on_epoch(
        &mut self,
        epoch: &Epoch,
        model: &Network<f64>,
    ) -> Result<Control, Box<dyn std::error::Error + Send + Sync>> {
        if self.best.is_some_and(|best| epoch.loss >= best) {
            return Ok(Control::Finish);
        }
        (self.best, self.parameters) = (Some(epoch.loss), model.parameter_vector().to_vec());
        Ok(Control::Continue)
    }
}

#[test]
fn a_callback_stops_training_and_sees_the_model() -> Outcome {
    let (data, mut network, mut patience) = (data(40), network()?, Patience::default());
    let mut trainer = Trainer::new(Mse, Sgd::new(40.0)).epochs(500).batch_size(50).callback(&mut patience);
    let history = trainer.fit(&mut network, &data)?;
    drop(trainer);
    let epochs = history.epochs().len();
    assert!(epochs < 500 && patience.steps == 3 * epochs);
    assert_eq!(patience.best, Some(history.epochs()[epochs - 2].loss));
    assert_ne!(patience.parameters, network.parameter_vector());
    Ok(())
}
