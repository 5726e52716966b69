//! Names that lead nowhere, and shapes that do not fit.

use autoencoder::*;

use crate::common::error_of;

fn flat() -> NetworkBuilder<f32> {
    Network::builder(Shape::flat(4)).layer_named("wide", Dense::new(4))
}

fn says(builder: NetworkBuilder<f32>, layer: &str, parts: &[&str]) {
    let error = error_of(builder.build(), layer);
    assert_eq!(error.layer(), layer, "{error}");
    parts.iter().for_each(|part| assert!(error.to_string().contains(part), "`{part}` is not in: {error}"));
}

#[test]
fn a_name_that_does_not_exist_lists_those_that_do() {
    says(flat().layer(Add::with("wide")), "layers.1", &["`wide`, which does not exist", "`input`, `layers.wide`"]);
}

#[test]
fn a_name_that_comes_later_is_said_to() {
    says(flat().layer(Add::with("layers.2")).layer(Dense::new(4)), "layers.1", &["`layers.2`, which comes later"]);
    says(flat().layer(Add::with("layers.1")), "layers.1", &["comes later, or contains it"]);
    let within = Block::new().layer(Dense::new(4)).layer(Add::with("layers.1"));
    says(flat().layer(within), "layers.1.1", &["`layers.1`, which comes later, or contains it"]);
}

#[test]
fn of_many_names_the_last_are_listed() {
    let deep = (0..30).fold(flat(), |builder, _| builder.layer(Dense::new(4)));
    let error = error_of(deep.layer(Add::with("stem")).build(), "a name that does not exist").to_string();
    assert!(error.contains("`layers.30`") && !error.contains("`layers.5`") && error.len() < 400, "{error}");
}

#[test]
fn shapes_that_do_not_fit_are_named() {
    says(flat().layer(Dense::new(3)).layer(Add::with("layers.wide")), "layers.2", &["shape 4", "one of 3"]);
    says(flat().layer(Dense::new(3)).layer(Multiply::with("input")), "layers.2", &["same shape"]);
    let images = || Network::<f32>::builder(Shape::image(4, 4, 2)).layer(MaxPool::new(2));
    says(images().layer(Concatenate::with("input")), "layers.1", &["4 x 4 x 2", "2 x 2 x 2"]);
    says(images().layer(Concatenate::with("layers.0").axis(3)), "layers.1", &["have the axis"]);
}

#[test]
fn names_are_taken_once() {
    says(flat().layer_named("wide", Dense::new(4)), "layers.wide", &["has this name"]);
    says(flat().layer(Dense::new(4)).layer_named("1", Dense::new(4)), "layers.1", &["has this name"]);
}

#[test]
fn a_layer_joins_at_least_one_value_and_at_most_seven() {
    says(flat().layer(Add::default()), "layers.1", &["joins no other value"]);
    says(flat().layer(Multiply::default()), "layers.1", &["joins no other value"]);
    says(flat().layer(Concatenate::default()), "layers.1", &["joins no other value"]);
    let of = |count: usize| (1..count).fold(Add::with("input"), |add, _| add.and("input"));
    assert!(flat().layer(of(MAX_JOINED)).build().is_ok());
    says(flat().layer(of(MAX_JOINED + 1)), "layers.1", &["8 values", "7 are the most"]);
}

#[test]
fn a_block_and_a_layer_have_different_names() {
    let wide = || Block::new().layer(Dense::new(4));
    says(flat().layer_named("wide", wide()), "layers.wide", &["has this name"]);
    let twice = Network::<f32>::builder(Shape::flat(4)).layer_named("a", Block::new().named("x", Dense::new(4)));
    says(twice.layer_named("a", Block::new().named("y", Dense::new(4))), "layers.a", &["has this name"]);
    let within = Block::new().layer(Dense::new(4)).named("0", Dense::new(4));
    says(flat().layer(Block::new().named("outer", within)), "layers.1.outer.0", &["has this name"]);
}

#[test]
fn names_that_could_be_taken_for_others_are_refused() {
    for name in ["", "a.b", ".", "input"] {
        let error = error_of(flat().layer_named(name, Dense::new(4)).build(), name).to_string();
        assert!(error.contains("cannot be named"), "{error}");
    }
    says(flat().layer(Block::new().named("input", Dense::new(4))), "layers.1.input", &["cannot be named"]);
}

/// Takes what it joins for granted, and says nothing of it in its plan.
#[derive(Debug)]
struct Careless(Vec<String>);

impl<T: Scalar> Layer<T> for Careless {
    fn kind(&self) -> &'static str {
        "careless"
    }

    fn config(&self) -> Config {
        Config::new()
    }

    fn joins(&self) -> &[String] {
        &self.0
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        Ok(Plan::new(input))
    }

    fn forward(&self, _context: &Context<'_, T>, pass: Forward<'_, T>) {
        pass.output.copy_from_slice(pass.input);
    }

    fn backward(&self, _context: &Context<'_, T>, pass: Backward<'_, T>) {
        pass.input_gradient.into_iter().for_each(|gradient| gradient.copy_from_slice(pass.output_gradient));
    }
}

#[test]
fn a_plan_that_does_not_take_what_the_layer_joins_is_refused() {
    says(flat().layer(Careless(vec!["input".to_owned()])), "layers.1", &["join 1 values", "Plan::joined(1)"]);
    assert!(flat().layer(Careless(Vec::new())).build().is_ok());
}
