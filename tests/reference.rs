//! What Keras and PyTorch compute (`tests/reference`), computed here. The values of variational models are compared in `tests/variational`.

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use autoencoder::*;
use common::Outcome;
use safetensors::SafeTensors;
use serde_json::Value;

/// One case of a reference file: its options and its tensors.
struct Case {
    name: String,
    options: Value,
    tensors: BTreeMap<String, Tensor>,
}

struct Tensor {
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl Case {
    fn kind(&self) -> &str {
        self.text("kind")
    }

    fn text(&self, option: &str) -> &str {
        self.options[option].as_str().unwrap_or_else(|| panic!("{}: no text `{option}`", self.name))
    }

    fn number(&self, option: &str) -> f64 {
        self.options[option].as_f64().unwrap_or_else(|| panic!("{}: no number `{option}`", self.name))
    }

    fn flag(&self, option: &str) -> bool {
        self.options[option].as_bool().unwrap_or_else(|| panic!("{}: no flag `{option}`", self.name))
    }

    fn pair(&self, option: &str) -> (usize, usize) {
        pair(&self.options[option])
    }

    fn tensor(&self, name: &str) -> &Tensor {
        self.tensors.get(name).unwrap_or_else(|| panic!("{}: no tensor `{name}`", self.name))
    }

    fn values(&self, name: &str) -> &[f64] {
        &self.tensor(name).values
    }

    /// The shape of one sample of a tensor.
    fn sample(&self, name: &str) -> Shape {
        Shape::new(&self.tensor(name).shape[1..]).expect("a shape")
    }

    /// Panics unless every element is equal to 1e-10 of itself, but for rounding of the tensor's largest.
    #[track_caller]
    fn compare(&self, tensor: &str, found: &[f64]) {
        let expected = self.values(tensor);
        assert_eq!(found.len(), expected.len(), "{}/{tensor}: another number of elements", self.name);
        let largest = expected.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
        for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
            let close = (found - expected).abs() <= 1e-10 * expected.abs() + 1e-14 * largest;
            assert!(close, "{}/{tensor}[{index}]: {found:e}, expected {expected:e}", self.name);
        }
    }
}

fn pair(value: &Value) -> (usize, usize) {
    match value.as_array().map(Vec::as_slice) {
        Some([height, width]) => (height.as_u64().unwrap() as usize, width.as_u64().unwrap() as usize),
        _ => panic!("{value} is not a pair"),
    }
}

/// Every case of `tests/reference/<area>.safetensors`, of which there are `count`.
fn cases(area: &str, count: usize) -> Vec<Case> {
    let bytes = std::fs::read(reference(&format!("{area}.safetensors"))).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let list: Vec<Value> = serde_json::from_str(&header.metadata().as_ref().unwrap()["cases"]).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors: BTreeMap<String, BTreeMap<String, Tensor>> = BTreeMap::new();
    for (name, view) in file.tensors() {
        let (case, tensor) = name.rsplit_once('/').unwrap();
        let values = view.data().chunks_exact(8).map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap())).collect();
        let tensor = (tensor.to_owned(), Tensor { shape: view.shape().to_vec(), values });
        tensors.entry(case.to_owned()).or_default().extend([tensor]);
    }
    assert_eq!(list.len(), count, "{area}: cases");
    let case = |options: Value| {
        let name = options["name"].as_str().unwrap().to_owned();
        Case { tensors: tensors.remove(&name).unwrap_or_default(), name, options }
    };
    list.into_iter().map(case).collect()
}

fn reference(file: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(file)
}

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

fn with_layer(case: &Case, builder: NetworkBuilder<f64>) -> NetworkBuilder<f64> {
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

/// Runs the case's input through the network and compares everything that the case holds.
fn compare_passes(case: &Case, mut network: Network<f64>) -> Outcome {
    for name in ["weight", "bias"].into_iter().filter(|name| case.tensors.contains_key(*name)) {
        let parameter = network.parameter(&format!("layers.0.{name}"))?;
        assert_eq!(parameter.shape, case.tensor(name).shape, "{}/{name}", case.name);
        network.set_parameter(&format!("layers.0.{name}"), case.values(name))?;
    }
    assert_eq!(network.output_shape(), case.sample("output"), "{}: shape", case.name);
    let batch = Batch::from_slice(case.values("input"), network.input_shape().elements())?;
    case.compare("output", network.predict(batch)?.as_slice());

    let mut tape = network.tape_with_input_gradient(batch.samples())?;
    case.compare("output", network.forward(&mut tape, batch, None, 0)?);
    let mut gradients = vec![f64::NAN; network.parameter_count()];
    network.backward(&mut tape, case.values("output_gradient"), &mut gradients)?;
    case.compare("input_gradient", tape.input_gradient());
    let mut rest = gradients.as_slice();
    for parameter in network.parameters() {
        let (gradient, others) = rest.split_at(parameter.values.len());
        case.compare(&format!("{}_gradient", parameter.name.trim_start_matches("layers.0.")), gradient);
        rest = others;
    }
    Ok(())
}

#[test]
fn layers() -> Outcome {
    for case in cases("layers", 127) {
        let network = with_layer(&case, Network::builder(case.sample("input"))).build();
        compare_passes(&case, network.unwrap_or_else(|error| panic!("{}: {error}", case.name)))?;
    }
    Ok(())
}

#[test]
fn activations() -> Outcome {
    for case in cases("activations", 26) {
        let layer = activation(&case, case.kind());
        compare_passes(&case, Network::builder(case.sample("input")).layer(layer).build()?)?;
    }
    Ok(())
}

/// Batch normalisation: a training step's outputs, gradients and running statistics, and inference after it.
#[test]
fn batch_normalisation() -> Outcome {
    for case in cases("normalisation", 11).into_iter().filter(|case| case.kind() == "BatchNormalization") {
        let layer = BatchNorm::new().momentum(case.number("momentum")).epsilon(case.number("epsilon"));
        let mut network = Network::builder(case.sample("input")).layer(layer).build()?;
        for name in ["gamma", "beta", "running_mean", "running_variance"] {
            network.set_parameter(&format!("layers.0.{name}"), case.values(name))?;
        }
        let batch = Batch::from_slice(case.values("input"), network.input_shape().elements())?;
        let mut tape = network.tape_with_input_gradient(batch.samples())?;
        case.compare("output", network.forward(&mut tape, batch, None, 0)?);
        let mut gradients = vec![f64::NAN; network.parameter_count()];
        network.backward(&mut tape, case.values("output_gradient"), &mut gradients)?;
        case.compare("input_gradient", tape.input_gradient());
        let (by_gamma, by_beta) = gradients.split_at(gradients.len() / 2);
        case.compare("gamma_gradient", by_gamma);
        case.compare("beta_gradient", by_beta);
        network.update_state(&tape);
        let state: Vec<Vec<f64>> = network.state().map(|state| state.values.to_vec()).collect();
        case.compare("new_running_mean", &state[0]);
        case.compare("new_running_variance", &state[1]);
        case.compare("inference", network.predict(batch)?.as_slice());
    }
    let defaults = Layer::<f64>::config(&BatchNorm::new());
    let case = cases("normalisation", 11).swap_remove(0);
    assert_eq!(
        defaults,
        Config::new().with("momentum", case.number("momentum")).with("epsilon", case.number("epsilon"))
    );
    Ok(())
}

#[test]
fn penalties_on_weights() -> Outcome {
    for case in cases("normalisation", 11).into_iter().filter(|case| case.kind() == "L1L2") {
        let penalty = Regularizer::l1_l2(case.number("l1"), case.number("l2"));
        let builder = Network::builder(case.sample("input")).layer(Dense::new(4).weight_regularizer(penalty));
        let mut network = builder.build()?;
        network.set_parameter("layers.0.weight", case.values("weight"))?;
        network.set_parameter("layers.0.bias", case.values("bias"))?;
        let batch = Batch::from_slice(case.values("input"), 6)?;
        let mut tape = network.tape(batch.samples())?;
        network.forward(&mut tape, batch, None, 0)?;
        let mut gradients = vec![f64::NAN; network.parameter_count()];
        network.backward(&mut tape, case.values("output_gradient"), &mut gradients)?;
        case.compare("weight_gradient", &gradients[..24]);
        let values: Vec<f64> = tape.penalties().map(|(_, sum)| sum / batch.samples() as f64).collect();
        case.compare("penalty", &values);
    }
    Ok(())
}

/// The loss with each reduction. Keras has only the mean.
fn loss(case: &Case, reduction: Reduction) -> Box<dyn Loss<f64>> {
    match case.kind() {
        "MeanSquaredError" => Box::new(Mse.reduction(reduction)),
        "MeanAbsoluteError" => Box::new(Mae.reduction(reduction)),
        "Huber" => Box::new(Huber::new(case.number("delta")).reduction(reduction)),
        "BinaryCrossentropy" => Box::new(Bce.reduction(reduction)),
        "CategoricalCrossentropy" => Box::new(CategoricalCrossEntropy.reduction(reduction)),
        kind => panic!("{}: the loss {kind}", case.name),
    }
}

#[test]
fn losses() -> Outcome {
    for case in cases("losses", 39).into_iter().filter(|case| case.kind() != "CategoricalAccuracy") {
        let shape = case.sample("prediction");
        let samples = case.tensor("prediction").shape[0] as f64;
        let averaged = match case.kind() {
            "CategoricalCrossentropy" => shape.elements() / shape.channels(),
            _ => shape.elements(),
        };
        for (reduction, terms) in [(Reduction::MeanPerElement, 1.0), (Reduction::SumPerSample, averaged as f64)] {
            let mut gradient = vec![f64::NAN; case.values("prediction").len()];
            let pass = LossPass::new(shape, case.values("prediction"), case.values("target"))?
                .linked(case.options["from_logits"] == true)
                .gradient(1.0 / samples / terms, &mut gradient)?;
            let value = loss(&case, reduction).evaluate(pass) / samples / terms;
            case.compare("value", &[value]);
            case.compare("gradient", &gradient);
        }
    }
    Ok(())
}

#[test]
fn accuracy() {
    let case = cases("losses", 39).pop().unwrap();
    assert_eq!(case.kind(), "CategoricalAccuracy");
    let right: f64 = Accuracy.evaluate(case.sample("target"), case.values("prediction"), case.values("target"));
    case.compare("value", &[right / case.tensor("target").shape[0] as f64]);
}

fn optimizer(case: &Case) -> Box<dyn Optimizer<f64>> {
    let rate = case.number("learning_rate");
    let betas = || (case.number("beta_1"), case.number("beta_2"));
    match case.kind() {
        "SGD" => Box::new(Sgd::new(rate).momentum(case.number("momentum")).nesterov(case.flag("nesterov"))),
        "RMSprop" => Box::new(
            RmsProp::new(rate)
                .rho(case.number("rho"))
                .momentum(case.number("momentum"))
                .epsilon(case.number("epsilon"))
                .centered(case.flag("centered")),
        ),
        "Adam" => Box::new(Adam::new(rate).betas(betas().0, betas().1).epsilon(case.number("epsilon"))),
        "AdamW" => Box::new(
            AdamW::new(rate)
                .betas(betas().0, betas().1)
                .epsilon(case.number("epsilon"))
                .weight_decay(case.number("weight_decay")),
        ),
        kind => panic!("{}: the optimizer {kind}", case.name),
    }
}

#[test]
fn optimizers() -> Outcome {
    let bytes = std::fs::read(reference("optimizers.safetensors"))?;
    let file = SafeTensors::deserialize(&bytes)?;
    let problem = |name: &str| -> Vec<f64> {
        let tensor = file.tensor(&format!("problem/{name}")).unwrap();
        tensor.data().chunks_exact(8).map(|bytes| f64::from_le_bytes(bytes.try_into().unwrap())).collect()
    };
    let (initial, gradients) = (problem("initial"), problem("gradients"));
    for case in cases("optimizers", 26) {
        let optimizer = optimizer(&case);
        let mut parameters = initial.clone();
        let mut slots = vec![vec![0.0; initial.len()]; optimizer.slots()];
        let mut path = Vec::new();
        for (step, gradient) in gradients.chunks_exact(initial.len()).enumerate() {
            let mut borrowed = slots.iter_mut();
            let slots = std::array::from_fn(|_| borrowed.next().map_or(&mut [][..], Vec::as_mut_slice));
            let step = step as u64 + 1;
            optimizer.update(Update::new(
                optimizer.as_ref(),
                step,
                optimizer.learning_rate(),
                &mut parameters,
                gradient,
                slots,
            )?);
            path.extend_from_slice(&parameters);
        }
        case.compare("parameters", &path);
    }
    Ok(())
}

/// The names of Keras's defaults: what an optimizer is without any setting.
#[test]
fn optimizers_start_with_keras_s_settings() {
    let defaults: [(&str, Box<dyn Optimizer<f64>>); 4] = [
        ("sgd", Box::new(Sgd::default())),
        ("rmsprop", Box::new(RmsProp::default())),
        ("adam", Box::new(Adam::default())),
        ("adamw", Box::new(AdamW::default())),
    ];
    let cases = cases("optimizers", 26);
    for (name, found) in defaults {
        let case = cases.iter().find(|case| case.name == name).unwrap();
        assert_eq!(found.config(), optimizer(case).config(), "{name}");
    }
}

fn initializer(case: &Value) -> Initializer {
    match case["kind"].as_str().unwrap() {
        "TruncatedNormal" => Initializer::TruncatedNormal(case["stddev"].as_f64().unwrap()),
        "Orthogonal" => Initializer::Orthogonal(1.0),
        "GlorotUniform" => Initializer::GlorotUniform,
        "GlorotNormal" => Initializer::GlorotNormal,
        "HeUniform" => Initializer::HeUniform,
        "HeNormal" => Initializer::HeNormal,
        "LecunUniform" => Initializer::LecunUniform,
        "LecunNormal" => Initializer::LecunNormal,
        kind => panic!("the initialiser {kind}"),
    }
}

/// The first weight of a network whose weight has this shape, drawn with this seed.
fn drawn(shape: &[usize], initializer: Initializer, seed: u64) -> Result<Vec<f64>, BuildError> {
    let builder = match *shape {
        [inputs, units] => {
            Network::builder(Shape::flat(inputs)).layer(Dense::new(units).weight_initializer(initializer))
        }
        [height, width, channels, filters] => Network::builder(Shape::image(height, width, channels))
            .layer(Conv2D::new(filters, (height, width)).weight_initializer(initializer)),
        _ => panic!("the shape {shape:?}"),
    };
    Ok(builder.seed(seed).build()?.parameters().next().unwrap().values.to_vec())
}

#[test]
fn initialisers() -> Outcome {
    let cases: Vec<Value> = serde_json::from_slice(&std::fs::read(reference("initialisers.json"))?)?;
    assert_eq!(cases.len(), 16);
    for case in cases {
        let shape: Vec<usize> =
            case["shape"].as_array().unwrap().iter().map(|d| d.as_u64().unwrap() as usize).collect();
        let theory = |name: &str| case["theory"][name].as_f64().unwrap();
        let mut values = Vec::new();
        for seed in 0..20 {
            values.extend(drawn(&shape, initializer(&case), seed)?);
        }
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let deviation = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
        assert!(mean.abs() < 5.0 * theory("std") / count.sqrt(), "{}: mean {mean}", case["name"]);
        assert!((deviation / theory("std") - 1.0).abs() < 0.005, "{}: deviation {deviation}", case["name"]);
        let (low, high) = values.iter().fold((0.0_f64, 0.0_f64), |(low, high), v| (low.min(*v), high.max(*v)));
        assert!(theory("min") <= low && high <= theory("max"), "{}: {low} to {high}", case["name"]);
        if case["kind"] != "Orthogonal" {
            assert!(high > 0.99 * theory("max"), "{}: {high} is far from the limit", case["name"]);
        }
    }
    Ok(())
}
