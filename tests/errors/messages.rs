//! Every message says what is wrong, and what to do.

use std::fmt::Display;
use std::io;
use std::path::PathBuf;

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;

use crate::common::{Outcome, error_of};
use crate::{data, model, not_finite};

/// Each message begins with what is wrong and says after it what to do.
fn check<E: Display>(rows: Vec<(E, &str, &str)>) {
    for (error, wrong, to_do) in rows {
        let message = error.to_string();
        let rest = message.strip_prefix(wrong).unwrap_or_else(|| panic!("{message}\nexpected at its start: {wrong}"));
        assert!(rest.contains(to_do), "{message}\nexpected after its start: {to_do}");
        assert!(!message.contains("  ") && !message.ends_with('.'), "{message}");
    }
}

fn path() -> PathBuf {
    PathBuf::from("a/file")
}

#[test]
fn messages_about_data_say_what_to_do() {
    use DataError as Data;
    let failed = |kind: io::ErrorKind| Data::Read { path: path(), error: kind.into() }.into();
    let (samples, features) = (5, 3);
    check::<Error>(vec![
        (
            failed(io::ErrorKind::NotFound),
            "cannot read a/file: ",
            "; check the path; a relative one starts at the folder",
        ),
        (failed(io::ErrorKind::PermissionDenied), "cannot read a/file: ", "; check the permissions"),
        (failed(io::ErrorKind::IsADirectory), "cannot read a/file: ", "; this is a folder; name a file in it"),
        (failed(io::ErrorKind::UnexpectedEof), "cannot read a/file: ", "; it is damaged; copy or download it again"),
        (failed(io::ErrorKind::TimedOut), "cannot read a/file: ", "; try again"),
        (
            Data::NoImages { path: path(), found: FileKind::Csv }.into(),
            "a/file is not an IDX file of images",
            "; read it",
        ),
        (
            Data::NoLabels { path: path(), found: FileKind::Empty }.into(),
            "a/file is not an IDX file of labels",
            "get it again",
        ),
        (
            Data::Length { path: path(), promised: 2, found: 1 }.into(),
            "a/file is damaged",
            "; copy or download it again",
        ),
        (
            Data::Header { path: path(), expected: 16, found: 1 }.into(),
            "a/file is damaged",
            "; copy or download it again",
        ),
        (
            Data::TooLarge { path: path() }.into(),
            "a/file promises more data than the limit",
            "divided into several files",
        ),
        (
            Data::Compressed { path: path() }.into(),
            "a/file is compressed",
            "; build with the feature `gzip` or unpack it",
        ),
        (
            Data::NoSuchSample { sample: 6, samples }.into(),
            "sample 6 was asked for (counted from 0)",
            "; check the indices",
        ),
        (Data::NoSuchFeature { feature: 6, features }.into(), "feature 6 was asked for (counted from 0)", "; check"),
        (
            Data::Label { sample: 1, label: 9, classes: 9 }.into(),
            "the label of sample 1",
            "; ask for at least 10 classes",
        ),
    ]);
}

#[test]
fn messages_about_samples_say_what_to_do() {
    use InputError as Input;
    let target =
        |loss, scaled| Input::Target { sample: 1, feature: 2, value: 1.5, scaled, loss, expected: "numbers in 0..=1" };
    let features = |transposed| Input::Features { expected: 34, found: 569, transposed };
    let targets = |inputs| Input::Targets { output: Shape::flat(3), found: 4, inputs };
    let place = |part| Input::NotFinite { sample: 4, feature: 3, part, value: NonFinite::Nan };
    let fill = "expected a finite number; fill or mask missing cells first (features and samples are counted from 0)";
    check::<Error>(vec![
        (
            features(false).into(),
            "expected 34 features in each sample, found 569",
            "; samples are columns here: give a matrix",
        ),
        (
            features(true).into(),
            "expected 34 features in each sample, found 569",
            "; samples are columns here: transpose",
        ),
        (place(DataPart::Sample).into(), "feature 3 of sample 4 is NaN, ", fill),
        (place(DataPart::Target).into(), "feature 3 of target 4 is NaN, ", fill),
        (place(DataPart::SideInput).into(), "side feature 3 of sample 4 is NaN, ", fill),
        (not_finite(4, 3, NonFinite::Infinity).into(), "feature 3 of sample 4 is infinite, ", fill),
        (not_finite(4, 3, NonFinite::NegativeInfinity).into(), "feature 3 of sample 4 is -infinite, ", fill),
        (
            Input::UnusableScale { feature: 2, shift: 0.0, scale: 0.0 }.into(),
            "feature 2 of the scaler (counted from 0) has the shift 0.0 and the scale 0.0",
            "; take 1 for a feature that does not vary",
        ),
        (
            Input::SideInput { expected: 2, samples: 5, found: 0, found_samples: 5 }.into(),
            "expected 2 side features for each of 5 samples, found 0 x 5",
            "; give them with `Batch::with_side`",
        ),
        (
            Input::Corrupted { sample: 4, feature: 3, corruption: "gaussian" }.into(),
            "the corruption `gaussian` made feature 3 of sample 4 (counted from 0) NaN or infinite",
            "expected a finite number; weaken it",
        ),
        (
            target("bce", false).into(),
            "feature 2 of target 1 (counted from 0) is 1.5, the loss `bce`",
            "`MinMaxScaler`",
        ),
        (target("bce", true).into(), "feature 2 of target 1 (counted from 0) is 1.5 when scaled", "`clip(0.0, 1.0)`"),
        (target("bce", true).into(), "feature 2 of target 1", "or take `Mse`, which takes any number"),
        (
            target("categorical_cross_entropy", false).into(),
            "feature 2 of target 1",
            "one-hot labels (`Labels::to_one_hot`)",
        ),
        (
            target("mine", false).into(),
            "feature 2 of target 1",
            "; scale the data, or take a loss that takes any number",
        ),
        (targets(true).into(), "the model's output has 3 features (3), the targets have 4", "; `fit_to`"),
        (
            targets(false).into(),
            "the model's output has 3 features (3), the targets have 4",
            "; give targets of that width",
        ),
        (
            Input::Unpaired { inputs: 2, targets: 3 }.into(),
            "there are 2 inputs and 3 targets",
            "; give one target for each",
        ),
        (
            Input::Ragged { elements: 7, features: 3 }.into(),
            "7 elements are not a whole number",
            "; check the number of",
        ),
        (Input::Empty.into(), "there are no samples", "; give at least one"),
        (Input::ForeignWorkspace.into(), "the workspace belongs to another model", "; make one with this model's"),
        (Input::ForeignTape.into(), "the tape belongs to another network", "; make one with this network's"),
        (
            Input::WorkspaceTooSmall { capacity: 2, samples: 3 }.into(),
            "the workspace holds 2 samples",
            "`workspace(3)`",
        ),
        (
            Input::TapeTooSmall { capacity: 2, samples: 3 }.into(),
            "the tape holds 2 samples, the batch has 3",
            "`tape(3)`",
        ),
        (
            Input::Length { what: "scales", expected: 2, found: 3 }.into(),
            "expected 2 scales, found 3",
            "; give as many",
        ),
        (Input::NoSuchLayer { name: "x".to_owned() }.into(), "there is no layer `x`", "; `summary` and `layers` list"),
        (
            Input::NotVariational.into(),
            "the encoder does not end in a layer that draws",
            "add that layer with `.encoder`",
        ),
        (
            Input::NoSuchDimension { dimension: 5, dimensions: 3 }.into(),
            "there is no dimension 5",
            ": give one below 3",
        ),
        (Input::OutOfMemory { elements: 9 }.into(), "cannot allocate memory for 9 elements", "; take smaller batches"),
    ]);
}

#[test]
fn messages_about_models_say_what_to_do() {
    let flat = || Network::<f64>::builder(Shape::flat(4));
    let image = |builder: NetworkBuilder<f64>| error_of(builder.build(), "a model that cannot be").into();
    let auto = |input: Shape| Autoencoder::<f64>::builder(input);
    let built = |builder: AutoencoderBuilder<f64>| error_of(builder.build(), "a model that cannot be").into();
    let digit = || auto(Shape::image(7, 7, 1)).encoder(Conv2D::new(4, 3)).encoder(MaxPool::new(2));
    let scaler = Scaler::new(vec![0.0; 3], vec![1.0; 3]).expect("a scaler");
    check::<Error>(vec![
        (
            built(auto(Shape::flat(4)).encoder(Dense::new(2))),
            "layer `decoder` (decoder): there are no layers",
            "`.mirror`",
        ),
        (
            built(auto(Shape::flat(4)).decoder(Dense::new(4))),
            "layer `encoder` (encoder): there are no layers",
            "`.encoder`",
        ),
        (image(flat()), "layer `model` (network): there are no layers", "with `.layer`"),
        (
            built(digit().decoder(UpSample::new(2)).decoder(Conv2D::new(1, 3))),
            "layer `decoder.1` (conv2d): the decoder ends in 6 x 6 x 1 (36 elements), the model's input is 7 x 7 x 1",
            "; fill up with `Pad` at its end what is missing, or avoid it with `same` padding",
        ),
        (
            built(digit().decoder(UpSample::new(3)).decoder(Conv2D::new(1, 3))),
            "layer `decoder.1` (conv2d): the decoder ends in 9 x 9 x 1 (81 elements)",
            "; take off with `Crop` at its end what is too much, or avoid it with `same` padding",
        ),
        (
            built(digit().decoder(UpSample::new(3)).decoder(Conv2D::new(2, 3))),
            "layer `decoder.1` (conv2d): the decoder ends in 9 x 9 x 2",
            "; end the decoder in a layer of 1 filters",
        ),
        (
            built(auto(Shape::flat(34)).encoder(Dense::new(2)).decoder(Dense::new(33))),
            "layer `decoder.0` (dense): the decoder ends in 33 (33 elements), the model's input is 34 (34 elements)",
            "; end the decoder in a dense layer of 34 units",
        ),
        (
            built(digit().encoder(Conv2D::new(2, 2).dilation(2).padding(Padding::Valid)).mirror(Activation::Linear)),
            "layer `encoder.2` (conv2d): ",
            "; write the decoder out with `.decoder`",
        ),
        (
            image(flat().scaler(scaler).layer(Dense::new(2))),
            "layer `model` (scaler): the scaler is for 3 features, the model takes 4",
            "; fit it to the model's own data",
        ),
        (
            image(flat().layer(Dense::new(2).tied_to("layers.7"))),
            "layer `layers.0` (dense): `layers.7.weight` is not a parameter of an earlier layer",
            "; share one of a layer that comes before",
        ),
        (
            image(flat().layer(Dense::new(3)).layer(Dense::new(2).tied_to("layers.0"))),
            "layer `layers.1` (dense): the parameter shared with `layers.0.weight` has the shape",
            "; choose units, filters and kernels that make them equal",
        ),
        (
            image(flat().layer(Dense::new(2).bias_initializer(Initializer::Constant(f64::NAN)))),
            "layer `layers.0` (dense): the initial `bias` is not finite",
            "; check its initializer",
        ),
        (image(flat().layer(Dense::new(0))), "layer `layers.0` (dense): `units` is 0", ", expected at least 1"),
    ]);
    check(vec![
        (
            BuildErrorKind::SideInput { expected: 2, found: 3 },
            "a side input of 3 features is asked for, an earlier layer asks for 2",
            ": let them ask for as many",
        ),
        (BuildErrorKind::OutOfMemory { elements: 9 }, "cannot allocate memory for 9 elements", "; take smaller layers"),
    ]);
}

#[test]
fn messages_about_shapes_losses_and_settings_say_what_to_do() {
    let shape = Shape::flat(3);
    let name = || "units".to_owned();
    check::<Error>(vec![
        (
            ShapeError::Empty { shape: Shape::flat(0) }.into(),
            "the shape 0 has no elements",
            "; every dimension must be at",
        ),
        (
            ShapeError::TooLarge { what: "weights" }.into(),
            "the number of weights passes the limit",
            "; choose smaller sizes",
        ),
        (ShapeError::Rank { rank: 5 }.into(), "a shape has 1 to 4 dimensions, not 5", "; make one of several"),
        (
            ShapeError::NotAnImage { shape }.into(),
            "expected an image (height x width x channels)",
            "; a `Reshape` before it",
        ),
        (
            ShapeError::WindowTooLarge { what: "kernel", size: 5, input: 4, axis: "height" }.into(),
            "a kernel of 5 does not fit into an input of 4 along the height",
            "; use a smaller one",
        ),
        (
            ShapeError::Reshape { from: Shape::flat(12), to: Shape::image(2, 2, 2) }.into(),
            "cannot reshape 12 (12 elements) to 2 x 2 x 2 (8 elements)",
            "; choose sizes with the product 12",
        ),
        (
            ShapeError::Crop { crop: 5, input: 5, axis: "width" }.into(),
            "cropping 5 from an input of 5",
            "; crop less than 5",
        ),
        (
            ShapeError::Unsuitable { expected: "an even number of channels", shape }.into(),
            "the layer takes an even number of channels, found the shape 3",
            "; change the layer before it",
        ),
        (
            LossError::Lengths { predictions: 2, targets: 3 }.into(),
            "2 predictions cannot be compared",
            "; give as many",
        ),
        (LossError::Samples { elements: 7, shape }.into(), "7 elements are not a whole number", "; give whole samples"),
        (
            LossError::Reduction { loss: "mse" }.into(),
            "`mse` is a mean over a sample's elements",
            "; give it `.reduction(",
        ),
        (LossError::NotLikelihood { loss: "mae" }.into(), "`mae` is not a negative log-likelihood", "; use `Bce`"),
        (ConfigError::Missing { name: name() }.into(), "`units` is missing", "; add it"),
        (
            ConfigError::Type { name: name(), expected: "a number" }.into(),
            "`units` is not a number",
            "; change its value",
        ),
        (ConfigError::Invalid { name: name(), expected: "even" }.into(), "`units` is not even", "; change its value"),
        (
            ConfigError::Unknown { name: name() }.into(),
            "`units` is not known here",
            "; correct its name or leave it out",
        ),
        (
            ConfigError::Length { name: name(), expected: 2, found: 3 }.into(),
            "`units` has 3 values, expected 2",
            "; give",
        ),
        (
            OptionError { option: "rate", value: 30.0, expected: "a number from 0 to 1" }.into(),
            "`rate` is 30, ",
            "expected a",
        ),
        (
            ParameterError::Unknown { name: name() }.into(),
            "there is no parameter `units`",
            "; `parameters` lists their names",
        ),
        (
            ParameterError::NoneBegins { prefix: name() }.into(),
            "no parameter's name begins with `units`",
            "; `parameters`",
        ),
        (
            ParameterError::Length { name: name(), expected: 2, found: 3 }.into(),
            "`units` has 2 elements, 3 were",
            "; give",
        ),
        (ParameterError::NotFinite { name: name(), element: 2 }.into(), "element 2 given for `units`", "; give finite"),
    ]);
}

#[test]
fn messages_about_model_files_say_what_to_do() {
    use ModelFileErrorKind as Kind;
    let name = || "encoder.0.weight".to_owned();
    let config = || ConfigError::Missing { name: name() };
    let refused = |kind: io::ErrorKind| -> io::Error { kind.into() };
    let (as_saved, again) = ("take the file as `save` wrote it", "; copy it again, or save the model again");
    check(vec![
        (Kind::Read(refused(io::ErrorKind::NotFound)), "cannot be read: ", "; check the path"),
        (
            Kind::Write(refused(io::ErrorKind::NotFound)),
            "cannot be written: ",
            "its folder does not exist: create it first",
        ),
        (
            Kind::Write(refused(io::ErrorKind::StorageFull)),
            "cannot be written: ",
            "make room on the disk; a file that was",
        ),
        (Kind::NotDurable(refused(io::ErrorKind::Other)), "is written, but may not survive", "; save it again"),
        (
            Kind::Foreign { found: FileKind::Parquet },
            "not a model file of this crate: it is a Parquet file",
            "; give the file",
        ),
        (Kind::Format { found: 2, supported: 1 }, "the file has format 2", "; take a newer one"),
        (Kind::Truncated { found: 1, expected: 2 }, "the file ends after 1 bytes", again),
        (
            Kind::HeaderTooLarge { found: 1 << 20 },
            "the header has 1048576 bytes",
            ": save its halves or parts by themselves",
        ),
        (Kind::Checksum { expected: 1, found: 2 }, "the file is damaged or its end is missing", again),
        (Kind::Json { part: "file", offset: 9, problem: "x".to_owned() }, "byte 9 of the file: x", as_saved),
        (Kind::Description(config()), "the description of the model: `encoder.0.weight` is missing", as_saved),
        (Kind::NotCanonical { offset: 9 }, "byte 9 of the file is not what this crate would write there", as_saved),
        (Kind::Model { expected: "network", found: "autoencoder" }, "the file holds an autoencoder", "; load it with"),
        (Kind::IsCheckpoint, "the file is a checkpoint of a training", "`Trainer::resume` goes on from it"),
        (Kind::Float { expected: "F64", found: "F32" }, "the file holds F32 numbers", "; `load_as` converts them"),
        (
            Kind::UnknownKind { layer: name(), kind: "x".to_owned() },
            "layer `encoder.0.weight` is of the kind",
            "; load with",
        ),
        (
            Kind::Layer { layer: name(), kind: "x".to_owned(), error: config() },
            "layer `encoder.0.weight` (x)",
            "; add it",
        ),
        (
            Kind::Kind { layer: name(), kind: "x".to_owned(), found: "y" },
            "layer `encoder.0.weight`: the",
            "; register it",
        ),
        (Kind::LayerName { index: 1, name: name() }, "layer 1 is called `encoder.0.weight`", as_saved),
        (Kind::Output { expected: Shape::flat(3), found: Shape::flat(4) }, "the layers give 3", as_saved),
        (Kind::Frozen { name: name() }, "`encoder.0.weight` is said to be frozen", as_saved),
        (
            Kind::Setting { layer: name(), setting: "by".to_owned() },
            "the setting `by` of layer",
            "; give it a finite value",
        ),
        (Kind::MissingTensor { name: name() }, "the tensor `encoder.0.weight` is missing", as_saved),
        (Kind::UnknownTensor { name: name() }, "the model has no tensor `encoder.0.weight`", as_saved),
        (Kind::DuplicateTensor { name: name() }, "two tensors are called `encoder.0.weight`", "; give the parameters"),
        (Kind::TensorOrder { expected: name(), found: name() }, "the tensor `encoder.0.weight` stands where", as_saved),
        (
            Kind::Tensor { name: name(), entry: "shape", expected: "[3]".to_owned(), found: "[4]".to_owned() },
            "the tensor `encoder.0.weight`: `shape` is [4], the model needs [3]",
            as_saved,
        ),
        (Kind::DataLength { expected: 1, found: 2 }, "the tensors have 1 bytes, 2 follow the header", again),
        (
            Kind::NotFinite { name: name(), element: 2, float: "F32" },
            "element 2 of `encoder.0.weight`",
            "; take the numbers",
        ),
        (
            Kind::Scale { name: name(), element: 2 },
            "element 2 of `encoder.0.weight` cannot be divided by",
            "; write 1 for",
        ),
    ]);
}

#[test]
fn a_missing_folder_says_to_create_it() -> Outcome {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("no such folder");
    let error = error_of(model().save(folder.join("model.safetensors")), "no folder").to_string();
    assert!(
        error.contains("cannot be written: ") && error.contains("its folder does not exist: create it first"),
        "{error}"
    );
    let error = error_of(Autoencoder::<f64>::load(folder.join("model.safetensors")), "no file").to_string();
    assert!(
        error.contains("cannot be read: ") && error.contains("; check the path; a relative one starts at"),
        "{error}"
    );
    let error = error_of(model().save(env!("CARGO_TARGET_TMPDIR")), "a folder").to_string();
    assert!(error.contains("cannot be written: ") && error.contains("; give the name of a file"), "{error}");
    Ok(())
}

/// The two mistakes with a table that are made most.
#[test]
fn a_table_on_its_side_or_in_its_own_units_is_told_what_it_needs() {
    let rows = data(40).transpose();
    let error = error_of(Trainer::new(Mse, Adam::default()).fit(&mut model(), &rows), "rows").to_string();
    assert!(error.contains("expected 6 features in each sample, found 40; samples are columns here: "), "{error}");
    let standardised = DMatrix::from_fn(6, 40, |feature, sample| data(40)[(feature, sample)] * 4.0 - 2.0);
    let error =
        error_of(Trainer::new(Bce, Adam::default()).fit(&mut model(), &standardised), "not in 0..=1").to_string();
    assert!(error.contains("`MinMaxScaler`") && error.contains("`Mse`"), "{error}");
}
