//! The arguments of an example.

use std::path::PathBuf;

use super::command_line::CommandLine;
use super::setting::{Setting, Value};

/// The arguments every example takes, and the values of the options it declared for itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Arguments {
    /// Folder with the four MNIST files; the bundled images where it is `None`.
    pub data: Option<PathBuf>,
    /// Passes over the training images, at least 1.
    pub epochs: usize,
    /// Seed of every random number.
    pub seed: u64,
    /// Number of threads, at least 1; every core where it is `None`.
    pub threads: Option<usize>,
    /// Folder for pictures and models, which need not exist yet.
    pub output: PathBuf,
    settings: Vec<Setting>,
}

impl Arguments {
    /// Reads the process's arguments. `--help` prints the help text and ends the process; so do bad
    /// arguments, with a message on standard error and exit code 2.
    ///
    /// An example with options of its own starts from [`CommandLine`] instead.
    pub fn parse(name: &'static str, about: &'static str, default_epochs: usize) -> Self {
        CommandLine::new(name, about, default_epochs).parse()
    }

    /// Where a picture or a model goes: its file name, in the output folder.
    pub fn file(&self, file_name: &str) -> PathBuf {
        self.output.join(file_name)
    }

    /// The value of an integer option.
    pub fn integer(&self, name: &str) -> u64 {
        match self.value(name) {
            Some(Value::Integer(value)) => *value,
            _ => panic!("the example declares no integer option --{name}"),
        }
    }

    /// The value of a float option.
    pub fn float(&self, name: &str) -> f64 {
        match self.value(name) {
            Some(Value::Float(value)) => *value,
            _ => panic!("the example declares no float option --{name}"),
        }
    }

    /// Whether a flag was given.
    pub fn flag(&self, name: &str) -> bool {
        match self.value(name) {
            Some(Value::Flag(given)) => *given,
            _ => panic!("the example declares no flag --{name}"),
        }
    }

    fn value(&self, name: &str) -> Option<&Value> {
        self.settings.iter().find(|setting| setting.name == name).and_then(|setting| setting.value.as_ref())
    }

    fn count(&self, name: &str) -> Option<usize> {
        match self.value(name) {
            Some(Value::Integer(value)) => usize::try_from(*value).ok(),
            _ => None,
        }
    }

    fn path(&self, name: &str) -> Option<PathBuf> {
        match self.value(name) {
            Some(Value::Path(path)) => Some(path.clone()),
            _ => None,
        }
    }
}

/// The settings must hold the common ones, with values for `epochs`, `seed` and `output`, as
/// [`CommandLine::new`] does.
impl From<Vec<Setting>> for Arguments {
    fn from(settings: Vec<Setting>) -> Self {
        let mut arguments = Self { data: None, epochs: 1, seed: 0, threads: None, output: PathBuf::new(), settings };
        arguments.data = arguments.path("data");
        arguments.epochs = arguments.count("epochs").unwrap_or(usize::MAX);
        arguments.seed = arguments.integer("seed");
        arguments.threads = arguments.count("threads");
        arguments.output = arguments.path("output").unwrap_or_default();
        arguments
    }
}
