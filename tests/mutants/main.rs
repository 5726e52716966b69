//! Files changed on purpose, most with the checksum made right so that the deeper checks are
//! reached: whatever is in a file, reading it neither panics nor takes more memory than twice the
//! file's size and a MiB, and what is accepted is saved again to the same bytes.
//!
//! The golden files are what is changed. A million mutants, some minutes:
//!
//!     AUTOENCODER_MUTANTS=1000000 cargo test --release --test mutants -- --nocapture

#[path = "../common/heap.rs"]
mod heap;
mod json;
mod mutant;
mod random;

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use autoencoder::nalgebra::DMatrix;
use autoencoder::{Autoencoder, ModelFileError, ModelFileErrorKind, Network, Scalar};
use mutant::Good;

const MUTANTS: u64 = 20_000;

/// What reading may take besides twice the file.
const MIB: usize = 1 << 20;

#[test]
fn mutants_are_refused_or_mean_what_they_say() {
    let mutants = std::env::var("AUTOENCODER_MUTANTS").map_or(MUTANTS, |count| count.parse().expect("a number"));
    let goods = golden_files();
    let mut outcomes: BTreeMap<String, u64> = BTreeMap::new();
    let (mut most, mut longest) = (0.0_f64, 0);
    for seed in 0..mutants {
        let good = &goods[seed as usize % goods.len()];
        let file = good.mutant(seed);
        let read = catch_unwind(AssertUnwindSafe(|| read(&file)));
        let (outcome, peak) = read.unwrap_or_else(|_| panic!("mutant {seed}: {}", shown(&file)));
        assert!(peak < 2 * file.len() + MIB, "mutant {seed} took {peak} bytes: {outcome}, {}", shown(&file));
        most = most.max((peak as f64 - 2.0 * file.len() as f64) / MIB as f64);
        longest = longest.max(file.len());
        *outcomes.entry(outcome).or_default() += 1;
    }
    println!("{mutants} mutants of {} files, the longest of {longest} bytes", goods.len());
    println!("beyond twice the file they took {most:.3} MiB at most");
    outcomes.iter().for_each(|(outcome, count)| println!("{count:>9} {outcome}"));
    for outcome in REACHED {
        assert!(outcomes.contains_key(outcome), "no mutant ends in {outcome}");
    }
}

/// Every check that a file can fail, and none.
const REACHED: [&str; 22] = [
    "Accepted",
    "Build",
    "Checksum",
    "DataLength",
    "Description",
    "Foreign",
    "Format",
    "Frozen",
    "HeaderTooLarge",
    "Json",
    "Layer",
    "LayerName",
    "MissingTensor",
    "NotCanonical",
    "NotFinite",
    "Output",
    "Scale",
    "Tensor",
    "TensorOrder",
    "Truncated",
    "UnknownKind",
    "UnknownTensor",
];

fn golden_files() -> Vec<Good> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = paths.filter(|path| path.to_str().unwrap().ends_with(".model.safetensors")).collect();
    paths.sort();
    paths.iter().map(|path| Good::new(&fs::read(path).unwrap())).collect()
}

/// Reads the file as what it says it is; how that ends, and the most memory it takes.
fn read(file: &[u8]) -> (String, usize) {
    let says = |what: &[u8]| file.windows(what.len()).any(|bytes| bytes == what);
    match (says(br#"\"float\":\"F64\""#), says(br#"\"model\":\"network\""#)) {
        (false, false) => {
            read_as(file, Autoencoder::<f32>::from_bytes, |model, to| model.write_to(to), Autoencoder::network)
        }
        (true, false) => {
            read_as(file, Autoencoder::<f64>::from_bytes, |model, to| model.write_to(to), Autoencoder::network)
        }
        (false, true) => read_as(file, Network::<f32>::from_bytes, |model, to| model.write_to(to), |network| network),
        (true, true) => read_as(file, Network::<f64>::from_bytes, |model, to| model.write_to(to), |network| network),
    }
}

fn read_as<T: Scalar, M>(
    file: &[u8],
    from_bytes: impl Fn(&[u8]) -> Result<M, ModelFileError>,
    write_to: impl Fn(&M, &mut Vec<u8>) -> Result<(), ModelFileError>,
    network: impl Fn(&M) -> &Network<T>,
) -> (String, usize) {
    let (result, peak) = heap::peak(|| from_bytes(file));
    let outcome = match result {
        Ok(model) => {
            let mut again = Vec::new();
            write_to(&model, &mut again).unwrap();
            assert!(again == file, "it is saved as other bytes");
            run(network(&model));
            "Accepted".to_owned()
        }
        Err(error) => name(error.kind()),
    };
    (outcome, peak)
}

/// Sends a sample through, where that is soon done: the shapes were checked for good.
fn run<T: Scalar>(network: &Network<T>) {
    const LARGE: usize = 1 << 16;
    let features = network.input_shape().elements();
    let (mut shape, mut largest) = (network.input_shape(), features);
    for (name, layer) in network.layers() {
        shape = match layer.plan(shape, &[]) {
            Ok(plan) => plan.output(),
            Err(_) => network.until(name).unwrap().output_shape(), // it joins others
        };
        largest = largest.max(shape.elements());
    }
    if largest < LARGE {
        let sample = DMatrix::from_element(features, 2, T::from_f64(0.5));
        // An error where a scale that can just be divided by makes the sample infinite.
        let rows = network.predict(&sample).map_or(0, |output| output.nrows());
        assert!(rows == 0 || rows == network.output_shape().elements());
    }
}

/// The name of the kind of error.
fn name(kind: &ModelFileErrorKind) -> String {
    format!("{kind:?}").chars().take_while(char::is_ascii_alphanumeric).collect()
}

/// The file as far as it can be shown.
fn shown(file: &[u8]) -> String {
    const LONGEST: usize = 3_000;
    String::from_utf8_lossy(&file[..file.len().min(LONGEST)]).into_owned()
}
