//! The computation shared by a convolution and its transpose: targets are weighted sums of source
//! positions.

use super::axis::{Phase, Phases};
use super::few_columns::FewColumns;
use super::padded_image::PaddedImage;
use super::{Images, grid};
use crate::kernel::simd::{dispatch, lanes};
use crate::kernel::tile::Sums;
use crate::kernel::{Element, elements};

/// `target[t][column] = bias[column] + Σ source[pixel of tap k of t][channel] · weight[position of
/// k][channel][column]`
pub(super) struct Correlation {
    pub phases: [Phases; 2],
    /// Rows and columns of the source, and its channels.
    pub source: [usize; 2],
    pub channels: usize,
    /// Rows and columns of the target, and its channels.
    pub target: [usize; 2],
    pub columns: usize,
    pub weights: WeightStrides,
}

/// The strides of the weights, in elements: from one kernel position to the next, and so on.
#[derive(Clone, Copy)]
pub(super) struct WeightStrides {
    pub kernel_width: usize,
    pub tap: usize,
    pub channel: usize,
    pub column: usize,
}

impl Correlation {
    pub fn padded_source(&self) -> PaddedImage {
        let [(top, height), (left, width)] = self.phases.map(Phases::span);
        PaddedImage { first: [top, left], size: [height, width], channels: self.channels, image: self.source }
    }

    pub fn scratch_len<T>(&self) -> usize {
        self.padded_source().scratch_len::<T>()
    }

    pub fn packed_len<T: Element>(&self) -> usize {
        let lanes = lanes::<T>();
        self.phase_pairs(Phases::reading).map(|pair| pair.packed_len(lanes)).sum()
    }

    pub fn pack<T: Element>(&self, weights: &[T], mut packed: &mut [T]) {
        assert_eq!(packed.len(), self.packed_len::<T>(), "length of the packed weights");
        let lanes = lanes::<T>();
        for pair in self.phase_pairs(Phases::iter) {
            let (here, rest) = packed.split_at_mut(pair.packed_len(lanes));
            pair.pack(lanes, weights, self.weights, here);
            packed = rest;
        }
    }

    pub fn run<T: Element>(&self, images: Images<'_, T>) {
        let Images { samples, source, packed, bias, relu, target, scratch } = images;
        let source_len = elements(&[self.source[0], self.source[1], self.channels]);
        let target_len = elements(&[self.target[0], self.target[1], self.columns]);
        assert_eq!(source.len(), elements(&[samples, source_len]), "length of the source");
        assert_eq!(target.len(), elements(&[samples, target_len]), "length of the target");
        assert_eq!(packed.len(), self.packed_len::<T>(), "length of the packed weights");
        assert!(bias.is_none_or(|bias| bias.len() == self.columns), "length of the bias");
        if target_len == 0 {
            return;
        }
        let (padded, lanes) = (self.padded_source(), lanes::<T>());
        for (sample, target) in target.chunks_exact_mut(target_len).enumerate() {
            let pixels = padded.fill(&source[sample * source_len..][..source_len], scratch);
            let mut packed = packed;
            for pair in self.phase_pairs(Phases::iter) {
                let (here, rest) = packed.split_at(pair.packed_len(lanes));
                pair.run(&padded, lanes, Image { pixels, packed: here, bias, relu, target });
                packed = rest;
            }
        }
    }

    fn phase_pairs<I: Iterator<Item = Phase>>(&self, phases: impl Fn(Phases) -> I) -> impl Iterator<Item = PhasePair> {
        let [vertical, horizontal] = self.phases;
        let (channels, columns, target_width) = (self.channels, self.columns, self.target[1]);
        phases(vertical).flat_map(move |vertical| {
            phases(horizontal).map(move |horizontal| PhasePair {
                vertical,
                horizontal,
                channels,
                columns,
                target_width,
            })
        })
    }
}

/// The data of one sample that a pair of phases reads and writes.
struct Image<'a, T> {
    /// The padded source.
    pixels: &'a [T],
    /// The weights packed for the pair.
    packed: &'a [T],
    bias: Option<&'a [T]>,
    relu: bool,
    target: &'a mut [T],
}

/// One vertical and one horizontal phase.
#[derive(Clone, Copy)]
struct PhasePair {
    vertical: Phase,
    horizontal: Phase,
    channels: usize,
    columns: usize,
    target_width: usize,
}

impl PhasePair {
    /// Computes the targets of both phases.
    fn run<T: Element>(&self, padded: &PaddedImage, lanes: usize, image: Image<'_, T>) {
        if self.vertical.count == 0 || self.horizontal.count == 0 {
            return;
        }
        if self.has_few_columns(lanes) {
            dispatch(FewColumns { block: self.sums(padded, 1, image) });
        } else {
            T::compute(self.sums(padded, lanes, image));
        }
    }

    /// The targets as a block of sums, the weights in panels of `panel` columns.
    fn sums<'a, T: Element>(&self, padded: &PaddedImage, panel: usize, image: Image<'a, T>) -> Sums<'a, T> {
        let terms @ [_, middle, inner] = self.terms();
        Sums {
            rows: [self.vertical.count, self.horizontal.count],
            columns: self.columns,
            terms,
            left: &image.pixels[self.first_read(padded)..],
            left_rows: self.source_strides(padded),
            left_terms: self.term_strides(padded),
            right: image.packed,
            right_terms: [middle * inner * panel, inner * panel, panel],
            right_panel: self.depth() * panel,
            right_padded: true,
            output: &mut image.target[self.first_written()..],
            output_rows: self.target_strides(),
            start: image.bias,
            accumulate: false,
            relu: image.relu,
        }
    }

    /// Terms of a sum as three nested indices, the last one contiguous in the source.
    fn terms(&self) -> [usize; 3] {
        let PhasePair { vertical, horizontal, channels, .. } = self;
        if horizontal.dilation == 1 {
            [1, vertical.taps, horizontal.taps * channels]
        } else {
            [vertical.taps, horizontal.taps, *channels]
        }
    }

    fn depth(&self) -> usize {
        self.vertical.taps * self.horizontal.taps * self.channels
    }

    /// The offset in the padded source of the first pixel that the first target reads.
    fn first_read(&self, padded: &PaddedImage) -> usize {
        if self.depth() == 0 {
            return 0; // nothing is read, and the padded source may end earlier
        }
        let top = (self.vertical.source - padded.first[0]) as usize;
        let left = (self.horizontal.source - padded.first[1]) as usize;
        (top * padded.size[1] + left) * self.channels
    }

    /// Source elements between the reads of neighbouring targets, vertically and horizontally.
    fn source_strides(&self, padded: &PaddedImage) -> [usize; 2] {
        [self.vertical.source_step * padded.size[1], self.horizontal.source_step].map(|pixels| pixels * self.channels)
    }

    /// Source elements from one term to the next.
    fn term_strides(&self, padded: &PaddedImage) -> [usize; 3] {
        let row = self.vertical.dilation * padded.size[1] * self.channels;
        if self.horizontal.dilation == 1 { [0, row, 1] } else { [row, self.horizontal.dilation * self.channels, 1] }
    }

    fn first_written(&self) -> usize {
        (self.vertical.first * self.target_width + self.horizontal.first) * self.columns
    }

    /// Target elements from one target to the next, vertically and horizontally.
    fn target_strides(&self) -> [usize; 2] {
        [self.vertical.step * self.target_width, self.horizontal.step].map(|pixels| pixels * self.columns)
    }

    /// Whether there are so few columns that vectors should run along the terms instead of the
    /// columns.
    fn has_few_columns(&self, lanes: usize) -> bool {
        let [outer, middle, inner] = self.terms();
        let vectors = outer * middle * inner.div_ceil(lanes);
        self.columns * (vectors + 4) < self.depth() * self.columns.div_ceil(lanes)
    }

    /// Columns in a panel of packed weights: as many as a vector's lanes, or one if there are few
    /// columns.
    fn panel(&self, lanes: usize) -> usize {
        if self.has_few_columns(lanes) { 1 } else { lanes }
    }

    fn packed_len(&self, lanes: usize) -> usize {
        self.depth() * self.columns.next_multiple_of(self.panel(lanes))
    }

    /// Packs all panels in turn.
    fn pack<T: Element>(&self, lanes: usize, weights: &[T], at: WeightStrides, packed: &mut [T]) {
        let width = self.panel(lanes);
        let mut rows = packed.chunks_exact_mut(width);
        for panel in (0..self.columns).step_by(width) {
            for (vertical, horizontal) in grid(self.vertical.taps, self.horizontal.taps) {
                let position =
                    self.vertical.position_of(vertical) * at.kernel_width + self.horizontal.position_of(horizontal);
                for (channel, row) in (0..self.channels).zip(&mut rows) {
                    for (lane, packed) in row.iter_mut().enumerate() {
                        let column = panel + lane;
                        let weight = position * at.tap + channel * at.channel + column * at.column;
                        *packed = if column < self.columns { weights[weight] } else { T::zero() };
                    }
                }
            }
        }
    }
}
