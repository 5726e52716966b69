//! No allocation in a training step after the first, nor in inference with a workspace; counted,
//! not stated.

mod common;
#[path = "common/heap.rs"]
mod heap;

use std::sync::Arc;

use autoencoder::*;
use common::{Numbers, Outcome};

const NATS: Reduction = Reduction::SumPerSample;

/// Dense layers with room for several threads, and several activations.
fn dense() -> Result<Autoencoder<f32>, BuildError> {
    Autoencoder::builder(Shape::flat(400))
        .encoder(Dense::new(120).activation(Activation::Gelu))
        .encoder(Dense::new(16).activation(Activation::Tanh))
        .mirror(Activation::Sigmoid)
        .build()
}

/// Layers that draw random numbers, wait for the whole batch, keep state; penalties on weights.
fn regularised() -> Result<Autoencoder<f32>, BuildError> {
    Autoencoder::builder(Shape::flat(400))
        .encoder(GaussianNoise::new(0.1))
        .encoder(Dense::new(120).without_bias().weight_regularizer(Regularizer::l1_l2(1e-6, 1e-6)))
        .encoder(BatchNorm::new())
        .encoder(Activation::Relu)
        .encoder(Dropout::new(0.2))
        .encoder(Dense::new(16))
        .mirror(Activation::Sigmoid)
        .build()
}

fn convolutional() -> Result<Autoencoder<f32>, BuildError> {
    Autoencoder::builder(Shape::image(20, 20, 1))
        .encoder(Conv2D::new(8, 3).activation(Activation::Relu))
        .encoder(MaxPool::new(2))
        .encoder(Conv2D::new(8, 3).stride(2).activation(Activation::Silu))
        .decoder(Conv2DTranspose::new(8, 3).stride(2).activation(Activation::Softplus))
        .decoder(UpSample::new(2).interpolation(Interpolation::Bilinear))
        .decoder(Conv2D::new(1, 3).activation(Activation::Sigmoid))
        .build()
}

/// Values that several layers read.
fn joined() -> Result<Autoencoder<f32>, BuildError> {
    Autoencoder::builder(Shape::image(20, 20, 1))
        .encoder_named("fine", Conv2D::new(4, 3).activation(Activation::Relu))
        .encoder(MaxPool::new(2))
        .encoder(Block::new().layer(Conv2D::new(4, 3)).layer(BatchNorm::new()).layer(Add::with("input")))
        .decoder(UpSample::new(2))
        .decoder(Concatenate::with("encoder.fine"))
        .decoder(Conv2D::new(4, 3).activation(Activation::Sigmoid))
        .decoder(Multiply::with("encoder.fine"))
        .decoder(Conv2D::new(1, 3).activation(Activation::Sigmoid))
        .build()
}

/// Tied and sparse in every way.
fn sparse() -> Result<Autoencoder<f32>, BuildError> {
    Autoencoder::builder(Shape::flat(400))
        .encoder(Dense::new(120).activation(Activation::Sigmoid))
        .encoder(TargetRate::new(0.1, 1e-3))
        .encoder(TopK::new(30).inference_factor(1.5))
        .encoder(L1Activity::new(1e-4))
        .mirror_tied(Activation::Sigmoid)
        .build()
}

fn variational() -> Result<Autoencoder<f32>, BuildError> {
    Autoencoder::builder(Shape::flat(400))
        .encoder(Dense::new(120).activation(Activation::Relu))
        .encoder(Dense::new(20))
        .encoder(GaussianLatent::new().free_bits(0.1).warm_up(KlAnnealing::Linear { epochs: 2.0 }))
        .decoder(Dense::new(400).activation(Activation::Sigmoid))
        .build()
}

/// One test, for the count is everyone's: what reports another's end would be counted.
#[test]
fn allocations() -> Outcome {
    steps_allocate_nothing()?;
    epochs_allocate_only_their_reports()?;
    explicit_passes_allocate_nothing_after_the_first()?;
    updates_of_parameters_allocate_nothing_after_the_first()?;
    inference_with_a_workspace_allocates_nothing()?;
    scores_with_a_workspace_allocate_nothing()?;
    a_plain_call_allocates_its_result_and_little_more()?;
    a_validation_allocates_only_its_report()
}

/// Allocations between the end of the first step and that of the last, of one epoch.
fn between_steps(model: &mut Autoencoder<f32>, trainer: Trainer<'_, f32>, threads: usize) -> Result<usize, Error> {
    let data = Numbers::new(3).matrix::<f32>(400, 1600);
    let (mut first, mut last) = (0, 0);
    let mut trainer = trainer.batch_size(16).on_progress(|progress| {
        last = heap::calls();
        first = if progress.step == 1 { last } else { first };
    });
    in_pool(threads, || trainer.fit(model, &data))?;
    drop(trainer);
    Ok(last - first)
}

/// Does `work` in a pool whose threads have ended when it returns: a thread that ends allocates
/// once more, and the trainer waits for none of its own.
fn in_pool<R: Send>(threads: usize, work: impl FnOnce() -> R + Send) -> R {
    let mut handles = Vec::new();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).spawn_handler(|thread| {
        handles.push(std::thread::Builder::new().spawn(|| thread.run())?);
        Ok(())
    });
    let result = pool.build().expect("a pool").install(work);
    handles.into_iter().for_each(|handle| handle.join().expect("a thread that ends in order"));
    result
}

/// A pool's threads allocate a few times of their own when they first steal work, whenever that is.
const OF_A_THREAD: usize = 4;

fn steps_allocate_nothing() -> Outcome {
    for threads in [1, 2, 4] {
        let most = if threads == 1 { 0 } else { threads * OF_A_THREAD };
        for build in [dense, convolutional, regularised, joined, sparse, variational] {
            let mut model = build()?;
            let adam = Trainer::new(Bce.reduction(NATS), Adam::default()).metric(Accuracy);
            let found = between_steps(&mut model, adam, threads)?;
            assert!(found <= most, "{found} with Adam on {threads} threads\n{}", model.summary());
            let sgd = Trainer::new(Mse.reduction(NATS), Sgd::new(1e-5).momentum(0.9)).shuffle(false);
            let sgd = sgd.clip(Clip::Norm(0.1)).schedule(WarmUp::new(0.5, Cosine::new())).corrupt(Swap::new(0.2));
            let found = between_steps(&mut model, sgd, threads)?;
            assert!(found <= most, "{found} with SGD on {threads} threads\n{}", model.summary());
        }
    }
    Ok(())
}

/// An epoch more costs the same few allocations whatever the number of its steps.
fn epochs_allocate_only_their_reports() -> Outcome {
    let data = Numbers::new(3).matrix::<f32>(400, 640);
    let allocations = |epochs: usize, batch_size: usize| -> Result<usize, Error> {
        let mut model = dense()?;
        let before = heap::calls();
        let mut trainer = Trainer::new(Bce, Adam::default()).epochs(epochs).batch_size(batch_size);
        in_pool(1, || trainer.fit(&mut model, &data))?;
        Ok(heap::calls() - before)
    };
    allocations(1, 32)?;
    let ten_epochs =
        |batch_size| -> Result<usize, Error> { Ok(allocations(12, batch_size)? - allocations(2, batch_size)?) };
    let (few_steps, many_steps) = (ten_epochs(320)?, ten_epochs(8)?);
    println!("ten epochs allocate {few_steps} times with 2 steps, {many_steps} times with 80");
    assert!(many_steps <= few_steps + 10 && many_steps <= 10 * 20, "{few_steps} and {many_steps}");
    Ok(())
}

fn explicit_passes_allocate_nothing_after_the_first() -> Outcome {
    for build in [dense, convolutional, regularised, joined, sparse, variational] {
        let network = build()?.network().clone();
        let data = Numbers::new(3).matrix::<f32>(400, 64);
        let mut tape = network.tape_with_input_gradient(64)?;
        let mut gradients = vec![0.0; network.parameter_count()];
        let slopes = vec![0.01; data.len()];
        // Inside the pool, as the trainer runs: whoever enters it for each join makes it allocate
        // once in 63 times.
        let before = rayon::scope(|_| -> Result<usize, Error> {
            let mut before = 0;
            for step in 0..41 {
                network.forward(&mut tape, &data, None, step)?;
                network.backward(&mut tape, &slopes, &mut gradients)?;
                tape.input_gradient();
                before = if step == 0 { heap::calls() } else { before };
            }
            Ok(before)
        })?;
        let (found, threads) = (heap::calls() - before, std::thread::available_parallelism()?.get());
        assert!(found <= threads * OF_A_THREAD, "{found} in 40 steps");
    }
    Ok(())
}

fn updates_of_parameters_allocate_nothing_after_the_first() -> Outcome {
    for build in [dense, convolutional, regularised] {
        let (mut network, mut before) = (build()?.network().clone(), 0);
        in_pool(1, || -> Result<(), ParameterError> {
            for call in 0..20 {
                network.update_parameters(|parameters| parameters.iter_mut().for_each(|number| *number *= 0.99))?;
                before = if call == 0 { heap::calls() } else { before };
            }
            assert_eq!(heap::calls(), before, "19 updates");
            Ok(())
        })?;
    }
    Ok(())
}

/// Whether a call is worth the pool's threads or not.
fn inference_with_a_workspace_allocates_nothing() -> Outcome {
    for build in [dense, convolutional, regularised, joined, sparse, variational] {
        let model = Arc::new(build()?);
        let data = Numbers::new(3).matrix::<f32>(400, 300);
        let rows = Numbers::new(3).matrix::<f32>(500, 300);
        let strided = rows.rows(7, 400);
        let (codes, decodes) = (model.encode(&data)?, model.decoder().is_ok());
        let mut workspace = model.workspace(300)?;
        model.reconstruct_with(&mut workspace, &data)?; // the pool's threads start
        let before = heap::calls();
        for samples in [1, 17, 300].repeat(20) {
            model.encode_with(&mut workspace, &data.columns(0, samples))?;
            model.encode_with(&mut workspace, &strided.columns(0, samples))?;
            if decodes {
                model.decode_with(&mut workspace, &codes.columns(0, samples))?;
            }
            model.reconstruct_with(&mut workspace, &data.columns(0, samples))?;
            model.network().predict_with(&mut workspace, &data.columns(0, samples))?;
        }
        let threads = std::thread::available_parallelism()?.get();
        let found = heap::calls() - before;
        assert!(found <= threads * OF_A_THREAD, "{found} in 300 calls\n{}", model.summary());
    }
    Ok(())
}

fn scores_with_a_workspace_allocate_nothing() -> Outcome {
    let model = dense()?;
    let data = Numbers::new(3).matrix::<f32>(400, 300);
    let (mut workspace, mut scores) = (model.workspace(300)?, vec![Ok(0.0); 300]);
    model.scores_with(&mut workspace, &data, &mut scores)?;
    let before = heap::calls();
    for _ in 0..40 {
        model.scores_with(&mut workspace, &data, &mut scores)?;
    }
    let (found, threads) = (heap::calls() - before, std::thread::available_parallelism()?.get());
    assert!(found <= threads * OF_A_THREAD, "{found} in 40 calls");
    Ok(())
}

/// Memory for the result, which nobody fills with zeros beforehand, and for what lies between the
/// layers.
fn a_plain_call_allocates_its_result_and_little_more() -> Outcome {
    let model = Autoencoder::<f32>::builder(Shape::flat(784))
        .encoder(Dense::new(32).activation(Activation::Relu))
        .mirror(Activation::Sigmoid)
        .build()?;
    for samples in [1, 256, 2000] {
        let data = Numbers::new(3).matrix::<f32>(784, samples);
        let codes = model.encode(&data)?;
        type Call<'a> = &'a dyn Fn() -> Result<usize, Error>;
        let calls: [(&str, Call<'_>); 3] = [
            ("encode", &|| Ok(model.encode(&data)?.len())),
            ("decode", &|| Ok(model.decode(&codes)?.len())),
            ("reconstruct", &|| Ok(model.reconstruct(&data)?.len())),
        ];
        for (name, call) in calls {
            call()?; // the pool's threads start
            let before = heap::bytes();
            let result = 4 * call()?;
            let after = heap::bytes();
            let [all, zeros] = [after[0] - before[0], after[1] - before[1]];
            println!("{name}, {samples} samples: a result of {result} bytes, {all} allocated, {zeros} of them zeros");
            let codes = 4 * 32 * samples.next_multiple_of(64);
            let few = 2 * codes + 8 * 1024; // room for them is tried first; and small things
            assert!(all <= result + few, "{name}, {samples} samples: {all} bytes for a result of {result}");
            assert!(zeros <= few, "{name}, {samples} samples: {zeros} zeros for a result of {result}");
        }
    }
    Ok(())
}

/// The memory of validation is there before the first step.
fn a_validation_allocates_only_its_report() -> Outcome {
    let (data, held_out) = (Numbers::new(3).matrix::<f32>(400, 64), Numbers::new(4).matrix::<f32>(400, 600));
    let bytes = |epochs: usize, validates: bool| -> Result<usize, Error> {
        let mut model = dense()?;
        let mut trainer = Trainer::new(Bce, Adam::default()).epochs(epochs).batch_size(1);
        if validates {
            trainer = trainer.validation(&held_out);
        }
        let [before, _] = heap::bytes();
        in_pool(1, || trainer.fit(&mut model, &data))?;
        let [after, _] = heap::bytes();
        Ok(after - before)
    };
    let ten_epochs = |validates| -> Result<usize, Error> { Ok(bytes(12, validates)? - bytes(2, validates)?) };
    bytes(2, true)?;
    let (with, without) = (ten_epochs(true)?, ten_epochs(false)?);
    println!("ten epochs allocate {with} bytes with validation, {without} without");
    assert!(with <= without + 10 * 1024, "{with} and {without}");
    Ok(())
}
