//! The comparison's workloads in this crate.

#[path = "../../protocol.rs"]
mod protocol;

use std::hint::black_box;
use std::path::Path;
use std::sync::mpsc;
use std::time::Duration;

use autoencoder::nalgebra::{DMatrix, DMatrixView};
use autoencoder::{
    Activation, Adam, Add, Autoencoder, Bce, Block, Callback, Concatenate, Control, Conv2D, Dense, Epoch, MaxPool, Network,
    Shape, Trainer, UpSample,
};
use protocol::{BATCH, CONVOLUTIONAL_SAMPLES, Command, Epochs, PIXELS, SAMPLES};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const CONFIGURATION: &str = "default";

fn main() -> Result<()> {
    match Command::read()? {
        Command::Rates(threads, at_least) => rates(threads, at_least),
        Command::Latency(at_least) => latency(at_least),
        Command::Save(file) => Ok(dense()?.save(file)?),
        Command::FirstCode(file) => first_code(&file),
    }
}

fn rates(threads: usize, at_least: Duration) -> Result<()> {
    let data = DMatrix::from_vec(PIXELS, SAMPLES, protocol::images(SAMPLES));
    let models = [
        ("dense", dense()?, SAMPLES),
        ("deep", deep()?, SAMPLES),
        ("convolutional", convolutional()?, CONVOLUTIONAL_SAMPLES),
        ("residual", residual()?, CONVOLUTIONAL_SAMPLES),
        ("unet", unet()?, CONVOLUTIONAL_SAMPLES),
    ];
    for (name, mut model, samples) in models {
        let data = data.columns(0, samples);
        training(name, &mut model, &data, threads, at_least)?;
        inference(name, &model, &data, threads, at_least)?;
    }
    Ok(())
}

fn training(
    name: &str,
    model: &mut Autoencoder<f32>,
    data: &DMatrixView<'_, f32>,
    threads: usize,
    at_least: Duration,
) -> Result<()> {
    let (sender, receiver) = mpsc::channel();
    let mut trainer = Trainer::new(Bce, Adam::default())
        .epochs(usize::MAX)
        .batch_size(BATCH)
        .threads(threads)
        .callback(Clock { epochs: Epochs::new(at_least), sender });
    trainer.fit(model, data)?;
    receiver.recv()?.print(name, threads, CONFIGURATION, data.ncols());
    Ok(())
}

/// Ends training when the clock has run out, and sends what it noted.
struct Clock {
    epochs: Epochs,
    sender: mpsc::Sender<Epochs>,
}

impl Callback<f32> for Clock {
    fn on_epoch(&mut self, epoch: &Epoch, _model: &Network<f32>) -> Result<Control> {
        if self.epochs.add(epoch.seconds, epoch.loss) {
            return Ok(Control::Continue);
        }
        self.sender.send(std::mem::replace(&mut self.epochs, Epochs::new(Duration::ZERO)))?;
        Ok(Control::Finish)
    }
}

fn inference(
    name: &str,
    model: &Autoencoder<f32>,
    data: &DMatrixView<'_, f32>,
    threads: usize,
    at_least: Duration,
) -> Result<()> {
    let mut workspace = model.workspace(BATCH)?;
    let samples = data.ncols();
    let pass = || -> Result<()> {
        for first in (0..samples).step_by(BATCH) {
            black_box(model.reconstruct_with(&mut workspace, &data.columns(first, BATCH))?);
        }
        Ok(())
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build()?;
    pool.install(|| protocol::print_inference(name, threads, CONFIGURATION, samples, at_least, pass))
}

fn latency(at_least: Duration) -> Result<()> {
    let data = DMatrix::from_vec(PIXELS, SAMPLES, protocol::images(SAMPLES));
    let model = dense()?;
    let mut workspace = model.workspace(1)?;
    protocol::print_latency(CONFIGURATION, at_least, |call| {
        black_box(model.encode_with(&mut workspace, &data.column(call % SAMPLES))?);
        Ok(())
    })
}

fn first_code(file: &Path) -> Result<()> {
    let image = DMatrix::from_vec(PIXELS, 1, protocol::images(1));
    let model = Autoencoder::<f32>::load(file)?;
    black_box(model.encode(&image)?);
    protocol::print_time();
    Ok(())
}

fn dense() -> Result<Autoencoder<f32>> {
    Ok(Autoencoder::builder(Shape::flat(PIXELS))
        .encoder(Dense::new(32).activation(Activation::Relu))
        .decoder(Dense::new(PIXELS).activation(Activation::Sigmoid))
        .build()?)
}

fn deep() -> Result<Autoencoder<f32>> {
    Ok(Autoencoder::builder(Shape::flat(PIXELS))
        .encoder(Dense::new(128).activation(Activation::Relu))
        .encoder(Dense::new(64).activation(Activation::Relu))
        .encoder(Dense::new(32).activation(Activation::Relu))
        .mirror(Activation::Sigmoid)
        .build()?)
}

fn convolutional() -> Result<Autoencoder<f32>> {
    Ok(Autoencoder::builder(Shape::image(28, 28, 1))
        .encoder(Conv2D::new(32, 3).activation(Activation::Relu))
        .encoder(MaxPool::new(2))
        .encoder(Conv2D::new(64, 3).activation(Activation::Relu))
        .encoder(MaxPool::new(2))
        .decoder(Conv2D::new(64, 3).activation(Activation::Relu))
        .decoder(UpSample::new(2))
        .decoder(Conv2D::new(32, 3).activation(Activation::Relu))
        .decoder(UpSample::new(2))
        .decoder(Conv2D::new(1, 3).activation(Activation::Sigmoid))
        .build()?)
}

/// Residual blocks of two convolutions at each of two sizes.
fn residual() -> Result<Autoencoder<f32>> {
    let convolution = |filters: usize| Conv2D::new(filters, 3).activation(Activation::Relu);
    let block = |filters: usize| {
        let convolutions = Block::new().layer(convolution(filters)).layer(Conv2D::new(filters, 3));
        convolutions.layer(Add::with("input")).layer(Activation::Relu)
    };
    Ok(Autoencoder::builder(Shape::image(28, 28, 1))
        .encoder(convolution(16))
        .encoder(block(16))
        .encoder(convolution(32).stride(2))
        .encoder(block(32))
        .decoder(UpSample::new(2))
        .decoder(convolution(16))
        .decoder(block(16))
        .decoder(Conv2D::new(1, 3).activation(Activation::Sigmoid))
        .build()?)
}

fn unet() -> Result<Autoencoder<f32>> {
    let convolution = |filters: usize| Conv2D::new(filters, 3).activation(Activation::Relu);
    Ok(Autoencoder::builder(Shape::image(28, 28, 1))
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
        .build()?)
}
