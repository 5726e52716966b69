//! Shared code of the kernels' tests.

#[cfg(all(unix, not(asan)))]
mod fence;

use super::Element;

/// A small random number generator, the same in every run.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        self.0 >> 33
    }

    pub fn choose(&mut self, choices: &[usize]) -> usize {
        choices[self.next() as usize % choices.len()]
    }

    /// Values between -1 and 1.
    pub fn values<T: Element>(&mut self, count: usize) -> Vec<T> {
        (0..count).map(|_| T::of(self.next() as f64 / (1u64 << 30) as f64 - 1.0)).collect()
    }
}

/// Asserts that values are as close to their reference as rounding allows for sums of a few
/// thousand products.
pub fn assert_near<T: Element>(found: &[T], expected: &[f64], context: &str) {
    assert_eq!(found.len(), expected.len(), "length, {context}");
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let difference = (found.to_f64().unwrap() - expected).abs();
        let tolerance = 200.0 * T::epsilon().to_f64().unwrap() * (1.0 + expected.abs());
        assert!(difference <= tolerance, "{found} for {expected} at {index}, {context}");
    }
}
