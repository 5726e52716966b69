//! The command line of an example: the options it takes, their help text, and reading them.

use std::ffi::OsString;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::process;

use lexopt::{Arg, Error, Parser};

use super::arguments::Arguments;
use super::setting::{Kind, Setting, Value};

const DATA_HELP: &str = "folder with the four full MNIST files [default: the bundled test images]";
const THREADS_HELP: &str = "number of threads [default: every core]";

/// An example's name, its description in one sentence, and its options: the common ones and those
/// it adds.
///
/// ```ignore
/// let arguments = CommandLine::new("anomaly", "Finds digits unlike the ones it was trained on.", 10)
///     .integer("digit", 1, 0..=9, "the digit to train on")
///     .parse();
/// let digit = arguments.integer("digit");
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct CommandLine {
    name: &'static str,
    about: &'static str,
    settings: Vec<Setting>,
}

/// What a command line asks for.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    Run(Arguments),
    Help(String),
}

impl CommandLine {
    /// A command line with the options every example takes.
    pub fn new(name: &'static str, about: &'static str, default_epochs: usize) -> Self {
        Self { name, about, settings: Vec::new() }
            .with("data", Kind::ExistingFolder, None, DATA_HELP)
            .integer("epochs", default_epochs as u64, 1..=u64::MAX, "passes over the training images")
            .integer("seed", 42, 0..=u64::MAX, "seed of every random number")
            .with("threads", Kind::Integer(1..=1024), None, THREADS_HELP)
            .with("output", Kind::Folder, Some(Value::Path(default_output(name))), "folder for pictures and models")
    }

    /// Adds an option `--name N` that takes a whole number from a range.
    pub fn integer(self, name: &'static str, default: u64, range: RangeInclusive<u64>, help: &'static str) -> Self {
        let default = Value::Integer(default);
        self.with(name, Kind::Integer(range), Some(default), help)
    }

    /// Adds an option `--name X` that takes a number from a range.
    pub fn float(self, name: &'static str, default: f64, range: RangeInclusive<f64>, help: &'static str) -> Self {
        let default = Value::Float(default);
        self.with(name, Kind::Float(range), Some(default), help)
    }

    /// Adds an option `--name` that takes no value.
    pub fn flag(self, name: &'static str, help: &'static str) -> Self {
        self.with(name, Kind::Flag, Some(Value::Flag(false)), help)
    }

    /// Reads the process's arguments, as [`Arguments::parse`] does.
    pub fn parse(self) -> Arguments {
        let name = self.name;
        match self.read(Parser::from_env()) {
            Ok(Request::Run(arguments)) => arguments,
            Ok(Request::Help(text)) => {
                print!("{text}");
                process::exit(0)
            }
            Err(error) => {
                eprintln!("error: {error}\n\nTry cargo run --release --example {name} -- --help");
                process::exit(2)
            }
        }
    }

    /// Reads the given arguments, the program's name not among them.
    pub fn parse_from<A: Into<OsString>>(
        self,
        arguments: impl IntoIterator<Item = A, IntoIter: 'static>,
    ) -> Result<Request, Error> {
        self.read(Parser::from_args(arguments))
    }

    fn with(mut self, name: &'static str, kind: Kind, value: Option<Value>, help: &'static str) -> Self {
        self.settings.push(Setting { name, kind, value, help });
        self
    }

    fn read(mut self, mut parser: Parser) -> Result<Request, Error> {
        let help = self.help(); // before any default is replaced
        while let Some(argument) = parser.next()? {
            let setting = match argument {
                Arg::Long("help") | Arg::Short('h') => return Ok(Request::Help(help)),
                Arg::Long(name) => self.setting(name),
                _ => None,
            };
            match setting {
                Some(setting) => setting.value = Some(read_value(setting, &mut parser)?),
                None => return Err(argument.unexpected()),
            }
        }
        Ok(Request::Run(self.settings.into()))
    }

    fn setting(&mut self, name: &str) -> Option<&mut Setting> {
        self.settings.iter_mut().find(|setting| setting.name == name)
    }

    fn help(&self) -> String {
        let settings: String = self.settings.iter().map(Setting::help_line).collect();
        format!(
            "{}\n\nUsage: cargo run --release --example {} -- [OPTIONS]\n\nOptions:\n{settings}  {:<15} print this text\n",
            self.about, self.name, "-h, --help"
        )
    }
}

fn default_output(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "target", "pictures", name].iter().collect()
}

fn read_value(setting: &Setting, parser: &mut Parser) -> Result<Value, Error> {
    if setting.kind == Kind::Flag {
        return Ok(Value::Flag(true));
    }
    let text = parser.value()?;
    setting.read(&text).ok_or_else(|| {
        let (name, wanted) = (setting.name, setting.wanted());
        Error::from(format!("--{name} is {text:?}, but has to be {wanted}"))
    })
}
