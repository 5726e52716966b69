//! Layers of the user's own that ask for anything.

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;
use proptest::prelude::*;
use proptest::sample::select;

use super::{all_finite, any_shape, few_or_too_many, finite_only_if, name, number, row, taken_if, taken_only_if};
use crate::Row;
use crate::properties::{Judgement, holds, initializer, require};

pub fn rows() -> Vec<Row> {
    vec![row("layers of the user's own", || holds(3000, (strange(), neighbour()), is_built_or_says_why))]
}

/// A layer that asks for anything, and does little.
#[derive(Debug, Clone)]
struct Strange {
    kind: &'static str,
    output: Option<Shape>,
    /// Prepared for both ways, cache, scratch, side input, statistics of both ways, work.
    sizes: [usize; 8],
    parameters: Vec<Tensor>,
    states: Vec<(&'static str, usize, f64)>,
    flags: [bool; 5],
    /// What it writes everywhere.
    number: f64,
    setting: Value,
}

#[derive(Debug, Clone)]
struct Tensor {
    name: &'static str,
    shape: Vec<usize>,
    initializer: Initializer,
    regularizer: Option<Regularizer>,
    shared: Option<String>,
}

fn strange() -> impl Strategy<Value = Strange> {
    let sizes = proptest::array::uniform8(prop_oneof![9 => 0_usize..9, 1 => few_or_too_many()]);
    let small = [Shape::flat(3), Shape::flat(4), Shape::image(2, 1, 2), Shape::image(2, 2, 1)];
    // A shape that can be had is had, whatever it takes.
    let affordable = |shape: &Shape| shape.elements() <= 64 || shape.checked().is_err();
    let huge = any_shape().prop_map(move |shape| if affordable(&shape) { shape } else { Shape::flat(0) });
    let output = proptest::option::of(prop_oneof![4 => select(small.to_vec()), 1 => huge]);
    let number = prop_oneof![4 => -1.0..1.0_f64, 1 => number()];
    let state = (select(vec!["", "mean", "weight"]), few_or_too_many(), number.clone());
    let kinds = select(vec!["strange", "", "crop", "\"}"]);
    let parts =
        (kinds, output, sizes, proptest::collection::vec(tensor(), 0..3), proptest::collection::vec(state, 0..2));
    let others = (any::<[bool; 5]>(), number, setting());
    (parts, others).prop_map(|((kind, output, sizes, parameters, states), (flags, number, setting))| Strange {
        kind,
        output,
        sizes,
        parameters,
        states,
        flags,
        number,
        setting,
    })
}

fn tensor() -> impl Strategy<Value = Tensor> {
    let dimension = prop_oneof![9 => 0_usize..5, 1 => few_or_too_many()];
    let options = (
        initializer(prop_oneof![4 => -1.0..1.0_f64, 1 => number()].boxed()),
        proptest::option::weighted(0.2, (number(), number()).prop_map(|(l1, l2)| Regularizer::l1_l2(l1, l2))),
        proptest::option::weighted(0.2, name()),
    );
    let names = select(vec!["weight", "bias", "", "mean", "a.b"]);
    (names, proptest::collection::vec(dimension, 0..6), options).prop_map(
        |(name, shape, (initializer, regularizer, shared))| Tensor { name, shape, initializer, regularizer, shared },
    )
}

/// Settings that are nested too deep, too many, or fine.
fn setting() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => Just(Value::Boolean(true)),
        1 => number().prop_map(Value::Number),
        1 => (0_usize..40).prop_map(|depth| (0..depth).fold(Value::Boolean(true), |inner, _| Value::List(vec![inner]))),
        1 => select(vec![10, 1000, 20_000]).prop_map(|count| Value::List(vec![Value::Integer(0); count])),
        1 => select(vec![10, 300_000]).prop_map(|length| Value::Text("a".repeat(length))),
    ]
}

impl Layer<f64> for Strange {
    fn kind(&self) -> &'static str {
        self.kind
    }

    fn config(&self) -> Config {
        Config::new().with("setting", self.setting.clone())
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        let [packed, packed_backward, cache, scratch, side, forward, backward, work] = self.sizes;
        let mut plan = Plan::new(self.output.unwrap_or(input))
            .packed(packed)
            .packed_backward(packed_backward)
            .cache_per_sample(cache)
            .scratch(scratch)
            .side_input(if self.flags[4] { side } else { 0 })
            .forward_statistics(forward)
            .backward_statistics(backward)
            .work_per_sample(work)
            .penalty("")
            .diagnostic("diagnostic");
        for tensor in &self.parameters {
            let spec =
                ParameterSpec::new(tensor.name, &tensor.shape, tensor.initializer).regularizer(tensor.regularizer);
            plan = plan.parameter(tensor.shared.iter().cloned().fold(spec, ParameterSpec::shared_with));
        }
        for (name, elements, initial) in &self.states {
            plan = plan.state(StateSpec::new(name, *elements, *initial));
        }
        let [activates, anneals, terms, ..] = self.flags;
        plan = if activates { plan.activation(Activation::Sigmoid) } else { plan };
        plan = if anneals { plan.annealing_epochs(self.number) } else { plan };
        Ok(if terms { plan.likelihood_terms() } else { plan })
    }

    fn forward(&self, context: &Context<'_, f64>, pass: Forward<'_, f64>) {
        assert!(context.parameters.of(usize::MAX).is_empty(), "a parameter that is not in the plan");
        pass.output.fill(self.number);
        for slice in [pass.cache, pass.scratch] {
            slice.fill(self.number);
        }
        pass.penalties.fill(self.number);
        pass.diagnostics.fill(self.number);
    }

    fn backward(&self, _context: &Context<'_, f64>, mut pass: Backward<'_, f64>) {
        assert!(pass.gradients.of(usize::MAX).is_empty(), "a gradient that is not in the plan");
        for index in 0..self.parameters.len() {
            pass.gradients.of(index).fill(self.number);
        }
        pass.output_gradient.fill(self.number);
        pass.scratch.fill(f64::NAN);
        if let Some(gradient) = pass.input_gradient {
            gradient.fill(self.number);
        }
    }

    fn packing(&self) -> Option<&dyn Packing<f64>> {
        self.flags[3].then_some(self)
    }

    fn batch_statistics(&self) -> Option<&dyn BatchStatistics<f64>> {
        self.flags[3].then_some(self)
    }

    fn mirror(&self) -> Option<&dyn Mirror<f64>> {
        Some(self)
    }
}

impl Packing<f64> for Strange {
    fn pack(&self, _: Shape, _: Parameters<'_, f64>, packed: &mut [f64]) {
        packed.fill(self.number);
    }

    fn pack_backward(&self, _: Shape, _: Parameters<'_, f64>, _: &[f64], packed_backward: &mut [f64]) {
        packed_backward.fill(self.number);
    }
}

impl BatchStatistics<f64> for Strange {
    fn forward_sums(&self, _: &Context<'_, f64>, _: &[f64], sums: &mut [f64]) {
        sums.fill(self.number);
    }

    fn backward_sums(&self, _: &Context<'_, f64>, _: BackwardSums<'_, f64>, sums: &mut [f64]) {
        sums.fill(self.number);
    }

    fn update_state(&self, _: &Context<'_, f64>, state: &mut [f64]) {
        state.fill(self.number);
    }
}

impl Mirror<f64> for Strange {
    fn mirrored(&self, _: Shape, _: MirrorOutput) -> Option<Vec<std::sync::Arc<dyn Layer<f64>>>> {
        self.flags[1].then(Vec::new)
    }

    fn mirrored_tied(&self, _: &str, _: Shape, _: MirrorOutput) -> Option<Vec<std::sync::Arc<dyn Layer<f64>>>> {
        self.flags[1].then(|| vec![std::sync::Arc::new(self.clone()) as std::sync::Arc<dyn Layer<f64>>])
    }
}

/// What stands behind the strange layer.
fn neighbour() -> impl Strategy<Value = usize> {
    0_usize..5
}

fn with_neighbour(builder: NetworkBuilder<f64>, strange: &Strange, neighbour: usize) -> NetworkBuilder<f64> {
    match neighbour {
        0 => builder,
        1 => builder.layer(strange.clone()),
        2 => builder.layer(Conv2D::new(1, 2)),
        3 => builder.layer(Dense::new(2).tied_to("layers.0")),
        _ => builder.layer(BatchNorm::new()).layer(UpSample::new(2)).layer(Conv2D::new(2, 3)),
    }
}

/// The network is refused, or works: in inference, in training, and after it was saved and loaded.
fn is_built_or_says_why((strange, neighbour): (Strange, usize)) -> Judgement {
    let input = Shape::image(2, 2, 1);
    let built = with_neighbour(Network::builder(input).layer(strange.clone()), &strange, neighbour).build();
    let halves = Autoencoder::<f64>::builder(input).encoder(strange.clone());
    let halves =
        if neighbour % 2 == 0 { halves.mirror(Activation::Tanh) } else { halves.mirror_tied(Activation::Tanh) };
    if let Some(model) = taken_only_if(true, "an autoencoder", halves.build())? {
        taken_if(false, "a model that draws nothing", model.sample(2, 1))?;
        for (half, first) in [(model.encoder(), "encoder.0"), (model.decoder().unwrap(), "decoder.0")] {
            require(half.summary().to_string().contains(first), "a summary without its layer")?;
        }
    }
    let mut network = match built {
        Ok(network) => network,
        Err(error) => return require(!error.to_string().is_empty(), "an error without words"),
    };
    require(all_finite(&network), "a number of a new network is not finite")?;
    require(network.summary().to_string().contains("layers.0"), "a summary without its layer")?;
    works(&mut network)?;
    let mut bytes = Vec::new();
    let written = network.write_to(&mut bytes).is_ok();
    let registry = Registry::default().register(strange.kind, move |_| Ok(strange.clone()));
    let loaded = Network::from_bytes_with(&bytes, &registry);
    require(!written || loaded.is_ok(), format!("what was saved cannot be loaded: {:?}", loaded.err()))
}

/// Everything that a network does, with a side input where it may want one: finite numbers, or a
/// reason.
fn works(network: &mut Network<f64>) -> Judgement {
    let (data, side) = (DMatrix::from_element(4, 9, 0.5), DMatrix::from_element(5, 9, 0.5));
    let targets = DMatrix::from_element(network.output_shape().elements(), 9, 0.5);
    for batch in [Batch::from(&data), Batch::from(&data).with_side(&side)] {
        let shape = (network.output_shape().elements(), 9);
        finite_only_if(true, "a batch", network.predict(batch), shape)?;
        let activity = taken_only_if(true, "a batch", network.activity("layers.0", batch))?;
        let finite = activity.is_none_or(|activity| activity.means.iter().all(|mean| mean.is_finite()));
        require(finite, "a mean activity is not finite")?;
        let loss = taken_only_if(shape.0 == 4, "inputs as targets", network.evaluate(&Mse, &batch))?;
        require(loss.is_none_or(|loss| loss >= 0.0), format!("the loss is {loss:?}"))?;
        if let Ok(mut tape) = network.tape_with_input_gradient(9) {
            let mut gradients = vec![0.0; network.parameter_count()];
            let outputs = network.forward(&mut tape, batch, Some(Activation::Linear), 0).map(<[f64]>::to_vec);
            if let Some(outputs) = taken_only_if(true, "a batch", outputs)? {
                require(outputs.len() == 9 * shape.0, "outputs of another size")?;
                taken_if(true, "a gradient", network.backward(&mut tape, &outputs, &mut gradients))?;
            }
        }
        taken_only_if(true, "targets", network.evaluate_metric(Accuracy, &batch, &targets))?;
        let nats = Mse.reduction(Reduction::SumPerSample);
        let mut trainer = Trainer::new(nats, Sgd::new(0.1)).metric(Accuracy).batch_size(5);
        taken_only_if(true, "targets", trainer.fit_to(network, &batch, &targets))?;
        require(all_finite(network), "a number is not finite after training")?;
    }
    Ok(())
}
