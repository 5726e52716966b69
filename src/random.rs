//! [`Random`]: random numbers as a function of where they are used, not of which thread computes
//! them.

mod row;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng};

pub(crate) use row::RowKey;

/// What random numbers are for; two purposes never share a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    Initialise = 1,
    Shuffle = 2,
    Layer = 3,
    Corrupt = 4,
    Validate = 5,
    Prior = 8,
    Posterior = 9,
    #[cfg(feature = "testing")]
    Check = 10,
}

/// A place in a computation, from which each sample gets an independent random stream.
///
/// A stream is ChaCha8 keyed by (seed, purpose, layer, epoch, step, position of the sample in the
/// batch), each to its last bit: two places never share a stream. Where codes of
/// samples are drawn in inference, the bits of the sample's values stand for its position.
/// The same place gives the same numbers for any number of threads and on every platform. A layer
/// finds it in its pass:
///
/// ```
/// use autoencoder::{Context, Forward};
/// use rand_distr::{Distribution, StandardNormal};
///
/// /// Adds noise with standard deviation 0.1, in a layer's `forward`.
/// fn add_noise(context: &Context<'_, f64>, pass: Forward<'_, f64>) {
///     let features = context.input_shape.elements();
///     let samples = pass.output.chunks_exact_mut(features).zip(pass.input.chunks_exact(features));
///     for (index, (output, input)) in samples.enumerate() {
///         let mut rng = context.random.sample(index);
///         for (output, input) in output.iter_mut().zip(input) {
///             let noise: f64 = StandardNormal.sample(&mut rng);
///             *output = input + 0.1 * noise;
///         }
///     }
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Random {
    seed: u64,
    purpose: Purpose,
    index: u64,
    epoch: u64,
    step: u64,
    position: u64,
}

/// The generator of one stream; use it with the distributions of `rand_distr` 0.6.
pub type Rng = ChaCha8Rng;

impl Random {
    pub(crate) const fn new(seed: u64, purpose: Purpose) -> Self {
        Self { seed, purpose, index: 0, epoch: 0, step: 0, position: 0 }
    }

    /// The place of a layer or a parameter.
    pub(crate) fn of(self, index: usize) -> Self {
        Self { index: index as u64, ..self }
    }

    /// The place of a step of an epoch.
    pub(crate) fn at(self, epoch: usize, step: usize) -> Self {
        Self { epoch: epoch as u64, step: step as u64, ..self }
    }

    /// The place `samples` further along the batch.
    pub(crate) fn skip(self, samples: usize) -> Self {
        Self { position: self.position.wrapping_add(samples as u64), ..self }
    }

    /// The place of a row, wherever it is: `key` depends on its values alone ([`RowKey`]).
    pub(crate) fn of_row(self, key: u64) -> Self {
        Self { position: key, ..self }
    }

    /// The stream of the sample at `position` within the pass's part of the batch.
    pub fn sample(&self, position: usize) -> Rng {
        self.skip(position).stream()
    }

    /// The key has eight words, too few for every half of every number: the upper halves of epoch
    /// and step are the number of ChaCha's stream, that of the index (of which 56 bits count)
    /// stands beside the purpose. They are usually zero.
    pub(crate) fn stream(self) -> Rng {
        let low = |number: u64| number as u32;
        let high = |number: u64| (number >> 32) as u32;
        let words = [
            low(self.seed),
            high(self.seed),
            self.purpose as u32 | high(self.index) << 8,
            low(self.index),
            low(self.epoch),
            low(self.step),
            low(self.position),
            high(self.position),
        ];
        let mut key = [0; 32];
        for (bytes, word) in key.chunks_exact_mut(4).zip(words) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(u64::from(high(self.epoch)) << 32 | u64::from(high(self.step)));
        rng
    }
}

/// An event with some probability, to within 2⁻³².
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bernoulli(u64);

impl Bernoulli {
    /// With a probability from 0 to 1.
    pub fn of(probability: f64) -> Self {
        Self((probability * (1_u64 << 32) as f64) as u64)
    }

    /// Whether it happens this time.
    pub fn sample(self, rng: &mut Rng) -> bool {
        u64::from(rng.next_u32()) < self.0
    }
}

/// Writes a random permutation of `0..order.len()` to `order` (Fisher and Yates).
pub(crate) fn shuffle(order: &mut [usize], random: Random) {
    use rand_distr::{Distribution, Uniform};

    let mut rng = random.stream();
    for (index, slot) in order.iter_mut().enumerate() {
        *slot = index;
    }
    for last in (1..order.len()).rev() {
        if let Ok(places) = Uniform::new_inclusive(0, last as u64) {
            order.swap(last, places.sample(&mut rng) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_coordinate_of_the_place_changes_the_stream() {
        let base = Random::new(7, Purpose::Layer);
        let first = |random: Random| random.stream().next_u64();
        let far = [base.at(1 << 32, 0), base.at(0, 1 << 32), base.at(1 << 33, 1 << 40), base.skip(1 << 32)];
        let near = [base, base.of(1), base.at(1, 0), base.at(0, 1), base.skip(1), Random::new(8, Purpose::Layer)];
        let places = [&near[..], &far].concat();
        for (i, a) in places.iter().enumerate() {
            for b in &places[..i] {
                assert_ne!(first(*a), first(*b));
            }
        }
        assert_eq!(first(base.skip(3)), base.sample(3).next_u64());
    }

    /// Numbers that differ in their upper halves alone, up to the largest.
    #[test]
    fn epochs_steps_and_samples_beyond_32_bits_have_streams_of_their_own() {
        let base = Random::new(7, Purpose::Layer).of(3).at(4, 5).skip(6);
        let first = |random: Random| random.stream().next_u64();
        let mut streams = std::collections::BTreeMap::from([(first(base), base)]);
        for high in (32..56).map(|bit| 1_usize << bit).chain([3 << 32, 0xff_ffff << 32]) {
            for place in [base.of(high + 3), base.at(high + 4, 5), base.at(4, high + 5), base.skip(high)] {
                let other = streams.insert(first(place), place);
                assert_eq!(other, None, "the stream of {place:?}");
            }
        }
        for place in [base.at(usize::MAX, 5), base.at(4, usize::MAX), base.at(usize::MAX, usize::MAX)] {
            assert_eq!(streams.insert(first(place), place), None, "the stream of {place:?}");
        }
    }

    /// As in the first version, whose files and results depend on them.
    #[test]
    fn streams_of_numbers_below_32_bits_are_golden() {
        let most = u32::MAX as usize;
        let place = |random: Random| random.stream().next_u64();
        let layer = Random::new(u64::MAX - 4, Purpose::Layer);
        assert_eq!(place(Random::new(0, Purpose::Initialise)), 0x3feb_e7d0_52d7_6565);
        assert_eq!(place(layer.of(7).at(8, 9).skip(10)), 0x513d_f1f5_4783_e6a2);
        assert_eq!(place(layer.of(most).at(most, most).skip(usize::MAX)), 0xb18c_48e6_3bb8_578c);
    }

    #[test]
    fn a_shuffle_is_a_permutation_and_golden() {
        let shuffled = |count: usize| {
            let mut order = vec![0; count];
            shuffle(&mut order, Random::new(42, Purpose::Shuffle).at(1, 0));
            order
        };
        assert_eq!(shuffled(10), [4, 9, 0, 2, 1, 6, 7, 3, 8, 5]);
        let mut sorted = shuffled(1000);
        sorted.sort_unstable();
        assert_eq!(sorted, (0..1000).collect::<Vec<_>>());
    }
}
