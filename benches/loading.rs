//! How fast a model loads, beside reading its file and computing the checksum over it.
//!
//!     cargo bench --bench loading

use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use autoencoder::{Activation, Autoencoder, Conv2D, Dense, Error, MaxPool, Shape};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::temp_dir().join(format!("autoencoder-loading-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    println!(
        "{:<24} {:>9} {:>15} {:>9} {:>6} {:>17}",
        "model", "MB", "read + sum, ms", "load, ms", "ratio", "first code, ms"
    );
    for (name, model) in
        [("784-32-784", dense(784, 32)?), ("convolutional", convolutional()?), ("100 MB", dense(12_500, 1_000)?)]
    {
        let path = folder.join("model.safetensors");
        model.save(&path)?;
        drop(model);
        measure(name, &path)?;
    }
    fs::remove_dir_all(&folder)?;
    Ok(())
}

/// Prints the medians of some runs, the two ways in turn.
fn measure(name: &str, path: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let length = fs::metadata(path)?.len();
    let runs = if length > 1 << 24 { 21 } else { 201 };
    let (mut read, mut load, mut first) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..runs {
        let started = Instant::now();
        black_box(crc32fast::hash(&fs::read(path)?));
        read.push(started.elapsed().as_secs_f64() * 1e3);

        let started = Instant::now();
        let model = Autoencoder::<f32>::load(path)?;
        load.push(started.elapsed().as_secs_f64() * 1e3);

        let sample = vec![0.5; model.network().input_shape().elements()];
        let sample = autoencoder::nalgebra::DMatrix::from_vec(sample.len(), 1, sample);
        let started = Instant::now();
        black_box(model.encode(&sample)?);
        first.push(started.elapsed().as_secs_f64() * 1e3);
    }
    let [read, load, first] = [read, load, first].map(median);
    let megabytes = length as f64 * 1e-6;
    println!("{name:<24} {megabytes:>9.2} {read:>15.3} {load:>9.3} {:>6.2} {first:>17.3}", load / read);
    Ok(())
}

fn median(mut times: Vec<f64>) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

fn dense(pixels: usize, units: usize) -> Result<Autoencoder<f32>, Error> {
    let builder = Autoencoder::builder(Shape::flat(pixels));
    Ok(builder.encoder(Dense::new(units).activation(Activation::Relu)).mirror(Activation::Sigmoid).build()?)
}

fn convolutional() -> Result<Autoencoder<f32>, Error> {
    let model = Autoencoder::builder(Shape::image(28, 28, 1))
        .encoder(Conv2D::new(32, 3).activation(Activation::Relu))
        .encoder(MaxPool::new(2))
        .encoder(Conv2D::new(64, 3).activation(Activation::Relu))
        .encoder(MaxPool::new(2))
        .mirror(Activation::Sigmoid)
        .build()?;
    Ok(model)
}
