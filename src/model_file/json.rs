//! The JSON of headers: into a [`Config`] and back, with `serde_json`.
//!
//! Writing uses one canonical form: no spaces, names in the order of the configuration. Reading
//! accepts any; to require the canonical form, write again and compare.

use std::{fmt, io};

use serde_core::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_core::ser::{Serialize, Serializer};
use serde_json::ser::Formatter;

use crate::{Config, Value, invariant};

/// The deepest nesting. A layer's settings start at depth 4; deeper nesting than this is a mistake
/// or an attack on the stack.
pub(super) const MAX_DEPTH: usize = 16;

/// The memory that the values of a text may take beyond its own length. A dense layer with its
/// tensors takes about 800 bytes more than its text in each of the two texts: enough for three
/// hundred layers. The limit is needed since a short text may need much more: the three bytes `[0]`
/// take 64.
pub(super) const MAX_TREE_BYTES: usize = 1 << 18;

/// A problem and its byte offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JsonError {
    pub offset: usize,
    pub problem: String,
}

/// Reads the object in `text`. Duplicate names and `null` are errors. Numbers that are whole and
/// not negative are integers.
pub(super) fn read(text: &str) -> Result<Config, JsonError> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = Bounded { depth: 0, bytes_left: &mut { MAX_TREE_BYTES + text.len() } }.deserialize(&mut reader);
    match value.and_then(|value| reader.end().map(|()| value)) {
        Ok(Value::Config(config)) => Ok(config),
        Ok(_) => Err(JsonError { offset: 0, problem: "expected an object".to_owned() }),
        Err(error) => Err(placed(text, &error)),
    }
}

/// Writes `config` as an object. Numbers must be finite: JSON has no others.
pub(super) fn write(config: &Config) -> String {
    let mut bytes = Vec::new();
    let written = Json(config).serialize(&mut serde_json::Serializer::with_formatter(&mut bytes, Spelling));
    // This cannot fail: it writes into memory, and names are strings.
    invariant::checked(written, "header");
    invariant::checked(String::from_utf8(bytes), "header")
}

/// How numbers are written is part of the file format; it has varied between versions of
/// `serde_json` (1e16, 1e+16).
struct Spelling;

impl Formatter for Spelling {
    fn write_f64<W: io::Write + ?Sized>(&mut self, writer: &mut W, number: f64) -> io::Result<()> {
        write!(writer, "{number:?}") // `{:?}` instead of `{}`, so that 1.0 keeps its point
    }
}

/// The error with its byte offset; `serde_json` counts lines and columns (in bytes) from 1.
fn placed(text: &str, error: &serde_json::Error) -> JsonError {
    let line = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
    let message = error.to_string();
    let problem = message.rsplit_once(" at line ").map_or(message.as_str(), |(problem, _)| problem).to_owned();
    JsonError { offset: line + error.column().saturating_sub(1), problem }
}

struct Json<'a, V>(&'a V);

impl Serialize for Json<'_, Config> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.entries().map(|(name, value)| (name, Json(value))))
    }
}

impl Serialize for Json<'_, Value> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Boolean(boolean) => serializer.serialize_bool(*boolean),
            Value::Integer(integer) => serializer.serialize_u64(*integer),
            Value::Number(number) => serializer.serialize_f64(*number),
            Value::Text(text) => serializer.serialize_str(text),
            Value::List(values) => serializer.collect_seq(values.iter().map(Json)),
            Value::Config(config) => Json(config).serialize(serializer),
        }
    }
}

/// Reads one value nested in `depth` others, using at most `bytes_left` of memory.
struct Bounded<'a> {
    depth: usize,
    bytes_left: &'a mut usize,
}

impl Bounded<'_> {
    fn inner(&mut self) -> Bounded<'_> {
        Bounded { depth: self.depth + 1, bytes_left: self.bytes_left }
    }

    fn take<E: Error>(&mut self, bytes: usize) -> Result<(), E> {
        *self.bytes_left = self.bytes_left.checked_sub(bytes).ok_or_else(|| E::custom("too many values"))?;
        Ok(())
    }

    fn give(&mut self, bytes: usize) {
        *self.bytes_left += bytes;
    }

    /// Appends to a list, counting both its old and new memory while it grows.
    fn push<V, E: Error>(&mut self, values: &mut Vec<V>, value: V) -> Result<(), E> {
        let capacity = values.capacity();
        if values.len() == capacity {
            let larger = (2 * capacity).max(1);
            self.take(larger * size_of::<V>())?;
            values.reserve_exact(larger - capacity);
            self.give(capacity * size_of::<V>());
        }
        values.push(value);
        Ok(())
    }

    /// Frees a list's unused memory.
    fn trim<V>(&mut self, values: &mut Vec<V>) {
        self.give((values.capacity() - values.len()) * size_of::<V>());
        values.shrink_to_fit();
    }
}

impl<'de> DeserializeSeed<'de> for Bounded<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        if self.depth > MAX_DEPTH {
            return Err(D::Error::custom("nested too deep"));
        }
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Bounded<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a number, a text, true, false, a list or an object")
    }
    fn visit_bool<E>(self, boolean: bool) -> Result<Value, E> {
        Ok(Value::Boolean(boolean))
    }
    fn visit_u64<E>(self, integer: u64) -> Result<Value, E> {
        Ok(Value::Integer(integer))
    }
    fn visit_i64<E>(self, negative: i64) -> Result<Value, E> {
        Ok(Value::Number(negative as f64))
    }
    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }
    fn visit_str<E: Error>(mut self, text: &str) -> Result<Value, E> {
        self.take(text.len())?;
        Ok(Value::Text(text.to_owned()))
    }
    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(self.inner())? {
            self.push(&mut values, value)?;
        }
        self.trim(&mut values);
        Ok(Value::List(values))
    }
    fn visit_map<A: MapAccess<'de>>(mut self, mut object: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(name) = object.next_key::<String>()? {
            self.take(name.len())?;
            let value = object.next_value_seed(self.inner())?;
            self.push(&mut entries, (name, value))?;
        }
        self.trim(&mut entries);
        Config::from_entries(entries).map(Value::Config).ok_or_else(|| A::Error::custom("a name stands twice"))
    }
}

/// A value as shown in an error: `[3,4]`, `F32`; long ones are cut off.
pub(super) fn spelled(value: &Value) -> String {
    const LONGEST: usize = 80;
    let text = write(&Config::new().with("", value.clone()));
    let bare = text.strip_prefix("{\"\":").and_then(|text| text.strip_suffix('}')).unwrap_or("");
    bare.chars().take(LONGEST).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_there_and_back() {
        let text = r#"{"a":[1,-2.5,-2.0,1e-7,1e16,1.0,-0.0,true,false],"b":{"":"\"\\\n\u0001 é ☃"},"c":18446744073709551615,"d":[],"e":{}}"#;
        assert_eq!(write(&read(text).unwrap()), text);
        let others = read(" {\"a\" : [-2, -0, 18446744073709551616, 1e+1, \"\\u00e9\"]}\n").unwrap();
        assert_eq!(write(&others), "{\"a\":[-2.0,-0.0,1.8446744073709552e19,10.0,\"é\"]}");
    }

    #[test]
    fn what_is_wrong_is_found_at_its_place() {
        let place = |text: &str| read(text).unwrap_err().offset;
        assert_eq!(["", "[]", "{\"a\":1,}", "{\"a\":07}", "{\"a\":1} x"].map(place), [0, 0, 7, 6, 8]);
        assert_eq!(["{\"a\":null}", "{\n\"a\":1e999}", "{\"a\":1,\"a\":2}"].map(place), [8, 10, 12]);
        assert_eq!(read("{\"a\":1,}").unwrap_err().problem, "trailing comma");
    }

    #[test]
    fn depth_and_memory_are_bounded() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        let many = |count: usize| format!("{{\"a\":[{}0]}}", "0,".repeat(count - 1));
        let values = MAX_TREE_BYTES / size_of::<Value>();
        assert!(read(&nested(MAX_DEPTH)).is_ok() && read(&many(values / 4)).is_ok());
        assert_eq!(read(&nested(MAX_DEPTH + 1)).unwrap_err().problem, "nested too deep");
        assert_eq!(read(&nested(1_000_000)).unwrap_err().problem, "nested too deep");
        assert_eq!(read(&many(2 * values)).unwrap_err().problem, "too many values");
    }
}
