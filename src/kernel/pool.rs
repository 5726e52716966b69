//! Pooling: the largest value, or the mean, under a window that slides over an image.
//!
//! All functions take whole batches, and panic if the slices are not the lengths of equally many
//! images.

mod average;
mod max;
mod pairs;
#[cfg(test)]
mod tests;

use std::ops::Range;

use super::elements;

pub use average::{average, average_gradient};
pub use max::{max, max_gradient};

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
    ///
    /// # Panics
    /// If there are no values, or `inputs` and `outputs` are not the lengths of equally many
    /// images.
    fn lengths(&self, inputs: usize, outputs: usize) -> (usize, usize) {
        let input = elements(&[self.input[0], self.input[1], self.channels]);
        let output = elements(&[self.output[0], self.output[1], self.channels]);
        assert!(input > 0 && output > 0, "images that are not empty");
        assert!(inputs.is_multiple_of(input), "whole input images");
        assert_eq!(outputs, elements(&[inputs / input, output]), "as many output images as input images");
        (input, output)
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
