//! A layer in a network: its file, its steps, threads, allocations.

use std::fmt::Display;
use std::ops::Range;
use std::sync::Arc;

use nalgebra::DMatrix;

use super::gains::Gains;
use super::model::{LayerModel, Setting};
use super::samples::Samples;
use super::{Bench, Pair, in_both};
use crate::graph::Network;
use crate::layer::Mode;
use crate::model_file::Registry;
use crate::testing::numbers::{Numbers, all_finite, distance, first_difference};
use crate::testing::report::{Attempt, Report, Verdict, fails, verdict, worse};
use crate::{Error, Mse, Reduction, Scalar, Sgd, Trainer};

/// The numbers of threads to train with.
const THREADS: [usize; 7] = [1, 2, 3, 4, 7, 8, 16];

pub(super) fn check(
    report: &mut Report,
    pair: &Pair<'_>,
    single: Option<&Registry<f32>>,
    double: Option<&Registry<f64>>,
) {
    in_both!(report, pair, "a network's passes give what the layer's own give", network_agrees);
    report.make("it saves and loads with the same bits", || match (single, double) {
        (Some(single), Some(double)) => {
            worse(saves_and_loads(&pair.double, double), || saves_and_loads(&pair.single, single))
        }
        _ => Verdict::Skip("nothing builds the layer from its configuration: give `LayerCheck::constructor`"),
    });
    in_both!(report, pair, "any number of threads gives the same bits", any_threads);
    in_both!(report, pair, "huge values are finite in training, or an error", huge_values);
    in_both!(report, pair, "a step allocates nothing", allocates_nothing);
}

/// The layer behind [`Gains`].
fn behind_gains<T: Scalar>(bench: &Bench<'_, T>) -> Attempt<LayerModel<T>> {
    let model = bench.model.moved_to(Arc::new(Gains::default()), [(bench.make)()]);
    model.map_err(|error| fails("no network can be built of it", error))
}

fn network<T: Scalar>(bench: &Bench<'_, T>) -> Attempt<Network<T>> {
    Ok(behind_gains(bench)?.network)
}

fn went_wrong(error: impl Display) -> Verdict {
    fails("a network of it cannot be used", error)
}

fn network_agrees<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    verdict(|| {
        let (alone, behind_gains) = (&bench.model, behind_gains(bench)?);
        let inferred = behind_gains.network.predict(bench.samples.batch().map_err(went_wrong)?).map_err(went_wrong)?;
        let expected = alone.forward(&bench.samples, Setting::new(Mode::Inference)).output;
        if first_difference(inferred.as_slice(), &expected).is_some() {
            let message = "a network's inference gives other bits than the layer's pass: the plan has to name all that the passes use";
            return Err(Verdict::Fails(message.to_owned()));
        }
        let [expected, found] = [alone, &behind_gains].map(|model| model.step(&bench.samples, Setting::training()));
        let (of_gains, gradients) = found.gradients.split_at(bench.model.input().elements());
        let mut sums = vec![T::zero(); of_gains.len()];
        let inputs = bench.samples.input.chunks(sums.len()).zip(expected.input_gradient.chunks(sums.len()));
        for (input, gradient) in inputs {
            let products = input.iter().zip(gradient).map(|(input, gradient)| *input * *gradient);
            sums.iter_mut().zip(products).for_each(|(sum, product)| *sum += product);
        }
        let parts = [(&found.output[..], &expected.output[..]), (of_gains, &sums), (gradients, &expected.gradients)];
        let worst = parts.map(|(found, expected)| distance(found, expected)).into_iter().fold(0.0, f64::max);
        let otherwise = "a network's step gives other numbers than the layer's passes by themselves: the plan has to name all that the passes use";
        Ok(Verdict::within(worst, 10.0 * bench.rounding(), otherwise))
    })
}

fn saves_and_loads<T: Scalar>(bench: &Bench<'_, T>, registry: &Registry<T>) -> Verdict {
    verdict(|| {
        let network = network(bench)?;
        let mut bytes = Vec::new();
        network.write_to(&mut bytes).map_err(|error| fails("it cannot be saved", error))?;
        let loaded = Network::from_bytes_with(&bytes, registry)
            .map_err(|error| fails("what was saved cannot be loaded", error))?;
        let data = bench.samples.batch().map_err(went_wrong)?;
        let [before, after] = [&network, &loaded].map(|network| network.predict(data).map_err(went_wrong));
        let mut again = Vec::new();
        loaded.write_to(&mut again).map_err(|error| fails("what was loaded cannot be saved", error))?;
        let numbers =
            [(network.parameter_vector(), loaded.parameter_vector()), (network.state_vector(), loaded.state_vector())];
        let differs = numbers.into_iter().any(|(one, other)| first_difference(one, other).is_some())
            || first_difference(before?.as_slice(), after?.as_slice()).is_some()
            || again != bytes;
        Ok(Verdict::fails_if(
            differs,
            "a model loaded from its file has other numbers, gives other outputs, or makes another file: `config` has to write every setting, and the \
             constructor to read it",
        ))
    })
}

/// Enough samples for a step to use several threads.
fn many(network: &Network<impl Scalar>) -> usize {
    const MOST: usize = 1 << 16;
    (9..MOST.ilog2())
        .map(|power| 1 << power)
        .find(|samples| network.program().is_worth_threads(*samples))
        .unwrap_or(MOST)
}

/// The loss, every parameter and the state after two steps.
fn trained<T: Scalar>(
    mut network: Network<T>,
    samples: &Samples<T>,
    targets: &DMatrix<T>,
    threads: usize,
) -> Result<Vec<f64>, Error> {
    let step = Sgd::new(1e-4);
    let trainer = Trainer::new(Mse.reduction(Reduction::SumPerSample), step).epochs(2).batch_size(targets.ncols());
    let history = trainer.threads(threads).fit_to(&mut network, &samples.batch()?, targets)?;
    let losses = history.epochs().iter().map(|epoch| epoch.loss);
    let numbers = network.parameter_vector().iter().chain(network.state_vector()).map(|value| value.into_f64());
    Ok(losses.chain(numbers).collect())
}

/// `samples` samples and their targets.
fn task<T: Scalar>(bench: &Bench<'_, T>, samples: usize) -> (Samples<T>, DMatrix<T>) {
    let elements = bench.model.plan().output.elements();
    let targets = Numbers::new(9).vector(samples * elements, [0.0, 1.0]);
    (bench.others(samples), DMatrix::from_vec(elements, samples, targets))
}

fn any_threads<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    verdict(|| {
        let network = network(bench)?;
        let (samples, targets) = task(bench, many(&network));
        let train = |threads: &usize| trained(network.clone(), &samples, &targets, *threads).map_err(went_wrong);
        let results: Vec<Vec<f64>> = THREADS.iter().map(train).collect::<Result<_, _>>()?;
        let other = results.iter().position(|result| Some(result) != results.first());
        Ok(match other.and_then(|index| THREADS.get(index)) {
            Some(threads) => Verdict::Fails(format!(
                "two steps on {threads} threads give other numbers than on one: a pass may depend on nothing but what it holds, no static, no \
                 thread's own memory, no count of its calls"
            )),
            None => Verdict::Holds,
        })
    })
}

/// Training on huge inputs may fail, but must not leave a model with numbers that are not finite.
fn huge_values<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    verdict(|| {
        for share in [0.25, 0.5, 0.9] {
            let network = network(bench)?;
            let mut samples = bench.samples.clone();
            let huge = T::max_value().powf(T::from_f64(share));
            samples.input.iter_mut().for_each(|value| *value *= huge);
            let elements = bench.model.plan().output.elements();
            let targets = DMatrix::from_element(elements, samples.count, T::from_f64(0.5));
            if let Ok(numbers) = trained(network, &samples, &targets, 1)
                && !all_finite(&numbers)
            {
                return Err(Verdict::Fails(
                    "training on huge values goes on, and leaves a loss, a parameter or a number of the state that is not finite: compute statistics such \
                     that an overflow shows in the output, where it stops the training"
                        .to_owned(),
                ));
            }
        }
        Ok(Verdict::Holds)
    })
}

fn allocates_nothing<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    let Some(count) = bench.options.allocations else {
        return Verdict::Skip("nobody counts: give `LayerCheck::allocations`");
    };
    const STEPS: Range<usize> = 0..3;
    verdict(|| {
        let mut network = network(bench)?;
        let data = bench.samples.batch().map_err(went_wrong)?;
        let mut gradients = vec![T::zero(); network.parameter_count()];
        let mut tape = network.tape_with_input_gradient(bench.samples.count).map_err(went_wrong)?;
        let mut workspace = network.workspace(bench.samples.count).map_err(went_wrong)?;
        let mut before = 0;
        for step in STEPS {
            before = if step <= 1 { count() } else { before };
            network.forward(&mut tape, data, None, step).map_err(went_wrong)?;
            network.backward(&mut tape, &bench.samples.output_gradient, &mut gradients).map_err(went_wrong)?;
            tape.input_gradient();
            network.update_state(&tape).map_err(went_wrong)?;
            network.predict_with(&mut workspace, data).map_err(went_wrong)?;
        }
        let found = count() - before;
        let otherwise = "a step allocates memory: ask for `Plan::cache_per_sample` and `Plan::scratch` instead of vectors of the pass's own";
        Ok(Verdict::within(found as f64, 0.0, otherwise))
    })
}
