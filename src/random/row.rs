//! The key of a row: a number that depends on its values alone, from which noise for the row is
//! drawn.

/// The first states: fractional parts of the golden ratio and of √2, √3 and √5.
const STATES: [u64; 4] = [0x9e37_79b9_7f4a_7c15, 0x6a09_e667_f3bc_c909, 0xbb67_ae85_84ca_a73b, 0x3c6e_f372_fe94_f82b];

/// Odd, with about as many ones as zeros.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// A hash of the bits of a row's values, with −0 as 0.
///
/// Rows that differ in one value differ in their keys; of other rows, two have the same key with a
/// probability of 2⁻⁶⁴.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RowKey {
    /// Values go to them in turn: a single one would wait for its own multiplications.
    states: [u64; 4],
    count: u64,
}

impl RowKey {
    /// The key of a row of `values`.
    pub fn of(values: impl Iterator<Item = f64>) -> u64 {
        let mut key = Self { states: STATES, count: 0 };
        values.for_each(|value| key.add(value));
        key.states.into_iter().fold(finish(key.count), |hash, state| finish(hash.rotate_left(17) ^ state))
    }

    /// Each step is one-to-one in the value and in the state.
    fn add(&mut self, value: f64) {
        self.count += 1;
        let [state, second, third, last] = self.states;
        let mixed = (state ^ (value + 0.0).to_bits()).wrapping_mul(FACTOR);
        self.states = [second, third, last, mixed ^ (mixed >> 29)];
    }
}

/// SplitMix64's finish: every bit of the result depends on every bit of `word`.
fn finish(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(values: &[f64]) -> u64 {
        RowKey::of(values.iter().copied())
    }

    #[test]
    fn a_key_depends_on_every_value_and_its_place() {
        let row = [0.5, -1.0, 0.0, 2.0, 7.0, 0.25];
        assert_eq!(key(&row), key(&[0.5, -1.0, -0.0, 2.0, 7.0, 0.25]));
        let mut keys = vec![key(&row), key(&row[..5]), key(&[]), key(&[0.0]), key(&[0.0, 0.0])];
        for index in 0..row.len() {
            let mut other = row;
            other[index] = f64::from_bits(other[index].to_bits() ^ 1);
            keys.push(key(&other));
            other = row;
            other.swap(index, (index + 1) % row.len());
            keys.push(key(&other));
        }
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 5 + 2 * row.len());
    }

    /// Rows of zeros and ones, such as binarised pixels, differ in a few bits only.
    #[test]
    fn keys_of_similar_rows_are_like_random_numbers() {
        let rows = (0..1_u32 << 16).map(|bits| RowKey::of((0..16).map(|bit| f64::from(bits >> bit & 1))));
        let mut keys: Vec<u64> = rows.collect();
        for bit in 0..64 {
            let ones = keys.iter().filter(|key| *key >> bit & 1 == 1).count() as f64;
            assert!((ones - 32_768.0).abs() < 5.0 * 128.0, "bit {bit}: {ones}");
        }
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 1 << 16);
    }
}
