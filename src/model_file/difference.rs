//! [`Difference`]: where two configurations differ, for errors on resuming.

use super::json;
use crate::{Config, Value};

/// A setting whose value in a checkpoint is another than here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// The setting's name, after those of the configurations that it is in: `optimizer.kind`.
    pub setting: String,
    pub checkpoint: String,
    pub here: String,
}

impl Difference {
    /// The first entry of `found`, from a checkpoint, that is another in `expected`; entries named
    /// in `but` are ignored.
    pub fn first(found: &Config, expected: &Config, but: &[&str]) -> Option<Self> {
        let names = found.entries().chain(expected.entries()).map(|(name, _)| name);
        let mut compared = names.filter(|name| !but.contains(name));
        compared.find_map(|name| between(name, found.find(name), expected.find(name)))
    }
}

/// The first difference between two values at `place`.
fn between(place: &str, found: Option<&Value>, expected: Option<&Value>) -> Option<Difference> {
    if found == expected {
        return None;
    }
    let further = match (found, expected) {
        (Some(Value::Config(found)), Some(Value::Config(expected))) => {
            let names = found.entries().chain(expected.entries()).map(|(name, _)| name);
            names
                .into_iter()
                .find_map(|name| between(&format!("{place}.{name}"), found.find(name), expected.find(name)))
        }
        (Some(Value::List(found)), Some(Value::List(expected))) if found.len() != expected.len() => {
            let named = found.iter().chain(expected).any(|value| name_of(value).is_some());
            let (checkpoint, here) = (found.len().to_string(), expected.len().to_string());
            named.then(|| Difference { setting: format!("number of {place}"), checkpoint, here })
        }
        (Some(Value::List(found)), Some(Value::List(expected))) => {
            let mut pairs = found.iter().zip(expected);
            pairs.find_map(|(found, expected)| {
                between(&format!("{place}.{}", name_of(expected)?), Some(found), Some(expected))
            })
        }
        _ => None,
    };
    further.or_else(|| {
        let spelled = |value: Option<&Value>| value.map_or("absent".to_owned(), json::spelled);
        let (checkpoint, here) = (spelled(found), spelled(expected));
        Some(Difference { setting: place.to_owned(), checkpoint, here })
    })
}

/// The name of a value in a list, if it has one.
fn name_of(value: &Value) -> Option<&str> {
    match value {
        Value::Config(config) => config.text("name").ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_a_difference_is_named() {
        let layer =
            |units: usize| Config::new().with("name", "encoder.0").with("config", Config::new().with("units", units));
        let model =
            |units: usize| Config::new().with("seed", 1_usize).with("layers", Value::List(vec![layer(units).into()]));
        let difference = |setting: &str, checkpoint: &str, here: &str| {
            let [setting, checkpoint, here] = [setting, checkpoint, here].map(str::to_owned);
            Some(Difference { setting, checkpoint, here })
        };
        assert_eq!(Difference::first(&model(3), &model(3), &[]), None);
        let units = difference("layers.encoder.0.config.units", "3", "4");
        assert_eq!(Difference::first(&model(3), &model(4), &[]), units);
        assert_eq!(Difference::first(&model(3), &model(4), &["layers"]), None);
        let without = Config::new().with("seed", 1_usize).with("layers", Value::List(Vec::new()));
        assert_eq!(Difference::first(&model(3), &without, &[]), difference("number of layers", "1", "0"));
        let clip = Config::new().with("clip", 0.5);
        assert_eq!(Difference::first(&Config::new(), &clip, &[]), difference("clip", "absent", "0.5"));
    }
}
