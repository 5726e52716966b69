//! [`Activity`]: how sparse the output of a layer is.

use std::ops::Range;

use crate::data::{Batch, InputError};
use crate::graph::Network;
use crate::kernel::reduce;
use crate::{Error, Scalar};

/// The activity of a layer's units over some samples. A unit is an element of the layer's output.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Activity {
    /// The mean over samples, for each unit.
    pub means: Vec<f64>,
    /// The share of samples in which it is not 0, for each unit.
    pub rates: Vec<f64>,
}

impl Activity {
    /// The mean over units and samples.
    pub fn mean(&self) -> f64 {
        mean(self.means.iter().copied(), self.means.len())
    }

    /// L0: the mean number of units that are not 0 in a sample.
    pub fn l0(&self) -> f64 {
        self.rates.iter().sum()
    }

    /// The units that are 0 in every sample.
    pub fn dead(&self) -> Vec<usize> {
        self.rates.iter().enumerate().filter(|(_, rate)| **rate == 0.0).map(|(unit, _)| unit).collect()
    }
}

/// The mean of `count` finite numbers, also where their sum overflows.
pub(crate) fn mean(values: impl Iterator<Item = f64> + Clone, count: usize) -> f64 {
    let count = count.max(1) as f64;
    let mean = values.clone().sum::<f64>() / count;
    if mean.is_finite() { mean } else { values.map(|value| value / count).sum::<f64>().clamp(f64::MIN, f64::MAX) }
}

impl<T: Scalar> Network<T> {
    /// The activity of the units of the layer named `layer` over `samples`, in inference mode.
    ///
    /// ```
    /// use autoencoder::nalgebra::DMatrix;
    /// use autoencoder::{Activation, Dense, Network, Shape};
    ///
    /// let network = Network::<f32>::builder(Shape::flat(4)).layer(Dense::new(3).activation(Activation::Relu)).build()?;
    /// let activity = network.activity("layers.0", &DMatrix::zeros(4, 5))?;
    /// assert_eq!((activity.mean(), activity.l0(), activity.dead()), (0.0, 0.0, vec![0, 1, 2]));
    /// # Ok::<(), autoencoder::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error`] if there is no such layer, or the batch does not suit the network or has no
    /// samples.
    pub fn activity<'b>(&self, layer: &str, samples: impl Into<Batch<'b, T>>) -> Result<Activity, Error> {
        self.activity_of(self.up_to(layer)?, samples.into())
    }

    /// The activity of the units of the last of `nodes`.
    #[inline(never)] // see `compiled.rs`
    pub(crate) fn activity_of(&self, nodes: Range<usize>, samples: Batch<'_, T>) -> Result<Activity, Error> {
        if samples.samples() == 0 {
            return Err(InputError::Empty.into()); // every unit would seem dead
        }
        let count = samples.samples() as f64;
        let (mut means, rates) = self.sums_of_units(nodes.clone(), samples, 1.0)?;
        means.iter_mut().for_each(|sum| *sum /= count);
        if !reduce::finite(&means) {
            // The sums of the outputs overflowed; their means do not, but for rounding.
            (means, _) = self.sums_of_units(nodes, samples, count)?;
            means.iter_mut().for_each(|mean| *mean = mean.clamp(f64::MIN, f64::MAX));
        }
        let rates = rates.into_iter().map(|active| active / count).collect();
        Ok(Activity { means, rates })
    }

    /// For each unit, the sum over samples of its outputs, each divided by `divisor`, and the
    /// number of samples in which it is not 0.
    fn sums_of_units(
        &self,
        nodes: Range<usize>,
        samples: Batch<'_, T>,
        divisor: f64,
    ) -> Result<(Vec<f64>, Vec<f64>), Error> {
        let units = self.features_after(&nodes);
        let (mut sums, mut active) = (vec![0.0; units], vec![0.0; units]);
        self.each_output(nodes, samples, &mut |_, output| {
            for ((value, sum), active) in output.iter().zip(&mut sums).zip(&mut active) {
                *sum += value.into_f64() / divisor;
                *active += f64::from(u8::from(*value != T::zero()));
            }
        })?;
        Ok((sums, active))
    }
}
