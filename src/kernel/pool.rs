//! Pooling: the largest value, or the mean, under a window that slides over an image.
//!
//! All functions take whole batches, and panic if the slices are not the lengths of equally many
//! images.

mod forward;
mod gradient;
#[cfg(test)]
mod tests;
mod two_by_two;

use std::ops::Range;

use super::images::map_images;
use super::{Element, elements};
use forward::Pool;
use gradient::PoolGradient;
use two_by_two::{TwoByTwo, TwoByTwoGradient};

/// The largest value under each window; NaN if one of them is.
pub fn max<T: Element>(geometry: &Geometry, input: &[T], output: &mut [T]) {
    match two_by_two::covers(geometry) {
        true => map_images(TwoByTwo { geometry }, geometry.lengths(), input, output),
        false => map_images(Pool::<true> { geometry }, geometry.lengths(), input, output),
    }
}

/// The mean of the values under each window.
pub fn average<T: Element>(geometry: &Geometry, input: &[T], output: &mut [T]) {
    map_images(Pool::<false> { geometry }, geometry.lengths(), input, output);
}

/// Passes each window's gradient to the first value that equals its maximum, or to the first of all
/// where that is NaN.
pub fn max_gradient<T: Element>(
    geometry: &Geometry,
    input: &[T],
    output: &[T],
    output_gradient: &[T],
    input_gradient: &mut [T],
) {
    let [inputs, outputs] = geometry.lengths();
    assert_eq!(output.len(), output_gradient.len(), "as many outputs as gradients");
    assert_eq!(input.len(), input_gradient.len(), "as many inputs as gradients");
    let lengths = [outputs, inputs];
    if two_by_two::covers(geometry) {
        map_images(TwoByTwoGradient { geometry, input, output }, lengths, output_gradient, input_gradient);
    } else {
        let map = PoolGradient::<T, true> { geometry, input, output };
        map_images(map, lengths, output_gradient, input_gradient);
    }
}

/// Distributes each window's gradient equally among the values under it.
pub fn average_gradient<T: Element>(geometry: &Geometry, output_gradient: &[T], input_gradient: &mut [T]) {
    let [inputs, outputs] = geometry.lengths();
    let map = PoolGradient::<T, false> { geometry, input: &[], output: &[] };
    map_images(map, [outputs, inputs], output_gradient, input_gradient);
}

/// A pooling over images of height × width × channels.
#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    /// Rows and columns of the input.
    pub input: [usize; 2],
    /// Values per pixel.
    pub channels: usize,
    /// Rows and columns of the window.
    pub window: [usize; 2],
    /// Rows and columns between windows.
    pub stride: [usize; 2],
    /// Rows above and columns to the left of the input that the first window covers; they are
    /// ignored.
    pub padding: [usize; 2],
    /// Numbers of windows vertically and horizontally: rows and columns of the output.
    pub output: [usize; 2],
}

/// The rows and columns of the input under one window.
struct Window {
    /// The offset of the window's pixel in the output.
    output: usize,
    rows: Range<usize>,
    columns: Range<usize>,
}

impl Geometry {
    /// Values of an input image and of an output image.
    fn lengths(&self) -> [usize; 2] {
        [self.input, self.output].map(|[rows, columns]| elements(&[rows, columns, self.channels]))
    }

    /// The input's rows (axis 0) or columns (axis 1) under the window at `position`.
    fn covered(&self, axis: usize, position: usize) -> Range<usize> {
        let start = position * self.stride[axis];
        let end = (start + self.window[axis]).saturating_sub(self.padding[axis]).min(self.input[axis]);
        start.saturating_sub(self.padding[axis]).min(end)..end
    }

    /// All windows, row by row.
    fn windows(&self) -> impl Iterator<Item = Window> {
        (0..self.output[0]).flat_map(move |row| {
            let rows = self.covered(0, row);
            (0..self.output[1]).map(move |column| Window {
                output: (row * self.output[1] + column) * self.channels,
                rows: rows.clone(),
                columns: self.covered(1, column),
            })
        })
    }

    /// The offset of an input pixel.
    fn pixel(&self, row: usize, column: usize) -> usize {
        (row * self.input[1] + column) * self.channels
    }
}

impl Window {
    /// One over the number of pixels.
    fn mean_weight<T: Element>(&self) -> T {
        T::one() / T::from(self.rows.len() * self.columns.len()).unwrap_or_else(T::one)
    }
}
