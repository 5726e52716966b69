//! [`Regularizer`]: a penalty on the size of a parameter.

use crate::kernel::reduce;
use crate::{Config, ConfigError, Scalar, ShapeError, option};

/// λ₁·Σ|w| + λ₂·Σw² over the elements of a parameter, added to the mean loss; Keras's `L1L2`.
///
/// It adds λ₁·sign(w) + 2λ₂·w to the gradient. L2 keeps weights small (ridge); L1 drives many of
/// them to nearly zero (lasso; Tibshirani 1996). The history reports it by name, separately from
/// the loss. Frozen parameters have no penalty.
///
/// ```
/// use autoencoder::{Activation, Autoencoder, Dense, Mse, Regularizer, Sgd, Shape, Trainer};
/// use autoencoder::nalgebra::DMatrix;
///
/// let mut model = Autoencoder::<f32>::builder(Shape::flat(8))
///     .encoder(Dense::new(3).weight_regularizer(Regularizer::l2(1e-4)))
///     .decoder(Dense::new(8))
///     .build()?;
/// let data = DMatrix::from_element(8, 10, 0.5);
/// let history = Trainer::new(Mse, Sgd::default()).fit(&mut model, &data)?;
/// assert_eq!(history.epochs()[0].penalties[0].0, "encoder.0.weight.l2");
/// # Ok::<(), autoencoder::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Regularizer {
    l1: f64,
    l2: f64,
}

impl Regularizer {
    /// λ₁·Σ|w|
    pub fn l1(l1: f64) -> Self {
        Self { l1, l2: 0.0 }
    }

    /// λ₂·Σw². If a source writes λ/2·Σw², its λ is 2λ₂.
    pub fn l2(l2: f64) -> Self {
        Self { l1: 0.0, l2 }
    }

    /// Both.
    pub fn l1_l2(l1: f64, l2: f64) -> Self {
        Self { l1, l2 }
    }

    /// The penalty's name in a history, after the parameter's.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self { l1: 0.0, .. } => "l2",
            Self { l2: 0.0, .. } => "l1",
            _ => "l1_l2",
        }
    }

    /// The penalty on these values.
    pub(crate) fn value<T: Scalar>(self, values: &[T]) -> f64 {
        let absolutes = if self.l1 > 0.0 { self.l1 * reduce::sum_of_absolutes(values) } else { 0.0 };
        let squares = if self.l2 > 0.0 { self.l2 * reduce::sum_of_squares(values) } else { 0.0 };
        absolutes + squares
    }

    /// Adds the penalty's derivative with respect to each of `values` to `gradients`; that of |w|
    /// at 0 is 0.
    pub(crate) fn add_gradient<T: Scalar>(self, values: &[T], gradients: &mut [T]) {
        let (l1, double_l2) = (T::from_f64(self.l1), T::from_f64(2.0 * self.l2));
        for (gradient, value) in gradients.iter_mut().zip(values) {
            let sign = if *value == T::zero() { T::zero() } else { value.signum() };
            *gradient += l1 * sign + double_l2 * *value;
        }
    }

    /// `Ok` if both factors are in range.
    ///
    /// # Errors
    /// [`ShapeError::Option`] names the one that is not.
    pub fn checked(self) -> Result<Self, ShapeError> {
        option::not_negative("l1", self.l1)?;
        option::not_negative("l2", self.l2)?;
        Ok(self)
    }

    /// The two factors by name.
    pub fn config(self) -> Config {
        Config::new().with("l1", self.l1).with("l2", self.l2)
    }

    /// Rebuilds the regularizer from its [`config`](Self::config).
    ///
    /// # Errors
    /// [`ConfigError`] if an entry is missing, unknown or invalid.
    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        config.only(&["l1", "l2"])?;
        Ok(Self { l1: config.number("l1")?, l2: config.number("l2")? })
    }
}
