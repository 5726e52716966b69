//! Enlarging by bilinear interpolation.

use super::Geometry;
use crate::kernel::Element;
use crate::kernel::images::ImageMap;
use crate::kernel::simd::{Simd, Vector};

/// Interpolation, or its transpose.
pub(super) struct Bilinear<'a> {
    pub geometry: &'a Geometry,
    pub transposed: bool,
}

impl<T: Element> ImageMap<T> for Bilinear<'_> {
    #[inline(always)]
    fn image<S: Simd<T>>(&self, simd: S, _: usize, source: &[T], target: &mut [T]) {
        let channels = self.geometry.channels;
        target.fill(T::zero());
        for Contribution { input, output, weight } in contributions(self.geometry) {
            let (from, to) = if self.transposed { (output, input) } else { (input, output) };
            add(simd, &source[from..from + channels], weight, &mut target[to..to + channels]);
        }
    }
}

/// target + weight·source
#[inline(always)]
fn add<T: Element, S: Simd<T>>(simd: S, source: &[T], weight: T, target: &mut [T]) {
    for (source, target) in source.chunks(S::LANES).zip(target.chunks_mut(S::LANES)) {
        simd.splat(weight).mul_add(simd.read(source), simd.read(target)).write(target);
    }
}

/// The weight of an input pixel in an output pixel, given by their offsets.
struct Contribution<T> {
    input: usize,
    output: usize,
    weight: T,
}

/// The four contributions to each output pixel.
fn contributions<T: Element>(geometry: &Geometry) -> impl Iterator<Item = Contribution<T>> {
    let Geometry { input: [height, width], channels, factor: [down, across] } = *geometry;
    let [rows, columns] = geometry.output();
    (0..rows).flat_map(move |row| {
        let vertical = neighbours::<T>(row, down, height);
        (0..columns).flat_map(move |column| {
            let [left, right] = neighbours::<T>(column, across, width);
            let output = (row * columns + column) * channels;
            vertical.into_iter().flat_map(move |(row, above)| {
                [left, right].map(move |(column, beside)| Contribution {
                    input: (row * width + column) * channels,
                    output,
                    weight: above * beside,
                })
            })
        })
    })
}

/// The two input pixels whose centres surround the centre of output pixel `position`, and their
/// weights.
fn neighbours<T: Element>(position: usize, factor: usize, count: usize) -> [(usize, T); 2] {
    let number = |value: usize| T::from(value).unwrap_or_else(T::zero);
    // With doubled coordinates all are integers: (2·position + 1)/(2·factor) − 1/2 = numerator /
    // (2·factor).
    let numerator = (2 * position + 1).saturating_sub(factor);
    let low = (numerator / (2 * factor)).min(count - 1);
    let beyond = number(numerator - low * 2 * factor) / number(2 * factor);
    let high = (low + 1).min(count - 1);
    [(low, T::one() - beyond), (high, beyond)]
}
