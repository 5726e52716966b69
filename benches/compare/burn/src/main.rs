//! The comparison's workloads in burn, on its Flex backend.

#[path = "../../protocol.rs"]
mod protocol;

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use burn::module::Module;
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::interpolate::{Interpolate2d, Interpolate2dConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{Initializer, Linear, LinearConfig, PaddingConfig2d};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::prelude::Int;
use burn::tensor::activation::{log_sigmoid, relu, sigmoid};
use burn::tensor::{Device, Tensor, TensorData};
use protocol::{BATCH, CONVOLUTIONAL_SAMPLES, Command, Epochs, PIXELS, SAMPLES};
use rand::seq::SliceRandom;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error + Send + Sync>>;

const CONFIGURATION: &str = "flex";

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
        Command::Save(file) => Ok(dense(&Device::flex()).save_file(file)?),
        Command::FirstCode(file) => first_code(&file),
    }
}

fn rates(threads: usize, at_least: Duration) -> Result<()> {
    let device = Device::flex().autodiff();
    let flat = [PIXELS];
    measure("dense", dense(&device), SAMPLES, flat, threads, at_least)?;
    measure("deep", deep(&device), SAMPLES, flat, threads, at_least)?;
    measure("convolutional", Convolutional::new(&device), CONVOLUTIONAL_SAMPLES, [1, 28, 28], threads, at_least)
}

/// A model of which `D` is the rank of a batch.
trait Autoencoder<const D: usize>: Module {
    /// The output before its sigmoid.
    fn logits(&self, images: Tensor<D>) -> Tensor<D>;
}

fn measure<const S: usize, const D: usize>(
    name: &str,
    model: impl Autoencoder<D>,
    samples: usize,
    image: [usize; S],
    threads: usize,
    at_least: Duration,
) -> Result<()> {
    let mut shape = [samples; D];
    shape[1..].copy_from_slice(&image);
    let data = TensorData::new(protocol::images(samples), shape);
    let model = training(name, model, &data, threads, at_least);
    inference(name, &model.valid(), &data, threads, at_least)
}

fn training<const D: usize, M: Autoencoder<D>>(
    name: &str,
    mut model: M,
    data: &TensorData,
    threads: usize,
    at_least: Duration,
) -> M {
    let device = Device::flex().autodiff();
    let data = Tensor::<D>::from_data(data.clone(), &device);
    let samples = data.dims()[0];
    let mut optimizer = AdamConfig::new().with_epsilon(1e-7).init();
    let mut order: Vec<i32> = (0..samples as i32).collect();
    let mut epochs = Epochs::new(at_least);
    loop {
        let before = Instant::now();
        order.shuffle(&mut rand::rng());
        let loss;
        (model, loss) = epoch(model, &mut optimizer, &data, &order);
        if !epochs.add(before.elapsed().as_secs_f64(), loss) {
            break;
        }
    }
    epochs.print(name, threads, CONFIGURATION, samples);
    model
}

/// One pass over the data in the order given; the model and its mean loss.
fn epoch<const D: usize, M: Autoencoder<D>>(
    mut model: M,
    optimizer: &mut ModuleOptimizer,
    data: &Tensor<D>,
    order: &[i32],
) -> (M, f64) {
    let batches = order.chunks_exact(BATCH);
    let steps = batches.len();
    let mut sum = 0.0;
    for batch in batches {
        let batch = Tensor::<1, Int>::from_data(batch, &data.device());
        let images = data.clone().select(0, batch);
        let loss = cross_entropy(model.logits(images.clone()), images);
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        model = optimizer.step(0.001, model, gradients);
        sum += loss.into_scalar::<f32>() as f64;
    }
    (model, sum / steps as f64)
}

/// `BinaryCrossEntropyLoss` for logits, whose targets are integers, written for targets between 0
/// and 1.
fn cross_entropy<const D: usize>(logits: Tensor<D>, targets: Tensor<D>) -> Tensor<1> {
    ((targets.neg() + 1.0) * logits.clone() - log_sigmoid(logits)).mean()
}

fn inference<const D: usize>(
    name: &str,
    model: &impl Autoencoder<D>,
    data: &TensorData,
    threads: usize,
    at_least: Duration,
) -> Result<()> {
    let data = Tensor::<D>::from_data(data.clone(), &Device::flex());
    let samples = data.dims()[0];
    let batches = data.split(BATCH, 0);
    protocol::print_inference(name, threads, CONFIGURATION, samples, at_least, || {
        for batch in &batches {
            black_box(sigmoid(model.logits(batch.clone())));
        }
        Ok(())
    })
}

fn latency(at_least: Duration) -> Result<()> {
    let data = TensorData::new(protocol::images(SAMPLES), [SAMPLES, PIXELS]);
    let images = Tensor::<2>::from_data(data, &Device::flex()).split(1, 0);
    let model = dense(&Device::flex());
    protocol::print_latency(CONFIGURATION, at_least, |call| {
        black_box(model.encode(images[call % SAMPLES].clone()));
        Ok(())
    })
}

fn first_code(file: &Path) -> Result<()> {
    let device = Device::flex();
    let image = Tensor::<2>::from_data(TensorData::new(protocol::images(1), [1, PIXELS]), &device);
    let model = dense(&device).try_load_file(file)?;
    black_box(model.encode(image));
    protocol::print_time();
    Ok(())
}

/// Dense layers with ReLU between them; the encoder comes first.
#[derive(Module, Debug)]
struct Dense {
    encoder: Vec<Linear>,
    decoder: Vec<Linear>,
}

fn dense(device: &Device) -> Dense {
    Dense { encoder: linear(&[PIXELS, 32], device), decoder: linear(&[32, PIXELS], device) }
}

fn deep(device: &Device) -> Dense {
    Dense { encoder: linear(&[PIXELS, 128, 64, 32], device), decoder: linear(&[32, 64, 128, PIXELS], device) }
}

fn linear(widths: &[usize], device: &Device) -> Vec<Linear> {
    let layer = |pair: &[usize]| LinearConfig::new(pair[0], pair[1]).with_initializer(initializer()).init(device);
    widths.windows(2).map(layer).collect()
}

fn initializer() -> Initializer {
    Initializer::XavierUniform { gain: 1.0 }
}

impl Dense {
    fn encode(&self, images: Tensor<2>) -> Tensor<2> {
        self.encoder.iter().fold(images, |input, layer| relu(layer.forward(input)))
    }
}

impl Autoencoder<2> for Dense {
    fn logits(&self, images: Tensor<2>) -> Tensor<2> {
        let (last, others) = self.decoder.split_last().expect("a decoder has layers");
        let hidden = others.iter().fold(self.encode(images), |input, layer| relu(layer.forward(input)));
        last.forward(hidden)
    }
}

#[derive(Module, Debug)]
struct Convolutional {
    convolutions: [Conv2d; 5],
    pool: MaxPool2d,
    up_sample: Interpolate2d,
}

impl Convolutional {
    fn new(device: &Device) -> Self {
        let convolution = |from, to| {
            Conv2dConfig::new([from, to], [3, 3])
                .with_padding(PaddingConfig2d::Explicit(1, 1, 1, 1))
                .with_initializer(initializer())
                .init(device)
        };
        Self {
            convolutions: [(1, 32), (32, 64), (64, 64), (64, 32), (32, 1)].map(|(from, to)| convolution(from, to)),
            pool: MaxPool2dConfig::new([2, 2]).init(),
            up_sample: Interpolate2dConfig::new().with_scale_factor(Some([2.0, 2.0])).init(),
        }
    }
}

impl Autoencoder<4> for Convolutional {
    fn logits(&self, images: Tensor<4>) -> Tensor<4> {
        let [first, second, third, fourth, fifth] = &self.convolutions;
        let small = self.pool.forward(relu(first.forward(images)));
        let code = self.pool.forward(relu(second.forward(small)));
        let small = self.up_sample.forward(relu(third.forward(code)));
        let large = self.up_sample.forward(relu(fourth.forward(small)));
        fifth.forward(large)
    }
}
