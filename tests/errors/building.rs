//! Descriptions of models that cannot be.

use autoencoder::*;

use crate::common::gradient::{Check, of_network};
use crate::common::{Numbers, error_of};

type Builder = NetworkBuilder<f64>;

const HUGE: usize = usize::MAX;

fn image(height: usize, width: usize, channels: usize) -> Builder {
    Network::builder(Shape::image(height, width, channels))
}

fn flat(features: usize) -> Builder {
    Network::builder(Shape::flat(features))
}

/// Each description, and what its error says after naming the layer.
fn check(rows: Vec<(Builder, &str, &str)>) {
    for (builder, layer, text) in rows {
        let error = error_of(builder.build(), text);
        assert_eq!(error.layer(), layer, "{error}");
        assert!(error.to_string().starts_with(&format!("layer `{layer}` (")), "{error}");
        assert!(error.to_string().contains(text), "{error}\nexpected: {text}");
    }
}

#[test]
fn zeros() {
    let first = "layers.0";
    check(vec![
        (flat(0).layer(Dense::new(2)), "model", "the shape 0 has no elements"),
        (image(4, 0, 1).layer(Conv2D::new(2, 3)), "model", "the shape 4 x 0 x 1 has no elements"),
        (flat(3).layer(Dense::new(0)), first, "`units` is 0, expected at least 1"),
        (image(4, 4, 1).layer(Conv2D::new(0, 3)), first, "`filters` is 0"),
        (image(4, 4, 1).layer(Conv2D::new(1, 0)), first, "`kernel` is 0"),
        (image(4, 4, 1).layer(Conv2D::new(1, (3, 0))), first, "`kernel` is 0"),
        (image(4, 4, 1).layer(Conv2D::new(1, 3).stride(0)), first, "`stride` is 0"),
        (image(4, 4, 1).layer(Conv2D::new(1, 3).dilation((1, 0))), first, "`dilation` is 0"),
        (image(4, 4, 1).layer(Conv2DTranspose::new(0, 3)), first, "`filters` is 0"),
        (image(4, 4, 1).layer(Conv2DTranspose::new(1, (0, 3))), first, "`kernel` is 0"),
        (image(4, 4, 1).layer(Conv2DTranspose::new(1, 3).stride(0)), first, "`stride` is 0"),
        (image(4, 4, 1).layer(MaxPool::new(0)), first, "`window` is 0"),
        (image(4, 4, 1).layer(AvgPool::new(2).stride((0, 1))), first, "`stride` is 0"),
        (image(4, 4, 1).layer(UpSample::new(0)), first, "`factor` is 0"),
        (flat(4).layer(Reshape::new(Shape::image(2, 0, 2))), first, "the shape 2 x 0 x 2 has no elements"),
        (flat(4), "model", "there are no layers"),
    ]);
}

#[test]
fn sparseness() {
    let first = "layers.0";
    check(vec![
        (flat(3).layer(L1Activity::new(-1e-4)), first, "`weight` is -0.0001, expected a finite number, at least 0"),
        (flat(3).layer(L1Activity::new(f64::INFINITY)), first, "`weight` is inf"),
        (flat(3).layer(TargetRate::new(0.0, 1.0)), first, "`rate` is 0, expected a number between 0 and 1"),
        (flat(3).layer(TargetRate::new(1.0, 1.0)), first, "`rate` is 1"),
        (flat(3).layer(TargetRate::new(f64::NAN, 1.0)), first, "`rate` is NaN"),
        (flat(3).layer(TargetRate::new(0.1, -1.0)), first, "`weight` is -1"),
        (flat(3).layer(TopK::new(0)), first, "`k` is 0"),
        (flat(3).layer(TopK::new(4)), first, "`k` is 4, expected at most the number of values of a sample"),
        (flat(3).layer(TopK::new(2).inference_factor(2.0)), first, "`inference_factor` is 2"),
        (flat(3).layer(TopK::new(2).inference_factor(0.5)), first, "`inference_factor` is 0.5"),
        (flat(3).layer(TopK::new(2).inference_factor(f64::NAN)), first, "`inference_factor` is NaN"),
    ]);
}

#[test]
fn what_does_not_fit() {
    check(vec![
        (
            image(4, 9, 1).layer(Conv2D::new(1, 5).padding(Padding::Valid)),
            "layers.0",
            "a kernel of 5 does not fit into an input of 4 along the height",
        ),
        (
            image(9, 4, 1).layer(Conv2D::new(1, 3).dilation(2).padding(Padding::Valid)),
            "layers.0",
            "a kernel of 5 does not fit into an input of 4 along the width",
        ),
        (image(2, 2, 1).layer(Conv2D::new(1, 99).padding(Padding::Valid)), "layers.0", "a kernel of 99 does not fit"),
        (image(3, 3, 1).layer(MaxPool::new(4)), "layers.0", "a window of 4 does not fit into an input of 3"),
        (
            image(4, 4, 1).layer(MaxPool::new(2)).layer(MaxPool::new(2)).layer(AvgPool::new(2)),
            "layers.2",
            "a window of 2 does not fit into an input of 1",
        ),
        (
            image(5, 5, 1).layer(Crop::new(3, 2, 0, 0)),
            "layers.0",
            "cropping 5 from an input of 5 along the height leaves nothing",
        ),
        (
            flat(12).layer(Reshape::new(Shape::image(2, 2, 2))),
            "layers.0",
            "cannot reshape 12 (12 elements) to 2 x 2 x 2 (8 elements)",
        ),
        (
            flat(12).layer(Conv2D::new(1, 3)),
            "layers.0",
            "expected an image (height x width x channels), found the shape 12",
        ),
        (image(4, 4, 1).layer(Dense::new(4)).layer(UpSample::new(2)), "layers.1", "a `Reshape` before it can make one"),
        (flat(4).layer(Activation::Elu { alpha: -1.0 }), "layers.0", "`alpha` is -1"),
        (
            flat(4).layer(Dense::new(2).activation(Activation::LeakyRelu { slope: f64::NAN })),
            "layers.0",
            "`slope` is NaN",
        ),
        (
            flat(4).layer(Dense::new(2).weight_initializer(Initializer::Uniform(f64::NAN))),
            "layers.0",
            "the initial `weight` is not finite",
        ),
        (
            flat(4).layer(Dense::new(2).bias_initializer(Initializer::Constant(f64::INFINITY))),
            "layers.0",
            "the initial `bias` is not finite",
        ),
        (
            flat(4).scaler(Scaler::new(vec![0.0; 3], vec![1.0; 3]).unwrap()).layer(Dense::new(2)),
            "model",
            "the scaler is for 3 features, the model takes 4",
        ),
    ]);
}

#[test]
fn options_against_overfitting() {
    let first = "layers.0";
    let dense = |regularizer| flat(4).layer(Dense::new(2).weight_regularizer(regularizer));
    check(vec![
        (flat(4).layer(Dropout::new(1.0)), first, "`rate` is 1, expected a number in 0..1"),
        (flat(4).layer(Dropout::new(-0.1)), first, "`rate` is -0.1"),
        (flat(4).layer(Dropout::new(f64::NAN)), first, "`rate` is NaN"),
        (flat(4).layer(GaussianNoise::new(-0.1)), first, "`deviation` is -0.1, expected a finite number, at least 0"),
        (flat(4).layer(GaussianNoise::new(f64::INFINITY)), first, "`deviation` is inf"),
        (flat(4).layer(BatchNorm::new().momentum(1.0)), first, "`momentum` is 1, expected a number in 0..1"),
        (flat(4).layer(BatchNorm::new().epsilon(0.0)), first, "`epsilon` is 0, expected a finite number above 0"),
        (dense(Regularizer::l1(-1.0)), first, "`l1` is -1, expected a finite number, at least 0"),
        (dense(Regularizer::l2(f64::NAN)), first, "`l2` is NaN"),
        (
            image(4, 4, 1).layer(Conv2D::new(2, 3).weight_regularizer(Regularizer::l1_l2(0.1, -0.1))),
            first,
            "`l2` is -0.1",
        ),
    ]);
}

/// Sizes past the limit of 2³¹ elements, many of them past `usize` as well.
#[test]
fn sizes_without_bounds() {
    let passes = "passes the limit of 2147483648 elements";
    let mut rows = vec![
        (flat(HUGE).layer(Dense::new(1)), "model", passes),
        (image(HUGE, HUGE, HUGE).layer(Flatten), "model", passes),
        (image(1 << 16, 1 << 16, 1).layer(Flatten), "model", passes),
        (flat(4).layer(Dense::new(HUGE)), "layers.0", passes),
        (flat(1 << 20).layer(Dense::new(1 << 20)), "layers.0", passes),
        (image(4, 4, 1).layer(Pad::new(HUGE, 1, 0, 0)), "layers.0", passes),
        (image(4, 4, 1).layer(Pad::new(1 << 20, 0, 1 << 20, 0)), "layers.0", passes),
        (image(4, 4, 1).layer(Crop::new(HUGE, HUGE, 0, 0)), "layers.0", "leaves nothing"),
        (image(4, 4, 1).layer(UpSample::new(HUGE)), "layers.0", passes),
        (image(4, 4, 1).layer(UpSample::new(1 << 20)), "layers.0", passes),
        (flat(4).layer(Reshape::new(Shape::flat(HUGE))), "layers.0", passes),
    ];
    for padding in [Padding::Same, Padding::Valid] {
        let conv = |filters, kernel| Conv2D::new(filters, kernel).padding(padding);
        let transposed = |filters, kernel| Conv2DTranspose::new(filters, kernel).padding(padding);
        let huge = if padding == Padding::Same { passes } else { "does not fit" };
        rows.push((image(4, 4, 1).layer(conv(HUGE, 3)), "layers.0", passes));
        rows.push((image(4, 4, 1).layer(conv(1, HUGE)), "layers.0", passes));
        rows.push((image(4, 4, 1).layer(conv(1, 3).dilation(HUGE)), "layers.0", passes));
        rows.push((image(4, 4, 1).layer(conv(1, 1 << 30)), "layers.0", huge));
        rows.push((image(4, 4, 1 << 20).layer(conv(1 << 20, 3)), "layers.0", passes));
        rows.push((image(4, 4, 1).layer(transposed(HUGE, 3)), "layers.0", passes));
        rows.push((image(4, 4, 1).layer(transposed(1, HUGE)), "layers.0", passes));
        rows.push((image(4, 4, 1).layer(transposed(1, 1 << 20)), "layers.0", passes));
        rows.push((image(4, 4, 1).layer(transposed(1, 3).stride(HUGE)), "layers.0", passes));
        rows.push((image(4, 4, 1).layer(transposed(1, 3).stride(1 << 20)), "layers.0", passes));
        rows.push((image(4, 4, 1).layer(MaxPool::new(HUGE).padding(padding)), "layers.0", passes));
    }
    rows.push((image(4, 4, 1).layer(AvgPool::new(1 << 30)), "layers.0", "does not fit"));
    check(rows);
    // A stride past the image leaves one position; so does a window with `same` padding.
    for builder in [
        image(4, 4, 1).layer(Conv2D::new(1, 3).stride(HUGE)),
        image(4, 4, 1).layer(Conv2D::new(1, (2, 4)).stride(HUGE).padding(Padding::Valid)),
        image(4, 4, 1).layer(MaxPool::new(2).stride(HUGE)),
        image(4, 4, 1).layer(AvgPool::new(2).stride(HUGE)),
        image(4, 4, 1).layer(AvgPool::new(1 << 30).padding(Padding::Same)),
    ] {
        of_network(builder.build().unwrap(), 2, &mut Numbers::new(1)).check("a stride past the image");
    }
    assert_eq!(Shape::new(&[1; 9]), Err(ShapeError::Rank { rank: 9 }));
}

#[test]
fn a_decoder_that_does_not_lead_back() {
    let builder =
        || Autoencoder::<f64>::builder(Shape::image(7, 7, 1)).encoder(Conv2D::new(4, 3)).encoder(MaxPool::new(2));
    let error = error_of(builder().decoder(UpSample::new(2)).decoder(Conv2D::new(1, 3)).build(), "6 x 6");
    let expected = "layer `decoder.1` (conv2d): the decoder ends in 6 x 6 x 1 (36 elements), the model's input is 7 x 7 x 1 (49 elements); fill up with `Pad`";
    assert!(error.to_string().starts_with(expected), "{error}");
    assert!(matches!(error.kind(), BuildErrorKind::Reconstruction { .. }));
    assert_eq!(error_of(builder().build(), "no decoder").layer(), "decoder");
    let no_encoder = Autoencoder::<f64>::builder(Shape::flat(3)).decoder(Dense::new(3)).build();
    assert!(matches!(error_of(no_encoder, "no encoder").kind(), BuildErrorKind::NoLayers));
    let dilated = Autoencoder::<f64>::builder(Shape::image(9, 9, 1));
    let dilated = dilated.encoder(Conv2D::new(2, 3).dilation(2).padding(Padding::Valid)).mirror(Activation::Linear);
    let error = error_of(dilated.build(), "no mirror image");
    assert_eq!((error.layer(), error.kind()), ("encoder.0", &BuildErrorKind::NoMirror));
    let same_number = Autoencoder::<f64>::builder(Shape::image(7, 7, 1)).encoder(Dense::new(5)).decoder(Dense::new(49));
    assert_eq!(same_number.build().unwrap().network().output_shape(), Shape::image(7, 7, 1));
}

/// A layer of the user's own that asks for the impossible.
#[derive(Debug, Clone, Copy)]
enum Greedy {
    Cache,
    Scratch,
    Prepared,
    State,
    Parameter,
    Output,
}

impl Layer<f64> for Greedy {
    fn kind(&self) -> &'static str {
        "greedy"
    }

    fn config(&self) -> Config {
        Config::new()
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        let plan = Plan::new(input);
        Ok(match self {
            Self::Cache => plan.cache_per_sample(HUGE),
            Self::Scratch => plan.scratch(HUGE),
            Self::Prepared => plan.packed(HUGE),
            Self::State => plan.state(StateSpec::new("state", HUGE, 0.0)),
            Self::Parameter => plan.parameter(ParameterSpec::new("weight", &[HUGE, 2], Initializer::Zeros)),
            Self::Output => Plan::new(Shape::flat(0)),
        })
    }

    fn forward(&self, _context: &Context<'_, f64>, _pass: Forward<'_, f64>) {}

    fn backward(&self, _context: &Context<'_, f64>, _pass: Backward<'_, f64>) {}
}

#[test]
fn a_layer_that_asks_for_too_much() {
    for greedy in [Greedy::Prepared, Greedy::State, Greedy::Parameter, Greedy::Output] {
        assert_eq!(error_of(flat(2).layer(greedy).build(), "too much").layer(), "layers.0");
    }
    for greedy in [Greedy::Cache, Greedy::Scratch] {
        let network = flat(2).layer(greedy).build();
        let fails = network.map(|network| network.tape(4).map(|_| ()).unwrap_err().to_string());
        assert!(
            fails.as_ref().map_or_else(|error| error.to_string(), Clone::clone).contains("passes the limit"),
            "{fails:?}"
        );
    }
}

#[test]
fn parameters() {
    let mut network = flat(3).layer(Dense::new(2)).build().unwrap();
    let before = network.parameter_vector().to_vec();
    let rows = [
        (network.set_parameter("layers.1.weight", &[0.0; 6]), "there is no parameter `layers.1.weight`"),
        (network.set_parameter("layers.0.weight", &[0.0; 5]), "`layers.0.weight` has 6 elements, 5 were given"),
        (
            network.set_parameter("layers.0.bias", &[0.0, f64::NAN]),
            "element 1 given for `layers.0.bias` (counted from 0) is not finite",
        ),
        (network.freeze("encoder."), "no parameter's name begins with `encoder.`"),
        (network.unfreeze("x"), "no parameter's name begins with `x`"),
        (network.update_parameters(|all| all[7] = f64::INFINITY), "element 1 given for `layers.0.bias` (counted"),
        (network.parameter("").map(|_| ()), "there is no parameter ``"),
    ];
    for (result, text) in rows {
        let message = error_of(result, text).to_string();
        assert!(message.starts_with(text), "{message}\nexpected: {text}");
    }
    assert_eq!(network.parameter_vector(), before);
}
