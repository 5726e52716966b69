//! placeholder
use nalgebra::{DMatrixView, Dyn, U1};

pub fn contiguous<'a, T>(view: &DMatrixView<'a, T, U1, Dyn>) -> Option<&'a [T]> {
    let (rows, columns) = view.shape();
    if columns > 1 && view.strides().1 != rows {
        return None;
    }
    // SAFETY: the view's elements are one run.
    Some(unsafe { std::slice::from_raw_parts(view.as_ptr(), rows * columns) })
}
