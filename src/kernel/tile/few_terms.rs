//! Sums of four or nine terms, as in the convolution of a one-channel image: the right operand
//! stays in registers, and rows are processed one at a time. Each sum has the same terms in the
//! same order as in a tile.

use std::hint::black_box;

use super::{Sums, Tile};
use crate::kernel::Element;
use crate::kernel::simd::{Operation, Simd, Vector};
use crate::kernel::unroll::unroll;

/// `C` vectors of columns of a block whose sums have `D` terms.
pub(super) struct FewTerms<'a, T, const D: usize, const C: usize> {
    sums: &'a Sums<'a, T>,
    tile: Tile<T>,
}

impl<'a, T, const D: usize, const C: usize> FewTerms<'a, T, D, C> {
    /// # Safety
    /// The columns lie in the block, the block in its slices; `right` is packed; there are `D`
    /// terms.
    #[inline(always)]
    pub unsafe fn new(sums: &'a Sums<'a, T>, tile: Tile<T>) -> Self {
        FewTerms { sums, tile }
    }
}

impl<T: Element, const D: usize, const C: usize> Operation<T> for FewTerms<'_, T, D, C> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let FewTerms { sums, tile } = self;
        let zero = simd.zero();
        let (left_terms, right_terms) = black_box(sums.term_offsets::<D>());
        let mut factors = [[zero; C]; D];
        unroll!(term < D {
            for column in 0..C {
                let pointer = tile.right.wrapping_add(column * sums.right_panel + right_terms[term]);
                // SAFETY: the promise made to `new`.
                factors[term][column] = unsafe { simd.load(pointer) };
            }
        });
        // SAFETY: the promise made to `new`.
        let start = unsafe { tile.start::<S, C>(simd) };
        for group in 0..sums.rows[0] {
            let mut here = tile.at_row(group * sums.left_rows[0], group * sums.output_rows[0]);
            for _ in 0..sums.rows[1] {
                let mut row = start;
                unroll!(term < D {
                    // SAFETY: the promise made to `new`.
                    let value = simd.splat(unsafe { *here.left.wrapping_add(left_terms[term]) });
                    for column in 0..C {
                        row[column] = value.mul_add(factors[term][column], row[column]);
                    }
                });
                for column in 0..C {
                    let result = if sums.relu { zero.max(row[column]) } else { row[column] };
                    let lanes = if column + 1 == C { tile.lanes } else { S::LANES };
                    // SAFETY: the promise made to `new`.
                    unsafe { result.store_some(here.output.wrapping_add(column * S::LANES), lanes) };
                }
                here = here.at_row(sums.left_rows[1], sums.output_rows[1]);
            }
        }
    }
}
