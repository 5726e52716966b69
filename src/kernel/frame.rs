//! Images inside larger ones: cropping and zero padding.

use super::images::assert_whole_images;
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
    fn lengths(&self) -> [usize; 2] {
        [self.inner, self.outer].map(|[rows, columns]| elements(&[rows, columns, self.channels]))
    }

    /// The range of row `row` of the inner image in the outer one.
    fn row(&self, row: usize) -> std::ops::Range<usize> {
        let start = ((self.before[0] + row) * self.outer[1] + self.before[1]) * self.channels;
        start..start + self.inner[1] * self.channels
    }
}

/// Copies the inner image of every outer one. Panics if the slices are not the lengths of equally
/// many images, which have values; so does [`pad`].
pub fn crop<T: Element>(frame: &Frame, outer: &[T], inner: &mut [T]) {
    let [small, large] = frame.lengths();
    assert_whole_images([small, large], inner.len(), outer.len());
    for (outer, inner) in outer.chunks_exact(large).zip(inner.chunks_exact_mut(small)) {
        for (row, target) in inner.chunks_exact_mut(frame.inner[1] * frame.channels).enumerate() {
            target.copy_from_slice(&outer[frame.row(row)]);
        }
    }
}

/// Copies every inner image into an outer one that is zero elsewhere.
pub fn pad<T: Element>(frame: &Frame, inner: &[T], outer: &mut [T]) {
    let [small, large] = frame.lengths();
    assert_whole_images([small, large], inner.len(), outer.len());
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
    fn cropping_undoes_padding() {
        let frame = Frame { inner: [2, 3], before: [1, 2], outer: [4, 6], channels: 2 };
        let inner: Vec<f32> = (1..=24).map(|value| value as f32).collect();
        let (mut outer, mut back) = (vec![f32::NAN; 96], vec![0.0; 24]);
        pad(&frame, &inner, &mut outer);
        crop(&frame, &outer, &mut back);
        assert_eq!(back, inner);
        assert_eq!(outer.iter().sum::<f32>(), inner.iter().sum::<f32>());
        assert_eq!(outer[16..22], inner[..6]);
    }
}
