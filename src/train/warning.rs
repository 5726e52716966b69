//! [`Warning`]: what training noticed that is no error, but may well be a mistake.

use std::fmt;

use crate::layer::Activation;

/// Something that training noticed: no error, but what was seen may well be a mistake. Prints as a
/// sentence: what was seen, and what to do.
///
/// [`Trainer::review`](super::Trainer::review) looks for it;
/// [`History::warnings`](super::History::warnings) holds what `fit` found. Features and samples are
/// counted from 0, in the order in which you pass them. Numbers of data are those of the samples
/// that were looked at: at most 256, spread over all.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// Training was resumed with another CPU path or version of the crate than wrote the
    /// checkpoint.
    ResumedElsewhere {
        /// What wrote the checkpoint: version of the crate and CPU path.
        saved: String,
        /// What resumed it.
        here: String,
    },
    /// The last activation cannot give values such as the targets have.
    OutputOutOfReach {
        /// The last activation.
        activation: Activation,
        /// The least value of the targets, as the loss sees them: scaled, if the model has a
        /// scaler.
        lowest: f64,
        /// The greatest.
        highest: f64,
        /// How many features have more than a few values out of reach.
        features: usize,
        /// How many features a target has.
        of: usize,
        /// Whether the model scales the targets.
        scaled: bool,
    },
    /// The loss compares probabilities, and the last activation gives other numbers, too.
    OutputNotProbability {
        /// The loss.
        loss: &'static str,
        /// The last activation.
        activation: Activation,
        /// The one that the loss is made for.
        suitable: Activation,
    },
    /// A model that is to reproduce its input has no layer narrower than it, and nothing else keeps
    /// it from copying.
    NoBottleneck {
        /// The narrowest layer.
        layer: String,
        /// The number of its outputs.
        width: usize,
        /// The number of the model's inputs.
        inputs: usize,
    },
    /// The data look like a table that has its samples in rows; the model takes them as columns.
    SamplesInRows {
        /// The rows, taken as features.
        features: usize,
        /// The columns, taken as samples.
        samples: usize,
    },
    /// A learning rate more than a hundred times the optimizer's default.
    LearningRate {
        /// The optimizer.
        optimizer: &'static str,
        /// Its learning rate.
        rate: f64,
        /// The default.
        usual: f64,
    },
    /// Training lasts one epoch, since no number of epochs was named.
    OneEpoch {
        /// Steps of this epoch.
        steps: usize,
    },
    /// The data are scaled, and the model's scaler, made for other data, scales them again.
    ScaledTwice {
        /// A feature that is scaled before the model's scaler, and not after it.
        feature: usize,
        /// Its mean and standard deviation before the scaler.
        before: [f64; 2],
        /// And after it.
        after: [f64; 2],
    },
    /// Values so large that hardly anything can be learned from them: they are in their units.
    Unscaled {
        /// "inputs" or "targets".
        data: &'static str,
        /// The feature with the largest value.
        feature: usize,
        /// The sample in which it has this value.
        sample: usize,
        /// The value, as the model or the loss sees it: scaled, if the model has a scaler.
        value: f64,
        /// Whether the model scales these data: then its scaler does not fit them.
        scaled: bool,
    },
    /// Values so small that hardly anything can be learned from them.
    Tiny {
        /// "inputs" or "targets".
        data: &'static str,
        /// The largest distance from 0, as the model or the loss sees it.
        largest: f64,
    },
    /// Features whose spreads differ by orders of magnitude: the loss sees only the large ones.
    UnequalScales {
        /// "inputs" or "targets".
        data: &'static str,
        /// The feature with the smallest spread.
        small: usize,
        /// The difference between its first and its last decile.
        small_spread: f64,
        /// The feature with the largest spread.
        large: usize,
        /// The difference between its first and its last decile.
        large_spread: f64,
    },
    /// Features of a table that have the same value in all samples.
    ConstantFeatures {
        /// The first of them.
        feature: usize,
        /// Its value.
        value: f64,
        /// How many there are.
        features: usize,
        /// Of how many.
        of: usize,
        /// The number of samples looked at.
        samples: usize,
    },
    /// Batch normalisation over so few values that training and inference differ.
    SmallBatches {
        /// The layer.
        layer: String,
        /// The samples of the smallest batch.
        samples: usize,
        /// The values of a channel in it.
        values: usize,
    },
    /// Validation inputs that have little in common with the training inputs: scaled otherwise, for
    /// instance.
    UnlikeValidation {
        /// How many features differ by more than ten times their standard deviation.
        features: usize,
        /// Of how many that vary.
        of: usize,
        /// The first of them.
        feature: usize,
        /// Its mean over the training samples.
        training: f64,
        /// Its mean over the validation samples.
        validation: f64,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ResumedElsewhere { saved, here } => write!(
                formatter,
                "the checkpoint was written by {saved}, and training goes on with {here}: the bits may differ from \
                 those of a training that was never interrupted; resume where the checkpoint was written if they \
                 must not"
            ),
            Self::OutputOutOfReach { activation, lowest, highest, features, of, scaled } => write!(
                formatter,
                "the model ends in `Activation::{activation:?}`, whose values are {}, but {features} of {of} \
                 features of the targets have others{} (from {} to {}): they cannot be reproduced; end in \
                 `Activation::Linear`, or {}",
                range(*activation),
                if *scaled { " after the model's scaler" } else { "" },
                Short(*lowest),
                Short(*highest),
                remedy(*activation),
            ),
            Self::OutputNotProbability { loss, activation, suitable } => write!(
                formatter,
                "the loss `{loss}` takes predictions for probabilities, but the model ends in \
                 `Activation::{activation:?}`: outputs beyond 0 and 1 count as 0 and 1 and get no gradient; end in \
                 `Activation::{suitable:?}`, or take `Mse`"
            ),
            Self::NoBottleneck { layer, width, inputs } => write!(
                formatter,
                "no layer is narrower than the {inputs} inputs (the narrowest, `{layer}`, gives {width} numbers), \
                 so the model can learn to copy: its loss then says nothing; take a smaller code, or constrain it \
                 (`L1Activity`, `TopK`, `Trainer::corrupt`)"
            ),
            Self::SamplesInRows { features, samples } => write!(
                formatter,
                "each of the {samples} samples has a scale of its own, as a column of a table has, and the \
                 {features} features share theirs: samples are columns here; transpose a matrix that has them as \
                 rows (`matrix.transpose()`)"
            ),
            Self::LearningRate { optimizer, rate, usual } => write!(
                formatter,
                "the learning rate of `{optimizer}` is {}, {} times its default of {}: steps of such a length pass \
                 over what they look for; take a smaller rate",
                Short(*rate),
                Short(*rate / *usual),
                Short(*usual)
            ),
            Self::OneEpoch { steps } => write!(
                formatter,
                "training lasts one epoch ({steps} {}), because no number of epochs was named; name one: \
                 `.epochs(50)`, for instance",
                if *steps == 1 { "step" } else { "steps" }
            ),
            Self::ScaledTwice { feature, before, after } => write!(
                formatter,
                "the data are scaled twice: feature {feature} has mean {} and standard deviation {}, and after the \
                 model's scaler mean {} and standard deviation {}; pass the data in their units, or fit the scaler \
                 to what is passed",
                Short(before[0]),
                Short(before[1]),
                Short(after[0]),
                Short(after[1])
            ),
            Self::Unscaled { data, feature, sample, value, scaled } => write!(
                formatter,
                "the {data} are large: feature {feature} of sample {sample} is {}{}; {}",
                Short(*value),
                if *scaled { " after the model's scaler" } else { "" },
                if *scaled { "fit the scaler to these data" } else { scale_them(data) }
            ),
            Self::Tiny { data, largest } => write!(
                formatter,
                "the {data} are tiny: none is further from 0 than {}, as the model sees them; {}",
                Short(*largest),
                scale_them(data)
            ),
            Self::UnequalScales { data, small, small_spread, large, large_spread } => write!(
                formatter,
                "the scales of the {data} differ: feature {large} spreads over {}, feature {small} over {}, so the \
                 loss sees little of the latter; {}",
                Short(*large_spread),
                Short(*small_spread),
                scale_them(data)
            ),
            Self::ConstantFeatures { feature, value, features, of, samples } => write!(
                formatter,
                "{features} of {of} features {} constant: feature {feature} is {} in all {samples} samples looked \
                 at; leave {} out, or see whether the column was read right",
                if *features == 1 { "is" } else { "are" },
                Short(*value),
                if *features == 1 { "it" } else { "them" },
            ),
            Self::SmallBatches { layer, samples, values } => write!(
                formatter,
                "`{layer}` normalises over batches of as few as {samples} {} ({values} {} of a channel): what it \
                 learns there is not what inference does; take larger batches, by `.batch_size(32)`, for instance, \
                 or more data",
                if *samples == 1 { "sample" } else { "samples" },
                if *values == 1 { "value" } else { "values" }
            ),
            Self::UnlikeValidation { features, of, feature, training, validation } => write!(
                formatter,
                "{features} of {of} features of the validation data are far from those of the training data: the \
                 mean of feature {feature} is {} there and {} in training; scale both alike",
                Short(*validation),
                Short(*training)
            ),
        }
    }
}

/// What to do with data in their units.
fn scale_them(data: &str) -> &'static str {
    match data {
        "targets" => "bring them to about -1..=1 before training",
        _ => "build the model with `.scaler(StandardScaler::fit(&data)?)`, or `MinMaxScaler` if it ends in a sigmoid",
    }
}

/// The values of an activation.
fn range(activation: Activation) -> String {
    match activation.range() {
        Some((low, high)) if high == f64::INFINITY => format!("at least {}", Short(low)),
        Some((low, high)) => format!("{} to {}", Short(low), Short(high)),
        None => "any".to_owned(),
    }
}

/// How data are brought to where an activation reaches.
fn remedy(activation: Activation) -> &'static str {
    match activation {
        Activation::Tanh => "bring the data to -1..=1",
        _ => "bring the data to 0..=1 by `MinMaxScaler`",
    }
}

/// A number with four digits.
struct Short(f64);

impl fmt::Display for Short {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(value) = *self;
        let magnitude = value.abs().log10().floor();
        if value != 0.0 && !(-4.0..7.0).contains(&magnitude) {
            return write!(formatter, "{value:.1e}");
        }
        let digits = (3.0 - magnitude).clamp(0.0, 7.0) as usize;
        let text = format!("{value:.digits$}");
        let short = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
        formatter.write_str(short)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let cases = [
            (0.0, "0"),
            (1.0, "1"),
            (-0.87491, "-0.8749"),
            (2501.0, "2501"),
            (52_054.3, "52054"),
            (0.000_123_46, "0.0001235"),
            (1e-9, "1.0e-9"),
            (3.4e38, "3.4e38"),
            (f64::INFINITY, "inf"),
        ];
        for (value, expected) in cases {
            assert_eq!(Short(value).to_string(), expected);
        }
    }
}
