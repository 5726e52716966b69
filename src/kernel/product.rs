//! Matrix products: the forward pass of a dense layer, and its gradients.
//!
//! Samples are contiguous: a matrix features × samples as stored by nalgebra.

use std::ops::Range;

use super::gemv::Gemv;
use super::simd::{Operation, Simd, Vector, dispatch, lanes};
use super::tile::Sums;
use super::{Element, elements};

/// The longest run of terms that is summed as one chain; longer sums are split evenly.
const TERMS_PER_BLOCK: usize = 256;

/// Samples times depth that are multiplied by all panels in turn while they are in the L2 cache.
const CACHED_INPUTS: usize = 1 << 16;

/// The length of the packed form of a matrix depth × columns: panels of one vector of columns, zero
/// padded.
pub fn packed_len<T: Element>(depth: usize, columns: usize) -> usize {
    let padded = columns.checked_next_multiple_of(lanes::<T>()).unwrap_or(usize::MAX);
    elements(&[padded, depth])
}

/// A matrix depth × columns to be packed.
#[derive(Clone, Copy, Debug)]
pub struct Unpacked<'a, T> {
    data: &'a [T],
    depth: usize,
    columns: usize,
    /// `data` is the transpose.
    transposed: bool,
}

impl<'a, T: Element> Unpacked<'a, T> {
    /// The matrix stored in `data` row by row.
    pub fn matrix(data: &'a [T], depth: usize, columns: usize) -> Self {
        assert_eq!(data.len(), elements(&[depth, columns]), "length of the matrix");
        Self { data, depth, columns, transposed: false }
    }

    /// The transpose of the matrix columns × depth stored in `data` row by row.
    pub fn transpose(data: &'a [T], depth: usize, columns: usize) -> Self {
        Self { transposed: true, ..Self::matrix(data, depth, columns) }
    }

    /// Elements in a panel.
    pub fn panel_len(&self) -> usize {
        self.depth * lanes::<T>()
    }

    /// Packs the panels from `first` on, as many as `packed` has room for.
    pub fn pack(&self, first: usize, packed: &mut [T]) {
        dispatch(Pack { matrix: *self, first, packed });
    }
}

struct Pack<'a, T> {
    matrix: Unpacked<'a, T>,
    first: usize,
    packed: &'a mut [T],
}

impl<T: Element> Operation<T> for Pack<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let Unpacked { data, depth, columns, transposed } = self.matrix;
        for (panel, packed) in self.packed.chunks_exact_mut((depth * S::LANES).max(1)).enumerate() {
            let column = (self.first + panel) * S::LANES;
            let inside = columns.saturating_sub(column).min(S::LANES);
            if transposed {
                pack_columns::<T, S>(&data[column * depth..][..inside * depth], packed);
            } else {
                for (row, packed) in packed.chunks_exact_mut(S::LANES).enumerate() {
                    simd.read(&data[row * columns + column..][..inside]).write(packed);
                }
            }
        }
    }
}

/// Terms taken from each column at a time: as many as a cache line holds.
const TERMS_PER_CACHE_LINE: usize = 16;

/// Packs one panel from its columns, which are stored one after the other.
#[inline(always)]
fn pack_columns<T: Element, S: Simd<T>>(columns: &[T], packed: &mut [T]) {
    let depth = packed.len() / S::LANES;
    for (block, packed) in packed.chunks_mut(TERMS_PER_CACHE_LINE * S::LANES).enumerate() {
        let terms = packed.len() / S::LANES;
        for lane in 0..S::LANES {
            let first = lane * depth + block * TERMS_PER_CACHE_LINE;
            let column = columns.get(first..first + terms);
            for (term, packed) in packed.chunks_exact_mut(S::LANES).enumerate() {
                packed[lane] = column.map_or(T::zero(), |column| column[term]);
            }
        }
    }
}

/// `outputs[s][c] = bias[c] + Σ_d inputs[s][d] · matrix[d][c]`, then `max(0, ·)` if `relu`.
pub struct Affine<'a, T> {
    pub samples: usize,
    pub depth: usize,
    pub columns: usize,
    /// samples × depth
    pub inputs: &'a [T],
    /// The matrix depth × columns in its packed form.
    pub packed: &'a [T],
    pub bias: Option<&'a [T]>,
    /// samples × columns
    pub outputs: &'a mut [T],
    pub relu: bool,
}

/// Computes an affine map of samples.
///
/// The order in which an output is summed depends only on `depth` and the CPU path: blocks of at
/// most 256 terms, each summed in order, the first one from the bias, the others from zero, then
/// added in order.
pub fn affine<T: Element>(task: Affine<'_, T>) {
    let Affine { samples, depth, columns, .. } = task;
    assert_eq!(task.inputs.len(), elements(&[samples, depth]), "length of the inputs");
    assert_eq!(task.packed.len(), packed_len::<T>(depth, columns), "length of the packed matrix");
    assert_eq!(task.outputs.len(), elements(&[samples, columns]), "length of the outputs");
    assert!(task.bias.is_none_or(|bias| bias.len() == columns), "length of the bias");
    if samples < FEW_SAMPLES {
        sample_by_sample(task);
    } else {
        tile_by_tile(task);
    }
}

/// Fewer samples than this are computed one by one.
const FEW_SAMPLES: usize = 4;

/// The length of the blocks that a sum is split into; the last one may be shorter.
fn block_length(depth: usize) -> usize {
    depth.div_ceil(depth.div_ceil(TERMS_PER_BLOCK).max(1)).max(1)
}

fn sample_by_sample<T: Element>(task: Affine<'_, T>) {
    let Affine { samples, depth, columns, inputs, packed, bias, outputs, relu } = task;
    for sample in 0..samples {
        let input = &inputs[sample * depth..][..depth];
        let output = &mut outputs[sample * columns..][..columns];
        let block = block_length(depth);
        dispatch(Gemv { columns, block, input, packed, start: bias, output, relu });
    }
}

fn tile_by_tile<T: Element>(task: Affine<'_, T>) {
    let Affine { samples, depth, columns, inputs, packed, bias, outputs, relu } = task;
    let lanes = lanes::<T>();
    let block = block_length(depth);
    let at_once = (CACHED_INPUTS / depth.max(1)).next_multiple_of(14).max(14);
    for sample in (0..samples).step_by(at_once) {
        for panel in (0..columns).step_by(4 * lanes) {
            for term in (0..depth.max(1)).step_by(block) {
                let terms = block.min(depth - term);
                let sums = Sums {
                    rows: [1, at_once.min(samples - sample)],
                    columns: (4 * lanes).min(columns - panel),
                    terms: [1, 1, terms],
                    left: &inputs[sample * depth + term..],
                    left_rows: [0, depth],
                    left_terms: [0, 0, 1],
                    right: &packed[panel * depth + term * lanes..],
                    right_terms: [0, 0, lanes],
                    right_panel: depth * lanes,
                    right_padded: true,
                    output: &mut outputs[sample * columns + panel..],
                    output_rows: [0, columns],
                    start: bias.map(|bias| &bias[panel..]).filter(|_| term == 0),
                    accumulate: term > 0,
                    relu: relu && term + terms == depth,
                };
                T::compute(sums);
            }
        }
    }
}

/// A matrix features × samples stored in segments of `per_segment` samples; segments are `stride`
/// elements apart, the first one at `first`. [`sample`](Self::sample) gives one column.
#[derive(Clone, Copy, Debug)]
pub struct Segments<'a, T> {
    /// Where the segments lie.
    pub data: &'a [T],
    /// The first element of the first segment.
    pub first: usize,
    /// Elements from the beginning of a segment to that of the next.
    pub stride: usize,
    /// Samples in a segment; the last one may have fewer.
    pub per_segment: usize,
    /// Samples in all.
    pub samples: usize,
    /// Features of a sample.
    pub features: usize,
}

impl<'a, T> Segments<'a, T> {
    /// A matrix in one piece.
    pub fn contiguous(data: &'a [T], features: usize, samples: usize) -> Self {
        Segments { data, first: 0, stride: 0, per_segment: samples, samples, features }
    }

    /// The features of sample `sample`; `None` past the last one.
    pub fn sample(&self, sample: usize) -> Option<&'a [T]> {
        let within_segment = sample.checked_rem(self.per_segment)?;
        let segment = (sample < self.samples).then_some(sample / self.per_segment)?;
        let first = self.first + segment * self.stride + within_segment * self.features;
        self.data.get(first..first.checked_add(self.features)?)
    }

    /// The data from the given feature of the given sample on.
    fn from(&self, sample: usize, feature: usize) -> &'a [T] {
        let (segment, within) = (sample / self.per_segment, sample % self.per_segment);
        &self.data[self.first + segment * self.stride + within * self.features + feature..]
    }
}

/// Samples whose gradients are summed as one chain, unless a segment is longer.
const SAMPLES_PER_BLOCK: usize = 128;

/// `gradient[r - rows.start][c] += Σ_s left[s][r] · right[s][c]` for `r` in `rows`: the weight
/// gradient of a dense layer.
///
/// The samples are summed in blocks that depend only on their number and on `per_segment`:
/// computing the rows in parts changes no bits.
///
/// # Panics
/// If the two matrices differ in samples or samples per segment, or an index is outside its slice.
pub fn outer<T: Element>(left: Segments<'_, T>, right: Segments<'_, T>, rows: Range<usize>, gradient: &mut [T]) {
    assert_eq!(left.samples, right.samples, "samples of the two matrices");
    assert_eq!(left.per_segment, right.per_segment, "samples per segment of the two matrices");
    assert!(rows.start <= rows.end && rows.end <= left.features, "rows of the left matrix");
    assert_eq!(gradient.len(), elements(&[rows.len(), right.features]), "length of the gradient");
    let (samples, per_segment) = (left.samples, left.per_segment);
    let lanes = lanes::<T>();
    let mut sample = 0;
    while sample < samples && !gradient.is_empty() {
        let left_here = (per_segment - sample % per_segment).min(samples - sample);
        let segments = (SAMPLES_PER_BLOCK / per_segment).min((samples - sample) / per_segment).max(1);
        let in_segment = left_here.min(SAMPLES_PER_BLOCK);
        let sums = Sums {
            rows: [1, rows.len()],
            columns: right.features,
            terms: [1, segments, in_segment],
            left: left.from(sample, rows.start),
            left_rows: [0, 1],
            left_terms: [0, left.stride, left.features],
            right: right.from(sample, 0),
            right_terms: [0, right.stride, right.features],
            right_panel: lanes,
            right_padded: false,
            output: gradient,
            output_rows: [0, right.features],
            start: None,
            accumulate: true,
            relu: false,
        };
        T::compute(sums);
        sample += segments * in_segment;
    }
}

/// `sums[c] += Σ_rows matrix[row][c]`: a bias gradient.
pub fn column_sums<T: Element>(matrix: &[T], columns: usize, sums: &mut [T]) {
    assert_eq!(sums.len(), columns, "length of the sums");
    assert!(columns == 0 || matrix.len().is_multiple_of(columns), "length of the matrix");
    if !matrix.is_empty() {
        dispatch(ColumnSums { matrix, sums });
    }
}

struct ColumnSums<'a, T> {
    matrix: &'a [T],
    sums: &'a mut [T],
}

impl<T: Element> Operation<T> for ColumnSums<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, simd: S) {
        let columns = self.sums.len();
        if columns == 1 {
            return self.sums[0] += sum(simd, self.matrix);
        }
        for row in self.matrix.chunks_exact(columns) {
            for (sums, values) in self.sums.chunks_mut(S::LANES).zip(row.chunks(S::LANES)) {
                simd.read(sums).add(simd.read(values)).write(sums);
            }
        }
    }
}

/// The sum of all values, in four vectors in parallel.
#[inline(always)]
fn sum<T: Element, S: Simd<T>>(simd: S, values: &[T]) -> T {
    let mut sums = [simd.zero(); 4];
    for values in values.chunks(4 * S::LANES) {
        for (sum, values) in sums.iter_mut().zip(values.chunks(S::LANES)) {
            *sum = sum.add(simd.read(values));
        }
    }
    sums[0].add(sums[1]).add(sums[2].add(sums[3])).sum_lanes()
}

#[cfg(test)]
mod tests;
