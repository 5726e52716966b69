//! Any bytes as a model file: reading neither panics nor takes much memory, and what is accepted is
//! saved again to the same bytes.
//!
//!     cargo +nightly fuzz run model_file fuzz/corpus/model_file tests/golden -- -max_len=16384 -rss_limit_mb=512

#![no_main]

use std::ops::Range;

use autoencoder::{Autoencoder, Network, Scalar};
use libfuzzer_sys::fuzz_target;

/// Where the checksum's eight digits stand.
const CHECKSUM: Range<usize> = 69..77;

fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    if let Some(sealed) = sealed(bytes) {
        read(&sealed);
    }
});

/// The bytes with the checksum made right, so that the deeper checks are reached.
fn sealed(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut sealed = bytes.to_vec();
    sealed.get_mut(CHECKSUM)?.copy_from_slice(b"00000000");
    let sum = format!("{:08x}", crc32fast::hash(&sealed));
    sealed.get_mut(CHECKSUM)?.copy_from_slice(sum.as_bytes());
    Some(sealed)
}

fn read(bytes: &[u8]) {
    read_as::<f32>(bytes);
    read_as::<f64>(bytes);
}

fn read_as<T: Scalar>(bytes: &[u8]) {
    let mut again = Vec::new();
    if let Ok(model) = Autoencoder::<T>::from_bytes(bytes) {
        model.write_to(&mut again).unwrap();
        assert_eq!(again, bytes);
    }
    if let Ok(network) = Network::<T>::from_bytes(bytes) {
        network.write_to(&mut again).unwrap();
        assert_eq!(again, bytes);
    }
}
