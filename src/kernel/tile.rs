//! The one product all others are made of: a block of sums, computed a tile of registers at a time.
//!
//! `output[row][column] = start[column] + Σ_term left[row][term] · right[term][column]`
//!
//! Where rows and terms lie is given by strides, so that the same code multiplies matrices, convolves images (a row is a
//! pixel, the terms are its patch) and takes their weight gradients (a row is a weight, the terms are samples or pixels).
//! Every output is summed in the order of its terms, by one multiply-add each: its bits do not depend on the tile it
//! falls into.

mod registers;

use super::Element;
use super::simd::{Operation, Simd};
use registers::{RowTable, Tile, compute};

/// A block of sums: rows run over two indices, terms over three, the last one fastest. Strides are in elements.
pub(super) struct Sums<'a, T> {
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
    /// What the sums start from; zero if none.
    pub start: Option<&'a [T]>,
    /// Add the finished sums to what `output` holds.
    pub accumulate: bool,
    /// Write `max(0, result)`.
    pub relu: bool,
}

impl<T: Element> Operation<T> for Sums<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<V: Simd<T>>(mut self) {
        if self.rows.contains(&0) || self.columns == 0 {
            return;
        }
        self.check::<V>();
        let adjacent = self.left_rows[1] == 1 && !self.one_list::<V>();
        let tile = Tile::new(&mut self);
        // SAFETY: `check` has seen that every address of the block lies in its slice.
        unsafe {
            match (adjacent, self.right_padded) {
                (true, false) => self.column_tiles::<V, true, true>(tile),
                (true, true) => self.column_tiles::<V, true, false>(tile),
                (false, false) => self.column_tiles::<V, false, true>(tile),
                (false, true) => self.column_tiles::<V, false, false>(tile),
            }
        }
    }
}

/// The largest offset of nested indices.
#[inline(always)]
pub(super) fn last<const N: usize>(counts: [usize; N], strides: [usize; N]) -> usize {
    let mut offset = 0;
    for index in 0..N {
        offset += (counts[index] - 1) * strides[index];
    }
    offset
}

/// `ADJACENT`: the rows of a tile are adjacent elements of `left`. `MASKED`: the last vector of columns may only be read
/// as far as there are columns.
impl<T: Element> Sums<'_, T> {
    /// Asserts that the last address of each operand lies in its slice.
    #[inline(always)]
    fn check<V: Simd<T>>(&self) {
        let panels = self.columns.div_ceil(V::LANES);
        let in_last_panel = self.columns - (panels - 1) * V::LANES;
        if !self.terms.contains(&0) {
            let left = last(self.rows, self.left_rows) + last(self.terms, self.left_terms);
            assert!(left < self.left.len(), "left is too short");
            let right = last(self.terms, self.right_terms) + (panels - 1) * self.right_panel;
            let read = if self.right_padded { V::LANES } else { in_last_panel };
            assert!(right + read <= self.right.len(), "right is too short");
        }
        let output = last(self.rows, self.output_rows);
        assert!(output + self.columns <= self.output.len(), "output is too short");
        assert!(self.start.is_none_or(|start| start.len() >= self.columns), "start is too short");
    }

    /// Whether tiles are better taken from all rows in one list than from each group of rows by itself, because the
    /// groups do not divide into whole tiles.
    #[inline(always)]
    fn one_list<V: Simd<T>>(&self) -> bool {
        let [groups, rows] = self.rows;
        let adjacent = self.left_rows[1] == 1;
        groups > 1 && if adjacent { rows < 9 } else { rows % highest::<T, V>() != 0 }
    }

    /// Goes over the columns, two vectors at a time, or four if the rows are few; a partial vector comes last and alone.
    ///
    /// # Safety
    /// All addresses of the block lie in their slices; so for the functions below.
    #[inline(always)]
    unsafe fn column_tiles<V: Simd<T>, const ADJACENT: bool, const MASKED: bool>(&self, mut tile: Tile<T>) {
        let few_rows = self.rows[0] * self.rows[1] < 4;
        let mut columns = self.columns;
        while columns > 0 {
            let whole = if MASKED { columns / V::LANES } else { columns.div_ceil(V::LANES) };
            let vectors = if few_rows && whole >= 4 { 4 } else { whole.clamp(1, 2) };
            tile.lanes = (columns - (vectors - 1) * V::LANES).min(V::LANES);
            // SAFETY: the vectors hold columns that are left; a partial one is read masked or padded.
            unsafe {
                match vectors {
                    4 => self.few_rows::<V, 4, ADJACENT>(tile),
                    2 => self.row_tiles::<V, 2, ADJACENT, false>(tile),
                    _ if MASKED && whole == 0 => self.row_tiles::<V, 1, ADJACENT, true>(tile),
                    _ => self.row_tiles::<V, 1, ADJACENT, false>(tile),
                }
            }
            columns = columns.saturating_sub(vectors * V::LANES);
            tile.advance_columns(vectors * self.right_panel, vectors * V::LANES);
        }
    }

    /// Goes over the rows.
    #[inline(always)]
    unsafe fn row_tiles<V: Simd<T>, const C: usize, const ADJACENT: bool, const MASKED: bool>(&self, tile: Tile<T>) {
        let [groups, rows] = self.rows;
        if !ADJACENT && self.one_list::<V>() {
            let mut row = 0;
            while row < groups * rows {
                let table = RowTable::list(self, row);
                // SAFETY: the tile has as many rows as are left, or fewer.
                row += unsafe { self.rows_of_tile::<V, C, ADJACENT, MASKED>(tile, &table, groups * rows - row) };
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
                row += unsafe { self.rows_of_tile::<V, C, ADJACENT, MASKED>(tile, &table, rows - row) };
            }
        }
    }

    /// Computes one tile, as high as the rows that are left and the registers allow; gives back its height.
    ///
    /// Twice as many multiply-adds must be under way as one takes cycles, so that tiles of one to three rows are slow
    /// and the rest of the rows is divided to have none, where that is possible.
    #[inline(always)]
    unsafe fn rows_of_tile<V: Simd<T>, const C: usize, const ADJACENT: bool, const MASKED: bool>(
        &self,
        tile: Tile<T>,
        table: &RowTable,
        rows: usize,
    ) -> usize {
        // SAFETY: the tile lies in the block.
        unsafe {
            if V::REGISTERS == 32 {
                match rows {
                    14.. => compute::<T, V, 14, C, ADJACENT, MASKED>(self, tile, table),
                    9 | 13 => compute::<T, V, 9, C, ADJACENT, MASKED>(self, tile, table),
                    7 | 11 | 12 => compute::<T, V, 7, C, ADJACENT, MASKED>(self, tile, table),
                    5 | 10 => compute::<T, V, 5, C, ADJACENT, MASKED>(self, tile, table),
                    4 | 8 => compute::<T, V, 4, C, ADJACENT, MASKED>(self, tile, table),
                    3 | 6 => compute::<T, V, 3, C, ADJACENT, MASKED>(self, tile, table),
                    2 => compute::<T, V, 2, C, ADJACENT, MASKED>(self, tile, table),
                    _ => compute::<T, V, 1, C, ADJACENT, MASKED>(self, tile, table),
                }
            } else {
                match rows {
                    12.. | 6 | 9 | 10 => compute::<T, V, 6, C, ADJACENT, MASKED>(self, tile, table),
                    4 | 5 | 7 | 8 | 11 => compute::<T, V, 4, C, ADJACENT, MASKED>(self, tile, table),
                    3 => compute::<T, V, 3, C, ADJACENT, MASKED>(self, tile, table),
                    2 => compute::<T, V, 2, C, ADJACENT, MASKED>(self, tile, table),
                    _ => compute::<T, V, 1, C, ADJACENT, MASKED>(self, tile, table),
                }
            }
        }
    }

    /// Computes fewer than four rows, one by one.
    #[inline(always)]
    unsafe fn few_rows<V: Simd<T>, const C: usize, const ADJACENT: bool>(&self, tile: Tile<T>) {
        let table = RowTable::equidistant(0, 0);
        for group in 0..self.rows[0] {
            for row in 0..self.rows[1] {
                let tile = tile.at_row(
                    group * self.left_rows[0] + row * self.left_rows[1],
                    group * self.output_rows[0] + row * self.output_rows[1],
                );
                // SAFETY: the row lies in the block.
                unsafe { compute::<T, V, 1, C, ADJACENT, false>(self, tile, &table) };
            }
        }
    }
}

/// The rows of the highest tile.
#[inline(always)]
fn highest<T, V: Simd<T>>() -> usize {
    if V::REGISTERS == 32 { 14 } else { 6 }
}
