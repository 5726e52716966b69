//! Centring of samples.

use nalgebra::{DMatrix, DMatrixView, DVector};

/// The samples (features x samples) without their mean.
pub fn centred(samples: DMatrixView<'_, f32>, mean: &DVector<f32>) -> DMatrix<f32> {
    let mut samples = samples.clone_owned();
    for mut sample in samples.column_iter_mut() {
        sample -= mean;
    }
    samples
}
