//! Generation from the latent space: new samples, interpolation between codes, traversal of one
//! dimension.

use std::ops::RangeInclusive;

use nalgebra::DMatrix;
use rand_distr::{Distribution, StandardNormal};

use super::Autoencoder;
use crate::data::InputError;
use crate::graph::zeros;
use crate::random::{Purpose, Random};
use crate::shape::checked_product;
use crate::{Error, Scalar};

impl<T: Scalar> Autoencoder<T> {
    /// Generates `count` samples with a variational model: draws codes from its prior, the standard
    /// normal distribution, and decodes them. Features × `count`. The same seed gives the same
    /// samples; the first ones do not depend on `count`.
    ///
    /// ```
    /// use autoencoder::{Activation, Autoencoder, Dense, GaussianLatent, Shape};
    ///
    /// let model = Autoencoder::<f32>::builder(Shape::flat(8))
    ///     .encoder(Dense::new(2 * 3))
    ///     .encoder(GaussianLatent::new())
    ///     .decoder(Dense::new(8).activation(Activation::Sigmoid))
    ///     .build()?;
    /// assert_eq!(model.sample(10, 1)?.shape(), (8, 10));
    /// # Ok::<(), autoencoder::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error`] if the model is not variational, the memory cannot be allocated, a layer needs a
    /// side input, or an output is not finite.
    #[inline(never)] // see `compiled.rs`
    pub fn sample(&self, count: usize, seed: u64) -> Result<DMatrix<T>, Error> {
        self.latent()?;
        let mut codes = self.codes(count)?;
        for (index, mut code) in codes.column_iter_mut().enumerate() {
            let mut rng = Random::new(seed, Purpose::Prior).sample(index);
            code.iter_mut().for_each(|value| *value = T::from_f64(StandardNormal.sample(&mut rng)));
        }
        self.decode(&codes)
    }

    /// Decodes `steps` evenly spaced codes on the straight line from `a` to `b`, both included (`a`
    /// alone if `steps` is 1): features × `steps`.
    ///
    /// ```
    /// # use autoencoder::{Autoencoder, Dense, Shape};
    /// # let model = Autoencoder::<f32>::builder(Shape::flat(8)).encoder(Dense::new(2)).decoder(Dense::new(8)).build()?;
    /// let between = model.interpolate(&[-1.0, 0.0], &[1.0, 0.5], 9)?;
    /// assert_eq!(between.column(0), model.decode(&[-1.0, 0.0][..])?.column(0));
    /// # Ok::<(), autoencoder::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error`] if a code does not fit this model, or an output is not finite.
    #[inline(never)] // see `compiled.rs`
    pub fn interpolate(&self, a: &[T], b: &[T], steps: usize) -> Result<DMatrix<T>, Error> {
        self.walk(a, b, steps, |share| [1.0 - share, share])
    }

    /// Decodes `steps` codes on the arc from `a` to `b`, by spherical interpolation with the angle
    /// Ω between them, (sin((1 − t)Ω)·a + sin(tΩ)·b) / sin Ω; White 2016. In many dimensions
    /// codes drawn from the prior lie near a sphere, which a straight line leaves. If the angle
    /// is 0 or π, or a code is 0, the arc is undefined, and a straight line is used.
    ///
    /// # Errors
    /// [`Error`] if a code does not fit this model, or an output is not finite.
    #[inline(never)] // see `compiled.rs`
    pub fn interpolate_spherical(&self, a: &[T], b: &[T], steps: usize) -> Result<DMatrix<T>, Error> {
        let cosine = cosine(a, b);
        let angle = cosine.clamp(-1.0, 1.0).acos();
        let sine = angle.sin();
        match sine > 1e-6 {
            true => {
                self.walk(a, b, steps, |share| [((1.0 - share) * angle).sin() / sine, (share * angle).sin() / sine])
            }
            false => self.interpolate(a, b, steps), // also for NaN, if a code is 0 or not finite
        }
    }

    /// Decodes `code` with its dimension `dimension` replaced by `steps` evenly spaced values over
    /// `range`, both ends included (its start alone if `steps` is 1): features × `steps`. Shows
    /// what one dimension means.
    ///
    /// # Errors
    /// [`Error`] if the code does not fit this model or has no such dimension, or an output is not
    /// finite.
    #[inline(never)] // see `compiled.rs`
    pub fn traverse(
        &self,
        code: &[T],
        dimension: usize,
        range: RangeInclusive<T>,
        steps: usize,
    ) -> Result<DMatrix<T>, Error> {
        let mut codes = self.codes(steps)?;
        InputError::require_features(codes.nrows(), code.len(), 1)?;
        if dimension >= code.len() {
            return Err(InputError::NoSuchDimension { dimension, dimensions: code.len() }.into());
        }
        for (mut to, share) in codes.column_iter_mut().zip(shares(steps)) {
            to.copy_from_slice(code);
            let value = (1.0 - share) * range.start().into_f64() + share * range.end().into_f64();
            to.iter_mut().skip(dimension).take(1).for_each(|to| *to = T::from_f64(value));
        }
        self.decode(&codes)
    }

    /// Decodes the codes w₀·a + w₁·b with `[w₀, w₁] = weights(share)`, for `steps` shares from 0 to
    /// 1.
    fn walk(&self, a: &[T], b: &[T], steps: usize, weights: impl Fn(f64) -> [f64; 2]) -> Result<DMatrix<T>, Error> {
        let mut codes = self.codes(steps)?;
        for end in [a, b] {
            InputError::require_features(codes.nrows(), end.len(), 1)?;
        }
        for (mut code, share) in codes.column_iter_mut().zip(shares(steps)) {
            let [of_a, of_b] = weights(share);
            for ((value, a), b) in code.iter_mut().zip(a).zip(b) {
                *value = T::from_f64(of_a * a.into_f64() + of_b * b.into_f64());
            }
        }
        self.decode(&codes)
    }

    /// `count` codes of zeros.
    fn codes(&self, count: usize) -> Result<DMatrix<T>, Error> {
        let features = self.code_shape().elements();
        let values = zeros(checked_product("elements of codes", &[features, count])?)?;
        Ok(DMatrix::from_vec(features, count, values))
    }
}

/// The cosine of the angle between two codes; NaN if one of them is 0 or not finite.
fn cosine<T: Scalar>(a: &[T], b: &[T]) -> f64 {
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let cosine = |a: &[f64], b: &[f64]| product(a, b) / (product(a, a).sqrt() * product(b, b).sqrt());
    let [a, b] = [a, b].map(|code| code.iter().map(|value| value.into_f64()).collect::<Vec<_>>());
    let found = cosine(&a, &b);
    if found.is_finite() {
        return found;
    }
    // The squares of very large or very small numbers are infinite or 0; those of shares of the
    // largest are not.
    let shares = |code: Vec<f64>| {
        let largest = code.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
        code.into_iter().map(|value| value / largest).collect::<Vec<_>>()
    };
    cosine(&shares(a), &shares(b))
}

/// `steps` numbers from 0 to 1, the same distance from each to the next.
fn shares(steps: usize) -> impl Iterator<Item = f64> {
    (0..steps).map(move |step| step as f64 / (steps - 1).max(1) as f64)
}
