//! Files with a right checksum and something else wrong: each gets an error of its own.

use autoencoder::{Add, Autoencoder, Block, Dense, FileKind, Initializer, ModelFileErrorKind as Kind, Network, Shape};

use crate::support::{bytes, data, edited, file, header, kind, network_bytes, refusal, small};

/// The error for the small model's file with `to` in place of `from`.
fn error_of(from: &str, to: &str) -> autoencoder::ModelFileError {
    refusal(Autoencoder::<f32>::from_bytes(&edited(&bytes(&small::<f32>()), from, to)))
}

#[test]
fn the_support_of_these_tests_makes_good_files() {
    let good = bytes(&small::<f32>());
    assert!(file(header(&good), data(&good)) == good);
    assert!(Autoencoder::<f32>::from_bytes(&edited(&good, "\\\"seed\\\":7", "\\\"seed\\\":12345")).is_ok());
}

#[test]
fn foreign_files() {
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
    let error = refusal(Autoencoder::<f32>::from_bytes(png));
    assert!(matches!(kind(&error), Kind::Foreign { found: FileKind::Picture }), "{error}");
    let header = r#"{"weight":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}     "#;
    let other = [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &[0; 4]].concat();
    let error = refusal(Autoencoder::<f32>::from_bytes(&other));
    assert!(matches!(kind(&error), Kind::Foreign { found: FileKind::Safetensors }), "{error}");
    for short in [&b""[..], b"a,b", b"a,b,c,d\n", b"a,b,c,d,e,f,g,h\n1,2,3,4,5,6,7,8"] {
        assert!(matches!(kind(&refusal(Autoencoder::<f32>::from_bytes(short))), Kind::Foreign { .. }), "{short:?}");
    }
    let start = &bytes(&small::<f32>())[..30];
    assert!(matches!(kind(&refusal(Autoencoder::<f32>::from_bytes(start))), Kind::Truncated { found: 30, .. }));
    let mut long = bytes(&small::<f32>());
    long[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(matches!(kind(&refusal(Autoencoder::<f32>::from_bytes(&long))), Kind::HeaderTooLarge { found: u64::MAX }));
}

/// What a beginner may take for a model: the message says what it is, and what to do with it.
#[test]
fn a_foreign_file_is_recognised() {
    let zip = |name: &str| [b"PK\x03\x04".as_slice(), &[0; 22], &[name.len() as u8, 0, 0, 0], name.as_bytes()].concat();
    let weights =
        "a model of another library has to be built here, layer by layer, and its weights set with `set_parameter`";
    let data = "give the file that `save` wrote; data are read into a matrix, one sample per column";
    let rows: Vec<(Vec<u8>, String)> = vec![
        (vec![], "it is empty; copying, downloading or writing it has failed: get it again".to_owned()),
        (b"length,width\n1.5,2\n".to_vec(), format!("it is a table in text form, such as CSV; {data}")),
        (b"hello\n".to_vec(), "it is a text file; give the file that `save` wrote".to_owned()),
        (
            b"{\"layers\": [{\"units\": 32}], \"input\": 784, \"seed\": 42}".to_vec(),
            format!("it is a JSON file; {data}"),
        ),
        (b"PAR1\x15\x04\x15\x10\x15\x14\x4c".to_vec(), format!("it is a Parquet file; {data}")),
        (b"\x89HDF\r\n\x1a\n\0\0\0\0\0\x08\x08".to_vec(), format!("it is an HDF5 file, as of Keras; {weights}")),
        (zip("metadata.json"), format!("it is a Keras model; {weights}")),
        (zip("archive/data.pkl"), format!("it is a PyTorch file; {weights}")),
        (
            b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.".to_vec(),
            format!("it is a Python pickle, as of PyTorch or scikit-learn; {weights}"),
        ),
        (
            vec![0, 0, 8, 3, 0, 0, 0, 1, 0, 0, 0, 28],
            "it is an IDX file of grey images; read images with `data::idx::read_images`".to_owned(),
        ),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\x03".to_vec(), "it is compressed with gzip; unpack it first".to_owned()),
        (
            b"version https://git-lfs.github.com/spec/v1\noid".to_vec(),
            "get the file itself with `git lfs pull`".to_owned(),
        ),
        (
            vec![7; 100],
            "it is of an unknown kind (it begins with 0x07070707); give the file that `save` wrote".to_owned(),
        ),
    ];
    for (bytes, text) in rows {
        let error = refusal(Autoencoder::<f32>::from_bytes(&bytes)).to_string();
        assert!(
            error.starts_with("not a model file of this crate: ") && error.contains(&text),
            "{error}\nexpected: {text}"
        );
        assert_eq!(error, refusal(Network::<f64>::from_bytes(&bytes)).to_string());
    }
}

#[test]
fn newer_formats() {
    let error = refusal(Autoencoder::<f32>::from_bytes(&edited(&bytes(&small::<f32>()), ":1,", ":3,")));
    assert!(matches!(kind(&error), Kind::Format { found: 3, supported: 2 }));
}

#[test]
fn kinds_that_are_not_known() {
    let error = error_of("\\\"kind\\\":\\\"dense\\\"", "\\\"kind\\\":\\\"tense\\\"");
    assert!(matches!(kind(&error), Kind::UnknownKind { layer, kind } if layer == "encoder.0" && kind == "tense"));
    assert!(error.to_string().contains("Registry::default().register(\"tense\""));
}

#[test]
fn layers_that_cannot_be_built() {
    assert!(
        matches!(kind(&error_of("\\\"units\\\":3", "\\\"unitz\\\":3")), Kind::Layer { layer, .. } if layer == "encoder.0")
    );
    assert!(matches!(kind(&error_of("\\\"units\\\":3", "\\\"units\\\":3.0")), Kind::Layer { .. }));
    assert!(matches!(kind(&error_of("\\\"units\\\":3", "\\\"units\\\":0")), Kind::Build(_)));
    assert!(matches!(kind(&error_of("\\\"units\\\":3", "\\\"units\\\":18446744073709551615")), Kind::Build(_)));
    // Sixty million weights are asked for, and no memory for them: the tensor does not have that
    // many.
    let huge = error_of("\\\"units\\\":3", "\\\"units\\\":10000000");
    assert!(matches!(kind(&huge), Kind::Tensor { name, entry: "shape", .. } if name == "encoder.0.weight"));
}

#[test]
fn descriptions_that_lack_something_or_say_something_else() {
    assert!(matches!(kind(&error_of("\\\"seed\\\":7,", "")), Kind::Description(_)));
    assert!(matches!(kind(&error_of("\\\"seed\\\":7", "\\\"seed\\\":7,\\\"deed\\\":7")), Kind::Description(_)));
    assert!(matches!(kind(&error_of("\\\"seed\\\":7", "\\\"seed\\\":-7")), Kind::Description(_)));
    assert!(matches!(kind(&error_of("\\\"split\\\":1", "\\\"split\\\":2")), Kind::LayerName { .. }));
    assert!(matches!(kind(&error_of("\\\"split\\\":1", "\\\"split\\\":0")), Kind::LayerName { .. }));
    assert!(matches!(kind(&error_of("decoder.0", "decoder.1")), Kind::LayerName { index: 1, .. }));
    assert!(matches!(kind(&error_of("\\\"output\\\":[6]", "\\\"output\\\":[2,3]")), Kind::Description(_)));
    assert!(matches!(kind(&error_of("\\\"input\\\":[6]", "\\\"input\\\":[0]")), Kind::Description(_)));
    assert!(matches!(
        kind(&error_of("\\\"seed\\\":7", "\\\"seed\\\":[[[[[[[[[[[[[[[[[[7")),
        Kind::Json { part: "description", .. }
    ));
}

#[test]
fn another_spelling_of_the_same() {
    let good = bytes(&small::<f32>());
    let spaced = format!("{}        ", header(&good));
    assert!(matches!(
        kind(&refusal(Autoencoder::<f32>::from_bytes(&file(&spaced, data(&good))))),
        Kind::NotCanonical { .. }
    ));
    let bare = header(&good).trim_end();
    if bare.len() < header(&good).len() {
        assert!(matches!(
            kind(&refusal(Autoencoder::<f32>::from_bytes(&file(bare, data(&good))))),
            Kind::NotCanonical { .. }
        ));
    }
    assert!(matches!(kind(&error_of("\\\"seed\\\":7", "\\\"seed\\\":07")), Kind::Json { .. }));
    assert!(matches!(kind(&error_of("autoencoder\\\"", "\\u0061utoencoder\\\"")), Kind::NotCanonical { .. }));
    assert!(matches!(kind(&error_of("\\\"seed\\\":7", " \\\"seed\\\":7")), Kind::NotCanonical { .. }));
    // Names in another order.
    let swapped = error_of(
        "\\\"model\\\":\\\"autoencoder\\\",\\\"float\\\":\\\"F32\\\"",
        "\\\"float\\\":\\\"F32\\\",\\\"model\\\":\\\"autoencoder\\\"",
    );
    assert!(matches!(kind(&swapped), Kind::NotCanonical { .. }));
    let settings = error_of(
        "\\\"units\\\":3,\\\"activation\\\":{\\\"kind\\\":\\\"tanh\\\"}",
        "\\\"activation\\\":{\\\"kind\\\":\\\"tanh\\\"},\\\"units\\\":3",
    );
    assert!(matches!(kind(&settings), Kind::Layer { .. }));
}

#[test]
fn tensors_that_are_not_the_models() {
    let name = |error: &autoencoder::ModelFileError| match error.kind() {
        Kind::MissingTensor { name } => format!("missing {name}"),
        Kind::UnknownTensor { name } => format!("unknown {name}"),
        Kind::TensorOrder { expected, found } => format!("{found} for {expected}"),
        Kind::Tensor { name, entry, expected, found } => format!("{name} {entry} {expected} {found}"),
        other => format!("{other:?}"),
    };
    assert_eq!(name(&error_of("\"encoder.0.bias\"", "\"encoder.0.bios\"")), "missing encoder.0.bias");
    let bias = "\"encoder.0.bias\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[72,84]}";
    let weight = "\"encoder.0.weight\":{\"dtype\":\"F32\",\"shape\":[6,3],\"data_offsets\":[0,72]}";
    assert_eq!(
        name(&error_of(&format!("{weight},{bias}"), &format!("{bias},{weight}"))),
        "encoder.0.bias for encoder.0.weight"
    );
    assert_eq!(name(&error_of(&format!("{bias},"), "")), "missing encoder.0.bias");
    assert_eq!(
        name(&error_of(weight, &format!("{},{weight}", weight.replace("weight", "extra")))),
        "unknown encoder.0.extra"
    );
    assert_eq!(name(&error_of("[3],", "[1,3],")), "encoder.0.bias shape [3] [1,3]");
    assert_eq!(
        name(&error_of("\"F32\",\"shape\":[3]", "\"F64\",\"shape\":[3]")),
        "encoder.0.bias dtype \"F32\" \"F64\""
    );
    assert_eq!(name(&error_of("[72,84]", "[76,88]")), "encoder.0.bias data_offsets [72,84] [76,88]");
    assert!(matches!(kind(&error_of(bias, &format!("{bias},{bias}"))), Kind::Json { part: "file", .. }));
}

#[test]
fn numbers_that_are_not_finite() {
    let good = bytes(&small::<f32>());
    for number in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut data = data(&good).to_vec();
        data[72 + 4..][..4].copy_from_slice(&number.to_le_bytes());
        let error = refusal(Autoencoder::<f32>::from_bytes(&file(header(&good), &data)));
        assert!(matches!(kind(&error), Kind::NotFinite { name, element: 1, .. } if name == "encoder.0.bias"));
    }
}

#[test]
fn missing_data() {
    let good = bytes(&small::<f32>());
    let short = data(&good).len() - 4;
    let error = refusal(Autoencoder::<f32>::from_bytes(&file(header(&good), &data(&good)[..short])));
    assert!(matches!(kind(&error), Kind::DataLength { expected: 180, found: 176 }));
}

#[test]
fn networks_whose_output_is_called_something_else() {
    let network = Network::<f32>::builder(Shape::flat(3)).layer(Dense::new(4)).build().unwrap();
    let renamed = edited(&network_bytes(&network), "\\\"output\\\":[4]", "\\\"output\\\":[2,2]");
    assert_eq!(Network::<f32>::from_bytes(&renamed).unwrap().output_shape(), Shape::sequence(2, 2));
    let larger = edited(&network_bytes(&network), "\\\"output\\\":[4]", "\\\"output\\\":[5]");
    assert!(matches!(kind(&refusal(Network::<f32>::from_bytes(&larger))), Kind::Output { .. }));
}

#[test]
fn settings_without_a_word_in_a_file_are_not_saved() {
    let layer = Dense::new(2).bias_initializer(Initializer::Normal(0.1)).weight_initializer(Initializer::Uniform(0.1));
    let network = Network::<f32>::builder(Shape::flat(3)).layer(layer).build().unwrap();
    assert!(network.write_to(Vec::new()).is_ok());
    let broken = crate::custom::Shift { by: f64::NAN };
    let network = Network::<f32>::builder(Shape::flat(3)).layer(broken).build().unwrap();
    let error = refusal(network.write_to(Vec::new()));
    assert!(matches!(kind(&error), Kind::Setting { layer, setting } if layer == "layers.0" && setting == "by"));
}

/// Values that a layer does not take: its gradients would be left unwritten.
#[test]
fn joined_values_that_a_layer_does_not_take() {
    let file = edited(&bytes(&small::<f32>()), r#"{\"format\":1"#, r#"{\"format\":2"#);
    let file = edited(&file, r#"}],\"frozen\""#, r#",\"joins\":[\"encoder.0\"]}],\"frozen\""#);
    assert!(matches!(kind(&refusal(Autoencoder::<f32>::from_bytes(&file))), Kind::Build(_)));
}

/// A block's name stands for its last layer only where a model is described.
#[test]
fn joined_values_named_by_their_block() {
    let block = Block::new().layer(Dense::new(3)).layer(Dense::new(3));
    let builder = Network::<f32>::builder(Shape::flat(3)).layer(block).layer(Dense::new(3));
    let network = builder.layer(Add::with("layers.0")).build().unwrap();
    let good = network_bytes(&network);
    assert!(Network::<f32>::from_bytes(&good).is_ok());
    let file = edited(&good, r#"[\"layers.0.1\"]"#, r#"[\"layers.0\"]"#);
    assert!(matches!(kind(&refusal(Network::<f32>::from_bytes(&file))), Kind::Description(_)));
}
