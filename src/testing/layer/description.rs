//! A layer's description of itself: name, configuration, plan, accepted shapes.

use std::sync::Arc;

use super::buffers::everything;
use super::inputs::Inputs;
use super::model::{LayerModel, Setting};
use super::{Bench, Options, Pair, in_both, steadiness};
use crate::graph::{Graph, INPUT, NamedLayer, TiedWeights};
use crate::layer::{Activation, Layer, MirrorOutput, Mode, Plan};
use crate::model_file::Registry;
use crate::testing::numbers::{Numbers, all_finite, distance, first_difference};
use crate::testing::report::{Attempt, Report, Verdict, fails, verdict, worse};
use crate::{Config, MAX_ELEMENTS, Scalar, Shape, Value};

type Make<'a, T> = &'a dyn Fn() -> Arc<dyn Layer<T>>;

/// The layer in both float types, if it accepts the shape.
pub(super) fn takes_the_shape<'a>(
    report: &mut Report,
    options: &Options,
    single: Make<'a, f32>,
    double: Make<'a, f64>,
) -> Option<Pair<'a>> {
    let mut pair = None;
    report.make("the shape is one that the layer takes", || match Pair::new(options, single, double) {
        Ok(made) => {
            pair = Some(made);
            Verdict::Holds
        }
        Err(error) => Verdict::Fails(error),
    });
    pair
}

/// Checks the layer's description; returns the layer in both float types, if it accepts the shape.
pub(super) fn check<'a>(
    report: &mut Report,
    options: &Options,
    single: Make<'a, f32>,
    double: Make<'a, f64>,
) -> Option<Pair<'a>> {
    let mut pair = takes_the_shape(report, options, single, double)?;
    in_both!(report, pair, "kind and configuration are the same every time", described_alike);
    report.make("kind and configuration are the same for f32 and f64", || {
        let (single, double) = (pair.single.model.layer(), pair.double.model.layer());
        let differs = single.kind() != double.kind() || single.config() != double.config();
        Verdict::fails_if(
            differs,
            "`kind` or `config` depends on the float type: a file of one could not be read as the other",
        )
    });
    in_both!(report, pair, "the plan is the same every time", planned_alike);
    report.make("the plan is the same for f32 and f64", || {
        let differs = outline(pair.single.model.plan()) != outline(pair.double.model.plan());
        let message = "output, parameters or state in `plan` depend on the float type: a file of one could not be read as the other";
        Verdict::fails_if(differs, message)
    });
    in_both!(report, pair, "parameters and state have names of their own", named_apart);
    report.make("parameters start alike in f32 and f64", || {
        let start = |error| fails("`plan` changed its mind", error);
        verdict(|| {
            let single = LayerModel::new(single(), &options.inputs).map_err(start)?;
            let double = LayerModel::new(double(), &options.inputs).map_err(start)?;
            Ok(Verdict::within(
                distance(single.network.parameter_vector(), double.network.parameter_vector()),
                1e-6,
                "the first parameters depend on the float type: give the same `ParameterSpec` for both",
            ))
        })
    });
    in_both!(report, pair, "shapes without elements, or with too many, are errors", hopeless_shapes);
    in_both!(report, pair, "shapes at the limit of what is allowed make no panic", shapes_at_the_limit);
    in_both!(report, pair, "small and odd shapes work, or are errors", odd_shapes);
    report.make("a mirrored decoder leads back to the input", || mirror_leads_back(&pair.double));
    // Last: randomness outside the stream is to be reported by another check.
    if let Ok(random) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        (steadiness::is_random(&pair.single), steadiness::is_random(&pair.double))
    })) {
        (pair.single.random, pair.double.random) = random;
    }
    Some(pair)
}

/// Checks for files: from a layer to its configuration and back.
pub(super) fn check_files(
    report: &mut Report,
    pair: &Pair<'_>,
    single: Option<&Registry<f32>>,
    double: Option<&Registry<f64>>,
) {
    let (Some(single), Some(double)) = (single, double) else {
        let skip = Verdict::Skip("nothing builds the layer from its configuration: give `LayerCheck::constructor`");
        report.add("the configuration builds the same layer again", skip);
        return;
    };
    report.make("the configuration builds the same layer again", || {
        worse(built_again(&pair.double, double), || built_again(&pair.single, single))
    });
    report.make("a setting that nothing reads is an error", || {
        let config = pair.double.model.layer().config().with("no such setting", 1_usize);
        let accepted = build(&pair.double, double, &config).is_ok();
        Verdict::fails_if(
            accepted,
            "the constructor ignores a setting it does not know: begin with `config.only(&[..])`",
        )
    });
    report.make("a missing setting is an error", || missing_settings(&pair.double, double));
    report.make("a setting of another type is an error", || settings_of_another_type(&pair.double, double));
}

/// The parts of a plan that must not depend on the float type.
fn outline(plan: &Plan) -> String {
    let parameters: Vec<_> =
        plan.parameters.iter().map(|spec| (spec.name, &spec.shape, &spec.initializer, &spec.shared_with)).collect();
    let penalties = (&plan.penalties, &plan.diagnostics, plan.forward_statistics, plan.backward_statistics);
    format!("{} {parameters:?} {:?} {penalties:?} {}", plan.output, plan.state, plan.side_input)
}

fn described_alike<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    let (layer, fresh) = (bench.model.layer(), (bench.make)());
    if layer.kind().is_empty() {
        return Verdict::Fails("`kind` is empty: it is the layer's name in errors, summaries and files".to_owned());
    }
    let differs = layer.kind() != fresh.kind() || layer.config() != fresh.config() || layer.config() != layer.config();
    let message =
        "`kind` or `config` gives another answer the second time: they say how the layer was made, and nothing else";
    Verdict::fails_if(differs, message)
}

fn planned_alike<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    let plan = |layer: &Arc<dyn Layer<T>>| format!("{:?}", bench.model.plan_of(&**layer));
    let first = plan(bench.model.layer());
    let differs = first != plan(bench.model.layer()) || first != plan(&(bench.make)());
    Verdict::fails_if(
        differs,
        "`plan` gives another answer the second time: it is a function of the layer and the shape",
    )
}

fn named_apart<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    let plan = &bench.model.plan();
    let mut names: Vec<&str> = plan.parameters.iter().map(|spec| spec.name).collect();
    names.extend(plan.state.iter().map(|spec| spec.name));
    if names.iter().any(|name| name.is_empty() || name.contains('.')) {
        return Verdict::Fails(
            "a name in the plan is empty or has a dot in it: a file says `layers.1.name`".to_owned(),
        );
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    let message = "two parameters or state tensors have the same name: a file tells them apart by it";
    Verdict::fails_if(names.len() < count, message)
}

/// Whether a network accepts the layer on such samples; allocates no parameters.
fn graph<T: Scalar>(bench: &Bench<'_, T>, input: Shape) -> Result<Graph<T>, crate::BuildError> {
    let joins = vec![INPUT.to_owned(); bench.options.inputs.joined.len()];
    let layer = NamedLayer { name: "layers.0".to_owned(), layer: (bench.make)(), joins };
    Graph::new(input, vec![layer], TiedWeights::Copied)
}

/// A network rejects these itself without calling `plan`, which need not handle them.
fn hopeless_shapes<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    const HUGE: usize = usize::MAX;
    let shapes = [
        Shape::flat(0),
        Shape::sequence(0, 4),
        Shape::sequence(4, 0),
        Shape::image(0, 3, 2),
        Shape::image(3, 0, 2),
        Shape::image(3, 2, 0),
        Shape::flat(MAX_ELEMENTS + 1),
        Shape::flat(HUGE),
        Shape::sequence(HUGE, HUGE),
        Shape::image(HUGE, 2, 3),
        Shape::image(2, HUGE, HUGE),
        Shape::image(1 << 40, 1 << 40, 1 << 40),
    ];
    match shapes.into_iter().find(|shape| graph(bench, *shape).is_ok()) {
        Some(shape) => Verdict::Fails(format!("a model is built on samples of {shape}")),
        None => Verdict::Holds,
    }
}

fn shapes_at_the_limit<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    let shapes = [
        Shape::flat(MAX_ELEMENTS),
        Shape::sequence(MAX_ELEMENTS / 2, 2),
        Shape::sequence(2, MAX_ELEMENTS / 2),
        Shape::image(1 << 15, 1 << 15, 2),
        Shape::image(1 << 30, 1, 2),
        Shape::image(1, 2, 1 << 30),
    ];
    let passes_it =
        |shape: &Shape| graph(bench, *shape).is_ok_and(|graph| graph.definition.output().checked().is_err());
    match shapes.into_iter().find(passes_it) {
        Some(shape) => Verdict::Fails(format!("a model is built whose output for samples of {shape} passes the limit")),
        None => Verdict::Holds,
    }
}

fn odd_shapes<T: Scalar>(bench: &Bench<'_, T>) -> Verdict {
    let flat = [1, 2, 3, 17].map(Shape::flat);
    let others = [
        Shape::sequence(1, 1),
        Shape::sequence(3, 2),
        Shape::image(1, 1, 1),
        Shape::image(1, 7, 1),
        Shape::image(2, 2, 4),
        Shape::image(5, 1, 3),
        Shape::image(6, 5, 2),
    ];
    let block = Shape::new(&[2, 1, 3, 2]).ok();
    for shape in flat.into_iter().chain(others).chain(block) {
        let inputs = Inputs { own: shape, joined: vec![shape; bench.options.inputs.joined.len()] };
        let Ok(model) = LayerModel::new((bench.make)(), &inputs) else { continue };
        for count in [1, 2] {
            let samples = model.samples(count, bench.options.range, &mut Numbers::new(5));
            let inferred = model.forward(&samples, Setting::new(Mode::Inference));
            let trained = model.step(&samples, Setting::training());
            let finite = [&inferred.output, &trained.output, &trained.input_gradient, &trained.gradients];
            if !finite.into_iter().all(|values| all_finite(values)) {
                return Verdict::Fails(format!(
                    "over {shape} some number is not finite: `plan` has to refuse what the passes cannot do"
                ));
            }
        }
    }
    Verdict::Holds
}

/// The layers of a mirrored decoder, one after the other.
fn mirror_leads_back(bench: &Bench<'_, f64>) -> Verdict {
    let (input, output) = (bench.model.input(), bench.model.plan().output);
    let layers =
        bench.model.layer().mirror().and_then(|mirror| mirror.mirrored(input, MirrorOutput::new(Activation::Tanh)));
    let Some(layers) = layers.filter(|layers| !layers.is_empty()) else {
        return Verdict::Skip("it has no mirror image");
    };
    verdict(|| {
        let mut shape = output;
        for layer in &layers {
            shape = layer
                .plan(shape, &[])
                .map_err(|error| fails("the mirror image does not fit onto the output", error))?
                .output;
        }
        let message = format!(
            "the mirror image leads from {output} to {shape}, not back to {input}: give layers that do, or None"
        );
        Ok(Verdict::fails_if(shape.elements() != input.elements(), message))
    })
}

fn build<T: Scalar>(bench: &Bench<'_, T>, registry: &Registry<T>, config: &Config) -> Attempt<Arc<dyn Layer<T>>> {
    let built = registry.build(bench.model.layer().kind(), config);
    let built = built.ok_or_else(|| Verdict::Fails("the registry does not know the layer's kind".to_owned()))?;
    built.map_err(|error| fails("the constructor cannot read what `config` wrote", error))
}

fn built_again<T: Scalar>(bench: &Bench<'_, T>, registry: &Registry<T>) -> Verdict {
    verdict(|| {
        let config = bench.model.layer().config();
        let again = build(bench, registry, &config)?;
        if again.config() != config || again.kind() != bench.model.layer().kind() {
            return Err(Verdict::Fails(
                "the layer built from the configuration has another one: `config` writes, and the constructor reads, every setting".to_owned(),
            ));
        }
        let plan = |layer: &dyn Layer<T>| bench.model.plan_of(layer).map(|plan| outline(&plan));
        if plan(&*again) != plan(bench.model.layer().as_ref()) {
            let message = "the layer built from the configuration has another plan: `config` leaves out a setting";
            return Err(Verdict::Fails(message.to_owned()));
        }
        let step = |model: LayerModel<T>| everything(model.step(&bench.samples, Setting::training()));
        let differs = first_difference(&step(bench.model.with(again)), &step(bench.fresh())).is_some();
        Ok(Verdict::fails_if(
            differs,
            "the layer built from the configuration computes something else: `config` leaves out a setting",
        ))
    })
}

/// The configuration without each of its entries in turn.
fn missing_settings(bench: &Bench<'_, f64>, registry: &Registry<f64>) -> Verdict {
    let config = bench.model.layer().config();
    for (missing, _) in config.entries() {
        let others = config.entries().filter(|(name, _)| *name != missing);
        let reduced = others.fold(Config::new(), |config, (name, value)| config.with(name, value.clone()));
        if build(bench, registry, &reduced).is_ok_and(|layer| layer.config() != reduced) {
            return Verdict::Fails(format!(
                "without `{missing}` the constructor makes one up: a file says everything, or is refused"
            ));
        }
    }
    Verdict::Holds
}

fn settings_of_another_type(bench: &Bench<'_, f64>, registry: &Registry<f64>) -> Verdict {
    let config = bench.model.layer().config();
    let others = [Value::Text("?".to_owned()), Value::Boolean(true), Value::List(vec![Value::Text("?".to_owned())])];
    for (name, value) in config.entries() {
        for other in others.iter().filter(|other| std::mem::discriminant(*other) != std::mem::discriminant(value)) {
            let changed = config.clone().with(name, other.clone());
            if build(bench, registry, &changed).is_ok() {
                return Verdict::Fails(format!(
                    "the constructor takes {other:?} for `{name}`, which is {value:?}: read it with the method of `Config` for its type"
                ));
            }
        }
    }
    Verdict::Holds
}
