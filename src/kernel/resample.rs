//! Enlarging images by whole factors.
//!
//! All functions take whole batches, and panic if the slices are not the lengths of equally many
//! images.

mod bilinear;
mod nearest;
#[cfg(test)]
mod tests;

use super::images::map_images;
use super::{Element, elements};
use bilinear::Bilinear;
use nearest::{Nearest, NearestGradient};

/// Repeats each pixel.
pub fn nearest<T: Element>(geometry: &Geometry, input: &[T], output: &mut [T]) {
    map_images(Nearest { geometry }, geometry.lengths(), input, output);
}

/// Sums the gradients of each pixel's repetitions.
pub fn nearest_gradient<T: Element>(geometry: &Geometry, output_gradient: &[T], input_gradient: &mut [T]) {
    let [inputs, outputs] = geometry.lengths();
    map_images(NearestGradient { geometry }, [outputs, inputs], output_gradient, input_gradient);
}

/// Interpolates linearly between pixel centres at half-integers; constant beyond the outermost
/// centres.
pub fn bilinear<T: Element>(geometry: &Geometry, input: &[T], output: &mut [T]) {
    map_images(Bilinear { geometry, transposed: false }, geometry.lengths(), input, output);
}

/// The transpose of [`bilinear`](fn@bilinear).
pub fn bilinear_gradient<T: Element>(geometry: &Geometry, output_gradient: &[T], input_gradient: &mut [T]) {
    let [inputs, outputs] = geometry.lengths();
    map_images(Bilinear { geometry, transposed: true }, [outputs, inputs], output_gradient, input_gradient);
}

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
    fn lengths(&self) -> [usize; 2] {
        [self.input, self.output()].map(|[rows, columns]| elements(&[rows, columns, self.channels]))
    }
}
