//! Loops unrolled by a macro.

/// `unroll!(index < COUNT { … })` repeats a body for each index below a constant, which is at most
/// 14. Since the indices are literals, the compiler keeps arrays of vectors in registers; with
/// loops it often leaves them in memory.
macro_rules! unroll {
    ($index:ident < $count:ident $body:block) => {
        const { assert!($count <= 14, "more repetitions than `unroll!` writes out") };
        $crate::kernel::unroll::unroll!(@ $index $count $body 0 1 2 3 4 5 6 7 8 9 10 11 12 13)
    };
    (@ $index:ident $count:ident $body:block $($literal:literal)*) => {
        $(if $literal < $count {
            let $index: usize = $literal;
            $body
        })*
    };
}

pub(crate) use unroll;
