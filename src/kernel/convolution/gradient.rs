//! The weight gradient: `gradient[i][j][c][f] += Σ input[y·s + i·d − p][x·s + j·d − p][c] · output_gradient[y][x][f]`
//! over samples and the positions `y`, `x` of the output.

use super::Geometry;
use crate::kernel::Element;
use crate::kernel::product::lanes;
use crate::kernel::tile::Sums;

pub(super) fn add<T: Element>(
    geometry: &Geometry,
    samples: usize,
    input: &[T],
    output_gradient: &[T],
    gradient: &mut [T],
    scratch: &mut [T],
) {
    if gradient.is_empty() || geometry.output_len() == 0 {
        return;
    }
    let (frame, lanes) = (geometry.forward().frame(), lanes::<T>());
    for sample in 0..samples {
        let image = &input[sample * geometry.input_len()..][..geometry.input_len()];
        let output_gradient = &output_gradient[sample * geometry.output_len()..][..geometry.output_len()];
        let pixels = frame.fill(image, scratch);
        if is_one_filter(geometry, lanes) {
            add_one_filter(geometry, lanes, frame.size[1], pixels, output_gradient, gradient);
        } else {
            add_sample(geometry, lanes, frame.size[1], pixels, output_gradient, gradient);
        }
    }
}

/// Whether vectors run along the patch instead of the filters.
fn is_one_filter(geometry: &Geometry, lanes: usize) -> bool {
    geometry.filters == 1 && run(geometry) >= lanes
}

/// Adjacent weights of one filter: a row of the kernel, unless that is dilated.
fn run(geometry: &Geometry) -> usize {
    if geometry.dilation[1] == 1 { geometry.kernel[1] * geometry.channels } else { geometry.channels }
}

/// Adds one sample. The only row of the block is the one filter, its columns are weights.
fn add_one_filter<T: Element>(
    geometry: &Geometry,
    lanes: usize,
    frame_width: usize,
    pixels: &[T],
    output_gradient: &[T],
    gradient: &mut [T],
) {
    let &Geometry { channels, stride, dilation, output, .. } = geometry;
    let run = run(geometry);
    let row = frame_width * channels;
    let pieces = geometry.kernel[1] * channels / run;
    for (index, gradient) in gradient.chunks_exact_mut(run).enumerate() {
        let (kernel_row, piece) = (index / pieces, index % pieces);
        let sums = Sums {
            rows: [1, 1],
            columns: run,
            terms: [1, output[0], output[1]],
            left: output_gradient,
            left_rows: [0, 1],
            left_terms: [0, output[1], 1],
            right: &pixels[kernel_row * dilation[0] * row + piece * dilation[1] * channels..],
            right_terms: [0, stride[0] * row, stride[1] * channels],
            right_panel: lanes,
            right_padded: false,
            output: gradient,
            output_rows: [0, 0],
            start: None,
            accumulate: true,
            relu: false,
        };
        T::compute(sums);
    }
}

/// Adds one sample. Rows of the block are weights; those of a kernel's row are contiguous, unless dilated.
fn add_sample<T: Element>(
    geometry: &Geometry,
    lanes: usize,
    frame_width: usize,
    pixels: &[T],
    output_gradient: &[T],
    gradient: &mut [T],
) {
    let &Geometry { channels, filters, kernel, stride, dilation, output, .. } = geometry;
    let run = run(geometry);
    let pieces = kernel[1] * channels / run;
    let row = frame_width * channels;
    for piece in 0..pieces {
        let sums = Sums {
            rows: [kernel[0], run],
            columns: filters,
            terms: [1, output[0], output[1]],
            left: &pixels[piece * dilation[1] * channels..],
            left_rows: [dilation[0] * row, 1],
            left_terms: [0, stride[0] * row, stride[1] * channels],
            right: output_gradient,
            right_terms: [0, output[1] * filters, filters],
            right_panel: lanes,
            right_padded: false,
            output: &mut gradient[piece * run * filters..],
            output_rows: [kernel[1] * channels * filters, filters],
            start: None,
            accumulate: true,
            relu: false,
        };
        T::compute(sums);
    }
}
