//! A layer with a second input: a decoder that is told the label.

use autoencoder::*;

use crate::common::gradient::{Case, Check, weighted};
use crate::common::{Numbers, Outcome, bits, error_of};
use crate::{SAMPLES, descent};
use autoencoder::nalgebra::DMatrix;

/// Appends the side input to each sample.
#[derive(Debug)]
struct Condition {
    classes: usize,
}

impl<T: Scalar> Layer<T> for Condition {
    fn kind(&self) -> &'static str {
        "condition"
    }

    fn config(&self) -> Config {
        Config::new().with("classes", self.classes)
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        Ok(Plan::new(Shape::flat(input.elements() + self.classes)).side_input(self.classes))
    }

    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        let features = context.input_shape.elements();
        let samples = pass.input.chunks_exact(features).zip(pass.side.chunks_exact(self.classes));
        for (output, (input, side)) in pass.output.chunks_exact_mut(features + self.classes).zip(samples) {
            let (head, tail) = output.split_at_mut(features);
            head.copy_from_slice(input);
            tail.copy_from_slice(side);
        }
    }

    fn backward(&self, context: &Context<'_, T>, pass: Backward<'_, T>) {
        let features = context.input_shape.elements();
        let Some(input_gradient) = pass.input_gradient else { return };
        let gradients = pass.output_gradient.chunks_exact(features + self.classes);
        for (to, from) in input_gradient.chunks_exact_mut(features).zip(gradients) {
            to.copy_from_slice(&from[..features]);
        }
    }
}

/// Codes of 2 numbers, decoded with a label of 3 classes.
fn model() -> Result<Autoencoder<f64>, BuildError> {
    Autoencoder::builder(Shape::flat(30))
        .encoder(Dense::new(2).activation(Activation::Tanh))
        .decoder(Condition { classes: 3 })
        .decoder(Dense::new(64).activation(Activation::Relu))
        .decoder(Dense::new(30))
        .build()
}

/// Noise around one of three patterns, and which.
fn data() -> (DMatrix<f64>, DMatrix<f64>) {
    let mut random = Numbers::new(21);
    let patterns: DMatrix<f64> = random.matrix(30, 3);
    let labels: Vec<usize> = (0..SAMPLES).map(|_| random.below(3)).collect();
    let samples = DMatrix::from_fn(30, SAMPLES, |row, column| patterns[(row, labels[column])] + 0.05 * random.unit());
    let side = DMatrix::from_fn(3, SAMPLES, |row, column| if labels[column] == row { 1.0 } else { 0.0 });
    (samples, side)
}

#[test]
fn gradients_pass_through() -> Outcome {
    for samples in [1, 6, 40] {
        let mut random = Numbers::new(9);
        let objective = weighted(&mut random, 30 * samples);
        let mut case = Case::new(model()?.network().clone(), samples, &objective, &mut random);
        case.side = Some(random.matrix(3, samples));
        case.check(&mut random).check("condition");
    }
    Ok(())
}

#[test]
fn it_learns_from_a_batch_with_labels() -> Outcome {
    let (samples, side) = data();
    let batch = Batch::from(&samples).with_side(&side);
    let train = |threads| -> Result<Vec<u64>, Error> {
        let mut model = model()?;
        let before = model.evaluate(&Mse, &batch)?;
        descent().epochs(20).threads(threads).validation(&batch).fit(&mut model, &batch)?;
        assert!(model.evaluate(&Mse, &batch)? < 0.5 * before);
        let others = DMatrix::from_fn(3, SAMPLES, |row, column| side[((row + 1) % 3, column)]);
        let told = model.reconstruction_error(batch)?.iter().sum::<f64>();
        let misled = model.reconstruction_error(Batch::from(&samples).with_side(&others))?.iter().sum::<f64>();
        assert!(told < misled, "{told} with the right labels, {misled} with others");
        Ok(bits(model.network().parameter_vector()))
    };
    let one = train(1)?;
    assert!([2, 3, 4, 7].into_iter().all(|threads| train(threads).is_ok_and(|bits| bits == one)));
    Ok(())
}

#[test]
fn a_subset_keeps_the_labels_and_a_fraction_is_held_back() -> Outcome {
    let (samples, side) = data();
    let batch = Batch::from(&samples).with_side(&side);
    let subset = Subset::new(&batch, 100..SAMPLES)?;
    let model = model()?;
    let columns = (samples.columns(100, SAMPLES - 100), side.columns(100, SAMPLES - 100));
    let part = Batch::from(&columns.0).with_side(&columns.1);
    assert_eq!(model.evaluate(&Mse, &subset)?, model.evaluate(&Mse, &part)?);
    let history = descent().validation_fraction(0.2).fit(&mut model.clone(), &batch)?;
    assert!(history.validation_loss().is_some());
    Ok(())
}

/// Of training and of validation data.
#[test]
fn other_labels_are_not_resumed_with() -> Outcome {
    let (samples, side) = data();
    let others = DMatrix::from_fn(3, SAMPLES, |row, column| side[((row + 1) % 3, column)]);
    let (right, wrong) = (Batch::from(&samples).with_side(&side), Batch::from(&samples).with_side(&others));
    let name = format!("autoencoder-{}-labels", std::process::id());
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let fit = |data: &Batch<'_, f64>, judged: &Batch<'_, f64>| {
        descent().epochs(1).validation(judged).resume_or_start(&folder).fit(&mut model()?, data)
    };
    fit(&right, &right)?;
    let error = error_of(fit(&wrong, &right), "other labels").to_string();
    assert!(error.contains("the side inputs are not those that it was written with"), "{error}");
    let error = error_of(fit(&right, &wrong), "other labels").to_string();
    assert!(error.contains("the validation side inputs are not those"), "{error}");
    fit(&right, &right)?;
    std::fs::remove_dir_all(folder)?;
    Ok(())
}

/// The encoder does not ask for a label; the decoder and the whole do.
#[test]
fn it_is_asked_for_where_it_is_needed() -> Outcome {
    let (samples, side) = data();
    let model = model()?;
    let codes = model.encode(&samples)?;
    let with = Batch::from(&codes).with_side(&side);
    assert_eq!(model.decode(with)?, model.reconstruct(Batch::from(&samples).with_side(&side))?);
    assert_eq!(model.decoder()?.predict(with)?, model.decode(with)?);
    assert_eq!(model.encoder().predict(&samples)?, codes);
    let missing = InputError::SideInput { expected: 3, samples: SAMPLES, found: 0, found_samples: SAMPLES };
    for error in [
        error_of(model.decode(&codes), "no labels"),
        error_of(model.reconstruct(&samples), "no labels"),
        error_of(model.network().forward(&mut model.network().tape(SAMPLES)?, &samples, None, 0), "no labels"),
    ] {
        assert!(matches!(&error, Error::Input(found) if *found == missing), "{error}");
    }
    let few = side.columns(0, 3);
    let error = error_of(model.decode(Batch::from(&codes).with_side(&few)), "three labels");
    let text = "expected 3 side features for each of 150 samples, found 3 x 3; give them with `Batch::with_side`";
    assert!(error.to_string().starts_with(text), "{error}");
    let error = error_of(descent().fit(&mut model.clone(), &samples), "no labels");
    assert!(error.to_string().contains("expected 3 side features"), "{error}");
    Ok(())
}

/// A variational model that is told the label finds data with their own labels likelier than with
/// others.
#[test]
fn a_conditional_model_is_judged_with_its_labels() -> Outcome {
    let mut model = Autoencoder::<f64>::builder(Shape::flat(30))
        .encoder(Dense::new(4))
        .encoder(GaussianLatent::new())
        .decoder(Condition { classes: 3 })
        .decoder(Dense::new(30))
        .build()?;
    let (samples, labels) = data();
    let others = DMatrix::from_fn(3, SAMPLES, |row, column| labels[((row + 1) % 3, column)]);
    let (right, wrong) = (Batch::from(&samples).with_side(&labels), Batch::from(&samples).with_side(&others));
    let loss = GaussianNll::new(0.05);
    Trainer::new(loss, Adam::new(0.01)).epochs(30).batch_size(30).fit(&mut model, &right)?;
    let mean = |data| -> Result<f64, Error> {
        Ok(model.log_likelihood(&loss, data, 50, 1)?.iter().sum::<f64>() / SAMPLES as f64)
    };
    let (right, wrong) = (mean(&right)?, mean(&wrong)?);
    assert!(right > wrong + 1.0, "{right} with their labels, {wrong} with others");
    let error = error_of(model.log_likelihood(&loss, &samples, 1, 1), "without labels").to_string();
    assert!(error.starts_with("expected 3 side features for each of "), "{error}");
    Ok(())
}

/// A row whose side input is NaN has no score; the others have theirs.
#[test]
fn a_bad_side_input_costs_only_its_row() -> Outcome {
    let (samples, mut side) = data();
    let model = model()?;
    let expected = model.reconstruction_error(Batch::from(&samples).with_side(&side))?;
    side[(1, 5)] = f64::NAN;
    for (row, score) in model.scores(Batch::from(&samples).with_side(&side))?.into_iter().enumerate() {
        assert_eq!(score.ok(), Some(expected[row]).filter(|_| row != 5), "row {row}");
    }
    let few = side.columns(0, SAMPLES - 1);
    let error = error_of(model.scores(Batch::from(&samples).with_side(&few)), "too few labels");
    assert!(matches!(error, Error::Input(InputError::SideInput { .. })), "{error}");
    Ok(())
}
