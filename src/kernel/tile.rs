//! The one product all others are made of: a block of sums, computed a tile of registers at a time.
//!
//! `output[row][column] = start[column] + Σ_term left[row][term] · right[term][column]`
//!
//! Where rows and terms lie is given by strides, so that the same code multiplies matrices, convolves images (a row is a
//! pixel, the terms are its patch) and takes their weight gradients (a row is a weight, the terms are samples or pixels).
//! Every output is summed in the order of its terms, by one fused multiply-add each: its bits do not depend on the tile
//! it falls into.

use std::hint::black_box;

use super::Element;
use super::simd::{Operation, Simd};

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

/// Block of sums: rows run over two indices, terms over three, the last one fastest.
pub(super) struct Sums<'a, T> {
    pub rows: [usize; 2],
    pub columns: usize,
    pub terms: [usize; 3],
    pub left: &'a [T],
    pub left_rows: [usize; 2],
    pub left_terms: [usize; 3],
    pub right: &'a [T],
    pub right_terms: [usize; 3],
    /// Elements from one vector of columns to the next.
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
        let tile = Tile::new(&mut self);
        // SAFETY: `check` has seen that every address of the block lies in its slice.
        unsafe {
            match (self.left_rows[1] == 1, self.right_padded) {
                (true, false) => column_tiles::<T, V, true, true>(&self, tile),
                (true, true) => column_tiles::<T, V, true, false>(&self, tile),
                (false, false) => column_tiles::<T, V, false, true>(&self, tile),
                (false, true) => column_tiles::<T, V, false, false>(&self, tile),
            }
        }
    }
}

impl<T: Element> Sums<'_, T> {
    /// Asserts that the last address of each operand lies in its slice.
    #[inline(always)]
    fn check<V: Simd<T>>(&self) {
        let panels = self.columns.div_ceil(V::LANES);
        let in_last_panel = self.columns - (panels - 1) * V::LANES;
        let read_from_last = if self.right_padded {
            V::LANES
        } else {
            in_last_panel
        };
        if !self.terms.contains(&0) {
            let left = last(self.rows, self.left_rows) + last(self.terms, self.left_terms);
            assert!(left < self.left.len(), "left is too short");
            let right = last(self.terms, self.right_terms) + (panels - 1) * self.right_panel;
            assert!(
                right + read_from_last <= self.right.len(),
                "right is too short"
            );
        }
        let output = last(self.rows, self.output_rows);
        assert!(
            output + self.columns <= self.output.len(),
            "output is too short"
        );
        assert!(
            self.start.is_none_or(|start| start.len() >= self.columns),
            "start is too short"
        );
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

/// Where a tile begins in each operand, and how many lanes of its last vector of columns are in use.
#[derive(Clone, Copy)]
struct Tile<T> {
    left: *const T,
    right: *const T,
    start: *const T,
    output: *mut T,
    lanes: usize,
    left_rows: RowOffsets,
}

impl<T: Element> Tile<T> {
    #[inline(always)]
    fn new(sums: &mut Sums<'_, T>) -> Self {
        Tile {
            left: sums.left.as_ptr(),
            right: sums.right.as_ptr(),
            start: sums.start.map_or(std::ptr::null(), <[T]>::as_ptr),
            output: sums.output.as_mut_ptr(),
            lanes: 0,
            left_rows: RowOffsets::new(sums.left_rows[1]),
        }
    }
}

/// Multiples of a stride, in few registers.
///
/// The compiler is kept from knowing how they hang together: it would step from row to row by additions, and the chain of
/// fourteen takes longer than the multiplications. An address of x86-64 holds one, two, four or eight times a register.
#[derive(Clone, Copy)]
struct RowOffsets {
    one: usize,
    three: usize,
    five: usize,
    seven: usize,
}

impl RowOffsets {
    #[inline(always)]
    fn new(stride: usize) -> Self {
        let opaque = |times: usize| black_box(times.wrapping_mul(stride));
        RowOffsets {
            one: opaque(1),
            three: opaque(3),
            five: opaque(5),
            seven: opaque(7),
        }
    }

    /// The offset of a row below 14.
    #[inline(always)]
    fn of(self, row: usize) -> usize {
        match row {
            0 => 0,
            1 | 2 | 4 => row * self.one,
            3 | 6 => row / 3 * self.three,
            5 => self.five,
            _ => self.seven + self.of_first_seven(row - 7),
        }
    }
    #[inline(always)]
    fn of_first_seven(self, row: usize) -> usize {
        match row {
            0 => 0,
            1 | 2 | 4 => row * self.one,
            3 | 6 => row / 3 * self.three,
            _ => self.five,
        }
    }
}

/// Goes over the columns, four, two or one vector at a time; a partial vector comes last and alone.
///
/// # Safety
/// All addresses of the block lie in its slices. The same holds for the functions below.
#[inline(always)]
unsafe fn column_tiles<T: Element, V: Simd<T>, const UNIT: bool, const MASK: bool>(
    sums: &Sums<'_, T>,
    mut tile: Tile<T>,
) {
    let wide = V::REGISTERS == 32 && sums.rows[1] < 14;
    let mut columns = sums.columns;
    tile.lanes = V::LANES;
    while columns > 0 {
        // SAFETY: the vectors taken hold columns that are left.
        let vectors = unsafe {
            if MASK && columns < V::LANES {
                tile.lanes = columns;
                row_tiles::<T, V, 1, UNIT, true>(sums, tile);
                1
            } else {
                let whole = if MASK {
                    columns / V::LANES
                } else {
                    columns.div_ceil(V::LANES)
                };
                let vectors = if V::REGISTERS == 32 && wide && whole >= 4 {
                    4
                } else {
                    whole.min(2)
                };
                tile.lanes = (columns - (vectors - 1) * V::LANES).min(V::LANES);
                match vectors {
                    4 if V::REGISTERS == 32 => row_tiles::<T, V, 4, UNIT, false>(sums, tile),
                    2 => row_tiles::<T, V, 2, UNIT, false>(sums, tile),
                    _ => row_tiles::<T, V, 1, UNIT, false>(sums, tile),
                }
                vectors
            }
        };
        columns = columns.saturating_sub(vectors * V::LANES);
        tile.right = tile.right.wrapping_add(vectors * sums.right_panel);
        tile.start = tile.start.wrapping_add(if sums.start.is_some() {
            vectors * V::LANES
        } else {
            0
        });
        tile.output = tile.output.wrapping_add(vectors * V::LANES);
    }
}

/// Goes over the rows, as many at a time as the registers hold.
#[inline(always)]
unsafe fn row_tiles<T: Element, V: Simd<T>, const C: usize, const UNIT: bool, const MASK: bool>(
    sums: &Sums<'_, T>,
    tile: Tile<T>,
) {
    for group in 0..sums.rows[0] {
        let mut tile = Tile {
            left: tile.left.wrapping_add(group * sums.left_rows[0]),
            output: tile.output.wrapping_add(group * sums.output_rows[0]),
            ..tile
        };
        let mut rows = sums.rows[1];
        while rows > 0 {
            // SAFETY: the tile has as many rows as are left, or fewer.
            let taken = unsafe {
                if V::REGISTERS == 32 && C <= 2 && rows >= 14 {
                    compute::<T, V, 14, C, UNIT, MASK>(sums, tile)
                } else if V::REGISTERS == 32 && rows >= 7 {
                    compute::<T, V, 7, C, UNIT, MASK>(sums, tile)
                } else if V::REGISTERS == 16 && rows >= 6 {
                    compute::<T, V, 6, C, UNIT, MASK>(sums, tile)
                } else if rows >= 4 {
                    compute::<T, V, 4, C, UNIT, MASK>(sums, tile)
                } else if rows >= 2 {
                    compute::<T, V, 2, C, UNIT, MASK>(sums, tile)
                } else {
                    compute::<T, V, 1, C, UNIT, MASK>(sums, tile)
                }
            };
            rows -= taken;
            tile.left = tile.left.wrapping_add(taken * sums.left_rows[1]);
            tile.output = tile.output.wrapping_add(taken * sums.output_rows[1]);
        }
    }
}

/// Computes one tile of `R` rows and `C` vectors of columns; gives back `R`.
#[inline(always)]
unsafe fn compute<
    T: Element,
    V: Simd<T>,
    const R: usize,
    const C: usize,
    const UNIT: bool,
    const MASK: bool,
>(
    sums: &Sums<'_, T>,
    tile: Tile<T>,
) -> usize {
    // SAFETY: the tile lies in the block.
    unsafe {
        let mut block = begin::<T, V, R, C>(sums, tile);
        for first in 0..sums.terms[0] {
            for second in 0..sums.terms[1] {
                let left = tile
                    .left
                    .wrapping_add(first * sums.left_terms[0] + second * sums.left_terms[1]);
                let right = tile
                    .right
                    .wrapping_add(first * sums.right_terms[0] + second * sums.right_terms[1]);
                multiply::<T, V, R, C, UNIT, MASK>(
                    &mut block,
                    sums,
                    left,
                    right,
                    tile.lanes,
                    tile.left_rows,
                );
            }
        }
        finish::<T, V, R, C>(block, sums, tile);
    }
    R
}

#[inline(always)]
unsafe fn begin<T: Element, V: Simd<T>, const R: usize, const C: usize>(
    sums: &Sums<'_, T>,
    tile: Tile<T>,
) -> [[V; C]; R] {
    let mut start = [V::splat(T::zero()); C];
    if sums.start.is_some() {
        for column in 0..C {
            let lanes = if column + 1 == C {
                tile.lanes
            } else {
                V::LANES
            };
            // SAFETY: `lanes` columns are left here.
            start[column] = unsafe { V::load_partial(tile.start.add(column * V::LANES), lanes) };
        }
    }
    [start; R]
}

/// Adds the terms of the innermost index.
#[inline(always)]
unsafe fn multiply<
    T: Element,
    V: Simd<T>,
    const R: usize,
    const C: usize,
    const UNIT: bool,
    const MASK: bool,
>(
    block: &mut [[V; C]; R],
    sums: &Sums<'_, T>,
    mut left: *const T,
    mut right: *const T,
    lanes: usize,
    rows: RowOffsets,
) {
    for _ in 0..sums.terms[2] {
        let mut factors = [V::splat(T::zero()); C];
        for column in 0..C {
            let pointer = right.wrapping_add(column * sums.right_panel);
            // SAFETY: the columns of the tile can be read; the masked load reads no more than the last `lanes`.
            factors[column] = unsafe {
                if MASK {
                    V::load_partial(pointer, lanes)
                } else {
                    V::load(pointer)
                }
            };
        }
        for_rows!(row < R {
            // SAFETY: the rows of the tile can be read.
            let offset = if UNIT { row } else { rows.of(row) };
            let value = V::splat(unsafe { *left.wrapping_add(offset) });
            for column in 0..C {
                block[row][column] = value.mul_add(factors[column], block[row][column]);
            }
        });
        left = left.wrapping_add(sums.left_terms[2]);
        right = right.wrapping_add(sums.right_terms[2]);
    }
}

#[inline(always)]
unsafe fn finish<T: Element, V: Simd<T>, const R: usize, const C: usize>(
    mut block: [[V; C]; R],
    sums: &Sums<'_, T>,
    tile: Tile<T>,
) {
    let output = |row: usize, column: usize| {
        tile.output
            .wrapping_add(row * sums.output_rows[1] + column * V::LANES)
    };
    let partial = |column: usize| column + 1 == C && tile.lanes < V::LANES;
    if sums.accumulate {
        for_rows!(row < R {
            for column in 0..C {
                let pointer = output(row, column);
                // SAFETY: `lanes` columns of this row can be read.
                let before = unsafe { if partial(column) { V::load_partial(pointer, tile.lanes) } else { V::load(pointer) } };
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
            let pointer = output(row, column);
            // SAFETY: `lanes` columns of this row can be written.
            unsafe {
                if partial(column) {
                    block[row][column].store_partial(pointer, tile.lanes)
                } else {
                    block[row][column].store(pointer)
                }
            }
        }
    });
}
