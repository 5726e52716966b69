//! The weight gradient: `gradient[i][j][c][f] += Σ input[y·s + i·d − p][x·s + j·d − p][c] ·
//! output_gradient[y][x][f]` over samples and the positions `y`, `x` of the output.

use super::Geometry;
use crate::kernel::Element;
use crate::kernel::simd::lanes;
use crate::kernel::tile::Sums;

pub(super) fn add<T: Element>(
    geometry: &Geometry,
    samples: usize,
    input: &[T],
    output_gradient: &[T],
    gradient: &mut [T],
    scratch: &mut [T],
) {
    let (frame, lanes, read) = (geometry.forward().frame(), lanes::<T>(), Read::new(geometry));
    if gradient.is_empty() || geometry.output_len() == 0 || read.taps.contains(&0) {
        return;
    }
    for sample in 0..samples {
        let image = &input[sample * geometry.input_len()..][..geometry.input_len()];
        let output_gradient = &output_gradient[sample * geometry.output_len()..][..geometry.output_len()];
        let pixels = frame.fill(image, scratch);
        if geometry.filters == 1 && read.run >= lanes {
            read.add_one_filter(lanes, frame.size[1], pixels, output_gradient, gradient);
        } else {
            read.add_sample(lanes, frame.size[1], pixels, output_gradient, gradient);
        }
    }
}

/// The part of the kernel that meets the image; the gradient of the rest is zero.
struct Read<'a> {
    geometry: &'a Geometry,
    /// The first row and column of the kernel that do.
    first: [usize; 2],
    /// Rows and columns.
    taps: [usize; 2],
    /// Weights of one filter that are adjacent: a row of the kernel, unless that is dilated.
    run: usize,
}

impl<'a> Read<'a> {
    fn new(geometry: &'a Geometry) -> Self {
        let [(top, height), (left, width)] = geometry.axes().map(|axis| axis.taps());
        let in_a_row = if geometry.dilation[1] == 1 { width } else { 1 };
        Read { geometry, first: [top, left], taps: [height, width], run: in_a_row * geometry.channels }
    }

    /// Runs in a row of the kernel.
    fn pieces(&self) -> usize {
        self.taps[1] * self.geometry.channels / self.run
    }

    /// The first weight of a run, in weights of one filter.
    fn weight(&self, row: usize, piece: usize) -> usize {
        ((self.first[0] + row) * self.geometry.kernel[1] + self.first[1]) * self.geometry.channels + piece * self.run
    }

    /// Adds one sample. The only row of the block is the one filter, its columns are weights.
    fn add_one_filter<T: Element>(
        &self,
        lanes: usize,
        frame_width: usize,
        pixels: &[T],
        output_gradient: &[T],
        gradient: &mut [T],
    ) {
        let &Geometry { channels, stride, dilation, output, .. } = self.geometry;
        let row = frame_width * channels;
        for index in 0..self.taps[0] * self.pieces() {
            let (kernel_row, piece) = (index / self.pieces(), index % self.pieces());
            let sums = Sums {
                rows: [1, 1],
                columns: self.run,
                terms: [1, output[0], output[1]],
                left: output_gradient,
                left_rows: [0, 1],
                left_terms: [0, output[1], 1],
                right: &pixels[kernel_row * dilation[0] * row + piece * dilation[1] * channels..],
                right_terms: [0, stride[0] * row, stride[1] * channels],
                right_panel: lanes,
                right_padded: false,
                output: &mut gradient[self.weight(kernel_row, piece)..][..self.run],
                output_rows: [0, 0],
                start: None,
                accumulate: true,
                relu: false,
            };
            T::compute(sums);
        }
    }

    /// Adds one sample. Rows of the block are weights; those of a kernel's row are contiguous,
    /// unless dilated.
    fn add_sample<T: Element>(
        &self,
        lanes: usize,
        frame_width: usize,
        pixels: &[T],
        output_gradient: &[T],
        gradient: &mut [T],
    ) {
        let &Geometry { channels, filters, kernel, stride, dilation, output, .. } = self.geometry;
        let row = frame_width * channels;
        for piece in 0..self.pieces() {
            let sums = Sums {
                rows: [self.taps[0], self.run],
                columns: filters,
                terms: [1, output[0], output[1]],
                left: &pixels[piece * dilation[1] * channels..],
                left_rows: [dilation[0] * row, 1],
                left_terms: [0, stride[0] * row, stride[1] * channels],
                right: output_gradient,
                right_terms: [0, output[1] * filters, filters],
                right_panel: lanes,
                right_padded: false,
                output: &mut gradient[self.weight(0, piece) * filters..],
                output_rows: [kernel[1] * channels * filters, filters],
                start: None,
                accumulate: true,
                relu: false,
            };
            T::compute(sums);
        }
    }
}
