//! The product that all others are built from: a block of sums, computed one register tile at a
//! time.
//!
//! `output[row][column] = start[column] + Σ_term left[row][term] · right[term][column]`
//!
//! Strides give the positions of rows and terms, so the same code multiplies matrices, convolves
//! images (a row is a pixel, the terms are its patch) and computes weight gradients (a row is a
//! weight, the terms are samples or pixels). Every output is summed in the order of its terms, with
//! one multiply-add each: its bits do not depend on the tile it belongs to.

mod few_terms;
mod registers;
#[cfg(test)]
mod tests;

use super::simd::{Operation, Simd, dispatch};
use super::{Element, elements};
use few_terms::FewTerms;
use registers::{ADJACENT, GENERAL, PACKED, RowTable, Tile, TileOf};

/// A block of sums: rows run over two indices, terms over three, the last one fastest. Strides are
/// in elements.
pub struct Sums<'a, T> {
    pub rows: [usize; 2],
    pub columns: usize,
    pub terms: [usize; 3],
    pub left: &'a [T],
    pub left_rows: [usize; 2],
    pub left_terms: [usize; 3],
    pub right: &'a [T],
    pub right_terms: [usize; 3],
    /// From one vector of columns to the next.
    pub right_panel: usize,
    /// Whether the last panel of `right` is padded to a whole vector.
    pub right_padded: bool,
    pub output: &'a mut [T],
    pub output_rows: [usize; 2],
    /// The initial values of the sums; zero if `None`.
    pub start: Option<&'a [T]>,
    /// Whether to add the sums to `output` instead of overwriting it.
    pub accumulate: bool,
    /// Whether to write `max(0, result)`.
    pub relu: bool,
}

/// Element types that blocks are computed with. The tiles are many and large; a non-generic trait
/// method is compiled once, in this crate, instead of in every crate that uses it.
pub trait Tiled: Sized {
    #[doc(hidden)]
    fn compute(sums: Sums<'_, Self>);
}

impl Tiled for f32 {
    fn compute(sums: Sums<'_, f32>) {
        dispatch(sums);
    }
}

impl Tiled for f64 {
    fn compute(sums: Sums<'_, f64>) {
        dispatch(sums);
    }
}

impl<T: Element> Operation<T> for Sums<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(mut self, simd: S) {
        if self.rows.contains(&0) || self.columns == 0 {
            return;
        }
        self.check::<S>();
        let packed = self.right_padded;
        let tile = Tile::new(&mut self);
        // SAFETY: `check` has seen that every address of the block lies in its slice.
        unsafe {
            let terms = elements(&self.terms);
            if packed && !self.accumulate && terms == 9 {
                self.few_terms::<S, 9>(simd, tile);
            } else if packed && !self.accumulate && terms == 4 {
                self.few_terms::<S, 4>(simd, tile);
            } else if packed {
                self.column_tiles::<S, PACKED>(simd, tile);
            } else if self.left_rows[1] == 1 && !self.one_list::<S>() {
                self.column_tiles::<S, ADJACENT>(simd, tile);
            } else {
                self.column_tiles::<S, GENERAL>(simd, tile);
            }
        }
    }
}

/// The largest offset of nested indices, or more than any slice has if that overflows.
#[inline(always)]
pub(super) fn largest_offset<const N: usize>(counts: [usize; N], strides: [usize; N]) -> usize {
    let mut offset = 0usize;
    for index in 0..N {
        offset = offset.saturating_add((counts[index] - 1).saturating_mul(strides[index]));
    }
    offset
}

/// `KIND`: what is known of the strides. `MASKED`: the last vector of columns may only be read as
/// far as there are columns.
impl<T: Element> Sums<'_, T> {
    /// Asserts that every address of each operand is in its slice. The largest is the last one:
    /// strides are not negative, and a panel of `right` begins behind the vector that is read
    /// from the one before.
    #[inline(always)]
    fn check<S: Simd<T>>(&self) {
        let panels = self.columns.div_ceil(S::LANES);
        let in_last_panel = self.columns - (panels - 1) * S::LANES;
        if !self.terms.contains(&0) {
            let left =
                largest_offset(self.rows, self.left_rows).saturating_add(largest_offset(self.terms, self.left_terms));
            assert!(left < self.left.len(), "left is too short");
            assert!(panels == 1 || self.right_panel >= S::LANES, "panels of right overlap");
            let last_panel = (panels - 1).saturating_mul(self.right_panel);
            let right = largest_offset(self.terms, self.right_terms).saturating_add(last_panel);
            let read = if self.right_padded { S::LANES } else { in_last_panel };
            assert!(right.saturating_add(read) <= self.right.len(), "right is too short");
            let adjacent = self.left_terms[2] == 1 && self.right_terms[2] == S::LANES;
            assert!(adjacent || !self.right_padded, "terms of a packed matrix are adjacent");
        }
        let output = largest_offset(self.rows, self.output_rows);
        assert!(output.saturating_add(self.columns) <= self.output.len(), "output is too short");
        assert!(self.start.is_none_or(|start| start.len() >= self.columns), "start is too short");
    }

    /// Whether tiles should be taken from one list of all rows instead of from each group of rows,
    /// because the groups do not divide into whole tiles.
    #[inline(always)]
    fn one_list<S: Simd<T>>(&self) -> bool {
        let [groups, rows] = self.rows;
        let adjacent = !self.right_padded && self.left_rows[1] == 1;
        groups > 1 && if adjacent { rows < 9 } else { rows % most_rows::<T, S>() != 0 }
    }

    /// Loops over the columns, for a packed `right` with `D` terms.
    ///
    /// # Safety
    /// As below.
    #[inline(always)]
    unsafe fn few_terms<S: Simd<T>, const D: usize>(&self, simd: S, mut tile: Tile<T>) {
        let mut columns = self.columns;
        while columns > 0 {
            let vectors = if S::REGISTERS == 32 { columns.div_ceil(S::LANES).min(2) } else { 1 };
            tile.lanes = (columns - (vectors - 1) * S::LANES).min(S::LANES);
            // SAFETY: the vectors hold columns that are left.
            unsafe {
                match vectors {
                    2 if S::REGISTERS == 32 => simd.call(FewTerms::<T, D, 2>::new(self, tile)),
                    _ => simd.call(FewTerms::<T, D, 1>::new(self, tile)),
                }
            }
            columns = columns.saturating_sub(vectors * S::LANES);
            tile.advance_columns(vectors * self.right_panel, vectors * S::LANES);
        }
    }

    /// The offsets of all terms in `left` and in `right`.
    #[inline(always)]
    fn term_offsets<const D: usize>(&self) -> ([usize; D], [usize; D]) {
        let (mut left, mut right) = ([0; D], [0; D]);
        let [_, second, third] = self.terms;
        for term in 0..D {
            let index = [term / (second * third), term / third % second, term % third];
            for level in 0..3 {
                left[term] += index[level] * self.left_terms[level];
                right[term] += index[level] * self.right_terms[level];
            }
        }
        (left, right)
    }

    /// Loops over the columns, two vectors at a time, or up to six if there are few rows; a partial
    /// vector comes last and alone.
    ///
    /// # Safety
    /// All addresses of the block must be in their slices; the same holds for the functions below.
    #[inline(always)]
    unsafe fn column_tiles<S: Simd<T>, const KIND: u8>(&self, simd: S, mut tile: Tile<T>) {
        let few_rows = self.rows[0] * self.rows[1] < 4;
        let mut columns = self.columns;
        while columns > 0 {
            let whole = if KIND != PACKED { columns / S::LANES } else { columns.div_ceil(S::LANES) };
            let vectors = match whole {
                6.. if few_rows => 6,
                4.. if few_rows => 4,
                _ => whole.clamp(1, 2),
            };
            tile.lanes = (columns - (vectors - 1) * S::LANES).min(S::LANES);
            // SAFETY: the vectors hold columns that are left; a partial one is read masked or
            // padded.
            unsafe {
                match vectors {
                    6 => self.few_rows::<S, 6, KIND>(simd, tile),
                    4 => self.few_rows::<S, 4, KIND>(simd, tile),
                    2 => self.row_tiles::<S, 2, KIND, false>(simd, tile),
                    _ if KIND != PACKED && whole == 0 => self.row_tiles::<S, 1, KIND, true>(simd, tile),
                    _ => self.row_tiles::<S, 1, KIND, false>(simd, tile),
                }
            }
            columns = columns.saturating_sub(vectors * S::LANES);
            tile.advance_columns(vectors * self.right_panel, vectors * S::LANES);
        }
    }

    /// Loops over the rows.
    #[inline(always)]
    unsafe fn row_tiles<S: Simd<T>, const C: usize, const KIND: u8, const MASKED: bool>(&self, simd: S, tile: Tile<T>) {
        let [groups, rows] = self.rows;
        if KIND != ADJACENT && self.one_list::<S>() {
            let mut row = 0;
            while row < groups * rows {
                let table = RowTable::list(self, row);
                // SAFETY: the tile has as many rows as are left, or fewer.
                row += unsafe { self.rows_of_tile::<S, C, KIND, MASKED>(simd, tile, &table, groups * rows - row) };
            }
            return;
        }
        let table = RowTable::equidistant(self.left_rows[1], self.output_rows[1]);
        for group in 0..groups {
            let mut row = 0;
            while row < rows {
                let tile = tile.at_row(
                    group * self.left_rows[0] + row * self.left_rows[1],
                    group * self.output_rows[0] + row * self.output_rows[1],
                );
                // SAFETY: the tile has as many rows as are left, or fewer.
                row += unsafe { self.rows_of_tile::<S, C, KIND, MASKED>(simd, tile, &table, rows - row) };
            }
        }
    }

    /// Computes one tile, as high as the remaining rows and the registers allow; returns its
    /// height.
    ///
    /// Full speed needs twice as many multiply-adds in flight as one takes cycles. Tiles of one to
    /// three rows are therefore slow, and the remaining rows are divided so as to avoid them if
    /// possible.
    #[inline(always)]
    unsafe fn rows_of_tile<S: Simd<T>, const C: usize, const KIND: u8, const MASKED: bool>(
        &self,
        simd: S,
        tile: Tile<T>,
        table: &RowTable,
        rows: usize,
    ) -> usize {
        macro_rules! take {
            ($rows:literal) => {{
                // SAFETY: the tile lies in the block.
                simd.call(unsafe { TileOf::<T, $rows, C, KIND, MASKED>::new(self, tile, table) });
                $rows
            }};
        }
        if S::REGISTERS == 32 {
            match rows {
                14 | 19 | 21.. => take!(14),
                8 | 13 | 15 | 16 | 18 | 20 => take!(8),
                7 | 11 | 12 | 17 => take!(7),
                5 | 9 | 10 => take!(5),
                4 => take!(4),
                3 | 6 => take!(3),
                2 => take!(2),
                _ => take!(1),
            }
        } else {
            match rows {
                12.. | 6 | 9 | 10 => take!(6),
                4 | 5 | 7 | 8 | 11 => take!(4),
                3 => take!(3),
                2 => take!(2),
                _ => take!(1),
            }
        }
    }

    /// Computes fewer than four rows, one by one.
    #[inline(always)]
    unsafe fn few_rows<S: Simd<T>, const C: usize, const KIND: u8>(&self, simd: S, tile: Tile<T>) {
        let table = RowTable::equidistant(0, 0);
        for group in 0..self.rows[0] {
            for row in 0..self.rows[1] {
                let tile = tile.at_row(
                    group * self.left_rows[0] + row * self.left_rows[1],
                    group * self.output_rows[0] + row * self.output_rows[1],
                );
                // SAFETY: the row lies in the block.
                simd.call(unsafe { TileOf::<T, 1, C, KIND, false>::new(self, tile, &table) });
            }
        }
    }
}

/// The rows of the highest tile.
#[inline(always)]
fn most_rows<T: Element, S: Simd<T>>() -> usize {
    if S::REGISTERS == 32 { 14 } else { 6 }
}
