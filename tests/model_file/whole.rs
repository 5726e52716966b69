//! Whole models: halves, scalers, frozen parameters, other readers, other float types.

use autoencoder::nalgebra::DMatrix;
use autoencoder::{
    Activation, Autoencoder, Conv2D, Dense, MaxPool, ModelFileErrorKind as Kind, Network, Registry, Scaler, Shape,
    StandardScaler,
};
use safetensors::SafeTensors;

use crate::support::{bytes, edited, header, network_bytes, refusal, samples, small};

fn scaled() -> Autoencoder<f32> {
    scaled_by(|scaler| scaler)
}

fn scaled_by(change: impl Fn(Scaler) -> Scaler) -> Autoencoder<f32> {
    let data = samples::<f32>(6).map(|value| value * 40.0 + 3.0);
    let builder = Autoencoder::<f32>::builder(Shape::flat(6)).scaler(change(StandardScaler::fit(&data).unwrap()));
    builder.encoder(Dense::new(3)).mirror(Activation::Linear).build().unwrap()
}

#[test]
fn a_model_comes_back_to_the_bit() {
    let model = Autoencoder::<f32>::builder(Shape::image(7, 7, 1))
        .encoder(Conv2D::new(4, 3).activation(Activation::Relu))
        .encoder(MaxPool::new(2))
        .encoder(Dense::new(5))
        .mirror(Activation::Sigmoid)
        .build()
        .unwrap();
    let again = Autoencoder::<f32>::from_bytes(&bytes(&model)).unwrap();
    assert_eq!(bytes(&again), bytes(&model));
    let data = samples::<f32>(49);
    assert_eq!(again.encode(&data).unwrap(), model.encode(&data).unwrap());
    assert_eq!(again.reconstruct(&data).unwrap(), model.reconstruct(&data).unwrap());
    assert_eq!(again.code_shape(), model.code_shape());
    assert_eq!(again.network().output_shape(), Shape::image(7, 7, 1));
}

#[test]
fn halves_are_networks_of_their_own() {
    let model = scaled();
    let data = samples::<f32>(6);
    let encoder = Network::<f32>::from_bytes(&network_bytes(&model.encoder())).unwrap();
    assert_eq!(encoder.predict(&data).unwrap(), model.encode(&data).unwrap());
    assert!(encoder.input_scaler().is_some() && encoder.output_scaler().is_none());

    let codes = model.encode(&data).unwrap();
    let decoder = Network::<f32>::from_bytes(&network_bytes(&model.decoder().unwrap())).unwrap();
    assert_eq!(decoder.predict(&codes).unwrap(), model.decode(&codes).unwrap());
    assert!(decoder.input_scaler().is_none() && decoder.output_scaler().is_some());
    assert_eq!(network_bytes(&decoder), network_bytes(&model.decoder().unwrap()));

    let whole = Network::<f32>::from_bytes(&network_bytes(model.network())).unwrap();
    assert_eq!(whole.predict(&data).unwrap(), model.reconstruct(&data).unwrap());
}

#[test]
fn a_decoder_keeps_the_shape_it_gives_its_output() {
    let builder = Autoencoder::<f64>::builder(Shape::image(2, 3, 1));
    let model = builder.encoder(Dense::new(2)).decoder(Dense::new(6)).build().unwrap();
    let decoder = Network::<f64>::from_bytes(&network_bytes(&model.decoder().unwrap())).unwrap();
    assert_eq!(decoder.output_shape(), Shape::image(2, 3, 1));
}

#[test]
fn an_extended_network_keeps_its_names() {
    let classifier = scaled().encoder().extend().layer(Dense::new(2)).build().unwrap();
    let again = Network::<f32>::from_bytes(&network_bytes(&classifier)).unwrap();
    assert_eq!(again.layers().map(|(name, _)| name).collect::<Vec<_>>(), ["encoder.0", "layers.0"]);
    assert_eq!(network_bytes(&again), network_bytes(&classifier));
}

#[test]
fn an_autoencoders_scaler_is_stored_once() {
    let model = scaled();
    let bytes = bytes(&model);
    assert!(header(&bytes).contains("input_scaler.shift") && !header(&bytes).contains("output_scaler"));
    let again = Autoencoder::<f32>::from_bytes(&bytes).unwrap();
    assert_eq!(again.network().input_scaler(), model.network().input_scaler());
    assert_eq!(again.network().output_scaler(), model.network().input_scaler());
    let data = samples::<f32>(6);
    assert_eq!(again.reconstruct(&data).unwrap(), model.reconstruct(&data).unwrap());
}

/// The range is in the description, and only there; without one the file says nothing of it.
#[test]
fn a_scaler_that_clips_comes_back() {
    let clipped = |scaler: Scaler| scaler.clip(-1.5, 2.0).unwrap();
    let (plain, model) = (scaled_by(|scaler| scaler), scaled_by(clipped));
    let file = bytes(&model);
    let range = "\\\"scalers\\\":[\\\"input\\\"],\\\"clip\\\":{\\\"input\\\":[-1.5,2.0]}";
    assert!(header(&file).contains(range) && !header(&bytes(&plain)).contains("clip"), "{}", header(&file));
    let again = Autoencoder::<f32>::from_bytes(&file).unwrap();
    assert_eq!(again.network().input_scaler().unwrap().clipped_to(), Some([-1.5, 2.0]));
    assert_eq!(again.network().input_scaler(), model.network().output_scaler());
    assert!(bytes(&again) == file);
    let far = samples::<f32>(6).map(|value| value * 1e6);
    assert_eq!(again.encode(&far).unwrap(), model.encode(&far).unwrap());
    assert_ne!(again.encode(&far).unwrap(), plain.encode(&far).unwrap());

    let halves = [model.encoder(), model.decoder().unwrap(), model.network().clone()];
    for network in halves {
        let again = Network::<f32>::from_bytes(&network_bytes(&network)).unwrap();
        assert_eq!(again.input_scaler(), network.input_scaler());
        assert_eq!(again.output_scaler(), network.output_scaler());
        assert!(network_bytes(&again) == network_bytes(&network));
    }
    for wrong in ["[2.0,-1.5]", "[2.0]", "[1,2]", "{}", "[0.5,0.5]"] {
        let edited = edited(&file, "[-1.5,2.0]", wrong);
        assert!(matches!(refusal(Autoencoder::<f32>::from_bytes(&edited)).kind(), Kind::Description(_)), "{wrong}");
    }
    let missing = edited(&file, "\\\"input\\\":[-1.5,2.0]", "\\\"output\\\":[-1.5,2.0]");
    assert!(matches!(refusal(Autoencoder::<f32>::from_bytes(&missing)).kind(), Kind::Description(_)));
}

/// An autoencoder has one scaler: a second one would be lost when it is saved again.
#[test]
fn an_autoencoder_has_no_scaler_of_its_output() {
    let network = network_bytes(scaled().network());
    let split = "\\\"model\\\":\\\"network\\\"";
    assert!(header(&network).contains("\\\"scalers\\\":[\\\"input\\\",\\\"output\\\"]"));
    let both = edited(&network, split, &split.replace("network", "autoencoder"));
    let both = edited(&both, "\\\"output\\\":[6],", "\\\"output\\\":[6],\\\"split\\\":1,");
    assert!(matches!(refusal(Autoencoder::<f32>::from_bytes(&both)).kind(), Kind::Description(_)));
}

#[test]
fn frozen_parameters_stay_frozen() {
    let mut model = small::<f32>();
    model.freeze("encoder.0.weight").unwrap();
    let again = Autoencoder::<f32>::from_bytes(&bytes(&model)).unwrap();
    let frozen: Vec<&str> =
        again.parameters().filter(|parameter| parameter.frozen).map(|parameter| parameter.name).collect();
    assert_eq!(frozen, ["encoder.0.weight"]);

    let unknown = edited(&bytes(&model), "[\\\"encoder.0.weight\\\"]", "[\\\"encoder.9.weight\\\"]");
    let error = refusal(Autoencoder::<f32>::from_bytes(&unknown));
    assert!(matches!(error.kind(), Kind::Frozen { name } if name == "encoder.9.weight"));
}

#[test]
fn more_than_ten_layers_stay_in_their_order() {
    let builder =
        (1..=12).fold(Network::<f32>::builder(Shape::flat(3)), |builder, units| builder.layer(Dense::new(units)));
    let network = builder.build().unwrap();
    let again = Network::<f32>::from_bytes(&network_bytes(&network)).unwrap();
    assert_eq!(again.predict(&samples(3)).unwrap(), network.predict(&samples(3)).unwrap());
}

#[test]
fn another_reader_finds_the_same_tensors() {
    let model = scaled();
    let bytes = bytes(&model);
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let mut expected: Vec<&str> = model.parameters().map(|parameter| parameter.name).collect();
    expected.extend(["input_scaler.shift", "input_scaler.scale"]);
    expected.sort_unstable();
    let mut found = tensors.names();
    found.sort_unstable();
    assert_eq!(found, expected);
    for parameter in model.parameters() {
        let tensor = tensors.tensor(parameter.name).unwrap();
        assert_eq!(tensor.shape(), parameter.shape);
        let values: Vec<f32> =
            tensor.data().chunks(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect();
        assert_eq!(values, parameter.values);
    }
    let start = tensors.tensor("input_scaler.shift").unwrap().data().as_ptr() as usize - bytes.as_ptr() as usize;
    assert_eq!(start % 8, 0);
    assert!(serde_json::from_str::<serde_json::Value>(header(&bytes)).is_ok());
}

#[test]
fn the_other_float_type_is_converted_only_when_asked() {
    let model = small::<f32>();
    let bytes = bytes(&model);
    let error = refusal(Autoencoder::<f64>::from_bytes(&bytes));
    assert!(matches!(error.kind(), Kind::Float { expected: "F64", found: "F32" }));
    assert!(error.to_string().contains("load_as"));

    let wide = Autoencoder::<f64>::from_bytes_as(&bytes, &Registry::default()).unwrap();
    let exact = wide.parameters().flat_map(|parameter| parameter.values.to_vec());
    let narrow = model.parameters().flat_map(|parameter| parameter.values.to_vec());
    assert!(exact.eq(narrow.map(f64::from)));
    let back = Autoencoder::<f32>::from_bytes_as(&crate::support::bytes(&wide), &Registry::default()).unwrap();
    assert_eq!(crate::support::bytes(&back), bytes);
}

#[test]
fn a_number_too_large_for_the_other_float_type_is_named() {
    let mut model = small::<f64>();
    model.set_parameter("decoder.0.bias", &[0.0, 0.0, 1e300, 0.0, 0.0, 0.0]).unwrap();
    let error = refusal(Autoencoder::<f32>::from_bytes_as(&bytes(&model), &Registry::default()));
    assert!(matches!(error.kind(), Kind::NotFinite { name, element: 2, float: "F32" } if name == "decoder.0.bias"));
}

#[test]
fn the_other_kind_of_model_is_named() {
    let model = small::<f32>();
    let error = refusal(Network::<f32>::from_bytes(&bytes(&model)));
    assert_eq!(error.to_string(), "the file holds an autoencoder, not a network; load it with `Autoencoder::load`");
    let error = refusal(Autoencoder::<f32>::from_bytes(&network_bytes(&model.encoder())));
    assert_eq!(error.to_string(), "the file holds a network, not an autoencoder; load it with `Network::load`");
}

#[test]
fn extreme_numbers_survive() {
    let mut network = Network::<f64>::builder(Shape::flat(2)).layer(Dense::new(2)).build().unwrap();
    let extremes = [f64::MIN_POSITIVE / 4.0, -0.0, f64::MAX, 1.0 / 3.0];
    network.set_parameter("layers.0.weight", &extremes).unwrap();
    let again = Network::<f64>::from_bytes(&network_bytes(&network)).unwrap();
    let bits = |values: &[f64]| values.iter().map(|value| value.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(again.parameter("layers.0.weight").unwrap().values), bits(&extremes));
}

#[test]
fn a_scale_that_cannot_be_divided_by_is_named() {
    let scaler = Scaler::new(vec![0.0; 6], vec![1.0; 6]).unwrap();
    let builder = Autoencoder::<f32>::builder(Shape::flat(6)).scaler(scaler);
    let file = bytes(&builder.encoder(Dense::new(2)).mirror(Activation::Linear).build().unwrap());
    let mut data = crate::support::data(&file).to_vec();
    data[6 * 8 + 3 * 8..][..8].copy_from_slice(&0_f64.to_le_bytes());
    let error = refusal(Autoencoder::<f32>::from_bytes(&crate::support::file(header(&file), &data)));
    assert!(matches!(error.kind(), Kind::Scale { name, element: 3 } if name == "input_scaler.scale"));
}

#[test]
fn predictions_of_a_loaded_model_do_not_need_the_original() {
    let again = { Autoencoder::<f64>::from_bytes(&bytes(&small::<f64>())).unwrap() };
    assert_eq!(again.encode(&DMatrix::from_element(6, 2, 0.5)).unwrap().shape(), (3, 2));
}
