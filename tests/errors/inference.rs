//! Batches that do not suit a model.

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;

use crate::common::{Outcome, error_of};
use crate::{data, model, not_finite};

fn input_error<V>(result: Result<V, Error>, what: &str) -> InputError {
    match error_of(result, what) {
        Error::Input(error) => error,
        other => panic!("{what}: {other:?}"),
    }
}

#[test]
fn another_number_of_features() {
    let model = model();
    let wrong = DMatrix::<f64>::zeros(7, 4);
    let expected = InputError::Features { expected: 6, found: 7, transposed: false };
    assert_eq!(input_error(model.encode(&wrong), "7"), expected);
    assert_eq!(input_error(model.reconstruct(&wrong), "7"), expected);
    assert_eq!(input_error(model.reconstruction_error(&wrong), "7"), expected);
    assert_eq!(input_error(model.reconstruction_error_per_feature(&wrong), "7"), expected);
    assert_eq!(input_error(model.activations("encoder.0", &wrong), "7"), expected);
    assert_eq!(
        input_error(model.network().forward(&mut model.network().tape(4).unwrap(), &wrong, None, 0), "7"),
        expected
    );
    let error = input_error(model.decode(&wrong), "7 where a code has 3");
    assert_eq!(error, InputError::Features { expected: 3, found: 7, transposed: false });
    assert!(matches!(input_error(model.encode(&[][..]), "an empty slice"), InputError::Features { found: 0, .. }));
}

#[test]
fn samples_as_rows() {
    let rows = data(100).transpose().columns(0, 6).clone_owned();
    assert_eq!(rows.shape(), (100, 6));
    let error = input_error(model().encode(&rows), "rows");
    assert_eq!(error, InputError::Features { expected: 6, found: 100, transposed: true });
    let text = "expected 6 features in each sample, found 100; samples are columns here: transpose a matrix that has them as rows";
    assert_eq!(error.to_string(), text);
    let error = error_of(Trainer::new(Mse, Adam::default()).fit(&mut model(), &rows), "rows");
    assert!(error.to_string().contains("transpose"), "{error}");
}

#[test]
fn numbers_that_are_not_finite() -> Outcome {
    let model = model();
    let kinds = [NonFinite::Nan, NonFinite::Infinity, NonFinite::NegativeInfinity];
    for (value, kind) in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].into_iter().zip(kinds) {
        let mut data = data(40);
        (data[(4, 31)], data[(2, 33)]) = (value, value);
        let expected = not_finite(31, 4, kind);
        assert_eq!(input_error(model.encode(&data), "NaN"), expected);
        assert_eq!(input_error(model.reconstruct_with(&mut model.workspace(40)?, &data), "NaN"), expected);
        assert_eq!(input_error(model.reconstruction_error(&data), "NaN"), expected);
        let forward = model.network().forward(&mut model.network().tape(40)?, &data, None, 0).map(<[f64]>::to_vec);
        match error_of(forward, "NaN") {
            Error::Input(error) | Error::Data(DataError::Input(error)) => assert_eq!(error, expected),
            other => panic!("{other:?}"),
        }
        let evaluated = error_of(model.evaluate(&Mse, &data), "NaN");
        assert!(matches!(&evaluated, Error::Data(DataError::Input(error)) if *error == expected), "{evaluated:?}");
        let fitted = error_of(StandardScaler::fit(&data), "NaN");
        assert!(matches!(&fitted, DataError::Input(error) if *error == expected), "{fitted:?}");
    }
    Ok(())
}

/// What the value is, where it stands (in the order of the caller's data), and what to do.
#[test]
fn a_value_that_is_not_finite_is_named_with_its_place() {
    let (good, mut bad) = (data(40), data(40));
    (bad[(4, 31)], bad[(2, 33)]) = (f64::NEG_INFINITY, f64::NAN);
    let to_do = "expected a finite number; fill or mask missing cells first (features and samples are counted from 0)";
    let error = error_of(model().encode(&bad), "an infinite value");
    assert_eq!(error.to_string(), format!("feature 4 of sample 31 is -infinite, {to_do}"));
    let error = error_of(model().evaluate_to(&Mse, &good, &bad), "an infinite target");
    assert_eq!(error.to_string(), format!("feature 4 of target 31 is -infinite, {to_do}"));
    let error = error_of(MinMaxScaler::fit(&bad.columns(32, 8)), "NaN");
    assert_eq!(error.to_string(), format!("feature 2 of sample 1 is NaN, {to_do}"));
}

/// A sample beyond the first 256 is named by its place in the whole.
#[test]
fn the_place_is_that_in_the_whole() {
    let mut data = data(700);
    data[(1, 600)] = f64::NAN;
    let expected = not_finite(600, 1, NonFinite::Nan);
    assert_eq!(input_error(model().encode(&data), "NaN"), expected);
    assert_eq!(input_error(model().reconstruction_error(&data), "NaN"), expected);
    assert_eq!(input_error(model().reconstruction_error_per_feature(&data), "NaN"), expected);
}

#[test]
fn nothing_at_all() -> Outcome {
    let model = model();
    let none = DMatrix::<f64>::zeros(6, 0);
    assert_eq!(model.encode(&none)?.shape(), (3, 0));
    assert_eq!(model.reconstruct(&none)?.shape(), (6, 0));
    assert!(model.reconstruction_error(&none)?.is_empty());
    assert!(matches!(input_error(model.evaluate(&Mse, &none), "no samples"), InputError::Empty));
    assert!(matches!(input_error(model.workspace(0), "no samples"), InputError::Empty));
    assert!(matches!(input_error(model.network().tape(0), "no samples"), InputError::Empty));
    let mut tape = model.network().tape(3)?;
    assert!(matches!(input_error(model.network().forward(&mut tape, &none, None, 0), "no samples"), InputError::Empty));
    assert_eq!(Batch::from_slice(&[0.0; 7], 3).unwrap_err(), InputError::Ragged { elements: 7, features: 3 });
    assert_eq!(Batch::<f64>::from_slice(&[], 0).unwrap_err(), InputError::Ragged { elements: 0, features: 0 });
    assert!(matches!(error_of(StandardScaler::fit(&none), "no samples"), DataError::Input(InputError::Empty)));
    assert!(matches!(error_of(MinMaxScaler::fit(&none), "no samples"), DataError::Input(InputError::Empty)));
    assert!(matches!(
        error_of(Scaler::new(vec![0.0], vec![0.0]), "a scale of 0"),
        InputError::UnusableScale { feature: 0, .. }
    ));
    assert!(matches!(error_of(Scaler::new(vec![0.0], vec![]), "no scale"), InputError::Length { .. }));
    Ok(())
}

#[test]
fn workspaces_without_bounds() {
    let model = model();
    for samples in [usize::MAX, usize::MAX / 8, 1 << 40] {
        let too_large = |error: Error| assert!(error.to_string().contains("passes the limit"), "{error}");
        too_large(error_of(model.workspace(samples), "too many samples"));
        too_large(error_of(model.network().tape(samples), "too many samples"));
        too_large(error_of(model.network().tape_with_input_gradient(samples), "too many samples"));
    }
}

#[test]
fn explicit_passes() -> Outcome {
    let network = model().network().clone();
    let mut tape = network.tape(4)?;
    network.forward(&mut tape, &data(4), None, 0)?;
    let mut gradients = vec![0.0; network.parameter_count()];
    let error = input_error(network.backward(&mut tape, &[0.0; 23], &mut gradients), "23 slopes");
    assert_eq!(error, InputError::Length { what: "output gradients", expected: 24, found: 23 });
    let error = input_error(network.backward(&mut tape, &[0.0; 24], &mut gradients[1..]), "too few gradients");
    assert!(matches!(error, InputError::Length { what: "gradients", .. }), "{error}");
    let shape = Shape::flat(2);
    assert!(matches!(LossPass::new(shape, &[0.0; 4], &[0.0; 2]), Err(LossError::Lengths { .. })));
    assert!(matches!(LossPass::new(shape, &[0.0; 3], &[0.0; 3]), Err(LossError::Samples { .. })));
    assert!(matches!(LossPass::new(Shape::flat(0), &[0.0; 3], &[0.0; 3]), Err(LossError::Samples { .. })));
    let mut three = [0.0; 3];
    let refused = LossPass::new(shape, &[0.0; 4], &[0.0; 4])?.gradient(1.0, &mut three);
    assert!(matches!(refused, Err(LossError::Lengths { predictions: 4, targets: 3 })));
    let (mut parameters, mut slot) = ([0.0; 3], [0.0; 2]);
    let slots = || -> [&mut [f64]; MAX_SLOTS] { Default::default() };
    assert_eq!(Update::new(&Adam::default(), 0, 0.1, &mut parameters, &[0.0; 3], slots()).unwrap_err().option, "step");
    assert_eq!(
        Update::new(&Adam::default(), 1, 0.1, &mut parameters, &[0.0; 2], slots()).unwrap_err().option,
        "gradients"
    );
    let short = [&mut slot[..], &mut [], &mut [], &mut []];
    assert_eq!(Update::new(&Adam::default(), 1, 0.1, &mut parameters, &[0.0; 3], short).unwrap_err().option, "slot");
    Ok(())
}

/// Reshapes alone are a network, if not a useful one.
#[test]
fn a_network_that_only_renames() -> Outcome {
    let builder = Autoencoder::<f64>::builder(Shape::image(3, 2, 1)).encoder(Flatten);
    let mut model = builder.decoder(Reshape::new(Shape::image(1, 3, 2))).build()?;
    let data = data(20);
    assert_eq!(model.encode(&data)?, data);
    assert_eq!(model.reconstruct(&data)?, data);
    assert_eq!(model.evaluate(&Mse, &data)?, 0.0);
    let history = Trainer::new(Mse, Adam::default()).validation_fraction(0.5).fit(&mut model, &data)?;
    assert_eq!((history.loss(), history.validation_loss()), (Some(0.0), Some(0.0)));
    Ok(())
}
