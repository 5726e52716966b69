//! Scalers: what counts as constant, how small and how large data may be, clipping.

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;

use crate::common::{Numbers, Outcome, distance, error_of};

/// `values` in every one of two features, the second 1024 times as large.
fn columns<T: Scalar>(values: &[f64], samples: usize) -> DMatrix<T> {
    DMatrix::from_fn(2, samples, |feature, sample| {
        T::from_f64([1.0, 1024.0][feature]) * T::from_f64(values[sample % values.len()])
    })
}

/// By scikit-learn's bound, `_is_constant_feature`, and by the rounding of the data's own type.
#[test]
fn a_column_constant_up_to_rounding_is_constant() -> Outcome {
    fn divided_by_one<T: Scalar>(data: &DMatrix<T>) -> Outcome {
        assert_ne!(data[(0, 0)], data[(0, 1)], "constant to the last bit");
        assert_eq!(StandardScaler::fit(data)?.scale(), [1.0, 1.0]);
        assert_eq!(MinMaxScaler::fit(data)?.scale(), [1.0, 1.0]);
        Ok(())
    }
    for samples in [2, 63, 64, 65, 1000] {
        divided_by_one(&columns::<f64>(&[0.3, 0.1 + 0.2], samples))?;
        divided_by_one(&columns::<f64>(&[-0.3, -0.1 - 0.2], samples))?;
        divided_by_one(&columns::<f64>(&[1e-30, 1e-30 * (1.0 + f64::EPSILON)], samples))?;
        divided_by_one(&columns::<f32>(&[0.7, f64::from(0.7_f32.next_up())], samples))?;
    }
    // A value near the constant is near it for the model, too.
    let (data, near) = (columns::<f64>(&[0.3, 0.1 + 0.2], 40), DMatrix::from_element(2, 1, 0.3001));
    for scaler in [StandardScaler::fit(&data)?, MinMaxScaler::fit(&data)?] {
        let builder = Autoencoder::<f64>::builder(Shape::flat(2)).scaler(scaler).encoder(Dense::new(1));
        let score = builder.mirror(Activation::Linear).build()?.scaled_reconstruction_error(&near)?[0];
        assert!(score < 1e6, "{score}"); // the second feature is 300 away
    }
    Ok(())
}

#[test]
fn data_however_small_are_scaled() -> Outcome {
    fn scaled<T: Scalar>(data: &DMatrix<T>, step: f64) -> Outcome {
        let close = |found: &[f64], expected: [f64; 2]| distance(found, &expected) < 1e-6;
        assert!(close(StandardScaler::fit(data)?.scale(), [step / 2.0, 512.0 * step]), "{step:e}");
        assert!(close(MinMaxScaler::fit(data)?.scale(), [step, 1024.0 * step]), "{step:e}");
        Ok(())
    }
    for step in [1e-13, 1e-30, 1e-140] {
        scaled(&columns::<f64>(&[0.0, step], 100), step)?;
        scaled(&columns::<f64>(&[3.0 * step, 4.0 * step], 100), step)?;
    }
    for step in [1e-13, 1e-30] {
        scaled(&columns::<f32>(&[0.0, step], 100), step)?;
        scaled(&columns::<f32>(&[-step, 0.0], 100), step)?;
    }
    scaled(&columns::<f64>(&[1.0, 1.0 + 1e-9], 100), 1e-9)?; // little beside its mean, but no rounding
    scaled(&columns::<f32>(&[1.0, 1.0 + 2.0_f64.powi(-18)], 100), 2.0_f64.powi(-18))
}

/// A scale that is not finite is an error, not 1.
#[test]
fn data_too_large_to_scale_are_an_error() -> Outcome {
    let data = columns::<f64>(&[1e200, -1e200], 10);
    let error = error_of(StandardScaler::fit(&data), "a variance that overflows").to_string();
    assert!(error.contains("feature 0 of the scaler") && error.contains("divide"), "{error}");
    assert_eq!(MinMaxScaler::fit(&data)?.scale()[0], 2e200);
    for data in [columns::<f64>(&[1e305, -1e305], 10), DMatrix::from_row_slice(1, 2, &[f64::MAX, -f64::MAX])] {
        let error = error_of(MinMaxScaler::fit(&data), "a range that overflows").to_string();
        assert!(error.contains("the scale inf") && error.contains("divide"), "{error}");
    }
    Ok(())
}

/// Scalers read in blocks; the blocks' borders do not matter, and errors count in the whole.
#[test]
fn scalers_read_every_sample_once() -> Outcome {
    let data = Numbers::new(11).matrix::<f64>(3, 1000);
    for samples in [1, 63, 64, 65, 128, 1000] {
        let part = data.columns(0, samples);
        let mean = part.column_mean();
        assert!(distance(StandardScaler::fit(&part)?.shift(), mean.as_slice()) < 1e-14, "{samples}");
        let (low, range) = (part.row(1).min(), part.row(1).max() - part.row(1).min());
        let scaler = MinMaxScaler::fit(&part)?;
        assert_eq!((scaler.shift()[1], scaler.scale()[1]), (low, if samples == 1 { 1.0 } else { range }));
        let wide = DMatrix::from_fn(100_000, 3, |row, column| data[(column, row % samples)]);
        assert_eq!(MinMaxScaler::fit(&wide)?.features(), 100_000);
    }
    let mut bad = data.clone();
    bad[(2, 700)] = f64::NAN;
    let error = error_of(StandardScaler::fit(&bad), "NaN").to_string();
    assert!(error.starts_with("feature 2 of sample 700 is NaN"), "{error}");
    Ok(())
}

#[test]
fn a_clipped_scaler_keeps_the_model_in_its_range() -> Outcome {
    let data = Numbers::new(12).matrix::<f64>(3, 50);
    let plain = MinMaxScaler::fit(&data)?;
    let clipped = plain.clone().clip(0.0, 1.0)?;
    assert_eq!((plain.clipped_to(), clipped.clipped_to()), (None, Some([0.0, 1.0])));
    let build = |scaler: &Scaler| -> Result<Autoencoder<f64>, BuildError> {
        let builder = Autoencoder::builder(Shape::flat(3)).scaler(scaler.clone()).encoder(Dense::new(2));
        builder.mirror(Activation::Sigmoid).build()
    };
    let (plain, clipped) = (build(&plain)?, build(&clipped)?);
    assert_eq!(plain.reconstruct(&data)?, clipped.reconstruct(&data)?, "what is inside is as ever");
    let outside = DMatrix::from_column_slice(3, 1, &[1e6, -1e6, 0.5]);
    let inside = DMatrix::from_column_slice(3, 1, &[data.row(0).max(), data.row(1).min(), 0.5]);
    assert_eq!(clipped.encode(&outside)?, clipped.encode(&inside)?);
    assert!(clipped.scaled_reconstruction_error(&outside)?[0] > 1e10, "far outside is far off");
    assert!(clipped.evaluate(&Bce, &outside)?.is_finite());
    let error = error_of(plain.evaluate(&Bce, &outside), "what is outside").to_string();
    assert!(error.contains("when scaled, the loss `bce` takes numbers in 0..=1"), "{error}");
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let error = error_of(clipped.encode(&DMatrix::from_element(3, 1, value)), "not finite").to_string();
        assert!(error.starts_with("feature 0 of sample 0 is "), "{error}");
    }
    for (low, high) in [(1.0, 0.0), (0.0, 0.0), (0.0, f64::INFINITY), (f64::NAN, 1.0)] {
        assert_eq!(error_of(Scaler::new(vec![], vec![])?.clip(low, high), "no range").option, "clip");
    }
    Ok(())
}
