//! [`Initializer`]: the initial values of parameters.

use nalgebra::DMatrix;
use rand_distr::{Distribution, StandardNormal, Uniform};

use crate::random::Rng;
use crate::{Config, ConfigError, Scalar};

/// The standard deviation of a standard normal variable truncated at ±2.
const TRUNCATED_DEVIATION: f64 = 0.879_625_661_034_239_8;

/// The initial values of a parameter; definitions and names as in Keras.
///
/// A tensor's fan_in and fan_out are those of Keras: `in` and `out` for `[in, out]`,
/// `height·width·in` and `height·width·out` for a kernel `[height, width, in, out]`. Truncated
/// normal draws are cut off at two standard deviations, then scaled to the stated variance.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub enum Initializer {
    /// 0.
    Zeros,
    /// The same value everywhere.
    Constant(f64),
    /// Uniform in ±√(6 / (fan_in + fan_out)); Glorot and Bengio 2010.
    #[default]
    GlorotUniform,
    /// Truncated normal of variance 2 / (fan_in + fan_out); Glorot and Bengio 2010.
    GlorotNormal,
    /// Uniform in ±√(6 / fan_in); He et al. 2015.
    HeUniform,
    /// Truncated normal of variance 2 / fan_in; He et al. 2015.
    HeNormal,
    /// Uniform in ±√(3 / fan_in); LeCun et al. 1998.
    LecunUniform,
    /// Truncated normal of variance 1 / fan_in; LeCun et al. 1998.
    LecunNormal,
    /// Normal with mean 0 and this standard deviation.
    Normal(f64),
    /// Normal with mean 0 and this standard deviation; values beyond two of these are redrawn.
    TruncatedNormal(f64),
    /// Uniform between minus and plus this value.
    Uniform(f64),
    /// The tensor as a matrix with its last dimension as columns, its rows or columns (whichever
    /// are fewer) orthonormal, times this gain; Saxe et al. 2013.
    Orthogonal(f64),
}

impl Initializer {
    /// Fills `values`, a tensor of `shape`, with random values. Draws are made in `f64`, so that
    /// `f32` and `f64` models start alike.
    pub(crate) fn fill<T: Scalar>(self, shape: &[usize], values: &mut [T], rng: &mut Rng) {
        let (fan_in, fan_out) = fans(shape);
        let both = (fan_in + fan_out) / 2.0;
        match self {
            Self::Zeros => values.fill(T::zero()),
            Self::Constant(value) => values.fill(T::from_f64(value)),
            Self::GlorotUniform => uniform((3.0 / both).sqrt(), values, rng),
            Self::HeUniform => uniform((6.0 / fan_in).sqrt(), values, rng),
            Self::LecunUniform => uniform((3.0 / fan_in).sqrt(), values, rng),
            Self::Uniform(limit) => uniform(limit, values, rng),
            Self::GlorotNormal => truncated_normal((1.0 / both).sqrt() / TRUNCATED_DEVIATION, values, rng),
            Self::HeNormal => truncated_normal((2.0 / fan_in).sqrt() / TRUNCATED_DEVIATION, values, rng),
            Self::LecunNormal => truncated_normal((1.0 / fan_in).sqrt() / TRUNCATED_DEVIATION, values, rng),
            Self::TruncatedNormal(deviation) => truncated_normal(deviation, values, rng),
            Self::Normal(deviation) => {
                fill(values, || deviation * Distribution::<f64>::sample(&StandardNormal, rng));
            }
            Self::Orthogonal(gain) => orthogonal(gain, shape, values, rng),
        }
    }

    /// The initializer's kind and value by name.
    pub fn config(self) -> Config {
        let named = |kind: &str| Config::new().with("kind", kind);
        match self {
            Self::Zeros => named("zeros"),
            Self::Constant(value) => named("constant").with("value", value),
            Self::GlorotUniform => named("glorot_uniform"),
            Self::GlorotNormal => named("glorot_normal"),
            Self::HeUniform => named("he_uniform"),
            Self::HeNormal => named("he_normal"),
            Self::LecunUniform => named("lecun_uniform"),
            Self::LecunNormal => named("lecun_normal"),
            Self::Normal(deviation) => named("normal").with("value", deviation),
            Self::TruncatedNormal(deviation) => named("truncated_normal").with("value", deviation),
            Self::Uniform(limit) => named("uniform").with("value", limit),
            Self::Orthogonal(gain) => named("orthogonal").with("value", gain),
        }
    }

    /// Rebuilds the initializer from its [`config`](Self::config).
    ///
    /// # Errors
    /// [`ConfigError`] if an entry is missing, unknown or invalid.
    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        let value = || config.only(&["kind", "value"])?.number("value");
        let plain = |initializer| config.only(&["kind"]).map(|_| initializer);
        match config.text("kind")? {
            "zeros" => plain(Self::Zeros),
            "constant" => Ok(Self::Constant(value()?)),
            "glorot_uniform" => plain(Self::GlorotUniform),
            "glorot_normal" => plain(Self::GlorotNormal),
            "he_uniform" => plain(Self::HeUniform),
            "he_normal" => plain(Self::HeNormal),
            "lecun_uniform" => plain(Self::LecunUniform),
            "lecun_normal" => plain(Self::LecunNormal),
            "normal" => Ok(Self::Normal(value()?)),
            "truncated_normal" => Ok(Self::TruncatedNormal(value()?)),
            "uniform" => Ok(Self::Uniform(value()?)),
            "orthogonal" => Ok(Self::Orthogonal(value()?)),
            _ => Err(ConfigError::Invalid { name: "kind".to_owned(), expected: "the name of an initializer" }),
        }
    }
}

/// Keras's `compute_fans`.
fn fans(shape: &[usize]) -> (f64, f64) {
    match shape {
        [] => (1.0, 1.0),
        [only] => (*only as f64, *only as f64),
        [field @ .., inputs, outputs] => {
            let field = field.iter().product::<usize>() as f64;
            (field * *inputs as f64, field * *outputs as f64)
        }
    }
}

fn fill<T: Scalar>(values: &mut [T], mut draw: impl FnMut() -> f64) {
    values.iter_mut().for_each(|value| *value = T::from_f64(draw()));
}

fn uniform<T: Scalar>(limit: f64, values: &mut [T], rng: &mut Rng) {
    match Uniform::new_inclusive(-limit.abs(), limit.abs()) {
        Ok(distribution) => fill(values, || distribution.sample(rng)),
        Err(_) => values.fill(T::nan()), // reported as not finite when the model is built
    }
}

fn truncated_normal<T: Scalar>(deviation: f64, values: &mut [T], rng: &mut Rng) {
    fill(values, || {
        loop {
            let draw: f64 = StandardNormal.sample(rng);
            if draw.abs() <= 2.0 {
                return deviation * draw;
            }
        }
    });
}

fn orthogonal<T: Scalar>(gain: f64, shape: &[usize], values: &mut [T], rng: &mut Rng) {
    let columns = shape.last().copied().unwrap_or(1).max(1);
    let rows = values.len() / columns;
    let tall = DMatrix::from_fn(rows.max(columns), rows.min(columns), |_, _| StandardNormal.sample(rng));
    let (mut q, r) = nalgebra::linalg::QR::<f64, _, _>::new(tall).unpack();
    for (mut column, diagonal) in q.column_iter_mut().zip(r.diagonal().iter()) {
        column *= diagonal.signum(); // makes the decomposition unique, and Q uniformly distributed
    }
    for (index, value) in values.iter_mut().enumerate() {
        let (row, column) = (index / columns, index % columns);
        let entry = if rows >= columns { q.get((row, column)) } else { q.get((column, row)) };
        *value = T::from_f64(gain * entry.copied().unwrap_or(0.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Random};

    fn draw(initializer: Initializer, shape: &[usize]) -> Vec<f64> {
        let mut values = vec![0.0; shape.iter().product()];
        initializer.fill(shape, &mut values, &mut Random::new(1, Purpose::Initialise).stream());
        values
    }

    #[test]
    fn variances_are_the_ones_named() {
        let shape = [3, 3, 64, 128];
        let (fan_in, fan_out) = (9.0 * 64.0, 9.0 * 128.0);
        let cases = [
            (Initializer::GlorotUniform, 2.0 / (fan_in + fan_out)),
            (Initializer::GlorotNormal, 2.0 / (fan_in + fan_out)),
            (Initializer::HeUniform, 2.0 / fan_in),
            (Initializer::HeNormal, 2.0 / fan_in),
            (Initializer::LecunUniform, 1.0 / fan_in),
            (Initializer::LecunNormal, 1.0 / fan_in),
            (Initializer::Normal(0.5), 0.25),
            (Initializer::Uniform(0.3), 0.03),
        ];
        for (initializer, variance) in cases {
            let values = draw(initializer, &shape);
            let measured = values.iter().map(|v| v * v).sum::<f64>() / values.len() as f64;
            approx::assert_relative_eq!(measured, variance, max_relative = 0.03);
        }
    }

    #[test]
    fn orthogonal_is_orthogonal_either_way() {
        for shape in [[20, 7], [7, 20]] {
            let values = draw(Initializer::Orthogonal(1.0), &shape);
            let matrix = DMatrix::from_row_slice(shape[0], shape[1], &values);
            let gram = if shape[0] > shape[1] { matrix.transpose() * &matrix } else { &matrix * matrix.transpose() };
            approx::assert_relative_eq!(gram, DMatrix::identity(7, 7), epsilon = 1e-12);
        }
    }

    #[test]
    fn a_config_comes_back() {
        for initializer in [Initializer::Zeros, Initializer::HeNormal, Initializer::Orthogonal(1.5)] {
            assert_eq!(Initializer::from_config(&initializer.config()), Ok(initializer));
        }
    }
}
