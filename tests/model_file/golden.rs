//! Files of every kind of layer that were written once and must load for ever, each with inputs and
//! what the model gave for them.
//!
//! A file is never written again. For a new kind of layer, or a new option, add a model below and
//! run
//!
//!     cargo test --test model_file -- --ignored write_golden_files
//!
//! which writes the files that are missing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use autoencoder::nalgebra::DMatrix;
use autoencoder::{
    Activation, Add, Autoencoder, AvgPool, BatchNorm, Block, Concatenate, Conv2D, Conv2DTranspose, Crop, Dense,
    Dropout, Flatten, GaussianLatent, GaussianNoise, Initializer, Interpolation, KlAnnealing, L1Activity, Layer,
    MaxPool, ModelFileError, Multiply, Network, NetworkBuilder, Pad, Padding, Registry, Regularizer, Reshape, Scalar,
    Scaler, Shape, TargetRate, TopK, UpSample,
};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};

use crate::support::{bytes, header, network_bytes};

const IMAGE: Shape = Shape::image(4, 4, 2);

/// A model's own file.
const MODEL: &str = ".model.safetensors";

/// What it was given, and what it gave: `input` and `output`, samples × features.
const VALUES: &str = ".values.safetensors";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// A model of one of the kinds that a file may hold, loaded by what its header says.
enum Model<T: Scalar> {
    Autoencoder(Box<Autoencoder<T>>),
    Network(Box<Network<T>>),
}

impl<T: Scalar> Model<T> {
    fn from_bytes(file: &[u8]) -> Result<Self, ModelFileError> {
        match header(file).contains(r#"\"model\":\"network\""#) {
            true => Network::from_bytes(file).map(|network| Self::Network(Box::new(network))),
            false => Autoencoder::from_bytes(file).map(|model| Self::Autoencoder(Box::new(model))),
        }
    }

    fn network(&self) -> &Network<T> {
        match self {
            Self::Autoencoder(model) => model.network(),
            Self::Network(network) => network,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Autoencoder(model) => bytes(model),
            Self::Network(network) => network_bytes(network),
        }
    }
}

#[test]
fn golden_files_load_give_what_they_gave_and_save_to_the_same_bytes() {
    let mut names = 0;
    for path in files() {
        let file = fs::read(&path).unwrap();
        match header(&file).contains(r#"\"float\":\"F64\""#) {
            true => check::<f64>(&path, &file, 1e-12),
            false => check::<f32>(&path, &file, 1e-6),
        }
        names += 1;
    }
    assert!(names >= 20, "{names} files");
}

/// `tolerance` is a share of the largest output: processors round sums differently.
fn check<T: Scalar>(path: &Path, file: &[u8], tolerance: f64) {
    let name = path.display();
    let model = Model::<T>::from_bytes(file).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert!(model.bytes() == file, "{name} is saved as other bytes");
    let values = fs::read(path.to_str().unwrap().replace(MODEL, VALUES)).unwrap();
    let values = SafeTensors::deserialize(&values).unwrap();
    let [input, output] = ["input", "output"].map(|name| matrix::<T>(&values.tensor(name).unwrap()));
    let found = model.network().predict(&input).unwrap();
    assert_eq!(found.shape(), output.shape(), "{name}");
    let largest = output.iter().map(|value| value.into_f64().abs()).fold(0.0, f64::max);
    for (found, expected) in found.iter().zip(&output) {
        let difference = (found.into_f64() - expected.into_f64()).abs();
        assert!(difference <= tolerance * largest, "{name}: {found} for {expected}");
    }
}

#[test]
fn every_kind_of_layer_has_a_golden_file() {
    let headers: Vec<String> = files().iter().map(|path| header(&fs::read(path).unwrap()).to_owned()).collect();
    for kind in Registry::<f32>::default().kinds() {
        let kind = format!(r#"\"kind\":\"{kind}\",\"config\""#);
        assert!(headers.iter().any(|header| header.contains(&kind)), "{kind} has no golden file");
    }
}

fn files() -> Vec<PathBuf> {
    let paths = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = paths.filter(|path| path.to_str().unwrap().ends_with(MODEL)).collect();
    paths.sort();
    paths
}

fn matrix<T: Scalar>(tensor: &TensorView<'_>) -> DMatrix<T> {
    let values = tensor.data().chunks_exact(8).map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap()));
    DMatrix::from_iterator(tensor.shape()[1], tensor.shape()[0], values.map(T::from_f64))
}

#[test]
#[ignore = "writes the golden files that are missing"]
fn write_golden_files() {
    fs::create_dir_all(folder()).unwrap();
    layers::<f32>().into_iter().for_each(|(name, layer)| write(name, &Model::Network(Box::new(layer))));
    let wide = ["dense", "conv2d", "conv2d_transpose", "batch_norm"];
    for (name, layer) in layers::<f64>().into_iter().filter(|(name, _)| wide.contains(name)) {
        write(&format!("{name}_f64"), &Model::Network(Box::new(layer)));
    }
    let clipped = scaled_by(scaler().clip(-0.5, 0.75).unwrap());
    write("clipped_network", &Model::Network(Box::new(clipped.network().clone())));
    write("clipped_autoencoder", &Model::Autoencoder(Box::new(clipped)));
    let scaled = scaled_by(scaler());
    write("scaled_encoder", &Model::Network(Box::new(scaled.encoder())));
    write("scaled_decoder", &Model::Network(Box::new(scaled.decoder().unwrap())));
    write("scaled_autoencoder", &Model::Autoencoder(Box::new(scaled)));
    let tied = tied();
    write("tied_decoder", &Model::Network(Box::new(tied.decoder().unwrap())));
    write("tied_autoencoder", &Model::Autoencoder(Box::new(tied)));
    write("graph_autoencoder", &Model::Autoencoder(Box::new(graph())));
    write("image_autoencoder", &Model::Autoencoder(Box::new(images())));
    write("variational_autoencoder", &Model::Autoencoder(Box::new(variational())));
}

fn write<T: Scalar>(name: &str, model: &Model<T>) {
    let path = folder().join(format!("{name}{MODEL}"));
    if path.exists() {
        return;
    }
    let features = model.network().input_shape().elements();
    let input = DMatrix::from_fn(features, 3, |feature, sample| T::from_f64(wave(feature * 5 + sample * 7)));
    let output = model.network().predict(&input).unwrap();
    let tensors = [("input", &input), ("output", &output)].map(|(name, values)| {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.into_f64().to_le_bytes()).collect();
        (name, vec![values.ncols(), values.nrows()], bytes)
    });
    let views: BTreeMap<&str, TensorView<'_>> = tensors
        .iter()
        .map(|(name, shape, bytes)| (*name, TensorView::new(Dtype::F64, shape.clone(), bytes).unwrap()))
        .collect();
    fs::write(folder().join(format!("{name}{VALUES}")), safetensors::serialize(views, None).unwrap()).unwrap();
    fs::write(path, model.bytes()).unwrap();
}

/// Every kind of layer, by itself as far as it can be.
fn layers<T: Scalar>() -> Vec<(&'static str, Network<T>)> {
    let one = |layer| network([layer]);
    vec![
        ("dense", one(boxed(Dense::new(5).activation(Activation::Gelu)))),
        ("dense_softmax", one(boxed(Dense::new(3).without_bias().activation(Activation::Softmax)))),
        ("dense_regularised", one(boxed(Dense::new(3).weight_regularizer(Regularizer::l1_l2(1e-5, 0.25))))),
        (
            "conv2d",
            one(boxed(Conv2D::new(3, (3, 2)).stride((1, 2)).padding(Padding::Valid).activation(Activation::Relu))),
        ),
        ("conv2d_dilated", one(boxed(Conv2D::new(2, 2).dilation(2).activation(Activation::LeakyRelu { slope: 0.1 })))),
        (
            "conv2d_transpose",
            one(boxed(Conv2DTranspose::new(2, 3).stride(2).activation(Activation::Elu { alpha: 0.5 }))),
        ),
        ("add", one(boxed(Add::with("input").and("input")))),
        ("multiply", one(boxed(Multiply::with("input")))),
        ("concatenate", network([boxed(Activation::Tanh), boxed(Concatenate::with("input").axis(1))])),
        ("max_pool", one(boxed(MaxPool::new(2)))),
        ("avg_pool", one(boxed(AvgPool::new(3).stride(1).padding(Padding::Same)))),
        ("up_sample", one(boxed(UpSample::new(2)))),
        ("up_sample_bilinear", one(boxed(UpSample::new((2, 3)).interpolation(Interpolation::Bilinear)))),
        ("activation", one(boxed(Activation::Softplus))),
        ("dropout", one(boxed(Dropout::new(0.25)))),
        ("gaussian_noise", one(boxed(GaussianNoise::new(0.1)))),
        ("batch_norm", one(boxed(BatchNorm::new().momentum(0.9)))),
        ("flatten", one(boxed(Flatten::new()))),
        ("reshape", one(boxed(Reshape::new(Shape::image(2, 8, 2))))),
        ("crop", one(boxed(Crop::new(1, 0, 2, 1)))),
        ("pad", one(boxed(Pad::new(0, 1, 2, 0)))),
        ("l1_activity", one(boxed(L1Activity::new(1e-4)))),
        ("target_rate", network([boxed(Activation::Sigmoid), boxed(TargetRate::new(0.05, 3.0))])),
        ("top_k", one(boxed(TopK::new(7).inference_factor(1.5)))),
        (
            "gaussian_latent",
            network([
                boxed(Dense::new(4).weight_initializer(Initializer::Orthogonal(0.5))),
                boxed(GaussianLatent::new().beta(4.0).warm_up(KlAnnealing::Cyclic { epochs: 5.0, rise: 0.5 })),
            ]),
        ),
    ]
}

type AddLayer<T> = Box<dyn FnOnce(NetworkBuilder<T>) -> NetworkBuilder<T>>;

fn boxed<T: Scalar>(layer: impl Layer<T> + 'static) -> AddLayer<T> {
    Box::new(|builder| builder.layer(layer))
}

fn network<T: Scalar, const N: usize>(layers: [AddLayer<T>; N]) -> Network<T> {
    let builder = layers.into_iter().fold(Network::builder(IMAGE).seed(u64::MAX), |builder, add| add(builder));
    let mut network = builder.build().unwrap();
    set(&mut network);
    network
}

fn scaler() -> Scaler {
    Scaler::new((0..6).map(wave).collect(), (0..6).map(|feature| 2.5 + wave(feature)).collect()).unwrap()
}

/// A scaler, and parameters that are frozen.
fn scaled_by(scaler: Scaler) -> Autoencoder<f64> {
    let builder = Autoencoder::builder(Shape::flat(6)).seed(1).scaler(scaler);
    let model = builder.encoder(Dense::new(3).activation(Activation::Tanh)).mirror(Activation::Linear).build();
    let mut model = model.unwrap();
    set_all(&mut model);
    model.freeze("encoder.").unwrap();
    model
}

fn tied() -> Autoencoder<f32> {
    let builder = Autoencoder::builder(Shape::image(4, 4, 1)).seed(2);
    let builder = builder.encoder(Dense::new(6).activation(Activation::Selu)).encoder(Dense::new(2));
    let mut model = builder.mirror_tied(Activation::Sigmoid).build().unwrap();
    set_all(&mut model);
    model
}

/// Names of its own, a block, and a decoder that reads the encoder.
fn graph() -> Autoencoder<f32> {
    let block = Block::new().layer(Conv2D::new(3, 3)).layer(BatchNorm::new()).named("sum", Add::with("input"));
    let builder = Autoencoder::builder(Shape::image(6, 4, 1)).seed(3);
    let builder = builder
        .encoder_named("fine", Conv2D::new(3, 3).activation(Activation::Relu))
        .encoder(block)
        .encoder(MaxPool::new(2))
        .decoder(UpSample::new(2))
        .decoder(Concatenate::with("encoder.fine").and("encoder.1"))
        .decoder(Conv2D::new(1, 3).activation(Activation::Sigmoid));
    let mut model = builder.build().unwrap();
    set_all(&mut model);
    model
}

fn images() -> Autoencoder<f32> {
    let builder = Autoencoder::builder(Shape::image(8, 8, 1)).seed(3);
    let builder = builder
        .encoder(Conv2D::new(3, 3).activation(Activation::Relu))
        .encoder(MaxPool::new(2))
        .decoder(Conv2D::new(2, 3).activation(Activation::Silu))
        .decoder(UpSample::new(2))
        .decoder(Conv2D::new(1, 3).activation(Activation::Sigmoid));
    let mut model = builder.build().unwrap();
    set_all(&mut model);
    model
}

fn variational() -> Autoencoder<f32> {
    let builder = Autoencoder::builder(Shape::flat(8)).seed(4);
    let builder = builder.encoder(Dense::new(4)).encoder(GaussianLatent::new().free_bits(0.1));
    let mut model = builder.decoder(Dense::new(8).activation(Activation::Sigmoid)).build().unwrap();
    set_all(&mut model);
    model
}

/// Gives every number a value that no initialiser gives.
fn set<T: Scalar>(network: &mut Network<T>) {
    let names = network.parameters().chain(network.state()).map(|tensor| (tensor.name.to_owned(), tensor.values.len()));
    for (tensor, (name, elements)) in names.collect::<Vec<_>>().into_iter().enumerate() {
        network.set_parameter(&name, &values(tensor, elements)).unwrap();
    }
}

fn set_all<T: Scalar>(model: &mut Autoencoder<T>) {
    let names = model.parameters().map(|tensor| (tensor.name.to_owned(), tensor.values.len())).collect::<Vec<_>>();
    for (tensor, (name, elements)) in names.into_iter().enumerate() {
        model.set_parameter(&name, &values(tensor, elements)).unwrap();
    }
}

/// Between 0 and 1, so that variances are none below.
fn values<T: Scalar>(tensor: usize, elements: usize) -> Vec<T> {
    (0..elements).map(|element| T::from_f64(0.5 + 0.5 * wave(tensor * 11 + element * 3))).collect()
}

/// Between -1 and 1, with no period; exact in every language, so without a sine.
fn wave(index: usize) -> f64 {
    (index * index * 37 + index * 101) as f64 % 257.0 / 128.5 - 1.0
}
