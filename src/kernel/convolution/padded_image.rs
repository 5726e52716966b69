//! The part of an image that a convolution reads, with zeros outside the image.

use crate::kernel::{Element, elements};

/// A rectangle of pixels, which may start before the image and end after it.
#[derive(Clone, Copy, Debug)]
pub(super) struct PaddedImage {
    /// The position of its first row and column in the image.
    pub first: [isize; 2],
    /// Rows and columns.
    pub size: [usize; 2],
    pub channels: usize,
    /// Rows and columns of the image.
    pub image: [usize; 2],
}

impl PaddedImage {
    pub fn len(&self) -> usize {
        elements(&[self.size[0], self.size[1], self.channels])
    }

    /// The length of the scratch that [`fill`](PaddedImage::fill) needs: it aligns the copy to a
    /// cache line.
    pub fn scratch_len<T>(&self) -> usize {
        if self.is_image() { 0 } else { self.len().saturating_add(64 / size_of::<T>()) }
    }

    /// Whether it is the image itself, so that no copy is needed.
    fn is_image(&self) -> bool {
        self.first == [0, 0] && self.size == self.image
    }

    /// The pixels: the image itself, or a copy in scratch.
    pub fn fill<'a, T: Element>(&self, image: &'a [T], scratch: &'a mut [T]) -> &'a [T] {
        if self.is_image() {
            return image;
        }
        let start = scratch.as_ptr().align_offset(64).min(64 / size_of::<T>());
        let padded = &mut scratch[start..][..self.len()];
        if !padded.is_empty() {
            for (row, pixels) in padded.chunks_exact_mut(self.size[1] * self.channels).enumerate() {
                self.fill_row(row, image, pixels);
            }
        }
        padded
    }

    fn fill_row<T: Element>(&self, row: usize, image: &[T], pixels: &mut [T]) {
        let [height, width] = self.image;
        let row = self.first[0] + row as isize;
        if row < 0 || row >= height as isize {
            return pixels.fill(T::zero());
        }
        let width = width as isize;
        let from = self.first[1].clamp(0, width);
        let to = (self.first[1] + self.size[1] as isize).clamp(from, width);
        let before = (from - self.first[1]).clamp(0, self.size[1] as isize) as usize * self.channels;
        let source = &image[row as usize * width as usize * self.channels..];
        let source = &source[from as usize * self.channels..to as usize * self.channels];
        pixels[..before].fill(T::zero());
        pixels[before..][..source.len()].copy_from_slice(source);
        pixels[before + source.len()..].fill(T::zero());
    }
}
