//! Whole workloads: training and inference rates, their share of the FMA peak measured in the same
//! run, two threads against one, the latency of one code, and the memory that all of it took.
//!
//!     cargo bench --bench workloads
//!     cargo bench --bench workloads -- f64                          # double precision
//!     cargo bench --bench workloads -- "convolutional, training"    # the rows whose name holds
//! this

use std::hint::black_box;
use std::time::Instant;

use autoencoder::kernel::{Element, cpu_path, peak};
use autoencoder::nalgebra::DMatrix;
use autoencoder::{
    Activation, Adam, Add, Autoencoder, Bce, Block, Concatenate, Conv2D, Dense, Error, MaxPool, Scalar, Shape, Trainer,
    UpSample,
};

/// Samples of the data that is trained on and inferred from.
const SAMPLES: usize = 8192;
const BATCH: usize = 256;

fn main() -> Result<(), Error> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let (f64, wanted): (Vec<_>, Vec<_>) = arguments.into_iter().partition(|argument| argument == "f64");
    match f64.is_empty() {
        true => report::<f32>(&wanted)?,
        false => report::<f64>(&wanted)?,
    }
    if let Some(megabytes) = peak_memory() {
        println!("peak memory of the process: {megabytes:.0} MB");
    }
    Ok(())
}

fn report<T: Scalar + Element>(wanted: &[String]) -> Result<(), Error> {
    let is_wanted = |row: &str| wanted.iter().all(|word| row.contains(word));
    let peak = peak::operations_per_second::<T>();
    println!("{} on {}: peak {:.0} GFLOP/s a core", std::any::type_name::<T>(), cpu_path().name(), peak * 1e-9);
    println!(
        "{:<43} {:>7} {:>10} {:>8} {:>8} {:>8}",
        "workload", "threads", "images/s", "GFLOP/s", "of peak", "speed-up"
    );
    let data = images::<T>(SAMPLES);
    for workload in [dense::<T>()?, deep::<T>()?, convolutional::<T>()?, residual::<T>()?, unet::<T>()?] {
        let name = format!("{}, training", workload.name);
        if is_wanted(&name) {
            let rates = [1, 2].map(|threads| training_rate(&workload.model, &data, threads, workload.share));
            rows(&name, rates, workload.training_flop, peak)?;
        }
        let name = format!("{}, inference", workload.name);
        if is_wanted(&name) {
            let rates = [1, 2].map(|threads| inference_rate(&workload.model, &data, threads, workload.share, true));
            rows(&name, rates, workload.inference_flop, peak)?;
        }
        let name = format!("{}, inference, plain", workload.name);
        if is_wanted(&name) {
            let rates = [1, 2].map(|threads| inference_rate(&workload.model, &data, threads, workload.share, false));
            rows(&name, rates, workload.inference_flop, peak)?;
        }
    }
    if is_wanted("784-32-784, one code") {
        latency(&dense::<T>()?.model, &data)?;
    }
    Ok(())
}

/// Prints the rates of one thread and of two.
fn rows(name: &str, rates: [Result<f64, Error>; 2], flop: f64, peak: f64) -> Result<(), Error> {
    let [one, two] = rates;
    let (one, two) = (one?, two?);
    for (threads, rate) in [(1, one), (2, two)] {
        let share = 100.0 * rate * flop / (peak * threads as f64);
        let (operations, speed_up) = (rate * flop * 1e-9, rate / one);
        println!("{name:<43} {threads:>7} {rate:>10.0} {operations:>8.1} {share:>7.1}% {speed_up:>8.2}");
    }
    Ok(())
}

/// The most memory the process has had, in MB; where Linux tells.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    kilobytes.trim().trim_end_matches(" kB").parse::<f64>().ok().map(|kilobytes| kilobytes / 1000.0)
}

struct Workload<T: Scalar> {
    name: &'static str,
    model: Autoencoder<T>,
    /// One part in this many of the data is enough.
    share: usize,
    /// Operations an image costs, counted directly: two for each multiplication.
    training_flop: f64,
    inference_flop: f64,
}

fn dense<T: Scalar>() -> Result<Workload<T>, Error> {
    let model = Autoencoder::builder(Shape::flat(784))
        .encoder(Dense::new(32).activation(Activation::Relu))
        .decoder(Dense::new(784).activation(Activation::Sigmoid))
        .build()?;
    Ok(dense_workload("784-32-784", model, &[784, 32, 784]))
}

fn deep<T: Scalar>() -> Result<Workload<T>, Error> {
    let model = Autoencoder::builder(Shape::flat(784))
        .encoder(Dense::new(128).activation(Activation::Relu))
        .encoder(Dense::new(64).activation(Activation::Relu))
        .encoder(Dense::new(32).activation(Activation::Relu))
        .mirror(Activation::Sigmoid)
        .build()?;
    Ok(dense_workload("784-128-64-32-64-128-784", model, &[784, 128, 64, 32, 64, 128, 784]))
}

/// Forward and weight gradient of every layer, input gradient of all but the first.
fn dense_workload<T: Scalar>(name: &'static str, model: Autoencoder<T>, widths: &[usize]) -> Workload<T> {
    let flop: Vec<f64> = widths.windows(2).map(|pair| 2.0 * pair[0] as f64 * pair[1] as f64).collect();
    let forward: f64 = flop.iter().sum();
    Workload { name, model, share: 1, training_flop: 3.0 * forward - flop[0], inference_flop: forward }
}

fn convolutional<T: Scalar>() -> Result<Workload<T>, Error> {
    let model = Autoencoder::builder(Shape::image(28, 28, 1))
        .encoder(Conv2D::new(32, 3).activation(Activation::Relu))
        .encoder(MaxPool::new(2))
        .encoder(Conv2D::new(64, 3).activation(Activation::Relu))
        .encoder(MaxPool::new(2))
        .decoder(Conv2D::new(64, 3).activation(Activation::Relu))
        .decoder(UpSample::new(2))
        .decoder(Conv2D::new(32, 3).activation(Activation::Relu))
        .decoder(UpSample::new(2))
        .decoder(Conv2D::new(1, 3).activation(Activation::Sigmoid))
        .build()?;
    let layers = [(784, 1, 32), (196, 32, 64), (49, 64, 64), (196, 64, 32), (784, 32, 1)];
    Ok(image_workload("convolutional", model, &layers))
}

/// Residual blocks of two convolutions at each of two sizes.
fn residual<T: Scalar>() -> Result<Workload<T>, Error> {
    let convolution = |filters: usize| Conv2D::new(filters, 3).activation(Activation::Relu);
    let block = |filters: usize| {
        let convolutions = Block::new().layer(convolution(filters)).layer(Conv2D::new(filters, 3));
        convolutions.layer(Add::with("input")).layer(Activation::Relu)
    };
    let model = Autoencoder::builder(Shape::image(28, 28, 1))
        .encoder(convolution(16))
        .encoder(block(16))
        .encoder(convolution(32).stride(2))
        .encoder(block(32))
        .decoder(UpSample::new(2))
        .decoder(convolution(16))
        .decoder(block(16))
        .decoder(Conv2D::new(1, 3).activation(Activation::Sigmoid))
        .build()?;
    let [large, small] = [(784, 16, 16), (196, 32, 32)];
    let layers = [(784, 1, 16), large, large, (196, 16, 32), small, small, (784, 32, 16), large, large, (784, 16, 1)];
    Ok(image_workload("residual", model, &layers))
}

fn unet<T: Scalar>() -> Result<Workload<T>, Error> {
    let convolution = |filters: usize| Conv2D::new(filters, 3).activation(Activation::Relu);
    let model = Autoencoder::builder(Shape::image(28, 28, 1))
        .encoder_named("fine", convolution(32))
        .encoder(MaxPool::new(2))
        .encoder_named("middle", convolution(32))
        .encoder(MaxPool::new(2))
        .encoder(convolution(64))
        .decoder(UpSample::new(2))
        .decoder(Concatenate::with("encoder.middle"))
        .decoder(convolution(32))
        .decoder(UpSample::new(2))
        .decoder(Concatenate::with("encoder.fine"))
        .decoder(convolution(32))
        .decoder(Conv2D::new(1, 3).activation(Activation::Sigmoid))
        .build()?;
    let layers = [(784, 1, 32), (196, 32, 32), (49, 32, 64), (196, 96, 32), (784, 64, 32), (784, 32, 1)];
    Ok(image_workload("U-Net", model, &layers))
}

/// As [`dense_workload`], for convolutions of 3 x 3 with these pixels, inputs and filters.
fn image_workload<T: Scalar>(
    name: &'static str,
    model: Autoencoder<T>,
    layers: &[(usize, usize, usize)],
) -> Workload<T> {
    let flop: Vec<f64> = layers.iter().map(|(pixels, from, to)| (2 * pixels * 9 * from * to) as f64).collect();
    let forward: f64 = flop.iter().sum();
    let training_flop = 3.0 * forward - flop[0];
    Workload { name, model, share: 8, training_flop, inference_flop: forward }
}

/// Images trained on per second in the best of several epochs, shuffling and gathering included.
fn training_rate<T: Scalar>(
    model: &Autoencoder<T>,
    data: &DMatrix<T>,
    threads: usize,
    share: usize,
) -> Result<f64, Error> {
    let data = data.columns(0, SAMPLES / share);
    let mut model = model.clone();
    let history =
        Trainer::new(Bce, Adam::default()).epochs(8).batch_size(BATCH).threads(threads).fit(&mut model, &data)?;
    let best = history.epochs().iter().map(|epoch| epoch.seconds).fold(f64::INFINITY, f64::min);
    Ok(data.ncols() as f64 / best)
}

/// Images reconstructed per second in the best of several passes, in batches: without allocation,
/// or each batch into a matrix of its own.
fn inference_rate<T: Scalar>(
    model: &Autoencoder<T>,
    data: &DMatrix<T>,
    threads: usize,
    share: usize,
    in_workspace: bool,
) -> Result<f64, Error> {
    let samples = SAMPLES / share;
    let mut workspace = model.workspace(BATCH)?;
    let mut pass = || -> Result<f64, Error> {
        let started = Instant::now();
        for first in (0..samples).step_by(BATCH) {
            let batch = data.columns(first, BATCH);
            match in_workspace {
                true => drop(black_box(model.reconstruct_with(&mut workspace, &batch)?)),
                false => drop(black_box(model.reconstruct(&batch)?)),
            }
        }
        Ok(samples as f64 / started.elapsed().as_secs_f64())
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let rates: Result<Vec<f64>, Error> = match pool {
        Ok(pool) => pool.install(|| (0..12).map(|_| pass()).collect()),
        Err(_) => (0..12).map(|_| pass()).collect(),
    };
    Ok(rates?.into_iter().fold(0.0, f64::max))
}

/// How long the code of one image takes.
fn latency<T: Scalar>(model: &Autoencoder<T>, data: &DMatrix<T>) -> Result<(), Error> {
    let mut workspace = model.workspace(1)?;
    let mut times = Vec::with_capacity(100_000);
    for call in 0..100_000 {
        let image = data.column(call % SAMPLES);
        let started = Instant::now();
        black_box(model.encode_with(&mut workspace, &image)?);
        times.push(started.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[(times.len() as f64 * share) as usize];
    println!("784-32-784, one code: median {:.2} us, 99th percentile {:.2} us", at(0.5), at(0.99));
    Ok(())
}

/// Pictures with strokes: a fifth of the pixels lit, like a digit's.
fn images<T: Scalar>(count: usize) -> DMatrix<T> {
    DMatrix::from_fn(784, count, |pixel, image| {
        let wave = ((pixel % 28) as f64 * 0.3 + (pixel / 28) as f64 * 0.21 + image as f64).sin();
        T::from_f64((wave - 0.6).max(0.0) / 0.4)
    })
}
