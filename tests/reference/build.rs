//! The layers and networks that cases describe, as Keras names them.

use autoencoder::*;

use crate::case::{Case, pair, sizes};

fn activation(case: &Case, name: &str) -> Activation {
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
        _ => panic!("{}: neither a layer nor an activation: {name}", case.name),
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

/// Adds what the case describes: a layer, an activation or the layers of a network.
pub fn with_layer<T: Scalar>(case: &Case, builder: NetworkBuilder<T>) -> NetworkBuilder<T> {
    let fused = || activation(case, case.text("activation"));
    match case.kind() {
        "Dense" => {
            let layer = Dense::new(case.count("units")).activation(fused());
            let layer = if let Some(earlier) = tie(case) { layer.tied_to(earlier) } else { layer };
            builder.layer(if case.flag("use_bias") { layer } else { layer.without_bias() })
        }
        "Conv2D" => {
            let layer = Conv2D::new(case.count("filters"), case.pair("kernel_size"))
                .stride(case.pair("strides"))
                .dilation(case.pair("dilation_rate"))
                .padding(padding(case))
                .activation(fused());
            builder.layer(if case.flag("use_bias") { layer } else { layer.without_bias() })
        }
        "Conv2DTranspose" => {
            assert_eq!(case.pair("dilation_rate"), (1, 1));
            let layer = Conv2DTranspose::new(case.count("filters"), case.pair("kernel_size"))
                .stride(case.pair("strides"))
                .padding(padding(case))
                .activation(fused());
            let layer = if let Some(earlier) = tie(case) { layer.tied_to(earlier) } else { layer };
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
        "Flatten" => builder.layer(Flatten),
        "Reshape" => builder.layer(Reshape::new(Shape::new(&sizes(&case.options["target_shape"])).expect("a shape"))),
        "BatchNormalization" => {
            builder.layer(BatchNorm::new().momentum(case.number("momentum")).epsilon(case.number("epsilon")))
        }
        "Add" => builder.layer(joined(case).skip(1).fold(Add::with(first(case)), Add::and)),
        "Multiply" => builder.layer(joined(case).skip(1).fold(Multiply::with(first(case)), Multiply::and)),
        "Concatenate" => {
            let layer = joined(case).skip(1).fold(Concatenate::with(first(case)), Concatenate::and);
            let axis = case.options["axis"].as_u64();
            builder.layer(axis.map_or(layer.clone(), |axis| layer.axis(axis as usize)))
        }
        "L1L2" => {
            let penalty = Regularizer::l1_l2(case.number("l1"), case.number("l2"));
            builder.layer(Dense::new(case.values("bias").len()).weight_regularizer(penalty))
        }
        "ActivityRegularization" => builder.layer(L1Activity::new(case.number("l1"))),
        "TopK" => builder.layer(TopK::new(case.count("k")).inference_factor(case.number("inference_factor"))),
        "TargetRate" => builder.layer(TargetRate::new(case.number("rate"), case.number("weight"))),
        "Sequential" => case.layers().fold(builder, |builder, layer| with_layer(&layer, builder)),
        kind => builder.layer(activation(case, kind)),
    }
}

/// The names of what the layer joins.
fn joined(case: &Case) -> impl Iterator<Item = &str> {
    case.options["with"].as_array().into_iter().flatten().filter_map(|name| name.as_str())
}

fn first(case: &Case) -> &str {
    joined(case).next().expect("it joins something")
}

/// The layer whose weight this one takes.
fn tie(case: &Case) -> Option<&str> {
    case.options["tied_to"].as_str()
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
