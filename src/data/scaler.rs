//! [`Scaler`]: brings features to a common scale before a model, and back after it.

mod fit;

pub use fit::{MinMaxScaler, StandardScaler};

use super::InputError;
use crate::kernel::reduce;
use crate::{OptionError, Scalar};

/// x ↦ (x − shift) / scale, feature by feature; fitted by [`StandardScaler`] or [`MinMaxScaler`],
/// stored in the model and its file.
///
/// ```
/// use autoencoder::nalgebra::DMatrix;
/// use autoencoder::{Autoencoder, MinMaxScaler, Shape, StandardScaler};
///
/// let data = DMatrix::<f32>::from_row_slice(2, 3, &[0.0, 5.0, 10.0, 1.0, 2.0, 3.0]); // two features, three samples
/// let scaler = MinMaxScaler::fit(&data)?; // to 0..=1
/// assert_eq!((scaler.shift(), scaler.scale()), (&[0.0, 1.0][..], &[10.0, 2.0][..]));
/// let builder = Autoencoder::<f32>::builder(Shape::flat(2)).scaler(StandardScaler::fit(&data)?);
/// # Ok::<(), autoencoder::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Scaler {
    shift: Vec<f64>,
    scale: Vec<f64>,
    /// The range that scaled values are clipped to.
    range: Option<[f64; 2]>,
}

impl Scaler {
    /// A scaler with these shifts and scales.
    ///
    /// # Errors
    /// [`InputError`] if their lengths differ, a value is not finite, or a scale is 0 or subnormal.
    pub fn new(shift: Vec<f64>, scale: Vec<f64>) -> Result<Self, InputError> {
        if shift.len() != scale.len() {
            return Err(InputError::Length { what: "scales", expected: shift.len(), found: scale.len() });
        }
        let pairs = shift.iter().zip(&scale).enumerate();
        let unusable = |(_, (shift, scale)): &(usize, (&f64, &f64))| !shift.is_finite() || !scale.is_normal();
        match pairs.into_iter().find(unusable) {
            Some((feature, (shift, scale))) => Err(InputError::UnusableScale { feature, shift: *shift, scale: *scale }),
            None => Ok(Self { shift, scale, range: None }),
        }
    }

    /// Clips scaled values to `low..=high`, as scikit-learn's `MinMaxScaler(clip=True)` does to
    /// 0..=1: for a model that takes no others (its loss is [`Bce`](struct@crate::Bce)), and data
    /// that exceed those the scaler was fitted to.
    ///
    /// The model then sees and learns the clipped value, and a reconstruction cannot bring back
    /// what was clipped. The reconstruction errors compare with the values as they were given, so
    /// that a value far outside still counts as far off. A value that is NaN or infinite is an
    /// error as ever.
    ///
    /// ```
    /// use autoencoder::nalgebra::DMatrix;
    /// use autoencoder::{Autoencoder, Activation, Adam, Bce, Dense, MinMaxScaler, Shape, Trainer};
    ///
    /// let train = DMatrix::<f32>::from_row_slice(2, 4, &[0.0, 3.0, 7.0, 10.0, 1.0, 2.0, 1.0, 3.0]);
    /// let held_out = DMatrix::<f32>::from_row_slice(2, 1, &[12.0, 0.5]); // beyond 10, and below 1
    /// let scaler = MinMaxScaler::fit(&train)?.clip(0.0, 1.0)?;
    /// let builder = Autoencoder::<f32>::builder(Shape::flat(2)).scaler(scaler).encoder(Dense::new(1));
    /// let mut model = builder.mirror(Activation::Sigmoid).build()?;
    /// Trainer::new(Bce, Adam::default()).validation(&held_out).fit(&mut model, &train)?;
    /// # Ok::<(), autoencoder::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`OptionError`] unless both ends are finite and `low` is below `high`.
    pub fn clip(self, low: f64, high: f64) -> Result<Self, OptionError> {
        let accepted = low.is_finite() && high.is_finite() && low < high;
        let wrong = if low.is_finite() { high } else { low };
        OptionError::require(accepted, "clip", wrong, "a finite end above a finite beginning")?;
        Ok(Self { range: Some([low, high]), ..self })
    }

    /// The number of features.
    pub fn features(&self) -> usize {
        self.shift.len()
    }

    /// What is subtracted, for each feature.
    pub fn shift(&self) -> &[f64] {
        &self.shift
    }

    /// What is divided by, for each feature.
    pub fn scale(&self) -> &[f64] {
        &self.scale
    }

    /// The lowest and the highest scaled value, if they are [clipped](Self::clip).
    pub fn clipped_to(&self) -> Option<[f64; 2]> {
        self.range
    }

    /// Scales `samples` (features × samples) in place. What is not finite stays so, even where
    /// values are clipped.
    pub(crate) fn apply<T: Scalar>(&self, samples: &mut [T]) {
        let scaled = |value: f64, shift: f64, scale: f64| (value - shift) / scale;
        match self.range {
            None => self.each(samples, scaled),
            Some([low, high]) => self.each(samples, |value, shift, scale| match value.is_finite() {
                true => scaled(value, shift, scale).clamp(low, high),
                false => value,
            }),
        }
    }

    /// Undoes [`apply`](Self::apply), except for clipping.
    pub(crate) fn undo<T: Scalar>(&self, samples: &mut [T]) {
        self.each(samples, |value, shift, scale| value * scale + shift);
    }

    /// `Ok` if the numbers that [`apply`](Self::apply) has left are finite. `number` tells the
    /// sample of a column.
    pub(crate) fn require_fits<T: Scalar>(
        &self,
        what: &'static str,
        scaled: &[T],
        number: impl FnOnce(usize) -> usize,
    ) -> Result<(), InputError> {
        let Some(position) = reduce::first_not_finite(scaled) else { return Ok(()) };
        let (sample, feature) = (number(position / self.features().max(1)), position % self.features().max(1));
        let scale = self.scale.get(feature).copied().unwrap_or(f64::NAN);
        Err(InputError::Overflows { what, sample, feature, scale })
    }

    fn each<T: Scalar>(&self, samples: &mut [T], change: impl Fn(f64, f64, f64) -> f64) {
        for sample in samples.chunks_exact_mut(self.features().max(1)) {
            for ((value, shift), scale) in sample.iter_mut().zip(&self.shift).zip(&self.scale) {
                *value = T::from_f64(change(value.into_f64(), *shift, *scale));
            }
        }
    }
}
