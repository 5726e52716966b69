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
    let (padded, lanes, used) = (geometry.forward().padded_source(), lanes::<T>(), UsedKernel::new(geometry));
    if gradient.is_empty() || geometry.output_len() == 0 || used.taps.contains(&0) {
        return;
    }
    for sample in 0..samples {
        let image = &input[sample * geometry.input_len()..][..geometry.input_len()];
        let output_gradient = &output_gradient[sample * geometry.output_len()..][..geometry.output_len()];
        let pixels = padded.fill(image, scratch);
        if geometry.filters == 1 && used.run_length >= lanes {
            used.add_one_filter(lanes, padded.size[1], pixels, output_gradient, gradient);
        } else {
            used.add_sample(lanes, padded.size[1], pixels, output_gradient, gradient);
        }
    }
}

/// The part of the kernel that meets the image; the gradient of the rest is zero.
struct UsedKernel<'a> {
    geometry: &'a Geometry,
    /// The first row and column of the kernel that do.
    first: [usize; 2],
    /// Rows and columns.
    taps: [usize; 2],
    /// Weights of one filter that are adjacent: a row of the kernel, unless that is dilated.
    run_length: usize,
}

impl<'a> UsedKernel<'a> {
    fn new(geometry: &'a Geometry) -> Self {
        let [(top, height), (left, width)] = geometry.axes().map(|axis| axis.taps());
        let in_a_row = if geometry.dilation[1] == 1 { width } else { 1 };
        UsedKernel { geometry, first: [top, left], taps: [height, width], run_length: in_a_row * geometry.channels }
    }

    /// Runs in a row of the kernel.
    fn runs_per_row(&self) -> usize {
        self.taps[1] * self.geometry.channels / self.run_length
    }

    /// The first weight of a run, in weights of one filter.
    fn weight(&self, row: usize, run: usize) -> usize {
        ((self.first[0] + row) * self.geometry.kernel[1] + self.first[1]) * self.geometry.channels
            + run * self.run_length
    }

    /// Adds one sample. The only row of the block is the one filter, its columns are weights.
    fn add_one_filter<T: Element>(
        &self,
        lanes: usize,
        padded_width: usize,
        pixels: &[T],
        output_gradient: &[T],
        gradient: &mut [T],
    ) {
        let &Geometry { channels, stride, dilation, output, .. } = self.geometry;
        let row = padded_width * channels;
        for index in 0..self.taps[0] * self.runs_per_row() {
            let (kernel_row, run) = (index / self.runs_per_row(), index % self.runs_per_row());
            let sums = Sums {
                rows: [1, 1],
                columns: self.run_length,
                terms: [1, output[0], output[1]],
                left: output_gradient,
                left_rows: [0, 1],
                left_terms: [0, output[1], 1],
                right: &pixels[kernel_row * dilation[0] * row + run * dilation[1] * channels..],
                right_terms: [0, stride[0] * row, stride[1] * channels],
                right_panel: lanes,
                right_padded: false,
                output: &mut gradient[self.weight(kernel_row, run)..][..self.run_length],
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
        padded_width: usize,
        pixels: &[T],
        output_gradient: &[T],
        gradient: &mut [T],
    ) {
        let &Geometry { channels, filters, kernel, stride, dilation, output, .. } = self.geometry;
        let row = padded_width * channels;
        for run in 0..self.runs_per_row() {
            let sums = Sums {
                rows: [self.taps[0], self.run_length],
                columns: filters,
                terms: [1, output[0], output[1]],
                left: &pixels[run * dilation[1] * channels..],
                left_rows: [dilation[0] * row, 1],
                left_terms: [0, stride[0] * row, stride[1] * channels],
                right: output_gradient,
                right_terms: [0, output[1] * filters, filters],
                right_panel: lanes,
                right_padded: false,
                output: &mut gradient[self.weight(0, run) * filters..],
                output_rows: [kernel[1] * channels * filters, filters],
                start: None,
                accumulate: true,
                relu: false,
            };
            T::compute(sums);
        }
    }
}
