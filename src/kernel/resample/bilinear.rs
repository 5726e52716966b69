//! Enlarging by bilinear interpolation.

use super::Geometry;
use crate::kernel::Element;
use crate::kernel::simd::{Operation, Simd, Vector, dispatch};

/// Interpolates linearly between pixel centres at half-integers; constant beyond the outermost
/// centres.
pub fn bilinear<T: Element>(geometry: &Geometry, input: &[T], output: &mut [T]) {
    let lengths = geometry.lengths(input.len(), output.len());
    output.fill(T::zero());
    dispatch(Bilinear { geometry, lengths, input, output });
}

struct Bilinear<'a, T> {
    geometry: &'a Geometry,
    lengths: (usize, usize),
    input: &'a [T],
    output: &'a mut [T],
}

impl<T: Element> Operation<T> for Bilinear<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let channels = self.geometry.channels;
        let images = self.input.chunks_exact(self.lengths.0).zip(self.output.chunks_exact_mut(self.lengths.1));
        for (input, output) in images {
            for Contribution { from, to, weight } in contributions(self.geometry) {
                add(simd, &input[from..from + channels], weight, &mut output[to..to + channels]);
            }
        }
    }
}

/// The transpose of [`bilinear`].
pub fn bilinear_gradient<T: Element>(geometry: &Geometry, output_gradient: &[T], input_gradient: &mut [T]) {
    let lengths = geometry.lengths(input_gradient.len(), output_gradient.len());
    input_gradient.fill(T::zero());
    dispatch(BilinearGradient { geometry, lengths, output_gradient, input_gradient });
}

struct BilinearGradient<'a, T> {
    geometry: &'a Geometry,
    lengths: (usize, usize),
    output_gradient: &'a [T],
    input_gradient: &'a mut [T],
}

impl<T: Element> Operation<T> for BilinearGradient<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let (channels, (inputs, outputs)) = (self.geometry.channels, self.lengths);
        let images = self.input_gradient.chunks_exact_mut(inputs).zip(self.output_gradient.chunks_exact(outputs));
        for (input_gradient, output_gradient) in images {
            for Contribution { from, to, weight } in contributions(self.geometry) {
                add(simd, &output_gradient[to..to + channels], weight, &mut input_gradient[from..from + channels]);
            }
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
    from: usize,
    to: usize,
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
            let to = (row * columns + column) * channels;
            vertical.into_iter().flat_map(move |(row, above)| {
                [left, right].map(move |(column, beside)| Contribution {
                    from: (row * width + column) * channels,
                    to,
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
