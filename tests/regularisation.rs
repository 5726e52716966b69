//! Schedules, clipping, early stopping, penalties on weights, and the layers against overfitting.

mod common;

use std::sync::atomic::{AtomicBool, Ordering};
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

/// Step, epochs elapsed, epochs in all, losses.
type Seen = (u64, f64, f64, Vec<f64>);

/// Remembers the moments of its steps.
#[derive(Debug, Clone, Default)]
struct Recorded(Arc<Mutex<Vec<Seen>>>);

impl Schedule for Recorded {
    fn kind(&self) -> &'static str {
        "recorded"
    }

    fn config(&self) -> Config {
        Config::new()
    }

    fn factor(&self, moment: &TrainingProgress<'_>) -> f64 {
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

/// A rate so large that the loss soon grows: training ends, and the model is the one of the best
/// epoch.
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

/// The mean squared error; over validation data no number at all, from the moment when `broken` is
/// set.
#[derive(Debug, Clone, Default)]
struct Breaking {
    broken: Arc<AtomicBool>,
}

impl Loss<f64> for Breaking {
    fn kind(&self) -> &'static str {
        "breaking"
    }

    fn config(&self) -> Config {
        Config::new()
    }

    fn evaluate(&self, pass: LossPass<'_, f64>) -> f64 {
        let breaks = pass.gradient.is_none() && self.broken.load(Ordering::Relaxed);
        if breaks { -f64::NAN } else { Mse.evaluate(pass) }
    }
}

/// Sets the flag after the epoch with this number.
struct BreakAfter(usize, Arc<AtomicBool>);

impl Callback<f64> for BreakAfter {
    fn on_epoch(
        &mut self,
        epoch: &Epoch,
        _: &Network<f64>,
    ) -> Result<Control, Box<dyn std::error::Error + Send + Sync>> {
        self.1.fetch_or(epoch.number == self.0, Ordering::Relaxed);
        Ok(Control::Continue)
    }
}

/// Whichever its sign: `f64::total_cmp` has negative ones below all numbers.
#[test]
fn a_loss_that_is_no_number_is_never_the_best() -> Outcome {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("no-number-{}", std::process::id()));
    let (data, loss) = (data(40), Breaking::default());
    let trainer = |loss: &Breaking| Trainer::new(loss.clone(), Sgd::new(0.01)).epochs(9).validation_fraction(0.5);
    let mut stopped = model();
    let mut until_three = trainer(&loss).callback(BreakAfter(3, Arc::clone(&loss.broken)));
    until_three = until_three.early_stopping(EarlyStopping::new(4)).checkpoints(Checkpoints::new(&folder));
    let history = until_three.fit(&mut stopped, &data)?;
    assert_eq!((history.best().map(|best| best.number), history.epochs().len()), (Some(3), 7));
    let best = Autoencoder::<f64>::load(folder.join("best.safetensors"))?;
    assert_eq!(parameters(&best), parameters(&stopped));
    std::fs::remove_dir_all(&folder)?;

    let never = trainer(&loss).checkpoints(Checkpoints::new(&folder)).fit(&mut model(), &data)?;
    assert!(never.best().is_none() && !folder.join("best.safetensors").exists(), "{never}");
    std::fs::remove_dir_all(&folder)?;
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

/// With every option of this file on.
fn regularised() -> Result<Autoencoder<f64>, BuildError> {
    Autoencoder::builder(Shape::flat(12))
        .encoder(GaussianNoise::new(0.1))
        .encoder(Dense::new(20).without_bias().weight_regularizer(Regularizer::l2(1e-3)))
        .encoder(BatchNorm::new().momentum(0.8))
        .encoder(Activation::Relu)
        .encoder(Dropout::new(0.2))
        .encoder(Dense::new(5).weight_regularizer(Regularizer::l1(1e-3)))
        .mirror(Activation::Sigmoid)
        .build()
}

#[test]
fn a_mirror_leaves_out_noise_and_keeps_normalisation() -> Outcome {
    let model = regularised()?;
    let kinds: Vec<&str> = model.network().layers().skip(6).map(|(_, layer)| layer.kind()).collect();
    assert_eq!(kinds, ["dense", "batch_norm", "activation", "dense"]);
    let builder = Autoencoder::<f64>::builder(Shape::flat(6)).encoder(BatchNorm::new());
    let first = builder.encoder(Dense::new(4).activation(Activation::Tanh)).encoder(BatchNorm::new());
    let first = first.encoder(Dense::new(2)).mirror(Activation::Sigmoid).build()?;
    let kinds: Vec<_> =
        first.network().layers().skip(4).map(|(_, layer)| (layer.kind(), activation_of(layer))).collect();
    let (linear, tanh, sigmoid) = (Activation::Linear, Activation::Tanh, Activation::Sigmoid);
    let expected = [("dense", tanh), ("batch_norm", linear), ("dense", sigmoid)];
    assert_eq!(kinds, expected);
    Ok(())
}

/// The code's activation is not applied a second time; between layers one that is a layer of its
/// own is mirrored as a fused one is.
#[test]
fn a_mirror_does_not_repeat_the_activation_of_the_code() -> Outcome {
    let layers = |apart: bool| -> Result<Vec<(&'static str, Activation)>, Error> {
        let builder = Autoencoder::<f64>::builder(Shape::flat(6));
        let dense = |units: usize, activation| Dense::new(units).activation(activation);
        let builder = match apart {
            true => builder
                .encoder(Dense::new(5))
                .encoder(Activation::Tanh)
                .encoder(Dense::new(3))
                .encoder(Activation::Sigmoid),
            false => builder.encoder(dense(5, Activation::Tanh)).encoder(dense(3, Activation::Sigmoid)),
        };
        let model = builder.mirror(Activation::Linear).build()?;
        let decoder = model.network().layers().filter(|(name, _)| name.starts_with("decoder"));
        Ok(decoder.map(|(_, layer)| (layer.kind(), activation_of(layer))).collect())
    };
    let (linear, tanh) = (Activation::Linear, Activation::Tanh);
    assert_eq!(layers(true)?, [("dense", linear), ("activation", tanh), ("dense", linear)]);
    assert_eq!(layers(false)?, [("dense", tanh), ("dense", linear)]);
    Ok(())
}

/// The penalty is in the history by name, once whatever the number of samples, and not in the loss.
#[test]
fn penalties_on_weights_are_reported_by_name() -> Outcome {
    let (data, penalty) = (data(20), Regularizer::l1_l2(0.1, 0.5));
    let builder = Autoencoder::<f64>::builder(Shape::flat(12)).encoder(Dense::new(5).weight_regularizer(penalty));
    let mut model = builder.mirror(Activation::Linear).build()?;
    let by_hand = |weight: &[f64]| weight.iter().map(|w| 0.1 * w.abs() + 0.5 * w * w).sum::<f64>();
    let network = model.network();
    let values = ["encoder.0.weight", "decoder.0.weight"].map(|name| by_hand(network.parameter(name).unwrap().values));
    let loss = model.evaluate(&Mse, &data)?;
    let history = Trainer::new(Mse, Sgd::new(1e-12)).batch_size(7).fit(&mut model, &data)?;
    let epoch = &history.epochs()[0];
    approx::assert_relative_eq!(epoch.loss, loss, max_relative = 1e-9);
    for ((name, value), (expected_name, expected)) in
        epoch.penalties.iter().zip(["encoder.0.weight.l1_l2", "decoder.0.weight.l1_l2"].into_iter().zip(values))
    {
        assert_eq!(name, expected_name);
        approx::assert_relative_eq!(*value, expected, max_relative = 1e-9);
    }
    model.freeze("encoder.")?;
    let history = Trainer::new(Mse, Sgd::new(0.1)).fit(&mut model, &data)?;
    assert_eq!(history.epochs()[0].penalties[0].1, 0.0);
    assert!(history.epochs()[0].penalties[1].1 > 0.0);
    Ok(())
}

#[test]
fn penalties_make_weights_smaller() -> Outcome {
    let sizes = [Regularizer::l2(0.0), Regularizer::l2(0.01), Regularizer::l1(0.01)].map(|penalty| {
        let builder = Autoencoder::<f64>::builder(Shape::flat(12)).encoder(Dense::new(8).weight_regularizer(penalty));
        let mut model = builder.mirror(Activation::Linear).build().unwrap();
        Trainer::new(Mse, Adam::new(0.01)).epochs(40).fit(&mut model, &data(60)).unwrap();
        let weight = model.network().parameter("encoder.0.weight").unwrap().values.to_vec();
        let small = weight.iter().filter(|w| w.abs() < 0.01).count();
        (weight.iter().map(|w| w * w).sum::<f64>(), small)
    });
    println!("sum of squares and small weights: {sizes:?}");
    assert!(sizes[1].0 < 0.7 * sizes[0].0 && sizes[2].0 < 0.7 * sizes[0].0, "{sizes:?}");
    assert!(sizes[2].1 > 2 * sizes[0].1, "L1 makes many weights nearly zero: {sizes:?}");
    Ok(())
}

#[test]
fn everything_together_gives_the_same_bits_for_any_threads() -> Outcome {
    let data = data(90);
    let mut results = Vec::new();
    for threads in [1, 2, 3, 5] {
        let mut model = regularised()?;
        let trainer = Trainer::new(Mse, Adam::new(0.01)).epochs(4).validation_fraction(0.3).clip(Clip::Norm(0.5));
        let trainer = trainer.schedule(OnPlateau::new(1)).early_stopping(EarlyStopping::new(2)).batch_size(40);
        let history = { trainer }.threads(threads).fit(&mut model, &data)?;
        let state: Vec<f64> = model.network().state().flat_map(|state| state.values.to_vec()).collect();
        let losses: Vec<f64> =
            history.epochs().iter().flat_map(|epoch| [Some(epoch.loss), epoch.validation_loss]).flatten().collect();
        results.push((parameters(&model), bits(&state), bits(&losses)));
    }
    assert!(results.iter().all(|result| *result == results[0]));
    Ok(())
}

/// Running statistics are part of the model that early stopping gives back.
#[test]
fn the_best_epoch_has_its_running_statistics() -> Outcome {
    let (train, rest) = (data(30), Numbers::new(9).matrix::<f64>(12, 30));
    let mut model = regularised()?;
    let trainer = Trainer::new(Mse, Adam::new(0.02)).epochs(300).validation(&rest);
    let history = { trainer }.early_stopping(EarlyStopping::new(5)).fit(&mut model, &train)?;
    assert!(history.epochs().len() < 300);
    assert_eq!(history.best().unwrap().validation_loss, Some(model.evaluate(&Mse, &rest)?));
    Ok(())
}

/// A last batch of one, and input that is zero throughout.
#[test]
fn the_smallest_batches_work() -> Outcome {
    let mut model = regularised()?;
    let zeros = DMatrix::zeros(12, 3);
    let history = Trainer::new(Mse, Sgd::new(0.1)).batch_size(2).epochs(3).fit(&mut model, &zeros)?;
    assert!(history.loss().unwrap().is_finite());
    assert!(model.reconstruct(&zeros)?.iter().all(|value| value.is_finite()));
    Ok(())
}

/// A model with running statistics, saved and loaded, gives the same bits.
#[test]
fn a_trained_model_comes_back_from_its_file() -> Outcome {
    let (data, mut model) = (data(40), regularised()?);
    Trainer::new(Mse, Adam::new(0.01)).epochs(2).fit(&mut model, &data)?;
    let mut bytes = Vec::new();
    model.write_to(&mut bytes)?;
    let again = Autoencoder::<f64>::from_bytes(&bytes)?;
    assert_eq!(again.reconstruct(&data)?, model.reconstruct(&data)?);
    assert_eq!(again.encode(&data.columns(3, 1))?, model.encode(&data)?.columns(3, 1));
    Ok(())
}

/// A network whose normalisation is frozen, after some training.
fn with_frozen_normalisation() -> Result<Network<f64>, Error> {
    let builder =
        Network::builder(Shape::image(4, 3, 1)).layer(Conv2D::new(3, 3)).layer(BatchNorm::new().momentum(0.5));
    let mut network = builder.layer(Activation::Tanh).layer(Flatten::new()).layer(Dense::new(12)).seed(4).build()?;
    Trainer::new(Mse, Adam::new(0.01)).epochs(3).fit(&mut network, &data(64))?;
    network.freeze("layers.1")?;
    Ok(network)
}

/// As with Keras's `trainable = False`: frozen, it is in inference mode, and training leaves what
/// it has seen as it is.
#[test]
fn frozen_normalisation_rests() -> Outcome {
    let mut network = with_frozen_normalisation()?;
    let (before, other) = (network.clone(), Numbers::new(11).matrix(12, 64).map(|value: f64| 3.0 * value + 5.0));
    let mut tape = network.tape(64)?;
    let trained = network.forward(&mut tape, &other, None, 0)?.to_vec();
    assert_eq!(trained, network.predict(&other)?.as_slice(), "the outputs in training are those in inference");
    network.update_state(&tape)?;
    Trainer::new(Mse, Adam::new(0.01)).epochs(3).fit(&mut network, &other)?;
    let state = |network: &Network<f64>| network.state().flat_map(|state| state.values.to_vec()).collect::<Vec<f64>>();
    assert_eq!(state(&network), state(&before));
    for (new, old) in network.parameters().zip(before.parameters()) {
        assert_eq!(new.values == old.values, new.name.starts_with("layers.1."), "{}", new.name);
    }
    network.unfreeze("layers.1.beta")?;
    Trainer::new(Mse, Adam::new(0.01)).fit(&mut network, &other)?;
    assert_ne!(state(&network), state(&before), "it trains, so that it follows the data");
    Ok(())
}

#[test]
fn the_gradient_through_frozen_normalisation() -> Outcome {
    let (mut network, data) = (with_frozen_normalisation()?, data(20));
    let weights = Numbers::new(12).matrix::<f64>(12, 20).map(|value| value - 0.5);
    let mut tape = network.tape_with_input_gradient(20)?;
    network.forward(&mut tape, &data, None, 0)?;
    let mut gradients = vec![0.0; network.parameter_count()];
    network.backward(&mut tape, weights.as_slice(), &mut gradients)?;
    let by_input = tape.input_gradient().to_vec();
    let terms = |network: &Network<f64>, data: &DMatrix<f64>| -> Vec<f64> {
        let outputs = network.predict(data).expect("outputs");
        outputs.iter().zip(&weights).map(|(output, weight)| output * weight).collect()
    };
    let mut found = testing::compare_gradient(data.as_slice(), &by_input, 1, |moved| {
        terms(&network, &DMatrix::from_column_slice(12, 20, moved))
    });
    let convolution = network.parameter("layers.0.weight")?.values.to_vec();
    let analytic = gradients[..convolution.len()].to_vec();
    found.add(testing::compare_gradient(&convolution, &analytic, 2, |moved| {
        network.set_parameter("layers.0.weight", moved).expect("a weight");
        terms(&network, &data)
    }));
    assert!(found.error < 1e-9 && found.compared > 40, "{:.1e} over {}", found.error, found.compared);
    Ok(())
}

/// The activation that a layer applies last.
fn activation_of(layer: &dyn Layer<f64>) -> Activation {
    layer.config().config("activation").map_or(Activation::Linear, |config| Activation::from_config(config).unwrap())
}
