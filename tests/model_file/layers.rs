//! Every kind of layer, with every setting it has, there and back.

use autoencoder::{
    Activation, Add, AvgPool, BatchNorm, Concatenate, Conv2D, Conv2DTranspose, Crop, Dense, Dropout, Flatten,
    GaussianLatent, GaussianNoise, Initializer, Interpolation, KlAnnealing, L1Activity, Layer, MaxPool, Multiply,
    Network, Pad, Padding, Registry, Regularizer, Reshape, Scalar, Shape, TargetRate, TopK, UpSample,
};

use crate::support::{network_bytes, samples};

const IMAGE: Shape = Shape::image(6, 5, 3);

/// A network of one layer over images.
fn one<T: Scalar>(layer: impl Layer<T> + 'static) -> Network<T> {
    Network::builder(IMAGE).layer(layer).seed(u64::MAX).build().unwrap()
}

fn activations() -> Vec<Activation> {
    use Activation::*;
    let plain = [Linear, Relu, Selu, Gelu, Silu, Sigmoid, Tanh, Softplus, Softmax];
    plain.into_iter().chain([LeakyRelu { slope: 0.1 }, LeakyRelu { slope: -1.0 }, Elu { alpha: 1e-7 }]).collect()
}

fn initializers() -> Vec<Initializer> {
    use Initializer::*;
    let plain = [Zeros, GlorotUniform, GlorotNormal, HeUniform, HeNormal, LecunUniform, LecunNormal];
    let scaled = [Constant(-0.25), Normal(0.1), TruncatedNormal(1.0), Uniform(1.0 / 3.0), Orthogonal(1e16)];
    plain.into_iter().chain(scaled).collect()
}

fn networks<T: Scalar>() -> Vec<Network<T>> {
    let wide = Conv2D::new(4, (3, 2)).stride((2, 1)).padding(Padding::Valid).without_bias();
    let large = Conv2DTranspose::new(2, (3, 4)).stride((1, 2)).padding(Padding::Valid).without_bias();
    let mut networks = vec![
        one(Dense::new(4)),
        one(Dense::new(4).without_bias().activation(Activation::Softmax)),
        one(wide.clone()),
        one(Conv2D::new(2, 2).dilation(2).activation(Activation::Relu)),
        one(large),
        one(Conv2DTranspose::new(2, 3).stride(2).activation(Activation::Elu { alpha: 0.5 })),
        one(Dense::new(4).weight_regularizer(Regularizer::l1(1e-5))),
        one(Conv2D::new(2, 3).weight_regularizer(Regularizer::l2(0.5))),
        one(Conv2DTranspose::new(2, 3).weight_regularizer(Regularizer::l1_l2(0.25, 1e-4))),
        one(Dropout::new(0.25)),
        one(GaussianNoise::new(0.1)),
        one(BatchNorm::new()),
        one(BatchNorm::new().momentum(0.5).epsilon(1e-5)),
        one(Add::with("input").and("input")),
        one(Multiply::with("input")),
        one(Concatenate::with("input")),
        one(Concatenate::with("input").and("input").axis(1)),
        one(MaxPool::new(2)),
        one(MaxPool::new((3, 2)).stride((1, 2)).padding(Padding::Same)),
        one(AvgPool::new(2)),
        one(AvgPool::new((2, 3)).stride(1).padding(Padding::Same)),
        one(UpSample::new(2)),
        one(UpSample::new((3, 1)).interpolation(Interpolation::Bilinear)),
        one(Crop::new(1, 2, 0, 1)),
        one(Pad::new(0, 1, 2, 3)),
        one(Flatten::new()),
        one(L1Activity::new(1e-4)),
        one(TargetRate::new(0.05, 3.0)),
        one(TopK::new(7).inference_factor(1.5)),
        one(Reshape::new(Shape::new(&[2, 3, 5, 3]).unwrap())),
    ];
    let latent = GaussianLatent::new().beta(4.0).free_bits(0.1);
    for warm_up in
        [KlAnnealing::None, KlAnnealing::Linear { epochs: 10.0 }, KlAnnealing::Cyclic { epochs: 5.0, rise: 0.5 }]
    {
        let builder = Network::builder(IMAGE).layer(Conv2D::new(4, 1));
        networks.push(builder.layer(latent.warm_up(warm_up)).seed(u64::MAX).build().unwrap());
    }
    networks.extend(activations().into_iter().map(one));
    networks.extend(activations().into_iter().map(|activation| one(wide.clone().activation(activation))));
    networks.extend(initializers().into_iter().map(|initializer| {
        one(Dense::new(2).weight_initializer(initializer).bias_initializer(Initializer::Constant(3.0)))
    }));
    networks
}

fn there_and_back<T: Scalar>() {
    for network in networks::<T>() {
        let bytes = network_bytes(&network);
        let again = Network::<T>::from_bytes(&bytes).unwrap();
        assert_eq!(network_bytes(&again), bytes);
        assert_eq!(again.parameter_vector(), network.parameter_vector());
        assert_eq!(again.seed(), u64::MAX);
        assert_eq!(again.output_shape(), network.output_shape());
        let batch = samples::<T>(IMAGE.elements());
        assert_eq!(again.predict(&batch).unwrap(), network.predict(&batch).unwrap());
    }
}

#[test]
fn every_layer_in_f32() {
    there_and_back::<f32>();
}

#[test]
fn every_layer_in_f64() {
    there_and_back::<f64>();
}

#[test]
fn no_kind_is_left_out_here() {
    let networks = networks::<f32>();
    let tested: Vec<&str> = networks.iter().flat_map(Network::layers).map(|(_, layer)| layer.kind()).collect();
    let registry = Registry::<f32>::default();
    for kind in registry.kinds() {
        assert!(tested.contains(&kind), "{kind} has no test");
    }
}
