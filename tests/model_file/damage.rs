//! Accidents: every flipped bit and every lost end is detected.

use autoencoder::{Autoencoder, ModelFileErrorKind as Kind, Scalar};

use crate::support::{bytes, four_kibibytes, refusal, small};

#[test]
fn every_single_bit_flip_is_detected() {
    every_flip::<f32>();
    every_flip::<f64>();
}

fn every_flip<T: Scalar>() {
    let mut bytes = bytes(&four_kibibytes::<T>());
    for place in 0..bytes.len() {
        for bit in 0..8 {
            bytes[place] ^= 1 << bit;
            assert!(Autoencoder::<T>::from_bytes(&bytes).is_err(), "bit {bit} of byte {place}");
            bytes[place] ^= 1 << bit;
        }
    }
    assert!(Autoencoder::<T>::from_bytes(&bytes).is_ok());
}

#[test]
fn every_lost_end_is_detected() {
    every_end::<f32>();
    every_end::<f64>();
}

fn every_end<T: Scalar>() {
    let bytes = bytes(&four_kibibytes::<T>());
    for length in 0..bytes.len() {
        assert!(Autoencoder::<T>::from_bytes(&bytes[..length]).is_err(), "the first {length} bytes");
    }
    let error = refusal(Autoencoder::<T>::from_bytes(&bytes[..100]));
    assert!(matches!(error.kind(), Kind::Truncated { found: 100, .. }));
}

#[test]
fn more_bytes_than_there_should_be_are_detected() {
    let mut bytes = bytes(&small::<f32>());
    bytes.push(0);
    assert!(matches!(refusal(Autoencoder::<f32>::from_bytes(&bytes)).kind(), Kind::Checksum { .. }));
    let sealed = crate::support::seal(bytes);
    assert!(matches!(refusal(Autoencoder::<f32>::from_bytes(&sealed)).kind(), Kind::DataLength { .. }));
}
