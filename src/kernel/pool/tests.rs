//! Comparison with scalar definitions, on every path, for adjacent, overlapping and spaced windows,
//! with and without padding.

use super::*;
use crate::kernel::Element;
use crate::kernel::every_path::on_every_path;

const IMAGES: usize = 2;

/// Side of the input, channels, window, stride, padding.
type Case = (usize, usize, [usize; 2], [usize; 2], [usize; 2]);

const CASES: [Case; 12] = [
    (8, 1, [2, 2], [2, 2], [0, 0]),
    (9, 1, [2, 2], [2, 2], [0, 0]),
    (38, 1, [2, 2], [2, 2], [0, 0]),
    (7, 2, [2, 2], [2, 2], [0, 0]),
    (34, 2, [2, 2], [2, 2], [0, 0]),
    (6, 3, [2, 2], [2, 2], [0, 0]),
    (6, 16, [2, 2], [2, 2], [0, 0]),
    (6, 37, [2, 2], [2, 2], [0, 0]),
    (7, 1, [3, 3], [2, 2], [1, 1]),
    (7, 5, [3, 2], [1, 2], [1, 0]),
    (8, 21, [1, 2], [3, 3], [0, 0]),
    (5, 8, [2, 2], [2, 2], [1, 1]),
];

fn geometries() -> impl Iterator<Item = Geometry> {
    CASES.into_iter().map(|(side, channels, window, stride, padding)| {
        let output = [0, 1].map(|axis| (side + 2 * padding[axis] - window[axis]) / stride[axis] + 1);
        Geometry { input: [side, side + 1], channels, window, stride, padding, output }
    })
}

/// Whole numbers, so that sums are exact and ties for the largest value frequent.
fn image<T: Element>(count: usize, kinds: usize) -> Vec<T> {
    (0..count).map(|index| T::of((index * 7919 % 1009 % kinds) as f64 - 2.0)).collect()
}

/// The offsets of the values under each window, by output offset, in row-major order.
fn windows(geometry: &Geometry) -> Vec<Vec<usize>> {
    let [height, width] = geometry.input;
    let mut windows = Vec::new();
    for row in 0..geometry.output[0] {
        for column in 0..geometry.output[1] {
            for channel in 0..geometry.channels {
                let mut offsets = Vec::new();
                for (y, x) in (0..geometry.window[0]).flat_map(|y| (0..geometry.window[1]).map(move |x| (y, x))) {
                    let y = (row * geometry.stride[0] + y).checked_sub(geometry.padding[0]).filter(|y| *y < height);
                    let x = (column * geometry.stride[1] + x).checked_sub(geometry.padding[1]).filter(|x| *x < width);
                    if let (Some(y), Some(x)) = (y, x) {
                        offsets.push((y * width + x) * geometry.channels + channel);
                    }
                }
                windows.push(offsets);
            }
        }
    }
    windows
}

fn sizes(geometry: &Geometry) -> (usize, usize) {
    let [[height, width], [down, across]] = [geometry.input, geometry.output];
    (height * width * geometry.channels, down * across * geometry.channels)
}

fn check_max<T: Element>() {
    for geometry in geometries() {
        let (inputs, outputs) = sizes(&geometry);
        let (input, gradient) = (image::<T>(IMAGES * inputs, 7), image::<T>(IMAGES * outputs, 31));
        let (mut expected, mut expected_gradient) = (vec![], vec![T::zero(); input.len()]);
        for image in 0..IMAGES {
            for window in windows(&geometry) {
                let value = |offset: usize| input[image * inputs + offset];
                let largest = window.iter().map(|offset| value(*offset)).fold(T::neg_infinity(), T::max);
                let winner = *window.iter().find(|offset| value(**offset) == largest).unwrap();
                expected_gradient[image * inputs + winner] += gradient[expected.len()];
                expected.push(largest);
            }
        }
        on_every_path(|path| {
            let (mut output, mut input_gradient) = (vec![T::nan(); gradient.len()], vec![T::nan(); input.len()]);
            max(&geometry, &input, &mut output);
            assert_eq!(output, expected, "{geometry:?} on {path:?}");
            max_gradient(&geometry, &input, &output, &gradient, &mut input_gradient);
            assert_eq!(input_gradient, expected_gradient, "gradient of {geometry:?} on {path:?}");
        });
    }
}

#[test]
fn max_and_its_gradient() {
    check_max::<f32>();
    check_max::<f64>();
}

/// A NaN is put at some places in turn: every window over it gives NaN, the others what they gave
/// before.
fn check_nan<T: Element>() {
    for geometry in geometries() {
        let (inputs, outputs) = sizes(&geometry);
        let clean = image::<T>(inputs, 7);
        let windows = windows(&geometry);
        on_every_path(|path| {
            let pooled = |input: &[T], pool: fn(&Geometry, &[T], &mut [T])| {
                let mut output = vec![T::zero(); outputs];
                pool(&geometry, input, &mut output);
                output
            };
            for place in (0..inputs).step_by(inputs / 23 + 1).chain([inputs - 1]) {
                let mut input = clean.clone();
                input[place] = T::nan();
                for pool in [max::<T>, average::<T>] {
                    let (found, before) = (pooled(&input, pool), pooled(&clean, pool));
                    for (window, (found, before)) in windows.iter().zip(found.iter().zip(before)) {
                        let shown = if window.contains(&place) { found.is_nan() } else { *found == before };
                        assert!(shown, "{geometry:?} on {path:?}: {found} for NaN at {place}");
                    }
                }
                let (largest, gradient) = (pooled(&input, max::<T>), vec![T::one(); outputs]);
                let mut input_gradient = vec![T::nan(); inputs];
                max_gradient(&geometry, &input, &largest, &gradient, &mut input_gradient);
                let (given, passed) = (T::of(outputs as f64), input_gradient.iter().copied().sum::<T>());
                assert_eq!(passed, given, "every window passes its gradient on, {geometry:?} on {path:?}");
            }
        });
    }
}

#[test]
fn a_pool_shows_nan() {
    check_nan::<f32>();
    check_nan::<f64>();
}

fn check_average<T: Element>() {
    let tolerance = T::of(40.0) * T::epsilon();
    let near = |found: &[T], expected: &[T]| found.iter().zip(expected).all(|(a, b)| (*a - *b).abs() <= tolerance);
    for geometry in geometries() {
        let (inputs, outputs) = sizes(&geometry);
        let (input, gradient) = (image::<T>(IMAGES * inputs, 7), image::<T>(IMAGES * outputs, 31));
        let (mut expected, mut expected_gradient) = (vec![], vec![T::zero(); input.len()]);
        for image in 0..IMAGES {
            for window in windows(&geometry) {
                let share = T::of(window.len() as f64).recip();
                for offset in &window {
                    expected_gradient[image * inputs + offset] += gradient[expected.len()] * share;
                }
                expected.push(window.iter().map(|offset| input[image * inputs + offset]).sum::<T>() * share);
            }
        }
        on_every_path(|path| {
            let (mut output, mut input_gradient) = (vec![T::nan(); gradient.len()], vec![T::nan(); input.len()]);
            average(&geometry, &input, &mut output);
            assert!(near(&output, &expected), "{geometry:?} on {path:?}");
            average_gradient(&geometry, &gradient, &mut input_gradient);
            assert!(near(&input_gradient, &expected_gradient), "gradient of {geometry:?} on {path:?}");
        });
    }
}

#[test]
fn average_and_its_gradient() {
    check_average::<f32>();
    check_average::<f64>();
}

#[test]
#[should_panic(expected = "as many output images as input images")]
fn lengths_are_checked() {
    let geometry = geometries().next().unwrap();
    max(&geometry, &[0.0f32; 72], &mut [0.0; 15]);
}
