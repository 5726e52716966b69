//! Batch normalisation over few values.

use crate::Scalar;
use crate::graph::{Network, Operation};
use crate::train::Warning;

/// The batches of an epoch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Batches {
    /// Samples of the epoch, at least 1.
    pub samples: usize,
    /// Samples of a batch, at least 1, except of the last.
    pub size: usize,
}

impl Batches {
    /// How many there are.
    pub fn count(self) -> usize {
        self.samples.div_ceil(self.size)
    }

    /// The sizes of the full batches and of the last, each with how many there are of it.
    fn sizes(self) -> [(usize, usize); 2] {
        [(self.size, self.samples / self.size), (self.samples % self.size, 1)]
    }
}

/// The first layer that normalises over too few values.
pub(super) fn of<T: Scalar>(network: &Network<T>, batches: Batches) -> Option<Warning> {
    let mut layers = network.program().operations.iter();
    let layer = layers.find(|operation| {
        let normalises = operation.layer.kind() == "batch_norm" && !operation.is_frozen(network.frozen());
        normalises && (misleads(operation, batches) || batches.size == 1)
    })?;
    let sizes = batches.sizes().into_iter().filter(|(samples, count)| *samples > 0 && *count > 0);
    let samples = sizes.map(|(samples, _)| samples).min()?;
    let values = layer.input().shape.values_per_channel(samples) as usize;
    Some(Warning::SmallBatches { layer: layer.name.clone(), samples, values })
}

/// Whether the running variance is far below that of the data: over n values a variance is too
/// small by 1/n on average. Batches of one value are left out; where there are no others, nothing
/// is learned at all.
fn misleads<T: Scalar>(operation: &Operation<T>, batches: Batches) -> bool {
    const MOST: f64 = 1.0 / 8.0;
    let (mut missing, mut all) = (0.0, 0);
    for (samples, count) in batches.sizes().into_iter().filter(|(samples, count)| *samples > 0 && *count > 0) {
        let values = operation.input().shape.values_per_channel(samples);
        if values > 1.0 {
            missing += count as f64 / values;
            all += count;
        }
    }
    all == 0 || missing / all as f64 > MOST
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BatchNorm, Dense, Shape};

    fn seen(shape: Shape, samples: usize, size: usize) -> Option<(usize, usize)> {
        let network = Network::<f32>::builder(shape).layer(BatchNorm::new()).layer(Dense::new(1)).build().unwrap();
        match of(&network, Batches { samples, size }) {
            Some(Warning::SmallBatches { samples, values, .. }) => Some((samples, values)),
            _ => None,
        }
    }

    #[test]
    fn a_variance_over_few_values_is_too_small() {
        let flat = |samples, size| seen(Shape::flat(3), samples, size);
        assert_eq!([flat(512, 2), flat(512, 4), flat(7, 32)], [Some((2, 2)), Some((4, 4)), Some((7, 7))]);
        assert_eq!([flat(512, 8), flat(512, 32), flat(20, 32), flat(129, 128), flat(1000, 128)], [None; 5]);
        assert_eq!(flat(130, 128), Some((2, 2)), "every other batch is one of two");
        assert_eq!(flat(9, 1), Some((1, 1)));
        let image = |samples, size| seen(Shape::image(5, 5, 2), samples, size);
        assert_eq!([image(10, 2), image(10, 1)], [None, Some((1, 25))]);
    }
}
