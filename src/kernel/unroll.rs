//! Loops unrolled by a macro.

/// `for_rows!(row < ROWS { … })` repeats a body for each row of a tile, at most 14. Since the
/// indices are literals, the compiler keeps arrays of vectors in registers; with loops it often
/// leaves them in memory.
macro_rules! for_rows {
    ($row:ident < $rows:ident $body:block) => {
        $crate::kernel::unroll::for_rows!(@ $row $rows $body 0 1 2 3 4 5 6 7 8 9 10 11 12 13)
    };
    (@ $row:ident $rows:ident $body:block $($index:literal)*) => {
        $(if $index < $rows {
            let $row: usize = $index;
            $body
        })*
    };
}

pub(crate) use for_rows;
