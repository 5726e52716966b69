//! Gradients of whole networks against numerical ones: every layer in shards and halves of a batch,
//! fused, with a loss from logits, with others. What a layer or a loss does by itself is in
//! the table of `tests/conformance`.

mod common;

use autoencoder::*;
use common::gradient::{Case, Check, mean_loss, of_network};
use common::{Numbers, activations};

type Builder = NetworkBuilder<f64>;

fn image(height: usize, width: usize, channels: usize) -> Builder {
    Network::builder(Shape::image(height, width, channels))
}

fn flat(features: usize) -> Builder {
    Network::builder(Shape::flat(features))
}

/// Checks every row of a table for each number of samples.
fn check(samples: &[usize], rows: Vec<(String, Builder)>) {
    for (seed, (name, builder)) in rows.into_iter().enumerate() {
        for samples in samples {
            let mut random = Numbers::new(1000 * seed as u64 + *samples as u64);
            let network = builder.clone().build().unwrap_or_else(|error| panic!("{name}: {error}"));
            of_network(network, *samples, &mut random).check(&format!("{name}, {samples} samples"));
        }
    }
}

fn named<const N: usize>(rows: [(&str, Builder); N]) -> Vec<(String, Builder)> {
    rows.into_iter().map(|(name, builder)| (name.to_owned(), builder)).collect()
}

#[test]
fn dense() {
    check(
        &[1, 3, 19, 150],
        named([
            ("dense 1 -> 1", flat(1).layer(Dense::new(1))),
            ("dense 7 -> 5", flat(7).layer(Dense::new(5))),
            ("dense 7 -> 5 without bias", flat(7).layer(Dense::new(5).without_bias())),
            ("dense 33 -> 17", flat(33).layer(Dense::new(17))),
            ("dense 130 -> 70", flat(130).layer(Dense::new(70))),
            ("dense over an image", image(3, 5, 2).layer(Dense::new(4))),
            ("dense over dense", flat(6).layer(Dense::new(9)).layer(Dense::new(3))),
        ]),
    );
}

#[test]
fn convolution() {
    let conv = |kernel: (usize, usize)| Conv2D::new(3, kernel);
    check(
        &[1, 3, 19],
        named([
            ("conv 3x3 same", image(5, 7, 2).layer(conv((3, 3)))),
            ("conv 3x3 valid", image(5, 7, 2).layer(conv((3, 3)).padding(Padding::Valid))),
            ("conv 1x1", image(4, 3, 5).layer(conv((1, 1)))),
            ("conv 2x2 same", image(5, 4, 2).layer(conv((2, 2)))),
            ("conv 4x4 same", image(6, 5, 1).layer(conv((4, 4)))),
            ("conv 2x5 same", image(5, 6, 2).layer(conv((2, 5)))),
            ("conv 5x1 valid", image(7, 3, 2).layer(conv((5, 1)).padding(Padding::Valid))),
            ("conv stride 2 same", image(7, 6, 2).layer(conv((3, 3)).stride(2))),
            ("conv stride 2 valid", image(8, 7, 2).layer(conv((3, 3)).stride(2).padding(Padding::Valid))),
            ("conv stride 3x1 same", image(7, 5, 1).layer(conv((2, 3)).stride((3, 1)))),
            ("conv stride over kernel", image(7, 8, 2).layer(conv((2, 2)).stride(3).padding(Padding::Valid))),
            ("conv dilation 2 same", image(7, 6, 2).layer(conv((3, 3)).dilation(2))),
            ("conv dilation 2 valid", image(7, 6, 2).layer(conv((3, 3)).dilation(2).padding(Padding::Valid))),
            ("conv dilation 1x3", image(4, 8, 1).layer(conv((2, 3)).dilation((1, 3)))),
            ("conv stride 2, dilation 2", image(9, 8, 2).layer(conv((3, 2)).dilation(2).stride(2))),
            ("conv without bias", image(4, 4, 2).layer(conv((3, 3)).without_bias())),
            ("conv over the whole input", image(3, 4, 2).layer(conv((3, 4)).padding(Padding::Valid))),
            ("conv of one pixel", image(1, 1, 3).layer(conv((3, 3)))),
            ("conv 20 -> 33 channels", image(4, 5, 20).layer(Conv2D::new(33, 3))),
            ("conv over conv", image(6, 5, 1).layer(conv((3, 3))).layer(Conv2D::new(2, (3, 2)))),
        ]),
    );
}

#[test]
fn transposed_convolution() {
    let mut rows = Vec::new();
    for (name, padding) in [("same", Padding::Same), ("valid", Padding::Valid)] {
        for kernel in [(1, 1), (2, 2), (3, 3), (4, 3), (5, 2)] {
            for stride in [(1, 1), (2, 2), (3, 1), (2, 3)] {
                let layer = Conv2DTranspose::new(3, kernel).stride(stride).padding(padding);
                rows.push((format!("transposed {kernel:?} stride {stride:?} {name}"), image(3, 4, 2).layer(layer)));
            }
        }
    }
    let bare = Conv2DTranspose::new(2, 3).stride(2).without_bias();
    rows.push(("transposed without bias".to_owned(), image(3, 2, 3).layer(bare)));
    rows.push((
        "transposed 17 -> 20 channels".to_owned(),
        image(3, 3, 17).layer(Conv2DTranspose::new(20, 3).stride(2)),
    ));
    check(&[1, 9], rows);
}

/// These two are computed as one.
#[test]
fn convolution_of_repeated_pixels() {
    let mut rows = Vec::new();
    for (name, padding) in [("same", Padding::Same), ("valid", Padding::Valid)] {
        for kernel in [(1, 1), (2, 2), (3, 3), (4, 3), (5, 2)] {
            for factor in [(2, 2), (3, 1), (1, 2), (2, 3)] {
                let layers = image(5, 5, 2).layer(UpSample::new(factor));
                let layers = layers.layer(Conv2D::new(3, kernel).padding(padding).activation(Activation::Tanh));
                rows.push((format!("up-sampling {factor:?}, conv {kernel:?} {name}"), layers));
            }
        }
    }
    check(&[1, 9, 19], rows);
}

#[test]
fn pooling() {
    let mut rows = Vec::new();
    for (name, padding) in [("same", Padding::Same), ("valid", Padding::Valid)] {
        for window in [(2, 2), (3, 3), (2, 3), (1, 4)] {
            for stride in [None, Some((1, 1)), Some((2, 3)), Some((4, 4))] {
                let (mut max, mut average) =
                    (MaxPool::new(window).padding(padding), AvgPool::new(window).padding(padding));
                if let Some(stride) = stride {
                    (max, average) = (max.stride(stride), average.stride(stride));
                }
                rows.push((format!("max pool {window:?} stride {stride:?} {name}"), image(5, 7, 3).layer(max)));
                rows.push((format!("average pool {window:?} stride {stride:?} {name}"), image(5, 7, 3).layer(average)));
            }
        }
    }
    check(&[1, 9], rows);
}

#[test]
fn layers_that_move_pixels() {
    let up = |factor, interpolation| UpSample::new(factor).interpolation(interpolation);
    check(
        &[1, 9],
        named([
            ("nearest 2x2", image(3, 4, 3).layer(up((2, 2), Interpolation::Nearest))),
            ("nearest 3x1", image(3, 4, 1).layer(up((3, 1), Interpolation::Nearest))),
            ("nearest 1x1", image(3, 4, 1).layer(up((1, 1), Interpolation::Nearest))),
            ("bilinear 2x2", image(3, 4, 3).layer(up((2, 2), Interpolation::Bilinear))),
            ("bilinear 3x4", image(3, 2, 2).layer(up((3, 4), Interpolation::Bilinear))),
            ("bilinear 1x5", image(3, 4, 1).layer(up((1, 5), Interpolation::Bilinear))),
            ("bilinear of one pixel", image(1, 1, 2).layer(up((3, 2), Interpolation::Bilinear))),
            ("crop", image(5, 6, 2).layer(Crop::new(1, 2, 0, 3))),
            ("pad", image(3, 2, 2).layer(Pad::new(2, 0, 1, 3))),
            ("pad, then crop", image(3, 2, 2).layer(Pad::new(2, 0, 1, 3)).layer(Crop::new(1, 1, 2, 0))),
            ("flatten, then dense", image(3, 2, 2).layer(Flatten).layer(Dense::new(3))),
            ("dense, then reshape", flat(5).layer(Dense::new(12)).layer(Reshape::new(Shape::image(2, 3, 2)))),
            ("reshape, then conv", flat(12).layer(Reshape::new(Shape::image(2, 3, 2))).layer(Conv2D::new(2, 3))),
            (
                "reshapes between",
                image(2, 3, 2)
                    .layer(Conv2D::new(2, 1))
                    .layer(Flatten)
                    .layer(Reshape::new(Shape::image(3, 2, 2)))
                    .layer(Conv2D::new(1, 3)),
            ),
        ]),
    );
}

#[test]
fn layers_against_overfitting() {
    let norm = BatchNorm::new;
    let dense = flat(20)
        .layer(Dense::new(30).without_bias())
        .layer(norm())
        .layer(Activation::Tanh)
        .layer(Dense::new(9).without_bias())
        .layer(norm().epsilon(0.1))
        .layer(Dense::new(20));
    let convolutional = image(5, 4, 2)
        .layer(norm())
        .layer(Conv2D::new(4, 3).without_bias())
        .layer(norm())
        .layer(Activation::Silu)
        .layer(Conv2D::new(2, 3));
    check(
        &[2, 3, 20, 150],
        named([
            ("dropout", flat(30).layer(Dropout::new(0.4))),
            (
                "dropout over an image",
                image(3, 4, 2).layer(Conv2D::new(3, 3)).layer(Dropout::new(0.2)).layer(Dense::new(5)),
            ),
            (
                "gaussian noise",
                flat(7).layer(GaussianNoise::new(0.3)).layer(Dense::new(5).activation(Activation::Tanh)),
            ),
            ("batch norm", flat(7).layer(norm())),
            ("batch norm over an image", image(3, 4, 2).layer(norm())),
            ("batch norm, dense", dense),
            ("batch norm, convolutional", convolutional),
            (
                "all three",
                flat(9)
                    .layer(GaussianNoise::new(0.1))
                    .layer(Dense::new(20).without_bias()) // what is normalised has a bias's gradient of zero
                    .layer(norm())
                    .layer(Dropout::new(0.3)),
            ),
        ]),
    );
}

#[test]
fn penalties_on_weights() {
    let both = Regularizer::l1_l2(0.02, 0.3);
    check(
        &[1, 3, 19],
        named([
            ("l1, dense", flat(7).layer(Dense::new(5).weight_regularizer(Regularizer::l1(0.1)))),
            ("l2, dense", flat(130).layer(Dense::new(70).weight_regularizer(Regularizer::l2(0.1)))),
            ("both, conv", image(5, 4, 2).layer(Conv2D::new(3, 3).weight_regularizer(both))),
            ("both, transposed", image(3, 2, 2).layer(Conv2DTranspose::new(3, 3).stride(2).weight_regularizer(both))),
            (
                "both, conv computed with the up-sampling before it",
                image(3, 2, 2).layer(UpSample::new(2)).layer(Conv2D::new(3, 3).weight_regularizer(both)),
            ),
            (
                "both, such a conv whose weight another layer has, too",
                image(3, 2, 2)
                    .layer(UpSample::new(2))
                    .layer(Conv2D::new(3, 3).activation(Activation::Tanh).weight_regularizer(both))
                    .layer(Conv2DTranspose::new(2, 3).tied_to("layers.1").weight_regularizer(both)),
            ),
            (
                "both, twice",
                flat(6).layer(Dense::new(4).weight_regularizer(both)).layer(Dense::new(3).weight_regularizer(both)),
            ),
            (
                "both, beside a layer that waits",
                flat(6)
                    .layer(Dense::new(4).without_bias().weight_regularizer(both)) // what is normalised has a bias's gradient of zero
                    .layer(BatchNorm::new())
                    .layer(Dense::new(3)),
            ),
        ]),
    );
}

#[test]
fn activations_alone_and_fused() {
    let mut rows = Vec::new();
    for activation in activations() {
        let name = |how: &str| format!("{activation:?} {how}");
        rows.push((name("alone"), flat(7).layer(activation)));
        rows.push((name("alone, over an image"), image(3, 4, 3).layer(activation)));
        rows.push((name("in dense"), flat(6).layer(Dense::new(5).activation(activation))));
        rows.push((
            name("in dense, before dense"),
            flat(6).layer(Dense::new(9).activation(activation)).layer(Dense::new(4)),
        ));
        rows.push((name("in conv"), image(4, 3, 2).layer(Conv2D::new(4, 3).activation(activation))));
        rows.push((
            name("in transposed"),
            image(2, 3, 2).layer(Conv2DTranspose::new(3, 3).stride(2).activation(activation)),
        ));
        rows.push((
            name("after conv"),
            image(4, 3, 2).layer(Conv2D::new(4, 2)).layer(activation).layer(Conv2D::new(2, 3)),
        ));
    }
    check(&[1, 3, 17], rows);
}

#[test]
fn whole_networks() {
    let relu = Activation::Relu;
    let tanh = Activation::Tanh;
    let deep = flat(20)
        .layer(Dense::new(16).activation(relu))
        .layer(Dense::new(8).activation(Activation::Selu))
        .layer(Dense::new(3).activation(tanh))
        .layer(Dense::new(8).activation(Activation::Gelu))
        .layer(Dense::new(16).activation(Activation::Silu))
        .layer(Dense::new(20).activation(Activation::Sigmoid));
    let convolutional = image(8, 12, 1)
        .layer(Conv2D::new(3, 3).activation(relu))
        .layer(MaxPool::new(2))
        .layer(Conv2D::new(4, 3).activation(tanh))
        .layer(AvgPool::new(2))
        .layer(Conv2D::new(4, 3).activation(relu))
        .layer(UpSample::new(2))
        .layer(Conv2D::new(3, 3).activation(tanh))
        .layer(UpSample::new(2).interpolation(Interpolation::Bilinear))
        .layer(Conv2D::new(1, 3).activation(Activation::Sigmoid));
    let transposed = image(7, 5, 2)
        .layer(Conv2D::new(4, 3).stride(2).activation(Activation::Silu))
        .layer(Flatten)
        .layer(Dense::new(6).activation(tanh))
        .layer(Dense::new(48).activation(Activation::Softplus))
        .layer(Reshape::new(Shape::image(4, 3, 4)))
        .layer(Conv2DTranspose::new(3, 3).stride(2).activation(Activation::Elu { alpha: 1.0 }))
        .layer(Crop::new(0, 1, 1, 0))
        .layer(Conv2DTranspose::new(2, 2));
    let rows = named([("deep dense", deep), ("convolutional autoencoder", convolutional), ("transposed", transposed)]);
    check(&[1, 5, 37], rows);
}

/// The mean over samples of a loss of a network's outputs, by the network's parameters, with the
/// last activation left to the loss.
#[test]
fn linked_losses_through_a_network() {
    let rows: [(&str, Box<dyn Loss<f64>>, Builder); 4] = [
        ("bce over dense", Box::new(Bce), flat(6).layer(Dense::new(4).activation(Activation::Sigmoid))),
        ("bce over conv", Box::new(Bce), image(3, 4, 1).layer(Conv2D::new(2, 3).activation(Activation::Sigmoid))),
        ("bce over an activation", Box::new(Bce), flat(6).layer(Dense::new(4)).layer(Activation::Sigmoid)),
        (
            "categorical",
            Box::new(CategoricalCrossEntropy),
            flat(6).layer(Dense::new(4).activation(Activation::Softmax)),
        ),
    ];
    for (name, loss, builder) in rows {
        let mut random = Numbers::new(5);
        let (network, samples) = (builder.build().unwrap(), 11);
        let shape = network.output_shape();
        assert!(network.ends_in(loss.fused_activation()));
        let targets = random.vector(samples * shape.elements(), 0.0, 1.0);
        let objective = mean_loss(loss.as_ref(), shape, &targets);
        let mut case = Case::new(network, samples, &objective, &mut random);
        case.link = loss.fused_activation();
        case.check(&mut random).check(name);
    }
}

/// Neither as a gradient, nor as a value of the function, nor beside a good tensor.
/// In inference mode the input gradient is that of what `predict` computes: running statistics, no
/// dropout, no noise, no penalty, the mean of a code.
#[test]
fn passes_in_inference_mode_are_those_of_inference() -> common::Outcome {
    let builder = flat(6)
        .layer(Dense::new(9))
        .layer(BatchNorm::new())
        .layer(Activation::Tanh)
        .layer(Dropout::new(0.4))
        .layer(GaussianNoise::new(0.3))
        .layer(L1Activity::new(0.2))
        .layer(TopK::new(4).inference_factor(1.5))
        .layer(Dense::new(4))
        .layer(GaussianLatent::new())
        .layer(Dense::new(3).activation(Activation::Sigmoid));
    let (mut network, mut random) = (builder.build()?, Numbers::new(8));
    network.set_parameter("layers.1.running_mean", &random.vector(9, -0.5, 0.5))?;
    network.set_parameter("layers.1.running_variance", &random.vector(9, 0.2, 2.0))?;
    let (samples, weights) = (random.matrix::<f64>(6, 5), random.vector(15, -1.0, 1.0));
    let objective = |samples: &nalgebra::DMatrix<f64>, network: &Network<f64>| -> f64 {
        network.predict(samples).unwrap().iter().zip(&weights).map(|(output, weight)| output * weight).sum()
    };
    let mut tape = network.tape_with_input_gradient(5)?;
    tape.set_mode(Mode::Inference);
    let outputs = network.forward(&mut tape, &samples, None, 0)?.to_vec();
    assert_eq!(outputs, network.predict(&samples)?.as_slice());
    let mut gradients = vec![0.0; network.parameter_count()];
    network.backward(&mut tape, &weights, &mut gradients)?;
    let step = 1e-5;
    let slope = |change: &dyn Fn(f64) -> f64| (change(step) - change(-step)) / (2.0 * step);
    for (place, found) in tape.input_gradient().iter().enumerate() {
        let change = |by: f64| {
            let mut moved = samples.clone();
            moved.as_mut_slice()[place] += by;
            objective(&moved, &network)
        };
        approx::assert_abs_diff_eq!(*found, slope(&change), epsilon = 1e-8);
    }
    for (place, found) in gradients.iter().enumerate() {
        let change = |by: f64| {
            let mut moved = network.clone();
            moved.update_parameters(|all| all[place] += by).unwrap();
            objective(&samples, &moved)
        };
        approx::assert_abs_diff_eq!(*found, slope(&change), epsilon = 1e-8);
    }
    let state: Vec<f64> = network.state().flat_map(|state| state.values.to_vec()).collect();
    network.update_state(&tape)?;
    assert!(
        network.state().flat_map(|state| state.values.to_vec()).eq(state),
        "a pass in inference mode has no statistics"
    );
    assert!(network.backward(&mut tape, &weights, &mut gradients).is_ok());
    tape.set_mode(Mode::Training);
    let refused = network.backward(&mut tape, &weights, &mut gradients);
    let of_another_mode = matches!(refused, Err(Error::Input(InputError::Empty)));
    assert!(of_another_mode, "{refused:?}, though the forward pass was in another mode");
    Ok(())
}

#[test]
fn a_nan_is_no_match() {
    use autoencoder::testing::{GradientComparison, compare_gradient};
    let point = [0.3, -0.7, 1.1];
    let squares = |point: &[f64]| point.iter().map(|x| 0.5 * x * x).collect::<Vec<_>>();
    let good = compare_gradient(&point, &point, 1, squares);
    assert!(good.error < 1e-9);
    let nan_gradient = compare_gradient(&point, &[0.3, f64::NAN, 1.1], 1, squares);
    let nan_value = compare_gradient(&point, &point, 1, |point| {
        let mut terms = squares(point);
        terms[0] = if point[1] == -0.7 { terms[0] } else { f64::NAN };
        terms
    });
    for bad in [nan_gradient, nan_value] {
        assert_eq!(bad.error, f64::INFINITY);
        for order in [[good, bad], [bad, good]] {
            let mut sum = GradientComparison::default();
            order.into_iter().for_each(|comparison| sum.add(comparison));
            assert_eq!(sum.error, f64::INFINITY);
        }
    }
}

/// Two layers with a skip connection.
fn residual(filters: usize) -> Block<f64> {
    Block::new()
        .layer(Conv2D::new(filters, 3).activation(Activation::Tanh))
        .layer(BatchNorm::new())
        .layer(Conv2D::new(filters, 2))
        .named("sum", Add::with("input"))
        .layer(Activation::Silu)
}

/// A value that several layers read has the sum of the gradients that they give it.
#[test]
fn values_with_several_readers() {
    let tanh = |units: usize| Dense::new(units).activation(Activation::Tanh);
    let wide = |channels: usize| Conv2D::new(channels, 3).activation(Activation::Tanh);
    check(
        &[1, 3, 19, 150],
        named([
            ("sum with the input", flat(5).layer(tanh(5)).layer(Add::with("input")).layer(tanh(3))),
            ("sum with itself", flat(5).layer(tanh(4)).layer(Add::with("layers.0").and("layers.0")).layer(tanh(3))),
            (
                "a value read by all layers behind it",
                flat(4)
                    .layer_named("first", tanh(4))
                    .layer(tanh(4))
                    .layer(Add::with("layers.first"))
                    .layer(tanh(4))
                    .layer(Multiply::with("layers.first").and("layers.1"))
                    .layer(Concatenate::with("layers.first").and("input"))
                    .layer(tanh(3)),
            ),
            ("a gate", flat(6).layer(Dense::new(6).activation(Activation::Sigmoid)).layer(Multiply::with("input"))),
            ("a cube", flat(3).layer(tanh(4)).layer(Multiply::with("layers.0").and("layers.0"))),
            ("joining twice the same", flat(3).layer(tanh(3)).layer(Concatenate::with("input").and("input"))),
            (
                "a joined reshape",
                flat(12)
                    .layer(tanh(12))
                    .layer_named("image", Reshape::new(Shape::image(2, 3, 2)))
                    .layer(wide(2))
                    .layer(Add::with("layers.image"))
                    .layer(Flatten::new())
                    .layer(Add::with("layers.0")),
            ),
            (
                "the input of a reshape",
                image(2, 3, 2).layer(Flatten::new()).layer(tanh(12)).layer(Add::with("layers.0")),
            ),
        ]),
    );
    check(
        &[3, 19],
        named([
            ("residual blocks", image(5, 4, 2).layer(residual(2)).layer(residual(2)).layer(Conv2D::new(1, 3))),
            (
                "a block in a block",
                image(3, 4, 2)
                    .layer(
                        Block::new()
                            .layer(residual(2))
                            .named("inner", residual(2))
                            .layer(Add::with("inner").and("0.0")),
                    )
                    .layer(Dense::new(2)),
            ),
            (
                "a U-Net",
                image(6, 4, 1)
                    .layer_named("fine", wide(3))
                    .layer(MaxPool::new(2))
                    .layer(wide(4))
                    .layer(UpSample::new(2))
                    .layer(Concatenate::with("layers.fine"))
                    .layer(wide(1)),
            ),
            (
                "an up-sampling that is read twice",
                image(3, 2, 2).layer(wide(2)).layer(UpSample::new(2)).layer(wide(2)).layer(Add::with("layers.1")),
            ),
            (
                "concatenation along rows and columns",
                image(3, 4, 2)
                    .layer_named("top", wide(2))
                    .layer(wide(2))
                    .layer(Concatenate::with("layers.top").axis(0))
                    .layer_named("left", wide(2))
                    .layer(wide(2))
                    .layer(Concatenate::with("layers.left").axis(1)),
            ),
            (
                "dropout and noise between",
                flat(6)
                    .layer(tanh(6))
                    .layer(Dropout::new(0.4))
                    .layer(Add::with("layers.0"))
                    .layer(GaussianNoise::new(0.1))
                    .layer(Add::with("layers.1")),
            ),
        ]),
    );
}

/// Networks whose layers join random earlier values.
#[test]
fn random_graphs() {
    const GRAPHS: u64 = 100;
    let mut compared = 0;
    for seed in 0..GRAPHS {
        let mut random = Numbers::new(7000 + seed);
        let input = match random.below(2) {
            0 => Shape::flat(1 + random.below(5)),
            _ => Shape::image(1 + random.below(4), 1 + random.below(4), 1 + random.below(2)),
        };
        let (mut builder, mut values) = (Network::<f64>::builder(input), vec![("input".to_owned(), input)]);
        for index in 0..3 + random.below(6) {
            let shape = values[values.len() - 1].1;
            let (layer, output) = random_layer(shape, &values, &mut random);
            builder = builder.layer(layer);
            values.push((format!("layers.{index}"), output));
        }
        let network = builder.build().unwrap_or_else(|error| panic!("graph {seed}: {error}"));
        let samples = [1, 5, 19][random.below(3)];
        let summary = network.summary();
        let found = of_network(network, samples, &mut random);
        compared += found.compared;
        assert!(found.error <= 1e-8, "graph {seed}, {samples} samples: off by {:.2e}\n{summary}", found.error);
    }
    assert!(compared > 20 * GRAPHS as usize, "{compared} coordinates"); // the others change too fast, or hardly
}

/// A layer over `shape` that may join some of the earlier `values`, and the shape of its output,
/// whose values are small: numerical gradients of what grows from layer to layer are not exact.
fn random_layer(shape: Shape, values: &[(String, Shape)], random: &mut Numbers) -> (Block<f64>, Shape) {
    const MOST_ELEMENTS: usize = 200;
    let activation = [Activation::Tanh, Activation::Sigmoid][random.below(2)];
    let names = |fits: &dyn Fn(Shape) -> bool, random: &mut Numbers| -> Vec<String> {
        let fitting: Vec<&str> =
            values.iter().filter(|(_, other)| fits(*other)).map(|(name, _)| name.as_str()).collect();
        (0..1 + random.below(2)).map(|_| fitting[random.below(fitting.len())].to_owned()).collect()
    };
    let alike = |other: Shape| other == shape;
    let block = Block::new();
    match (random.below(6), shape.as_image()) {
        (0, _) => {
            let names = names(&alike, random);
            (block.layer(names[1..].iter().fold(Add::with(&names[0]), Add::and)).layer(Activation::Tanh), shape)
        }
        (1, _) => {
            let names = names(&alike, random);
            (block.layer(Multiply::with(&names[0])), shape)
        }
        (2, _) if 4 * shape.elements() <= MOST_ELEMENTS => {
            let names = names(&alike, random);
            let dimensions = shape.dimensions();
            let mut wider = dimensions.to_vec();
            wider[dimensions.len() - 1] *= 1 + names.len();
            let layer = names[1..].iter().fold(Concatenate::with(&names[0]), Concatenate::and);
            (block.layer(layer), Shape::new(&wider).expect("a shape"))
        }
        (3, Ok([height, width, _])) if 16 * height * width <= MOST_ELEMENTS => {
            let layers = block.layer(UpSample::new(2)).layer(Conv2D::new(2, 3).activation(activation));
            (layers, Shape::image(2 * height, 2 * width, 2))
        }
        (4, Ok([height, width, channels])) => {
            (block.layer(Conv2D::new(channels, 3).activation(activation)), { Shape::image(height, width, channels) })
        }
        (5, Ok(_)) => (block.layer(BatchNorm::new()).layer(Activation::Tanh), shape),
        (_, Ok([height, width, _])) => {
            let filters = 1 + random.below(3);
            (block.layer(Conv2D::new(filters, 2).activation(activation)), Shape::image(height, width, filters))
        }
        (_, Err(_)) => {
            let units = 1 + random.below(5);
            (block.layer(Dense::new(units).activation(activation)), Shape::flat(units))
        }
    }
}
