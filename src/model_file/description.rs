//! [`Description`]: everything in a file about a model except its numbers.

use super::container::{CHAIN_FORMAT, GRAPH_FORMAT, checksum_digits};
use super::float::Float;
use super::{ModelFileErrorKind, json};
use crate::data::Scaler;
use crate::graph::{Definition, NamedLayer, Network, NodeInput};
use crate::{Config, ConfigError, Scalar, Shape, Value};

const KEYS: [&str; 14] = [
    "format", "checksum", "crate", "model", "float", "seed", "input", "output", "split", "layers", "frozen", "scalers",
    "clip", "training",
];

/// The names of the two scalers.
const SCALERS: [&str; 2] = ["input", "output"];

/// The most layers in a file. Limits memory: a short header could list thousands of option-less
/// layers at 1 KiB each.
const MAX_LAYERS: usize = 512;

/// Everything in a file about a model except its numbers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Description {
    /// The version of the crate that built the model.
    pub crate_version: String,
    pub model: ModelKind,
    pub float: Float,
    pub seed: u64,
    pub input: Shape,
    pub output: Shape,
    pub layers: Vec<LayerDescription>,
    /// The frozen parameters, in order.
    pub frozen: Vec<String>,
    /// Whether there is a scaler for the input and for the output. An autoencoder's input scaler is
    /// also its output scaler.
    pub scalers: [bool; 2],
    /// The range that each of these scalers clips to, if it does.
    pub clip: [Option<[f64; 2]>; 2],
    /// The settings of its data, in a checkpoint.
    pub training: Option<Config>,
}

/// The kind of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ModelKind {
    /// An autoencoder, whose decoder starts with layer `split`.
    Autoencoder {
        split: usize,
    },
    Network,
}

/// A layer's name, kind and configuration, and the names of what it joins.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct LayerDescription {
    pub name: String,
    pub kind: String,
    pub config: Config,
    pub joins: Vec<String>,
}

impl ModelKind {
    /// The kind's name in files and errors.
    pub fn name(self) -> &'static str {
        match self {
            Self::Autoencoder { .. } => "autoencoder",
            Self::Network => "network",
        }
    }
}

impl Description {
    /// The description of `network`, the network of a `model`.
    pub fn of<T: Scalar>(network: &Network<T>, model: ModelKind) -> Result<Self, ModelFileErrorKind> {
        let frozen = network.parameters().filter(|parameter| parameter.frozen);
        let definition = network.definition();
        let layers = definition.nodes.iter().map(|node| {
            let NamedLayer { name, layer, joins } = definition.named_layer(node, NodeInput::Input);
            LayerDescription { name, kind: layer.kind().to_owned(), config: layer.config(), joins }
        });
        let output_scaler = network.output_scaler().filter(|_| model == ModelKind::Network);
        let description = Self {
            crate_version: network.crate_version().to_owned(),
            model,
            float: Float::of::<T>(),
            seed: network.seed(),
            input: network.input_shape(),
            output: network.output_shape(),
            layers: layers.collect(),
            frozen: frozen.map(|parameter| parameter.name.to_owned()).collect(),
            scalers: [network.input_scaler().is_some(), output_scaler.is_some()],
            clip: [network.input_scaler(), output_scaler].map(|scaler| scaler.and_then(Scaler::clipped_to)),
            training: None,
        };
        description.check_names(description.format())?;
        description.check_settings()?;
        Ok(description)
    }

    /// Reads the description from the metadata of a header.
    pub fn read(header: &Config) -> Result<Self, ModelFileErrorKind> {
        let text =
            header.config("__metadata__").and_then(|metadata| metadata.only(&["autoencoder"])?.text("autoencoder"));
        let text = text.map_err(ModelFileErrorKind::Description)?;
        let config = json::read(text).map_err(|error| ModelFileErrorKind::Json {
            part: "description",
            offset: error.offset,
            problem: error.problem,
        })?;
        let description = Self::from_config(&config).map_err(ModelFileErrorKind::Description)?;
        let is_chain = matches!(config.find("format"), Some(Value::Integer(CHAIN_FORMAT)));
        description.check_names(if is_chain { CHAIN_FORMAT } else { GRAPH_FORMAT })?;
        Ok(description)
    }

    /// The canonical text of the description, with this checksum.
    pub fn text(&self, checksum: u32) -> String {
        json::write(&self.config(checksum))
    }

    /// The description as a configuration.
    pub fn config(&self, checksum: u32) -> Config {
        let layer = |layer: &LayerDescription| {
            let named = Config::new().with("name", layer.name.as_str()).with("kind", layer.kind.as_str());
            let config = named.with("config", layer.config.clone());
            let joins = layer.joins.iter().map(|name| Value::from(name.as_str())).collect();
            Value::Config(if layer.joins.is_empty() { config } else { config.with("joins", Value::List(joins)) })
        };
        let scalers = SCALERS.into_iter().zip(self.scalers).filter(|(_, there)| *there);
        let clip = SCALERS.into_iter().zip(self.clip).filter_map(|(name, range)| Some((name, range?)));
        let clip = clip
            .fold(Config::new(), |clip, (name, range)| clip.with(name, Value::List(range.map(Value::from).to_vec())));
        let config = Config::new()
            .with("format", self.format())
            .with("checksum", checksum_digits(checksum).as_str())
            .with("crate", self.crate_version.as_str())
            .with("model", self.model.name())
            .with("float", self.float.name())
            .with("seed", self.seed)
            .with("input", self.input.dimensions())
            .with("output", self.output.dimensions());
        let config = match self.model {
            ModelKind::Autoencoder { split } => config.with("split", split),
            ModelKind::Network => config,
        };
        let config = config
            .with("layers", Value::List(self.layers.iter().map(layer).collect()))
            .with("frozen", Value::List(self.frozen.iter().map(|name| Value::from(name.as_str())).collect()))
            .with("scalers", Value::List(scalers.map(|(name, _)| Value::from(name)).collect()));
        let config = if clip == Config::new() { config } else { config.with("clip", clip) };
        match &self.training {
            Some(training) => config.with("training", training.clone()),
            None => config,
        }
    }

    fn from_config(config: &Config) -> Result<Self, ConfigError> {
        config.only(&KEYS)?;
        let model = match config.text("model")? {
            "autoencoder" => ModelKind::Autoencoder { split: config.integer("split")? },
            "network" => ModelKind::Network,
            _ => return Err(invalid("model", "`autoencoder` or `network`")),
        };
        let scalers = texts(config, "scalers")?;
        let scalers = SCALERS.map(|name| scalers.iter().any(|scaler| scaler == name));
        if model != ModelKind::Network && matches!(scalers, [_, true]) {
            return Err(invalid("scalers", "`input` or nothing, for an autoencoder"));
        }
        Ok(Self {
            crate_version: config.text("crate")?.to_owned(),
            model,
            float: Float::named(config.text("float")?).ok_or_else(|| invalid("float", "`F32` or `F64`"))?,
            seed: match config.find("seed") {
                Some(Value::Integer(seed)) => *seed,
                _ => return Err(invalid("seed", "a whole number")),
            },
            input: shape(config, "input")?,
            output: shape(config, "output")?,
            layers: layers(config)?,
            frozen: texts(config, "frozen")?,
            scalers,
            clip: clip(config, scalers)?,
            training: config.find("training").map(|_| config.config("training").cloned()).transpose()?,
        })
    }

    /// The oldest format that can hold the model.
    fn format(&self) -> u64 {
        let named_by_place = self.layers.iter().enumerate().all(|(index, layer)| self.is_named_by_place(index, layer));
        let is_chain = self.layers.iter().all(|layer| layer.joins.is_empty());
        if named_by_place && is_chain { CHAIN_FORMAT } else { GRAPH_FORMAT }
    }

    /// Whether layer `index` of an autoencoder has the name that its place gives it.
    fn is_named_by_place(&self, index: usize, layer: &LayerDescription) -> bool {
        match self.model {
            ModelKind::Autoencoder { split } if index < split => layer.name == format!("encoder.{index}"),
            ModelKind::Autoencoder { split } => layer.name == format!("decoder.{}", index - split),
            ModelKind::Network => true,
        }
    }

    /// Layer names must be unique; those of an autoencoder are given by their places in a file of
    /// the first `format`, and begin with the name of their half in others.
    fn check_names(&self, format: u64) -> Result<(), ModelFileErrorKind> {
        let mut names: Vec<&str> = self.layers.iter().map(|layer| layer.name.as_str()).collect();
        names.sort_unstable();
        let twice =
            names.windows(2).find(|pair| matches!(pair, [one, other] if one == other)).and_then(|pair| pair.first());
        let wrong = self.layers.iter().enumerate().rev().find(|(index, layer)| match self.model {
            _ if Some(&layer.name.as_str()) == twice => true,
            _ if format == CHAIN_FORMAT => !self.is_named_by_place(*index, layer),
            ModelKind::Autoencoder { split } if *index < split => !layer.name.starts_with("encoder."),
            ModelKind::Autoencoder { .. } => !layer.name.starts_with("decoder."),
            ModelKind::Network => false,
        });
        match wrong {
            Some((index, layer)) => Err(ModelFileErrorKind::LayerName { index, name: layer.name.clone() }),
            None => self.check_split(),
        }
    }

    /// Both halves of an autoencoder must have layers, and its output must have its input's shape.
    fn check_split(&self) -> Result<(), ModelFileErrorKind> {
        let ModelKind::Autoencoder { split } = self.model else { return Ok(()) };
        if split == 0 || split >= self.layers.len() {
            return Err(ModelFileErrorKind::Description(invalid("split", "a number of layers that leaves two halves")));
        }
        match self.input == self.output {
            true => Ok(()),
            false => Err(ModelFileErrorKind::Description(invalid("output", "the input's shape"))),
        }
    }

    fn check_settings(&self) -> Result<(), ModelFileErrorKind> {
        for layer in &self.layers {
            if let Some((setting, _)) = layer.config.entries().find(|(_, value)| !finite(value)) {
                let (layer, setting) = (layer.name.clone(), setting.to_owned());
                return Err(ModelFileErrorKind::Setting { layer, setting });
            }
        }
        Ok(())
    }

    /// Whether each parameter of `definition` is frozen.
    pub fn frozen_in<T: Scalar>(&self, definition: &Definition<T>) -> Result<Vec<bool>, ModelFileErrorKind> {
        let mut names = self.frozen.iter().peekable();
        let frozen =
            definition.table.iter().map(|entry| names.next_if(|name| **name == entry.name).is_some()).collect();
        match names.next() {
            Some(name) => Err(ModelFileErrorKind::Frozen { name: name.clone() }),
            None => Ok(frozen),
        }
    }
}

/// The range that each of the `scalers` that are there clips to; none in a file of scalers that do
/// not clip.
fn clip(config: &Config, scalers: [bool; 2]) -> Result<[Option<[f64; 2]>; 2], ConfigError> {
    if config.find("clip").is_none() {
        return Ok([None; 2]);
    }
    let clip = config.config("clip")?.only(&SCALERS)?;
    let wrong = || invalid("clip", "a list of two numbers, the lower first, for scalers that there are");
    let range = |name: &str, there: bool| match clip.find(name) {
        Some(Value::List(ends)) => match ends.as_slice() {
            [Value::Number(low), Value::Number(high)] if there => Ok(Some([*low, *high])),
            _ => Err(wrong()),
        },
        Some(_) => Err(wrong()),
        None => Ok(None),
    };
    let ([input, output], [input_there, output_there]) = (SCALERS, scalers);
    Ok([range(input, input_there)?, range(output, output_there)?])
}

fn layers(config: &Config) -> Result<Vec<LayerDescription>, ConfigError> {
    let layers = config.list("layers")?;
    match layers.len() <= MAX_LAYERS {
        true => layers.iter().map(layer).collect(),
        false => Err(invalid("layers", "a list of at most 512 layers")),
    }
}

fn layer(value: &Value) -> Result<LayerDescription, ConfigError> {
    let Value::Config(config) = value else { return Err(invalid("layers", "a list of layers")) };
    config.only(&["name", "kind", "config", "joins"])?;
    let (name, kind) = (config.text("name")?.to_owned(), config.text("kind")?.to_owned());
    let joins = if config.find("joins").is_some() { texts(config, "joins")? } else { Vec::new() };
    Ok(LayerDescription { name, kind, config: config.config("config")?.clone(), joins })
}

fn shape(config: &Config, name: &str) -> Result<Shape, ConfigError> {
    let dimensions: Option<Vec<usize>> = config.list(name)?.iter().map(Value::as_integer).collect();
    let shape = dimensions.and_then(|dimensions| Shape::new(&dimensions).ok()).and_then(|shape| shape.checked().ok());
    shape.ok_or_else(|| invalid(name, "the dimensions of a shape"))
}

fn texts(config: &Config, name: &str) -> Result<Vec<String>, ConfigError> {
    let text = |value: &Value| match value {
        Value::Text(text) => Ok(text.clone()),
        _ => Err(invalid(name, "a list of texts")),
    };
    config.list(name)?.iter().map(text).collect()
}

pub(super) fn finite(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_finite(),
        Value::List(values) => values.iter().all(finite),
        Value::Config(config) => config.entries().all(|(_, value)| finite(value)),
        Value::Boolean(_) | Value::Integer(_) | Value::Text(_) => true,
    }
}

fn invalid(name: &str, expected: &'static str) -> ConfigError {
    ConfigError::Invalid { name: name.to_owned(), expected }
}
