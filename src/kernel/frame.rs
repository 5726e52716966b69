//! Images inside larger ones: cropping and zero padding.

use super::{Element, elements};

/// An image of `inner` rows and columns, at offset `before` within one of `outer` rows and columns.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    /// Rows and columns of the smaller image.
    pub inner: [usize; 2],
    /// Rows above and columns to the left of it.
    pub before: [usize; 2],
    /// Rows and columns of the larger image.
    pub outer: [usize; 2],
    /// Values per pixel.
    pub channels: usize,
}

impl Frame {
    /// Values of an inner image and of an outer image.
    ///
    /// # Panics
    /// If there are no values, or `inner` and `outer` are not the lengths of equally many images.
    fn lengths(&self, inner: usize, outer: usize) -> (usize, usize) {
        let small = elements(&[self.inner[0], self.inner[1], self.channels]);
        let large = elements(&[self.outer[0], self.outer[1], self.channels]);
        assert!(small > 0 && large > 0, "images that are not empty");
        assert!(inner.is_multiple_of(small), "whole inner images");
        assert_eq!(outer, elements(&[inner / small, large]), "as many outer images as inner images");
        (small, large)
    }

    /// The range of row `row` of the inner image in the outer one.
    fn row(&self, row: usize) -> std::ops::Range<usize> {
        let start = ((self.before[0] + row) * self.outer[1] + self.before[1]) * self.channels;
        start..start + self.inner[1] * self.channels
    }
}

/// Copies the inner image of every outer one.
pub fn inside<T: Element>(frame: &Frame, outer: &[T], inner: &mut [T]) {
    let (small, large) = frame.lengths(inner.len(), outer.len());
    for (outer, inner) in outer.chunks_exact(large).zip(inner.chunks_exact_mut(small)) {
        for (row, target) in inner.chunks_exact_mut(frame.inner[1] * frame.channels).enumerate() {
            target.copy_from_slice(&outer[frame.row(row)]);
        }
    }
}

/// Copies every inner image into an outer one that is zero elsewhere.
pub fn surround<T: Element>(frame: &Frame, inner: &[T], outer: &mut [T]) {
    let (small, large) = frame.lengths(inner.len(), outer.len());
    for (outer, inner) in outer.chunks_exact_mut(large).zip(inner.chunks_exact(small)) {
        outer.fill(T::zero());
        for (row, source) in inner.chunks_exact(frame.inner[1] * frame.channels).enumerate() {
            outer[frame.row(row)].copy_from_slice(source);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inside_undoes_surround() {
        let frame = Frame { inner: [2, 3], before: [1, 2], outer: [4, 6], channels: 2 };
        let inner: Vec<f32> = (1..=24).map(|value| value as f32).collect();
        let (mut outer, mut back) = (vec![f32::NAN; 96], vec![0.0; 24]);
        surround(&frame, &inner, &mut outer);
        inside(&frame, &outer, &mut back);
        assert_eq!(back, inner);
        assert_eq!(outer.iter().sum::<f32>(), inner.iter().sum::<f32>());
        assert_eq!(outer[16..22], inner[..6]);
    }
}
