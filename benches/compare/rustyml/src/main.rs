//! The comparison's workloads in rustyml.

#[path = "../../protocol.rs"]
mod protocol;

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use ndarray::{ArrayD, Axis};
use protocol::{BATCH, CONVOLUTIONAL_SAMPLES, Command, Epochs, PIXELS, SAMPLES};
use rustyml::prelude::neural_network::*;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const CONFIGURATION: &str = "default";

fn main() -> Result<()> {
    match Command::read()? {
        Command::Rates(threads, at_least) => {
            rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()?;
            rates(threads, at_least)
        }
        Command::Latency(at_least) => {
            rayon::ThreadPoolBuilder::new().num_threads(1).build_global()?;
            latency(at_least)
        }
        Command::Save(file) => Ok(dense()?.save_to_path(file)?),
        Command::FirstCode(file) => first_code(&file),
    }
}

fn rates(threads: usize, at_least: Duration) -> Result<()> {
    let flat = images(SAMPLES, &[PIXELS])?;
    let pictures = images(CONVOLUTIONAL_SAMPLES, &[28, 28, 1])?;
    for (name, mut model, data) in
        [("dense", dense()?, &flat), ("deep", deep()?, &flat), ("convolutional", convolutional()?, &pictures)]
    {
        training(name, &mut model, data, threads, at_least)?;
        inference(name, &model, data, threads, at_least)?;
    }
    Ok(())
}

fn images(count: usize, image: &[usize]) -> Result<ArrayD<f32>> {
    let shape: Vec<usize> = std::iter::once(count).chain(image.iter().copied()).collect();
    Ok(ArrayD::from_shape_vec(shape, protocol::images(count))?)
}

fn training(name: &str, model: &mut Sequential, data: &ArrayD<f32>, threads: usize, at_least: Duration) -> Result<()> {
    model.compile(Adam::new(0.001, 0.9, 0.999, 1e-7, 0.0)?, BinaryCrossEntropy::new());
    let mut epochs = Epochs::new(at_least);
    loop {
        let before = Instant::now();
        let history = model.fit_with_batches(data, data, 1, BATCH)?;
        let loss = history.loss().last().copied().unwrap_or(f32::NAN);
        if !epochs.add(before.elapsed().as_secs_f64(), f64::from(loss)) {
            break;
        }
    }
    epochs.print(name, threads, CONFIGURATION, data.len_of(Axis(0)));
    Ok(())
}

fn inference(name: &str, model: &Sequential, data: &ArrayD<f32>, threads: usize, at_least: Duration) -> Result<()> {
    let batches: Vec<ArrayD<f32>> = data.axis_chunks_iter(Axis(0), BATCH).map(|batch| batch.to_owned()).collect();
    protocol::print_inference(name, threads, CONFIGURATION, data.len_of(Axis(0)), at_least, || {
        for batch in &batches {
            black_box(model.predict(batch)?);
        }
        Ok(())
    })
}

fn latency(at_least: Duration) -> Result<()> {
    let data = images(SAMPLES, &[PIXELS])?;
    let images: Vec<ArrayD<f32>> = data.axis_chunks_iter(Axis(0), 1).map(|image| image.to_owned()).collect();
    let encoder = encoder()?;
    protocol::print_latency(CONFIGURATION, at_least, |call| {
        black_box(encoder.predict(&images[call % SAMPLES])?);
        Ok(())
    })
}

/// A model here has no halves: the encoder is a model of its own, which takes what it knows from
/// the file of the whole.
fn first_code(file: &Path) -> Result<()> {
    let image = images(1, &[PIXELS])?;
    let mut encoder = encoder()?;
    encoder.load_partial_from_path(file)?;
    black_box(encoder.predict(&image)?);
    protocol::print_time();
    Ok(())
}

fn encoder() -> Result<Sequential> {
    Ok(SequentialBuilder::new().add(Dense::new(32, Activation::ReLU)?).build(&Shape::known(&[BATCH, PIXELS]))?)
}

fn dense() -> Result<Sequential> {
    Ok(SequentialBuilder::new()
        .add(Dense::new(32, Activation::ReLU)?)
        .add(Dense::new(PIXELS, Activation::Sigmoid)?)
        .build(&Shape::known(&[BATCH, PIXELS]))?)
}

fn deep() -> Result<Sequential> {
    Ok(SequentialBuilder::new()
        .add(Dense::new(128, Activation::ReLU)?)
        .add(Dense::new(64, Activation::ReLU)?)
        .add(Dense::new(32, Activation::ReLU)?)
        .add(Dense::new(64, Activation::ReLU)?)
        .add(Dense::new(128, Activation::ReLU)?)
        .add(Dense::new(PIXELS, Activation::Sigmoid)?)
        .build(&Shape::known(&[BATCH, PIXELS]))?)
}

fn convolutional() -> Result<Sequential> {
    Ok(SequentialBuilder::new()
        .add(convolution(32, Activation::ReLU)?)
        .add(MaxPooling2D::new((2, 2)))
        .add(convolution(64, Activation::ReLU)?)
        .add(MaxPooling2D::new((2, 2)))
        .add(convolution(64, Activation::ReLU)?)
        .add(UpSampling2D::new(2, Interpolation::Nearest)?)
        .add(convolution(32, Activation::ReLU)?)
        .add(UpSampling2D::new(2, Interpolation::Nearest)?)
        .add(convolution(1, Activation::Sigmoid)?)
        .build(&Shape::known(&[BATCH, 28, 28, 1]))?)
}

fn convolution(filters: usize, activation: Activation) -> Result<Conv2D> {
    Ok(Conv2D::new(filters, (3, 3), (1, 1), activation)?.with_padding(PaddingType::Same))
}
