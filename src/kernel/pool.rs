//! Pooling: the largest value, or the mean, under a window that slides over an image.

use std::ops::Range;

use super::Element;

/// A pooling over images of height × width × channels.
#[derive(Clone, Copy, Debug)]
pub struct Geometry {
    /// Rows and columns of the input.
    pub input: [usize; 2],
    /// Values a pixel.
    pub channels: usize,
    /// Rows and columns of the window.
    pub window: [usize; 2],
    /// Rows and columns between windows.
    pub stride: [usize; 2],
    /// Rows above and columns to the left of the input that the first window covers; they do not count.
    pub padding: [usize; 2],
    /// Windows down and across.
    pub output: [usize; 2],
}

impl Geometry {
    fn lengths(&self) -> (usize, usize) {
        (self.input[0] * self.input[1] * self.channels, self.output[0] * self.output[1] * self.channels)
    }

    /// The input's rows (axis 0) or columns (axis 1) under the window at `position`.
    fn covered(&self, axis: usize, position: usize) -> Range<usize> {
        let start = position * self.stride[axis];
        let end = (start + self.window[axis]).saturating_sub(self.padding[axis]).min(self.input[axis]);
        start.saturating_sub(self.padding[axis]).min(end)..end
    }

    /// Calls `visit` with the offset of each output pixel and the rows and columns under its window.
    fn each_window(&self, mut visit: impl FnMut(usize, Range<usize>, Range<usize>)) {
        for row in 0..self.output[0] {
            let rows = self.covered(0, row);
            for column in 0..self.output[1] {
                visit((row * self.output[1] + column) * self.channels, rows.clone(), self.covered(1, column));
            }
        }
    }

    /// The offsets of the pixels in `rows` and `columns`, row by row.
    fn pixels(&self, rows: Range<usize>, columns: Range<usize>) -> impl Iterator<Item = usize> {
        let (width, channels) = (self.input[1], self.channels);
        rows.flat_map(move |row| columns.clone().map(move |column| (row * width + column) * channels))
    }
}

/// The largest value under each window.
pub fn max<T: Element>(geometry: &Geometry, input: &[T], output: &mut [T]) {
    let (inputs, outputs) = geometry.lengths();
    for (input, output) in input.chunks_exact(inputs).zip(output.chunks_exact_mut(outputs)) {
        geometry.each_window(|at, rows, columns| {
            let target = &mut output[at..at + geometry.channels];
            target.fill(T::neg_infinity());
            for pixel in geometry.pixels(rows, columns) {
                for (target, value) in target.iter_mut().zip(&input[pixel..]) {
                    *target = if *value > *target { *value } else { *target };
                }
            }
        });
    }
}

/// Hands each window's gradient to the first value that equals its maximum.
pub fn max_gradient<T: Element>(
    geometry: &Geometry,
    input: &[T],
    output: &[T],
    output_gradient: &[T],
    input_gradient: &mut [T],
) {
    let (inputs, outputs) = geometry.lengths();
    input_gradient.fill(T::zero());
    let samples = input.chunks_exact(inputs).zip(input_gradient.chunks_exact_mut(inputs));
    let windows = output.chunks_exact(outputs).zip(output_gradient.chunks_exact(outputs));
    for ((input, input_gradient), (output, output_gradient)) in samples.zip(windows) {
        geometry.each_window(|at, rows, columns| {
            for channel in 0..geometry.channels {
                let largest = output[at + channel];
                let mut pixels = geometry.pixels(rows.clone(), columns.clone());
                if let Some(winner) = pixels.find(|pixel| input[pixel + channel] == largest) {
                    input_gradient[winner + channel] += output_gradient[at + channel];
                }
            }
        });
    }
}

/// The mean of the values under each window.
pub fn average<T: Element>(geometry: &Geometry, input: &[T], output: &mut [T]) {
    let (inputs, outputs) = geometry.lengths();
    for (input, output) in input.chunks_exact(inputs).zip(output.chunks_exact_mut(outputs)) {
        geometry.each_window(|at, rows, columns| {
            let share = share::<T>(&rows, &columns);
            let target = &mut output[at..at + geometry.channels];
            target.fill(T::zero());
            for pixel in geometry.pixels(rows, columns) {
                for (target, value) in target.iter_mut().zip(&input[pixel..]) {
                    *target += *value;
                }
            }
            target.iter_mut().for_each(|target| *target *= share);
        });
    }
}

/// Shares each window's gradient among the values under it.
pub fn average_gradient<T: Element>(geometry: &Geometry, output_gradient: &[T], input_gradient: &mut [T]) {
    let (inputs, outputs) = geometry.lengths();
    input_gradient.fill(T::zero());
    let samples = input_gradient.chunks_exact_mut(inputs).zip(output_gradient.chunks_exact(outputs));
    for (input_gradient, output_gradient) in samples {
        geometry.each_window(|at, rows, columns| {
            let share = share::<T>(&rows, &columns);
            let source = &output_gradient[at..at + geometry.channels];
            for pixel in geometry.pixels(rows, columns) {
                for (target, value) in input_gradient[pixel..].iter_mut().zip(source) {
                    *target += *value * share;
                }
            }
        });
    }
}

fn share<T: Element>(rows: &Range<usize>, columns: &Range<usize>) -> T {
    T::one() / T::from(rows.len() * columns.len()).unwrap_or_else(T::one)
}
