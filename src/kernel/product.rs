//! placeholder
use super::Element;
use std::ops::Range;

pub fn packed_len<T: Element>(depth: usize, columns: usize) -> usize {
    depth * columns
}
pub fn pack<T: Element>(matrix: &[T], _depth: usize, _columns: usize, packed: &mut [T]) {
    packed.copy_from_slice(matrix);
}
pub fn pack_transposed<T: Element>(matrix: &[T], depth: usize, columns: usize, packed: &mut [T]) {
    for c in 0..columns {
        for d in 0..depth {
            packed[d * columns + c] = matrix[c * depth + d];
        }
    }
}
pub struct Affine<'a, T> {
    pub samples: usize,
    pub depth: usize,
    pub columns: usize,
    pub inputs: &'a [T],
    pub packed: &'a [T],
    pub bias: Option<&'a [T]>,
    pub outputs: &'a mut [T],
    pub relu: bool,
}
pub fn affine<T: Element>(task: Affine<'_, T>) {
    for s in 0..task.samples {
        let out = &mut task.outputs[s * task.columns..][..task.columns];
        match task.bias {
            Some(bias) => out.copy_from_slice(bias),
            None => out.fill(T::zero()),
        }
        for d in 0..task.depth {
            let x = task.inputs[s * task.depth + d];
            for (o, w) in out.iter_mut().zip(&task.packed[d * task.columns..]) {
                *o += x * *w;
            }
        }
        if task.relu {
            out.iter_mut().for_each(|o| *o = o.max(T::zero()));
        }
    }
}
#[derive(Clone, Copy, Debug)]
pub struct Segments<'a, T> {
    pub data: &'a [T],
    pub first: usize,
    pub stride: usize,
    pub per_segment: usize,
    pub samples: usize,
    pub features: usize,
}
impl<'a, T> Segments<'a, T> {
    fn sample(&self, s: usize) -> &'a [T] {
        let at = self.first + (s / self.per_segment) * self.stride + (s % self.per_segment) * self.features;
        &self.data[at..at + self.features]
    }
}
pub fn outer<T: Element>(left: Segments<'_, T>, right: Segments<'_, T>, rows: Range<usize>, gradient: &mut [T]) {
    for s in 0..left.samples {
        let (l, r) = (left.sample(s), right.sample(s));
        for (row, out) in rows.clone().zip(gradient.chunks_exact_mut(right.features)) {
            for (o, b) in out.iter_mut().zip(r) {
                *o += l[row] * *b;
            }
        }
    }
}
pub fn column_sums<T: Element>(matrix: &[T], columns: usize, sums: &mut [T]) {
    for row in matrix.chunks_exact(columns) {
        for (s, v) in sums.iter_mut().zip(row) {
            *s += *v;
        }
    }
}
/// rows[r][c] += values[c] for every row r   (bias)
pub fn add_to_rows<T: Element>(values: &[T], rows: &mut [T]) {
    for row in rows.chunks_exact_mut(values.len()) {
        for (value, add) in row.iter_mut().zip(values) {
            *value += *add;
        }
    }
}
