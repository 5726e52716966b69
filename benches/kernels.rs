//! Products and convolutions on one core: GFLOP/s, and the share of the FMA peak measured in the same run.

use std::hint::black_box;
use std::time::Instant;
use autoencoder::kernel::product::*;

fn seconds(mut work: impl FnMut()) -> f64 {
    work();
    let mut best = f64::INFINITY;
    let begun = Instant::now();
    while begun.elapsed().as_secs_f64() < 0.3 {
        let start = Instant::now();
        work();
        best = best.min(start.elapsed().as_secs_f64());
    }
    best
}

fn main() {
    println!("peak {:.1}", autoencoder::kernel::peak::operations_per_second::<f32>() * 1e-9);
    for (left, right, samples) in [(784usize, 32usize, 256usize), (32, 784, 256), (128,784,256),(64,128,256),(512,1024,256), (288,64,196), (576,64,49)] {
        let a = vec![0.5f32; samples * left];
        let b = vec![0.5f32; samples * right];
        let mut g = vec![0.5f32; left * right];
        let t = seconds(|| outer(Segments::contiguous(&a, left, samples), Segments::contiguous(&b, right, samples), 0..left, &mut g));
        println!("outer {left}x{right} {samples}: {:.1} GF {:.2} us", 2.0 * (left * samples * right) as f64 / t * 1e-9, t * 1e6);
    }
    for (columns, samples, depth) in [(32, 256, 784), (784, 256, 32), (64, 1568, 288), (32, 784, 9), (32, 1, 784), (128,256,784),(64,256,128),(512,256,1024)] {
        let inputs = vec![0.5f32; samples * depth];
        let matrix = vec![0.5f32; columns * depth];
        let bias = vec![0.5f32; columns];
        let mut packed = vec![0.0; packed_len::<f32>(depth, columns)];
        pack(&matrix, depth, columns, &mut packed);
        let mut outputs = vec![0.0f32; samples * columns];
        let t = seconds(|| affine(Affine { samples, depth, columns, inputs: black_box(&inputs), packed: &packed, bias: Some(&bias), outputs: &mut outputs, relu: true }));
        println!("{columns}x{samples}x{depth}: {:.1} GF {:.2} us", 2.0 * (columns * samples * depth) as f64 / t * 1e-9, t * 1e6);
    }
}
