//! One tile: `R` rows and `C` vectors of columns, whose sums stay in registers from first to last
//! term.

use std::hint::black_box;

use super::Sums;
use crate::kernel::simd::{Operation, Simd, Vector};
use crate::kernel::unroll::unroll;
use crate::kernel::{Element, prefetch};

/// The most rows a tile has.
const MAX_ROWS: usize = 14;

/// A kind of tile: `left` has adjacent terms, and `right` is a packed matrix whose last vector is
/// padded.
pub(super) const PACKED: u8 = 0;
/// A kind of tile: its rows are adjacent in `left`.
pub(super) const ADJACENT: u8 = 1;
/// A kind of tile: neither.
pub(super) const GENERAL: u8 = 2;

/// A tile's start in each operand, and the number of used lanes in its last vector of columns.
#[derive(Clone, Copy)]
pub(super) struct Tile<T> {
    pub left: *const T,
    pub right: *const T,
    start: Option<*const T>,
    pub output: *mut T,
    pub lanes: usize,
}

impl<T: Element> Tile<T> {
    /// The tile at the start of the block.
    #[inline(always)]
    pub fn new(sums: &mut Sums<'_, T>) -> Self {
        Tile {
            left: sums.left.as_ptr(),
            right: sums.right.as_ptr(),
            start: sums.start.map(<[T]>::as_ptr),
            output: sums.output.as_mut_ptr(),
            lanes: 0,
        }
    }

    #[inline(always)]
    pub fn advance_columns(&mut self, right: usize, columns: usize) {
        self.right = self.right.wrapping_add(right);
        self.start = self.start.map(|start| start.wrapping_add(columns));
        self.output = self.output.wrapping_add(columns);
    }

    #[inline(always)]
    pub fn at_term(self, left: usize, right: usize) -> Self {
        Tile { left: self.left.wrapping_add(left), right: self.right.wrapping_add(right), ..self }
    }

    #[inline(always)]
    pub fn at_row(self, left: usize, output: usize) -> Self {
        Tile { left: self.left.wrapping_add(left), output: self.output.wrapping_add(output), ..self }
    }
}

impl<T: Element> Tile<T> {
    /// The initial values of a row's sums.
    ///
    /// # Safety
    /// The tile lies in the block.
    #[inline(always)]
    pub unsafe fn start<S: Simd<T>, const C: usize>(self, simd: S) -> [S::Vector; C] {
        let mut sums = [simd.zero(); C];
        if let Some(start) = self.start {
            for column in 0..C {
                let lanes = if column + 1 == C { self.lanes } else { S::LANES };
                // SAFETY: `lanes` columns are left here.
                sums[column] = unsafe { simd.load_some(start.wrapping_add(column * S::LANES), lanes) };
            }
        }
        sums
    }
}

/// Offsets of a tile's rows.
pub(super) struct RowTable {
    left: [usize; MAX_ROWS],
    output: [usize; MAX_ROWS],
}

impl RowTable {
    #[inline(always)]
    pub fn equidistant(left: usize, output: usize) -> Self {
        let mut table = RowTable { left: [0; MAX_ROWS], output: [0; MAX_ROWS] };
        unroll!(row < MAX_ROWS {
            table.left[row] = row.wrapping_mul(left);
            table.output[row] = row.wrapping_mul(output);
        });
        table.opaque()
    }

    /// The rows from `first` on in the list of all rows.
    #[inline(always)]
    pub fn list<T>(sums: &Sums<'_, T>, first: usize) -> Self {
        let mut table = RowTable { left: [0; MAX_ROWS], output: [0; MAX_ROWS] };
        let (mut group, mut row) = (first / sums.rows[1], first % sums.rows[1]);
        for index in 0..MAX_ROWS {
            table.left[index] = group.wrapping_mul(sums.left_rows[0]).wrapping_add(row.wrapping_mul(sums.left_rows[1]));
            table.output[index] =
                group.wrapping_mul(sums.output_rows[0]).wrapping_add(row.wrapping_mul(sums.output_rows[1]));
            row += 1;
            if row == sums.rows[1] {
                (group, row) = (group + 1, 0);
            }
        }
        table.opaque()
    }

    /// Hides the relation between the offsets from the compiler. It would step from row to row by
    /// additions, and a chain of fourteen takes longer than the multiplications.
    #[inline(always)]
    fn opaque(self) -> Self {
        black_box(self)
    }
}

/// One tile of a block, `R` rows and `C` vectors of columns.
pub(super) struct TileOf<'a, T, const R: usize, const C: usize, const KIND: u8, const MASKED: bool> {
    sums: &'a Sums<'a, T>,
    tile: Tile<T>,
    table: &'a RowTable,
}

impl<'a, T, const R: usize, const C: usize, const KIND: u8, const MASKED: bool> TileOf<'a, T, R, C, KIND, MASKED> {
    /// # Safety
    /// The tile lies in the block, and the block in its slices.
    #[inline(always)]
    pub unsafe fn new(sums: &'a Sums<'a, T>, tile: Tile<T>, table: &'a RowTable) -> Self {
        TileOf { sums, tile, table }
    }
}

impl<T: Element, const R: usize, const C: usize, const KIND: u8, const MASKED: bool> Operation<T>
    for TileOf<'_, T, R, C, KIND, MASKED>
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let TileOf { sums, tile, table } = self;
        // SAFETY: the promise made to `new`; so for the functions below.
        unsafe {
            let mut block = [tile.start::<S, C>(simd); R];
            for first in 0..sums.terms[0] {
                for second in 0..sums.terms[1] {
                    let left = first * sums.left_terms[0] + second * sums.left_terms[1];
                    let right = first * sums.right_terms[0] + second * sums.right_terms[1];
                    multiply::<T, S, R, C, KIND, MASKED>(simd, &mut block, sums, tile.at_term(left, right), table);
                }
            }
            finish::<T, S, R, C>(simd, block, sums, tile, table);
        }
    }
}

/// Adds the terms of the innermost index.
#[inline(always)]
unsafe fn multiply<T: Element, S: Simd<T>, const R: usize, const C: usize, const KIND: u8, const MASKED: bool>(
    simd: S,
    block: &mut [[S::Vector; C]; R],
    sums: &Sums<'_, T>,
    mut tile: Tile<T>,
    table: &RowTable,
) {
    let packed = KIND == PACKED;
    let left = if packed { 1 } else { sums.left_terms[2] };
    let right = if packed { S::LANES } else { sums.right_terms[2] };
    let at_once = if packed { S::TERMS_PER_ITERATION } else { S::TERMS_PER_ITERATION.min(2) };
    for _ in 0..sums.terms[2] / at_once {
        for index in 0..at_once {
            // SAFETY: as many terms are left.
            unsafe {
                term::<T, S, R, C, KIND, MASKED>(simd, block, sums, tile.at_term(index * left, index * right), table)
            };
        }
        tile = tile.at_term(at_once * left, at_once * right);
    }
    for _ in 0..sums.terms[2] % at_once {
        // SAFETY: a term is left.
        unsafe { term::<T, S, R, C, KIND, MASKED>(simd, block, sums, tile, table) };
        tile = tile.at_term(left, right);
    }
}

/// Adds one term to all sums of the tile.
#[inline(always)]
unsafe fn term<T: Element, S: Simd<T>, const R: usize, const C: usize, const KIND: u8, const MASKED: bool>(
    simd: S,
    block: &mut [[S::Vector; C]; R],
    sums: &Sums<'_, T>,
    tile: Tile<T>,
    table: &RowTable,
) {
    if KIND == ADJACENT {
        // Terms are far apart, each on a line of its own: those of the tile below and of the one
        // beside it are sent for.
        prefetch::at(tile.left.wrapping_add(R));
        prefetch::at(tile.right.wrapping_add(C * S::LANES));
        prefetch::at(tile.right.wrapping_add((C + 1) * S::LANES));
    }
    let mut factors = [simd.zero(); C];
    for column in 0..C {
        let pointer = tile.right.wrapping_add(column * sums.right_panel);
        // SAFETY: the vectors of the tile can be read, the last one masked if need be.
        factors[column] = unsafe { if MASKED { simd.load_partial(pointer, tile.lanes) } else { simd.load(pointer) } };
    }
    unroll!(row < R {
        let offset = if KIND == ADJACENT { row } else { table.left[row] };
        // SAFETY: the rows of the tile can be read.
        let value = simd.splat(unsafe { *tile.left.wrapping_add(offset) });
        for column in 0..C {
            block[row][column] = value.mul_add(factors[column], block[row][column]);
        }
    });
}

/// Writes the sums.
#[inline(always)]
unsafe fn finish<T: Element, S: Simd<T>, const R: usize, const C: usize>(
    simd: S,
    mut block: [[S::Vector; C]; R],
    sums: &Sums<'_, T>,
    tile: Tile<T>,
    table: &RowTable,
) {
    let output = |row: usize, column: usize| tile.output.wrapping_add(table.output[row] + column * S::LANES);
    let lanes = |column: usize| {
        if column + 1 == C { tile.lanes } else { S::LANES }
    };
    if sums.accumulate {
        unroll!(row < R {
            for column in 0..C {
                // SAFETY: `lanes` columns of this row can be read.
                let before = unsafe { simd.load_some(output(row, column), lanes(column)) };
                block[row][column] = before.add(block[row][column]);
            }
        });
    }
    if sums.relu {
        unroll!(row < R {
            for column in 0..C {
                block[row][column] = simd.zero().max(block[row][column]);
            }
        });
    }
    unroll!(row < R {
        for column in 0..C {
            // SAFETY: `lanes` columns of this row can be written.
            unsafe { block[row][column].store_some(output(row, column), lanes(column)) };
        }
    });
}
