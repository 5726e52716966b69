//! The computation that forward and input gradient share: targets read a source through a kernel.

use super::axis::{Phase, Phases};
use super::few_columns::FewColumns;
use super::frame::Frame;
use crate::kernel::Element;
use crate::kernel::product::lanes;
use crate::kernel::simd::dispatch;
use crate::kernel::tile::Sums;

/// `target[t][column] = bias[column] + Σ source[position of tap k of t][channel] · weight[place of k][channel][column]`
pub(super) struct Correlation {
    pub phases: [Phases; 2],
    /// Rows and columns of the source, and its channels.
    pub source: [usize; 2],
    pub channels: usize,
    /// Rows and columns of the target, and its channels.
    pub target: [usize; 2],
    pub columns: usize,
    pub weights: Weights,
}

/// Where a weight lies: elements from one place of the kernel to the next, and so on.
#[derive(Clone, Copy)]
pub(super) struct Weights {
    pub kernel_width: usize,
    pub tap: usize,
    pub channel: usize,
    pub column: usize,
}

/// One vertical and one horizontal phase.
#[derive(Clone, Copy)]
struct Pass {
    vertical: Phase,
    horizontal: Phase,
    channels: usize,
    columns: usize,
}

impl Pass {
    /// Terms of a sum as three nested indices, the last one contiguous in the source.
    fn terms(&self) -> [usize; 3] {
        let Pass { vertical, horizontal, channels, .. } = self;
        if horizontal.dilation == 1 {
            [1, vertical.taps, horizontal.taps * channels]
        } else {
            [vertical.taps, horizontal.taps, *channels]
        }
    }

    /// Source elements from one term to the next.
    fn term_strides(&self, frame: &Frame) -> [usize; 3] {
        let row = self.vertical.dilation * frame.size[1] * self.channels;
        if self.horizontal.dilation == 1 { [0, row, 1] } else { [row, self.horizontal.dilation * self.channels, 1] }
    }

    fn depth(&self) -> usize {
        self.vertical.taps * self.horizontal.taps * self.channels
    }

    /// Whether the columns are so few that vectors are better laid along the terms than along the columns.
    fn has_few_columns(&self, lanes: usize) -> bool {
        let [outer, middle, inner] = self.terms();
        let vectors = outer * middle * inner.div_ceil(lanes);
        self.columns * (vectors + 4) < self.depth() * self.columns.div_ceil(lanes)
    }

    fn packed_len(&self, lanes: usize) -> usize {
        let columns = if self.has_few_columns(lanes) { self.columns } else { self.columns.next_multiple_of(lanes) };
        self.depth() * columns
    }

    /// Packs panels of one vector of columns, or column after column if they are few.
    fn pack<T: Element>(&self, lanes: usize, weights: &[T], at: Weights, packed: &mut [T]) {
        let width = if self.has_few_columns(lanes) { 1 } else { lanes };
        let mut rows = packed.chunks_exact_mut(width);
        for panel in (0..self.columns).step_by(width) {
            for (vertical, horizontal) in pairs(self.vertical.taps, self.horizontal.taps) {
                let place = self.vertical.place_of(vertical) * at.kernel_width + self.horizontal.place_of(horizontal);
                for (channel, row) in (0..self.channels).zip(&mut rows) {
                    for (lane, packed) in row.iter_mut().enumerate() {
                        let column = panel + lane;
                        let weight = place * at.tap + channel * at.channel + column * at.column;
                        *packed = if column < self.columns { weights[weight] } else { T::zero() };
                    }
                }
            }
        }
    }
}

fn pairs(first: usize, second: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..first).flat_map(move |one| (0..second).map(move |two| (one, two)))
}

impl Correlation {
    fn passes(&self) -> impl Iterator<Item = Pass> {
        let [vertical, horizontal] = self.phases;
        let (channels, columns) = (self.channels, self.columns);
        vertical.iter().flat_map(move |vertical| {
            horizontal.iter().map(move |horizontal| Pass { vertical, horizontal, channels, columns })
        })
    }

    pub fn frame(&self) -> Frame {
        let [(top, height), (left, width)] = self.phases.map(Phases::span);
        Frame { first: [top, left], size: [height, width], channels: self.channels, image: self.source }
    }

    pub fn packed_len<T: Element>(&self) -> usize {
        let lanes = lanes::<T>();
        self.passes().map(|pass| pass.packed_len(lanes)).sum()
    }

    pub fn pack<T: Element>(&self, weights: &[T], mut packed: &mut [T]) {
        assert_eq!(packed.len(), self.packed_len::<T>(), "length of the packed weights");
        let lanes = lanes::<T>();
        for pass in self.passes() {
            let (here, rest) = packed.split_at_mut(pass.packed_len(lanes));
            pass.pack(lanes, weights, self.weights, here);
            packed = rest;
        }
    }

    pub fn scratch_len<T>(&self) -> usize {
        self.frame().scratch_len::<T>()
    }

    #[allow(clippy::too_many_arguments)]
    pub fn run<T: Element>(
        &self,
        samples: usize,
        source: &[T],
        packed: &[T],
        bias: Option<&[T]>,
        relu: bool,
        target: &mut [T],
        scratch: &mut [T],
    ) {
        assert_eq!(packed.len(), self.packed_len::<T>(), "length of the packed weights");
        let source_len = self.source[0] * self.source[1] * self.channels;
        let target_len = self.target[0] * self.target[1] * self.columns;
        if target_len == 0 {
            return;
        }
        let (frame, lanes) = (self.frame(), lanes::<T>());
        for sample in 0..samples {
            let pixels = frame.fill(&source[sample * source_len..][..source_len], scratch);
            let target = &mut target[sample * target_len..][..target_len];
            let mut packed = packed;
            for pass in self.passes() {
                let (here, rest) = packed.split_at(pass.packed_len(lanes));
                self.run_pass(lanes, &pass, &frame, pixels, here, bias, relu, target);
                packed = rest;
            }
        }
    }

    #[allow(clippy::too_many_arguments)]
    fn run_pass<T: Element>(
        &self,
        lanes: usize,
        pass: &Pass,
        frame: &Frame,
        pixels: &[T],
        packed: &[T],
        bias: Option<&[T]>,
        relu: bool,
        target: &mut [T],
    ) {
        let Pass { vertical, horizontal, channels, columns } = *pass;
        if vertical.count == 0 || horizontal.count == 0 {
            return;
        }
        let row = frame.size[1] * channels;
        let read = pass.depth() > 0;
        let top = if read { (vertical.source - frame.first[0]) as usize } else { 0 };
        let left = if read { (horizontal.source - frame.first[1]) as usize } else { 0 };
        let target_row = self.target[1] * columns;
        let terms = pass.terms();
        let rows = [vertical.count, horizontal.count];
        let left_rows = [vertical.source_step * row, horizontal.source_step * channels];
        let left_terms = pass.term_strides(frame);
        let output = &mut target[vertical.first * target_row + horizontal.first * columns..];
        let output_rows = [vertical.step * target_row, horizontal.step * columns];
        let pixels = &pixels[top * row + left * channels..];
        if pass.has_few_columns(lanes) {
            let few = FewColumns {
                rows,
                columns,
                terms,
                left: pixels,
                left_rows,
                left_terms,
                right: packed,
                output,
                output_rows,
                start: bias,
                relu,
            };
            return dispatch(few);
        }
        let sums = Sums {
            rows,
            columns,
            terms,
            left: pixels,
            left_rows,
            left_terms,
            right: packed,
            right_terms: [terms[1] * terms[2] * lanes, terms[2] * lanes, lanes],
            right_panel: pass.depth() * lanes,
            right_padded: true,
            output,
            output_rows,
            start: bias,
            accumulate: false,
            relu,
        };
        T::compute(sums);
    }
}
