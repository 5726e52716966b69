//! [`Report`]: the results of the checks of one call.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::numbers::largest;

/// The results of the checks of one call, one [`Check`] each, in the order in which they were made.
#[derive(Clone, PartialEq)]
pub struct Report {
    subject: String,
    checks: Vec<Check>,
    compared: usize,
    redrawn: usize,
}

/// A check: its name, outcome, measured figure and bound.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Check {
    /// What is checked.
    pub name: String,
    /// Its outcome.
    pub outcome: Outcome,
    /// The measured figure, if the check measures one.
    pub figure: Option<f64>,
    /// The largest accepted figure.
    pub bound: f64,
    /// If the check failed, what to fix; if it was skipped, why.
    pub message: String,
}

/// The outcome of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The check passed.
    Passed,
    /// The check failed.
    Failed,
    /// The check does not apply or cannot be made.
    Skipped,
}

impl Report {
    /// The report that `checks` fills. A panic between two checks ends it and counts as a failed
    /// check.
    pub(super) fn of(checks: impl FnOnce(&mut Self)) -> Self {
        let mut report = Self { subject: "something".to_owned(), checks: Vec::new(), compared: 0, redrawn: 0 };
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| checks(&mut report))) {
            report.add("it can be made, and says what it is", panicked(&*payload));
        }
        report
    }

    /// Sets what is checked.
    pub(super) fn name(&mut self, subject: impl Into<String>) {
        self.subject = subject.into();
    }

    /// What was checked.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The checks, in the order in which they were made.
    pub fn checks(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter()
    }

    /// The checks that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Check> {
        self.checks().filter(|check| check.outcome == Outcome::Failed)
    }

    /// The check named `name`, if it was made.
    pub fn check(&self, name: &str) -> Option<&Check> {
        self.checks().find(|check| check.name == name)
    }

    /// Whether every check that applies passed.
    pub fn passed(&self) -> bool {
        self.failures().next().is_none()
    }

    /// The number of checks that passed.
    pub fn passes(&self) -> usize {
        self.checks().filter(|check| check.outcome == Outcome::Passed).count()
    }

    /// The check whose figure is nearest to its bound, or furthest past it; `None` if none measures
    /// anything.
    pub fn worst(&self) -> Option<&Check> {
        let share = |check: &Check| check.figure.map_or(f64::NEG_INFINITY, |figure| figure / check.bound);
        self.checks().filter(|check| check.figure.is_some()).max_by(|one, other| share(one).total_cmp(&share(other)))
    }

    /// The worst error of a gradient: max|analytic − numeric| / max|numeric| over the tensors
    /// compared; 0 if there are none, infinite if one is not a number.
    pub fn gradient_error(&self) -> f64 {
        let gradients = self.checks().filter(|check| check.name.starts_with(super::GRADIENT));
        largest(gradients.filter_map(|check| check.figure))
    }

    /// The number of gradient coordinates compared with numerical ones.
    pub fn compared(&self) -> usize {
        self.compared
    }

    /// The number of coordinates replaced by others because the function has a kink within the
    /// stencil.
    pub fn redrawn(&self) -> usize {
        self.redrawn
    }

    /// The report itself, if every check passed: in a test, `check_layer(..).into_result()?`.
    ///
    /// # Errors
    /// [`CheckFailed`], which prints the failed checks and what to fix.
    pub fn into_result(self) -> Result<Self, CheckFailed> {
        if self.passed() { Ok(self) } else { Err(CheckFailed(Box::new(self))) }
    }

    pub(super) fn count(&mut self, compared: usize, redrawn: usize) {
        self.compared += compared;
        self.redrawn += redrawn;
    }

    /// Makes a check; returns whether it passed or was skipped. A panic is a failure.
    pub(super) fn make(&mut self, name: impl Into<String>, check: impl FnOnce() -> Verdict) -> bool {
        let verdict = catch_unwind(AssertUnwindSafe(check)).unwrap_or_else(|payload| panicked(&*payload));
        self.add(name, verdict)
    }

    pub(super) fn add(&mut self, name: impl Into<String>, verdict: Verdict) -> bool {
        let (outcome, figure, bound, message) = match verdict {
            Verdict::Holds => (Outcome::Passed, None, 0.0, String::new()),
            Verdict::Within { figure, bound, .. } if figure <= bound => {
                (Outcome::Passed, Some(figure), bound, String::new())
            }
            Verdict::Within { figure, bound, otherwise } => (Outcome::Failed, Some(figure), bound, otherwise),
            Verdict::Fails(message) => (Outcome::Failed, None, 0.0, message),
            Verdict::Skip(reason) => (Outcome::Skipped, None, 0.0, reason.to_owned()),
        };
        self.checks.push(Check { name: name.into(), outcome, figure, bound, message });
        outcome != Outcome::Failed
    }
}

/// The failed verdict for a panic.
fn panicked(payload: &(dyn Any + Send)) -> Verdict {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a text");
    Verdict::Fails(format!("it panicked: {text}; nothing here may panic, whatever it is handed"))
}

/// The result of a check.
pub(super) enum Verdict {
    /// Passed; nothing is measured.
    Holds,
    /// Passed if the figure is at most the bound; else the message says what to fix.
    Within { figure: f64, bound: f64, otherwise: String },
    /// Failed.
    Fails(String),
    /// Skipped.
    Skip(&'static str),
}

impl Verdict {
    /// Failed, with the message, if `wrong`.
    pub fn fails_if(wrong: bool, message: impl Into<String>) -> Self {
        if wrong { Self::Fails(message.into()) } else { Self::Holds }
    }

    pub fn within(figure: f64, bound: f64, otherwise: impl Into<String>) -> Self {
        Self::Within { figure, bound, otherwise: otherwise.into() }
    }
}

/// A value, or the verdict that ends the check; for `?` in a check.
pub(super) type Attempt<V> = Result<V, Verdict>;

/// The verdict of an attempt.
pub(super) fn verdict(attempt: impl FnOnce() -> Attempt<Verdict>) -> Verdict {
    attempt().unwrap_or_else(|verdict| verdict)
}

/// The failed verdict for an error.
pub(super) fn fails(what: &str, error: impl fmt::Display) -> Verdict {
    Verdict::Fails(format!("{what}: {error}"))
}

/// The worse of two verdicts: a failure, or the figure nearer to its bound.
pub(super) fn worse(double: Verdict, single: impl FnOnce() -> Verdict) -> Verdict {
    let holds = |verdict: &Verdict| match verdict {
        Verdict::Within { figure, bound, .. } => figure <= bound,
        Verdict::Fails(_) => false,
        Verdict::Holds | Verdict::Skip(_) => true,
    };
    if !holds(&double) {
        return double;
    }
    match (double, single()) {
        (double @ Verdict::Within { .. }, single) if holds(&single) => {
            let share = |verdict: &Verdict| match verdict {
                Verdict::Within { figure, bound, .. } => figure / bound,
                _ => f64::NEG_INFINITY,
            };
            if share(&single) > share(&double) { single } else { double }
        }
        (_, single) => single,
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed = self.failures().count();
        writeln!(formatter, "{}: {} checks hold, {failed} fail", self.subject, self.passes())?;
        self.checks().try_for_each(|check| writeln!(formatter, "  {check}"))
    }
}

impl fmt::Display for Check {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.outcome {
            Outcome::Passed => "holds",
            Outcome::Failed => "FAILS",
            Outcome::Skipped => "  -  ",
        };
        write!(formatter, "{mark} {:<62}", self.name)?;
        if let Some(figure) = self.figure {
            write!(formatter, " {figure:.1e} (at most {:.0e})", self.bound)?;
        }
        if self.message.is_empty() { Ok(()) } else { write!(formatter, " {}", self.message) }
    }
}

impl fmt::Debug for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// Some checks failed. Prints them and what to fix.
#[derive(Clone, PartialEq)]
pub struct CheckFailed(Box<Report>);

impl CheckFailed {
    /// The whole report.
    pub fn report(&self) -> &Report {
        &self.0
    }
}

impl fmt::Display for CheckFailed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} fails {} of its checks", self.0.subject, self.0.failures().count())?;
        self.0.failures().try_for_each(|check| write!(formatter, "\n  {check}"))
    }
}

/// The same as `Display`, since a test that returns the error prints this.
impl fmt::Debug for CheckFailed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl std::error::Error for CheckFailed {}
