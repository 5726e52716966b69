//! Batches of images, one after the other.

use super::simd::{Operation, Simd, dispatch};
use super::{Element, elements};

/// A computation that turns each input image into an output image.
pub(super) trait ImageMap<T: Element> {
    /// Writes the output of the image at `index` in the batch. Implementations are
    /// `#[inline(always)]`.
    fn image<S: Simd<T>>(&self, simd: S, index: usize, input: &[T], output: &mut [T]);
}

/// Computes the output of each image, given the lengths of one input and one output image.
///
/// # Panics
/// As [`assert_whole_images`].
pub(super) fn map_images<T: Element>(map: impl ImageMap<T>, lengths: [usize; 2], input: &[T], output: &mut [T]) {
    assert_whole_images(lengths, input.len(), output.len());
    dispatch(Batch { map, lengths, input, output });
}

/// # Panics
/// If images are empty, or `input` and `output` are not the lengths of equally many images.
pub(super) fn assert_whole_images(lengths: [usize; 2], input: usize, output: usize) {
    assert!(!lengths.contains(&0), "images that are not empty");
    assert!(input.is_multiple_of(lengths[0]), "whole input images");
    assert_eq!(output, elements(&[input / lengths[0], lengths[1]]), "as many output images as input images");
}

struct Batch<'a, T, M> {
    map: M,
    lengths: [usize; 2],
    input: &'a [T],
    output: &'a mut [T],
}

impl<T: Element, M: ImageMap<T>> Operation<T> for Batch<'_, T, M> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let images = self.input.chunks_exact(self.lengths[0]).zip(self.output.chunks_exact_mut(self.lengths[1]));
        for (index, (input, output)) in images.enumerate() {
            self.map.image(simd, index, input, output);
        }
    }
}
