//! [`DataPart`] and [`NonFinite`]: where in data a number is not finite, and what it is.

use std::fmt;

/// What an error is about: a sample, or what belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DataPart {
    /// The sample itself.
    Sample,
    /// The target of the sample.
    Target,
    /// The side input of the sample.
    SideInput,
}

impl DataPart {
    /// `feature 3 of target 7`.
    pub(super) fn place(self, feature: usize, sample: usize) -> String {
        match self {
            Self::Sample => format!("feature {feature} of sample {sample}"),
            Self::Target => format!("feature {feature} of target {sample}"),
            Self::SideInput => format!("side feature {feature} of sample {sample}"),
        }
    }
}

/// A value that is not finite; unlike the float itself, it equals itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NonFinite {
    /// Not a number.
    Nan,
    /// ∞.
    Infinity,
    /// −∞.
    NegativeInfinity,
}

impl NonFinite {
    /// The kind of a value that is known not to be finite.
    pub(super) fn of(value: f64) -> Self {
        match value {
            value if value.is_nan() => Self::Nan,
            value if value < 0.0 => Self::NegativeInfinity,
            _ => Self::Infinity,
        }
    }
}

impl fmt::Display for NonFinite {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Nan => "NaN",
            Self::Infinity => "infinite",
            Self::NegativeInfinity => "-infinite",
        })
    }
}
