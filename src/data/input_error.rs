//! [`InputError`]: why samples do not suit a model.

use thiserror::Error;

use super::{DataPart, NonFinite};
use crate::kernel::reduce;
use crate::{Scalar, Shape};

/// Why samples do not suit a model.
#[derive(Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum InputError {
    /// The number of features is not the model's.
    #[error(
        "expected {expected} features in each sample, found {found}; samples are columns here: {}",
        if *transposed {
            "transpose a matrix that has them as rows"
        } else {
            "give a matrix with that many rows, or build the model for other samples"
        }
    )]
    Features {
        /// What the model expects.
        expected: usize,
        /// The features given.
        found: usize,
        /// The number of *samples* is the number of features expected.
        transposed: bool,
    },
    /// A layer of the part of the model that is to run joins a value outside that part.
    #[error(
        "layer `{layer}` joins `{value}`, which is not computed here: this half of the model cannot run by itself; run \
         the whole model, with `reconstruct` for instance"
    )]
    JoinsOutside {
        /// The layer.
        layer: String,
        /// The value that it joins.
        value: String,
    },
    /// A side input is missing or has the wrong size.
    #[error(
        "expected {expected} side features for each of {samples} samples, found {found} x {found_samples}; give them with \
         `Batch::with_side`, or by `Source::read_side`"
    )]
    SideInput {
        /// What the model expects.
        expected: usize,
        /// Samples in the batch.
        samples: usize,
        /// Features given; 0 without a side input.
        found: usize,
        /// Samples of side input given.
        found_samples: usize,
    },
    /// A value is NaN or infinite.
    #[error(
        "{} is {value}, expected a finite number; fill or mask missing cells first \
         (features and samples are counted from 0)",
        part.place(*feature, *sample)
    )]
    NotFinite {
        /// The sample (column), in the order of the caller's data.
        sample: usize,
        /// The feature (row).
        feature: usize,
        /// Whether it is a value of the sample itself, of its target, or of its side input.
        part: DataPart,
        /// The value.
        value: NonFinite,
    },
    /// A finite value does not fit into the float type once the scaler has been applied.
    #[error(
        "feature {feature} of {what} {sample} overflows when scaled: divided by {scale:?} it does not fit into the float \
         type; leave the sample out, clip the value, or fit the scaler to data that hold such values"
    )]
    Overflows {
        /// "sample" or "target".
        what: &'static str,
        /// The sample (column).
        sample: usize,
        /// The feature (row).
        feature: usize,
        /// The number that the scaler divides the feature by.
        scale: f64,
    },
    /// A layer's output is NaN or infinite, although its input is finite.
    #[error(
        "the output of layer `{layer}` ({kind}) for sample {sample} is {}, although its input is finite: the sample's \
         values or the layer's parameters are too large for the float type; scale the data, with `StandardScaler` for \
         instance, or leave the sample out",
        if *nan { "NaN" } else { "infinite" }
    )]
    Output {
        /// The sample (column).
        sample: usize,
        /// The layer's name, `encoder.2` for instance.
        layer: String,
        /// The kind of the layer.
        kind: &'static str,
        /// NaN, not infinite.
        nan: bool,
    },
    /// A finite output does not fit into the float type once its scaler has been undone.
    #[error(
        "feature {feature} of the output for sample {sample} overflows when the output scaler is undone: multiplied by \
         {scale:?} it does not fit into the float type; leave the sample out, or clip its values to those of the training \
         data"
    )]
    OutputScaler {
        /// The sample (column).
        sample: usize,
        /// The feature (row).
        feature: usize,
        /// The number that the scaler multiplies the feature by.
        scale: f64,
    },
    /// A corruption made a number NaN or infinite.
    #[error(
        "the corruption `{corruption}` made feature {feature} of sample {sample} (counted from 0) NaN or infinite, \
         expected a finite number; weaken it, or scale the data before it"
    )]
    Corrupted {
        /// The sample (column).
        sample: usize,
        /// The feature (row).
        feature: usize,
        /// The corruption.
        corruption: &'static str,
    },
    /// A scaler divides by nothing, or one of its numbers is not finite.
    #[error(
        "feature {feature} of the scaler (counted from 0) has the shift {shift:?} and the scale {scale:?}, expected a finite \
         shift and a scale that is neither 0, subnormal nor infinite; take 1 for a feature that does not vary, and divide \
         values beyond 1e150 by some number first"
    )]
    UnusableScale {
        /// The feature.
        feature: usize,
        /// Its shift.
        shift: f64,
        /// Its scale.
        scale: f64,
    },
    /// A target that the loss is not defined for.
    #[error(
        "feature {feature} of target {sample} (counted from 0) is {value}{}, the loss `{loss}` takes {expected}; {}",
        if *scaled { " when scaled" } else { "" },
        advice(loss)
    )]
    Target {
        /// The sample (column).
        sample: usize,
        /// The feature (row).
        feature: usize,
        /// Its value as the loss sees it: scaled, if the model has a scaler.
        value: f64,
        /// Whether the model has scaled it.
        scaled: bool,
        /// The loss.
        loss: &'static str,
        /// The values that the loss takes.
        expected: &'static str,
    },
    /// The number of features of a target is not that of the model's output.
    #[error(
        "the model's output has {} features ({output}), the targets have {found}; {}",
        output.elements(),
        if *inputs {
            "`fit_to`, `validation_to` and `evaluate_to` take targets other than the inputs"
        } else {
            "give targets of that width, or the last layer theirs"
        }
    )]
    Targets {
        /// The shape of the model's output.
        output: Shape,
        /// Features of a target.
        found: usize,
        /// Whether each input is its own target.
        inputs: bool,
    },
    /// Inputs and targets differ in number.
    #[error("there are {inputs} inputs and {targets} targets; give one target for each input, in the same order")]
    Unpaired {
        /// Inputs.
        inputs: usize,
        /// Targets.
        targets: usize,
    },
    /// A slice does not hold a whole number of samples.
    #[error(
        "{elements} elements are not a whole number of samples of {features} features; check the number of features and \
         the end of the data"
    )]
    Ragged {
        /// Elements in the slice.
        elements: usize,
        /// Features per sample, as given.
        features: usize,
    },
    /// There are no samples.
    #[error("there are no samples; give at least one (a filter or an empty file may have left none)")]
    Empty,
    /// The workspace belongs to another model.
    #[error("the workspace belongs to another model; make one with this model's `workspace`")]
    ForeignWorkspace,
    /// The tape belongs to another network.
    #[error("the tape belongs to another network; make one with this network's `tape`")]
    ForeignTape,
    /// The workspace is too small.
    #[error(
        "the workspace holds {capacity} samples, the batch has {samples}; make one with `workspace({samples})`, or divide \
         the batch"
    )]
    WorkspaceTooSmall {
        /// Samples it holds.
        capacity: usize,
        /// Samples in the batch.
        samples: usize,
    },
    /// The tape is too small.
    #[error(
        "the tape holds {capacity} samples, the batch has {samples}; make one with `tape({samples})`, or divide the batch"
    )]
    TapeTooSmall {
        /// Samples it holds.
        capacity: usize,
        /// Samples in the batch.
        samples: usize,
    },
    /// Two slices that belong together differ in length.
    #[error("expected {expected} {what}, found {found}; give as many")]
    Length {
        /// What the slice holds.
        what: &'static str,
        /// The expected length.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// There is no layer of that name.
    #[error("there is no layer `{name}`; `summary` and `layers` list their names, `encoder.0` for instance")]
    NoSuchLayer {
        /// The name given.
        name: String,
    },
    /// The encoder does not end in a layer that draws the code from a distribution.
    #[error(
        "the encoder does not end in a layer that draws its output from a distribution, as `GaussianLatent` does; only \
         variational models can do this: add that layer with `.encoder` and train the model"
    )]
    NotVariational,
    /// A code has no such dimension.
    #[error(
        "there is no dimension {dimension} in codes of {dimensions}; dimensions are counted from 0: give one below \
         {dimensions}"
    )]
    NoSuchDimension {
        /// The dimension given.
        dimension: usize,
        /// How many there are.
        dimensions: usize,
    },
    /// The memory cannot be allocated.
    #[error(
        "cannot allocate memory for {elements} elements; take smaller batches, less data at a time or a smaller model"
    )]
    OutOfMemory {
        /// The number of elements requested.
        elements: usize,
    },
}

impl InputError {
    /// The sample that cannot be computed, because something about it is not finite; `None` for any
    /// other error.
    pub(crate) fn sample(&self) -> Option<usize> {
        match self {
            Self::NotFinite { sample, .. }
            | Self::Overflows { sample, .. }
            | Self::Output { sample, .. }
            | Self::OutputScaler { sample, .. } => Some(*sample),
            _ => None,
        }
    }

    /// The same about sample `number`.
    pub(crate) fn of_sample(mut self, number: usize) -> Self {
        if let Self::NotFinite { sample, .. }
        | Self::Overflows { sample, .. }
        | Self::Output { sample, .. }
        | Self::OutputScaler { sample, .. } = &mut self
        {
            *sample = number;
        }
        self
    }

    /// Turns an error about samples of which the first is sample `first` of a batch into one about
    /// the batch.
    pub(crate) fn after(self, first: usize) -> Self {
        let number = self.sample().unwrap_or(0) + first;
        self.of_sample(number)
    }

    /// `Ok` if all `values` are finite; `place` tells the sample and the feature of the value at a
    /// position.
    pub(crate) fn require_finite<T: Scalar>(
        part: DataPart,
        values: &[T],
        place: impl FnOnce(usize) -> (usize, usize),
    ) -> Result<(), Self> {
        let found = reduce::first_not_finite(values).and_then(|position| Some((position, values.get(position)?)));
        let Some((position, value)) = found else { return Ok(()) };
        let (sample, feature) = place(position);
        Err(Self::not_finite(part, sample, feature, *value))
    }

    /// The error about `value`, which is not finite: a feature of sample `sample`, or of what
    /// belongs to it.
    pub(crate) fn not_finite(part: DataPart, sample: usize, feature: usize, value: impl Scalar) -> Self {
        Self::NotFinite { sample, feature, part, value: NonFinite::of(value.into_f64()) }
    }

    /// `Ok` if samples have `expected` features; `samples` tells whether the matrix may be
    /// transposed.
    pub(crate) fn require_features(expected: usize, found: usize, samples: usize) -> Result<(), Self> {
        if expected == found {
            return Ok(());
        }
        Err(Self::Features { expected, found, transposed: samples == expected })
    }
}

/// What to do about targets that a loss does not take.
fn advice(loss: &str) -> &'static str {
    match loss {
        "bce" => {
            "scale the data with `MinMaxScaler`, and `clip(0.0, 1.0)` it for values outside the range that it was fitted \
             to; or take `Mse`, which takes any number"
        }
        "categorical_cross_entropy" => {
            "give a probability for each class, such as one-hot labels (`Labels::to_one_hot`); or take `Mse`, which takes \
             any number"
        }
        _ => "scale the data, or take a loss that takes any number, such as `Mse`",
    }
}
