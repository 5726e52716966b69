//! [`check_layer`]: checks everything that the crate requires of a layer.

mod buffers;
mod description;
mod gains;
mod gradient;
mod independence;
mod inputs;
mod limits;
mod model;
mod network;
mod samples;
mod section;
mod steadiness;
mod validation;
mod values;

use std::fmt::Debug;
use std::sync::Arc;

use gains::Gains;
use inputs::Inputs;
use model::LayerModel;
use samples::Samples;
use section::Section;

use super::numbers::{Numbers, all_finite};
use super::report::{Report, Verdict};
use crate::layer::Layer;
use crate::model_file::Registry;
use crate::{Config, ConfigError, Scalar, Shape};

/// Checks the layer that `make` creates on samples of shape `input`; see [`LayerCheck`] for
/// options.
///
/// ```
/// # use autoencoder::{Backward, Config, ConfigError, Context, Forward, Initializer, Layer, ParameterSpec, Plan, Scalar, Shape, ShapeError};
/// use autoencoder::testing::check_layer;
///
/// /// y = a x with a factor a for each feature.
/// #[derive(Debug)]
/// struct Gain;
///
/// impl<T: Scalar> Layer<T> for Gain {
///     fn kind(&self) -> &'static str {
///         "gain"
///     }
///
///     fn config(&self) -> Config {
///         Config::new()
///     }
///
///     fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
///         Ok(Plan::new(input).parameter(ParameterSpec::new("factor", &[input.elements()], Initializer::Constant(1.0))))
///     }
///
///     fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
///         let factors = context.parameters.of(0).iter().cycle();
///         for ((output, input), factor) in pass.output.iter_mut().zip(pass.input).zip(factors) {
///             *output = *factor * *input;
///         }
///     }
///
///     fn backward(&self, context: &Context<'_, T>, mut pass: Backward<'_, T>) {
///         let features = context.input_shape.elements();
///         for (inputs, slopes) in pass.input.chunks(features).zip(pass.output_gradient.chunks(features)) {
///             for ((sum, input), slope) in pass.gradients.of(0).iter_mut().zip(inputs).zip(slopes) {
///                 *sum += *slope * *input;
///             }
///         }
///         let Some(input_gradient) = pass.input_gradient else { return };
///         let factors = context.parameters.of(0).iter().cycle();
///         for ((to, slope), factor) in input_gradient.iter_mut().zip(pass.output_gradient).zip(factors) {
///             *to = *factor * *slope;
///         }
///     }
/// }
///
/// let report = check_layer(|| Gain, Shape::flat(7)).into_result()?; // in a test: an error prints what to fix
/// assert!(report.passes() >= 30 && report.gradient_error() < 1e-9);
/// # Ok::<(), autoencoder::testing::CheckFailed>(())
/// ```
#[must_use = "a report has to be looked at: `into_result()?`"]
pub fn check_layer<L>(make: impl Fn() -> L + Send + Sync, input: Shape) -> Report
where
    L: Layer<f32> + Layer<f64> + 'static,
{
    LayerCheck::new(make, input).run()
}

/// Options for checking a layer; [`run`](Self::run) makes the checks.
///
/// Takes a closure, so two fresh layers can be compared as well as two passes of one.
/// The layer is checked in `f32` and `f64`, alone, in buffers with contents that it must not read,
/// and among other layers.
pub struct LayerCheck<'a, L> {
    make: Box<dyn Fn() -> L + Send + Sync + 'a>,
    constructor: Option<Constructor<L>>,
    stands_for: Option<StandsFor<L>>,
    options: Options,
}

/// The layers that a value stands for.
type StandsFor<L> = fn(&L) -> (Arc<dyn Layer<f32>>, Arc<dyn Layer<f64>>);

/// Builds a layer from its configuration.
type Constructor<L> = fn(&Config) -> Result<L, ConfigError>;

/// The options common to both float types.
#[derive(Debug, Clone)]
struct Options {
    inputs: Inputs,
    range: [f64; 2],
    samples: usize,
    seed: u64,
    differs_in_inference: bool,
    straight_through: bool,
    allocations: Option<fn() -> usize>,
}

impl<'a, L> LayerCheck<'a, L>
where
    L: Layer<f32> + Layer<f64> + 'static,
{
    /// Checks the layer that `make` creates on 5 samples of shape `input`, between −1 and 1.
    pub fn new(make: impl Fn() -> L + Send + Sync + 'a, input: Shape) -> Self {
        let options = Options {
            inputs: Inputs::of(input),
            range: [-1.0, 1.0],
            samples: 5,
            seed: 1,
            differs_in_inference: false,
            straight_through: false,
            allocations: None,
        };
        Self { make: Box::new(make), constructor: None, stands_for: None, options }
    }

    /// Sets the constructor that builds the layer from its configuration, as in a [`Registry`];
    /// without it files are checked only for built-in layers. It must accept what
    /// [`Layer::config`] writes, and return an error for settings that are missing, unknown or of
    /// the wrong type.
    #[must_use]
    pub fn constructor(mut self, constructor: fn(&Config) -> Result<L, ConfigError>) -> Self {
        self.constructor = Some(constructor);
        self
    }

    /// Checks the layers that a made value stands for, one for each float type, in place of the
    /// value: for a table of layers of many types.
    #[must_use]
    pub fn stands_for(mut self, layers: StandsFor<L>) -> Self {
        self.stands_for = Some(layers);
        self
    }

    /// Checks a layer that joins values of these shapes ([`Layer::joins`]), whatever their names.
    #[must_use]
    pub fn joined(mut self, shapes: &[Shape]) -> Self {
        self.options.inputs.joined = shapes.to_vec();
        self
    }

    /// Draws inputs between `low` and `high`, for a layer that accepts no others.
    #[must_use]
    pub fn inputs(mut self, low: f64, high: f64) -> Self {
        self.options.range = [low, high];
        self
    }

    /// Uses batches of `samples` samples, 2 to 64.
    #[must_use]
    pub fn samples(mut self, samples: usize) -> Self {
        self.options.samples = samples.clamp(2, 64);
        self
    }

    /// Sets the seed of inputs and parameters; 1 by default.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.options.seed = seed;
        self
    }

    /// States that the layer's inference differs from training although it uses neither random
    /// numbers nor batch statistics.
    #[must_use]
    pub fn differs_in_inference(mut self) -> Self {
        self.options.differs_in_inference = true;
        self
    }

    /// States that the layer's gradient by its input is, by definition, the gradient by its output:
    /// the straight-through estimator of a layer whose slope is zero almost everywhere, such as
    /// rounding (Bengio et al. 2013, arXiv:1308.3432). It is compared with that, to the bit, and
    /// not with the slope. The gradients by parameters are compared with their slopes as always.
    #[must_use]
    pub fn straight_through(mut self) -> Self {
        self.options.straight_through = true;
        self
    }

    /// Checks that a step allocates nothing. `count` returns how often this thread has allocated so
    /// far, for example from your own counting [`GlobalAlloc`](std::alloc::GlobalAlloc).
    #[must_use]
    pub fn allocations(mut self, count: fn() -> usize) -> Self {
        self.options.allocations = Some(count);
        self
    }

    /// Makes every check that applies.
    #[must_use = "a report has to be looked at: `into_result()?`"]
    pub fn run(self) -> Report {
        Report::of(|report| self.check(report))
    }

    fn check(&self, report: &mut Report) {
        let (single, double) = (|| self.layers().0, || self.layers().1);
        report.name(self.subject());
        let Some(pair) = description::check(report, &self.options, &single, &double) else { return };
        let registries = (self.registry::<f32>(), self.registry::<f64>());
        description::check_files(report, &pair, registries.0.as_ref(), registries.1.as_ref());
        if !buffers::fits_its_plan(report, &pair) || !steadiness::check(report, &pair) {
            let reason = "they compare passes, which cannot be compared until the above is mended";
            report.add("all further checks", Verdict::Skip(reason));
            return;
        }
        buffers::check(report, &pair);
        independence::check(report, &pair);
        validation::check(report, &pair);
        gradient::check(report, &pair);
        gradient::check_relations(report, &pair);
        values::check(report, &pair);
        network::check(report, &pair, registries.0.as_ref(), registries.1.as_ref());
    }

    /// Makes only the gradient checks of [`run`](Self::run), in a fraction of the time.
    #[must_use = "a report has to be looked at: `into_result()?`"]
    pub fn gradients(self) -> Report {
        Report::of(|report| {
            let (single, double) = (|| self.layers().0, || self.layers().1);
            report.name(self.subject());
            if let Some(pair) = description::takes_the_shape(report, &self.options, &single, &double) {
                gradient::check(report, &pair);
            }
        })
    }

    fn subject(&self) -> String {
        let layer = (self.make)();
        format!("{} over {}", Layer::<f64>::kind(&layer), self.options.inputs.own)
    }

    /// New layers, one for each float type.
    fn layers(&self) -> (Arc<dyn Layer<f32>>, Arc<dyn Layer<f64>>) {
        match self.stands_for {
            Some(layers) => layers(&(self.make)()),
            None => (Arc::new((self.make)()), Arc::new((self.make)())),
        }
    }

    /// A registry that can build the layer, if there is a constructor.
    fn registry<T: Scalar>(&self) -> Option<Registry<T>>
    where
        L: Layer<T>,
    {
        let kind = Layer::<T>::kind(&(self.make)());
        let registry = Registry::default().register(Gains::KIND, Gains::from_config);
        let registry = registry.register(Section::KIND, Section::from_config);
        match self.constructor {
            Some(constructor) => Some(registry.register(kind, constructor)),
            None => Some(registry).filter(|registry| registry.kinds().any(|known| known == kind)),
        }
    }
}

impl<L> Debug for LayerCheck<'_, L> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("LayerCheck").field("options", &self.options).finish_non_exhaustive()
    }
}

/// A layer in one float type, with test data.
struct Bench<'a, T: Scalar> {
    options: Options,
    make: &'a dyn Fn() -> Arc<dyn Layer<T>>,
    model: LayerModel<T>,
    samples: Samples<T>,
    /// Whether it draws random numbers in training.
    random: bool,
}

impl<'a, T: Scalar> Bench<'a, T> {
    fn new(options: &Options, make: &'a dyn Fn() -> Arc<dyn Layer<T>>) -> Result<Self, String> {
        let mut numbers = Numbers::new(options.seed);
        let model = LayerModel::new(make(), &options.inputs)?.scatter(&mut numbers);
        let samples = model.samples(options.samples, options.range, &mut numbers);
        if !all_finite(&samples.input) {
            let [low, high] = options.range;
            return Err(format!(
                "inputs from {low:e} to {high:e} are not all finite: give others with `LayerCheck::inputs`"
            ));
        }
        Ok(Self { options: options.clone(), make, model, samples, random: false })
    }

    /// The same numbers with a new layer that has made no pass yet.
    fn fresh(&self) -> LayerModel<T> {
        self.model.with((self.make)())
    }

    /// Other samples than [`samples`](Self::samples).
    fn others(&self, count: usize) -> Samples<T> {
        self.model.samples(count, self.options.range, &mut Numbers::new(self.options.seed + 1))
    }

    /// Whether a sample's result in training may depend on its batch.
    fn waits(&self) -> bool {
        self.model.plan().forward_statistics + self.model.plan().backward_statistics > 0
    }

    /// Whether the layer adds to the loss.
    fn penalises(&self) -> bool {
        let plan = &self.model.plan();
        !plan.penalties.is_empty() || plan.parameters.iter().any(|parameter| parameter.regularizer.is_some())
    }

    /// The largest difference that summing in another order may cause.
    fn rounding(&self) -> f64 {
        if size_of::<T>() == size_of::<f32>() { 1e-5 } else { 1e-12 }
    }
}

/// A layer in both float types.
struct Pair<'a> {
    single: Bench<'a, f32>,
    double: Bench<'a, f64>,
}

impl<'a> Pair<'a> {
    fn new(
        options: &Options,
        single: &'a dyn Fn() -> Arc<dyn Layer<f32>>,
        double: &'a dyn Fn() -> Arc<dyn Layer<f64>>,
    ) -> Result<Self, String> {
        Ok(Self { single: Bench::new(options, single)?, double: Bench::new(options, double)? })
    }
}

/// Makes a check in both float types; passes if both do.
macro_rules! in_both {
    ($report:expr, $pair:expr, $name:expr, $check:expr) => {
        $report.make($name, || $crate::testing::report::worse($check(&$pair.double), || $check(&$pair.single)))
    };
}
use in_both;
