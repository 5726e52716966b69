//! A small model, and changes to the bytes of files that leave the checksum right, so that deeper
//! checks are reached.

use autoencoder::nalgebra::DMatrix;
use autoencoder::{Activation, Autoencoder, Dense, ModelFileError, ModelFileErrorKind, Network, Scalar, Shape};

/// Where the checksum's eight digits stand.
const CHECKSUM: std::ops::Range<usize> = 69..77;

pub fn small<T: Scalar>() -> Autoencoder<T> {
    let builder = Autoencoder::<T>::builder(Shape::flat(6)).seed(7);
    builder.encoder(Dense::new(3).activation(Activation::Tanh)).mirror(Activation::Sigmoid).build().unwrap()
}

/// A model whose file has about 4 KiB, in either float type.
pub fn four_kibibytes<T: Scalar>() -> Autoencoder<T> {
    let units = if size_of::<T>() == 4 { 16 } else { 8 };
    let builder = Autoencoder::<T>::builder(Shape::flat(24)).seed(7);
    let model = builder.encoder(Dense::new(units).activation(Activation::Tanh)).mirror(Activation::Sigmoid).build();
    let model = model.unwrap();
    let length = bytes(&model).len();
    assert!((3_800..4_500).contains(&length), "{length} bytes");
    model
}

pub fn samples<T: Scalar>(features: usize) -> DMatrix<T> {
    DMatrix::from_fn(features, 5, |feature, sample| T::from_f64(((feature * 7 + sample * 3) % 11) as f64 / 11.0 - 0.3))
}

pub fn bytes<T: Scalar>(model: &Autoencoder<T>) -> Vec<u8> {
    let mut bytes = Vec::new();
    model.write_to(&mut bytes).unwrap();
    bytes
}

pub fn network_bytes<T: Scalar>(network: &Network<T>) -> Vec<u8> {
    let mut bytes = Vec::new();
    network.write_to(&mut bytes).unwrap();
    bytes
}

pub fn header(bytes: &[u8]) -> &str {
    let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    std::str::from_utf8(&bytes[8..8 + length]).unwrap()
}

pub fn data(bytes: &[u8]) -> &[u8] {
    &bytes[8 + header(bytes).len()..]
}

/// A file of these parts, with its length and its checksum right.
pub fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(data);
    seal(bytes)
}

pub fn seal(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes[CHECKSUM].copy_from_slice(b"00000000");
    let sum = crc32fast::hash(&bytes);
    bytes[CHECKSUM].copy_from_slice(format!("{sum:08x}").as_bytes());
    bytes
}

/// The file with `to` in place of the first `from` in its header; the spaces at the header's end
/// are made right.
pub fn edited(bytes: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert!(header(bytes).contains(from), "{from} is not in {}", header(bytes));
    let mut text = header(bytes).trim_end().replacen(from, to, 1);
    while !text.len().is_multiple_of(8) {
        text.push(' ');
    }
    file(&text, data(bytes))
}

/// What `load` refuses, as text for a comparison.
pub fn refusal<M>(result: Result<M, ModelFileError>) -> ModelFileError {
    match result {
        Ok(_) => panic!("it was loaded"),
        Err(error) => error,
    }
}

pub fn kind(error: &ModelFileError) -> &ModelFileErrorKind {
    error.kind()
}
