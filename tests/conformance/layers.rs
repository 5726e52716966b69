//! The rows of the layers.

use std::panic::{AssertUnwindSafe, catch_unwind};

use autoencoder::testing::LayerCheck;
use autoencoder::*;

use crate::Row;
use crate::built::Built;
use crate::heap::calls_of_thread;

type Options = for<'a> fn(LayerCheck<'a, Built>) -> LayerCheck<'a, Built>;

/// The rows so far.
struct Table(Vec<Row>);

impl Table {
    fn add(&mut self, name: impl Into<String>, input: Shape, layer: impl Layer<f32> + Layer<f64> + Clone + 'static) {
        self.with(name, input, layer, |check| check);
    }

    fn with(
        &mut self,
        name: impl Into<String>,
        input: Shape,
        layer: impl Layer<f32> + Layer<f64> + Clone + 'static,
        options: Options,
    ) {
        let layer = Built::new(layer);
        let (off, planned) = (layer.off(), layer.clone());
        // A network runs no pass of its own reshaping layers, only of those within another layer.
        let is_reshape = matches!(layer.kind(), "flatten" | "reshape");
        let run = move || {
            let check = LayerCheck::new(|| layer.clone(), input).allocations(calls_of_thread);
            options(if is_reshape { check } else { check.stands_for(Built::layers) }).run()
        };
        let off = move || options(LayerCheck::new(|| off.clone(), input)).gradients();
        self.0.push(Row::checked(name, run, off).and(move || planned_badly(&planned)));
    }
}

/// Shapes that a plan panics on. A network never asks for such, but anyone may ask a plan.
fn planned_badly(layer: &Built) -> Option<String> {
    const HUGE: usize = usize::MAX;
    let sizes = [0, 1, 2, MAX_ELEMENTS, HUGE / 2, HUGE];
    let shapes = sizes.iter().flat_map(|a| sizes.map(|b| (*a, b))).flat_map(|(a, b)| {
        let images = sizes.map(|c| Shape::image(a, b, c));
        images.into_iter().chain([Shape::flat(a), Shape::sequence(a, b)])
    });
    let panics = |shape: &Shape| {
        let plans = || (layer.plan(*shape, &[]).is_ok(), layer.plan(*shape, &[*shape; 2]).is_ok());
        catch_unwind(AssertUnwindSafe(plans)).is_err()
    };
    let bad: Vec<Shape> = shapes.filter(panics).collect();
    (!bad.is_empty()).then(|| format!("`plan` panics on {bad:?}"))
}

pub fn activations() -> Vec<(&'static str, Activation)> {
    vec![
        ("linear", Activation::Linear),
        ("relu", Activation::Relu),
        ("leaky relu 0.3", Activation::LeakyRelu { slope: 0.3 }),
        ("leaky relu 0", Activation::LeakyRelu { slope: 0.0 }),
        ("leaky relu -0.5", Activation::LeakyRelu { slope: -0.5 }),
        ("elu 1", Activation::Elu { alpha: 1.0 }),
        ("elu 0.3", Activation::Elu { alpha: 0.3 }),
        ("elu 0", Activation::Elu { alpha: 0.0 }),
        ("selu", Activation::Selu),
        ("gelu", Activation::Gelu),
        ("silu", Activation::Silu),
        ("sigmoid", Activation::Sigmoid),
        ("tanh", Activation::Tanh),
        ("softplus", Activation::Softplus),
        ("softmax", Activation::Softmax),
    ]
}

pub fn rows() -> Vec<Row> {
    let mut table = Table(Vec::new());
    activation(&mut table);
    dense(&mut table);
    convolution(&mut table);
    transposed_convolution(&mut table);
    pooling(&mut table);
    moving_pixels(&mut table);
    joining(&mut table);
    against_overfitting(&mut table);
    family(&mut table);
    table.0
}

fn image(height: usize, width: usize, channels: usize) -> Shape {
    Shape::image(height, width, channels)
}

/// Layers that read several values.
fn joining(table: &mut Table) {
    let (flat, picture) = (Shape::flat(7), image(3, 4, 2));
    table.with("add 2", flat, Add::with("a"), |check| check.joined(&[Shape::flat(7)]));
    table.with("add 3 images", picture, Add::with("a").and("b"), |check| check.joined(&[Shape::image(3, 4, 2); 2]));
    table.with("add 8", Shape::flat(1), (1..7).fold(Add::with("a"), |add, _| add.and("b")), |check| {
        check.joined(&[Shape::flat(1); MAX_JOINED])
    });
    table.with("multiply 2", flat, Multiply::with("a"), |check| check.joined(&[Shape::flat(7)]));
    table.with("multiply 4", flat, Multiply::with("a").and("b").and("c"), |check| check.joined(&[Shape::flat(7); 3]));
    table.with("multiply images", picture, Multiply::with("a"), |check| check.joined(&[Shape::image(3, 4, 2)]));
    table.with("concatenate 7, 3, 1", flat, Concatenate::with("a").and("b"), |check| {
        check.joined(&[Shape::flat(3), Shape::flat(1)])
    });
    table.with("concatenate channels", picture, Concatenate::with("a"), |check| check.joined(&[Shape::image(3, 4, 5)]));
    table.with("concatenate rows", picture, Concatenate::with("a").axis(0), |check| {
        check.joined(&[Shape::image(1, 4, 2)])
    });
    table.with("concatenate columns", picture, Concatenate::with("a").and("b").axis(1), |check| {
        check.joined(&[Shape::image(3, 2, 2), Shape::image(3, 1, 2)])
    });
    table.with("concatenate steps", Shape::sequence(5, 2), Concatenate::with("a").axis(0), |check| {
        check.joined(&[Shape::sequence(3, 2)])
    });
}

fn activation(table: &mut Table) {
    for (name, activation) in activations() {
        table.add(format!("{name}, flat 7"), Shape::flat(7), activation);
        table.add(format!("{name}, image 3x4x3"), image(3, 4, 3), activation);
        table.add(format!("{name}, in dense 6 -> 5"), Shape::flat(6), Dense::new(5).activation(activation));
        table.add(format!("{name}, in conv 3x3"), image(4, 3, 2), Conv2D::new(4, 3).activation(activation));
        let transposed = Conv2DTranspose::new(3, 3).stride(2).activation(activation);
        table.add(format!("{name}, in transposed 3x3"), image(2, 3, 2), transposed);
    }
    table.add("tanh, one number", Shape::flat(1), Activation::Tanh);
    table.add("gelu, sequence 5x4", Shape::sequence(5, 4), Activation::Gelu);
    table.add("softmax, sequence 5x4", Shape::sequence(5, 4), Activation::Softmax);
}

fn dense(table: &mut Table) {
    table.add("dense 1 -> 1", Shape::flat(1), Dense::new(1));
    table.add("dense 7 -> 5", Shape::flat(7), Dense::new(5));
    table.add("dense 7 -> 5 without bias", Shape::flat(7), Dense::new(5).without_bias());
    table.add("dense 33 -> 17", Shape::flat(33), Dense::new(17));
    table.add("dense 130 -> 70", Shape::flat(130), Dense::new(70));
    table.add("dense over an image", image(3, 5, 2), Dense::new(4));
    table.add("dense over a sequence", Shape::sequence(4, 3), Dense::new(6));
    table.add("dense tied", Shape::flat(7), Dense::new(5).tied_to("encoder.0"));
    table.add("dense tied, 20 -> 33", Shape::flat(20), Dense::new(33).tied_to("encoder.0"));
    for (name, regularizer) in
        [("l1", Regularizer::l1(0.1)), ("l2", Regularizer::l2(0.1)), ("l1 and l2", Regularizer::l1_l2(0.02, 0.3))]
    {
        table.add(format!("dense with {name}"), Shape::flat(7), Dense::new(5).weight_regularizer(regularizer));
    }
    for (name, initializer) in [
        ("zeros", Initializer::Zeros),
        ("constant", Initializer::Constant(0.3)),
        ("glorot normal", Initializer::GlorotNormal),
        ("he uniform", Initializer::HeUniform),
        ("he normal", Initializer::HeNormal),
        ("lecun uniform", Initializer::LecunUniform),
        ("lecun normal", Initializer::LecunNormal),
        ("normal", Initializer::Normal(0.4)),
        ("truncated normal", Initializer::TruncatedNormal(0.4)),
        ("uniform", Initializer::Uniform(0.2)),
        ("orthogonal", Initializer::Orthogonal(1.5)),
    ] {
        let layer = Dense::new(5).weight_initializer(initializer).bias_initializer(Initializer::Constant(0.1));
        table.add(format!("dense from {name}"), Shape::flat(8), layer);
    }
}

fn convolution(table: &mut Table) {
    let conv = |kernel: (usize, usize)| Conv2D::new(3, kernel);
    let valid = Padding::Valid;
    table.add("conv 3x3 same", image(5, 7, 2), conv((3, 3)));
    table.add("conv 3x3 valid", image(5, 7, 2), conv((3, 3)).padding(valid));
    table.add("conv 1x1", image(4, 3, 5), conv((1, 1)));
    table.add("conv 2x2 same", image(5, 4, 2), conv((2, 2)));
    table.add("conv 4x4 same", image(6, 5, 1), conv((4, 4)));
    table.add("conv 2x5 same", image(5, 6, 2), conv((2, 5)));
    table.add("conv 5x1 valid", image(7, 3, 2), conv((5, 1)).padding(valid));
    table.add("conv stride 2 same", image(7, 6, 2), conv((3, 3)).stride(2));
    table.add("conv stride 2 valid", image(8, 7, 2), conv((3, 3)).stride(2).padding(valid));
    table.add("conv stride 3x1 same", image(7, 5, 1), conv((2, 3)).stride((3, 1)));
    table.add("conv stride over kernel", image(7, 8, 2), conv((2, 2)).stride(3).padding(valid));
    table.add("conv dilation 2 same", image(7, 6, 2), conv((3, 3)).dilation(2));
    table.add("conv dilation 2 valid", image(7, 6, 2), conv((3, 3)).dilation(2).padding(valid));
    table.add("conv dilation 1x3", image(4, 8, 1), conv((2, 3)).dilation((1, 3)));
    table.add("conv stride 2, dilation 2", image(9, 8, 2), conv((3, 2)).dilation(2).stride(2));
    table.add("conv without bias", image(4, 4, 2), conv((3, 3)).without_bias());
    table.add("conv over the whole input", image(3, 4, 2), conv((3, 4)).padding(valid));
    table.add("conv of one pixel", image(1, 1, 3), conv((3, 3)));
    table.add("conv 20 -> 33 channels", image(4, 5, 20), Conv2D::new(33, 3));
    table.add("conv one channel, one filter", image(6, 5, 1), Conv2D::new(1, 3));
    let both = Regularizer::l1_l2(0.02, 0.3);
    table.add("conv with l1 and l2", image(5, 4, 2), conv((3, 3)).weight_regularizer(both));
}

fn transposed_convolution(table: &mut Table) {
    for (name, padding) in [("same", Padding::Same), ("valid", Padding::Valid)] {
        for kernel in [(1, 1), (2, 2), (3, 3), (4, 3), (5, 2)] {
            for stride in [(1, 1), (2, 2), (3, 1), (2, 3)] {
                let layer = Conv2DTranspose::new(3, kernel).stride(stride).padding(padding);
                table.add(format!("transposed {kernel:?} stride {stride:?} {name}"), image(3, 4, 2), layer);
            }
        }
    }
    let layer = Conv2DTranspose::new(2, 3).stride(2);
    table.add("transposed without bias", image(3, 2, 3), layer.clone().without_bias());
    table.add("transposed tied", image(3, 2, 3), layer.clone().tied_to("encoder.0"));
    table.add("transposed 17 -> 20 channels", image(3, 3, 17), Conv2DTranspose::new(20, 3).stride(2));
    table.add("transposed with l2", image(3, 2, 3), layer.weight_regularizer(Regularizer::l2(0.2)));
}

fn pooling(table: &mut Table) {
    for (name, padding) in [("same", Padding::Same), ("valid", Padding::Valid)] {
        for window in [(2, 2), (3, 3), (2, 3), (1, 4)] {
            for stride in [None, Some((1, 1)), Some((2, 3)), Some((4, 4))] {
                let (mut max, mut average) =
                    (MaxPool::new(window).padding(padding), AvgPool::new(window).padding(padding));
                if let Some(stride) = stride {
                    (max, average) = (max.stride(stride), average.stride(stride));
                }
                let stride = stride.map_or(String::new(), |stride| format!(" stride {stride:?}"));
                table.add(format!("max pool {window:?}{stride} {name}"), image(5, 7, 3), max);
                table.add(format!("average pool {window:?}{stride} {name}"), image(5, 7, 3), average);
            }
        }
    }
}

fn moving_pixels(table: &mut Table) {
    for (name, interpolation) in [("nearest", Interpolation::Nearest), ("bilinear", Interpolation::Bilinear)] {
        for factor in [(1, 1), (2, 2), (3, 1), (3, 4), (1, 5)] {
            let layer = UpSample::new(factor).interpolation(interpolation);
            table.add(format!("{name} {factor:?}"), image(3, 4, 3), layer);
        }
        let layer = UpSample::new((3, 2)).interpolation(interpolation);
        table.add(format!("{name} of one pixel"), image(1, 1, 2), layer);
    }
    table.add("crop", image(5, 6, 2), Crop::new(1, 2, 0, 3));
    table.add("pad", image(3, 2, 2), Pad::new(2, 0, 1, 3));
    table.add("flatten", image(3, 2, 2), Flatten);
    table.add("reshape", Shape::flat(12), Reshape::new(image(2, 3, 2)));
}

fn against_overfitting(table: &mut Table) {
    for rate in [0.0, 0.2, 0.6] {
        table.add(format!("dropout {rate}"), Shape::flat(30), Dropout::new(rate));
    }
    table.add("dropout over an image", image(3, 4, 2), Dropout::new(0.4));
    table.add("gaussian noise", Shape::flat(7), GaussianNoise::new(0.3));
    table.add("gaussian noise over an image", image(3, 4, 2), GaussianNoise::new(0.1));
    table.add("batch norm", Shape::flat(7), BatchNorm::new());
    table.add("batch norm over an image", image(3, 4, 2), BatchNorm::new());
    table.add("batch norm, epsilon 0.1", Shape::flat(7), BatchNorm::new().epsilon(0.1).momentum(0.5));
    table.add("batch norm over a sequence", Shape::sequence(4, 3), BatchNorm::new());
}

fn family(table: &mut Table) {
    table.add("l1 activity", Shape::flat(7), L1Activity::new(0.2));
    table.add("l1 activity over an image", image(3, 2, 2), L1Activity::new(0.2));
    for (name, shape) in [("", Shape::flat(7)), (" over an image", image(3, 2, 2))] {
        table.with(format!("target rate{name}"), shape, TargetRate::new(0.1, 0.5), |check| check.inputs(0.05, 0.95));
    }
    table.add("top 3 of 9", Shape::flat(9), TopK::new(3));
    table.add("top 5 over an image", image(3, 2, 2), TopK::new(5));
    table.with("top 3 of 9, 6 in inference", Shape::flat(9), TopK::new(3).inference_factor(2.0), |check| {
        check.differs_in_inference()
    });
    let plain = GaussianLatent::new();
    for (name, latent) in [
        ("", plain),
        (", beta 0", plain.beta(0.0)),
        (", beta 4", plain.beta(4.0)),
        (", warmed up", plain.beta(2.0).warm_up(KlAnnealing::Linear { epochs: 4.0 })),
        (", in cycles", plain.warm_up(KlAnnealing::Cyclic { epochs: 2.0, rise: 0.75 })),
        (", free bits", plain.beta(3.0).free_bits(0.2)),
    ] {
        table.add(format!("gaussian latent{name}"), Shape::flat(8), latent);
        table.add(format!("gaussian latent over an image{name}"), image(2, 3, 4), latent);
    }
}
