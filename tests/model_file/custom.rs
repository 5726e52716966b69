//! Layers from outside the crate, with state and with a shared parameter.

use autoencoder::{
    Autoencoder, Backward, Config, ConfigError, Context, Dense, Forward, Initializer, Layer,
    ModelFileErrorKind as Kind, Network, ParameterSpec, Plan, Registry, Scalar, Shape, ShapeError, StateSpec,
};

use crate::support::{bytes, network_bytes, refusal, samples};

/// x + by + what its state holds.
#[derive(Debug)]
pub struct Shift {
    pub by: f64,
}

impl Shift {
    fn from_config(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self { by: config.only(&["by"])?.number("by")? })
    }
}

impl<T: Scalar> Layer<T> for Shift {
    fn kind(&self) -> &'static str {
        "shift"
    }

    fn config(&self) -> Config {
        Config::new().with("by", self.by)
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        Ok(Plan::new(input).state(StateSpec::new("running_mean", input.elements(), 0.25)))
    }

    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        let features = context.state.len();
        for (sample, output) in pass.input.chunks(features).zip(pass.output.chunks_mut(features)) {
            for ((to, from), mean) in output.iter_mut().zip(sample).zip(context.state) {
                *to = *from + *mean + T::from_f64(self.by);
            }
        }
    }

    fn backward(&self, _context: &Context<'_, T>, pass: Backward<'_, T>) {
        if let Some(input_gradient) = pass.input_gradient {
            input_gradient.copy_from_slice(pass.output_gradient);
        }
    }
}

/// The transpose of an earlier layer's weight, without a bias.
#[derive(Debug)]
struct Tied {
    to: String,
    outputs: usize,
}

impl Tied {
    fn from_config(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self { to: config.text("to")?.to_owned(), outputs: config.integer("outputs")? })
    }
}

impl<T: Scalar> Layer<T> for Tied {
    fn kind(&self) -> &'static str {
        "tied"
    }

    fn config(&self) -> Config {
        Config::new().with("to", self.to.as_str()).with("outputs", self.outputs)
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        let weight = ParameterSpec::new("weight", &[self.outputs, input.elements()], Initializer::Zeros);
        Ok(Plan::new(Shape::flat(self.outputs)).parameter(weight.shared_with(self.to.clone())))
    }

    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        let (weight, inputs) = (context.parameters.of(0), context.input_shape.elements());
        for (sample, output) in pass.input.chunks(inputs).zip(pass.output.chunks_mut(self.outputs)) {
            for (to, row) in output.iter_mut().zip(weight.chunks(inputs)) {
                *to = row.iter().zip(sample).map(|(weight, value)| *weight * *value).sum();
            }
        }
    }

    fn backward(&self, _: &Context<'_, T>, _: Backward<'_, T>) {}
}

#[test]
fn a_layer_of_ones_own_with_state() {
    let mut network =
        Network::<f32>::builder(Shape::flat(3)).layer(Dense::new(2)).layer(Shift { by: 0.5 }).build().unwrap();
    network.set_parameter("layers.1.running_mean", &[3.0, -4.0]).unwrap();
    let bytes = network_bytes(&network);
    let registry = Registry::default().register("shift", Shift::from_config);
    let again = Network::<f32>::from_bytes_with(&bytes, &registry).unwrap();
    assert_eq!(network_bytes(&again), bytes);
    assert_eq!(again.predict(&samples(3)).unwrap(), network.predict(&samples(3)).unwrap());
    let state = again.state().next().unwrap();
    assert_eq!((state.name, state.values), ("layers.1.running_mean", [3.0, -4.0].as_slice()));
    assert!(matches!(refusal(Network::<f32>::from_bytes(&bytes)).kind(), Kind::UnknownKind { .. }));
}

#[test]
fn a_constructor_registered_for_another_kind() {
    let network = Network::<f32>::builder(Shape::flat(3)).layer(Shift { by: 0.5 }).build().unwrap();
    let registry = Registry::default().register("shift", |_| Ok(Dense::new(3)));
    let error = refusal(Network::<f32>::from_bytes_with(&network_bytes(&network), &registry));
    assert!(matches!(error.kind(), Kind::Kind { found: "dense", .. }));
}

#[test]
fn a_shared_weight_is_stored_once_and_a_half_has_its_own() {
    let tied = Tied { to: "encoder.0.weight".to_owned(), outputs: 4 };
    let builder = Autoencoder::<f64>::builder(Shape::flat(4));
    let model = builder.encoder(Dense::new(2).without_bias()).decoder(tied).build().unwrap();
    let registry = Registry::default().register("tied", Tied::from_config);
    let again = Autoencoder::<f64>::from_bytes_with(&bytes(&model), &registry).unwrap();
    assert_eq!(again.parameters().count(), 1);
    assert_eq!(again.reconstruct(&samples(4)).unwrap(), model.reconstruct(&samples(4)).unwrap());

    let file = network_bytes(&model.decoder().unwrap());
    let decoder = Network::<f64>::from_bytes_with(&file, &registry).unwrap();
    assert_eq!(decoder.parameters().map(|parameter| parameter.name).collect::<Vec<_>>(), ["decoder.0.weight"]);
    assert_eq!(decoder.predict(&samples(2)).unwrap(), model.decode(&samples(2)).unwrap());
    assert_eq!(network_bytes(&decoder), file);
}
