//! Settings of layers as they may stand in a file that somebody has written by hand.

use std::fmt::Debug;

use autoencoder::*;
use proptest::prelude::*;
use proptest::sample::select;

use super::layers::plans_alike;
use super::{anything, count, number, row, taken_if};
use crate::Row;
use crate::built::Built;
use crate::properties::{Judgement, holds, initializer, layer, require, warm_up};

pub fn rows() -> Vec<Row> {
    vec![
        row("settings of layers", || holds(4000, settings(), configures_or_says_why)),
        row("settings within settings", || holds(2000, inner_settings(), reads_or_says_why)),
    ]
}

/// What is changed in settings: the entry, and the entry within that if it has any; what it
/// becomes, or nothing where it is left out.
type Change = (usize, usize, Option<Value>);

/// A layer, whose settings are changed.
fn settings() -> impl Strategy<Value = (Built, Vec<Change>, &'static str)> {
    (layer(&anything()), changes(), select(KINDS.map(|(kind, _)| kind).to_vec()))
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    proptest::collection::vec((0_usize..8, 0_usize..4, proptest::option::of(value())), 0..3)
}

fn value() -> impl Strategy<Value = Value> {
    let texts = ["", "relu", "same", "glorot_uniform", "orthogonal", "nearest", "linear", "cyclic", "encoder.0"];
    let leaf = prop_oneof![
        number().prop_map(Value::Number),
        count().prop_map(Value::from),
        any::<bool>().prop_map(Value::Boolean),
        select(texts.to_vec()).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 8, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::List),
            (select(vec!["", "kind", "value", "epochs"]), inner)
                .prop_map(|(name, value)| Value::Config(Config::new().with(name, value))),
        ]
    })
}

fn changed(config: &Config, changes: &[Change]) -> Config {
    changes.iter().fold(config.clone(), |config, (entry, inner, value)| {
        let entries: Vec<_> = config.entries().map(|(name, value)| (name.to_owned(), value.clone())).collect();
        let Some((name, old)) = entries.get(*entry) else {
            return config.with("unknown", value.clone().unwrap_or(Value::Boolean(true)));
        };
        let new = match (old, value) {
            (Value::Config(within), _) if *inner > 0 => {
                Some(Value::Config(changed(within, &[(inner - 1, 0, value.clone())])))
            }
            _ => value.clone(),
        };
        let others = entries.iter().filter(|(other, _)| new.is_some() || other != name);
        let config = others.fold(Config::new(), |config, (name, value)| config.with(name.as_str(), value.clone()));
        new.map_or(config.clone(), |value| config.with(name.as_str(), value))
    })
}

type FromConfig = fn(&Config) -> Result<Built, ConfigError>;

/// What a file's settings are read with.
const KINDS: [(&str, FromConfig); 18] = [
    ("activation", |config| read(Activation::from_config(config))),
    ("avg_pool", |config| read(AvgPool::from_config(config))),
    ("batch_norm", |config| read(BatchNorm::from_config(config))),
    ("conv2d", |config| read(Conv2D::from_config(config))),
    ("conv2d_transpose", |config| read(Conv2DTranspose::from_config(config))),
    ("crop", |config| read(Crop::from_config(config))),
    ("dense", |config| read(Dense::from_config(config))),
    ("dropout", |config| read(Dropout::from_config(config))),
    ("flatten", |config| read(Flatten::from_config(config))),
    ("gaussian_latent", |config| read(GaussianLatent::from_config(config))),
    ("gaussian_noise", |config| read(GaussianNoise::from_config(config))),
    ("l1_activity", |config| read(L1Activity::from_config(config))),
    ("max_pool", |config| read(MaxPool::from_config(config))),
    ("pad", |config| read(Pad::from_config(config))),
    ("reshape", |config| read(Reshape::from_config(config))),
    ("target_rate", |config| read(TargetRate::from_config(config))),
    ("top_k", |config| read(TopK::from_config(config))),
    ("up_sample", |config| read(UpSample::from_config(config))),
];

fn read<L: Layer<f32> + Layer<f64> + Clone + 'static>(layer: Result<L, ConfigError>) -> Result<Built, ConfigError> {
    layer.map(Built::new)
}

/// Settings are refused, or the layer that is made of them describes itself and plans; its own are
/// never refused, but for those of another kind.
fn configures_or_says_why((layer, changes, other): (Built, Vec<Change>, &'static str)) -> Judgement {
    let own_kind = changes.len() < 2;
    let kind = if own_kind { layer.kind() } else { other };
    let (_, from_config) = KINDS.into_iter().find(|(known, _)| *known == kind).expect("a kind");
    let own = Layer::<f32>::config(&layer);
    let own = match kind {
        "activation" => own.config("activation").cloned().unwrap_or(own),
        _ => own,
    };
    let config = changed(&own, &changes);
    look_up(&config)?;
    match from_config(&config) {
        Ok(layer) => {
            let single: &dyn Layer<f32> = &layer;
            for shape in [Shape::image(3, 3, 1), Shape::flat(4)] {
                plans_alike(&layer, shape)?;
            }
            let described = single.config();
            let described = if kind == "activation" { described.config("activation").cloned() } else { Ok(described) };
            let again = described.and_then(|config| from_config(&config)).map(|again| format!("{again:?}"));
            require(again == Ok(format!("{layer:?}")), format!("{layer:?} comes back as {again:?}"))
        }
        Err(error) => {
            require(!own_kind || config != own, format!("{error}: {config:?}"))?;
            require(!error.to_string().is_empty(), "an error without words")
        }
    }
}

/// Asks for every entry as every type, and for one that is not there: each is given as what it is.
fn look_up(config: &Config) -> Judgement {
    for name in config.entries().map(|(name, _)| name).chain(["", "nothing"]) {
        let entry = config.find(name);
        let whole = matches!(entry, Some(Value::Integer(_)));
        let integers = entry.and_then(|entry| match entry {
            Value::List(values) => values.iter().map(Value::as_integer).collect::<Option<Vec<_>>>(),
            _ => None,
        });
        let is_list_of = |count: usize| integers.as_ref().is_some_and(|integers| integers.len() == count);
        taken_if(whole, name, config.integer(name))?;
        taken_if(whole || matches!(entry, Some(Value::Number(_))), name, config.number(name))?;
        taken_if(matches!(entry, Some(Value::Boolean(_))), name, config.boolean(name))?;
        taken_if(matches!(entry, Some(Value::Text(_))), name, config.text(name))?;
        taken_if(matches!(entry, Some(Value::List(_))), name, config.list(name))?;
        taken_if(matches!(entry, Some(Value::Config(_))), name, config.config(name))?;
        taken_if(is_list_of(2), name, config.integers::<2>(name))?;
        taken_if(is_list_of(0), name, config.integers::<0>(name))?;
        taken_if(config.entries().all(|(other, _)| other == name), name, config.only(&[name]))?;
    }
    Ok(())
}

/// An initializer, a regularizer and a warm-up, whose settings are changed.
fn inner_settings() -> impl Strategy<Value = (Initializer, [f64; 2], KlAnnealing, Vec<Change>)> {
    (initializer(number().boxed()), [number(), number()], warm_up(number().boxed()), changes())
}

/// What has no layer around it.
fn reads_or_says_why(
    (initializer, [l1, l2], warm_up, changes): (Initializer, [f64; 2], KlAnnealing, Vec<Change>),
) -> Judgement {
    let regularizer = Regularizer::l1_l2(l1, l2);
    let accepted = |number: f64| number.is_finite() && number >= 0.0;
    taken_if(accepted(l1) && accepted(l2), "a penalty", regularizer.checked())?;
    taken_if(accepted(l1), "an L1 penalty", Regularizer::l1(l1).checked())?;
    taken_if(accepted(l2), "an L2 penalty", Regularizer::l2(l2).checked())?;
    let share = warm_up.share(l1);
    require((0.0..=1.0).contains(&share), format!("{warm_up:?} gives {share} after {l1} epochs"))?;
    let (first, second) = (initializer.config(), regularizer.config());
    let again = (Initializer::from_config(&first), Regularizer::from_config(&second));
    require(again.0.is_ok() && again.1.is_ok(), "what was described cannot be read")?;
    for config in [changed(&first, &changes), changed(&second, &changes)] {
        look_up(&config)?;
        comes_back(Initializer::from_config(&config), |read| Initializer::from_config(&read.config()))?;
        comes_back(Regularizer::from_config(&config), |read| Regularizer::from_config(&read.config()))?;
        comes_back(Activation::from_config(&config), |read| Activation::from_config(&(*read).config()))?;
        let latent = |read: &GaussianLatent| GaussianLatent::from_config(&Layer::<f32>::config(read));
        comes_back(GaussianLatent::from_config(&config), latent)?;
    }
    Ok(())
}

/// What was read describes itself, and is read from that again; else there are words.
fn comes_back<V: Debug>(read: Result<V, ConfigError>, again: impl Fn(&V) -> Result<V, ConfigError>) -> Judgement {
    match read {
        Ok(value) => {
            let (value, again) = (format!("{value:?}"), again(&value).map(|again| format!("{again:?}")));
            require(again.as_ref() == Ok(&value), format!("{value} comes back as {again:?}"))
        }
        Err(error) => require(!error.to_string().is_empty(), "an error without words"),
    }
}
