//! Reconstructs raw numbers from standard input with a saved model and writes them to standard
//! output: for pipes, or to compare with another program.
//!
//! ```text
//! cargo run --release --example reconstruct -- mnist.safetensors < images.f32 > reconstructions.f32
//! ```
//!
//! The model is an autoencoder in `f32`. Numbers are little-endian `f32`, sample after sample:
//! NumPy's `array.astype("<f4").tobytes()`.

use std::error::Error;
use std::io::{self, Read, Write};

use autoencoder::Autoencoder;
use autoencoder::nalgebra::DMatrix;

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args_os().nth(1).ok_or("which model? give its file")?;
    let model = Autoencoder::<f32>::load(path)?;

    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes)?;
    let (numbers, rest) = bytes.as_chunks();
    let features = model.network().input_shape().elements();
    if !rest.is_empty() || !numbers.len().is_multiple_of(features) {
        return Err(format!("{} bytes are not whole samples of {features} numbers", bytes.len()).into());
    }
    let numbers = numbers.iter().map(|bytes| f32::from_le_bytes(*bytes));
    let samples = DMatrix::from_iterator(features, numbers.len() / features, numbers);

    let reconstructions = model.reconstruct(&samples)?;
    let bytes: Vec<u8> = reconstructions.iter().flat_map(|number| number.to_le_bytes()).collect();
    io::stdout().write_all(&bytes)?;
    Ok(())
}
