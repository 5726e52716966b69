//! Accidents: every flipped bit and every lost end is detected.

use autoencoder::{Autoencoder, ModelFileErrorKind as Kind};

use crate::support::{bytes, data, file, header, refusal, small};

#[test]
fn every_single_bit_flip_is_detected() {
    let mut bytes = bytes(&small::<f32>());
    assert!((1_000..4_096).contains(&bytes.len()), "{} bytes", bytes.len());
    for place in 0..bytes.len() {
        for bit in 0..8 {
            bytes[place] ^= 1 << bit;
            assert!(Autoencoder::<f32>::from_bytes(&bytes).is_err(), "bit {bit} of byte {place}");
            bytes[place] ^= 1 << bit;
        }
    }
    assert!(Autoencoder::<f32>::from_bytes(&bytes).is_ok());
}

#[test]
fn every_lost_end_is_detected() {
    let bytes = bytes(&small::<f64>());
    for length in 0..bytes.len() {
        assert!(Autoencoder::<f64>::from_bytes(&bytes[..length]).is_err(), "the first {length} bytes");
    }
    let error = refusal(Autoencoder::<f64>::from_bytes(&bytes[..100]));
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

/// Attacks rather than accidents: headers changed at random, with the length and the checksum made right again.
#[test]
fn changed_headers_are_refused_or_mean_what_they_say() {
    const MUTANTS: u64 = 20_000;
    let mut model = small::<f32>();
    model.freeze("encoder.").unwrap();
    let good = bytes(&model);
    let mut accepted = 0;
    for seed in 0..MUTANTS {
        let changed = mutant(header(&good), seed);
        let file = file(&changed, data(&good));
        if let Ok(model) = Autoencoder::<f32>::from_bytes(&file) {
            accepted += 1;
            assert!(bytes(&model) == file, "{changed}");
        }
    }
    assert!(accepted > 0 && accepted < MUTANTS / 4, "{accepted} were accepted");
}

/// The header with a piece of it left out, doubled or replaced by a piece of another place, once or twice. What comes before the kind of model stays as it is:
/// the checksum, and the version of the crate, which is the one thing that a file saved again does not keep.
fn mutant(header: &str, seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(1);
    let mut draw = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % below
    };
    let mut text = header.trim_end().as_bytes().to_vec();
    for _ in 0..1 + draw(2) {
        let kept = header.find("\\\"model").unwrap();
        let first = kept + draw(text.len() - kept - 10);
        let length = 1 + draw(6);
        let piece = match draw(4) {
            0 => Vec::new(),
            1 => b"019-.e+\"\\{}[],: tn/".get(draw(19)..).unwrap()[..1].to_vec(),
            2 => text[first..first + length].repeat(2),
            _ => {
                let other = draw(text.len() - 10);
                text[other..other + length].to_vec()
            }
        };
        text.splice(first..first + length.min(2), piece);
    }
    while !text.len().is_multiple_of(8) {
        text.push(b' ');
    }
    String::from_utf8(text).unwrap()
}
