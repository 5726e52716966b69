//! [`Posterior`]: the distributions that a variational encoder computes, and [`LatentReport`]:
//! which dimensions of the code are in use.

use nalgebra::DMatrix;
use rand_distr::{Distribution, StandardNormal};

use super::Autoencoder;
use crate::data::{Batch, InputError};
use crate::exec::mean;
use crate::kernel::reduce;
use crate::layer::{Latent, deviation, divergence};
use crate::random::{Purpose, Random, RowKey};
use crate::{Error, Scalar};

/// For each sample, the normal distribution q(z|x) of its code, with independent dimensions.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Posterior<T: Scalar> {
    /// The means μ: code features × samples. [`Autoencoder::encode`] returns them.
    pub mean: DMatrix<T>,
    /// The log-variances ℓ: code features × samples.
    pub log_variance: DMatrix<T>,
    /// The key of each sample, from which its noise is drawn.
    keys: Vec<u64>,
}

impl<T: Scalar> Posterior<T> {
    /// The variances exp ℓ: code features × samples.
    pub fn variance(&self) -> DMatrix<T> {
        self.log_variance.map(T::exp)
    }

    /// The divergence of each dimension from the standard normal prior, ½ (μ² + exp ℓ − 1 − ℓ) in
    /// nats: code features × samples. NaN for an element of [`mean`](Self::mean) without a
    /// counterpart in [`log_variance`](Self::log_variance), if you changed their sizes.
    #[inline(never)] // see `compiled.rs`
    pub fn kl(&self) -> DMatrix<f64> {
        let (dimensions, samples) = self.mean.shape();
        DMatrix::from_fn(dimensions, samples, |dimension, sample| {
            let number = |matrix: &DMatrix<T>| matrix.get((dimension, sample)).copied().unwrap_or(T::nan());
            divergence(number(&self.mean), number(&self.log_variance))
        })
    }

    /// Draws one code per sample, μ + exp(½ℓ)·ε: code features × samples. The noise ε depends on
    /// the sample's values and the seed, never on its place: the same seed gives the same
    /// codes, to equal samples equal ones, and to different samples independent ones.
    #[inline(never)] // see `compiled.rs`
    pub fn draw(&self, seed: u64) -> DMatrix<T> {
        let mut codes = self.mean.clone();
        for (index, (mut code, log_variance)) in
            codes.column_iter_mut().zip(self.log_variance.column_iter()).enumerate()
        {
            let mut rng = self.noise(seed, index).stream();
            for (value, log_variance) in code.iter_mut().zip(log_variance.iter()) {
                let noise: f64 = StandardNormal.sample(&mut rng);
                *value += deviation(*log_variance, noise);
            }
        }
        codes
    }

    /// The random stream of sample `index`.
    pub(crate) fn noise(&self, seed: u64, index: usize) -> Random {
        // A column that was added to the public matrices comes from no sample.
        let key = self.keys.get(index).copied().unwrap_or_else(|| RowKey::of(std::iter::once(index as f64)));
        Random::new(seed, Purpose::Posterior).of_row(key)
    }
}

/// Which dimensions of a variational code carry information about the samples.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct LatentReport {
    /// For each dimension, the mean over samples of its divergence from the prior, in nats; 0 for a
    /// collapsed dimension.
    pub kl: Vec<f64>,
    /// For each dimension, the variance over samples of the posterior's mean.
    pub variance_of_mean: Vec<f64>,
}

impl LatentReport {
    /// A dimension is active if the variance of its posterior mean exceeds this; Burda et al. 2015.
    pub const ACTIVE: f64 = 0.01;

    /// The active dimensions: the variance of their posterior mean exceeds
    /// [`ACTIVE`](Self::ACTIVE).
    pub fn active(&self) -> Vec<usize> {
        self.dimensions(|variance| variance > Self::ACTIVE)
    }

    /// All other dimensions, which carry no information. Since the criterion is the variance of the
    /// mean (Burda's), not [`kl`](Self::kl), a dimension of small but non-zero `kl` can count
    /// as active.
    pub fn collapsed(&self) -> Vec<usize> {
        self.dimensions(|variance| variance <= Self::ACTIVE) // not one that you have set to NaN
    }

    fn dimensions(&self, belongs: impl Fn(f64) -> bool) -> Vec<usize> {
        let numbered = self.variance_of_mean.iter().enumerate();
        numbered.filter(|(_, variance)| belongs(**variance)).map(|(dimension, _)| dimension).collect()
    }
}

impl<T: Scalar> Autoencoder<T> {
    /// The distribution of each sample's code. Requires a variational model: one whose encoder ends
    /// in a layer like [`GaussianLatent`](crate::GaussianLatent).
    ///
    /// ```
    /// use autoencoder::nalgebra::DMatrix;
    /// use autoencoder::{Activation, Autoencoder, Dense, GaussianLatent, Shape};
    ///
    /// let model = Autoencoder::<f32>::builder(Shape::flat(8))
    ///     .encoder(Dense::new(2 * 3))
    ///     .encoder(GaussianLatent::new())
    ///     .decoder(Dense::new(8).activation(Activation::Sigmoid))
    ///     .build()?;
    /// let data = DMatrix::from_element(8, 5, 0.5);
    /// let posterior = model.encode_distribution(&data)?;
    /// assert_eq!(posterior.mean, model.encode(&data)?);
    /// assert_eq!(posterior.variance().shape(), (3, 5));
    /// assert_eq!(posterior.draw(7), posterior.draw(7));
    /// # Ok::<(), autoencoder::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error`] if the model is not variational, the batch does not fit it, or a number of a
    /// distribution is not finite.
    pub fn encode_distribution<'b>(&self, samples: impl Into<Batch<'b, T>>) -> Result<Posterior<T>, Error> {
        self.posterior(samples.into())
    }

    #[inline(never)] // see `compiled.rs`
    fn posterior(&self, samples: Batch<'_, T>) -> Result<Posterior<T>, Error> {
        let (index, latent) = self.latent()?;
        let input = self.network.infer(0..index, samples)?;
        let shape = self.network.shape_before(index + 1);
        let mut mean = DMatrix::zeros(shape.elements(), input.ncols());
        let mut log_variance = mean.clone();
        latent.posterior(shape, input.as_slice(), mean.as_mut_slice(), log_variance.as_mut_slice());
        for numbers in [&mean, &log_variance] {
            if let Some(position) = reduce::first_not_finite(numbers.as_slice()) {
                let value = numbers.get(position).copied().unwrap_or(T::nan());
                return Err(self.network.fault_of_layer(index + 1, value).after(position / shape.elements()).into());
            }
        }
        let keys = (0..samples.samples()).map(|sample| self.key(&samples, sample)).collect();
        Ok(Posterior { mean, log_variance, keys })
    }

    /// The key of a sample: of its values and of its side input.
    fn key(&self, samples: &Batch<'_, T>, sample: usize) -> u64 {
        let side = samples.side().filter(|_| self.network.definition().side_input > 0);
        let values = samples.columns().values(sample).chain(side.into_iter().flat_map(|side| side.values(sample)));
        RowKey::of(values.map(Scalar::into_f64))
    }

    /// The layer that draws the code, and its index.
    pub(crate) fn latent(&self) -> Result<(usize, &dyn Latent<T>), InputError> {
        self.network.latent_before(self.split).ok_or(InputError::NotVariational)
    }

    /// Which dimensions of a variational model's code carry information about `samples`, and which
    /// have collapsed.
    ///
    /// # Errors
    /// [`Error`] if the model is not variational, the batch does not suit it or has no samples.
    pub fn latent_report<'b>(&self, samples: impl Into<Batch<'b, T>>) -> Result<LatentReport, Error> {
        self.report(samples.into())
    }

    #[inline(never)] // see `compiled.rs`
    fn report(&self, samples: Batch<'_, T>) -> Result<LatentReport, Error> {
        let posterior = self.posterior(samples)?;
        if posterior.mean.ncols() == 0 {
            return Err(InputError::Empty.into()); // every dimension would seem to have collapsed
        }
        let count = posterior.mean.ncols() as f64;
        let kl = posterior.kl().row_iter().map(|row| row.sum() / count).collect();
        let variance = |row: &[f64]| {
            let mean = mean(row.iter().copied(), row.len());
            row.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count
        };
        let rows = posterior.mean.row_iter().map(|row| row.iter().map(|value| value.into_f64()).collect::<Vec<_>>());
        Ok(LatentReport { kl, variance_of_mean: rows.map(|row| variance(&row)).collect() })
    }
}
