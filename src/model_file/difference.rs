//! Where two configurations differ, for errors on resuming.

use super::{ModelFileErrorKind, tensor};
use crate::{Config, Value};

/// `Ok` if `found`, from a checkpoint, equals `expected`; entries named in `but` are ignored.
///
/// # Errors
/// [`ModelFileErrorKind::Differs`] names the first entry that differs.
pub(super) fn require_equal(found: &Config, expected: &Config, but: &[&str]) -> Result<(), ModelFileErrorKind> {
    let names = found.entries().chain(expected.entries()).map(|(name, _)| name).filter(|name| !but.contains(name));
    for name in names {
        if let Some(difference) = between(name, found.find(name), expected.find(name)) {
            return Err(difference);
        }
    }
    Ok(())
}

/// The first difference between two values at `place`.
fn between(place: &str, found: Option<&Value>, expected: Option<&Value>) -> Option<ModelFileErrorKind> {
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
        (Some(Value::List(found)), Some(Value::List(expected))) if found.len() == expected.len() => {
            let mut pairs = found.iter().zip(expected);
            pairs.find_map(|(found, expected)| {
                between(&format!("{place}.{}", name_of(expected)?), Some(found), Some(expected))
            })
        }
        _ => None,
    };
    further.or_else(|| {
        let spelled = |value: Option<&Value>| value.map_or("absent".to_owned(), tensor::spelled);
        let (checkpoint, here) = (spelled(found), spelled(expected));
        Some(ModelFileErrorKind::Differs { setting: place.to_owned(), checkpoint, here })
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
        assert!(require_equal(&model(3), &model(3), &[]).is_ok());
        let error = require_equal(&model(3), &model(4), &[]).unwrap_err();
        assert_eq!(error.to_string(), "`layers.encoder.0.config.units` is 3 in the checkpoint, 4 here");
        assert!(require_equal(&model(3), &model(4), &["layers"]).is_ok());
        let error = require_equal(&Config::new(), &Config::new().with("clip", 0.5), &[]).unwrap_err();
        assert_eq!(error.to_string(), "`clip` is absent in the checkpoint, 0.5 here");
    }
}
