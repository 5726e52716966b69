//! Principal component analysis.

use nalgebra::{DMatrix, DMatrixView, DVector};

use super::centring::centred;

/// Samples whose share of the covariance is computed at once.
const BLOCK: usize = 1024;

/// The directions in which samples vary most: the linear rival of an autoencoder.
///
/// With the mean μ and the first k eigenvectors W of the covariance, the code of x is Wᵀ(x − μ) and
/// its reconstruction W c + μ. No linear code of k numbers reconstructs the training samples with a
/// smaller squared error.
#[derive(Debug, Clone)]
pub struct Pca {
    mean: DVector<f32>,
    components: DMatrix<f32>, // features x components
}

impl Pca {
    /// Finds the first `components` directions of the samples (features x samples), at most as many
    /// as there are features.
    pub fn fit<'a>(samples: impl Into<DMatrixView<'a, f32>>, components: usize) -> Self {
        let samples = samples.into();
        assert!(samples.ncols() > 0, "there has to be a sample");
        assert!(components <= samples.nrows(), "{components} components of {} features", samples.nrows());
        let mean = samples.column_mean();
        let few = components < samples.ncols() && samples.ncols() < samples.nrows();
        let components = match few {
            true => components_of_few(&centred(samples, &mean), components),
            false => largest_eigenvectors(covariance(samples, &mean), components),
        };
        Self { mean, components }
    }

    /// The directions, orthogonal and of length 1: features x components.
    pub fn components(&self) -> &DMatrix<f32> {
        &self.components
    }

    /// The codes of samples (features x samples): components x samples.
    pub fn transform<'a>(&self, samples: impl Into<DMatrixView<'a, f32>>) -> DMatrix<f32> {
        self.components.transpose() * centred(samples.into(), &self.mean)
    }

    /// The reconstructions of codes (components x samples): features x samples.
    pub fn inverse_transform<'a>(&self, codes: impl Into<DMatrixView<'a, f32>>) -> DMatrix<f32> {
        let mut samples = &self.components * codes.into();
        for mut sample in samples.column_iter_mut() {
            sample += &self.mean;
        }
        samples
    }
}

/// The same from the products of the samples with each other, a smaller matrix than the covariance
/// where there are fewer samples than features: if u is an eigenvector of XᵀX, then Xu is one of
/// XXᵀ.
fn components_of_few(centred: &DMatrix<f32>, components: usize) -> DMatrix<f32> {
    let share = 1.0 / centred.ncols() as f32;
    let mut vectors = centred * largest_eigenvectors(centred.transpose() * centred * share, components);
    let rounding = 1e-3 * vectors.column_iter().map(|vector| vector.norm()).fold(0.0, f32::max);
    for mut vector in vectors.column_iter_mut() {
        if vector.try_normalize_mut(rounding).is_none() {
            vector.fill(0.0); // the samples do not vary in so many directions
        }
    }
    vectors
}

fn covariance(samples: DMatrixView<'_, f32>, mean: &DVector<f32>) -> DMatrix<f32> {
    let (features, count) = samples.shape();
    let share = 1.0 / count as f32;
    let mut covariance = DMatrix::zeros(features, features);
    for first in (0..count).step_by(BLOCK) {
        let block = centred(samples.columns(first, BLOCK.min(count - first)), mean);
        covariance.gemm(share, &block, &block.transpose(), 1.0);
    }
    covariance
}

/// The eigenvectors of the largest eigenvalues, the largest first, of a matrix without negative
/// eigenvalues.
///
/// The eigenvalues are shifted by their sum, which changes no eigenvector: the solver's test for
/// convergence is relative to them, and a covariance has many that are zero, which it might never
/// pass (nalgebra's issue 1025). In `f32`, its squares of tiny entries vanish and make NaN.
fn largest_eigenvectors(matrix: DMatrix<f32>, count: usize) -> DMatrix<f32> {
    let mut matrix: DMatrix<f64> = matrix.cast();
    let shift = matrix.trace();
    for feature in 0..matrix.nrows() {
        matrix[(feature, feature)] += shift;
    }
    let eigen = matrix.symmetric_eigen();
    let mut order: Vec<usize> = (0..eigen.eigenvalues.len()).collect();
    order.sort_by(|&left, &right| eigen.eigenvalues[right].total_cmp(&eigen.eigenvalues[left]));
    eigen.eigenvectors.select_columns(&order[..count]).cast()
}
