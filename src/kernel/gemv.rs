//! The product of one sample, with the lowest latency.
//!
//! `output[column] = start[column] + Σ_d input[d] · matrix[d][column]`, the matrix packed.
//!
//! A single sum is a chain of multiply-adds, each of which waits for the one before it. So the
//! blocks that a sum is split into are computed in parallel; they are added in the same order as
//! elsewhere, so the bits are the same.

use super::Element;
use super::simd::{Operation, Simd, Vector};

pub(super) struct Gemv<'a, T> {
    pub columns: usize,
    /// Terms in a block; the last one may have fewer.
    pub block: usize,
    pub input: &'a [T],
    pub packed: &'a [T],
    pub start: Option<&'a [T]>,
    pub output: &'a mut [T],
    pub relu: bool,
}

impl<T: Element> Operation<T> for Gemv<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        let panels = self.columns.div_ceil(S::LANES);
        let mut panel = 0;
        while panel < panels {
            panel += if S::REGISTERS == 32 && panels - panel >= 4 {
                self.panels::<S, 4>(simd, panel)
            } else if panels - panel >= 2 {
                self.panels::<S, 2>(simd, panel)
            } else {
                self.panels::<S, 1>(simd, panel)
            };
        }
    }
}

impl<T: Element> Gemv<'_, T> {
    /// Computes `C` vectors of columns; returns `C`.
    #[inline(always)]
    fn panels<S: Simd<T>, const C: usize>(&mut self, simd: S, panel: usize) -> usize {
        let mut total = [simd.zero(); C];
        if let Some(start) = self.start {
            for column in 0..C {
                total[column] = simd.read(&start[(panel + column) * S::LANES..]);
            }
        }
        let depth = self.input.len();
        let mut term = 0;
        while term < depth {
            let whole = (depth - term) / self.block;
            term += if whole >= 4 {
                self.blocks::<S, 4, C>(simd, &mut total, panel, term, self.block)
            } else if whole >= 2 {
                self.blocks::<S, 2, C>(simd, &mut total, panel, term, self.block)
            } else {
                self.blocks::<S, 1, C>(simd, &mut total, panel, term, self.block.min(depth - term))
            };
        }
        for column in 0..C {
            let output = &mut self.output[(panel + column) * S::LANES..];
            if self.relu {
                total[column] = simd.zero().max(total[column]);
            }
            total[column].write(output);
        }
        C
    }

    /// Adds `B` blocks of equal length to the total, the first of them starting from the total's
    /// initial value; returns the number of terms.
    #[inline(always)]
    fn blocks<S: Simd<T>, const B: usize, const C: usize>(
        &self,
        simd: S,
        total: &mut [S::Vector; C],
        panel: usize,
        term: usize,
        length: usize,
    ) -> usize {
        let depth = self.input.len();
        let input = &self.input[term..term + B * length];
        let matrix = &self.packed[panel * depth * S::LANES..(panel + C) * depth * S::LANES];
        let mut sums = [[simd.zero(); C]; B];
        if term == 0 {
            sums[0] = *total;
        }
        for index in 0..length {
            for block in 0..B {
                // SAFETY: `input` has `B * length` terms, and each of the `C` panels `depth`
                // vectors.
                unsafe {
                    let row = block * length + index;
                    let value = simd.splat(*input.get_unchecked(row));
                    for column in 0..C {
                        let factor = simd.load(matrix.as_ptr().add((column * depth + term + row) * S::LANES));
                        sums[block][column] = value.mul_add(factor, sums[block][column]);
                    }
                }
            }
        }
        for block in 0..B {
            for column in 0..C {
                let first = term == 0 && block == 0;
                total[column] = if first { sums[block][column] } else { total[column].add(sums[block][column]) };
            }
        }
        B * length
    }
}
