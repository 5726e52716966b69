//! The fingerprint of data, by which a checkpoint tells other data from its own.

use std::ops::Range;

use super::step::Pairs;
use crate::data::{DataError, filled};
use crate::graph::Network;
use crate::{Config, Scalar};

/// How many samples are read: enough to tell other data, and too few to take time.
const SAMPLES: usize = 64;

/// The fingerprints of the inputs, the targets and, if the network takes them, the side inputs of
/// the samples in `range`, by name; the targets' is the inputs' where each input is its own target.
///
/// # Errors
/// An error of a source.
pub(super) fn of_pairs<T: Scalar>(
    pairs: Pairs<'_, T>,
    network: &Network<T>,
    range: Range<usize>,
) -> Result<Config, DataError> {
    let of_inputs = |samples: &[usize], values: &mut [T]| pairs.inputs.read(samples, values);
    let inputs = of_samples(range.clone(), pairs.inputs.features(), of_inputs)?;
    let targets = match pairs.targets {
        None => inputs.clone(),
        Some(targets) => {
            of_samples(range.clone(), targets.features(), |samples, values: &mut [T]| targets.read(samples, values))?
        }
    };
    let prints = Config::new().with("inputs", inputs.as_str()).with("targets", targets.as_str());
    match network.definition().side_input {
        0 => Ok(prints),
        features => {
            let of_sides = |samples: &[usize], values: &mut [T]| pairs.inputs.read_side(samples, values);
            Ok(prints.with("side_inputs", of_samples(range, features, of_sides)?.as_str()))
        }
    }
}

/// FNV-1a of 64 bits, in hexadecimal digits, over the number of samples and of features as integers
/// of 64 bits, then the values of some samples as `f64`: all in little-endian bytes. The samples
/// are the first, the last and others evenly between, or all if there are no more than 64.
fn of_samples<T: Scalar>(
    range: Range<usize>,
    features: usize,
    read: impl Fn(&[usize], &mut [T]) -> Result<(), DataError>,
) -> Result<String, DataError> {
    let mut hash = Fnv::new();
    hash.add(range.len() as u64);
    hash.add(features as u64);
    let mut values = filled(T::zero(), features)?;
    for sample in chosen(range.len()) {
        read(&[range.start + sample], &mut values)?;
        values.iter().for_each(|value| hash.add(value.into_f64().to_bits()));
    }
    Ok(format!("{:016x}", hash.0))
}

/// Which of `count` samples are read.
fn chosen(count: usize) -> impl Iterator<Item = usize> {
    let (read, last) = (count.min(SAMPLES), count.saturating_sub(1));
    let steps = read.saturating_sub(1).max(1) as u128;
    (0..read).map(move |index| (index as u128 * last as u128 / steps) as usize)
}

/// The hash of Fowler, Noll and Vo, 1a.
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, number: u64) {
        for byte in number.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DMatrix;

    fn print_of<T: Scalar>(data: &DMatrix<T>) -> String {
        use crate::Source;
        let read = |samples: &[usize], values: &mut [T]| data.read(samples, values);
        of_samples(0..data.ncols(), data.nrows(), read).unwrap()
    }

    /// Of 1 sample and 1 feature that is 0.0: computed with another implementation.
    #[test]
    fn it_is_fnv_1a() {
        let reference = |bytes: &[u8]| {
            bytes.iter().fold(14_695_981_039_346_656_037_u64, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(1_099_511_628_211)
            })
        };
        assert_eq!(reference(b"a"), 0xaf63_dc4c_8601_ec8c, "the published value");
        let mut bytes = [0_u8; 24];
        (bytes[0], bytes[8]) = (1, 1);
        assert_eq!(print_of(&DMatrix::from_element(1, 1, 0.0_f32)), format!("{:016x}", reference(&bytes)));
    }

    #[test]
    fn the_first_and_the_last_sample_are_among_those_read() {
        for count in [1, 2, 63, 64, 65, 66, 1000, 60_000, usize::MAX] {
            let chosen: Vec<usize> = chosen(count).collect();
            assert_eq!(chosen.len(), count.min(SAMPLES));
            assert_eq!((chosen.first(), chosen.last()), (Some(&0), Some(&(count - 1))), "{count}");
            assert!(chosen.windows(2).all(|pair| pair[0] < pair[1]), "{count}: {chosen:?}");
        }
    }

    /// Any bit of any sample that is read, and the number of samples and features.
    #[test]
    fn other_bits_have_another_fingerprint() {
        let data = DMatrix::from_fn(3, 200, |feature, sample| (feature * sample) as f64);
        let print = print_of(&data);
        assert_eq!(print_of(&data.map(|value| value as f32)), print, "of equal values, whatever their type");
        for sample in chosen(200) {
            for change in [|value: f64| -value, |value: f64| value + 1e-9, |_| f64::NAN, |_| f64::INFINITY] {
                let mut other = data.clone();
                other[(1, sample)] = change(data[(1, sample)]);
                assert_ne!(print_of(&other), print, "sample {sample}");
            }
        }
        assert_ne!(print_of(&-&data), print);
        assert_ne!(print_of(&DMatrix::<f64>::zeros(3, 200)), print_of(&DMatrix::<f64>::zeros(2, 200)));
        assert_ne!(print_of(&DMatrix::<f64>::zeros(2, 3)), print_of(&DMatrix::<f64>::zeros(3, 2)));
    }
}
