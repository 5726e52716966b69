//! [`Clip`]: gradient clipping.

use crate::kernel::reduce;
use crate::{Config, OptionError, Scalar, option};

/// A bound on gradients, applied to all of a model's gradients before the optimizer's step. For
/// [`Trainer::clip`](crate::Trainer::clip), or in your own training loop:
///
/// ```
/// use autoencoder::Clip;
///
/// let mut gradients = [3.0, -4.0, 0.0];
/// Clip::Norm(2.5).apply(&mut gradients); // their norm is 5
/// assert_eq!(gradients, [1.5, -2.0, 0.0]);
/// Clip::Value(1.75).apply(&mut gradients);
/// assert_eq!(gradients, [1.5, -1.75, 0.0]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Clip {
    /// g ← g·c/‖g‖ if the norm ‖g‖ = √Σg² over all parameters exceeds c; Pascanu et al. 2012,
    /// Keras's `global_clipnorm`. The direction is kept.
    Norm(f64),
    /// Clamps each element of g to −c..=c; Keras's `clipvalue`.
    Value(f64),
}

impl Clip {
    /// Clips `gradients`. Where one is not finite, one stays so, and the optimizer's step reports
    /// it.
    ///
    /// The order in which the norm is summed depends only on the number of gradients.
    pub fn apply<T: Scalar>(self, gradients: &mut [T]) {
        match self {
            Self::Norm(limit) => {
                let norm = norm(gradients);
                if norm > limit {
                    let factor = T::from_f64(limit / norm);
                    gradients.iter_mut().for_each(|gradient| *gradient *= factor);
                }
            }
            Self::Value(limit) => {
                let (low, high) = (T::from_f64(-limit), T::from_f64(limit));
                for gradient in gradients.iter_mut().filter(|gradient| gradient.is_finite()) {
                    *gradient = gradient.max(low).min(high);
                }
            }
        }
    }

    /// The kind of bound and its size; a checkpoint records them.
    pub(crate) fn config(self) -> Config {
        match self {
            Self::Norm(limit) => Config::new().with("norm", limit),
            Self::Value(limit) => Config::new().with("value", limit),
        }
    }

    /// `Ok` if the bound is finite and above 0.
    ///
    /// # Errors
    /// [`OptionError`] otherwise.
    pub fn check(self) -> Result<(), OptionError> {
        let (name, limit) = match self {
            Self::Norm(limit) => ("clip norm", limit),
            Self::Value(limit) => ("clip value", limit),
        };
        option::positive(name, limit)
    }
}

/// √Σx²; NaN if a value is not finite.
fn norm<T: Scalar>(values: &[T]) -> f64 {
    let squares = reduce::sum_of_squares(values);
    if squares.is_finite() {
        return squares.sqrt();
    }
    if !reduce::finite(values) {
        return f64::NAN;
    }
    let largest = values.iter().fold(0.0, |most: f64, value| most.max(value.into_f64().abs())); // the squares overflowed
    largest * values.iter().map(|value| (value.into_f64() / largest).powi(2)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_norm_is_the_limit_and_the_direction_stays() {
        let mut gradients: Vec<f64> = (0..3000).map(|index| (index % 7) as f64 - 3.0).collect();
        let before = gradients.clone();
        Clip::Norm(1e6).apply(&mut gradients);
        assert_eq!(gradients, before);
        Clip::Norm(0.5).apply(&mut gradients);
        approx::assert_relative_eq!(norm(&gradients), 0.5, max_relative = 1e-12);
        let ratio = gradients[0] / before[0];
        assert!(gradients.iter().zip(&before).all(|(after, before)| (after - ratio * before).abs() < 1e-15));
    }

    #[test]
    fn squares_that_overflow_are_no_obstacle() {
        let mut gradients = [3e30_f32, 4e30];
        Clip::Norm(5.0).apply(&mut gradients);
        approx::assert_relative_eq!(gradients[..], [3.0, 4.0][..], max_relative = 1e-6);
        let mut gradients = [3e200_f64, -4e200];
        Clip::Norm(5.0).apply(&mut gradients);
        approx::assert_relative_eq!(gradients[..], [3.0, -4.0][..], max_relative = 1e-12);
    }

    #[test]
    fn what_is_not_finite_stays() {
        for clip in [Clip::Norm(1.0), Clip::Value(1.0)] {
            let mut gradients = [2.0, f64::NAN];
            clip.apply(&mut gradients);
            assert!(gradients[1].is_nan());
        }
        let mut gradients = [2.0, f64::INFINITY];
        Clip::Norm(1.0).apply(&mut gradients);
        assert_eq!(gradients, [2.0, f64::INFINITY]);
        Clip::Value(1.0).apply(&mut gradients);
        assert_eq!(gradients, [1.0, f64::INFINITY]);
    }
}
