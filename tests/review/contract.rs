//! What a review is: it finds what `fit` finds, and changes nothing.

use std::sync::atomic::{AtomicUsize, Ordering};

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;

use crate::common::{Outcome, bits, error_of};
use crate::support::{model, none, standardised, table, trainer};

#[test]
fn a_history_holds_what_a_review_finds_even_of_training_that_fails() -> Outcome {
    let data = table(100);
    let mut model = model(34, Activation::Sigmoid, None);
    let mut found = Trainer::new(Mse, Adam::default()).review(&model, &data)?;
    let history = Trainer::new(Mse, Adam::default()).fit(&mut model, &data)?;
    assert_eq!(history.warnings(), found);
    assert_eq!(found.len(), 3, "{found:?}");
    found.remove(0);
    let history = trainer().fit_to(&mut model, &data, &data)?;
    assert_eq!(history.warnings().len(), 3, "inputs and targets: {:?}", history.warnings());

    let mut missing = table(60);
    missing[(3, 50)] = f64::NAN;
    let error = error_of(trainer().review(&model, &missing), "a missing cell");
    assert!(error.to_string().contains("sample 50"), "{error}");
    let Error::Train(error) = error_of(Trainer::new(Bce, Adam::new(5.0)).fit(&mut model, &data), "no probabilities")
    else {
        panic!("another error")
    };
    let warnings = error.history().warnings();
    assert!(warnings.iter().any(|warning| matches!(warning, Warning::LearningRate { .. })), "{warnings:?}");
    Ok(())
}

#[test]
fn a_review_changes_no_bits() -> Outcome {
    let data = standardised(&table(300));
    let train = |reviews: bool| -> Result<_, Error> {
        let mut model = model(34, Activation::Relu, None);
        let mut trainer = trainer().corrupt(Masking::new(0.1));
        if reviews {
            assert_eq!(trainer.review(&model, &data)?, trainer.review(&model, &data)?);
        }
        trainer.fit(&mut model, &data)?;
        Ok(bits(model.network().parameter_vector()))
    };
    assert_eq!(train(true)?, train(false)?);
    Ok(())
}

/// Counts the samples that are read.
struct Counted {
    samples: usize,
    features: usize,
    read: AtomicUsize,
}

impl Source<f32> for Counted {
    fn len(&self) -> usize {
        self.samples
    }
    fn features(&self) -> usize {
        self.features
    }
    fn read(&self, samples: &[usize], batch: &mut [f32]) -> Result<(), DataError> {
        self.read.fetch_add(samples.len(), Ordering::Relaxed);
        for (sample, values) in samples.iter().zip(batch.chunks_exact_mut(self.features)) {
            let value = |feature: usize| ((feature * 31 + sample * 17) % 101) as f32 / 100.0;
            values.iter_mut().enumerate().for_each(|(feature, to)| *to = value(feature));
        }
        Ok(())
    }
}

#[test]
fn a_review_reads_a_few_samples() -> Outcome {
    for (samples, features, most) in [(50, 10, 50), (1_000_000, 10, 256), (1000, 1 << 16, 16), (3, 1 << 21, 0)] {
        let source = Counted { samples, features, read: AtomicUsize::new(0) };
        let network = Network::<f32>::builder(Shape::flat(features)).layer(FirstValue).build()?;
        trainer().review_to(&network, &source, &Counted { samples, features: 1, read: AtomicUsize::new(0) })?;
        assert_eq!(source.read.into_inner(), most, "of {samples} samples of {features} features");
    }
    Ok(())
}

/// A user's layer without parameters: the first value.
#[derive(Debug)]
struct FirstValue;

impl Layer<f32> for FirstValue {
    fn kind(&self) -> &'static str {
        "first_value"
    }
    fn config(&self) -> Config {
        Config::new()
    }
    fn plan(&self, _input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        Ok(Plan::new(Shape::flat(1)))
    }

    fn forward(&self, context: &Context<'_, f32>, pass: Forward<'_, f32>) {
        let inputs = pass.input.chunks_exact(context.input_shape.elements());
        pass.output.iter_mut().zip(inputs).for_each(|(to, sample)| *to = sample[0]);
    }

    fn backward(&self, _context: &Context<'_, f32>, _pass: Backward<'_, f32>) {}
}

/// A source that fails once, when it is read first.
struct Flaky {
    data: DMatrix<f64>,
    failed: AtomicUsize,
}

impl Source<f64> for Flaky {
    fn len(&self) -> usize {
        self.data.ncols()
    }
    fn features(&self) -> usize {
        self.data.nrows()
    }
    fn read(&self, samples: &[usize], batch: &mut [f64]) -> Result<(), DataError> {
        match self.failed.fetch_add(1, Ordering::Relaxed) {
            0 => Err(DataError::Source("not yet".into())),
            _ => self.data.read(samples, batch),
        }
    }
}

#[test]
fn a_review_fails_no_training() -> Outcome {
    let flaky = || Flaky { data: standardised(&table(60)), failed: AtomicUsize::new(0) };
    let mut model = model(34, Activation::Relu, None);
    let error = error_of(trainer().review(&model, &flaky()), "a source that fails");
    assert!(error.to_string().contains("not yet"), "{error}");
    let history = Trainer::new(Mse, Adam::default()).fit(&mut model, &flaky())?;
    assert_eq!(history.warnings(), [Warning::OneEpoch { steps: 2 }], "what is seen without the data");
    Ok(())
}

/// A user's layer: twice the input.
#[derive(Debug)]
struct Twice;

impl Layer<f64> for Twice {
    fn kind(&self) -> &'static str {
        "twice"
    }
    fn config(&self) -> Config {
        Config::new()
    }
    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        Ok(Plan::new(input))
    }

    fn forward(&self, _context: &Context<'_, f64>, pass: Forward<'_, f64>) {
        pass.output.iter_mut().zip(pass.input).for_each(|(to, from)| *to = 2.0 * from);
    }

    fn backward(&self, _context: &Context<'_, f64>, pass: Backward<'_, f64>) {
        let Some(to) = pass.input_gradient else { return };
        to.iter_mut().zip(pass.output_gradient.iter()).for_each(|(to, from)| *to = 2.0 * from);
    }
}

/// A user's loss and schedule.
#[derive(Debug)]
struct Own;

impl Loss<f64> for Own {
    fn kind(&self) -> &'static str {
        "own"
    }
    fn config(&self) -> Config {
        Config::new()
    }
    fn evaluate(&self, pass: LossPass<'_, f64>) -> f64 {
        Mse.evaluate(pass)
    }
}

impl Schedule for Own {
    fn kind(&self) -> &'static str {
        "own"
    }
    fn config(&self) -> Config {
        Config::new()
    }
    fn factor(&self, _moment: &TrainingProgress<'_>) -> f64 {
        1e-6
    }
}

#[test]
fn parts_of_the_users_are_not_judged() -> Outcome {
    let data = standardised(&table(60));
    let base = || Autoencoder::<f64>::builder(Shape::flat(34));
    let last = base().encoder(Dense::new(4)).decoder(Dense::new(34).activation(Activation::Relu)).decoder(Twice);
    none(trainer().review(&last.build()?, &data)?, "outputs of a layer of one's own");
    let wide = base().encoder(Dense::new(100)).encoder(Twice).mirror(Activation::Linear);
    assert!(matches!(wide.build().unwrap_err().kind(), BuildErrorKind::NoMirror));
    let wide = base().encoder(Dense::new(100)).encoder(Twice).decoder(Dense::new(34));
    none(trainer().review(&wide.build()?, &data)?, "it may constrain the code");
    let first = base().encoder(Twice).encoder(Dense::new(4)).decoder(Dense::new(34)).decoder(Twice).build()?;
    none(trainer().review(&first, &table(60))?, "it may scale");

    let own = |rate| Trainer::new(Own, Adam::new(rate)).epochs(2);
    none(own(0.001).review(&model(34, Activation::Relu, None), &data)?, "a loss of one's own");
    let scheduled = Trainer::new(Mse, Adam::new(100.0)).epochs(2).schedule(Own);
    none(scheduled.review(&model(34, Activation::Linear, None), &data)?, "a schedule of one's own");
    let later = Trainer::new(Mse, Adam::new(100.0)).epochs(2).schedule(WarmUp::new(1.0, Own));
    none(later.review(&model(34, Activation::Linear, None), &data)?, "after a warm-up");
    Ok(())
}
