//! A block of sums with one or a few columns: vectors run along the terms, and their lanes are
//! added at the end.

use crate::kernel::Element;
use crate::kernel::simd::{Operation, Simd, Vector};
use crate::kernel::tile::{Sums, largest_offset};
use crate::kernel::unroll::unroll;

/// A block of sums whose `right` is in panels of one column, and whose terms are contiguous in both
/// operands along their last index.
pub(super) struct FewColumns<'a, T> {
    pub block: Sums<'a, T>,
}

impl<T: Element> Operation<T> for FewColumns<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        let Sums { rows, columns, terms, left_rows, left_terms, .. } = self.block;
        if rows.contains(&0) || terms.contains(&0) {
            return;
        }
        let left = largest_offset(rows, left_rows).saturating_add(largest_offset(terms, left_terms));
        assert!(left_terms[2] == 1 && left < self.block.left.len(), "left is too short");
        let [outer, middle, inner] = terms;
        let len = [outer, middle, inner, columns].into_iter().try_fold(1, usize::checked_mul);
        assert_eq!(Some(self.block.right.len()), len, "length of right");
        for row in 0..rows[0] {
            let mut done = 0;
            while done < rows[1] {
                done += match rows[1] - done {
                    8.. => self.dots::<S, 8>(simd, row, done),
                    4.. => self.dots::<S, 4>(simd, row, done),
                    _ => self.dots::<S, 1>(simd, row, done),
                };
            }
        }
    }
}

impl<T: Element> FewColumns<'_, T> {
    #[inline(always)]
    fn depth(&self) -> usize {
        self.block.terms[0] * self.block.terms[1] * self.block.terms[2]
    }

    /// Computes all columns of `R` rows; returns `R`.
    #[inline(always)]
    fn dots<S: Simd<T>, const R: usize>(&mut self, simd: S, row: usize, first: usize) -> usize {
        let left = row * self.block.left_rows[0] + first * self.block.left_rows[1];
        let output = row * self.block.output_rows[0] + first * self.block.output_rows[1];
        for column in 0..self.block.columns {
            let sums = self.column::<S, R>(simd, left, column);
            let start = self.block.start.map_or(T::zero(), |start| start[column]);
            unroll!(index < R {
                let sum = start + sums[index].sum_lanes();
                let result = if self.block.relu && sum < T::zero() { T::zero() } else { sum };
                self.block.output[output + index * self.block.output_rows[1] + column] = result;
            });
        }
        R
    }

    /// One vector of partial sums for each of `R` rows.
    #[inline(always)]
    fn column<S: Simd<T>, const R: usize>(&self, simd: S, left: usize, column: usize) -> [S::Vector; R] {
        let mut sums = [simd.zero(); R];
        let inner = self.block.terms[2];
        let mut right = column * self.depth();
        for outer in 0..self.block.terms[0] {
            for middle in 0..self.block.terms[1] {
                let left = left + outer * self.block.left_terms[0] + middle * self.block.left_terms[1];
                let whole = inner / S::LANES * S::LANES;
                // SAFETY: `run` has seen that all rows and terms lie in their slices.
                unsafe {
                    for term in (0..whole).step_by(S::LANES) {
                        self.add::<S, R>(simd, &mut sums, left + term, right + term, S::LANES);
                    }
                    if whole < inner {
                        self.add::<S, R>(simd, &mut sums, left + whole, right + whole, inner - whole);
                    }
                }
                right += inner;
            }
        }
        sums
    }

    /// Adds the products of `lanes` terms.
    ///
    /// # Safety
    /// The terms lie in their slices, for all `R` rows.
    #[inline(always)]
    unsafe fn add<S: Simd<T>, const R: usize>(
        &self,
        simd: S,
        sums: &mut [S::Vector; R],
        left: usize,
        right: usize,
        lanes: usize,
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            let factor = simd.load_some(self.block.right.as_ptr().add(right), lanes);
            unroll!(row < R {
                let left = self.block.left.as_ptr().add(left + row * self.block.left_rows[1]);
                sums[row] = simd.load_some(left, lanes).mul_add(factor, sums[row]);
            });
        }
    }
}
