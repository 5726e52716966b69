//! [`Metric`]: values that training reports beside the loss.

use std::fmt::Debug;

use crate::{Scalar, Shape};

/// A measure of predictions: a mean over samples.
pub trait Metric<T: Scalar>: Debug + Send + Sync {
    /// The metric's name in a history.
    fn name(&self) -> &str;

    /// The sum of the metric over samples; NaN if a number is that it is not defined for.
    /// Predictions and targets are features × samples; `shape` is the shape of a sample.
    fn evaluate(&self, shape: Shape, predictions: &[T], targets: &[T]) -> f64;
}

/// The share of samples (of pixels, for images) whose largest prediction is in the same channel as
/// the largest target; of equals the first counts. Keras's `CategoricalAccuracy`. With one channel,
/// the share whose prediction and target are on the same side of ½: its `BinaryAccuracy` for
/// targets 0 and 1. NaN if a prediction or a target is.
///
/// ```
/// use autoencoder::{Accuracy, Metric, Shape};
///
/// let predictions = [0.1, 0.6, 0.3, 0.4, 0.5, 0.1]; // two samples of three classes
/// let targets = [0.0, 1.0, 0.0, 1.0, 0.0, 0.0];
/// assert_eq!(Metric::<f64>::evaluate(&Accuracy, Shape::flat(3), &predictions, &targets), 1.0); // one of them is right
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Accuracy;

impl<T: Scalar> Metric<T> for Accuracy {
    fn name(&self) -> &str {
        "accuracy"
    }

    #[inline(never)] // see `compiled.rs`
    fn evaluate(&self, shape: Shape, predictions: &[T], targets: &[T]) -> f64 {
        let channels = shape.channels().max(1);
        let groups = predictions.chunks_exact(channels).zip(targets.chunks_exact(channels));
        let right = groups.map(|(prediction, target)| agreement(prediction, target)).sum::<f64>();
        right / (shape.elements() / channels).max(1) as f64
    }
}

/// 1 for the same class, else 0; NaN if one of the numbers is, which belongs to no class.
fn agreement<T: Scalar>(prediction: &[T], target: &[T]) -> f64 {
    match class(prediction).zip(class(target)) {
        Some((predicted, expected)) => f64::from(u8::from(predicted == expected)),
        None => f64::NAN,
    }
}

/// The class that `values` are for; `None` if one of them is NaN.
fn class<T: Scalar>(values: &[T]) -> Option<usize> {
    if values.iter().any(|value| value.is_nan()) {
        return None;
    }
    if let [probability] = values {
        return Some(usize::from(*probability > T::from_f64(0.5)));
    }
    let start = (0, T::neg_infinity());
    let step = |best: (usize, T), (index, value): (usize, &T)| if *value > best.1 { (index, *value) } else { best };
    Some(values.iter().enumerate().fold(start, step).0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_largest_counts() {
        let (predictions, targets) = ([0.1, 0.6, 0.3, 0.4, 0.4, 0.2], [0.0, 1.0, 0.0, 0.0, 1.0, 0.0]);
        assert_eq!(Metric::<f64>::evaluate(&Accuracy, Shape::flat(3), &predictions, &targets), 1.0);
        assert_eq!(Metric::<f64>::evaluate(&Accuracy, Shape::image(1, 2, 3), &predictions, &targets), 0.5);
    }

    #[test]
    fn a_nan_is_of_no_class() {
        let nan = f64::NAN;
        for (predictions, targets) in [([nan, nan], [1.0, 0.0]), ([0.1, nan], [0.0, 1.0]), ([1.0, 0.0], [nan, 1.0])] {
            for shape in [Shape::flat(2), Shape::image(1, 1, 2), Shape::image(1, 2, 1)] {
                assert!(Metric::<f64>::evaluate(&Accuracy, shape, &predictions, &targets).is_nan(), "{predictions:?}");
            }
        }
    }
}
