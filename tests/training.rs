//! Training as its users do it, on the bundled MNIST images.

mod common;

use autoencoder::data::idx;
use autoencoder::nalgebra::DMatrix;
use autoencoder::*;
use common::{Outcome, bits, convolutional, distance, mnist};

type Layers<T> = fn(AutoencoderBuilder<T>) -> AutoencoderBuilder<T>;

/// The first `count` of the bundled images.
fn images<T: Scalar>(count: usize) -> DMatrix<T> {
    idx::read_images(mnist("t10k-images-idx3-ubyte")).unwrap().split_at(count).0.to_matrix()
}

fn labels(count: usize) -> idx::Labels {
    idx::read_labels(mnist("t10k-labels-idx1-ubyte")).unwrap().split_at(count).0
}

/// 784-32-784, as in the README's first example.
fn shallow<T: Scalar>(builder: AutoencoderBuilder<T>) -> AutoencoderBuilder<T> {
    builder
        .encoder(Dense::new(32).activation(Activation::Relu))
        .decoder(Dense::new(784).activation(Activation::Sigmoid))
}

fn deep<T: Scalar>(builder: AutoencoderBuilder<T>) -> AutoencoderBuilder<T> {
    let relu = |units| Dense::new(units).activation(Activation::Relu);
    builder
        .encoder(relu(128))
        .encoder(relu(64))
        .encoder(relu(32))
        .decoder(relu(64))
        .decoder(relu(128))
        .decoder(Dense::new(784).activation(Activation::Sigmoid))
}

fn mirrored<T: Scalar>(builder: AutoencoderBuilder<T>) -> AutoencoderBuilder<T> {
    builder
        .encoder(Conv2D::new(4, 3).stride(3).activation(Activation::Relu))
        .encoder(Dense::new(16).activation(Activation::Tanh))
        .mirror(Activation::Sigmoid)
}

fn built<T: Scalar>(layers: Layers<T>) -> Autoencoder<T> {
    layers(Autoencoder::builder(Shape::image(28, 28, 1))).seed(42).build().unwrap()
}

fn parameters<T: Scalar>(model: &Autoencoder<T>) -> Vec<u64> {
    bits(model.network().parameter_vector())
}

/// What is left of the loss over some images after a short training.
fn learns<T: Scalar>(layers: Layers<T>, count: usize, epochs: usize, most: f64) {
    let (data, mut model) = (images::<T>(count), built(layers));
    let before = model.evaluate(&Bce, &data).unwrap();
    let history = Trainer::new(Bce, Adam::new(0.003)).epochs(epochs).batch_size(32).fit(&mut model, &data).unwrap();
    let after = model.evaluate(&Bce, &data).unwrap();
    println!("{before:.4} to {after:.4}");
    assert!(before > 0.65 && after < most, "the loss went from {before} to {after}");
    assert_eq!(history.epochs().len(), epochs);
    assert!(history.loss() < Some(history.epochs()[0].loss));
}

#[test]
fn the_networks_of_the_readme_learn() {
    learns::<f32>(shallow, 1000, 10, 0.17);
    learns::<f64>(shallow, 1000, 10, 0.17);
    learns::<f32>(deep, 1000, 10, 0.25);
    learns::<f32>(mirrored, 1000, 10, 0.28);
    learns::<f32>(convolutional, 200, 4, 0.35);
    learns::<f64>(convolutional, 100, 4, 0.60);
}

/// A loop of one's own over `forward`, a loss, `backward` and an optimizer does what the trainer
/// does.
#[test]
fn the_explicit_loop_is_the_trainer_s() -> Outcome {
    let data = images::<f64>(100);
    for layers in [shallow::<f64>, mirrored::<f64>] {
        let (mut model, mut network) = (built(layers), built(layers).network().clone());
        let history =
            Trainer::new(Bce, Adam::default()).epochs(2).batch_size(40).shuffle(false).fit(&mut model, &data)?;

        let optimizer = Adam::default();
        let count = network.parameter_count();
        let (mut gradients, mut first, mut second) = (vec![0.0; count], vec![0.0; count], vec![0.0; count]);
        let (mut tape, mut sum) = (network.tape(40)?, 0.0);
        for step in 0..6 {
            let batch = data.columns(step % 3 * 40, if step % 3 == 2 { 20 } else { 40 });
            let link = Loss::<f64>::fused_activation(&Bce);
            let from_logits = network.ends_in(link);
            let outputs = network.forward(&mut tape, &batch, link, step)?;
            let mut slopes = vec![0.0; outputs.len()];
            let targets = batch.clone_owned();
            let pass = LossPass::new(network.output_shape(), outputs, targets.as_slice())?.from_logits(from_logits);
            let value = Bce.evaluate(pass.gradient(1.0 / batch.ncols() as f64, &mut slopes)?);
            sum += if step < 3 { value } else { 0.0 };
            network.backward(&mut tape, &slopes, &mut gradients)?;
            let rate = Optimizer::<f64>::learning_rate(&optimizer);
            let mut update = Ok(());
            network.update_parameters(|parameters| {
                let slots = [&mut first[..], &mut second[..], &mut [], &mut []];
                update = Update::new(&optimizer, step as u64 + 1, rate, parameters, &gradients, slots)
                    .map(|u| optimizer.update(u));
            })?;
            update?;
        }
        let trained = model.network().parameter_vector();
        assert!(distance(network.parameter_vector(), trained) < 1e-10);
        approx::assert_relative_eq!(sum / 100.0, history.epochs()[0].loss, max_relative = 1e-10);
    }
    Ok(())
}

#[test]
fn what_is_frozen_stays() -> Outcome {
    let (data, mut model) = (images::<f32>(64), built::<f32>(deep));
    let before = model.clone();
    model.freeze("encoder.")?;
    model.unfreeze("encoder.1.bias")?;
    Trainer::new(Bce, Adam::default()).fit(&mut model, &data)?;
    for (old, new) in before.parameters().zip(model.parameters()) {
        let stays = new.name.starts_with("encoder.") && new.name != "encoder.1.bias";
        assert_eq!(old.values == new.values, stays, "{}", new.name);
        assert_eq!(new.frozen, stays);
    }
    assert!(model.summary().to_string().contains("of them frozen"));
    model.freeze("")?;
    let all = parameters(&model);
    Trainer::new(Bce, Adam::default()).fit(&mut model, &data)?;
    assert_eq!(parameters(&model), all);
    Ok(())
}

/// Transfer: an encoder becomes a classifier; its own numbers come along, and stay where they are
/// frozen.
#[test]
fn an_encoder_becomes_a_classifier() -> Outcome {
    let (inputs, labels) = (images::<f32>(1100), labels(1100));
    let targets = labels.to_one_hot::<f32>(10)?;
    let mut model = built::<f32>(shallow);
    Trainer::new(Bce, Adam::new(0.003)).epochs(15).fit(&mut model, &inputs)?;
    let head = Dense::new(10).activation(Activation::Softmax);
    let mut classifier = model.encoder().extend().layer(head).seed(1).build()?;
    assert_eq!(classifier.parameter("encoder.0.weight")?.values, model.network().parameter("encoder.0.weight")?.values);
    let names: Vec<_> = classifier.layers().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(names, ["encoder.0", "layers.0"]);

    classifier.freeze("encoder.")?;
    let (train, rest) = (inputs.columns(0, 1000), inputs.columns(1000, 100));
    let (train_targets, rest_targets) = (targets.columns(0, 1000), targets.columns(1000, 100));
    let mut trainer = Trainer::new(CategoricalCrossEntropy, RmsProp::new(0.01)).epochs(20).metric(Accuracy);
    trainer = trainer.validation_to(&rest, &rest_targets);
    let history = trainer.fit_to(&mut classifier, &train, &train_targets)?;
    let last = history.epochs().last().unwrap();
    assert_eq!(last.metrics[0].0, "accuracy");
    assert!(last.metrics[0].1 > 0.85 && last.validation_metrics[0].1 > 0.7, "{last:?}");
    let again = classifier.evaluate_metric(Accuracy, &rest, &rest_targets)?;
    assert_eq!(again, last.validation_metrics[0].1);
    let predictions = classifier.predict(&rest)?;
    let right = predictions.column_iter().zip(rest_targets.column_iter()).filter(|(p, t)| p.imax() == t.imax()).count();
    assert_eq!(again, right as f64 / 100.0);
    assert_eq!(classifier.parameter("encoder.0.weight")?.values, model.network().parameter("encoder.0.weight")?.values);
    Ok(())
}

#[test]
fn an_extended_network_keeps_what_was_frozen() -> Outcome {
    let mut model = built::<f32>(shallow);
    model.freeze("encoder.0.weight")?;
    let extended = model.encoder().extend().layer(Dense::new(3)).build()?;
    let frozen: Vec<_> = extended.parameters().filter(|p| p.frozen).map(|p| p.name.to_owned()).collect();
    assert_eq!(frozen, ["encoder.0.weight"]);
    Ok(())
}

/// A fraction is the last part of the data as they are, whatever the shuffling.
#[test]
fn validation_data_are_apart_a_fraction_or_pairs() -> Outcome {
    let data = images::<f32>(200);
    let (train, rest) = (data.columns(0, 150), data.columns(150, 50));
    let trainer = || Trainer::new(Bce, Adam::default()).epochs(2).batch_size(64).seed(7);
    let mut models = [built::<f32>(shallow), built(shallow), built(shallow), built(shallow)];
    let fraction = trainer().validation_fraction(0.25).fit(&mut models[0], &data)?;
    let apart = trainer().validation(&rest).fit(&mut models[1], &train)?;
    let pairs = trainer().validation_to(&rest, &rest).fit(&mut models[2], &train)?;
    let none = trainer().validation_fraction(0.0).fit(&mut models[3], &train)?;
    assert!(models.iter().all(|model| parameters(model) == parameters(&models[0])));
    let losses = |history: &History| -> Vec<_> { history.epochs().iter().map(|epoch| epoch.validation_loss).collect() };
    assert!(losses(&fraction).iter().all(Option::is_some));
    assert_eq!(losses(&fraction), losses(&apart));
    assert_eq!(losses(&fraction), losses(&pairs));
    assert_eq!(losses(&none), [None, None]);
    assert_eq!(fraction.validation_loss(), Some(models[0].evaluate(&Bce, &rest)?));
    Ok(())
}

#[test]
fn targets_of_their_own() -> Outcome {
    let clean = images::<f32>(300);
    let mut random = common::Numbers::new(5);
    let noisy = clean.map(|pixel| (pixel + 0.3 * random.unit() as f32).min(1.0));
    let mut model = built::<f32>(shallow);
    let before = model.evaluate_to(&Bce, &noisy, &clean)?;
    Trainer::new(Bce, Adam::new(0.003)).epochs(5).fit_to(&mut model, &noisy, &clean)?;
    assert!(model.evaluate_to(&Bce, &noisy, &clean)? < 0.5 * before);
    Ok(())
}

/// Images as they lie in the file train to the same bits as the matrix made of them.
#[test]
fn a_file_of_images_is_a_source() -> Outcome {
    let (file, matrix) = (idx::read_images(mnist("t10k-images-idx3-ubyte"))?.split_at(100).0, images::<f32>(100));
    let mut models = [built::<f32>(shallow), built(shallow)];
    Trainer::new(Bce, Adam::default()).fit(&mut models[0], &file)?;
    Trainer::new(Bce, Adam::default()).fit(&mut models[1], &matrix)?;
    assert_eq!(parameters(&models[0]), parameters(&models[1]));
    assert_eq!(models[0].evaluate(&Bce, &file)?, models[0].evaluate(&Bce, &matrix)?);
    Ok(())
}

#[test]
fn seeds_choose_the_start_and_the_order() -> Outcome {
    let data = images::<f32>(100);
    let train = |build: u64, seed: u64, shuffle: bool| -> Result<Vec<u64>, Error> {
        let mut model = shallow(Autoencoder::<f32>::builder(Shape::image(28, 28, 1))).seed(build).build()?;
        Trainer::new(Bce, Adam::default()).seed(seed).shuffle(shuffle).fit(&mut model, &data)?;
        Ok(parameters(&model))
    };
    let base = train(1, 1, true)?;
    assert!(base == train(1, 1, true)? && base != train(2, 1, true)? && base != train(1, 2, true)?);
    assert!(base != train(1, 1, false)? && train(1, 1, false)? == train(1, 2, false)?);
    Ok(())
}

/// `fit` begins afresh: the optimizer's moments do not outlive it.
#[test]
fn a_second_fit_starts_the_optimizer_again() -> Outcome {
    let (data, mut one) = (images::<f32>(64), built::<f32>(shallow));
    let mut trainer = Trainer::new(Bce, Adam::default());
    trainer.fit(&mut one, &data)?;
    let mut two = one.clone();
    trainer.fit(&mut one, &data)?;
    Trainer::new(Bce, Adam::default()).fit(&mut two, &data)?;
    assert_eq!(parameters(&one), parameters(&two));
    Ok(())
}

#[test]
fn a_history_prints_and_writes_csv() -> Outcome {
    let (data, mut model) = (images::<f32>(64), built::<f32>(shallow));
    let mut steps = Vec::new();
    let mut trainer = Trainer::new(Bce, Adam::default()).epochs(2).metric(Accuracy).validation_fraction(0.5);
    trainer = trainer.on_progress(|progress| steps.push((progress.epoch, progress.step, progress.samples)));
    let history = trainer.fit(&mut model, &data)?;
    drop(trainer);
    assert_eq!(steps, [(1, 1, 32), (2, 1, 32)]);
    let mut csv = Vec::new();
    history.write_csv(&mut csv)?;
    let csv = String::from_utf8(csv)?;
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines[0], "epoch,loss,accuracy,validation_loss,validation_accuracy,seconds");
    assert!(lines.len() == 3 && lines[2].starts_with("2,0."));
    assert!(history.to_string().lines().next().unwrap().contains("validation_loss"));
    Ok(())
}

/// Counts how often it is read.
struct CountedReads {
    data: DMatrix<f64>,
    calls: std::sync::atomic::AtomicUsize,
}

impl Source<f64> for CountedReads {
    fn len(&self) -> usize {
        self.data.ncols()
    }

    fn features(&self) -> usize {
        self.data.nrows()
    }

    fn read(&self, samples: &[usize], batch: &mut [f64]) -> Result<(), DataError> {
        self.calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.data.read(samples, batch)
    }
}

/// Validation adds the losses of the same samples in the same order as `evaluate`, whatever the
/// batches of training; and is as fast.
#[test]
fn validation_has_the_bits_of_evaluate_for_every_batch_size() -> Outcome {
    let data = images::<f64>(700);
    let held_out = CountedReads { data: data.columns(60, 631).into_owned(), calls: 0.into() };
    let reads = || held_out.calls.swap(0, std::sync::atomic::Ordering::Relaxed);
    type Chosen = fn() -> Box<dyn Loss<f64>>;
    let losses: [Chosen; 3] = [|| Box::new(Bce), || Box::new(Mse), || Box::new(Mae)];
    for (loss, layers) in losses.into_iter().zip([shallow, mirrored, deep] as [Layers<f64>; 3]) {
        let mut reads_of_ones = None;
        for batch_size in [1, 7, 50, 60] {
            let mut model = built(layers);
            let trainer = Trainer::new(loss(), Sgd::new(0.01)).batch_size(batch_size).metric(Accuracy);
            let history = trainer.validation(&held_out).fit(&mut model, &data.columns(0, 60))?;
            let read = reads();
            assert_eq!(*reads_of_ones.get_or_insert(read), read, "batches of {batch_size}");
            let expected = model.evaluate(loss().as_ref(), &held_out)?;
            assert_eq!(history.validation_loss(), Some(expected), "batches of {batch_size}");
            let accuracy = model.network().evaluate_metric(Accuracy, &held_out, &held_out)?;
            assert_eq!(history.validation_metric("accuracy"), Some(accuracy), "batches of {batch_size}");
            reads();
            let mut model = built(layers);
            let mut trainer = Trainer::new(loss(), Sgd::new(0.01)).batch_size(batch_size).validation_fraction(0.9);
            let history = trainer.fit(&mut model, &data)?;
            let expected = model.evaluate(loss().as_ref(), &data.columns(70, 630))?;
            assert_eq!(history.validation_loss(), Some(expected), "batches of {batch_size}");
        }
    }
    Ok(())
}

/// A pool of two threads.
fn pool() -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("a pool")
}

/// Trains for two epochs, with steps that are worth several threads; calls `after` after each
/// epoch.
fn trained_in(threads: Option<usize>, seed: u64, after: impl Fn() + Send + Sync) -> Vec<u64> {
    let (data, mut model) = (images::<f32>(256), built::<f32>(shallow));
    let trainer = Trainer::new(Bce, Adam::default()).epochs(2).batch_size(128).seed(seed).threads(threads);
    let history = trainer.on_epoch(|_| after()).fit(&mut model, &data).expect("a training");
    assert_eq!(history.epochs().len(), 2);
    parameters(&model)
}

/// The other thread of the pool waits for the end of the training: it must not be waited for.
#[test]
fn a_thread_of_the_pool_may_wait_for_the_training() -> Outcome {
    let pool = pool();
    let (waits, is_waiting) = std::sync::mpsc::channel();
    let (end, ended) = std::sync::mpsc::channel();
    pool.spawn(move || {
        waits.send(()).expect("a test that listens");
        let _ = ended.recv();
    });
    is_waiting.recv()?;
    let busy = pool.install(|| trained_in(None, 1, || ()));
    end.send(())?;
    assert!(busy == trained_in(None, 1, || ()), "a busy pool has other bits");
    Ok(())
}

/// So may one of the trainer's own pool, started by a callback.
#[test]
fn a_thread_of_the_trainers_own_pool_may_wait_for_the_training() -> Outcome {
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let ended = std::sync::Mutex::new(Some(ended));
    trained_in(Some(2), 1, || {
        let Some(ended) = ended.lock().expect("no panic").take() else { return };
        let (waits, is_waiting) = std::sync::mpsc::channel();
        if cfg!(feature = "parallel") {
            rayon::spawn(move || {
                waits.send(()).expect("a callback that listens");
                let _ = ended.recv();
            });
            is_waiting.recv().expect("the other thread takes it");
        }
    });
    drop(end);
    Ok(())
}

/// Each training ends its epochs only together with the other's: one that waited for the other's
/// thread would wait forever.
#[test]
fn trainings_in_one_pool_run_side_by_side() {
    let (both, begun) = (std::sync::Barrier::new(2), std::sync::Barrier::new(2));
    let train = |seed| {
        begun.wait(); // each has a thread of its own from here on
        trained_in(None, seed, || _ = both.wait())
    };
    let (one, other) = pool().install(|| rayon::join(|| train(1), || train(2)));
    assert!(one == trained_in(None, 1, || ()) && other == trained_in(None, 2, || ()) && one != other);
}

#[test]
fn trainings_in_a_parallel_iterator_have_the_bits_of_one_after_another() {
    use rayon::iter::{IntoParallelIterator, ParallelIterator};
    let at_once: Vec<_> = pool().install(|| (0..5).into_par_iter().map(|seed| trained_in(None, seed, || ())).collect());
    let in_order: Vec<_> = (0..5).map(|seed| trained_in(None, seed, || ())).collect();
    assert!(at_once == in_order);
}

/// A loop of one's own, passes by hand, trains a model with running statistics to the bits of
/// `Trainer`.
#[test]
fn a_loop_of_ones_own_trains_a_batch_normalised_model_with_the_same_bits() -> Outcome {
    let build = || {
        Autoencoder::<f64>::builder(Shape::flat(20))
            .encoder(Dense::new(12).without_bias())
            .encoder(BatchNorm::new().momentum(0.8))
            .encoder(Activation::Relu)
            .encoder(Dense::new(4))
            .decoder(Dense::new(20).activation(Activation::Sigmoid))
            .seed(5)
            .build()
    };
    let data: DMatrix<f64> = common::Numbers::new(9).matrix(20, 90);
    let (mut by_trainer, mut by_hand) = (build()?, build()?);
    let optimizer = Sgd::new(0.3);
    Trainer::new(Bce, optimizer).epochs(3).batch_size(30).shuffle(false).fit(&mut by_trainer, &data)?;

    let link = Loss::<f64>::fused_activation(&Bce);
    let mut tape = by_hand.network().tape(30)?;
    let (mut slopes, mut gradients) = (vec![0.0; 20 * 30], vec![0.0; by_hand.network().parameter_count()]);
    for step in 0..9 {
        let batch = data.columns(step % 3 * 30, 30).into_owned();
        let outputs = by_hand.network().forward(&mut tape, &batch, link, step)?;
        let pass = LossPass::new(Shape::flat(20), outputs, batch.as_slice())?.from_logits(true);
        Bce.evaluate(pass.gradient(1.0 / 30.0, &mut slopes)?);
        by_hand.network().backward(&mut tape, &slopes, &mut gradients)?;
        by_hand.update_parameters(|parameters| {
            let slots = [&mut [][..], &mut [], &mut [], &mut []];
            Update::new(&optimizer, step as u64 + 1, 0.3, parameters, &gradients, slots)
                .map(|update| optimizer.update(update))
        })??;
        by_hand.update_state(&tape)?;
    }
    let numbers = |model: &Autoencoder<f64>| {
        let state: Vec<f64> = model.network().state().flat_map(|state| state.values.to_vec()).collect();
        (bits(model.network().parameter_vector()), bits(&state))
    };
    assert!(numbers(&by_trainer) == numbers(&by_hand));
    assert_eq!(by_trainer.encode(&data)?, by_hand.encode(&data)?);
    Ok(())
}

/// A batch of one value per channel has no variance: it is normalised, but the running statistics
/// stay.
#[test]
fn a_batch_of_one_value_leaves_the_running_statistics_alone() -> Outcome {
    let build = || Network::<f64>::builder(Shape::flat(3)).layer(BatchNorm::new().momentum(0.5)).build();
    let data: DMatrix<f64> = common::Numbers::new(2).matrix(3, 129);
    let fit = |samples: usize| -> Result<Network<f64>, Error> {
        let mut network = build()?;
        let trainer = Trainer::new(Mse, Sgd::new(1e-9)).batch_size(128).shuffle(false);
        trainer.seed(1).epochs(8).fit(&mut network, &data.columns(0, samples))?;
        Ok(network)
    };
    let state = |network: &Network<f64>| network.state().map(|state| state.values.to_vec()).collect::<Vec<_>>();
    let (even, odd) = (fit(128)?, fit(129)?);
    for (even, odd) in state(&even).iter().zip(&state(&odd)) {
        assert!(distance(odd, even) < 1e-6, "{odd:?} and {even:?}");
    }
    let error = common::error_of(Trainer::new(Mse, Sgd::new(0.1)).batch_size(1).fit(&mut build()?, &data), "one value");
    assert!(error.to_string().contains("before the first step") && error.to_string().contains("`layers.0`"), "{error}");
    let mut frozen = build()?;
    frozen.freeze("")?;
    Trainer::new(Mse, Sgd::new(0.1)).batch_size(1).fit(&mut frozen, &data)?;
    let mut images = Network::<f64>::builder(Shape::image(2, 2, 1)).layer(BatchNorm::new()).build()?;
    Trainer::new(Mse, Sgd::new(0.1)).batch_size(1).fit(&mut images, &common::Numbers::new(2).matrix::<f64>(4, 9))?;
    Ok(())
}

/// A change of parameters that fails, or panics, is no change: parameters and packed weights are as
/// they were.
#[test]
fn parameters_change_as_a_whole_or_not_at_all() -> Outcome {
    let mut network = Network::<f64>::builder(Shape::flat(5)).layer(Dense::new(40)).layer(Dense::new(3)).build()?;
    let data: DMatrix<f64> = common::Numbers::new(7).matrix(5, 9);
    let (before, outputs) = (network.parameter_vector().to_vec(), network.predict(&data)?);
    let refused = network.update_parameters(|all| (all[3], all[9]) = (7.0, f64::NAN));
    assert!(matches!(refused, Err(ParameterError::NotFinite { element: 9, .. })), "{refused:?}");
    let panics = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = network.update_parameters(|all| {
            all[3] = 7.0;
            panic!("half-way");
        });
    }));
    assert!(panics.is_err() && network.parameter_vector() == before);
    assert_eq!(network.predict(&data)?, outputs);
    network.update_parameters(|all| all.fill(0.5))?;
    assert_ne!(network.predict(&data)?, outputs);
    Ok(())
}
