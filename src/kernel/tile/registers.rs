//! One tile: `R` rows and `C` vectors of columns, whose sums stay in registers from first to last term.

use std::hint::black_box;

use super::Sums;
use crate::kernel::Element;
use crate::kernel::simd::Simd;

/// The most rows a tile has.
const MOST_ROWS: usize = 14;

/// A loop over the rows of a tile, unrolled before the compiler sees it: it then keeps the tile in registers.
macro_rules! for_rows {
    ($row:ident < $rows:ident $body:block) => {
        for_rows!(@ $row $rows $body 0 1 2 3 4 5 6 7 8 9 10 11 12 13)
    };
    (@ $row:ident $rows:ident $body:block $($index:literal)*) => {
        $(if $index < $rows {
            let $row: usize = $index;
            $body
        })*
    };
}

/// Where a tile begins in each operand, and how many lanes of its last vector of columns are in use.
#[derive(Clone, Copy)]
pub(super) struct Tile<T> {
    left: *const T,
    right: *const T,
    start: Option<*const T>,
    output: *mut T,
    pub lanes: usize,
}

impl<T> Tile<T> {
    /// At the beginning of the block.
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
    pub fn at_row(self, left: usize, output: usize) -> Self {
        Tile { left: self.left.wrapping_add(left), output: self.output.wrapping_add(output), ..self }
    }
}

/// Offsets of a tile's rows.
pub(super) struct RowTable {
    left: [usize; MOST_ROWS],
    output: [usize; MOST_ROWS],
}

impl RowTable {
    #[inline(always)]
    pub fn equidistant(left: usize, output: usize) -> Self {
        let mut table = RowTable { left: [0; MOST_ROWS], output: [0; MOST_ROWS] };
        for_rows!(row < MOST_ROWS {
            table.left[row] = row.wrapping_mul(left);
            table.output[row] = row.wrapping_mul(output);
        });
        table.opaque()
    }

    /// The rows from `first` on in the list of all rows.
    #[inline(always)]
    pub fn list<T>(sums: &Sums<'_, T>, first: usize) -> Self {
        let mut table = RowTable { left: [0; MOST_ROWS], output: [0; MOST_ROWS] };
        let (mut group, mut row) = (first / sums.rows[1], first % sums.rows[1]);
        for index in 0..MOST_ROWS {
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

    /// Keeps the compiler from knowing how the offsets hang together. It would step from row to row by additions, and a
    /// chain of fourteen takes longer than the multiplications.
    #[inline(always)]
    fn opaque(self) -> Self {
        black_box(self)
    }
}

/// Computes one tile; gives back `R`.
///
/// # Safety
/// The tile lies in the block, and the block in its slices; so for the functions below.
#[inline(always)]
pub(super) unsafe fn compute<
    T: Element,
    V: Simd<T>,
    const R: usize,
    const C: usize,
    const ADJACENT: bool,
    const MASKED: bool,
>(
    sums: &Sums<'_, T>,
    tile: Tile<T>,
    table: &RowTable,
) -> usize {
    // SAFETY: the caller's promise.
    unsafe {
        let mut block = [begin::<T, V, C>(tile); R];
        for first in 0..sums.terms[0] {
            for second in 0..sums.terms[1] {
                let tile = Tile {
                    left: tile.left.wrapping_add(first * sums.left_terms[0] + second * sums.left_terms[1]),
                    right: tile.right.wrapping_add(first * sums.right_terms[0] + second * sums.right_terms[1]),
                    ..tile
                };
                multiply::<T, V, R, C, ADJACENT, MASKED>(&mut block, sums, tile, table);
            }
        }
        finish::<T, V, R, C>(block, sums, tile, table);
    }
    R
}

/// What each row of the tile starts from.
#[inline(always)]
unsafe fn begin<T: Element, V: Simd<T>, const C: usize>(tile: Tile<T>) -> [V; C] {
    let mut sums = [V::splat(T::zero()); C];
    if let Some(start) = tile.start {
        for column in 0..C {
            let lanes = if column + 1 == C { tile.lanes } else { V::LANES };
            // SAFETY: `lanes` columns are left here.
            sums[column] = unsafe { V::load_some(start.wrapping_add(column * V::LANES), lanes) };
        }
    }
    sums
}

/// Adds the terms of the innermost index.
#[inline(always)]
unsafe fn multiply<T: Element, V: Simd<T>, const R: usize, const C: usize, const ADJACENT: bool, const MASKED: bool>(
    block: &mut [[V; C]; R],
    sums: &Sums<'_, T>,
    tile: Tile<T>,
    table: &RowTable,
) {
    let Tile { mut left, mut right, lanes, .. } = tile;
    for _ in 0..sums.terms[2] {
        let mut factors = [V::splat(T::zero()); C];
        for column in 0..C {
            let pointer = right.wrapping_add(column * sums.right_panel);
            // SAFETY: the vectors of the tile can be read, the last one masked if need be.
            factors[column] = unsafe { if MASKED { V::load_partial(pointer, lanes) } else { V::load(pointer) } };
        }
        for_rows!(row < R {
            let offset = if ADJACENT { row } else { table.left[row] };
            // SAFETY: the rows of the tile can be read.
            let value = V::splat(unsafe { *left.wrapping_add(offset) });
            for column in 0..C {
                block[row][column] = value.mul_add(factors[column], block[row][column]);
            }
        });
        left = left.wrapping_add(sums.left_terms[2]);
        right = right.wrapping_add(sums.right_terms[2]);
    }
}

/// Writes the sums.
#[inline(always)]
unsafe fn finish<T: Element, V: Simd<T>, const R: usize, const C: usize>(
    mut block: [[V; C]; R],
    sums: &Sums<'_, T>,
    tile: Tile<T>,
    table: &RowTable,
) {
    let output = |row: usize, column: usize| tile.output.wrapping_add(table.output[row] + column * V::LANES);
    let lanes = |column: usize| {
        if column + 1 == C { tile.lanes } else { V::LANES }
    };
    if sums.accumulate {
        for_rows!(row < R {
            for column in 0..C {
                // SAFETY: `lanes` columns of this row can be read.
                let before = unsafe { V::load_some(output(row, column), lanes(column)) };
                block[row][column] = before.add(block[row][column]);
            }
        });
    }
    if sums.relu {
        for_rows!(row < R {
            for column in 0..C {
                block[row][column] = V::splat(T::zero()).max(block[row][column]);
            }
        });
    }
    for_rows!(row < R {
        for column in 0..C {
            // SAFETY: `lanes` columns of this row can be written.
            unsafe { block[row][column].store_some(output(row, column), lanes(column)) };
        }
    });
}
