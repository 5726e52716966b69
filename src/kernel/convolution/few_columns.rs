//! A block of sums with one column or a few: vectors lie along the terms, and their lanes are added at the end.

use crate::kernel::Element;
use crate::kernel::simd::{Operation, Simd};
use crate::kernel::tile::last;
use crate::kernel::unroll::for_rows;

/// `output[row][column] = start[column] + Σ_term left[row][term] · right[column][term]`
///
/// Rows run over two indices, terms over three, of which the last one is contiguous; `right` is contiguous.
pub(super) struct FewColumns<'a, T> {
    pub rows: [usize; 2],
    pub columns: usize,
    pub terms: [usize; 3],
    pub left: &'a [T],
    pub left_rows: [usize; 2],
    pub left_terms: [usize; 3],
    pub right: &'a [T],
    pub output: &'a mut [T],
    pub output_rows: [usize; 2],
    pub start: Option<&'a [T]>,
    pub relu: bool,
}

impl<T: Element> Operation<T> for FewColumns<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Simd<T>>(mut self) {
        if self.rows.contains(&0) || self.terms.contains(&0) {
            return;
        }
        let left = last(self.rows, self.left_rows).saturating_add(last(self.terms, self.left_terms));
        assert!(self.left_terms[2] == 1 && left < self.left.len(), "left is too short");
        let [outer, middle, inner] = self.terms;
        let len = [outer, middle, inner, self.columns].into_iter().try_fold(1, usize::checked_mul);
        assert_eq!(Some(self.right.len()), len, "length of right");
        for row in 0..self.rows[0] {
            let mut done = 0;
            while done < self.rows[1] {
                done += match self.rows[1] - done {
                    8.. => self.dots::<V, 8>(row, done),
                    4.. => self.dots::<V, 4>(row, done),
                    _ => self.dots::<V, 1>(row, done),
                };
            }
        }
    }
}

impl<T: Element> FewColumns<'_, T> {
    #[inline(always)]
    fn depth(&self) -> usize {
        self.terms[0] * self.terms[1] * self.terms[2]
    }

    /// Computes all columns of `R` rows; gives back `R`.
    #[inline(always)]
    fn dots<V: Simd<T>, const R: usize>(&mut self, row: usize, first: usize) -> usize {
        let left = row * self.left_rows[0] + first * self.left_rows[1];
        let output = row * self.output_rows[0] + first * self.output_rows[1];
        for column in 0..self.columns {
            let sums = self.column::<V, R>(left, column);
            let start = self.start.map_or(T::zero(), |start| start[column]);
            for_rows!(index < R {
                let sum = start + sums[index].sum_lanes();
                let result = if self.relu && sum < T::zero() { T::zero() } else { sum };
                self.output[output + index * self.output_rows[1] + column] = result;
            });
        }
        R
    }

    /// One vector of partial sums for each of `R` rows.
    #[inline(always)]
    fn column<V: Simd<T>, const R: usize>(&self, left: usize, column: usize) -> [V; R] {
        let mut sums = [V::splat(T::zero()); R];
        let inner = self.terms[2];
        let mut right = column * self.depth();
        for outer in 0..self.terms[0] {
            for middle in 0..self.terms[1] {
                let left = left + outer * self.left_terms[0] + middle * self.left_terms[1];
                let whole = inner / V::LANES * V::LANES;
                for term in (0..whole).step_by(V::LANES) {
                    // SAFETY: `run` has seen that all rows and terms lie in their slices.
                    unsafe { self.add::<V, R>(&mut sums, left + term, right + term, V::LANES) };
                }
                if whole < inner {
                    // SAFETY: `run` has seen that all rows and terms lie in their slices.
                    unsafe { self.add::<V, R>(&mut sums, left + whole, right + whole, inner - whole) };
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
    unsafe fn add<V: Simd<T>, const R: usize>(&self, sums: &mut [V; R], left: usize, right: usize, lanes: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            let factor = V::load_some(self.right.as_ptr().add(right), lanes);
            for_rows!(row < R {
                let left = self.left.as_ptr().add(left + row * self.left_rows[1]);
                sums[row] = V::load_some(left, lanes).mul_add(factor, sums[row]);
            });
        }
    }
}
