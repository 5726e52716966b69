//! Classification by the nearest neighbours.

use nalgebra::{DMatrix, DMatrixView, DVector, DVectorView};

use super::centring::centred;

/// Queries compared with all training samples at once: their distances take `BLOCK` floats for each
/// training sample.
const BLOCK: usize = 64;

/// A classifier that looks up the k training samples nearest to a query, by Euclidean distance, and
/// answers with the label most of them have. Where labels have equally many, the one with the
/// nearest sample wins.
///
/// Distances come from a matrix product, ‖q − t‖² = ‖q‖² + ‖t‖² − 2 tᵀq, where ‖q‖² is the same for
/// all t and left out. Queries and samples are centred first, which changes no distance and keeps
/// the rounding of that difference small.
#[derive(Debug, Clone)]
pub struct NearestNeighbors {
    neighbors: usize,
    mean: DVector<f32>,
    samples: DMatrix<f32>, // samples x features
    squared_norms: Vec<f32>,
    labels: Vec<u8>,
}

impl NearestNeighbors {
    /// Keeps the training samples (features x samples) and their labels. `neighbors` is k, at least
    /// 1.
    pub fn fit<'a>(neighbors: usize, samples: impl Into<DMatrixView<'a, f32>>, labels: &[u8]) -> Self {
        let samples = samples.into();
        assert!(neighbors > 0, "at least one neighbor has to vote");
        assert!(samples.ncols() > 0, "there has to be a training sample");
        assert_eq!(samples.ncols(), labels.len(), "one label for each sample");
        let mean = samples.column_mean();
        let samples = centred(samples, &mean);
        Self {
            neighbors,
            mean,
            squared_norms: samples.column_iter().map(|s| s.norm_squared()).collect(),
            samples: samples.transpose(),
            labels: labels.to_vec(),
        }
    }

    /// The label of each query (features x queries).
    pub fn predict<'a>(&self, queries: impl Into<DMatrixView<'a, f32>>) -> Vec<u8> {
        let queries = queries.into();
        let count = queries.ncols();
        (0..count)
            .step_by(BLOCK)
            .map(|first| queries.columns(first, BLOCK.min(count - first)))
            .flat_map(|block| self.predict_block(block))
            .collect()
    }

    fn predict_block(&self, queries: DMatrixView<'_, f32>) -> Vec<u8> {
        let products = &self.samples * centred(queries, &self.mean); // samples x queries
        products.column_iter().map(|products| self.vote(&self.nearest(products))).collect()
    }

    /// The training samples nearest to a query, the nearest first, from their products with it.
    fn nearest(&self, products: DVectorView<'_, f32>) -> Vec<usize> {
        let mut nearest = Vec::with_capacity(self.neighbors + 1);
        let mut farthest = f32::INFINITY;
        for (sample, (norm, product)) in self.squared_norms.iter().zip(&products).enumerate() {
            let distance = norm - 2.0 * product;
            if nearest.len() < self.neighbors || distance < farthest {
                let place = nearest.partition_point(|&(other, _)| other <= distance);
                nearest.insert(place, (distance, sample));
                nearest.truncate(self.neighbors);
                farthest = nearest[nearest.len() - 1].0;
            }
        }
        nearest.into_iter().map(|(_, sample)| sample).collect()
    }

    fn vote(&self, nearest: &[usize]) -> u8 {
        let mut votes = [0; 256];
        let mut winner = self.labels[nearest[0]];
        for &sample in nearest {
            votes[usize::from(self.labels[sample])] += 1;
        }
        for &sample in nearest {
            let label = self.labels[sample];
            if votes[usize::from(label)] > votes[usize::from(winner)] {
                winner = label;
            }
        }
        winner
    }
}

/// The fraction of predictions that are right.
pub fn accuracy(predicted: &[u8], actual: &[u8]) -> f64 {
    assert_eq!(predicted.len(), actual.len(), "one prediction for each label");
    let right = predicted.iter().zip(actual).filter(|(p, a)| p == a).count();
    right as f64 / actual.len() as f64
}
