//! [`Sample`]: the samples looked at, with the statistics of their features.

use super::features::Feature;
use crate::Scalar;
use crate::data::{DataError, InputError, Scaler, filled};
use crate::exec::{BatchLoader, Load};
use crate::graph::Network;
use crate::kernel::reduce;
use crate::train::step::{BatchStep, Pairs, Question};

/// The most samples looked at.
const MOST_SAMPLES: usize = 256;

/// The most numbers looked at: 1 024 samples of 1 024 features. Of larger samples fewer are read,
/// of the largest none.
pub(super) const MOST_NUMBERS: usize = 1 << 20;

/// Some samples, in the order of the source.
#[derive(Debug)]
pub(super) struct Sample<T> {
    /// Their numbers in the source.
    pub numbers: Vec<usize>,
    /// Features × samples.
    pub values: Vec<T>,
    pub features: Vec<Feature>,
}

impl<T: Scalar> Sample<T> {
    fn new(numbers: Vec<usize>, values: Vec<T>, width: usize) -> Result<Self, InputError> {
        let mut features = filled(Feature::default(), width)?;
        for sample in values.chunks_exact(width.max(1)) {
            features.iter_mut().zip(sample).for_each(|(feature, value)| feature.add(value.into_f64()));
        }
        Ok(Self { numbers, values, features })
    }

    /// These samples after `scaler`, or as they are; `None` if a value overflows, which training
    /// reports.
    pub fn scaled(&self, scaler: Option<&Scaler>) -> Result<Option<Self>, InputError> {
        let mut values = filled(T::zero(), self.values.len())?;
        values.copy_from_slice(&self.values);
        if let Some(scaler) = scaler {
            scaler.apply(&mut values);
        }
        let scaled = Self::new(self.numbers.clone(), values, self.features.len())?;
        Ok(reduce::finite(&scaled.values).then_some(scaled))
    }

    /// How many samples there are.
    pub fn len(&self) -> usize {
        self.numbers.len()
    }

    /// The values of each sample.
    pub fn columns(&self) -> impl Iterator<Item = &[T]> + Clone {
        self.values.chunks_exact(self.features.len().max(1))
    }

    /// The values of a feature.
    pub fn feature(&self, index: usize) -> impl Iterator<Item = f64> + Clone {
        self.columns().filter_map(move |sample| sample.get(index)).map(|value| value.into_f64())
    }

    /// Whether neighbouring features are more alike than distant ones, as in images, series and
    /// spectra: their correlation is larger. Then features are no columns of a table.
    pub fn neighbours_are_alike(&self) -> bool {
        let distance = self.features.len() / 2;
        if distance < FAR {
            return false;
        }
        let (near, far) = (self.correlation(1), self.correlation(distance));
        near > 0.3 && near > far + 0.2
    }

    /// The mean correlation of two features that are `distance` apart, of those that vary.
    fn correlation(&self, distance: usize) -> f64 {
        let moments: Vec<(f64, f64)> =
            self.features.iter().map(|feature| (feature.mean(), feature.deviation())).collect();
        let (mut sum, mut pairs) = (0.0, 0);
        let varies = |(_, deviation): &(f64, f64)| *deviation > 0.0;
        let other = moments.iter().skip(distance);
        pairs += moments.iter().zip(other).filter(|(one, other)| varies(one) && varies(other)).count();
        for sample in self.columns() {
            let scores = moments.iter().zip(sample).map(|((mean, deviation), value)| match *deviation > 0.0 {
                true => (value.into_f64() - mean) / deviation,
                false => 0.0,
            });
            sum += scores.clone().zip(scores.skip(distance)).map(|(one, other)| one * other).sum::<f64>();
        }
        sum / (pairs * self.len()).max(1) as f64
    }
}

/// How far apart features are at least that count as distant.
const FAR: usize = 8;

/// The inputs and, where they are others, the targets of some of the first `samples` samples, as
/// the source has them.
pub(super) fn read<T: Scalar>(
    network: &Network<T>,
    pairs: Pairs<'_, T>,
    samples: usize,
) -> Result<Option<(Sample<T>, Option<Sample<T>>)>, DataError> {
    let (width, target_width) = (pairs.inputs.features(), pairs.targets.map_or(0, |targets| targets.features()));
    let numbers = places(samples, width.max(target_width));
    if numbers.is_empty() {
        return Ok(None);
    }
    let mut input = filled(T::zero(), numbers.len() * width)?;
    let mut target = filled(T::zero(), numbers.len() * target_width)?;
    let question = Question { input_scaler: None, output_scaler: None, ..Question::new(network, None, &[]) };
    let step = BatchStep { pairs, question, noise: None, order: &numbers };
    step.load(0..numbers.len(), Load { input: &mut input, side: &mut [], target: &mut target })?;
    let targets = pairs.targets.map(|_| Sample::new(numbers.clone(), target, target_width)).transpose()?;
    Ok(Some((Sample::new(numbers, input, width)?, targets)))
}

/// Numbers of samples, spread over `samples` of `width` features, without a period that the data
/// may have, too: one at a place of its own in each of equal parts.
fn places(samples: usize, width: usize) -> Vec<usize> {
    const GOLDEN: f64 = 0.618_033_988_749_895;
    let count = samples.min(MOST_SAMPLES).min(MOST_NUMBERS / width.max(1));
    if count == samples {
        return (0..samples).collect();
    }
    let part = samples as f64 / count as f64;
    let place = |index: usize| (index as f64 + (index as f64 * GOLDEN).fract()) * part;
    (0..count).map(|index| (place(index) as usize).min(samples - 1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_spread_without_a_period() {
        assert_eq!(places(256, 784), (0..256).collect::<Vec<_>>());
        assert!(places(5, MOST_NUMBERS + 1).is_empty());
        assert_eq!(places(5, MOST_NUMBERS).len(), 1);
        for (samples, width, count) in [(257, 1, 256), (60_000, 784, 256), (2560, 30, 256), (1 << 40, 1 << 16, 16)] {
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
