//! Comparison with scalar definitions, on every path; gradients as transposes.

use super::*;
use crate::kernel::Element;
use crate::kernel::every_path::on_every_path;

const IMAGES: usize = 2;

fn geometries() -> impl Iterator<Item = Geometry> {
    let channels = [1, 2, 3, 8, 16, 37];
    let factors = [[2, 2], [1, 2], [3, 1], [3, 4]];
    channels.into_iter().flat_map(move |channels| factors.map(|factor| Geometry { input: [3, 5], channels, factor }))
}

fn image<T: Element>(count: usize) -> Vec<T> {
    (0..count).map(|index| T::of((index * 7919 % 1009) as f64 / 64.0 - 7.0)).collect()
}

fn sizes(geometry: &Geometry) -> (usize, usize) {
    let ([height, width], [down, across]) = (geometry.input, geometry.output());
    (IMAGES * height * width * geometry.channels, IMAGES * down * across * geometry.channels)
}

/// The value of an output element as a sum of input elements: offsets and weights, for one image
/// after the other.
fn terms(geometry: &Geometry, bilinear: bool) -> Vec<Vec<(usize, f64)>> {
    let ([height, width], [down, across]) = (geometry.input, geometry.output());
    let along = |position: usize, factor: usize, count: usize| -> Vec<(usize, f64)> {
        if !bilinear {
            return vec![(position / factor, 1.0)];
        }
        let centre = ((position as f64 + 0.5) / factor as f64 - 0.5).clamp(0.0, count as f64 - 1.0);
        let low = centre.floor();
        vec![(low as usize, 1.0 - (centre - low)), ((low as usize + 1).min(count - 1), centre - low)]
    };
    let mut terms = Vec::new();
    for index in 0..IMAGES * down * across * geometry.channels {
        let (pixel, channel) = (index / geometry.channels, index % geometry.channels);
        let (image, row, column) = (pixel / (down * across), pixel / across % down, pixel % across);
        let mut sum = Vec::new();
        for (y, above) in along(row, geometry.factor[0], height) {
            for (x, beside) in along(column, geometry.factor[1], width) {
                sum.push((((image * height + y) * width + x) * geometry.channels + channel, above * beside));
            }
        }
        terms.push(sum);
    }
    terms
}

fn check<T: Element>(bilinear: bool, forward: fn(&Geometry, &[T], &mut [T]), backward: fn(&Geometry, &[T], &mut [T])) {
    let near =
        |found: T, expected: f64| (found.to_f64().unwrap() - expected).abs() <= 200.0 * T::epsilon().to_f64().unwrap();
    for geometry in geometries() {
        let (inputs, outputs) = sizes(&geometry);
        let (input, gradient) = (image::<T>(inputs), image::<T>(outputs));
        let mut expected_gradient = vec![0.0; inputs];
        let mut expected = vec![0.0; outputs];
        for (index, sum) in terms(&geometry, bilinear).into_iter().enumerate() {
            for (offset, weight) in sum {
                expected[index] += weight * input[offset].to_f64().unwrap();
                expected_gradient[offset] += weight * gradient[index].to_f64().unwrap();
            }
        }
        on_every_path(|path| {
            let (mut output, mut input_gradient) = (vec![T::nan(); outputs], vec![T::nan(); inputs]);
            forward(&geometry, &input, &mut output);
            backward(&geometry, &gradient, &mut input_gradient);
            let forward_near = output.iter().zip(&expected).all(|(a, b)| near(*a, *b));
            let backward_near = input_gradient.iter().zip(&expected_gradient).all(|(a, b)| near(*a, *b));
            assert!(forward_near && backward_near, "{geometry:?} on {path:?}: {forward_near}, {backward_near}");
        });
    }
}

#[test]
fn nearest_and_its_gradient() {
    check::<f32>(false, nearest, nearest_gradient);
    check::<f64>(false, nearest, nearest_gradient);
}

#[test]
fn bilinear_and_its_gradient() {
    check::<f32>(true, bilinear, bilinear_gradient);
    check::<f64>(true, bilinear, bilinear_gradient);
}
