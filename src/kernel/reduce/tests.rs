//! Comparison with scalar loops, on every path.

use super::*;
use crate::kernel::every_path::on_every_path;

fn values<T: Element>(count: usize, factor: usize) -> Vec<T> {
    (0..count).map(|index| T::of((index * factor % 997) as f64 / 997.0)).collect()
}

fn check_sums<T: Element>(tolerance: f64) {
    on_every_path(|path| {
        for count in (0..70).chain([511, 512, 513, 5000]) {
            let (a, b) = (values::<T>(count, 7919), values::<T>(count, 577));
            let double = |value: &T| value.to_f64().unwrap();
            let squares: f64 = a.iter().map(|a| double(a) * double(a)).sum();
            let centred: Vec<T> = a.iter().map(|a| *a - T::of(0.5)).collect();
            let absolutes: f64 = centred.iter().map(|value| double(value).abs()).sum();
            let differences: f64 = a.iter().zip(&b).map(|(a, b)| (double(a) - double(b)).powi(2)).sum();
            let near = |found: f64, expected: f64| (found - expected).abs() <= tolerance * expected;
            assert!(near(sum_of_squares(&a), squares), "{count} on {path:?}");
            assert!(near(sum_of_absolutes(&centred), absolutes), "{count} on {path:?}");
            assert!(near(squared_differences(&a, &b), differences), "{count} on {path:?}");
        }
    });
}

#[test]
fn sums_of_all_lengths() {
    check_sums::<f32>(5e-7);
    check_sums::<f64>(5e-15);
}

fn check_faults<T: Element>() {
    on_every_path(|path| {
        for count in (0..70).chain([511, 512, 513, 1030]) {
            let good = values::<T>(count, 7919);
            assert!(finite(&good) && outside_unit_interval(&good).is_none(), "{count} on {path:?}");
            for index in (0..count).step_by(1 + count / 40) {
                for fault in [T::nan(), T::infinity(), T::neg_infinity()] {
                    let mut bad = good.clone();
                    bad[index..].fill(fault);
                    assert!(!finite(&bad));
                    assert_eq!(first_not_finite(&bad), Some(index), "{fault} in {count} on {path:?}");
                    assert_eq!(outside_unit_interval(&bad), Some(index), "{fault} in {count} on {path:?}");
                }
                for fault in [-T::min_positive_value(), T::one() + T::epsilon(), T::max_value()] {
                    let mut bad = good.clone();
                    bad[index] = fault;
                    assert!(finite(&bad));
                    assert_eq!(outside_unit_interval(&bad), Some(index), "{fault} in {count} on {path:?}");
                }
            }
        }
    });
}

#[test]
fn faults_are_found_wherever_they_are() {
    check_faults::<f32>();
    check_faults::<f64>();
}

#[test]
fn the_ends_of_the_interval_are_inside() {
    on_every_path(|_| assert_eq!(outside_unit_interval(&[0.0f32, -0.0, 1.0, f32::MIN_POSITIVE]), None));
}
