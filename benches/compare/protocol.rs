//! What the Rust programs of the comparison share: the data, the clock, the commands and the lines
//! they print. `protocol.py` says the same in Python.

use std::io;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub const PIXELS: usize = 784;
pub const BATCH: usize = 256;
/// Images the dense models see in an epoch, and the convolutional one.
pub const SAMPLES: usize = 8192;
pub const CONVOLUTIONAL_SAMPLES: usize = 1024;
/// The epoch whose loss is reported, so that one sees that all programs do the same work.
const REPORTED_EPOCH: usize = 4;

/// What a program is asked for.
pub enum Command {
    /// Training and inference rates on this many threads, each measured for at least this long.
    Rates(usize, Duration),
    /// How long the code of one image takes, measured for at least this long.
    Latency(Duration),
    /// Saves a dense model.
    Save(PathBuf),
    /// Loads it and computes one code.
    FirstCode(PathBuf),
}

impl Command {
    /// Reads `rates THREADS SECONDS`, `latency SECONDS`, `save FILE` or `first-code FILE`.
    pub fn read() -> io::Result<Self> {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["rates", threads, seconds] => Ok(Self::Rates(number(threads)?, duration(seconds)?)),
            ["latency", seconds] => Ok(Self::Latency(duration(seconds)?)),
            ["save", file] => Ok(Self::Save(file.into())),
            ["first-code", file] => Ok(Self::FirstCode(file.into())),
            _ => Err(io::Error::other("rates THREADS SECONDS | latency SECONDS | save FILE | first-code FILE")),
        }
    }
}

fn number<N: std::str::FromStr>(word: &str) -> io::Result<N> {
    word.parse().map_err(|_| io::Error::other(format!("not a number: {word}")))
}

fn duration(word: &str) -> io::Result<Duration> {
    Ok(Duration::from_secs_f64(number(word)?))
}

/// One line of the common format.
pub fn print(workload: &str, threads: usize, configuration: &str, figure: f64) {
    println!("{workload} {threads} {configuration} {figure:.4}");
}

/// The best of several epochs, and the loss of the fourth. The clock starts after the first, which
/// may prepare things.
pub struct Epochs {
    at_least: Duration,
    started: Option<Instant>,
    seconds: Vec<f64>,
    loss: f64,
}

impl Epochs {
    pub fn new(at_least: Duration) -> Self {
        Self { at_least, started: None, seconds: Vec::new(), loss: f64::NAN }
    }

    /// Notes an epoch; whether there should be another.
    pub fn add(&mut self, seconds: f64, loss: f64) -> bool {
        let started = self.started.get_or_insert_with(Instant::now);
        self.seconds.push(seconds);
        if self.seconds.len() == REPORTED_EPOCH {
            self.loss = loss;
        }
        self.seconds.len() < REPORTED_EPOCH || started.elapsed() < self.at_least
    }

    /// Prints images per second and the loss.
    pub fn print(&self, model: &str, threads: usize, configuration: &str, samples: usize) {
        let best = self.seconds.iter().copied().fold(f64::INFINITY, f64::min);
        print(&format!("{model}/training"), threads, configuration, samples as f64 / best);
        print(&format!("{model}/loss"), threads, configuration, self.loss);
    }
}

/// Prints the rate of the best of several passes over `samples` images.
pub fn print_inference<E>(
    model: &str,
    threads: usize,
    configuration: &str,
    samples: usize,
    at_least: Duration,
    mut pass: impl FnMut() -> Result<(), E>,
) -> Result<(), E> {
    let started = Instant::now();
    let mut best = f64::INFINITY;
    while best.is_infinite() || started.elapsed() < at_least {
        let before = Instant::now();
        pass()?;
        best = best.min(before.elapsed().as_secs_f64());
    }
    print(&format!("{model}/inference"), threads, configuration, samples as f64 / best);
    Ok(())
}

/// Prints the median and the 99th percentile, in microseconds, of calls with the numbers 0, 1, ….
pub fn print_latency<E>(
    configuration: &str,
    at_least: Duration,
    mut call: impl FnMut(usize) -> Result<(), E>,
) -> Result<(), E> {
    let started = Instant::now();
    let mut times = Vec::new();
    while times.len() < 1000 || started.elapsed() < at_least {
        let before = Instant::now();
        call(times.len())?;
        times.push(before.elapsed().as_secs_f64() * 1e6);
    }
    times.sort_by(f64::total_cmp);
    print("dense/encode-median", 1, configuration, times[times.len() / 2]);
    print("dense/encode-p99", 1, configuration, times[times.len() * 99 / 100]);
    Ok(())
}

/// Prints the time of day: whoever started this process knows when that was.
pub fn print_time() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    println!("{}", now.as_nanos());
}

/// Pictures with strokes, one after the other: a fifth of the pixels lit, like a digit's.
pub fn images(count: usize) -> Vec<f32> {
    let pixel = |image: usize, pixel: usize| {
        let wave = ((pixel % 28) as f64 * 0.3 + (pixel / 28) as f64 * 0.21 + image as f64).sin();
        ((wave - 0.6).max(0.0) / 0.4) as f32
    };
    (0..count).flat_map(|image| (0..PIXELS).map(move |index| pixel(image, index))).collect()
}
