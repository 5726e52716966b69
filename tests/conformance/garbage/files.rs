//! Model files that somebody has changed, and places where there is none.

use std::path::{Path, PathBuf};

use autoencoder::*;
use proptest::prelude::*;
use proptest::sample::select;

use super::{all_finite, name, row, small, temporary, variational};
use crate::Row;
use crate::built::Built;
use crate::properties::{Judgement, holds, require};

pub fn rows() -> Vec<Row> {
    vec![
        row("bytes of model files", || holds(1000, damage(), loads_or_says_why)),
        row("places of model files", || holds(100, (place(), name()), saves_or_says_why)),
    ]
}

/// Changes to a file: bytes that become others, numbers of its header that become others, and where
/// it ends; whether its checksum is made right.
#[derive(Debug, Clone)]
pub struct Damage {
    bytes: Vec<(usize, u8)>,
    numbers: Vec<(usize, u64)>,
    end: Option<usize>,
    sealed: bool,
}

pub fn damage() -> impl Strategy<Value = Damage> {
    let bytes = proptest::collection::vec((0_usize..6000, any::<u8>()), 0..4);
    let odd = select(vec![0, 1, 2, 3, 4, 7, 1 << 31, (1 << 31) + 1, u64::MAX / 2, u64::MAX - 1, u64::MAX]);
    let numbers = proptest::collection::vec((0_usize..60, odd), 0..3);
    let end = proptest::option::weighted(0.1, 0_usize..6000);
    (bytes, numbers, end, any::<bool>()).prop_map(|(bytes, numbers, end, sealed)| Damage {
        bytes,
        numbers,
        end,
        sealed,
    })
}

impl Damage {
    /// The file after the changes.
    pub fn done_to(&self, file: &[u8]) -> Vec<u8> {
        let mut bytes = rewritten(file, |header| {
            self.numbers.iter().for_each(|(place, number)| replace_number(header, *place, *number));
        });
        for (place, byte) in self.bytes.iter().filter(|_| !self.sealed || self.numbers.is_empty()) {
            let length = bytes.len();
            bytes[place % length] = *byte;
        }
        bytes.truncate(self.end.unwrap_or(usize::MAX));
        if self.sealed {
            seal(&mut bytes);
        }
        bytes
    }
}

/// A file with another header, which ends with the spaces that it needs and has its length before
/// it.
pub fn rewritten(file: &[u8], change: impl FnOnce(&mut String)) -> Vec<u8> {
    let length = u64::from_le_bytes(file[..8].try_into().expect("eight bytes")) as usize;
    let (header, data) = file[8..].split_at(length);
    let mut header = String::from_utf8(header.to_vec()).expect("a text");
    change(&mut header);
    header.truncate(header.trim_end().len());
    header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// Replaces the `place`th whole number of a header, behind its checksum.
fn replace_number(header: &mut String, place: usize, number: u64) {
    let digit = |index: &usize| header.as_bytes()[*index].is_ascii_digit();
    let begins = |index: &usize| digit(index) && matches!(header.as_bytes()[*index - 1], b':' | b'[' | b',');
    let starts: Vec<usize> = (80..header.len()).filter(begins).collect();
    let Some(start) = starts.get(place % starts.len().max(1)).copied() else { return };
    let end = (start..header.len()).find(|index| !digit(index)).unwrap_or(header.len());
    header.replace_range(start..end, &number.to_string());
}

/// Makes the checksum right: a CRC-32 of the whole file with zeros in its own place.
pub fn seal(file: &mut [u8]) {
    const PLACE: std::ops::Range<usize> = 69..77;
    if file.len() >= PLACE.end {
        file[PLACE].copy_from_slice(b"00000000");
        let sum = crc32fast::hash(file);
        file[PLACE].copy_from_slice(format!("{sum:08x}").as_bytes());
    }
}

/// A damaged file is an error, or the model it was; one whose checksum was made right is an error,
/// or a model that can be saved.
fn loads_or_says_why(damage: Damage) -> Judgement {
    let [mut network, mut model] = [Vec::new(), Vec::new()];
    small::<f64>().write_to(&mut network).expect("bytes");
    variational::<f32>().write_to(&mut model).expect("bytes");
    let path = temporary("model");
    for original in [network, model] {
        let bytes = damage.done_to(&original);
        std::fs::write(&path, &bytes).expect("a file");
        for loaded in [reads::<f64>(&bytes), reads::<f32>(&bytes), opens::<f64>(&path), opens::<f32>(&path)] {
            match loaded {
                Ok(finite) => require(finite && (damage.sealed || bytes == original), "damaged bytes were loaded")?,
                Err(error) => require(!error.to_string().is_empty(), "an error without words")?,
            }
        }
    }
    std::fs::remove_file(path).expect("the file");
    Ok(())
}

/// Whether all numbers are finite of what is read from bytes, by every way that fits; the last
/// error where none does.
fn reads<T: Scalar>(bytes: &[u8]) -> Result<bool, ModelFileError> {
    let registry = Registry::<T>::default();
    let model = Autoencoder::from_bytes(bytes).or_else(|_| Autoencoder::from_bytes_with(bytes, &registry));
    match model.or_else(|_| Autoencoder::from_bytes_as(bytes, &registry)) {
        Ok(model) => Ok(all_finite(model.network())),
        Err(_) => {
            let network = Network::from_bytes(bytes).or_else(|_| Network::from_bytes_with(bytes, &registry));
            network.or_else(|_| Network::from_bytes_as(bytes, &registry)).map(|network| all_finite(&network))
        }
    }
}

/// The same from a file.
fn opens<T: Scalar>(path: &Path) -> Result<bool, ModelFileError> {
    let registry = Registry::<T>::default();
    let model = Autoencoder::load(path).or_else(|_| Autoencoder::load_with(path, &registry));
    match model.or_else(|_| Autoencoder::load_as(path, &registry)) {
        Ok(model) => Ok(all_finite(model.network())),
        Err(_) => {
            let network = Network::load(path).or_else(|_| Network::load_with(path, &registry));
            network.or_else(|_| Network::load_as(path, &registry)).map(|network| all_finite(&network))
        }
    }
}

/// Where nobody keeps a model, within the folder of temporary files.
fn place() -> impl Strategy<Value = PathBuf> {
    let folder = std::env::temp_dir();
    let long = folder.join("long".repeat(2000));
    let missing = temporary("missing").join("model");
    select(vec![folder.clone(), folder.join("a\0b"), long, missing, folder.join(".."), PathBuf::from("\0")])
}

/// Nothing is saved where nothing can be, and nothing is left there; kinds may have any name.
fn saves_or_says_why((path, kind): (PathBuf, String)) -> Judgement {
    let (network, model) = (small::<f64>(), variational::<f64>());
    let entries = || std::fs::read_dir(std::env::temp_dir()).expect("a folder").count();
    let before = entries();
    require(network.save(&path).is_err() && model.save(&path).is_err(), "a model is saved where it cannot be")?;
    require(entries() <= before, "a file is left behind")?;
    let error = Network::<f64>::load(&path).err();
    require(error.is_some_and(|error| error.path() == Some(&path)), "an error without its place")?;
    let registry = Registry::<f64>::default()
        .register(kind.clone(), |_| Ok(Built::new(Flatten)))
        .register("dense", |config| Err::<Built, _>(ConfigError::Missing { name: format!("{config:?}") }));
    require(registry.kinds().any(|known| known == kind), "a kind that is not registered")?;
    let mut bytes = Vec::new();
    network.write_to(&mut bytes).expect("bytes");
    require(Network::from_bytes_with(&bytes, &registry).is_err(), "a refused layer is loaded")
}
