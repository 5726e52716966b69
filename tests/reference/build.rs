//! The layers and networks that cases describe, as Keras names them.

use autoencoder::*;

use crate::case::{Case, pair};

pub fn activation(case: &Case, name: &str) -> Activation {
    match name {
        "linear" => Activation::Linear,
        "relu" => Activation::Relu,
        "leaky_relu" => Activation::LeakyRelu { slope: case.number("negative_slope") },
        "elu" => Activation::Elu { alpha: case.options["alpha"].as_f64().unwrap_or(1.0) },
        "selu" => Activation::Selu,
        "gelu" => Activation::Gelu,
        "silu" => Activation::Silu,
        "sigmoid" => Activation::Sigmoid,
        "tanh" => Activation::Tanh,
        "softplus" => Activation::Softplus,
        "softmax" => Activation::Softmax,
        _ => panic!("{}: the activation {name}", case.name),
    }
}

fn padding(case: &Case) -> Padding {
    match case.text("padding") {
        "same" => Padding::Same,
        "valid" => Padding::Valid,
        other => panic!("{}: the padding {other}", case.name),
    }
}

/// The rim of a crop or a pad: top, bottom, left, right.
fn rim(case: &Case, option: &str) -> [usize; 4] {
    let ((top, bottom), (left, right)) = (pair(&case.options[option][0]), pair(&case.options[option][1]));
    [top, bottom, left, right]
}

pub fn with_layer(case: &Case, builder: NetworkBuilder<f64>) -> NetworkBuilder<f64> {
    let fused = || activation(case, case.text("activation"));
    match case.kind() {
        "Dense" => {
            let layer = Dense::new(case.number("units") as usize).activation(fused());
            builder.layer(if case.flag("use_bias") { layer } else { layer.without_bias() })
        }
        "Conv2D" => {
            let layer = Conv2D::new(case.number("filters") as usize, case.pair("kernel_size"))
                .stride(case.pair("strides"))
                .dilation(case.pair("dilation_rate"))
                .padding(padding(case))
                .activation(fused());
            builder.layer(if case.flag("use_bias") { layer } else { layer.without_bias() })
        }
        "Conv2DTranspose" => {
            assert_eq!(case.pair("dilation_rate"), (1, 1));
            let layer = Conv2DTranspose::new(case.number("filters") as usize, case.pair("kernel_size"))
                .stride(case.pair("strides"))
                .padding(padding(case))
                .activation(fused());
            builder.layer(if case.flag("use_bias") { layer } else { layer.without_bias() })
        }
        "MaxPooling2D" => {
            let layer = MaxPool::new(case.pair("pool_size")).padding(padding(case));
            builder.layer(if has_default_stride(case) { layer } else { layer.stride(case.pair("strides")) })
        }
        "AveragePooling2D" => {
            let layer = AvgPool::new(case.pair("pool_size")).padding(padding(case));
            builder.layer(if has_default_stride(case) { layer } else { layer.stride(case.pair("strides")) })
        }
        "UpSampling2D" => builder.layer(UpSample::new(case.pair("size")).interpolation(interpolation(case))),
        "Cropping2D" => {
            let [top, bottom, left, right] = rim(case, "cropping");
            builder.layer(Crop::new(top, bottom, left, right))
        }
        "ZeroPadding2D" => {
            let [top, bottom, left, right] = rim(case, "padding");
            builder.layer(Pad::new(top, bottom, left, right))
        }
        kind => panic!("{}: the layer {kind}", case.name),
    }
}

fn has_default_stride(case: &Case) -> bool {
    case.pair("strides") == case.pair("pool_size")
}

fn interpolation(case: &Case) -> Interpolation {
    match case.text("interpolation") {
        "nearest" => Interpolation::Nearest,
        "bilinear" => Interpolation::Bilinear,
        other => panic!("{}: the interpolation {other}", case.name),
    }
}
