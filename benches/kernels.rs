//! Products and convolutions on one core: microseconds, GFLOP/s, and the share of the FMA peak
//! measured in the same run.
//!
//! `cargo bench --bench kernels`, and `cargo bench --bench kernels -- f64` for double precision;
//! the environment variable `AUTOENCODER_CPU_PATH` forces a path.

use std::hint::black_box;
use std::time::Instant;

use autoencoder::kernel::convolution::{self, Direction, Geometry, Images};
use autoencoder::kernel::product::{self, Affine, Segments};
use autoencoder::kernel::{Element, cpu_path, peak};

fn main() {
    if std::env::args().any(|argument| argument == "f64") {
        Report::<f64>::new().all();
    } else {
        Report::<f32>::new().all();
    }
}

struct Report<T> {
    peak: f64,
    element: std::marker::PhantomData<T>,
}

impl<T: Element> Report<T> {
    fn new() -> Self {
        let peak = peak::operations_per_second::<T>();
        println!("{} on {}: peak {:.0} GFLOP/s", std::any::type_name::<T>(), cpu_path().name(), peak * 1e-9);
        Report { peak, element: std::marker::PhantomData }
    }

    fn all(&self) {
        println!("affine: samples x depth x columns");
        for (samples, depth, columns) in [
            (256, 784, 32),
            (256, 32, 784),
            (1568, 288, 64),
            (784, 9, 32),
            (256, 784, 128),
            (256, 128, 64),
            (256, 64, 32),
            (256, 1024, 512),
            (32, 784, 32),
            (3, 784, 32),
            (1, 784, 32),
            (1, 32, 784),
        ] {
            self.affine(samples, depth, columns);
        }
        println!("outer: samples x left x right");
        for (samples, left, right) in
            [(256, 784, 32), (256, 32, 784), (256, 784, 128), (256, 128, 64), (256, 64, 32), (256, 512, 1024)]
        {
            self.outer(samples, left, right);
        }
        println!("convolution 3x3: forward, input gradient, weight gradient");
        for (size, channels, filters) in
            [(28, 1, 32), (14, 32, 64), (7, 64, 64), (14, 64, 32), (28, 32, 1), (28, 3, 32), (28, 32, 3), (8, 128, 128)]
        {
            self.convolution(size, channels, filters, 1);
        }
        for (size, channels, filters) in [(28, 32, 64), (14, 64, 64)] {
            self.convolution(size, channels, filters, 2);
        }
    }

    fn line(&self, name: &str, operations: usize, work: impl FnMut()) {
        if std::env::args().skip(1).any(|part| !part.starts_with("--") && part != "f64" && !name.contains(&part)) {
            return;
        }
        let seconds = seconds(work);
        let rate = operations as f64 / seconds;
        println!(
            "  {name:<34} {:>9.2} us {:>7.1} GFLOP/s {:>4.0} %",
            seconds * 1e6,
            rate * 1e-9,
            rate / self.peak * 100.0
        );
    }

    fn affine(&self, samples: usize, depth: usize, columns: usize) {
        let inputs = Values::<T>::new(samples * depth);
        let matrix = Values::new(depth * columns);
        let bias = Values::new(columns);
        let mut packed = Values::new(product::packed_len::<T>(depth, columns));
        let mut outputs = Values::new(samples * columns);
        product::Unpacked::matrix(matrix.get(), depth, columns).pack(0, packed.get_mut());
        self.line(&format!("{samples} x {depth} x {columns}"), 2 * samples * depth * columns, || {
            product::affine(Affine {
                samples,
                depth,
                columns,
                inputs: black_box(inputs.get()),
                packed: packed.get(),
                bias: Some(bias.get()),
                outputs: outputs.get_mut(),
                relu: true,
            })
        });
    }

    fn outer(&self, samples: usize, left_features: usize, right_features: usize) {
        let left = Values::<T>::new(samples * left_features);
        let right = Values::new(samples * right_features);
        let mut gradient = Values::new(left_features * right_features);
        let operations = 2 * samples * left_features * right_features;
        self.line(&format!("{samples} x {left_features} x {right_features}"), operations, || {
            let left = Segments::contiguous(black_box(left.get()), left_features, samples);
            let right = Segments::contiguous(right.get(), right_features, samples);
            product::outer(left, right, 0..left_features, gradient.get_mut())
        });
    }

    fn convolution(&self, size: usize, channels: usize, filters: usize, stride: usize) {
        let samples = 8;
        let g = Geometry {
            input: [size; 2],
            channels,
            filters,
            kernel: [3; 2],
            stride: [stride; 2],
            dilation: [1; 2],
            padding: [2 - stride; 2],
            output: [size / stride; 2],
        };
        let name = format!("{size} x {size} x {channels} -> {filters}, stride {stride}");
        let operations = 2 * samples * g.output[0] * g.output[1] * g.weights_len();
        let mut input = Values::<T>::new(samples * g.input_len());
        let mut output = Values::new(samples * g.output_len());
        let mut weights = Values::new(g.weights_len());
        let bias = Values::new(filters);
        let [packed, packed_gradient] = [Direction::Forward, Direction::Transposed].map(|direction| {
            let mut packed = Values::new(convolution::packed_len::<T>(&g, direction));
            convolution::pack(&g, direction, weights.get(), packed.get_mut());
            packed
        });
        let mut scratch = Values::new(convolution::scratch_len::<T>(&g));
        self.line(&format!("{name} f"), operations, || {
            let images = Images {
                samples,
                source: black_box(input.get()),
                packed: packed.get(),
                bias: Some(bias.get()),
                relu: true,
                target: output.get_mut(),
                scratch: scratch.get_mut(),
            };
            convolution::convolve(&g, Direction::Forward, images)
        });
        self.line(&format!("{name} i"), operations, || {
            let images = Images {
                samples,
                source: black_box(output.get()),
                packed: packed_gradient.get(),
                bias: None,
                relu: false,
                target: input.get_mut(),
                scratch: scratch.get_mut(),
            };
            convolution::convolve(&g, Direction::Transposed, images)
        });
        let (input, output) = (Values::new(samples * g.input_len()), Values::new(samples * g.output_len()));
        self.line(&format!("{name} w"), operations, || {
            let (input, output) = (black_box(input.get()), output.get());
            convolution::weight_gradient(&g, samples, input, output, weights.get_mut(), scratch.get_mut())
        });
    }
}

/// Small values that begin at a cache line, as a good workspace does.
struct Values<T> {
    storage: Vec<T>,
    start: usize,
}

impl<T: Element> Values<T> {
    fn new(len: usize) -> Self {
        let slack = 64 / size_of::<T>();
        let storage: Vec<T> = (0..len + slack).map(|index| T::of((index * 37 % 101) as f64 * 1e-3 - 0.05)).collect();
        let start = if std::env::var_os("UNALIGNED").is_some() { 0 } else { storage.as_ptr().align_offset(64) };
        let mut storage = storage;
        storage.truncate(start + len);
        Values { storage, start }
    }

    fn get(&self) -> &[T] {
        &self.storage[self.start..]
    }

    fn get_mut(&mut self) -> &mut [T] {
        &mut self.storage[self.start..]
    }
}

/// The shortest of many runs.
fn seconds(mut work: impl FnMut()) -> f64 {
    work();
    let mut best = f64::INFINITY;
    let begun = Instant::now();
    while begun.elapsed().as_secs_f64() < 0.2 {
        let start = Instant::now();
        work();
        best = best.min(start.elapsed().as_secs_f64());
    }
    best
}
