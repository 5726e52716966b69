//! One option of a command line: its name, what values it takes, and the value it has.

use std::ffi::OsStr;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

/// An option `--name`, with its default or, once it was read, the user's value.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    pub name: &'static str,
    pub kind: Kind,
    pub value: Option<Value>,
    pub help: &'static str,
}

/// The values a setting takes.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    Flag,
    Integer(RangeInclusive<u64>),
    Float(RangeInclusive<f64>),
    ExistingFolder,
    Folder,
}

/// The value a setting has.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Flag(bool),
    Integer(u64),
    Float(f64),
    Path(PathBuf),
}

impl Setting {
    /// Reads a value from its text. `None` where the text is no such value.
    pub fn read(&self, text: &OsStr) -> Option<Value> {
        match &self.kind {
            Kind::Flag => None,
            Kind::Integer(range) => read_number(text, range).map(Value::Integer),
            Kind::Float(range) => read_number(text, range).map(Value::Float),
            Kind::ExistingFolder => Some(PathBuf::from(text)).filter(|path| path.is_dir()).map(Value::Path),
            Kind::Folder => Some(Value::Path(text.into())).filter(|_| !text.is_empty()),
        }
    }

    /// The option's line in a help text.
    pub fn help_line(&self) -> String {
        let default = match &self.value {
            None | Some(Value::Flag(_)) => String::new(),
            Some(value) => format!(" [default: {value}]"),
        };
        format!("  {:<15} {}{default}\n", self.usage(), self.help)
    }

    fn usage(&self) -> String {
        let placeholder = match self.kind {
            Kind::Flag => "",
            Kind::Integer(_) => " N",
            Kind::Float(_) => " X",
            Kind::ExistingFolder | Kind::Folder => " DIR",
        };
        format!("--{}{placeholder}", self.name)
    }

    /// What the option wants, for an error message.
    pub fn wanted(&self) -> String {
        match &self.kind {
            Kind::Flag => "no value".to_owned(),
            Kind::Integer(range) if *range.end() == u64::MAX => {
                format!("a whole number from {}", range.start())
            }
            Kind::Integer(range) => {
                format!("a whole number from {} to {}", range.start(), range.end())
            }
            Kind::Float(range) => format!("a number from {} to {}", range.start(), range.end()),
            Kind::ExistingFolder => "a folder that exists".to_owned(),
            Kind::Folder => "a folder".to_owned(),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(value) => value.fmt(formatter),
            Self::Integer(value) => value.fmt(formatter),
            Self::Float(value) => value.fmt(formatter),
            Self::Path(value) => value.display().fmt(formatter),
        }
    }
}

fn read_number<N: FromStr + PartialOrd>(text: &OsStr, range: &RangeInclusive<N>) -> Option<N> {
    let number = text.to_str()?.parse().ok()?;
    range.contains(&number).then_some(number)
}
