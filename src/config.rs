//! [`Config`]: options as names and plain values, from which a layer is rebuilt.

use thiserror::Error;

/// Named values in the order they were added. A model file stores one for each layer, from which
/// loading rebuilds the layer.
///
/// ```
/// use autoencoder::Config;
///
/// let config = Config::new().with("units", 32_usize).with("rate", 0.5);
/// assert_eq!(config.integer("units")?, 32);
/// assert!(config.integer("rate").is_err());
/// # Ok::<(), autoencoder::ConfigError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    entries: Vec<(String, Value)>,
}

/// A value in a [`Config`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// True or false.
    Boolean(bool),
    /// A whole number that is not negative.
    Integer(u64),
    /// A finite number.
    Number(f64),
    /// A text.
    Text(String),
    /// Values in order.
    List(Vec<Value>),
    /// Named values.
    Config(Config),
}

impl Config {
    /// A configuration without entries.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an entry, or replaces the one of that name.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        let (name, value) = (name.into(), value.into());
        match self.entries.iter_mut().find(|(existing, _)| *existing == name) {
            Some((_, slot)) => *slot = value,
            None => self.entries.push((name, value)),
        }
        self
    }

    /// A configuration of these entries; `None` if two have the same name.
    pub(crate) fn from_entries(entries: Vec<(String, Value)>) -> Option<Self> {
        let mut names: Vec<&str> = entries.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        match names.windows(2).any(|pair| matches!(pair, [one, other] if one == other)) {
            true => None,
            false => Some(Self { entries }),
        }
    }

    /// The entries in order.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.entries.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// The value named `name`, if there is one.
    pub fn find(&self, name: &str) -> Option<&Value> {
        self.entries.iter().find(|(existing, _)| existing == name).map(|(_, value)| value)
    }

    /// `Ok` if every entry's name is in `known`.
    ///
    /// # Errors
    /// [`ConfigError::Unknown`] names the first that is not; call it so that no setting is ignored
    /// silently.
    pub fn only(&self, known: &[&str]) -> Result<&Self, ConfigError> {
        match self.entries.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => Err(ConfigError::Unknown { name: name.clone() }),
            None => Ok(self),
        }
    }

    /// The whole number named `name`.
    ///
    /// # Errors
    /// [`ConfigError`] if the entry is missing or of another type.
    pub fn integer(&self, name: &str) -> Result<usize, ConfigError> {
        self.read(name, "a whole number", |value| match value {
            Value::Integer(integer) => usize::try_from(*integer).ok(),
            _ => None,
        })
    }

    /// The number named `name`; whole numbers count as numbers.
    ///
    /// # Errors
    /// [`ConfigError`] if the entry is missing or of another type.
    pub fn number(&self, name: &str) -> Result<f64, ConfigError> {
        self.read(name, "a number", |value| match value {
            Value::Number(number) => Some(*number),
            Value::Integer(integer) => Some(*integer as f64),
            _ => None,
        })
    }

    /// The boolean named `name`.
    ///
    /// # Errors
    /// [`ConfigError`] if the entry is missing or of another type.
    pub fn boolean(&self, name: &str) -> Result<bool, ConfigError> {
        self.read(name, "true or false", |value| match value {
            Value::Boolean(boolean) => Some(*boolean),
            _ => None,
        })
    }

    /// The text named `name`.
    ///
    /// # Errors
    /// [`ConfigError`] if the entry is missing or of another type.
    pub fn text(&self, name: &str) -> Result<&str, ConfigError> {
        self.read(name, "a text", |value| match value {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        })
    }

    /// The nested configuration named `name`.
    ///
    /// # Errors
    /// [`ConfigError`] if the entry is missing or of another type.
    pub fn config(&self, name: &str) -> Result<&Config, ConfigError> {
        self.read(name, "named values", |value| match value {
            Value::Config(config) => Some(config),
            _ => None,
        })
    }

    /// The list named `name`.
    ///
    /// # Errors
    /// [`ConfigError`] if the entry is missing or of another type.
    pub fn list(&self, name: &str) -> Result<&[Value], ConfigError> {
        self.read(name, "a list", |value| match value {
            Value::List(values) => Some(values.as_slice()),
            _ => None,
        })
    }

    /// The list of exactly `N` whole numbers named `name`.
    ///
    /// # Errors
    /// [`ConfigError`] if the entry is missing or of another type.
    pub fn integers<const N: usize>(&self, name: &str) -> Result<[usize; N], ConfigError> {
        let numbers: Vec<usize> = self.read(name, "a list of whole numbers", |value| match value {
            Value::List(values) => values.iter().map(Value::as_integer).collect(),
            _ => None,
        })?;
        let another_length =
            |numbers: Vec<usize>| ConfigError::Length { name: name.to_owned(), expected: N, found: numbers.len() };
        numbers.try_into().map_err(another_length)
    }

    fn read<'a, R>(
        &'a self,
        name: &str,
        expected: &'static str,
        convert: impl Fn(&'a Value) -> Option<R>,
    ) -> Result<R, ConfigError> {
        let value = self.find(name).ok_or_else(|| ConfigError::Missing { name: name.to_owned() })?;
        convert(value).ok_or_else(|| ConfigError::Type { name: name.to_owned(), expected })
    }
}

impl Value {
    /// The whole number, if it is one.
    pub fn as_integer(&self) -> Option<usize> {
        match self {
            Value::Integer(integer) => usize::try_from(*integer).ok(),
            _ => None,
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Value::Boolean(value)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Value::Integer(value as u64)
    }
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Value::Integer(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Value::Number(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Value::Text(value.to_owned())
    }
}

impl From<Config> for Value {
    fn from(value: Config) -> Self {
        Value::Config(value)
    }
}

impl<const N: usize> From<[usize; N]> for Value {
    fn from(values: [usize; N]) -> Self {
        Value::List(values.into_iter().map(Value::from).collect())
    }
}

impl From<&[usize]> for Value {
    fn from(values: &[usize]) -> Self {
        Value::List(values.iter().copied().map(Value::from).collect())
    }
}

/// Why a configuration cannot be read.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// An entry is missing.
    #[error("`{name}` is missing; add it")]
    Missing {
        /// The entry's name.
        name: String,
    },
    /// An entry is of another type.
    #[error("`{name}` is not {expected}; change its value")]
    Type {
        /// The entry's name.
        name: String,
        /// What was expected.
        expected: &'static str,
    },
    /// A list has another length.
    #[error("`{name}` has {found} values, expected {expected}; give as many")]
    Length {
        /// The entry's name.
        name: String,
        /// How many values were expected.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// An unknown entry, which nothing reads.
    #[error("`{name}` is not known here; correct its name or leave it out")]
    Unknown {
        /// The entry's name.
        name: String,
    },
    /// An entry holds a value outside its range.
    #[error("`{name}` is not {expected}; change its value")]
    Invalid {
        /// The entry's name.
        name: String,
        /// What is accepted.
        expected: &'static str,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_another_length_says_so() {
        let config =
            Config::new().with("kernel", [3, 3, 3]).with("stride", 2_usize).with("clip", Value::List(vec![0.5.into()]));
        let message = |name| config.integers::<2>(name).unwrap_err().to_string();
        assert_eq!(message("kernel"), "`kernel` has 3 values, expected 2; give as many");
        assert_eq!(message("stride"), "`stride` is not a list of whole numbers; change its value");
        assert_eq!(message("clip"), "`clip` is not a list of whole numbers; change its value");
        assert_eq!(config.integers::<3>("kernel"), Ok([3, 3, 3]));
    }
}
