//! Enlarging images by whole factors.

use super::Element;

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

    fn lengths(&self) -> (usize, usize) {
        let (small, large) = (self.input, self.output());
        (small[0] * small[1] * self.channels, large[0] * large[1] * self.channels)
    }

    /// The offsets of the pixels of one output row.
    fn output_row(&self, row: usize) -> impl Iterator<Item = usize> + use<> {
        let (width, channels) = (self.output()[1], self.channels);
        (0..width).map(move |column| (row * width + column) * channels)
    }

    fn input_pixel(&self, row: usize, column: usize) -> usize {
        (row * self.input[1] + column) * self.channels
    }
}

/// Repeats each pixel.
pub fn nearest<T: Element>(geometry: &Geometry, input: &[T], output: &mut [T]) {
    let ((inputs, outputs), channels) = (geometry.lengths(), geometry.channels);
    for (input, output) in input.chunks_exact(inputs).zip(output.chunks_exact_mut(outputs)) {
        for row in 0..geometry.output()[0] {
            for (column, at) in geometry.output_row(row).enumerate() {
                let from = geometry.input_pixel(row / geometry.factor[0], column / geometry.factor[1]);
                output[at..at + channels].copy_from_slice(&input[from..from + channels]);
            }
        }
    }
}

/// Adds up the gradients of each pixel's repetitions.
pub fn nearest_gradient<T: Element>(geometry: &Geometry, output_gradient: &[T], input_gradient: &mut [T]) {
    let (inputs, outputs) = geometry.lengths();
    input_gradient.fill(T::zero());
    let samples = input_gradient.chunks_exact_mut(inputs).zip(output_gradient.chunks_exact(outputs));
    for (input_gradient, output_gradient) in samples {
        for row in 0..geometry.output()[0] {
            for (column, at) in geometry.output_row(row).enumerate() {
                let to = geometry.input_pixel(row / geometry.factor[0], column / geometry.factor[1]);
                add(&output_gradient[at..at + geometry.channels], T::one(), &mut input_gradient[to..]);
            }
        }
    }
}

/// Interpolates linearly between pixel centres at half-integers; constant beyond the outermost centres.
pub fn bilinear<T: Element>(geometry: &Geometry, input: &[T], output: &mut [T]) {
    let (inputs, outputs) = geometry.lengths();
    output.fill(T::zero());
    for (input, output) in input.chunks_exact(inputs).zip(output.chunks_exact_mut(outputs)) {
        each_contribution(geometry, |from, to, weight| {
            add(&input[from..from + geometry.channels], weight, &mut output[to..]);
        });
    }
}

/// The transpose of [`bilinear`].
pub fn bilinear_gradient<T: Element>(geometry: &Geometry, output_gradient: &[T], input_gradient: &mut [T]) {
    let (inputs, outputs) = geometry.lengths();
    input_gradient.fill(T::zero());
    let samples = input_gradient.chunks_exact_mut(inputs).zip(output_gradient.chunks_exact(outputs));
    for (input_gradient, output_gradient) in samples {
        each_contribution(geometry, |from, to, weight| {
            add(&output_gradient[to..to + geometry.channels], weight, &mut input_gradient[from..]);
        });
    }
}

/// Calls `visit` with the offset of an input pixel, that of an output pixel, and the weight of the one in the other.
fn each_contribution<T: Element>(geometry: &Geometry, mut visit: impl FnMut(usize, usize, T)) {
    for row in 0..geometry.output()[0] {
        let vertical = neighbours::<T>(row, geometry.factor[0], geometry.input[0]);
        for (column, to) in geometry.output_row(row).enumerate() {
            let horizontal = neighbours::<T>(column, geometry.factor[1], geometry.input[1]);
            for (row, above) in vertical {
                for (column, left) in horizontal {
                    visit(geometry.input_pixel(row, column), to, above * left);
                }
            }
        }
    }
}

/// The two pixels between whose centres the centre of pixel `position` of the output lies, and their weights.
fn neighbours<T: Element>(position: usize, factor: usize, count: usize) -> [(usize, T); 2] {
    let number = |value: usize| T::from(value).unwrap_or_else(T::zero);
    // Doubled coordinates keep the halves whole: (2·position + 1)/(2·factor) − 1/2 = numerator / (2·factor).
    let numerator = (2 * position + 1).saturating_sub(factor);
    let low = (numerator / (2 * factor)).min(count - 1);
    let beyond = number(numerator - low * 2 * factor) / number(2 * factor);
    let high = (low + 1).min(count - 1);
    [(low, T::one() - beyond), (high, beyond)]
}

fn add<T: Element>(source: &[T], weight: T, target: &mut [T]) {
    for (target, value) in target.iter_mut().zip(source) {
        *target += weight * *value;
    }
}
