//! Matrix views as slices.

use nalgebra::{DMatrixView, Dyn, Scalar, U1};

/// All elements of a view as one slice, column after column; `None` if there are gaps between its
/// columns.
pub fn contiguous<'a, T: Scalar>(view: &DMatrixView<'a, T, U1, Dyn>) -> Option<&'a [T]> {
    let (rows, columns) = view.shape();
    let (_, column_stride) = view.strides();
    if columns > 1 && column_stride != rows {
        return None;
    }
    // SAFETY: the rows of a column are adjacent (stride `U1`), and so are the columns, or there is
    // at most one; the view borrows `rows * columns` elements from there on for `'a`.
    Some(unsafe { std::slice::from_raw_parts(view.as_ptr(), rows * columns) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DMatrix;

    #[test]
    fn whole_columns_are_contiguous() {
        let matrix = DMatrix::from_fn(3, 4, |row, column| (row + 3 * column) as f32);
        assert_eq!(contiguous(&matrix.as_view()).unwrap(), matrix.as_slice());
        assert_eq!(contiguous(&matrix.columns(1, 2).as_view()).unwrap(), &matrix.as_slice()[3..9]);
    }

    #[test]
    fn parts_of_columns_are_not() {
        let matrix = DMatrix::from_fn(3, 4, |row, column| (row + 3 * column) as f32);
        assert_eq!(contiguous(&matrix.view((1, 0), (2, 4)).as_view()), None);
        assert_eq!(contiguous(&matrix.view((1, 2), (2, 1)).as_view()).unwrap(), [7.0, 8.0]);
        assert_eq!(contiguous(&matrix.view((0, 0), (3, 0)).as_view()).unwrap(), [0.0; 0]);
    }
}
