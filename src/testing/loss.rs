//! [`check_loss`]: checks everything that the crate requires of a loss.

use std::fmt::Debug;

use nalgebra::DMatrix;

use super::numbers::{Numbers, all_finite, convert, distance, first_difference, largest, place};
use super::report::{Report, Verdict, fails, verdict, worse};
use super::stencil::{GradientComparison, compare_gradient};
use super::{GRADIENT, GRADIENT_BOUND};
use crate::graph::Network;
use crate::layer::{Dense, Reshape};
use crate::loss::{Loss, LossPass};
use crate::{Activation, Error, Scalar, Sgd, Shape, Trainer};

/// The most elements of a sample; limited because a check trains a small network on it.
const MOST: usize = 1 << 14;

/// Checks the loss that `make` creates on samples of shape `shape`; see [`LossCheck`] for options.
///
/// ```
/// use autoencoder::testing::check_loss;
/// use autoencoder::{Mse, Shape};
///
/// let report = check_loss(|| Mse, Shape::flat(5)).into_result()?;
/// assert!(report.gradient_error() < 1e-9);
/// # Ok::<(), autoencoder::testing::CheckFailed>(())
/// ```
#[must_use = "a report has to be looked at: `into_result()?`"]
pub fn check_loss<L>(make: impl Fn() -> L + Send + Sync, shape: Shape) -> Report
where
    L: Loss<f32> + Loss<f64> + 'static,
{
    LossCheck::new(make, shape).run()
}

/// Options for checking a loss; [`run`](Self::run) makes the checks.
pub struct LossCheck<'a, L> {
    make: Box<dyn Fn() -> L + Send + Sync + 'a>,
    shape: Shape,
    predictions: Option<[f64; 2]>,
    targets: [f64; 2],
    seed: u64,
    allocations: Option<fn() -> usize>,
}

impl<'a, L> LossCheck<'a, L>
where
    L: Loss<f32> + Loss<f64> + 'static,
{
    /// Checks the loss that `make` creates on samples of shape `shape`: targets between 0 and 1;
    /// predictions between −2 and 2, or, for a loss with a
    /// [`fused_activation`](Loss::fused_activation), the activation of logits between −3 and 3.
    pub fn new(make: impl Fn() -> L + Send + Sync + 'a, shape: Shape) -> Self {
        Self { make: Box::new(make), shape, predictions: None, targets: [0.0, 1.0], seed: 1, allocations: None }
    }

    /// Draws predictions between `low` and `high`.
    #[must_use]
    pub fn predictions(mut self, low: f64, high: f64) -> Self {
        self.predictions = Some([low, high]);
        self
    }

    /// Draws targets between `low` and `high`.
    #[must_use]
    pub fn targets(mut self, low: f64, high: f64) -> Self {
        self.targets = [low, high];
        self
    }

    /// Sets the seed of the random numbers; 1 by default.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Checks that the loss allocates nothing; see
    /// [`LayerCheck::allocations`](super::LayerCheck::allocations).
    #[must_use]
    pub fn allocations(mut self, count: fn() -> usize) -> Self {
        self.allocations = Some(count);
        self
    }

    /// Makes every check that applies.
    #[must_use = "a report has to be looked at: `into_result()?`"]
    pub fn run(self) -> Report {
        Report::of(|report| {
            if self.takes_the_shape(report) {
                self.check(report);
            }
        })
    }

    /// Makes only the gradient checks of [`run`](Self::run), in a fraction of the time.
    #[must_use = "a report has to be looked at: `into_result()?`"]
    pub fn gradients(self) -> Report {
        Report::of(|report| {
            if self.takes_the_shape(report) {
                let double = || boxed::<f64>((self.make)());
                let bench = self.bench(&double);
                [false, true].into_iter().for_each(|from_logits| compare(report, &bench, from_logits));
            }
        })
    }

    fn takes_the_shape(&self, report: &mut Report) -> bool {
        report.name(format!("{} over {}", Loss::<f64>::kind(&(self.make)()), self.shape));
        report.make("the shape is one that can be checked", || match self.shape.checked() {
            Err(error) => fails("a sample's shape", error),
            Ok(shape) => Verdict::fails_if(shape.elements() > MOST, format!("at most {MOST} elements are checked")),
        })
    }

    fn check(&self, report: &mut Report) {
        let (single, double) = (|| boxed::<f32>((self.make)()), || boxed::<f64>((self.make)()));
        let (single, double) = (self.bench(&single), self.bench(&double));
        report.make("kind and configuration are the same every time, for f32 and f64", || {
            let [one, other] = [(); 2].map(|()| (single.make)());
            let differs = one.kind() != double.loss.kind()
                || one.config() != double.loss.config()
                || other.config() != one.config()
                || one.kind().is_empty();
            let message = "`kind` is empty, or it or `config` gives another answer the second time, or for the other float type: they say how the loss was \
                           made, and nothing else";
            Verdict::fails_if(differs, message)
        });
        report.make("its options are accepted", || {
            double.loss.check().map_or_else(|error| fails("`check` refuses them", error), |()| Verdict::Holds)
        });
        report.make("the targets are suitable", || suitable_targets(&double));
        report.make("a pass whose lengths do not fit makes no panic", || lengths(&double));
        for from_logits in [false, true] {
            compare(report, &double, from_logits);
            both(report, &single, &double, from_logits);
            report.make(format!("f32 agrees with f64{}", way(from_logits)), || agree(&single, &double, from_logits));
        }
        report.make("from logits it is the same as from its values", || logits_agree(&double));
        report.make("it is finite far from the target", || worse(far_away(&double), || far_away(&single)));
        report.make("it trains, with the same bits for any number of threads", || trains(&double));
        report.make("targets that are not finite are errors in training", || bad_targets(&double));
        report.make("it allocates nothing", || allocates_nothing(&double, self.allocations));
    }

    fn bench<'m, T: Scalar>(&self, make: &'m dyn Fn() -> Box<dyn Loss<T>>) -> Bench<'m, T> {
        const SAMPLES: usize = 7;
        let (loss, mut numbers) = (make(), Numbers::new(self.seed));
        let count = SAMPLES * self.shape.elements();
        let logits: Vec<T> = numbers.vector(count, [-3.0, 3.0]);
        let mut targets: Vec<T> = numbers.vector(count, self.targets);
        let predictions = match (self.predictions, loss.fused_activation()) {
            (Some(range), _) => numbers.vector(count, range),
            (None, None) => numbers.vector(count, [-2.0, 2.0]),
            (None, Some(fused_activation)) => {
                let mut values: Vec<f64> = convert(&logits);
                fused_activation.forward(self.shape.channels(), &mut values, &mut []);
                values.into_iter().map(|value| T::from_f64(f64::from(value as f32))).collect()
            }
        };
        // Targets for a softmax are class probabilities, which sum to 1.
        if loss.fused_activation() == Some(Activation::Softmax) {
            Activation::Softmax.forward(self.shape.channels(), &mut targets, &mut []);
            targets.iter_mut().for_each(|value| *value = T::from_f64(f64::from(value.into_f64() as f32)));
        }
        Bench { make, loss, shape: self.shape, predictions, logits, targets }
    }
}

impl<L> Debug for LossCheck<'_, L> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("LossCheck").field("shape", &self.shape).finish_non_exhaustive()
    }
}

fn boxed<T: Scalar>(loss: impl Loss<T> + 'static) -> Box<dyn Loss<T>> {
    Box::new(loss)
}

fn way(from_logits: bool) -> &'static str {
    if from_logits { ", from logits" } else { "" }
}

/// A loss in one float type, with test data.
struct Bench<'m, T: Scalar> {
    make: &'m dyn Fn() -> Box<dyn Loss<T>>,
    loss: Box<dyn Loss<T>>,
    shape: Shape,
    predictions: Vec<T>,
    /// Arguments of the fused activation.
    logits: Vec<T>,
    targets: Vec<T>,
}

const NO_FUSED_ACTIVATION: Verdict = Verdict::Skip("it has no fused activation");

impl<T: Scalar> Bench<'_, T> {
    fn predictions(&self, from_logits: bool) -> &[T] {
        if from_logits { &self.logits } else { &self.predictions }
    }

    fn has(&self, from_logits: bool) -> bool {
        !from_logits || self.loss.fused_activation().is_some()
    }

    fn value(&self, predictions: &[T], targets: &[T], from_logits: bool) -> f64 {
        LossPass::new(self.shape, predictions, targets)
            .map_or(f64::NAN, |pass| self.loss.evaluate(pass.from_logits(from_logits)))
    }

    /// Value and gradient; the gradient buffer holds `before` at first.
    fn both(&self, predictions: &[T], targets: &[T], from_logits: bool, factor: f64, before: f64) -> (f64, Vec<T>) {
        let mut gradient = vec![T::from_f64(before); predictions.len()];
        let pass = LossPass::new(self.shape, predictions, targets);
        let pass = pass.and_then(|pass| pass.from_logits(from_logits).gradient(T::from_f64(factor), &mut gradient));
        let value = pass.map_or(f64::NAN, |pass| self.loss.evaluate(pass));
        (value, gradient)
    }

    fn gradient_of(&self, from_logits: bool, factor: f64) -> Vec<T> {
        self.both(self.predictions(from_logits), &self.targets, from_logits, factor, 0.0).1
    }
}

/// Compares the gradient with respect to the predictions with the stencil.
fn compare(report: &mut Report, bench: &Bench<'_, f64>, from_logits: bool) {
    const FACTOR: f64 = 0.25;
    let mut comparison = GradientComparison::default();
    report.make(format!("{GRADIENT} predictions{}", way(from_logits)), || {
        if !bench.has(from_logits) {
            return NO_FUSED_ACTIVATION;
        }
        let elements = bench.shape.elements();
        comparison = compare_gradient(bench.predictions(from_logits), &bench.gradient_of(from_logits, FACTOR), 1, |predictions| {
            let samples = predictions.chunks(elements).zip(bench.targets.chunks(elements));
            samples.map(|(sample, target)| FACTOR * bench.value(sample, target, from_logits)).collect()
        });
        if comparison.compared == 0 {
            let message = "no coordinate could be compared, the value has a kink within every stencil: give predictions away from it with `LossCheck::predictions`";
            return Verdict::Fails(message.to_owned());
        }
        let otherwise = "`pass.gradient` is another than the slope of the value that `evaluate` gives, times `pass.factor`";
        Verdict::within(comparison.error, GRADIENT_BOUND, otherwise)
    });
    report.count(comparison.compared, comparison.redrawn);
}

/// The checks made in both float types, from values and from logits.
fn both(report: &mut Report, single: &Bench<'_, f32>, double: &Bench<'_, f64>, from_logits: bool) {
    macro_rules! in_both {
        ($name:literal, $check:expr) => {
            report.make(format!("{}{}", $name, way(from_logits)), || match double.has(from_logits) {
                true => worse($check(double, from_logits), || $check(single, from_logits)),
                false => NO_FUSED_ACTIVATION,
            });
        };
    }
    in_both!("the value is finite, and the same every time", value_is_steady);
    in_both!("the value is the same with and without a gradient", value_with_gradient);
    in_both!("every element of the gradient is written", gradient_is_written);
    in_both!("the gradient is multiplied by the factor", factor_counts);
    in_both!("values add up over samples", values_add_up);
    in_both!("a sample's gradient does not depend on its batch", gradient_alone);
}

fn value_is_steady<T: Scalar>(bench: &Bench<'_, T>, from_logits: bool) -> Verdict {
    let value = |loss: &dyn Loss<T>| {
        let pass = LossPass::new(bench.shape, bench.predictions(from_logits), &bench.targets);
        pass.map_or(f64::NAN, |pass| loss.evaluate(pass.from_logits(from_logits)))
    };
    let [one, again, fresh] = [value(&*bench.loss), value(&*bench.loss), value(&*(bench.make)())];
    match one.is_finite() {
        false => Verdict::Fails(format!(
            "the value is {one} on ordinary predictions and targets: look for a logarithm of zero; `LossCheck::predictions` and `targets` say what is ordinary"
        )),
        true => Verdict::fails_if(
            one.to_bits() != again.to_bits() || one.to_bits() != fresh.to_bits(),
            "the same comparison gives another value the second time: a loss keeps nothing, and draws nothing at random",
        ),
    }
}

fn value_with_gradient<T: Scalar>(bench: &Bench<'_, T>, from_logits: bool) -> Verdict {
    let alone = bench.value(bench.predictions(from_logits), &bench.targets, from_logits);
    let (with, _) = bench.both(bench.predictions(from_logits), &bench.targets, from_logits, 0.5, 0.0);
    let differs = alone.to_bits() != with.to_bits();
    Verdict::fails_if(
        differs,
        format!("the value is {alone} alone and {with} with a gradient: `pass.factor` is the gradient's alone"),
    )
}

fn gradient_is_written<T: Scalar>(bench: &Bench<'_, T>, from_logits: bool) -> Verdict {
    let gradients = [f64::NAN, 1e30, 0.0]
        .map(|before| bench.both(bench.predictions(from_logits), &bench.targets, from_logits, 1.0, before).1);
    let [clean, others @ ..] = &gradients;
    match others.iter().find_map(|other| first_difference(clean, other)) {
        None => Verdict::Holds,
        Some(position) => Verdict::Fails(format!(
            "{} is what the buffer held before, or made of it: write every element, and add to none",
            place(position, bench.shape)
        )),
    }
}

fn factor_counts<T: Scalar>(bench: &Bench<'_, T>, from_logits: bool) -> Verdict {
    let (one, four) = (bench.gradient_of(from_logits, 1.0), bench.gradient_of(from_logits, 4.0));
    let expected: Vec<T> = one.iter().map(|value| T::from_f64(4.0) * *value).collect();
    let bound = if size_of::<T>() == size_of::<f32>() { 1e-6 } else { 1e-14 };
    Verdict::within(
        distance(&four, &expected),
        bound,
        "the gradient with `pass.factor` 4 is not 4 times the one with 1: multiply each element by it",
    )
}

fn values_add_up<T: Scalar>(bench: &Bench<'_, T>, from_logits: bool) -> Verdict {
    let elements = bench.shape.elements();
    let whole = bench.value(bench.predictions(from_logits), &bench.targets, from_logits);
    let samples = bench.predictions(from_logits).chunks(elements).zip(bench.targets.chunks(elements));
    let (sum, size) = samples.fold((0.0, 0.0), |(sum, size), (sample, target)| {
        let value = bench.value(sample, target, from_logits);
        (sum + value, size + value.abs())
    });
    let bound = if size_of::<T>() == size_of::<f32>() { 1e-5 } else { 1e-12 };
    let otherwise = "the value of a batch is not the sum of its samples': `evaluate` gives a sum over samples, the trainer divides it";
    Verdict::within((whole - sum).abs() / size.max(1e-30), bound, otherwise)
}

fn gradient_alone<T: Scalar>(bench: &Bench<'_, T>, from_logits: bool) -> Verdict {
    let elements = bench.shape.elements();
    let whole = bench.gradient_of(from_logits, 1.0);
    let samples = bench.predictions(from_logits).chunks(elements).zip(bench.targets.chunks(elements));
    let alone: Vec<T> =
        samples.flat_map(|(sample, target)| bench.both(sample, target, from_logits, 1.0, 0.0).1).collect();
    let differs = first_difference(&whole, &alone).is_some();
    Verdict::fails_if(
        differs,
        "a sample's gradient has other bits where the sample comes alone: compute each from its own prediction and target",
    )
}

fn agree(single: &Bench<'_, f32>, double: &Bench<'_, f64>, from_logits: bool) -> Verdict {
    if !double.has(from_logits) {
        return NO_FUSED_ACTIVATION;
    }
    let gradients = distance(&single.gradient_of(from_logits, 1.0), &double.gradient_of(from_logits, 1.0));
    let value = double.value(double.predictions(from_logits), &double.targets, from_logits);
    let values = (single.value(single.predictions(from_logits), &single.targets, from_logits) - value).abs()
        / value.abs().max(1e-30);
    Verdict::within(
        largest([gradients, values].into_iter()),
        1e-4,
        "f32 gives other numbers than f64, beyond rounding: compute in `T` throughout, with constants from `T::from_f64`",
    )
}

fn suitable_targets(bench: &Bench<'_, f64>) -> Verdict {
    let refused = bench.loss.unsuitable_target(&bench.targets);
    let refused = refused.and_then(|(place, expected)| Some((bench.targets.get(place)?, expected)));
    refused.map_or(Verdict::Holds, |(target, expected)| {
        Verdict::Fails(format!(
            "`unsuitable_target` refuses {target}, the loss takes {expected}: give such targets with `LossCheck::targets`"
        ))
    })
}

/// The fields of a pass are public: if lengths do not match, any result except a panic is accepted.
fn lengths(bench: &Bench<'_, f64>) -> Verdict {
    let mut gradient = [0.0];
    for targets in [bench.targets.get(1..).unwrap_or(&[]), &[]] {
        if let Ok(mut pass) = LossPass::new(bench.shape, &bench.predictions, &bench.targets) {
            pass.targets = targets;
            pass.gradient = Some(&mut gradient);
            bench.loss.evaluate(pass);
        }
    }
    let targets = bench.targets.get(1..).unwrap_or(&[]);
    let accepted = LossPass::new(bench.shape, &bench.predictions, targets).is_ok()
        || LossPass::new(Shape::flat(0), &bench.predictions, &bench.targets).is_ok();
    Verdict::fails_if(accepted, "predictions and targets of different lengths are compared")
}

/// Compares the gradient from logits with that from its values by the chain rule.
fn logits_agree(bench: &Bench<'_, f64>) -> Verdict {
    let Some(fused_activation) = bench.loss.fused_activation() else { return NO_FUSED_ACTIVATION };
    let channels = bench.shape.channels();
    let mut values = bench.logits.clone();
    fused_activation.forward(channels, &mut values, &mut []);
    let (from_values, mut gradient) = bench.both(&values, &bench.targets, false, 1.0, 0.0);
    let (from_logits, by_logits) = bench.both(&bench.logits, &bench.targets, true, 1.0, 0.0);
    fused_activation.backward(channels, &values, &bench.logits, &mut gradient);
    let of_values = (from_values - from_logits).abs() / from_values.abs().max(1e-30);
    let error = largest([distance(&gradient, &by_logits), of_values].into_iter());
    Verdict::within(
        error,
        1e-9,
        "with `pass.from_logits` it is another function than the loss of the activation's values: predictions are arguments of `Loss::fused_activation` then",
    )
}

fn far_away<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    for from_logits in [false, true].into_iter().filter(|from_logits| bench.has(*from_logits)) {
        for size in [1e-30, 1e3, 1e6] {
            let predictions: Vec<T> = bench.logits.iter().map(|value| *value * T::from_f64(size)).collect();
            let (value, gradient) = bench.both(&predictions, &bench.targets, from_logits, 1.0, 0.0);
            if !value.is_finite() || !all_finite(&gradient) {
                return Verdict::Fails(format!(
                    "predictions of size {size:.0e}{} give a value of {value}, or a gradient that is not finite: bound what a logarithm, a root or an exponential is handed",
                    way(from_logits)
                ));
            }
        }
    }
    Verdict::Holds
}

/// A network, inputs and targets.
type Task = (Network<f64>, DMatrix<f64>, DMatrix<f64>);

/// A small network and its data.
fn task(bench: &Bench<'_, f64>) -> Result<Task, Error> {
    const SAMPLES: usize = 600;
    let elements = bench.shape.elements();
    let activation = bench.loss.fused_activation().unwrap_or(Activation::Linear);
    let network = Network::builder(bench.shape)
        .layer(Dense::new(40).activation(Activation::Tanh))
        .layer(Dense::new(elements))
        .layer(Reshape::new(bench.shape))
        .layer(activation)
        .build()?;
    let matrix = |values: Vec<f64>| DMatrix::from_vec(elements, SAMPLES, values);
    let inputs = matrix(Numbers::new(4).vector(SAMPLES * elements, [-1.0, 1.0]));
    let targets = bench.targets.iter().copied().cycle().take(SAMPLES * elements).collect();
    Ok((network, inputs, matrix(targets)))
}

fn trains(bench: &Bench<'_, f64>) -> Verdict {
    let train = |threads: usize| -> Result<Vec<f64>, Error> {
        let (mut network, inputs, targets) = task(bench)?;
        let mut trainer = Trainer::new((bench.make)(), Sgd::new(1e-3)).epochs(2).batch_size(300).threads(threads);
        let history = trainer.fit_to(&mut network, &inputs, &targets)?;
        let losses = history.epochs().iter().map(|epoch| epoch.loss);
        Ok(losses.chain(network.parameter_vector().iter().copied()).collect())
    };
    verdict(|| {
        let went_wrong = |error: Error| fails("a network cannot be trained with it", error);
        let one = train(1).map_err(went_wrong)?;
        for threads in [2, 3, 7] {
            if train(threads).map_err(went_wrong)? != one {
                return Err(Verdict::Fails(format!(
                    "training on {threads} threads gives other numbers than on one: a comparison may depend on nothing but what its pass holds"
                )));
            }
        }
        Ok(Verdict::Holds)
    })
}

fn bad_targets(bench: &Bench<'_, f64>) -> Verdict {
    verdict(|| {
        let went_wrong = |error: Error| fails("a network cannot be built for it", error);
        for bad in [f64::NAN, f64::INFINITY] {
            let (mut network, inputs, mut targets) = task(bench).map_err(went_wrong)?;
            let place = targets.len() / 2;
            targets.as_mut_slice().get_mut(place).into_iter().for_each(|value| *value = bad);
            let mut trainer = Trainer::new((bench.make)(), Sgd::new(1e-3));
            if trainer.fit_to(&mut network, &inputs, &targets).is_ok() {
                return Err(Verdict::Fails(format!("training goes on with a target of {bad}")));
            }
        }
        Ok(Verdict::Holds)
    })
}

fn allocates_nothing(bench: &Bench<'_, f64>, count: Option<fn() -> usize>) -> Verdict {
    let Some(count) = count else { return Verdict::Skip("nobody counts: give `LossCheck::allocations`") };
    let mut gradient = vec![0.0; bench.predictions.len()];
    let before = count();
    for from_logits in [false, true].into_iter().filter(|from_logits| bench.has(*from_logits)) {
        let pass = LossPass::new(bench.shape, bench.predictions(from_logits), &bench.targets);
        if let Ok(pass) = pass.and_then(|pass| pass.from_logits(from_logits).gradient(1.0, &mut gradient)) {
            bench.loss.evaluate(pass);
        }
        bench.loss.unsuitable_target(&bench.targets);
    }
    Verdict::within((count() - before) as f64, 0.0, "a comparison allocates memory: it is made in every step")
}
