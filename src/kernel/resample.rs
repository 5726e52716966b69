//! Enlarging images by whole factors.
//!
//! All functions take whole batches, and panic if the slices' lengths are not those of the same number of images.

mod bilinear;
mod nearest;
#[cfg(test)]
mod tests;

pub use bilinear::{bilinear, bilinear_gradient};
pub use nearest::{nearest, nearest_gradient};

/// Images of height × width × channels, to be enlarged.
#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    /// Rows and columns of the input.
    pub input: [usize; 2],
    /// Values a pixel.
    pub channels: usize,
    /// How many times as high and as wide the output is.
    pub factor: [usize; 2],
}

impl Geometry {
    /// Rows and columns of the output.
    pub fn output(&self) -> [usize; 2] {
        [self.input[0] * self.factor[0], self.input[1] * self.factor[1]]
    }

    /// Values of an input image and of an output image.
    ///
    /// # Panics
    /// If there are none, or `inputs` and `outputs` are not those of the same number of images.
    fn lengths(&self, inputs: usize, outputs: usize) -> (usize, usize) {
        let input = self.input[0] * self.input[1] * self.channels;
        let output = self.output()[0] * self.output()[1] * self.channels;
        assert!(output > 0, "images that are not empty");
        assert!(inputs.is_multiple_of(input), "whole input images");
        assert_eq!(outputs, inputs / input * output, "as many output images as input images");
        (input, output)
    }
}
