//! The programs and schedules of four models, and that fusing two layers changes no result.

use std::sync::Arc;

use super::schedule::{Passes, Schedule};
use super::{Tape, TapeOptions};
use crate::graph::{LayoutOptions, NamedLayer, Network, NetworkBuilder};
use crate::layer::{Layer, Mode};
use crate::{
    Activation, Add, Autoencoder, BatchNorm, Block, Concatenate, Conv2D, Dense, Flatten, GaussianLatent, MaxPool,
    Reshape, Shape, UpSample,
};

/// A network's program, and the schedule of a training step.
fn printed(network: &Network<f32>) -> String {
    let needed = network.program().first_needed(network.frozen(), false);
    let schedule = Schedule::new(network.program(), network.frozen(), Mode::Training, Passes::Both, needed);
    format!("{}\n{schedule}", network.program())
}

fn is_printed(network: &Network<f32>, expected: &str) {
    let lines = |text: &str| text.trim().lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
    assert_eq!(lines(&printed(network)), lines(expected));
}

#[test]
fn up_sampling_runs_as_one_with_the_convolution_behind_it() {
    let model = Autoencoder::<f32>::builder(Shape::image(28, 28, 1))
        .encoder(Conv2D::new(32, 3).activation(Activation::Relu))
        .encoder(MaxPool::new(2))
        .encoder(Conv2D::new(64, 3).activation(Activation::Relu))
        .encoder(MaxPool::new(2))
        .decoder(Conv2D::new(64, 3).activation(Activation::Relu))
        .decoder(UpSample::new(2))
        .decoder(Conv2D::new(32, 3).activation(Activation::Relu))
        .decoder(UpSample::new(2))
        .decoder(Conv2D::new(1, 3).activation(Activation::Sigmoid))
        .build()
        .unwrap();
    is_printed(
        model.network(),
        "
         %0 = conv2d(input) 28 x 28 x 1 -> 28 x 28 x 32, encoder.0, then relu
         %1 = max_pool(%0) 28 x 28 x 32 -> 14 x 14 x 32, encoder.1
         %2 = conv2d(%1) 14 x 14 x 32 -> 14 x 14 x 64, encoder.2, then relu
         %3 = max_pool(%2) 14 x 14 x 64 -> 7 x 7 x 64, encoder.3
         %4 = conv2d(%3) 7 x 7 x 64 -> 7 x 7 x 64, decoder.0, then relu
         %5 = repeated_conv2d(%4) 7 x 7 x 64 -> 14 x 14 x 32, decoder.2, then relu
         %6 = repeated_conv2d(%5) 14 x 14 x 32 -> 28 x 28 x 1, decoder.4, then sigmoid
         return %6

         load, forward %0..%7, last, backward %0..%7
        ",
    );
}

#[test]
fn reshaping_is_no_operation_and_a_tied_weight_is_one_parameter() {
    let model = Autoencoder::<f32>::builder(Shape::image(4, 4, 1))
        .encoder(Flatten)
        .encoder(Dense::new(5).activation(Activation::Tanh))
        .encoder(Dense::new(2))
        .mirror_tied(Activation::Sigmoid)
        .decoder(Reshape::new(Shape::image(4, 4, 1)))
        .build()
        .unwrap();
    is_printed(
        model.network(),
        "
         %0 = dense(input) 16 -> 5, encoder.1, then tanh
         %1 = dense(%0) 5 -> 2, encoder.2
         %2 = dense(%1) 2 -> 5, decoder.0, then tanh
         %3 = dense(%2) 5 -> 16, decoder.1, then sigmoid
         return %3

         load, forward %0..%4, last, backward %0..%4
        ",
    );
}

#[test]
fn sums_over_the_batch_end_a_stage() {
    let builder = Autoencoder::<f32>::builder(Shape::flat(8))
        .encoder(Dense::new(6).without_bias())
        .encoder(BatchNorm::new())
        .encoder(Activation::Relu)
        .encoder(Dense::new(4))
        .encoder(GaussianLatent::new().free_bits(0.1))
        .decoder(Dense::new(8).activation(Activation::Sigmoid));
    let mut model = builder.build().unwrap();
    is_printed(
        model.network(),
        "
         %0 = dense(input) 8 -> 6, encoder.0
         %1 = batch_norm(%0) 6 -> 6, encoder.1
         %2 = activation(%1) 6 -> 6, encoder.2, then relu
         %3 = dense(%2) 6 -> 4, encoder.3
         %4 = gaussian_latent(%3) 4 -> 2, encoder.4
         %5 = dense(%4) 2 -> 8, decoder.0, then sigmoid
         return %5

         load, forward %0..%1, sums of %1
         forward %1..%4, sums of %4
         forward %4..%6, last, backward %2..%6, gradient sums of %1
         backward %0..%2
        ",
    );
    model.freeze("encoder.1").unwrap();
    let frozen = printed(model.network());
    assert!(!frozen.contains("gradient sums"), "a frozen normalisation needs no sums:\n{frozen}");
}

#[test]
fn joined_values_are_read_where_they_are() {
    let block = Block::new().layer(Conv2D::new(2, 3)).layer(BatchNorm::new()).layer(Add::with("input"));
    let model = Autoencoder::<f32>::builder(Shape::image(4, 4, 1))
        .encoder_named("fine", Conv2D::new(2, 3).activation(Activation::Relu))
        .encoder(MaxPool::new(2))
        .encoder_named("block", block)
        .decoder(UpSample::new(2))
        .decoder(Concatenate::with("encoder.fine").and("input"))
        .decoder(Conv2D::new(1, 3).activation(Activation::Sigmoid))
        .build()
        .unwrap();
    is_printed(
        model.network(),
        "
         %0 = conv2d(input) 4 x 4 x 1 -> 4 x 4 x 2, encoder.fine, then relu
         %1 = max_pool(%0) 4 x 4 x 2 -> 2 x 2 x 2, encoder.1
         %2 = conv2d(%1) 2 x 2 x 2 -> 2 x 2 x 2, encoder.block.0
         %3 = batch_norm(%2) 2 x 2 x 2 -> 2 x 2 x 2, encoder.block.1
         %4 = add(%3, %1) 2 x 2 x 2 -> 2 x 2 x 2, encoder.block.2
         %5 = up_sample(%4) 2 x 2 x 2 -> 4 x 4 x 2, decoder.0
         %6 = concatenate(%5, %0, input) 4 x 4 x 2 -> 4 x 4 x 5, decoder.1
         %7 = conv2d(%6) 4 x 4 x 5 -> 4 x 4 x 1, decoder.2, then sigmoid
         return %7

         load, forward %0..%3, sums of %3
         forward %3..%8, last, backward %4..%8, gradient sums of %3
         backward %0..%4
        ",
    );
}

/// Two networks with the same layers, of which one fuses none, since it thinks them of different
/// halves.
#[test]
fn fused_layers_compute_what_they_compute_apart() {
    let layers = || -> Vec<Arc<dyn Layer<f64>>> {
        let convolution = Conv2D::new(3, 3).activation(Activation::Tanh);
        vec![
            Arc::new(UpSample::new((2, 3))),
            Arc::new(convolution),
            Arc::new(UpSample::new(2)),
            Arc::new(Conv2D::new(2, 3)),
        ]
    };
    let build = |name: fn(usize) -> String| {
        let named = layers().into_iter().enumerate();
        let builder = NetworkBuilder::new(Shape::image(4, 5, 2)).seed(3);
        builder.with(named.map(|(index, layer)| NamedLayer::new(name(index), layer)).collect()).build().unwrap()
    };
    let (fused, apart) = (build(|index| format!("one.{index}")), build(|index| format!("half {index}.0")));
    assert_eq!((fused.program().operations.len(), apart.program().operations.len()), (2, 4));
    let samples = nalgebra::DMatrix::from_fn(40, 9, |row, column| ((row * 7 + column * 13) % 11) as f64 / 11.0 - 0.4);
    let results = [&fused, &apart].map(|network| {
        let mut tape = network.tape_with_input_gradient(9).unwrap();
        let outputs = network.forward(&mut tape, &samples, None, 0).unwrap().to_vec();
        let mut gradients = vec![0.0; network.parameter_count()];
        network.backward(&mut tape, &outputs, &mut gradients).unwrap();
        [outputs, gradients, tape.input_gradient().to_vec()]
    });
    for (one, other) in results[0].iter().zip(&results[1]) {
        assert_eq!(one.len(), other.len());
        one.iter().zip(other).for_each(|(one, other)| approx::assert_relative_eq!(one, other, epsilon = 1e-11));
    }
}

/// The memory of a shard holds no more than it must: in inference, what is needed at the same time.
#[test]
fn inference_keeps_only_what_is_still_needed() {
    let network = Network::<f32>::builder(Shape::flat(100))
        .layer(Dense::new(100))
        .layer(Dense::new(100))
        .layer(Dense::new(100))
        .layer(Dense::new(100))
        .build()
        .unwrap();
    let elements = |options| {
        let options = TapeOptions { layout: options, whole_batch: false, metrics: 0 };
        Tape::new(&network, 8, options).unwrap().layout.total / 8
    };
    assert_eq!(elements(LayoutOptions::default()), 2 * 100);
    assert!(elements(LayoutOptions::training()) < 11 * 100);
}
