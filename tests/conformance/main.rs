//! One table over everything built in: each row is a layer, a loss, an optimizer or a source with
//! its options and the shape of its samples, and makes every check of [`autoencoder::testing`] in
//! `f32` and `f64`. Prints a line per row with its worst figures.
//!
//! ```text
//! cargo test --test conformance             # everything
//! cargo test --test conformance -- conv     # rows with `conv` in their names
//! cargo test --test conformance -- --all    # each row's checks, too
//! ```

#[path = "../common/mod.rs"]
mod common;

#[path = "../common/heap.rs"]
mod heap;

mod built;
mod garbage;
mod layers;
mod others;
mod properties;
mod random;
mod unusual;
mod wrong;

use std::process::ExitCode;
use std::time::Instant;

use autoencoder::testing::{Outcome, Report};
use rayon::prelude::*;

/// A row: its name, and what makes its checks.
struct Row {
    name: String,
    run: Box<dyn Fn() -> Found + Send + Sync>,
    /// Nothing else may run meanwhile.
    alone: bool,
}

/// What a row has found: what to print, and whether it failed.
struct Found {
    line: String,
    details: String,
    failed: bool,
}

impl Row {
    fn new(name: impl Into<String>, run: impl Fn() -> Found + Send + Sync + 'static) -> Self {
        Self { name: name.into(), run: Box::new(run), alone: false }
    }

    fn alone(self) -> Self {
        Self { alone: true, ..self }
    }

    /// A row that makes all checks of a report. `off` is what the same comes to with its gradients
    /// off by one part in a million, which every check of a gradient has to see.
    fn checked(
        name: impl Into<String>,
        report: impl Fn() -> Report + Send + Sync + 'static,
        off: impl Fn() -> Report + Send + Sync + 'static,
    ) -> Self {
        Self::new(name, move || {
            let (mut found, off) = (Found::of(&report()), off());
            for check in off.checks().filter(|check| check.outcome == Outcome::Passed) {
                if check.name.starts_with("gradient by") {
                    found.failed = true;
                    found.line += &format!(", NOT SEEN where it is off by one part in a million: {}", check.name);
                }
            }
            found.failed |= off.passed();
            found
        })
    }

    /// The row with another question, whose answer is what is wrong.
    fn and(self, wrong: impl Fn() -> Option<String> + Send + Sync + 'static) -> Self {
        Self::new(self.name, move || {
            let mut found = (self.run)();
            if let Some(wrong) = wrong() {
                found.failed = true;
                found.line += &format!(", {wrong}");
            }
            found
        })
    }
}

impl Found {
    fn of(report: &Report) -> Self {
        let worst = report.worst().map_or(String::new(), |check| {
            format!(", worst {:.1e} of {:.0e}: {}", check.figure.unwrap_or(0.0), check.bound, check.name)
        });
        let gradient = match report.compared() {
            0 => String::new(),
            _ => format!(", gradient {:.1e}", report.gradient_error()),
        };
        let failures: String = report.failures().map(|check| format!("\n    {check}")).collect();
        Self {
            line: format!("{:>2} checks{gradient}{worst}{failures}", report.passes()),
            details: report.to_string(),
            failed: !report.passed(),
        }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (options, filters): (Vec<_>, Vec<_>) = arguments.into_iter().partition(|argument| argument.starts_with('-'));
    let all = options.iter().any(|option| option == "--all");
    let mut rows = layers::rows();
    rows.extend(others::rows());
    rows.extend(wrong::rows());
    rows.extend(random::rows());
    rows.extend(unusual::rows());
    rows.extend(properties::rows());
    rows.extend(garbage::rows());
    rows.retain(|row| filters.is_empty() || filters.iter().any(|filter| row.name.contains(filter.as_str())));
    if options.iter().any(|option| option == "--list") {
        rows.iter().for_each(|row| println!("{}: test", row.name));
        return ExitCode::SUCCESS;
    }
    let started = Instant::now();
    let (alone, together): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.alone);
    let mut failed = together.par_iter().filter(|row| print(row, all)).count();
    failed += alone.iter().filter(|row| print(row, all)).count();
    println!("conformance: {} rows, {failed} failed, {:.1} s", rows.len(), started.elapsed().as_secs_f64());
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs a row and prints its line; whether it failed.
fn print(row: &Row, all: bool) -> bool {
    let found = (row.run)();
    let mark = if found.failed { "FAILED" } else { "ok" };
    let details = if all { format!("\n{}", found.details) } else { String::new() };
    println!("{mark:<6} {:<58} {}{details}", row.name, found.line);
    found.failed
}
