//! The peak speed of one core, for benchmarks to compare with.

use std::hint::black_box;
use std::time::Instant;

use super::Element;
use super::simd::{Operation, Simd, Vector, dispatch};
use super::slices::MAX_LANES;
use super::unroll::unroll;

/// Floating-point operations per second of one core in independent multiply-adds.
pub fn operations_per_second<T: Element>() -> f64 {
    let rounds = 1_000_000;
    let mut best = f64::INFINITY;
    for _ in 0..20 {
        let start = Instant::now();
        let per_round = dispatch::<T, _>(MultiplyAdds { rounds: black_box(rounds) });
        best = best.min(start.elapsed().as_secs_f64() / (per_round * rounds as f64));
    }
    1.0 / best
}

struct MultiplyAdds {
    rounds: usize,
}

impl<T: Element> Operation<T> for MultiplyAdds {
    /// Operations per round.
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) -> f64 {
        const CHAINS: usize = 12;
        let factor = simd.splat(black_box(T::of(0.5)));
        let mut sums = [factor; CHAINS];
        for _ in 0..self.rounds {
            unroll!(chain < CHAINS {
                sums[chain] = sums[chain].mul_add(factor, factor);
            });
        }
        let mut results = [T::zero(); CHAINS * MAX_LANES];
        unroll!(chain < CHAINS {
            sums[chain].write(&mut results[chain * S::LANES..]);
        });
        black_box(results);
        (2 * CHAINS * S::LANES) as f64
    }
}
