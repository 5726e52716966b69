//! Training that cannot begin, or cannot go on.

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;

use crate::common::{Outcome, error_of};
use crate::{data, model, not_finite};

fn trainer() -> Trainer<'static, f64> {
    Trainer::new(Bce, Adam::default()).batch_size(8).shuffle(false)
}

fn train_error(result: Result<History, Error>, what: &str) -> TrainError {
    match error_of(result, what) {
        Error::Train(error) => *error,
        other => panic!("{what}: {other:?}"),
    }
}

/// Whatever is wrong before the first step leaves the model as it was, and says so.
fn refused(trainer: Trainer<'_, f64>, inputs: &dyn Source<f64>, targets: Option<&dyn Source<f64>>, text: &str) {
    let mut model = model();
    let before = model.network().parameter_vector().to_vec();
    let mut trainer = trainer;
    let result = match targets {
        Some(targets) => trainer.fit_to(&mut model, inputs, targets),
        None => trainer.fit(&mut model, inputs),
    };
    let error = train_error(result, text);
    let message = error.to_string();
    assert!(
        message.starts_with(&format!("training stopped before the first step: {text}")),
        "{message}\nexpected: {text}"
    );
    assert_eq!((error.epoch(), error.step(), error.history().epochs().len()), (0, 0, 0));
    assert_eq!(model.network().parameter_vector(), before, "{text}");
}

#[test]
fn settings() {
    let data = data(20);
    let adam = |adam: Adam| Trainer::new(Mse, adam);
    let rows: Vec<(Trainer<'_, f64>, &str)> = vec![
        (trainer().batch_size(0), "`batch_size` is 0, expected at least 1"),
        (trainer().threads(0), "`threads` is 0, expected 1 to 1024"),
        (trainer().threads(1025), "`threads` is 1025, expected 1 to 1024"),
        (trainer().validation_fraction(1.0), "`validation_fraction` is 1, expected a number in 0..1"),
        (trainer().validation_fraction(-0.1), "`validation_fraction` is -0.1, expected a number in 0..1"),
        (trainer().validation_fraction(f64::NAN), "`validation_fraction` is NaN, expected a number in 0..1"),
        (
            trainer().validation_fraction(0.99),
            "`validation_fraction` is 0.99, expected a share that leaves samples to train on",
        ),
        (
            trainer().validation_fraction(1e-17), // a whole less this is still a whole
            "`validation_fraction` is 0.00000000000000001, expected a share of at least one sample",
        ),
        (adam(Adam::new(0.0)), "`learning_rate` is 0, expected a finite number above 0"),
        (adam(Adam::new(f64::NAN)), "`learning_rate` is NaN, expected a finite number above 0"),
        (adam(Adam::new(f64::INFINITY)), "`learning_rate` is inf, expected a finite number above 0"),
        (adam(Adam::default().betas(1.0, 0.9)), "`beta_1` is 1, expected a number in 0..1"),
        (adam(Adam::default().betas(0.9, -0.5)), "`beta_2` is -0.5, expected a number in 0..1"),
        (adam(Adam::default().epsilon(-1.0)), "`epsilon` is -1, expected a finite number, at least 0"),
        (
            Trainer::new(Mse, AdamW::default().weight_decay(-1.0)),
            "`weight_decay` is -1, expected a finite number, at least 0",
        ),
        (Trainer::new(Mse, Sgd::new(0.1).momentum(1.5)), "`momentum` is 1.5, expected a number in 0..1"),
        (Trainer::new(Mse, RmsProp::new(0.1).rho(2.0)), "`rho` is 2, expected a number in 0..1"),
        (Trainer::new(Huber::new(0.0), Sgd::default()), "`delta` is 0, expected a finite number above 0"),
        (Trainer::new(Huber::new(f64::NAN), Sgd::default()), "`delta` is NaN, expected a finite number above 0"),
        (trainer().clip(Clip::Norm(0.0)), "`clip norm` is 0, expected a finite number above 0"),
        (trainer().clip(Clip::Norm(f64::NAN)), "`clip norm` is NaN, expected a finite number above 0"),
        (trainer().clip(Clip::Value(-1.0)), "`clip value` is -1, expected a finite number above 0"),
    ];
    for (trainer, text) in rows {
        refused(trainer, &data, None, text);
    }
}

#[test]
fn schedules() {
    let epochs = "expected a finite number above 0";
    let share = "expected a number from 0 to 1";
    let rows: Vec<(Trainer<'_, f64>, String)> = vec![
        (trainer().schedule(Exponential::new(0.0)), "`decay` is 0, expected a number above 0, at most 1".to_owned()),
        (trainer().schedule(Exponential::new(0.5).every(0.0)), format!("`epochs` is 0, {epochs}")),
        (trainer().schedule(Cosine::new().over(f64::INFINITY)), format!("`epochs` is inf, {epochs}")),
        (trainer().schedule(Cosine::new().floor(-0.1)), format!("`floor` is -0.1, {share}")),
        (trainer().schedule(WarmUp::new(-1.0, Constant)), format!("`epochs` is -1, {epochs}")),
        (trainer().schedule(WarmUp::new(1.0, Constant).from(2.0)), format!("`start` is 2, {share}")),
        (trainer().schedule(WarmUp::new(1.0, Cosine::new().floor(2.0))), format!("`floor` is 2, {share}")),
        (trainer().schedule(OnPlateau::new(0)), "`patience` is 0, expected at least 1".to_owned()),
        (
            trainer().schedule(OnPlateau::new(1).times(1.0)),
            "`factor` is 1, expected a number between 0 and 1".to_owned(),
        ),
    ];
    for (trainer, text) in rows {
        refused(trainer, &data(20), None, &text);
    }
}

#[test]
fn early_stopping() {
    let (all, none) =
        (data(20), "early stopping needs validation data: `validation`, `validation_to` or `validation_fraction`");
    let stopping = |early: EarlyStopping| trainer().early_stopping(early);
    refused(stopping(EarlyStopping::new(3)), &all, None, none);
    refused(stopping(EarlyStopping::new(3)).validation_fraction(0.0), &all, None, none);
    let validated = |early: EarlyStopping| stopping(early).validation(&all);
    refused(validated(EarlyStopping::new(0)), &all, None, "`patience` is 0, expected at least 1");
    let text = "`min_delta` is -1, expected a finite number, at least 0";
    refused(validated(EarlyStopping::new(1).min_delta(-1.0)), &all, None, text);
}

/// A schedule that gives a rate that is none.
#[derive(Debug)]
struct Backwards;

impl Schedule for Backwards {
    fn kind(&self) -> &'static str {
        "backwards"
    }

    fn config(&self) -> Config {
        Config::new()
    }

    fn factor(&self, moment: &TrainingProgress<'_>) -> f64 {
        1.0 - moment.step as f64
    }
}

#[test]
fn a_schedule_that_goes_below_zero() {
    let error = train_error(trainer().schedule(Backwards).fit(&mut model(), &data(40)), "a rate below 0");
    let text = "training stopped in epoch 1, step 3: `scheduled learning rate` is -0.001, expected a finite number, at least 0";
    assert_eq!(error.to_string(), text);
}

#[test]
fn data_that_do_not_suit() {
    let (all, none, wide) = (data(20), DMatrix::<f64>::zeros(6, 0), DMatrix::<f64>::zeros(7, 20));
    let empty = DMatrix::<f64>::zeros(0, 0);
    let few = data(19);
    refused(trainer(), &none, None, "there are no samples");
    refused(trainer(), &empty, None, "there are no samples");
    refused(trainer(), &wide, None, "expected 6 features in each sample, found 7");
    refused(trainer().validation(&none), &all, None, "in the validation data: there are no samples");
    let text = "in the validation data: expected 6 features in each sample, found 7";
    refused(trainer().validation(&wide), &all, None, text);
    let text = "in the validation data: there are 20 inputs and 19 targets";
    refused(trainer().validation_to(&all, &few), &all, None, text);
    refused(trainer(), &all, Some(&few), "there are 20 inputs and 19 targets");
    refused(trainer(), &all, Some(&wide), "the model's output has 6 features (6), the targets have 7");
    let encoder = error_of(trainer().fit(&mut model().encoder(), &all), "an encoder has no targets");
    let text = "the model's output has 3 features (3), the targets have 6; `fit_to`, `validation_to` and `evaluate_to` take targets other than the inputs";
    assert_eq!(encoder.to_string(), format!("training stopped before the first step: {text}"));
}

/// Where nothing is trained, no error says that training stopped.
#[test]
fn evaluation_of_data_that_do_not_suit() {
    let (all, few, wide) = (data(20), data(19), DMatrix::<f64>::zeros(7, 20));
    for (targets, expected) in [
        (&few, InputError::Unpaired { inputs: 20, targets: 19 }),
        (&wide, InputError::Targets { output: Shape::flat(6), found: 7, inputs: false }),
    ] {
        let error = error_of(model().evaluate_to(&Bce, &all, targets), "other targets");
        assert!(matches!(&error, Error::Input(found) if *found == expected), "{error:?}");
        let error = error_of(model().network().evaluate_metric(Accuracy, &all, targets), "other targets");
        assert!(matches!(&error, Error::Input(found) if *found == expected), "{error:?}");
    }
    let error = error_of(model().encoder().evaluate(&Mse, &all), "an encoder has no targets");
    let expected = InputError::Targets { output: Shape::flat(3), found: 6, inputs: true };
    assert!(matches!(&error, Error::Input(found) if *found == expected), "{error:?}");
}

/// Bad data are found where they are read; nothing is learnt from the batch that holds them.
#[test]
fn bad_data_on_the_way() -> Outcome {
    let mut poisoned = data(40);
    poisoned[(4, 21)] = f64::NAN;
    let mut outside = data(40);
    outside[(2, 21)] = 1.5;
    for (bad, expected) in [(poisoned, not_finite(21, 4, NonFinite::Nan)), (outside, outside_the_unit_interval())] {
        let mut finished = model();
        trainer().fit(&mut finished, &data(40).columns(0, 16))?;
        let mut stopped = model();
        let error = train_error(trainer().epochs(3).fit(&mut stopped, &bad), "bad data");
        assert_eq!((error.epoch(), error.step()), (1, 3), "two steps of eight were finished");
        assert!(matches!(error.kind(), TrainErrorKind::Data(DataError::Input(input)) if *input == expected), "{error}");
        assert_eq!(stopped.network().parameter_vector(), finished.network().parameter_vector());
        let evaluated = error_of(model().evaluate(&Bce, &bad), "bad data");
        assert!(matches!(&evaluated, Error::Data(DataError::Input(input)) if *input == expected), "{evaluated}");
    }
    Ok(())
}

fn outside_the_unit_interval() -> InputError {
    InputError::Target { sample: 21, feature: 2, value: 1.5, scaled: false, loss: "bce", expected: "numbers in 0..=1" }
}

#[test]
fn targets_are_named_as_such() {
    let text = "feature 2 of target 21 (counted from 0) is 1.5, the loss `bce` takes numbers in 0..=1; scale the data with \
                `MinMaxScaler`, and `clip(0.0, 1.0)` it for values outside the range that it was fitted to; or take `Mse`, \
                which takes any number";
    assert_eq!(outside_the_unit_interval().to_string(), text);
}

/// Samples keep their numbers when they are shuffled and when they are held back, and the first bad
/// one is named.
#[test]
fn places_are_those_of_the_data() {
    let (good, mut bad) = (data(40), data(40));
    (bad[(4, 37)], bad[(0, 38)]) = (f64::INFINITY, f64::NAN);
    let expected = not_finite(37, 4, NonFinite::Infinity);
    let place = |error: &TrainError| matches!(error.kind(), TrainErrorKind::Data(DataError::Input(input)) if *input == expected);
    for seed in 0..5 {
        let error = train_error(trainer().shuffle(true).seed(seed).fit(&mut model(), &bad), "bad data");
        assert!(place(&error) && error.epoch() == 1, "{error}");
    }
    let error = train_error(trainer().validation_fraction(0.25).fit(&mut model(), &bad), "bad data");
    assert!(place(&error) && (error.epoch(), error.step()) == (0, 0), "{error}");
    assert!(error.to_string().starts_with("training stopped before the first step: "), "{error}");
    let error = train_error(trainer().fit_to(&mut model(), &good, &bad), "bad targets");
    assert!(error.to_string().contains("feature 4 of target 37 is infinite"), "{error}");
}

/// What the first epoch would end with is said before it begins: nothing is trained and lost.
#[test]
fn validation_data_are_checked_before_the_first_step() -> Outcome {
    let (good, mut bad, mut outside) = (data(40), data(40), data(40));
    (bad[(4, 37)], outside[(4, 37)]) = (f64::INFINITY, 1.5);
    let is_before = |error: TrainError, text: &str| {
        assert_eq!((error.epoch(), error.step(), error.history().epochs().len()), (0, 0, 0), "{error}");
        assert!(error.to_string().starts_with(&format!("training stopped before the first step: {text}")), "{error}");
    };
    let fit = |trainer: Trainer<'_, f64>, data: &DMatrix<f64>| {
        let (mut trainer, mut model) = (trainer, model());
        let before = model.network().parameter_vector().to_vec();
        let error = train_error(trainer.fit(&mut model, data), "bad validation data");
        assert_eq!(model.network().parameter_vector(), before);
        error
    };
    let place = "in the validation data: feature 4 of sample 37 is infinite";
    is_before(fit(trainer().validation(&bad), &good), place);
    let target = "in the validation data: feature 4 of target 37 is infinite";
    is_before(fit(trainer().validation_to(&good, &bad), &good), target);
    is_before(fit(trainer().corrupt(Masking::new(0.1)).validation(&bad), &good), place);
    let target = "in the validation data: feature 4 of target 37 (counted from 0) is 1.5, the loss `bce`";
    is_before(fit(trainer().validation(&outside), &good), target);
    is_before(fit(trainer().validation_fraction(0.1), &outside), "feature 4 of target 37 (counted from 0) is 1.5");
    Ok(())
}

/// Held-out values outside the range that the scaler was fitted to: the message names the option,
/// and it helps.
#[test]
fn held_out_values_outside_the_fitted_range_can_be_clipped() -> Outcome {
    let (train, held_out) = (data(40), data(10).map(|value| 1.5 * value - 0.2));
    let build = |scaler: Scaler| -> Result<Autoencoder<f64>, BuildError> {
        let builder = Autoencoder::builder(Shape::flat(6)).scaler(scaler).encoder(Dense::new(3));
        builder.mirror(Activation::Sigmoid).build()
    };
    let fit = |scaler: Scaler| trainer().epochs(2).validation(&held_out).fit(&mut build(scaler)?, &train);
    let error = train_error(fit(MinMaxScaler::fit(&train)?), "values outside");
    let text = error.to_string();
    assert!(error.epoch() == 0 && text.contains(" when scaled, the loss `bce` takes numbers in 0..=1"), "{error}");
    assert!(text.contains("`MinMaxScaler`") && text.contains("`clip(0.0, 1.0)`") && text.contains("`Mse`"), "{error}");
    let history = fit(MinMaxScaler::fit(&train)?.clip(0.0, 1.0)?)?;
    assert!(history.epochs().iter().all(|epoch| epoch.validation_loss.is_some_and(f64::is_finite)));
    Ok(())
}

/// A loss that is NaN from some call on.
#[derive(Debug)]
struct Failing {
    calls: std::sync::atomic::AtomicUsize,
    after: usize,
    gradient_only: bool,
}

impl Loss<f64> for Failing {
    fn kind(&self) -> &'static str {
        "failing"
    }

    fn config(&self) -> Config {
        Config::new()
    }

    fn evaluate(&self, pass: LossPass<'_, f64>) -> f64 {
        let bad = self.calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) >= self.after;
        if let Some(gradient) = pass.gradient {
            let slopes = pass.predictions.iter().zip(pass.targets).map(|(p, t)| pass.factor * (p - t));
            gradient.iter_mut().zip(slopes).for_each(|(gradient, slope)| *gradient = slope);
            gradient[0] = if bad { f64::NAN } else { gradient[0] };
        }
        if bad && !self.gradient_only { f64::NAN } else { 1.0 }
    }
}

/// A loss or a gradient that is not finite is never applied: the model holds the last finished
/// step.
#[test]
fn what_is_not_finite_is_not_applied() -> Outcome {
    let data = data(40); // five steps an epoch, one part each
    for gradient_only in [false, true] {
        let failing = |after| Failing { calls: Default::default(), after, gradient_only };
        let fit = |after, epochs, model: &mut Autoencoder<f64>| {
            Trainer::new(failing(after), Adam::default()).batch_size(8).epochs(epochs).fit(model, &data)
        };
        let (mut finished, mut stopped) = (model(), model());
        fit(usize::MAX, 1, &mut finished)?;
        let before = finished.network().parameter_vector().to_vec();
        let error = train_error(fit(5, 3, &mut stopped), "NaN");
        assert_eq!((error.epoch(), error.step(), error.history().epochs().len()), (2, 1, 1));
        assert_eq!(error.history().epochs()[0].number, 1);
        match gradient_only {
            false => {
                assert!(
                    matches!(error.kind(), TrainErrorKind::LossNotFinite { value, .. } if value.is_nan()),
                    "{error}"
                )
            }
            true => {
                assert!(
                    matches!(error.kind(), TrainErrorKind::UpdateNotFinite { parameter, .. } if parameter == "encoder.0.weight"),
                    "{error}"
                );
            }
        }
        assert!(error.to_string().starts_with("training stopped in epoch 2, step 1: "), "{error}");
        assert_eq!(stopped.network().parameter_vector(), before);
    }
    Ok(())
}

/// A cell that does not belong there is named, in the caller's order, with what it holds.
#[test]
fn a_number_that_is_far_too_large_is_named() {
    let mut extreme = data(40);
    extreme[(2, 17)] = -1e200;
    let text = "(the largest number in the data of this step is -1.000e200, feature 2 of sample 17)";
    for shuffle in [false, true] {
        let mut trainer = Trainer::new(Mse, Adam::new(0.01)).batch_size(8).shuffle(shuffle);
        let error = train_error(trainer.fit(&mut model(), &extreme), "1e200");
        assert!(
            error.to_string().ends_with(&format!("a smaller learning rate or scaled data may help {text}")),
            "{error}"
        );
    }
    let error = train_error(Trainer::new(Mse, Adam::new(0.01)).fit_to(&mut model(), &data(40), &extreme), "1e200");
    assert!(error.to_string().contains("-1.000e200, feature 2 of target 17)"), "{error}");
}

/// A learning rate far too large: whatever comes of it, the parameters stay finite and inference
/// works.
#[test]
fn divergence_leaves_a_usable_model() -> Outcome {
    let builder = Autoencoder::<f32>::builder(Shape::flat(6)).encoder(Dense::new(3)).mirror(Activation::Linear);
    let (mut model, data) = (builder.build()?, data(40).map(|value| value as f32));
    let result = Trainer::new(Mse, Sgd::new(1e18)).epochs(50).fit(&mut model, &data);
    let Error::Train(error) = error_of(result, "a rate of 1e18") else { panic!("another error") };
    assert!(error.epoch() >= 1, "{error}");
    assert!(error.to_string().contains("a smaller learning rate or scaled data may help"), "{error}");
    assert!(model.network().parameter_vector().iter().all(|value| value.is_finite()));
    Ok(())
}

/// An error whose message does not repeat its cause.
#[derive(Debug)]
struct NoReport(std::io::Error);

impl std::fmt::Display for NoReport {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("the report is not written")
    }
}

impl std::error::Error for NoReport {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

/// Fails after the second epoch.
struct Broken;

impl Callback<f64> for Broken {
    fn on_epoch(
        &mut self,
        epoch: &Epoch,
        _model: &Network<f64>,
    ) -> Result<Control, Box<dyn std::error::Error + Send + Sync>> {
        let full = NoReport(std::io::Error::other("the disk is full"));
        if epoch.number == 2 { Err(full.into()) } else { Ok(Control::Continue) }
    }
}

#[test]
fn a_callback_that_fails() {
    let error = train_error(trainer().epochs(5).callback(Broken).fit(&mut model(), &data(40)), "a broken callback");
    assert_eq!((error.epoch(), error.step(), error.history().epochs().len()), (2, 0, 2));
    assert!(matches!(error.kind(), TrainErrorKind::Callback(cause) if cause.is::<NoReport>()));
    let text = "training stopped after epoch 2: a callback failed: the report is not written: the disk is full";
    assert_eq!(error.to_string(), text);
}

/// A message is the whole of an error, and what it says is not to be found behind it once more.
#[test]
fn messages_hold_their_causes() {
    let data = data(20);
    let trained = |trainer: &mut Trainer<'static, f64>| error_of(trainer.fit(&mut model(), &data), "no training");
    let flat = || Network::<f64>::builder(Shape::flat(4));
    let rows: Vec<(Error, &str)> = vec![
        (DataError::Source(NoReport(std::io::Error::other("torn")).into()).into(), "not written: torn"),
        (error_of(flat().layer(Dense::new(0)).build(), "no units").into(), "`units` is 0, expected at least 1"),
        (error_of(Network::<f64>::load("no/such/file"), "no file").into(), "no/such/file: cannot be read: "),
        (error_of(autoencoder::data::idx::read_images("no/such/file"), "no file").into(), "cannot read no/such/file: "),
        (trained(&mut trainer().batch_size(0)), "`batch_size` is 0, expected at least 1"),
        (trained(&mut trainer().checkpoints(Checkpoints::new("a\0b"))), "cannot be used: "),
        (trained(&mut trainer().epochs(2).callback(Broken)), "not written: the disk is full"),
    ];
    for (error, text) in rows {
        assert!(error.to_string().contains(text), "{error}\nexpected: {text}");
        assert!(std::error::Error::source(&error).is_none(), "{error:?}");
    }
}

/// Settings that are large, but not wrong.
#[test]
fn a_batch_larger_than_the_data() -> Outcome {
    let history = trainer().batch_size(usize::MAX).epochs(2).fit(&mut model(), &data(20))?;
    assert_eq!(history.epochs().len(), 2);
    let mut untouched = model();
    assert!(trainer().epochs(0).fit(&mut untouched, &data(20))?.epochs().is_empty());
    assert_eq!(untouched.network().parameter_vector(), model().network().parameter_vector());
    assert!(matches!(Subset::new(&data(5), 2..6), Err(DataError::NoSuchSample { sample: 5, samples: 5 })));
    Ok(())
}
