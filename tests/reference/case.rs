//! One case of a reference file: its options, its tensors, and how numbers are compared with them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use autoencoder::Shape;
use safetensors::SafeTensors;
use serde_json::Value;

/// One case of a reference file.
pub struct Case {
    pub name: String,
    pub options: Value,
    tensors: BTreeMap<String, Tensor>,
}

pub struct Tensor {
    pub shape: Vec<usize>,
    pub values: Vec<f64>,
}

impl Case {
    pub fn kind(&self) -> &str {
        self.text("kind")
    }

    pub fn text(&self, option: &str) -> &str {
        self.options[option].as_str().unwrap_or_else(|| panic!("{}: no text `{option}`", self.name))
    }

    pub fn number(&self, option: &str) -> f64 {
        self.options[option].as_f64().unwrap_or_else(|| panic!("{}: no number `{option}`", self.name))
    }

    pub fn flag(&self, option: &str) -> bool {
        self.options[option].as_bool().unwrap_or_else(|| panic!("{}: no flag `{option}`", self.name))
    }

    pub fn pair(&self, option: &str) -> (usize, usize) {
        pair(&self.options[option])
    }

    pub fn count(&self, option: &str) -> usize {
        self.options[option].as_u64().unwrap_or_else(|| panic!("{}: no count `{option}`", self.name)) as usize
    }

    /// The layers of a network.
    pub fn layers(&self) -> impl Iterator<Item = Case> {
        let layers = self.options["layers"].as_array().unwrap_or_else(|| panic!("{}: no layers", self.name));
        layers.iter().map(|options| Case {
            name: self.name.clone(),
            options: options.clone(),
            tensors: BTreeMap::new(),
        })
    }

    pub fn holds(&self, tensor: &str) -> bool {
        self.tensors.contains_key(tensor)
    }

    pub fn tensor(&self, name: &str) -> &Tensor {
        self.tensors.get(name).unwrap_or_else(|| panic!("{}: no tensor `{name}`", self.name))
    }

    pub fn values(&self, name: &str) -> &[f64] {
        &self.tensor(name).values
    }

    /// The shape of one sample of a tensor.
    pub fn sample(&self, name: &str) -> Shape {
        Shape::new(&self.tensor(name).shape[1..]).expect("a shape")
    }

    /// Panics unless every element is equal to 1e-10 of itself, but for rounding of the tensor's
    /// largest.
    #[track_caller]
    pub fn compare(&self, tensor: &str, found: &[f64]) {
        let expected = self.values(tensor);
        assert_eq!(found.len(), expected.len(), "{}/{tensor}: another number of elements", self.name);
        let largest = expected.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
        for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
            let close = (found - expected).abs() <= 1e-10 * expected.abs() + 1e-14 * largest;
            assert!(close, "{}/{tensor}[{index}]: {found:e}, expected {expected:e}", self.name);
        }
    }
}

pub fn pair(value: &Value) -> (usize, usize) {
    let [height, width] = sizes(value)[..] else { panic!("{value} is not a pair") };
    (height, width)
}

pub fn sizes(value: &Value) -> Vec<usize> {
    let size = |size: &Value| size.as_u64().unwrap_or_else(|| panic!("{size} is not a size")) as usize;
    value.as_array().unwrap_or_else(|| panic!("{value} is not a list")).iter().map(size).collect()
}

/// Every case of `tests/reference/<area>.safetensors`, of which there are `count`.
pub fn cases(area: &str, count: usize) -> Vec<Case> {
    let bytes = std::fs::read(reference(&format!("{area}.safetensors"))).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let list: Vec<Value> = serde_json::from_str(&header.metadata().as_ref().unwrap()["cases"]).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors: BTreeMap<String, BTreeMap<String, Tensor>> = BTreeMap::new();
    for (name, view) in file.tensors() {
        let (case, tensor) = name.rsplit_once('/').unwrap();
        let values = view.data().chunks_exact(8).map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap())).collect();
        let tensor = (tensor.to_owned(), Tensor { shape: view.shape().to_vec(), values });
        tensors.entry(case.to_owned()).or_default().extend([tensor]);
    }
    assert_eq!(list.len(), count, "{area}: cases");
    let case = |options: Value| {
        let name = options["name"].as_str().unwrap().to_owned();
        Case { tensors: tensors.remove(&name).unwrap_or_default(), name, options }
    };
    list.into_iter().map(case).collect()
}

pub fn reference(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(file)
}
