//! Comparison of all passes, on all paths of this CPU, with plain loops in `f64`.

use super::*;
use crate::kernel::CpuPath;
use crate::kernel::every_path::on_every_path;
use crate::kernel::testing::{Random, assert_near};

/// Calls `visit(output, input, weight)` with the indices of every product in the convolution.
fn for_each_product(g: &Geometry, mut visit: impl FnMut(usize, usize, usize)) {
    for (y, x, f) in triples(g.output[0], g.output[1], g.filters) {
        for (i, j, c) in triples(g.kernel[0], g.kernel[1], g.channels) {
            let row = (y * g.stride[0] + i * g.dilation[0]).wrapping_sub(g.padding[0]);
            let column = (x * g.stride[1] + j * g.dilation[1]).wrapping_sub(g.padding[1]);
            if row < g.input[0] && column < g.input[1] {
                let output = (y * g.output[1] + x) * g.filters + f;
                let input = (row * g.input[1] + column) * g.channels + c;
                visit(output, input, ((i * g.kernel[1] + j) * g.channels + c) * g.filters + f);
            }
        }
    }
}

fn triples(a: usize, b: usize, c: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    (0..a * b * c).map(move |index| (index / (b * c), index / c % b, index % c))
}

fn check<T: Element>(path: CpuPath, g: &Geometry, random: &mut Random) {
    let samples = 2;
    let (input_len, output_len) = (g.input_len(), g.output_len());
    let input = random.values::<T>(samples * input_len);
    let output_gradient = random.values::<T>(samples * output_len);
    let weights = random.values::<T>(g.weights_len());
    let bias = random.values::<T>(g.filters);
    let before = random.values::<T>(g.weights_len());
    let wide = |values: &[T]| values.iter().map(|value| value.to_f64().unwrap()).collect::<Vec<f64>>();
    let (wide_input, wide_weights, wide_gradient) = (wide(&input), wide(&weights), wide(&output_gradient));

    let mut expected_output = wide(&bias).repeat(samples * g.output[0] * g.output[1]);
    let mut expected_input = vec![0.0; samples * input_len];
    let mut expected_weights = wide(&before);
    for sample in 0..samples {
        for_each_product(g, |output, input, weight| {
            let (output, input) = (sample * output_len + output, sample * input_len + input);
            expected_output[output] += wide_input[input] * wide_weights[weight];
            expected_input[input] += wide_gradient[output] * wide_weights[weight];
            expected_weights[weight] += wide_input[input] * wide_gradient[output];
        });
    }
    expected_output.iter_mut().for_each(|value| *value = value.max(0.0));

    let context = format!("{path:?} {g:?}");
    let output = convolved(g, Direction::Forward, &weights, &input, Some(&bias));
    assert_near(&output, &expected_output, &format!("output, {context}"));
    let alone = convolved(g, Direction::Forward, &weights, &input[input_len..], Some(&bias));
    assert_eq!(alone, output[output_len..], "one sample alone, {context}");
    let gradient = convolved(g, Direction::Transposed, &weights, &output_gradient, None);
    assert_near(&gradient, &expected_input, &format!("input gradient, {context}"));

    let (mut gradient, mut scratch) = (before, vec![T::nan(); scratch_len::<T>(g)]);
    weight_gradient(g, samples, &input, &output_gradient, &mut gradient, &mut scratch);
    assert_near(&gradient, &expected_weights, &format!("weight gradient, {context}"));
}

/// The convolution of all samples in `source`; with a bias also ReLU.
fn convolved<T: Element>(
    g: &Geometry,
    direction: Direction,
    weights: &[T],
    source: &[T],
    bias: Option<&[T]>,
) -> Vec<T> {
    let (source_len, target_len) = match direction {
        Direction::Forward => (g.input_len(), g.output_len()),
        Direction::Transposed => (g.output_len(), g.input_len()),
    };
    let samples = source.len() / source_len;
    let (mut packed, mut target) =
        (vec![T::nan(); packed_len::<T>(g, direction)], vec![T::nan(); samples * target_len]);
    pack(g, direction, weights, &mut packed);
    let images = Images {
        samples,
        source,
        packed: &packed,
        bias,
        relu: bias.is_some(),
        target: &mut target,
        scratch: &mut vec![T::nan(); scratch_len::<T>(g)],
    };
    convolve(g, direction, images);
    target
}

fn random_geometry(random: &mut Random) -> Geometry {
    let mut pair = |choices: &[usize]| [random.choose(choices), random.choose(choices)];
    let input = pair(&[1, 2, 3, 5, 7, 8, 14, 15]);
    let kernel = pair(&[1, 2, 3, 3, 4, 5]);
    let stride = pair(&[1, 1, 1, 2, 3, 4]);
    let dilation = pair(&[1, 1, 1, 2, 3]);
    let padding = pair(&[0, 0, 1, 1, 2, 5]);
    let output = pair(&[1, 2, 3, 4, 7, 8, 14]);
    let channels = random.choose(&[1, 1, 2, 3, 5, 8, 16, 17, 32]);
    let filters = random.choose(&[1, 1, 2, 3, 5, 8, 16, 17, 32, 70]);
    Geometry { input, channels, filters, kernel, stride, dilation, padding, output }
}

/// The output size is independent of the input size here: windows may end before the image does, or
/// extend beyond it.
#[test]
fn random_geometries() {
    let mut random = Random::new(7);
    for _ in 0..150 {
        let geometry = random_geometry(&mut random);
        on_every_path(|path| {
            check::<f32>(path, &geometry, &mut random);
            check::<f64>(path, &geometry, &mut random);
        });
    }
}

/// The layers of the usual image models.
#[test]
fn same_padding() {
    let mut random = Random::new(8);
    for (size, channels, filters) in [(28usize, 1, 32), (14, 32, 64), (7, 64, 64), (28, 32, 1), (9, 3, 8), (11, 8, 3)] {
        for (stride, output) in [(1, size), (2, size.div_ceil(2))] {
            let padding = ((output - 1) * stride + 3usize).saturating_sub(size) / 2;
            let geometry = Geometry {
                input: [size; 2],
                channels,
                filters,
                kernel: [3; 2],
                stride: [stride; 2],
                dilation: [1; 2],
                padding: [padding; 2],
                output: [output; 2],
            };
            on_every_path(|path| {
                check::<f32>(path, &geometry, &mut random);
                check::<f64>(path, &geometry, &mut random);
            });
        }
    }
}

/// With the padding that makes the output as large as the input.
fn same(input: [usize; 2], kernel: usize, dilation: usize, stride: usize, channels: usize, filters: usize) -> Geometry {
    let output = input.map(|size| size.div_ceil(stride));
    let reach = (kernel - 1) * dilation + 1;
    let padding = [0, 1].map(|axis| ((output[axis] - 1) * stride + reach).saturating_sub(input[axis]) / 2);
    let (kernel, stride, dilation) = ([kernel; 2], [stride; 2], [dilation; 2]);
    Geometry { input, channels, filters, kernel, stride, dilation, padding, output }
}

#[test]
fn kernels_larger_than_the_image() {
    let mut random = Random::new(9);
    for (input, kernel, dilation, stride) in [
        ([1, 1], 2, 1, 1),
        ([1, 1], 7, 1, 1),
        ([2, 2], 7, 1, 1),
        ([2, 1], 6, 1, 2),
        ([3, 2], 3, 2, 1),
        ([3, 5], 3, 4, 1),
        ([4, 3], 2, 30, 1),
        ([2, 3], 4, 9, 2),
        ([3, 3], 2, 1, 5),
        ([1, 4], 3, 2, 7),
    ] {
        for (channels, filters) in [(1, 1), (3, 1), (1, 20), (17, 5)] {
            let geometry = same(input, kernel, dilation, stride, channels, filters);
            on_every_path(|path| {
                check::<f32>(path, &geometry, &mut random);
                check::<f64>(path, &geometry, &mut random);
            });
        }
    }
}

/// Memory and work are those of the positions that meet the image, however far the others are.
#[test]
fn what_lies_beyond_the_image_costs_nothing() {
    let far = same([3, 3], 3, 1 << 28, 1, 2, 4);
    assert_eq!(scratch_len::<f32>(&far), 0);
    assert_eq!(
        packed_len::<f32>(&far, Direction::Forward),
        packed_len::<f32>(&same([3, 3], 1, 1, 1, 2, 4), Direction::Forward)
    );
    check::<f64>(crate::kernel::cpu_path(), &far, &mut Random::new(10));
}

/// A step of 2³⁰ pixels makes as many phases, of which only those that a position of the kernel
/// serves are looked at: going through all would not end.
#[test]
fn a_stride_is_not_counted_out() {
    let far = same([1 << 30, 1], 3, 1, 1 << 30, 1, 4);
    let near = same([64, 1], 3, 1, 64, 1, 4);
    for direction in [Direction::Forward, Direction::Transposed] {
        assert_eq!(packed_len::<f32>(&far, direction), packed_len::<f32>(&near, direction));
    }
    assert_eq!(scratch_len::<f32>(&far), scratch_len::<f32>(&near));
}
