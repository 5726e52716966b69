//! [`check_optimizer`]: checks everything that the crate requires of an optimizer.

use nalgebra::DMatrix;

use super::numbers::{Numbers, all_finite, distance, first_difference, largest};
use super::report::{Report, Verdict, fails, verdict, worse};
use crate::graph::Network;
use crate::layer::{Activation, Dense};
use crate::optimizer::{MAX_SLOTS, Optimizer, Update};
use crate::{Error, Mse, Scalar, Shape, Trainer};

/// Checks the optimizer that `make` creates.
///
/// ```
/// use autoencoder::Sgd;
/// use autoencoder::testing::check_optimizer;
///
/// let report = check_optimizer(|| Sgd::new(0.1).momentum(0.9)).into_result()?;
/// assert!(report.passes() > 10);
/// # Ok::<(), autoencoder::testing::CheckFailed>(())
/// ```
#[must_use = "a report has to be looked at: `into_result()?`"]
pub fn check_optimizer<O>(make: impl Fn() -> O) -> Report
where
    O: Optimizer<f32> + Optimizer<f64> + 'static,
{
    Report::of(|report| check(report, &make))
}

fn check<O>(report: &mut Report, make: &impl Fn() -> O)
where
    O: Optimizer<f32> + Optimizer<f64> + 'static,
{
    let (single, double) = (|| boxed::<f32>(make()), || boxed::<f64>(make()));
    let (single, double) = (Bench::<f32>::new(&single), Bench::<f64>::new(&double));
    report.name(double.optimizer.kind());
    report.make("kind and configuration are the same every time, for f32 and f64", || {
        let (one, other) = ((single.make)(), &double.optimizer);
        let differs = one.kind() != other.kind()
            || one.config() != other.config()
            || one.config() != single.optimizer.config()
            || one.kind().is_empty();
        let message = "`kind` is empty, or it or `config` gives another answer the second time, or for the other float type: they say how the optimizer was \
                       made, and nothing else";
        Verdict::fails_if(differs, message)
    });
    report.make("its options are accepted", || {
        double.optimizer.check().map_or_else(|error| fails("`check` refuses them", error), |()| Verdict::Holds)
    });
    report.make("its learning rate is a number above 0", || {
        let rate = double.optimizer.learning_rate();
        Verdict::fails_if(
            !(rate > 0.0 && rate.is_finite()),
            format!("it is {rate}: `check` should refuse it, and no option make it so"),
        )
    });
    report.make("it keeps at most four numbers for each parameter", || {
        let slots = (double.optimizer.slots(), single.optimizer.slots());
        let message = format!("`slots` is {} for f64 and {} for f32; the limit is {MAX_SLOTS}", slots.0, slots.1);
        Verdict::fails_if(slots.0 > MAX_SLOTS || slots.0 != slots.1, message)
    });
    macro_rules! in_both {
        ($name:literal, $check:expr) => {
            report.make($name, || worse($check(&double), || $check(&single)))
        };
    }
    in_both!("it is the same every time, and keeps nothing but its slots", keeps_nothing);
    in_both!("every parameter is updated by itself, wherever the vectors are cut", cut_anywhere);
    in_both!("a run can be taken up again from parameters and slots", taken_up_again);
    in_both!("slots that it did not ask for may be empty", unasked_slots);
    in_both!("the learning rate of the step counts", rate_counts);
    in_both!("it descends", descends);
    in_both!("gradients of zero leave finite numbers", |bench: &Bench<'_, _>| stays_finite(bench, 0.0));
    in_both!("tiny gradients leave finite numbers", |bench: &Bench<'_, _>| stays_finite(bench, 1e-30));
    in_both!("large gradients leave finite numbers", |bench: &Bench<'_, _>| stays_finite(bench, 1e12));
    in_both!("slices of different lengths are errors, and none at all make no panic", lengths);
    report.make("f32 agrees with f64 over 30 steps", || {
        let (single, double) = (single.run(30), double.run(30));
        Verdict::within(
            distance(&single.parameters, &double.parameters),
            1e-4,
            "f32 takes another way than f64, beyond rounding: compute in `T` throughout, with constants from `T::from_f64`",
        )
    });
    report.make("it trains, with the same bits for any number of threads", || trains(&double));
    report.make("what is frozen stays as it is", || frozen_stays(&double));
}

fn boxed<T: Scalar>(optimizer: impl Optimizer<T> + 'static) -> Box<dyn Optimizer<T>> {
    Box::new(optimizer)
}

/// An optimizer in one float type.
struct Bench<'m, T: Scalar> {
    make: &'m dyn Fn() -> Box<dyn Optimizer<T>>,
    optimizer: Box<dyn Optimizer<T>>,
}

/// Parameters: several of the widest vectors and a remainder.
const COUNT: usize = 83;

/// Parameters with their slots.
#[derive(Clone, PartialEq)]
struct Run<T> {
    parameters: Vec<T>,
    slots: [Vec<T>; MAX_SLOTS],
    step: u64,
}

impl<'m, T: Scalar> Bench<'m, T> {
    fn new(make: &'m dyn Fn() -> Box<dyn Optimizer<T>>) -> Self {
        Self { make, optimizer: make() }
    }

    fn start(&self) -> Run<T> {
        let slots = std::array::from_fn(|slot| vec![T::zero(); if slot < self.optimizer.slots() { COUNT } else { 0 }]);
        Run { parameters: Numbers::new(2).vector(COUNT, [-1.0, 1.0]), slots, step: 0 }
    }

    /// Takes some steps with made-up gradients.
    fn run(&self, steps: u64) -> Run<T> {
        let mut run = self.start();
        (0..steps).for_each(|_| run.advance(&*self.optimizer, COUNT));
        run
    }
}

impl<T: Scalar> Run<T> {
    /// Takes a step, `cut` parameters at a time, with gradients that depend on its number.
    fn advance(&mut self, optimizer: &dyn Optimizer<T>, cut: usize) {
        let gradients = Numbers::new(10 + self.step).vector(COUNT, [-1.0, 1.0]);
        self.advance_along(optimizer, &gradients, optimizer.learning_rate(), cut);
    }

    fn advance_along(&mut self, optimizer: &dyn Optimizer<T>, gradients: &[T], rate: f64, cut: usize) {
        self.step += 1;
        let mut slots = self.slots.each_mut().map(|slot| slot.chunks_mut(cut));
        for (parameters, gradients) in self.parameters.chunks_mut(cut).zip(gradients.chunks(cut)) {
            let slots = slots.each_mut().map(|slot| slot.next().unwrap_or(&mut []));
            if let Ok(update) = Update::new(optimizer, self.step, rate, parameters, gradients, slots) {
                optimizer.update(update);
            }
        }
    }

    fn differs(&self, other: &Self) -> bool {
        let slots = self.slots.iter().zip(&other.slots);
        first_difference(&self.parameters, &other.parameters).is_some()
            || slots.into_iter().any(|(one, other)| first_difference(one, other).is_some())
    }

    fn is_finite(&self) -> bool {
        all_finite(&self.parameters) && self.slots.iter().all(|slot| all_finite(slot))
    }
}

fn keeps_nothing<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    let first = bench.run(5);
    let again = bench.run(5);
    let fresh = Bench::new(bench.make).run(5);
    Verdict::fails_if(
        first.differs(&again) || first.differs(&fresh),
        "the same steps give other numbers the second time: what an optimizer remembers belongs into `update.slots`, and nothing is random",
    )
}

fn cut_anywhere<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    let whole = bench.run(3);
    for cut in [1, 2, 3, 5, 16, 50] {
        let mut run = bench.start();
        (0..3).for_each(|_| run.advance(&*bench.optimizer, cut));
        if run.differs(&whole) {
            return Verdict::Fails(format!(
                "with the vectors cut after every {cut} parameters the numbers are others: a parameter's update may depend on its own gradient and slots only"
            ));
        }
    }
    Verdict::Holds
}

fn taken_up_again<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    let (whole, mut run) = (bench.run(8), bench.run(4));
    let fresh = (bench.make)();
    (0..4).for_each(|_| run.advance(&*fresh, COUNT));
    let message = "4 steps and, by a fresh optimizer with the same slots, 4 more are not 8 steps: something is kept outside `update.slots` and `update.step`";
    Verdict::fails_if(run.differs(&whole), message)
}

fn unasked_slots<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    let mut run = bench.start();
    for slot in run.slots.iter_mut().skip(bench.optimizer.slots()) {
        *slot = vec![T::nan(); COUNT];
    }
    (0..3).for_each(|_| run.advance(&*bench.optimizer, COUNT));
    let differs = first_difference(&run.parameters, &bench.run(3).parameters).is_some();
    Verdict::fails_if(
        differs,
        "what lies in slots beyond `Optimizer::slots` changes the result: count every slot that is read there",
    )
}

fn rate_counts<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    let (mut still, start) = (bench.start(), bench.start());
    let gradients: Vec<T> = Numbers::new(3).vector(COUNT, [-1.0, 1.0]);
    still.advance_along(&*bench.optimizer, &gradients, 0.0, COUNT);
    let moved = distance(&still.parameters, &start.parameters);
    let message = "with a learning rate of 0 parameters change: the rate of a step is `update.learning_rate`, which a schedule sets, not the optimizer's own";
    Verdict::within(moved, 0.0, message)
}

/// Whether Σ ½ (θ − c)², whose gradient is θ − c, falls.
fn descends<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    let centre: Vec<T> = Numbers::new(6).vector(COUNT, [-1.0, 1.0]);
    let mut run = bench.start();
    let far = |run: &Run<T>| {
        run.parameters.iter().zip(&centre).map(|(value, centre)| (*value - *centre).into_f64().powi(2)).sum::<f64>()
    };
    let before = far(&run);
    for _ in 0..300 {
        let gradients: Vec<T> = run.parameters.iter().zip(&centre).map(|(value, centre)| *value - *centre).collect();
        run.advance_along(&*bench.optimizer, &gradients, bench.optimizer.learning_rate(), COUNT);
    }
    Verdict::within(far(&run) / before, 0.99, "300 steps on a bowl lead nowhere near its bottom: look at the sign")
}

fn stays_finite<T: Scalar>(bench: &Bench<'_, T>, size: f64) -> Verdict {
    let mut run = bench.start();
    for step in 0..5 {
        let gradients: Vec<T> = Numbers::new(step).vector(COUNT, [-size, size]);
        run.advance_along(&*bench.optimizer, &gradients, bench.optimizer.learning_rate(), COUNT);
    }
    Verdict::fails_if(
        !run.is_finite(),
        "a parameter or a slot is not finite: look for a division by a root of zero, or an overflow of a square",
    )
}

fn lengths<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    let slots = std::array::from_fn(|_| -> &mut [T] { &mut [] });
    let empty = Update::new(&*bench.optimizer, 1, 0.1, &mut [], &[], slots);
    empty.into_iter().for_each(|update| bench.optimizer.update(update));
    let mut parameters = [T::zero(); 3];
    let slots = || std::array::from_fn(|_| -> &mut [T] { &mut [] });
    let gradients = [T::zero(); 3];
    let short = Update::new(&*bench.optimizer, 1, 0.1, &mut parameters, &gradients, slots()).is_ok();
    let accepted = short && bench.optimizer.slots() > 0
        || Update::new(&*bench.optimizer, 1, 0.1, &mut parameters, &[], slots()).is_ok()
        || Update::new(&*bench.optimizer, 0, 0.1, &mut [], &[], slots()).is_ok();
    Verdict::fails_if(accepted, "`Update::new` takes lengths that do not fit, or a step before the first")
}

/// A network with enough parameters for several threads, and data for it.
fn task() -> Result<(Network<f64>, DMatrix<f64>), Error> {
    const FEATURES: usize = 60;
    let network = Network::builder(Shape::flat(FEATURES))
        .layer(Dense::new(160).activation(Activation::Tanh))
        .layer(Dense::new(FEATURES))
        .build()?;
    Ok((network, DMatrix::from_vec(FEATURES, 64, Numbers::new(4).vector(64 * FEATURES, [0.0, 1.0]))))
}

fn trains(bench: &Bench<'_, f64>) -> Verdict {
    let train = |threads: usize| -> Result<Vec<f64>, Error> {
        let (mut network, data) = task()?;
        let mut trainer = Trainer::new(Mse, (bench.make)()).epochs(2).batch_size(32).threads(threads);
        trainer.fit(&mut network, &data)?;
        Ok(network.parameter_vector().to_vec())
    };
    verdict(|| {
        let went_wrong = |error: Error| fails("a network cannot be trained with it", error);
        let one = train(1).map_err(went_wrong)?;
        for threads in [2, 3, 7] {
            if train(threads).map_err(went_wrong)? != one {
                return Err(Verdict::Fails(format!(
                    "training on {threads} threads gives other numbers than on one: a parameter's update may depend on nothing but what `update` holds"
                )));
            }
        }
        Ok(Verdict::fails_if(
            largest(one.into_iter()).is_infinite(),
            "training leaves numbers that are not finite: try a smaller learning rate, and look for a division by zero",
        ))
    })
}

fn frozen_stays(bench: &Bench<'_, f64>) -> Verdict {
    verdict(|| {
        let went_wrong = |error: Error| fails("a network cannot be trained with it", error);
        let (mut network, data) = task().map_err(went_wrong)?;
        network.freeze("layers.0.weight").map_err(|error| went_wrong(error.into()))?;
        let before = network.parameter_vector().to_vec();
        Trainer::new(Mse, (bench.make)()).fit(&mut network, &data).map_err(went_wrong)?;
        let frozen = 60 * 160;
        let (still, moved) = network.parameter_vector().split_at(frozen);
        let (still_before, moved_before) = before.split_at(frozen);
        let wrong = first_difference(still, still_before).is_some() || first_difference(moved, moved_before).is_none();
        Ok(Verdict::fails_if(
            wrong,
            "a frozen parameter has changed, or the others have not: an update writes `update.parameters` and nothing else",
        ))
    })
}
