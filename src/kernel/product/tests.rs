//! Comparison of all products, on all paths of this CPU, with plain loops in `f64`, and tests of
//! the guarantees about bits.

use super::*;
use crate::kernel::CpuPath;
use crate::kernel::every_path::on_every_path;
use crate::kernel::testing::{Random, assert_near};

fn packed<T: Element>(matrix: &[T], depth: usize, columns: usize) -> Vec<T> {
    let mut packed = vec![T::nan(); packed_len::<T>(depth, columns)];
    Unpacked::matrix(matrix, depth, columns).pack(0, &mut packed);
    packed
}

fn check_affine<T: Element>(path: CpuPath, [samples, depth, columns]: [usize; 3], random: &mut Random) {
    let inputs = random.values::<T>(samples * depth);
    let matrix = random.values::<T>(depth * columns);
    let bias = random.values::<T>(columns);
    let packed = packed(&matrix, depth, columns);
    let mut expected = vec![0.0; samples * columns];
    for (index, expected) in expected.iter_mut().enumerate() {
        let (sample, column) = (index / columns, index % columns);
        let product =
            |d: usize| inputs[sample * depth + d].to_f64().unwrap() * matrix[d * columns + column].to_f64().unwrap();
        *expected = bias[column].to_f64().unwrap() + (0..depth).map(product).sum::<f64>();
    }
    for relu in [false, true] {
        let mut outputs = vec![T::nan(); samples * columns];
        let task = Affine {
            samples,
            depth,
            columns,
            inputs: &inputs,
            packed: &packed,
            bias: Some(&bias),
            outputs: &mut outputs,
            relu,
        };
        affine(task);
        if relu {
            expected.iter_mut().for_each(|value| *value = value.max(0.0));
        }
        assert_near(&outputs, &expected, &format!("{path:?} {samples} x {depth} x {columns}"));
    }
}

#[test]
fn affine_is_right() {
    let mut random = Random::new(1);
    for _ in 0..150 {
        let samples = random.choose(&[0, 1, 2, 3, 4, 5, 7, 13, 14, 15, 29, 64]);
        let depth = random.choose(&[0, 1, 2, 9, 32, 255, 256, 257, 513, 784, 1100]);
        let columns = random.choose(&[1, 2, 3, 4, 7, 8, 15, 16, 17, 33, 50, 64, 129]);
        on_every_path(|path| {
            check_affine::<f32>(path, [samples, depth, columns], &mut random);
            check_affine::<f64>(path, [samples, depth, columns], &mut random);
        });
    }
}

/// Each sample has the same bits alone, in a batch of any size, and at any position in it.
fn check_bits<T: Element>(path: CpuPath, depth: usize, columns: usize) {
    let mut random = Random::new(2);
    let most = 1024;
    let inputs = random.values::<T>(most * depth);
    let packed = packed(&random.values::<T>(depth * columns), depth, columns);
    let bias = random.values::<T>(columns);
    let outputs_of = |first: usize, samples: usize| {
        let mut outputs = vec![T::nan(); samples * columns];
        let inputs = &inputs[first * depth..][..samples * depth];
        affine(Affine {
            samples,
            depth,
            columns,
            inputs,
            packed: &packed,
            bias: Some(&bias),
            outputs: &mut outputs,
            relu: false,
        });
        outputs
    };
    let all = outputs_of(0, most);
    for samples in 1..=300 {
        let first = samples * 7 % (most - samples);
        assert_eq!(
            outputs_of(first, samples),
            all[first * columns..][..samples * columns],
            "{samples} samples on {path:?}"
        );
    }
}

#[test]
fn samples_have_the_same_bits_in_any_batch() {
    on_every_path(|path| {
        for (depth, columns) in [(784, 32), (37, 19), (600, 5)] {
            check_bits::<f32>(path, depth, columns);
            check_bits::<f64>(path, depth, columns);
        }
    });
}

#[test]
fn packing_the_transpose_is_packing() {
    let matrix = Random::new(3).values::<f32>(37 * 21);
    let transposed = nalgebra::DMatrix::from_row_slice(37, 21, &matrix);
    let mut packed = [vec![0.0; packed_len::<f32>(37, 21)], vec![0.0; packed_len::<f32>(37, 21)]];
    Unpacked::matrix(&matrix, 37, 21).pack(0, &mut packed[0]);
    Unpacked::transpose(transposed.as_slice(), 37, 21).pack(0, &mut packed[1]);
    assert_eq!(packed[0], packed[1]);
}

/// A matrix features × samples in segments, with gaps of NaN between them.
fn segmented<T: Element>(matrix: &[T], features: usize, per_segment: usize) -> (Vec<T>, usize, usize) {
    let (first, stride) = (3, per_segment * features + 5);
    let mut data = vec![T::nan(); first];
    let segments = matrix.chunks(per_segment * features);
    for (index, segment) in segments.enumerate() {
        data.resize(first + index * stride, T::nan());
        data.extend_from_slice(segment);
    }
    (data, first, stride)
}

fn check_outer<T: Element>(path: CpuPath, random: &mut Random) {
    let samples = random.choose(&[1, 2, 7, 31, 64, 129, 300]);
    let per_segment = random.choose(&[1, 3, 16, 64, 200, 300]);
    let [left_features, right_features] = [(); 2].map(|_| random.choose(&[1, 2, 5, 14, 17, 32, 49]));
    let left = random.values::<T>(samples * left_features);
    let right = random.values::<T>(samples * right_features);
    let before = random.values::<T>(left_features * right_features);
    let mut expected: Vec<f64> = before.iter().map(|value| value.to_f64().unwrap()).collect();
    for (index, expected) in expected.iter_mut().enumerate() {
        let (row, column) = (index / right_features, index % right_features);
        for sample in 0..samples {
            let product = left[sample * left_features + row] * right[sample * right_features + column];
            *expected += product.to_f64().unwrap();
        }
    }
    let (left_data, left_first, left_stride) = segmented(&left, left_features, per_segment);
    let (right_data, right_first, right_stride) = segmented(&right, right_features, per_segment);
    let left = Segments {
        data: &left_data,
        first: left_first,
        stride: left_stride,
        per_segment,
        samples,
        features: left_features,
    };
    let right = Segments {
        data: &right_data,
        first: right_first,
        stride: right_stride,
        per_segment,
        samples,
        features: right_features,
    };

    let mut whole = before.clone();
    outer(left, right, 0..left_features, &mut whole);
    assert_near(&whole, &expected, &format!("{path:?} {samples} in {per_segment}, {left_features} x {right_features}"));

    let mut parts = before;
    let middle = left_features / 3;
    let (above, below) = parts.split_at_mut(middle * right_features);
    outer(left, right, 0..middle, above);
    outer(left, right, middle..left_features, below);
    assert_eq!(parts, whole, "rows in two parts");
}

#[test]
fn outer_is_right_and_does_not_depend_on_the_rows() {
    let mut random = Random::new(4);
    for _ in 0..100 {
        on_every_path(|path| {
            check_outer::<f32>(path, &mut random);
            check_outer::<f64>(path, &mut random);
        });
    }
}

#[test]
fn column_sums_are_right() {
    let mut random = Random::new(5);
    for (rows, columns) in [(0, 3), (1, 1), (100, 1), (7, 3), (9, 16), (5, 37)] {
        on_every_path(|path| {
            let matrix = random.values::<f32>(rows * columns);
            let mut sums = vec![1.0f32; columns];
            column_sums(&matrix, columns, &mut sums);
            let expected: Vec<f64> = (0..columns)
                .map(|column| 1.0 + matrix.iter().skip(column).step_by(columns).map(|&value| value as f64).sum::<f64>())
                .collect();
            assert_near(&sums, &expected, &format!("{path:?} {rows} x {columns}"));
        });
    }
}

#[test]
fn samples_of_segments() {
    let data: Vec<f32> = (0..20).map(|value| value as f32).collect();
    let segments = Segments { data: &data, first: 1, stride: 9, per_segment: 3, samples: 5, features: 2 };
    let found: Vec<_> = (0..6).map(|sample| segments.sample(sample).map(|sample| sample[0])).collect();
    assert_eq!(found, [Some(1.0), Some(3.0), Some(5.0), Some(10.0), Some(12.0), None]);
    assert_eq!(Segments { per_segment: 0, ..segments }.sample(0), None);
    assert_eq!(Segments { first: 18, ..segments }.sample(1), None);
}

/// Sizes whose product wraps to the length of the slice.
#[test]
fn sizes_that_overflow_are_not_the_lengths_of_slices() {
    let huge = 1_usize << (usize::BITS - 1);
    let refused = |task: Affine<'_, f32>| {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| affine(task))).expect_err("the sizes are too large");
    };
    let none = || Affine {
        samples: huge,
        depth: 2,
        columns: 0,
        inputs: &[],
        packed: &[],
        bias: None,
        outputs: &mut [],
        relu: false,
    };
    refused(none());
    refused(Affine { depth: 0, columns: 2, ..none() });
    refused(Affine { samples: 0, depth: 2, columns: usize::MAX, ..none() });
    let matrix = std::panic::catch_unwind(|| Unpacked::<f32>::matrix(&[], huge, 2));
    matrix.expect_err("the sizes are too large");
    assert_eq!(packed_len::<f32>(huge, 2), usize::MAX);
    assert_eq!(crate::kernel::elements(&[huge, huge, 0]), 0);
}
