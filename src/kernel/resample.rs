//! Enlarging images by whole factors.
//!
//! All functions take whole batches, and panic if the slices are not the lengths of equally many
//! images.

mod bilinear;
mod nearest;
#[cfg(test)]
mod tests;

use super::elements;
pub use bilinear::{bilinear, bilinear_gradient};
pub use nearest::{nearest, nearest_gradient};

/// Enlargement of images of height × width × channels.
#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    /// Rows and columns of the input.
    pub input: [usize; 2],
    /// Values per pixel.
    pub channels: usize,
    /// The output's height and width as multiples of the input's.
    pub factor: [usize; 2],
}

impl Geometry {
    /// Rows and columns of the output.
    pub fn output(&self) -> [usize; 2] {
        [0, 1].map(|axis| elements(&[self.input[axis], self.factor[axis]]))
    }

    /// Values of an input image and of an output image.
    ///
    /// # Panics
    /// If there are no values, or `inputs` and `outputs` are not the lengths of equally many
    /// images.
    fn lengths(&self, inputs: usize, outputs: usize) -> (usize, usize) {
        let input = elements(&[self.input[0], self.input[1], self.channels]);
        let output = elements(&[self.output()[0], self.output()[1], self.channels]);
        assert!(output > 0, "images that are not empty");
        assert!(inputs.is_multiple_of(input), "whole input images");
        assert_eq!(outputs, elements(&[inputs / input, output]), "as many output images as input images");
        (input, output)
    }
}
