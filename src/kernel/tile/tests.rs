//! A block of sums is refused if an address of it lies outside its slice.

use std::panic::{AssertUnwindSafe, catch_unwind};

use super::*;
use crate::kernel::every_path::on_every_path;

/// One sum of one term for each of `columns` columns, in panels `right_panel` elements apart.
fn row<'a>(columns: usize, right: &'a [f32], right_panel: usize, output: &'a mut [f32]) -> Sums<'a, f32> {
    Sums {
        rows: [1, 1],
        columns,
        terms: [1, 1, 1],
        left: &[1.0],
        left_rows: [0, 0],
        left_terms: [0, 0, 0],
        right,
        right_terms: [0, 0, 0],
        right_panel,
        right_padded: false,
        output,
        output_rows: [0, 0],
        start: None,
        accumulate: false,
        relu: false,
    }
}

/// What a refusal says; empty if the block was computed.
fn refusal(columns: usize, right: &[f32], right_panel: usize) -> String {
    let mut output = vec![0.0; columns];
    let computed = catch_unwind(AssertUnwindSafe(|| f32::compute(row(columns, right, right_panel, &mut output))));
    computed.err().and_then(|panic| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

#[test]
fn every_panel_of_a_product_is_checked() {
    on_every_path(|path| {
        let lanes = crate::kernel::simd::lanes::<f32>();
        let right = vec![1.0; 3 * lanes];
        for columns in [lanes + 1, 2 * lanes, 3 * lanes] {
            assert_eq!(refusal(columns, &right, lanes), "", "{path:?}, {columns} columns");
            for overlap in [0, 1, lanes - 1] {
                let short = &right[..((columns - 1) / lanes * overlap + lanes).min(right.len())];
                assert_eq!(refusal(columns, short, overlap), "panels of right overlap", "{path:?}, {columns} columns");
            }
            assert_eq!(refusal(columns, &right[..columns - 1], lanes), "right is too short", "{path:?}");
        }
        assert_eq!(refusal(lanes, &right[..lanes], 0), "", "one panel has no neighbour, {path:?}");
    });
}
