//! [`check_loss`]: checks everything that the crate requires of a loss.

mod bench;
mod contract;
mod training;
mod values;

use std::fmt::Debug;

use super::numbers::{Numbers, convert};
use super::report::{Report, Verdict, fails, worse};
use crate::loss::Loss;
use crate::{Activation, Scalar, Shape};
use bench::Bench;
use contract::{allocates_nothing, lengths, suitable_targets};
use training::{bad_targets, trains};
use values::{agree, both, compare, far_away, logits_agree, way};

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
