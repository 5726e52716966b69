//! Finite samples whose results are not: a score is infinite then, anything else an error that
//! names sample and layer; and bad rows that cost only themselves.

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;

use crate::common::{Numbers, Outcome, activations, bits, error_of};

/// What a sample, a layer and the message must be.
#[track_caller]
fn names<V>(result: Result<V, Error>, sample: usize, layer: &str) {
    let error = error_of(result, layer);
    match &error {
        Error::Input(InputError::Output { sample: found, layer: of, .. }) => {
            assert_eq!((*found, of.as_str()), (sample, layer))
        }
        _ => panic!("{error}"),
    }
    let text = error.to_string();
    assert!(text.contains(&format!("`{layer}`")) && text.contains(&format!("sample {sample}")), "{text}");
    assert!(text.contains("scale the data"), "{text}");
}

/// Rasters write f32::MIN where they have no data.
fn no_data(column: usize) -> DMatrix<f32> {
    let mut data = Numbers::new(1).matrix::<f32>(64, 300);
    data.column_mut(column).fill(f32::MIN);
    data
}

fn raster_model() -> Result<Autoencoder<f32>, BuildError> {
    let relu = Dense::new(16).activation(Activation::Relu);
    Autoencoder::builder(Shape::flat(64)).encoder(relu).encoder(Dense::new(4)).mirror(Activation::Linear).build()
}

/// Of all 300 samples one overflows, in whichever part of a batch it is.
#[test]
fn no_result_is_nan_for_finite_input() -> Outcome {
    let model = raster_model()?;
    for column in [0, 7, 270, 299] {
        let data = no_data(column);
        let layer = "encoder.0";
        names(model.encode(&data), column, layer);
        names(model.reconstruct(&data), column, layer);
        names(model.network().predict(&data), column, layer);
        names(model.encoder().predict(&data), column, layer);
        names(model.activations("encoder.0", &data), column, layer);
        names(model.activations("decoder.1", &data), column, layer);
        names(model.reconstruction_error(&data), column, layer);
        names(model.scaled_reconstruction_error(&data), column, layer);
        names(model.reconstruction_error_per_feature(&data), column, layer);
        names(model.activity(&data), column, layer);
        names(model.network().activity("decoder.0", &data), column, layer);
        names(model.evaluate(&Mse, &data), column, layer);
        names(model.network().evaluate_metric(Accuracy, &data, &data), column, layer);
        let mut workspace = model.workspace(300)?;
        names(model.encode_with(&mut workspace, &data), column, layer);
        names(model.reconstruct_with(&mut workspace, &data), column, layer);
        names(model.reconstruction_error_with(&mut workspace, &data, &mut [0.0; 300]), column, layer);
        assert!(model.reconstruct_with(&mut workspace, &data.columns(1, 6)).is_ok(), "the workspace can be used again");
    }
    Ok(())
}

/// The layer that is named is the first, whether it runs alone or fused with another.
#[test]
fn the_first_layer_that_overflows_is_named() -> Outcome {
    let image = Shape::image(4, 4, 1);
    let build = || {
        Network::<f32>::builder(image)
            .layer(Conv2D::new(2, 1))
            .layer(UpSample::new(2))
            .layer(Conv2D::new(1, 3))
            .layer(Flatten)
    };
    for (huge, layer) in [("layers.0", "layers.0"), ("layers.2", "layers.2")] {
        let mut network = build().build()?;
        for of in ["layers.0", "layers.2"] {
            let name = format!("{of}.weight");
            let count = network.parameter(&name)?.values.len();
            network.set_parameter(&name, &vec![if of == huge { 3e38 } else { 1.0 }; count])?;
        }
        names(network.predict(&DMatrix::from_element(16, 1, 3.0)), 0, layer);
        names(network.activations("layers.3", &DMatrix::from_element(16, 1, 3.0)), 0, layer);
    }
    let mut model =
        Autoencoder::<f64>::builder(Shape::flat(3)).encoder(Dense::new(2)).decoder(Dense::new(3)).build()?;
    model.set_parameter("decoder.0.bias", &[f64::MAX; 3])?;
    model.set_parameter("decoder.0.weight", &[1.0; 6])?;
    let large = [f64::MAX, f64::MAX / 2.0];
    names(model.decode(&large[..]), 0, "decoder.0");
    names(model.decode_with(&mut model.workspace(1)?, &large[..]), 0, "decoder.0");
    names(model.interpolate(&[0.0, 0.0], &large, 5), 1, "decoder.0");
    names(model.interpolate_spherical(&[0.0, 1.0], &large, 5), 1, "decoder.0");
    names(model.traverse(&[0.0, 0.0], 1, 0.0..=f64::MAX, 4), 1, "decoder.0");
    Ok(())
}

/// A layer of the user's whose formula is NaN for 2.
#[derive(Debug)]
struct NanAtTwo;

impl<T: Scalar> Layer<T> for NanAtTwo {
    fn kind(&self) -> &'static str {
        "nan_at_two"
    }

    fn config(&self) -> Config {
        Config::new()
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        Ok(Plan::new(input))
    }

    fn forward(&self, _context: &Context<'_, T>, pass: Forward<'_, T>) {
        let two = T::from_f64(2.0);
        pass.output.iter_mut().zip(pass.input).for_each(|(to, from)| *to = if *from == two { T::nan() } else { *from });
    }

    fn backward(&self, _context: &Context<'_, T>, _pass: Backward<'_, T>) {}
}

#[test]
fn a_layer_of_ones_own_that_yields_nan_is_named() -> Outcome {
    let network = Network::<f64>::builder(Shape::flat(3)).layer(NanAtTwo).layer(Activation::Sigmoid).build()?;
    let mut data = DMatrix::from_element(3, 20, 1.0);
    data[(1, 13)] = 2.0;
    names(network.predict(&data), 13, "layers.0");
    let error = error_of(network.predict(&data), "NaN");
    assert!(error.to_string().contains("(nan_at_two)") && error.to_string().contains("is NaN"), "{error}");
    Ok(())
}

/// No layer of the crate's turns a NaN into a number, as a maximum may do that is written as a
/// choice; nor makes one of a huge finite number.
#[test]
fn a_nan_shows_through_every_layer() -> Outcome {
    let of = |activation: Activation| Network::<f32>::builder(Shape::image(6, 6, 1)).layer(NanAtTwo).layer(activation);
    let builders = activations().into_iter().map(of).chain([
        of(Activation::Linear).layer(AvgPool::new(2)),
        of(Activation::Linear).layer(UpSample::new(2).interpolation(Interpolation::Bilinear)),
        of(Activation::Linear).layer(Conv2D::new(3, 3)),
        of(Activation::Linear).layer(Conv2DTranspose::new(3, 3).stride(2)),
        of(Activation::Linear).layer(BatchNorm::new()),
        of(Activation::Linear).layer(Dense::new(7).activation(Activation::Relu)),
        of(Activation::Linear).layer(TopK::new(30)),
    ]);
    for builder in builders {
        let network = builder.build()?;
        for place in [0, 8, 35] {
            let mut data = DMatrix::from_element(36, 3, 1.0);
            data[(place, 1)] = 2.0;
            names(network.predict(&data), 1, "layers.0");
        }
        for share in [1.0, 0.5, -0.5, -1.0] {
            let outputs = network.predict(&DMatrix::from_element(36, 2, share * f32::MAX));
            assert!(outputs.is_err() || outputs?.iter().all(|output| output.is_finite()), "{}", network.summary());
        }
    }
    Ok(())
}

/// A variational model of two features whose first one, if large, makes every number of it
/// overflow.
fn variational() -> Result<Autoencoder<f32>, Error> {
    let mut model = Autoencoder::<f32>::builder(Shape::flat(2))
        .encoder(Dense::new(2))
        .encoder(GaussianLatent::new())
        .decoder(Dense::new(2))
        .build()?;
    model.set_parameter("encoder.0.weight", &[1.0, 0.0, 1.0, 0.0])?;
    model.set_parameter("decoder.0.weight", &[1e30, 1e30])?;
    Ok(model)
}

#[test]
fn no_result_of_a_variational_model_is_nan() -> Outcome {
    let (model, loss) = (variational()?, GaussianNll::default());
    let mut data = DMatrix::from_element(2, 300, 1e-30_f32);
    data[(0, 299)] = 1e20; // its code is finite, and its reconstruction is not
    names(model.elbo(&loss, &data, 3, 1), 299, "decoder.0");
    names(model.log_likelihood(&loss, &data, 3, 1), 299, "decoder.0");
    names(model.reconstruct(&data), 299, "decoder.0");
    assert!(model.latent_report(&data)?.kl[0] > 1e30);
    assert!(model.latent_report(&data)?.variance_of_mean[0].is_finite());
    data.column_mut(298).fill(3e38); // nor is its code
    names(model.elbo(&loss, &data, 3, 1), 298, "encoder.0");
    names(model.encode_distribution(&data), 298, "encoder.0");
    names(model.latent_report(&data), 298, "encoder.0");
    let mut model = variational()?;
    model.set_parameter("decoder.0.weight", &[f32::MAX, f32::MAX])?;
    let error = error_of(model.sample(50, 3), "codes above 1 overflow");
    assert!(matches!(&error, Error::Input(InputError::Output { layer, .. }) if layer == "decoder.0"), "{error}");
    Ok(())
}

/// A likelihood that is too small is 0, and so its logarithm −∞.
#[test]
fn a_likelihood_that_underflows_is_zero() -> Outcome {
    let mut model = Autoencoder::<f64>::builder(Shape::flat(2))
        .encoder(Dense::new(2))
        .encoder(GaussianLatent::new())
        .decoder(Dense::new(2))
        .build()?;
    model.set_parameter("encoder.0.weight", &[0.0; 4])?;
    let data = DMatrix::from_element(2, 3, 1e200);
    assert_eq!(model.log_likelihood(&GaussianNll::default(), &data, 5, 1)?, [f64::NEG_INFINITY; 3]);
    let bound = model.elbo(&GaussianNll::default(), &data, 5, 1)?;
    assert_eq!((bound.reconstruction, bound.value()), (f64::INFINITY, f64::NEG_INFINITY));
    Ok(())
}

/// A loss and a metric of the user's that are NaN for finite numbers.
#[derive(Debug, Clone, Copy)]
struct Undefined;

impl Loss<f64> for Undefined {
    fn kind(&self) -> &'static str {
        "undefined"
    }

    fn config(&self) -> Config {
        Config::new()
    }

    fn evaluate(&self, _pass: LossPass<'_, f64>) -> f64 {
        f64::NAN
    }

    fn is_log_likelihood(&self) -> bool {
        true
    }
}

impl Metric<f64> for Undefined {
    fn name(&self) -> &str {
        "no number"
    }

    fn evaluate(&self, _shape: Shape, _predictions: &[f64], _targets: &[f64]) -> f64 {
        f64::NAN
    }
}

#[test]
fn a_loss_or_a_metric_that_is_nan_is_named() -> Outcome {
    let (model, data) = (crate::model(), crate::data(20));
    let is_named =
        |error: Error, name: &str| assert!(error.to_string().starts_with(&format!("`{name}` is NaN")), "{error}");
    is_named(error_of(model.evaluate(&Undefined, &data), "NaN"), "undefined");
    is_named(error_of(model.network().evaluate_metric(Undefined, &data, &data), "NaN"), "no number");
    let model = Autoencoder::<f64>::builder(Shape::flat(6)).encoder(Dense::new(2)).encoder(GaussianLatent::new());
    let model = model.decoder(Dense::new(6)).build()?;
    is_named(error_of(model.elbo(&Undefined, &data, 2, 1), "NaN"), "undefined");
    is_named(error_of(model.log_likelihood(&Undefined, &data, 2, 1), "NaN"), "undefined");
    Ok(())
}

/// Predictions of 0, so that errors are the mean squares of the samples.
fn blind<T: Scalar>(features: usize, scaler: Option<Scaler>) -> Result<Autoencoder<T>, Error> {
    let mut builder = Autoencoder::<T>::builder(Shape::flat(features));
    if let Some(scaler) = scaler {
        builder = builder.scaler(scaler);
    }
    let mut model = builder.encoder(Dense::new(1)).decoder(Dense::new(features)).build()?;
    model.set_parameter("encoder.0.weight", &vec![T::zero(); features])?;
    Ok(model)
}

#[test]
fn a_score_that_overflows_is_infinite() -> Outcome {
    let (model, data) = (blind::<f32>(700, None)?, DMatrix::from_element(700, 2, 1e21_f32));
    assert_eq!(model.reconstruction_error(&data)?, [f32::INFINITY; 2]);
    assert_eq!(model.reconstruction_error(&data.rows(0, 700))?, [f32::INFINITY; 2]);
    assert_eq!(model.scores(&data)?, [Ok(f32::INFINITY), Ok(f32::INFINITY)]);
    assert!(model.reconstruction_error_per_feature(&data)?.iter().all(|error| *error == f32::INFINITY));
    assert_eq!(model.evaluate(&Mse, &data)?, f64::INFINITY);
    let huge = DMatrix::from_element(3, 2, f64::MAX);
    let model = blind::<f64>(3, None)?;
    assert_eq!(model.reconstruction_error(&huge)?, [f64::INFINITY; 2]);
    assert_eq!(model.activity(&huge)?.mean(), 0.0);
    let same = Network::<f64>::builder(Shape::flat(3)).layer(Flatten).build()?;
    assert_eq!(same.activity("layers.0", &huge)?.mean(), f64::MAX, "the sum overflows, the mean does not");
    Ok(())
}

/// Squares of 10¹⁹ fit into `f32`, the sum of 700 of them does not.
#[test]
fn a_mean_of_squares_that_fits_is_finite() -> Outcome {
    let (model, data) = (blind::<f32>(700, None)?, DMatrix::from_element(700, 2, 1e19_f32));
    for error in model.reconstruction_error(&data)? {
        approx::assert_relative_eq!(error, 1e38, max_relative = 1e-5);
    }
    Ok(())
}

/// The scaled score knows no units; nor does a difference that overflows matter to it.
#[test]
fn the_scaled_score_fits_where_squares_do_not() -> Outcome {
    for unit in [1e-24_f32, 1e21, 1e30] {
        let data = Numbers::new(2).matrix::<f32>(4, 50).map(|value| unit * value);
        let model = blind::<f32>(4, Some(StandardScaler::fit(&data)?))?;
        for score in model.scaled_reconstruction_error(&data)? {
            assert!((0.01..100.0).contains(&score), "{score}");
        }
    }
    let scaler = Scaler::new(vec![-3e38], vec![1e38])?;
    let (model, data) = (blind::<f32>(1, Some(scaler))?, DMatrix::from_element(1, 1, 3e38_f32));
    approx::assert_relative_eq!(model.scaled_reconstruction_error(&data)?[0], 36.0, max_relative = 1e-5);
    let scaler = Scaler::new(vec![1e10], vec![1e-300])?;
    let (model, data) = (blind::<f64>(1, Some(scaler))?, DMatrix::from_element(1, 1, 1e10 + 1e-5));
    assert_eq!(model.scaled_reconstruction_error(&data)?, [f64::INFINITY]);
    Ok(())
}

fn overflows<V>(result: Result<V, Error>) -> String {
    let error = error_of(result, "too large for the scaler");
    let found = match &error {
        Error::Input(error) | Error::Data(DataError::Input(error)) => error,
        Error::Train(error) => match error.kind() {
            TrainErrorKind::Data(DataError::Input(error)) => error,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    assert!(matches!(found, InputError::Overflows { sample: 1, feature: 0, .. }), "{found:?}");
    error.to_string()
}

#[test]
fn the_message_tells_what_overflows_when_scaled() -> Outcome {
    let scaler = Scaler::new(vec![0.0], vec![0.01])?;
    let mut model = Autoencoder::<f32>::builder(Shape::flat(1))
        .scaler(scaler)
        .encoder(Dense::new(1))
        .decoder(Dense::new(1))
        .build()?;
    let data = DMatrix::from_row_slice(1, 3, &[1.0_f32, 3.4e38, 2.0]);
    let text = overflows(model.reconstruction_error(&data));
    let expected = "feature 0 of sample 1 overflows when scaled: divided by 0.01 it does not fit into the float type; leave the sample out, clip the \
                    value, or fit the scaler to data that hold such values";
    assert_eq!(text, expected);
    assert_eq!(overflows(model.encode(&data)), expected);
    assert_eq!(overflows(model.evaluate(&Mse, &data)), expected);
    assert_eq!(
        overflows(model.network().forward(&mut model.network().tape(3)?, &data, None, 0).map(<[f32]>::to_vec)),
        expected
    );
    let of_target = overflows(model.decoder().unwrap().evaluate_to(&Mse, &DMatrix::zeros(1, 3), &data));
    assert!(of_target.starts_with("feature 0 of target 1 overflows when scaled"), "{of_target}");
    assert!(overflows(Trainer::new(Mse, Adam::default()).shuffle(false).fit(&mut model, &data)).ends_with(expected));
    Ok(())
}

#[test]
fn an_output_that_overflows_when_unscaled_names_the_scaler() -> Outcome {
    let scaler = Scaler::new(vec![0.0, 0.0], vec![1.0, 1e30])?;
    let mut model = Autoencoder::<f32>::builder(Shape::flat(2))
        .scaler(scaler)
        .encoder(Dense::new(1))
        .decoder(Dense::new(2))
        .build()?;
    model.set_parameter("encoder.0.weight", &[1.0, 0.0])?;
    model.set_parameter("decoder.0.weight", &[1.0, 1.0])?;
    let mut data = DMatrix::from_element(2, 20, 1.0_f32);
    data[(0, 17)] = 1e10;
    let error = error_of(model.reconstruct(&data), "unscaled");
    assert!(matches!(&error, Error::Input(InputError::OutputScaler { sample: 17, feature: 1, .. })), "{error}");
    assert!(error.to_string().contains("output scaler"), "{error}");
    assert_eq!(model.encode(&data)?[17], 1e10);
    assert!(matches!(model.scores(&data)?[17].as_ref().map_err(RowError::kind), Err(InputError::OutputScaler { .. })));
    Ok(())
}

/// Of 600 rows one is NaN, one infinite, one too large for the scaler and one for a layer; all
/// others have the scores that they have without these.
#[test]
fn a_bad_row_costs_only_itself() -> Outcome {
    let good = Numbers::new(3).matrix::<f32>(6, 600);
    let scaler = Scaler::new(vec![0.5; 6], vec![0.01; 6])?;
    let mut model = Autoencoder::<f32>::builder(Shape::flat(6))
        .scaler(scaler)
        .encoder(Dense::new(3).activation(Activation::Elu { alpha: 1.0 }))
        .mirror(Activation::Linear)
        .build()?;
    let mut data = good.clone();
    (data[(4, 0)], data[(2, 100)], data[(1, 300)]) = (f32::NAN, f32::NEG_INFINITY, 3.4e38);
    data.column_mut(599).copy_from_slice(&[3e36, -3e36, 3e36, -3e36, 3e36, -3e36]);
    let weight: Vec<f32> = Numbers::new(8).vector(18, -10.0, 10.0).iter().map(|weight| *weight as f32).collect();
    model.set_parameter("encoder.0.weight", &weight)?;
    let expected = model.scaled_reconstruction_error(&good)?;
    let wide = data.clone().insert_row(6, 0.0);
    for scores in [model.scores(&data)?, model.scores(&wide.rows(0, 6))?] {
        assert_eq!(scores.len(), 600);
        for (row, score) in scores.iter().enumerate() {
            let found = match (row, score.as_ref().map_err(RowError::kind)) {
                (0, Err(InputError::NotFinite { sample: 0, feature: 4, .. })) => continue,
                (100, Err(InputError::NotFinite { sample: 100, feature: 2, .. })) => continue,
                (300, Err(InputError::Overflows { sample: 300, feature: 1, .. })) => continue,
                (599, Err(InputError::Output { sample: 599, layer, .. })) if layer == "encoder.0" => continue,
                (_, Ok(score)) => score,
                (_, Err(error)) => panic!("row {row}: {error}"),
            };
            assert_eq!(found.to_bits(), expected[row].to_bits(), "row {row}");
        }
    }
    let mut workspace = model.workspace(200)?;
    let mut places = vec![Ok(0.0); 200];
    model.scores_with(&mut workspace, &data.columns(0, 200), &mut places)?;
    assert_eq!(places[..], model.scores(&data.columns(0, 200))?);
    assert_eq!(places.iter().filter(|place| place.is_err()).count(), 2);
    model.scores_with(&mut workspace, &good.columns(0, 200), &mut places)?;
    let found: Vec<f32> = places.into_iter().collect::<Result<_, _>>()?;
    assert_eq!(bits(&found), bits(&expected[..200]));
    let all_bad = DMatrix::from_element(6, 3, f32::NAN);
    assert!(model.scores(&all_bad)?.iter().all(Result::is_err));
    assert!(model.scores(&DMatrix::zeros(6, 0))?.is_empty());
    let error = error_of(model.scores(&DMatrix::zeros(5, 7)), "the batch as a whole");
    assert!(matches!(error, Error::Input(InputError::Features { .. })), "{error}");
    let error = error_of(model.scores_with(&mut workspace, &data, &mut [Ok(0.0)]), "one place");
    assert!(matches!(error, Error::Input(InputError::Length { .. })), "{error}");
    Ok(())
}

/// A score may be asked for that no threshold compares with: what is not at most the threshold is
/// an anomaly.
#[test]
fn no_score_is_nan() -> Outcome {
    let mut numbers = Numbers::new(4);
    let scaler = Scaler::new(vec![1e3; 5], vec![1e-3, 1.0, 1e6, 1e-9, 1e9])?;
    let layers = |builder: AutoencoderBuilder<f32>| {
        builder.encoder(Dense::new(4).activation(Activation::Elu { alpha: 1.0 })).mirror(Activation::Linear).build()
    };
    for model in
        [layers(Autoencoder::builder(Shape::flat(5)))?, layers(Autoencoder::builder(Shape::flat(5)).scaler(scaler))?]
    {
        let data = DMatrix::from_fn(5, 900, |_, _| {
            let magnitude = 10.0_f64.powf(100.0 * numbers.unit() - 55.0);
            (if numbers.unit() < 0.5 { magnitude } else { -magnitude }) as f32
        });
        let scores = model.scores(&data)?;
        assert!(scores.iter().flatten().all(|score| *score >= 0.0));
        assert!(scores.iter().any(Result::is_ok) && scores.iter().any(Result::is_err));
        for (row, score) in scores.iter().enumerate() {
            let alone = model.scaled_reconstruction_error(&data.column(row));
            assert_eq!(
                score.as_ref().ok().map(|score| score.to_bits()),
                alone.ok().map(|alone| alone[0].to_bits()),
                "row {row}"
            );
        }
    }
    Ok(())
}

/// Numbers of any size in the messages are short.
#[test]
fn a_scale_of_any_size_is_short_in_a_message() -> Outcome {
    let message = error_of(Scaler::new(vec![1e300], vec![f64::INFINITY]), "an infinite scale").to_string();
    assert!(message.contains("has the shift 1e300 and the scale inf, expected"), "{message}");
    let scaler = Scaler::new(vec![0.0; 2], vec![1e-300; 2])?;
    let model =
        Autoencoder::<f32>::builder(Shape::flat(2)).scaler(scaler).encoder(Dense::new(1)).decoder(Dense::new(2));
    let message = error_of(model.build()?.encode(&DMatrix::from_element(2, 1, 1.0)), "an overflow").to_string();
    assert!(message.contains("divided by 1e-300 it does not fit"), "{message}");
    Ok(())
}
