//! Mirrored decoders, transposed convolutions of any output size, and windows larger than the
//! image.

mod common;

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;
use common::{Numbers, Outcome, error_of};

/// The layers of the decoder: kind, activation, whether there is a bias.
fn decoder(model: &Autoencoder<f64>) -> Vec<(&'static str, Activation, bool)> {
    let network = model.network();
    let layers = network.layers().filter(|(name, _)| name.starts_with("decoder"));
    let activation = |layer: &dyn Layer<f64>| {
        let config = layer.config();
        config.config("activation").map_or(Activation::Linear, |config| Activation::from_config(config).unwrap())
    };
    layers
        .map(|(name, layer)| (layer.kind(), activation(layer), network.parameter(&format!("{name}.bias")).is_ok()))
        .collect()
}

/// Every pixel of a reconstruction depends on the last layer's bias: moved far, it saturates all of
/// them.
fn bias_reaches_every_pixel(mut model: Autoencoder<f64>, what: &str) -> Outcome {
    let name = model.parameters().filter(|parameter| parameter.name.ends_with(".bias")).last();
    let (name, count) = name.map(|parameter| (parameter.name.to_owned(), parameter.values.len())).expect("a bias");
    assert!(name.starts_with("decoder"), "{what}");
    model.set_parameter(&name, &vec![100.0; count])?;
    let samples: DMatrix<f64> = Numbers::new(3).matrix(model.input_shape().elements(), 2);
    let reconstructions = model.reconstruct(&samples)?;
    assert!(reconstructions.iter().all(|value| *value == 1.0), "{what}: {reconstructions}");
    Ok(())
}

#[test]
fn a_mirrored_strided_convolution_reaches_every_pixel() -> Outcome {
    for (height, width) in [(4, 4), (5, 4), (7, 9), (8, 6), (3, 11)] {
        for (kernel, stride) in [(3, 2), (2, 2), (3, 3), (2, 3), (1, 2), (3, 1)] {
            for padding in [Padding::Valid, Padding::Same] {
                if padding == Padding::Valid && kernel > height.min(width) {
                    continue;
                }
                let layer = Conv2D::new(2, kernel).stride(stride).padding(padding);
                let builder = || Autoencoder::<f64>::builder(Shape::image(height, width, 1)).encoder(layer.clone());
                let what = format!("{height} x {width}, kernel {kernel}, stride {stride}, {padding:?}");
                bias_reaches_every_pixel(builder().mirror(Activation::Sigmoid).build()?, &what)?;
                bias_reaches_every_pixel(builder().mirror_tied(Activation::Sigmoid).build()?, &what)?;
            }
        }
    }
    Ok(())
}

/// y(o) = f(b + Σ w x) over all (i, k) with i·stride + k − p = o, as in Keras.
#[test]
fn output_padding_gives_the_sizes_and_values_of_the_definition() -> Outcome {
    let mut random = Numbers::new(4);
    for (padding, kernel, stride) in [
        (Padding::Valid, 3, 2),
        (Padding::Valid, 2, 3),
        (Padding::Same, 3, 2),
        (Padding::Same, 5, 3),
        (Padding::Same, 4, 3),
    ] {
        for output_padding in usize::from(padding == Padding::Same && kernel % 2 == 0)..stride {
            let layer = Conv2DTranspose::new(2, kernel).stride(stride).padding(padding).output_padding(output_padding);
            let mut network = Network::<f64>::builder(Shape::image(3, 4, 2)).layer(layer.clone()).build()?;
            let cut = if padding == Padding::Same { kernel / 2 * 2 } else { 0 };
            let sizes = [3, 4].map(|size| (size - 1) * stride + kernel - cut + output_padding);
            assert_eq!(network.output_shape(), Shape::image(sizes[0], sizes[1], 2), "{layer:?}");
            network.set_parameter("layers.0.bias", &[0.5, -0.25])?;
            let weight = network.parameter("layers.0.weight")?.values.to_vec();
            let sample = random.vector(3 * 4 * 2, -1.0, 1.0);
            let before = |axis: usize, size: usize| match padding {
                Padding::Valid => 0,
                Padding::Same => (((size - 1) * stride + kernel) as isize - sizes[axis] as isize).max(0) / 2,
            };
            let mut expected = [0.5, -0.25].repeat(sizes[0] * sizes[1]);
            for (row, column) in (0..3).flat_map(|row| (0..4).map(move |column| (row, column))) {
                for (k, l) in (0..kernel).flat_map(|k| (0..kernel).map(move |l| (k, l))) {
                    let (y, x) =
                        ((row * stride + k) as isize - before(0, 3), (column * stride + l) as isize - before(1, 4));
                    if y < 0 || x < 0 || y >= sizes[0] as isize || x >= sizes[1] as isize {
                        continue;
                    }
                    for (filter, channel) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
                        let place = (y as usize * sizes[1] + x as usize) * 2 + filter;
                        expected[place] += weight[((k * kernel + l) * 2 + filter) * 2 + channel]
                            * sample[(row * 4 + column) * 2 + channel];
                    }
                }
            }
            let found = network.predict(&sample[..])?;
            for (found, expected) in found.iter().zip(&expected) {
                approx::assert_abs_diff_eq!(found, expected, epsilon = 1e-12);
            }
            let again = Conv2DTranspose::from_config(&Layer::<f64>::config(&layer))?;
            assert_eq!(again, layer);
        }
        let refused = Conv2DTranspose::new(1, kernel).stride(stride).padding(padding).output_padding(stride);
        let error = error_of(Network::<f64>::builder(Shape::image(3, 4, 2)).layer(refused).build(), "too large");
        assert!(error.to_string().contains("output_padding"), "{error}");
    }
    let plain: &dyn Layer<f64> = &Conv2DTranspose::new(1, 3);
    assert!(plain.config().find("output_padding").is_none(), "files of layers without it stay as they are");
    Ok(())
}

/// In an encoder of blocks the decoder's blocks are convolution, normalisation, activation again;
/// the last layer has a bias and the activation it was given, and nothing behind it.
#[test]
fn blocks_are_mirrored_as_blocks() -> Outcome {
    use Activation::{Linear, Relu, Sigmoid, Tanh};
    let builder = || {
        Autoencoder::<f64>::builder(Shape::image(8, 8, 1))
            .encoder(Conv2D::new(4, 3).without_bias())
            .encoder(BatchNorm::new())
            .encoder(Relu)
            .encoder(MaxPool::new(2))
            .encoder(Conv2D::new(6, 3).without_bias())
            .encoder(BatchNorm::new())
            .encoder(Tanh)
            .encoder(MaxPool::new(2))
            .encoder(Dropout::new(0.1))
            .encoder(Dense::new(5))
    };
    let expected = |convolution| {
        vec![
            ("dense", Linear, false),
            ("reshape", Linear, false),
            ("batch_norm", Linear, false),
            ("activation", Tanh, false),
            ("up_sample", Linear, false),
            (convolution, Linear, false),
            ("batch_norm", Linear, false),
            ("activation", Relu, false),
            ("up_sample", Linear, false),
            (convolution, Sigmoid, true),
        ]
    };
    let model = builder().mirror(Sigmoid).build()?;
    assert_eq!(decoder(&model), expected("conv2d"));
    assert_eq!(decoder(&builder().mirror_tied(Sigmoid).build()?), expected("conv2d_transpose"));
    bias_reaches_every_pixel(model, "blocks")
}

/// Another order within a block is kept; an activation of the block's own layer is that of its
/// counterpart.
#[test]
fn a_block_keeps_its_order_and_its_activation() -> Outcome {
    use Activation::{Linear, Relu, Sigmoid};
    let model = Autoencoder::<f64>::builder(Shape::flat(9))
        .encoder(BatchNorm::new())
        .encoder(Dense::new(7).activation(Relu))
        .encoder(BatchNorm::new())
        .encoder(Dense::new(3).activation(Sigmoid))
        .encoder(BatchNorm::new())
        .mirror(Linear)
        .build()?;
    assert_eq!(decoder(&model), [("dense", Relu, true), ("batch_norm", Linear, false), ("dense", Linear, true)]);
    Ok(())
}

#[test]
fn a_decoder_that_would_end_in_padding_is_refused() -> Outcome {
    let builder = |size| Autoencoder::<f64>::builder(Shape::image(size, size, 1)).encoder(MaxPool::new(2));
    let mirrored = |size| builder(size).encoder(Conv2D::new(2, 3)).mirror(Activation::Sigmoid).build();
    bias_reaches_every_pixel(mirrored(6)?, "an even size")?;
    let error = error_of(mirrored(7), "an odd size");
    assert!(matches!(error.kind(), BuildErrorKind::MirrorPads) && error.layer() == "encoder.0", "{error}");
    Ok(())
}

/// Σ over all pixels of the image that lie under the window, as in Keras.
#[test]
fn a_window_may_be_larger_than_the_image() -> Outcome {
    let mut random = Numbers::new(5);
    for (height, width, kernel, dilation) in [(2, 2, 5, 1), (1, 1, 7, 1), (1, 3, 5, 1), (2, 1, 3, 4), (2, 2, 2, 10)] {
        let layer = Conv2D::new(1, kernel).dilation(dilation);
        let mut network = Network::<f64>::builder(Shape::image(height, width, 1)).layer(layer).build()?;
        network.set_parameter("layers.0.bias", &[0.5])?;
        let (weight, sample) = (network.parameter("layers.0.weight")?.values, random.vector(height * width, -1.0, 1.0));
        let found = network.predict(&sample[..])?;
        let reach = (kernel - 1) * dilation + 1;
        for (row, column) in (0..height).flat_map(|row| (0..width).map(move |column| (row, column))) {
            let mut expected = 0.5;
            for (k, l) in (0..kernel).flat_map(|k| (0..kernel).map(move |l| (k, l))) {
                let at = |position: usize, tap: usize| (position + tap * dilation).checked_sub((reach - 1) / 2);
                if let (Some(y), Some(x)) = (at(row, k), at(column, l))
                    && y < height
                    && x < width
                {
                    expected += weight[k * kernel + l] * sample[y * width + x];
                }
            }
            approx::assert_abs_diff_eq!(found[row * width + column], expected, epsilon = 1e-12);
        }
    }
    let pooled = Network::<f64>::builder(Shape::image(2, 2, 1))
        .layer(MaxPool::new(5).stride(1).padding(Padding::Same))
        .layer(AvgPool::new(7).stride(2).padding(Padding::Same))
        .build()?;
    assert_eq!(pooled.predict(&[1.0, 4.0, 3.0, 2.0][..])?.as_slice(), [4.0]);
    let valid = Network::<f64>::builder(Shape::image(2, 2, 1)).layer(Conv2D::new(1, 3).padding(Padding::Valid)).build();
    assert!(error_of(valid, "a window that does not fit").to_string().contains("same"));
    Ok(())
}
