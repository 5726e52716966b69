//! JSON, as much of it as a header needs: into a [`Config`] and back.
//!
//! Written is one spelling only: no spaces, names in the order of the configuration, whole numbers without a point and all others with a point or an
//! exponent (the shortest digits that read back as the same `f64`), the escapes `\" \\ \b \t \n \f \r` and `\u00xx`, everything else as it is.
//! Read is a little more than that; who must have the one spelling writes again and compares.

use std::fmt::Write;

use crate::{Config, Value};

/// The deepest nesting. A layer's own settings begin at depth 4, and one that nests deeper than this is a slip or an attack on the stack.
pub(super) const MAX_DEPTH: usize = 16;

/// The most values in one text. A layer has about twenty, its tensors ten: room for two thousand layers; the values take about 5 MiB at most.
pub(super) const MAX_VALUES: usize = 1 << 16;

/// What was expected, and at which byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct JsonError {
    pub offset: usize,
    pub expected: &'static str,
}

/// The object that `text` holds; spaces may follow it. No name may stand twice in an object; there is no `null`.
pub(super) fn read(text: &str) -> Result<Config, JsonError> {
    let mut reader = Reader { text, position: 0, depth: 0, values: 0 };
    let config = reader.config()?;
    match text.get(reader.position..).unwrap_or("").bytes().position(|byte| byte != b' ') {
        Some(spaces) => Err(JsonError { offset: reader.position + spaces, expected: "the end" }),
        None => Ok(config),
    }
}

/// `config` as an object. Numbers must be finite: JSON has no others.
pub(super) fn write(config: &Config) -> String {
    let mut text = String::new();
    write_config(&mut text, config);
    text
}

fn write_config(text: &mut String, config: &Config) {
    text.push('{');
    for (index, (name, value)) in config.entries().enumerate() {
        text.push_str(if index > 0 { "," } else { "" });
        write_text(text, name);
        text.push(':');
        write_value(text, value);
    }
    text.push('}');
}

fn write_value(text: &mut String, value: &Value) {
    // Writing to a `String` cannot fail.
    let _ = match value {
        Value::Boolean(boolean) => write!(text, "{boolean}"),
        Value::Integer(integer) => write!(text, "{integer}"),
        Value::Number(number) => write!(text, "{number:?}"), // `{:?}` and not `{}`: 1.0 keeps its point
        Value::Text(string) => return write_text(text, string),
        Value::List(values) => return write_list(text, values),
        Value::Config(config) => return write_config(text, config),
    };
}

fn write_list(text: &mut String, values: &[Value]) {
    text.push('[');
    for (index, value) in values.iter().enumerate() {
        text.push_str(if index > 0 { "," } else { "" });
        write_value(text, value);
    }
    text.push(']');
}

fn write_text(text: &mut String, string: &str) {
    text.push('"');
    for character in string.chars() {
        let escape = match character {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\u{8}' => "\\b",
            '\t' => "\\t",
            '\n' => "\\n",
            '\u{c}' => "\\f",
            '\r' => "\\r",
            '\0'..='\u{1f}' => {
                let _ = write!(text, "\\u{:04x}", u32::from(character));
                continue;
            }
            other => {
                text.push(other);
                continue;
            }
        };
        text.push_str(escape);
    }
    text.push('"');
}

struct Reader<'a> {
    text: &'a str,
    position: usize,
    depth: usize,
    values: usize,
}

impl Reader<'_> {
    fn value(&mut self) -> Result<Value, JsonError> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return self.fail("fewer values");
        }
        match self.peek() {
            Some(b'{') => self.config().map(Value::Config),
            Some(b'[') => self.list().map(Value::List),
            Some(b'"') => self.string().map(Value::Text),
            Some(b't') => self.word("true").map(|()| Value::Boolean(true)),
            Some(b'f') => self.word("false").map(|()| Value::Boolean(false)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => self.fail("a value"),
        }
    }

    fn config(&mut self) -> Result<Config, JsonError> {
        let start = self.position;
        let entries = self.sequence("{", "}", |reader| {
            let name = reader.string()?;
            reader.word(":")?;
            Ok((name, reader.value()?))
        })?;
        let twice = JsonError { offset: start, expected: "an object without a name that stands twice" };
        Config::from_entries(entries).ok_or(twice)
    }

    fn list(&mut self) -> Result<Vec<Value>, JsonError> {
        self.sequence("[", "]", Self::value)
    }

    /// Items with commas between them, within two brackets.
    fn sequence<R>(
        &mut self,
        open: &'static str,
        close: &'static str,
        mut item: impl FnMut(&mut Self) -> Result<R, JsonError>,
    ) -> Result<Vec<R>, JsonError> {
        self.word(open)?;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.fail("less nesting");
        }
        let mut items = Vec::new();
        while self.word(close).is_err() {
            if !items.is_empty() {
                self.word(",")?;
            }
            items.push(item(self)?);
        }
        self.depth -= 1;
        Ok(items)
    }

    fn string(&mut self) -> Result<String, JsonError> {
        self.word("\"")?;
        let mut string = String::new();
        loop {
            let rest = self.rest();
            let Some(plain) = rest.find(|character| matches!(character, '"' | '\\' | '\0'..='\u{1f}')) else {
                return self.fail("the end of a text");
            };
            string.push_str(rest.get(..plain).unwrap_or(""));
            self.position += plain;
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => string.push(self.escape()?),
                _ => return self.fail("an escape in place of a control character"),
            }
        }
        self.position += 1;
        Ok(string)
    }

    fn escape(&mut self) -> Result<char, JsonError> {
        self.position += 1;
        let character = match self.peek() {
            Some(b'u') => return self.code(),
            Some(b'b') => '\u{8}',
            Some(b't') => '\t',
            Some(b'n') => '\n',
            Some(b'f') => '\u{c}',
            Some(b'r') => '\r',
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            _ => return self.fail("an escape"),
        };
        self.position += 1;
        Ok(character)
    }

    /// The four digits after `\u`. Pairs of surrogates are not read: what they stand for is written as it is.
    fn code(&mut self) -> Result<char, JsonError> {
        let digits = self.rest().get(1..5).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        match code.and_then(char::from_u32) {
            Some(character) => {
                self.position += 5;
                Ok(character)
            }
            None => self.fail("four digits of a character"),
        }
    }

    fn number(&mut self) -> Result<Value, JsonError> {
        let rest = self.rest();
        let end = rest.find(|character| !matches!(character, '0'..='9' | '-' | '+' | '.' | 'e' | 'E'));
        let digits = rest.get(..end.unwrap_or(rest.len())).unwrap_or("");
        let whole = digits.bytes().all(|digit| digit.is_ascii_digit());
        let value = match whole {
            true => digits.parse().ok().map(Value::Integer),
            false => digits.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Number),
        };
        match value {
            Some(value) => {
                self.position += digits.len();
                Ok(value)
            }
            None => self.fail("a number in range"),
        }
    }

    fn word(&mut self, word: &'static str) -> Result<(), JsonError> {
        if !self.rest().starts_with(word) {
            return self.fail(word);
        }
        self.position += word.len();
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    fn rest(&self) -> &str {
        self.text.get(self.position..).unwrap_or("")
    }

    fn fail<R>(&self, expected: &'static str) -> Result<R, JsonError> {
        Err(JsonError { offset: self.position, expected })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_there_and_back() {
        let text = r#"{"a":[1,-2.5,1e-7,1e16,1.0,-0.0,true,false],"b":{"":"\"\\\n\u0001 é ☃"},"c":18446744073709551615,"d":[],"e":{}}"#;
        assert_eq!(write(&read(text).unwrap()), text);
    }

    #[test]
    fn what_is_wrong_is_found_at_its_place() {
        let place = |text: &str| read(text).unwrap_err().offset;
        assert_eq!(place(""), 0);
        assert_eq!(place("{\"a\":1,\"a\":2}"), 0);
        assert_eq!(place("{\"a\":1,}"), 7);
        assert_eq!(place("{\"a\":null}"), 5);
        assert_eq!(place("{\"a\":1e999}"), 5);
        assert_eq!(place("{\"a\":18446744073709551616}"), 5);
        assert_eq!(place("{\"a\":1} x"), 8);
        assert_eq!(place("{\"a\": 1}"), 5);
        assert_eq!(place("{\"a\":\"\\ud800\"}"), 7);
        assert_eq!(place("{\"a\":\"\n\"}"), 6);
        assert_eq!(place("{\"a\":\"x"), 6);
    }

    #[test]
    fn depth_and_count_are_bounded() {
        let nested = |depth: usize| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(read(&nested(MAX_DEPTH - 1)).is_ok());
        assert_eq!(read(&nested(MAX_DEPTH)).unwrap_err().expected, "less nesting");
        assert_eq!(read(&nested(1_000_000)).unwrap_err().expected, "less nesting");
        let many = |count: usize| format!("{{\"a\":[{}0]}}", "0,".repeat(count - 2));
        assert!(read(&many(MAX_VALUES)).is_ok());
        assert_eq!(read(&many(MAX_VALUES + 1)).unwrap_err().expected, "fewer values");
    }
}
