//! Products of matrices: a dense layer forward, and its gradients.
//!
//! Samples are contiguous runs: a matrix features × samples as nalgebra keeps it.

use std::ops::Range;

use super::simd::{Operation, Simd, dispatch_on};
use super::tile::Sums;
use super::{CpuPath, Element, cpu_path};

/// The longest run of terms that is summed as one chain; longer sums are split evenly.
const LONGEST_BLOCK: usize = 256;

/// Samples times depth that are multiplied by one panel after the other while they lie in the second-level cache.
const CACHED_INPUTS: usize = 1 << 16;

/// The length of the packed form of a matrix depth × columns: panels of one vector of columns, zero padded.
pub fn packed_len<T: Element>(depth: usize, columns: usize) -> usize {
    packed_len_on::<T>(cpu_path(), depth, columns)
}

pub(super) fn packed_len_on<T: Element>(path: CpuPath, depth: usize, columns: usize) -> usize {
    columns.next_multiple_of(lanes::<T>(path)) * depth
}

/// Packs a matrix depth × columns, row-major.
pub fn pack<T: Element>(matrix: &[T], depth: usize, columns: usize, packed: &mut [T]) {
    pack_on(cpu_path(), matrix, [columns, 1], [depth, columns], packed);
}

/// Packs the transpose of a matrix columns × depth, row-major.
pub fn pack_transposed<T: Element>(matrix: &[T], depth: usize, columns: usize, packed: &mut [T]) {
    pack_on(cpu_path(), matrix, [1, depth], [depth, columns], packed);
}

/// Packs `matrix[d * strides[0] + c * strides[1]]` for the indices `d`, `c` below `counts`.
pub(super) fn pack_on<T: Element>(
    path: CpuPath,
    matrix: &[T],
    strides: [usize; 2],
    counts: [usize; 2],
    packed: &mut [T],
) {
    let [depth, columns] = counts;
    assert_eq!(packed.len(), packed_len_on::<T>(path, depth, columns), "length of the packed matrix");
    if packed.is_empty() {
        return;
    }
    let lanes = lanes::<T>(path);
    for (panel, packed) in packed.chunks_exact_mut(depth * lanes).enumerate() {
        for (row, packed) in packed.chunks_exact_mut(lanes).enumerate() {
            for (lane, packed) in packed.iter_mut().enumerate() {
                let column = panel * lanes + lane;
                let inside = column < columns;
                *packed = if inside { matrix[row * strides[0] + column * strides[1]] } else { T::zero() };
            }
        }
    }
}

/// Elements in a vector of the path.
pub(super) fn lanes<T: Element>(path: CpuPath) -> usize {
    struct Lanes;
    impl<T: Element> Operation<T> for Lanes {
        type Output = usize;
        #[inline(always)]
        fn run<V: Simd<T>>(self) -> usize {
            V::LANES
        }
    }
    dispatch_on::<T, _>(path, Lanes)
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
/// The order in which an output is summed is a function of `depth` and the CPU path alone: blocks of at most 256 terms,
/// each summed in order, the first one from the bias, the others from zero, then added in order.
pub fn affine<T: Element>(task: Affine<'_, T>) {
    affine_on(cpu_path(), task);
}

pub(super) fn affine_on<T: Element>(path: CpuPath, task: Affine<'_, T>) {
    let Affine { samples, depth, columns, .. } = task;
    assert_eq!(task.inputs.len(), samples * depth, "length of the inputs");
    assert_eq!(task.packed.len(), packed_len_on::<T>(path, depth, columns), "length of the packed matrix");
    assert_eq!(task.outputs.len(), samples * columns, "length of the outputs");
    assert!(task.bias.is_none_or(|bias| bias.len() == columns), "length of the bias");
    let lanes = lanes::<T>(path);
    let blocks = depth.div_ceil(LONGEST_BLOCK).max(1);
    let block = depth.div_ceil(blocks);
    let at_once = (CACHED_INPUTS / depth.max(1)).clamp(14, samples.max(14)) / 14 * 14;
    for sample in (0..samples).step_by(at_once) {
        let samples = at_once.min(samples - sample);
        for panel in (0..columns).step_by(2 * lanes) {
            let columns_here = (2 * lanes).min(columns - panel);
            for (index, first) in (0..depth.max(1)).step_by(block.max(1)).enumerate() {
                let terms = block.min(depth - first);
                dispatch_on(
                    path,
                    Sums {
                        rows: [1, samples],
                        columns: columns_here,
                        terms: [1, 1, terms],
                        left: task.inputs.get(sample * depth + first..).unwrap_or(&[]),
                        left_rows: [0, depth],
                        left_terms: [0, 0, 1],
                        right: task.packed.get(panel * depth + first * lanes..).unwrap_or(&[]),
                        right_terms: [0, 0, lanes],
                        right_panel: depth * lanes,
                        right_padded: true,
                        output: &mut task.outputs[sample * columns + panel..],
                        output_rows: [0, columns],
                        start: task.bias.map(|bias| &bias[panel..]).filter(|_| index == 0),
                        accumulate: index > 0,
                        relu: task.relu && index + 1 == blocks,
                    },
                );
            }
        }
    }
}

/// A matrix features × samples that lies in segments: `per_segment` samples at a time, segments `stride` elements apart,
/// the first one at `first`.
#[derive(Clone, Copy)]
pub struct Segments<'a, T> {
    pub data: &'a [T],
    pub first: usize,
    pub stride: usize,
    pub per_segment: usize,
    pub samples: usize,
    pub features: usize,
}

/// `gradient[r - rows.start][c] += Σ_s left[s][r] · right[s][c]` for `r` in `rows`.
pub fn outer<T: Element>(left: Segments<'_, T>, right: Segments<'_, T>, rows: Range<usize>, gradient: &mut [T]) {
    outer_on(cpu_path(), left, right, rows, gradient);
}

pub(super) fn outer_on<T: Element>(
    path: CpuPath,
    left: Segments<'_, T>,
    right: Segments<'_, T>,
    rows: Range<usize>,
    gradient: &mut [T],
) {
    todo!()
}
