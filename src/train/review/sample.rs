//! [`Sample`]: the samples looked at, with the statistics of their features.

use super::features::Feature;
use crate::Scalar;
use crate::data::{DataError, InputError, Scaler, filled};
use crate::exec::{BatchLoader, Load};
use crate::graph::Network;
use crate::train::step::{BatchStep, LossSpec, Pairs};

/// The most samples looked at; of more than [`FEW_SAMPLES`], at most half.
const MOST_SAMPLES: usize = 256;
const FEW_SAMPLES: usize = 64;

/// The most numbers looked at: 1 024 samples of 1 024 features. Of larger samples fewer are read,
/// of the largest none.
pub(super) const MOST_NUMBERS: usize = 1 << 20;

/// Some samples as their source has them.
#[derive(Debug)]
pub(super) struct RawSamples<T> {
    /// Which samples, in ascending order.
    pub samples: Vec<usize>,
    /// Features × samples.
    pub inputs: Vec<T>,
    /// Features × samples, empty if the inputs are the targets.
    pub targets: Vec<T>,
}

impl<T: Scalar> RawSamples<T> {
    /// Reads some of the first `samples` samples; `None` if even one is too wide.
    pub fn read(network: &Network<T>, pairs: Pairs<'_, T>, samples: usize) -> Result<Option<Self>, DataError> {
        let (width, target_width) = (pairs.inputs.features(), pairs.targets.map_or(0, |targets| targets.features()));
        let samples = places(samples, width.max(target_width));
        if samples.is_empty() {
            return Ok(None);
        }
        let mut inputs = filled(T::zero(), samples.len() * width)?;
        let mut targets = filled(T::zero(), samples.len() * target_width)?;
        let loss_spec = LossSpec { input_scaler: None, output_scaler: None, ..LossSpec::new(network, None, &[]) };
        let step = BatchStep { pairs, loss_spec, noise: None, order: &samples };
        step.load(0..samples.len(), Load { input: &mut inputs, side: &mut [], target: &mut targets })?;
        Ok(Some(Self { samples, inputs, targets }))
    }
}

/// Some samples, as they are or after a scaler.
#[derive(Debug)]
pub(super) struct Sample<'a, T> {
    /// Their numbers in the source.
    pub numbers: &'a [usize],
    /// Features × samples, before the scaler.
    values: &'a [T],
    scaler: Option<&'a Scaler>,
    /// The range that scaled values are clipped to.
    clip: Option<[f64; 2]>,
    pub features: Vec<Feature>,
}

impl<'a, T: Scalar> Sample<'a, T> {
    pub fn new(numbers: &'a [usize], values: &'a [T]) -> Result<Self, InputError> {
        let features = Feature::each(values, values.len() / numbers.len().max(1))?;
        Ok(Self { numbers, values, scaler: None, clip: None, features })
    }

    /// These samples after `scaler`, or as they are.
    pub fn scaled(&self, scaler: Option<&'a Scaler>) -> Result<Self, InputError> {
        match scaler {
            Some(scaler) if scaler.clipped_to().is_some() => self.clipped(scaler),
            _ => Ok(self.unclipped(scaler)),
        }
    }

    /// The same, where values are not clipped: no value is computed.
    pub fn unclipped(&self, scaler: Option<&'a Scaler>) -> Self {
        let mut features = self.features.clone();
        if let Some(scaler) = scaler {
            let numbers = scaler.shift().iter().zip(scaler.scale());
            for (feature, (shift, scale)) in features.iter_mut().zip(numbers) {
                *feature = feature.scaled(*shift, *scale);
            }
        }
        Self { numbers: self.numbers, values: self.values, scaler, clip: None, features }
    }

    /// The same, where they are: what moments become depends on every value.
    fn clipped(&self, scaler: &'a Scaler) -> Result<Self, InputError> {
        let mut values = filled(T::zero(), self.values.len())?;
        values.copy_from_slice(self.values);
        scaler.apply(&mut values);
        let features = Feature::each(&values, self.features.len())?;
        Ok(Self {
            numbers: self.numbers,
            values: self.values,
            scaler: Some(scaler),
            clip: scaler.clipped_to(),
            features,
        })
    }

    /// Whether no value overflows when it is scaled.
    pub fn is_finite(&self) -> bool {
        let finite = |value: f64| T::from_f64(value).is_finite();
        self.features.iter().all(|feature| finite(feature.lowest) && finite(feature.highest))
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The values of each sample, before the scaler.
    pub fn columns(&self) -> impl ExactSizeIterator<Item = &'a [T]> + Clone + use<'a, T> {
        self.values.chunks_exact(self.features.len().max(1))
    }

    /// What the scaler makes of values of a feature.
    fn after_scaler(&self, index: usize) -> impl Fn(T) -> f64 + Clone + use<T> {
        let at = |numbers: &[f64]| numbers.get(index).copied();
        let numbers = self.scaler.and_then(|scaler| at(scaler.shift()).zip(at(scaler.scale())));
        let ((shift, scale), clip) = (numbers.unwrap_or((0.0, 1.0)), self.clip);
        move |value| {
            let scaled = (value.into_f64() - shift) / scale;
            clip.map_or(scaled, |[low, high]| scaled.clamp(low, high))
        }
    }

    /// The values of a feature.
    pub fn feature(&self, index: usize) -> impl Iterator<Item = f64> + Clone {
        let after_scaler = self.after_scaler(index);
        let values = self.columns().filter_map(move |sample| sample.get(index));
        values.map(move |value| after_scaler(*value))
    }

    /// Whether a feature takes more than two values.
    pub fn is_continuous(&self, index: usize) -> bool {
        let Some(feature) = self.features.get(index) else { return false };
        self.feature(index).any(|value| value != feature.lowest && value != feature.highest)
    }

    /// Whether neighbouring features are more alike than distant ones, as in images, series and
    /// spectra: their correlation is larger. Then features are no columns of a table.
    pub fn neighbours_are_alike(&self) -> bool {
        /// How far apart features are at least that count as distant.
        const FAR: usize = 8;
        let distance = self.features.len() / 2;
        if distance < FAR {
            return false;
        }
        let [near, far] = self.correlations([1, distance]);
        near > 0.3 && near > far + 0.2
    }

    /// The mean correlations of two features that are so far apart, of those that vary.
    fn correlations(&self, distances: [usize; 2]) -> [f64; 2] {
        /// The most samples that they are computed from.
        const MOST: usize = 64;
        let step = self.len().div_ceil(MOST).max(1);
        let slope = |feature: &Feature| if feature.deviation > 0.0 { 1.0 / feature.deviation } else { 0.0 };
        let slopes: Vec<f64> = self.features.iter().map(slope).collect();
        let pairs = |distance| {
            let both = slopes.iter().zip(slopes.iter().skip(distance));
            both.filter(|(one, other)| **one > 0.0 && **other > 0.0).count()
        };
        let (mut sums, mut scores) = ([0.0; 2], vec![0.0; slopes.len()]);
        for sample in self.columns().step_by(step) {
            for (index, ((score, value), (feature, slope))) in
                scores.iter_mut().zip(sample).zip(self.features.iter().zip(&slopes)).enumerate()
            {
                *score = (self.after_scaler(index)(*value) - feature.mean) * slope;
            }
            for (sum, distance) in sums.iter_mut().zip(distances) {
                let products = scores.iter().zip(scores.iter().skip(distance)).map(|(one, other)| one * other);
                *sum += products.sum::<f64>();
            }
        }
        let samples = self.columns().step_by(step).len();
        let [near, far] = distances.map(|distance| (pairs(distance) * samples).max(1) as f64);
        let [near_sum, far_sum] = sums;
        [near_sum / near, far_sum / far]
    }
}

/// Numbers of samples, spread over `samples` of `width` features, without a period that the data
/// may have, too: one at a place of its own in each of equal parts.
fn places(samples: usize, width: usize) -> Vec<usize> {
    const GOLDEN: f64 = 0.618_033_988_749_895;
    let some = (samples / 2).clamp(FEW_SAMPLES, MOST_SAMPLES);
    let count = samples.min(some).min(MOST_NUMBERS / width.max(1));
    if count == samples {
        return (0..samples).collect();
    }
    // Part `index` begins here; the product of samples and index might overflow.
    let begin = |index: usize| samples / count * index + samples % count * index / count;
    let place = |index: usize| {
        let (begin, end) = (begin(index), begin(index + 1));
        let within = ((index * index) as f64 * GOLDEN).fract() * (end - begin) as f64;
        (begin + within as usize).min(end - 1)
    };
    (0..count).map(place).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_spread_without_a_period() {
        assert_eq!(places(64, 784), (0..64).collect::<Vec<_>>());
        assert!(places(5, MOST_NUMBERS + 1).is_empty());
        assert_eq!(places(5, MOST_NUMBERS).len(), 1);
        for (samples, width, count) in
            [(65, 1, 64), (200, 1, 100), (600, 1, 256), (60_000, 784, 256), (2560, 30, 256), (usize::MAX, 1 << 16, 16)]
        {
            let places = places(samples, width);
            assert_eq!(places.len(), count);
            assert!(places.is_sorted_by(|one, next| one < next) && *places.last().unwrap() < samples, "{places:?}");
            if samples == 2560 {
                for period in 2..20 {
                    let seen: std::collections::BTreeSet<_> = places.iter().map(|place| place % period).collect();
                    assert_eq!(seen.len(), period, "of {period}");
                }
            }
        }
    }
}
