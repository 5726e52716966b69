//! Each mistake is seen.

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;

use crate::common::{Numbers, Outcome};
use crate::support::{images, model, none, normal, only, review, standardised, table, to_unit, trainer};

#[test]
fn a_last_activation_that_cannot_give_the_data_is_seen() {
    use Activation::*;
    let raw = table(300);
    let scaler = || Some(StandardScaler::fit(&raw).unwrap());
    let signed = DMatrix::from_fn(8, 300, |feature, sample| ((feature * 5 + sample * 3) % 41) as f64 / 20.0 - 1.0);
    let elu = Elu { alpha: 1.0 };
    for last in [Sigmoid, Relu, Tanh, Softplus, Softmax, Gelu, Silu, elu] {
        for (data, scaler, is_scaled) in [(&standardised(&raw), None, false), (&raw, scaler(), true)] {
            let warning = only(review(data, last, scaler));
            let Warning::OutputOutOfReach { activation, lowest, highest, features, of: 34, scaled } = warning else {
                panic!("{warning:?}")
            };
            assert_eq!((activation, scaled), (last, is_scaled));
            assert!(lowest < -1.0 && highest > 1.0 && features >= 30 - 10 * usize::from(last == elu), "{warning:?}");
        }
    }
    for last in [Relu, Sigmoid, Softplus] {
        let warning = only(review(&signed, last, None));
        assert!(matches!(warning, Warning::OutputOutOfReach { features: 8, .. }), "{warning:?}");
    }
    for last in [Tanh, Linear, LeakyRelu { slope: 0.1 }, elu] {
        none(review(&signed, last, None), "values from -1 to 1");
    }
    let raw_units = review(&raw, Sigmoid, None);
    assert!(matches!(raw_units[0], Warning::OutputOutOfReach { scaled: false, .. }), "{raw_units:?}");
}

/// The activation may be a layer of its own, followed by layers that change no range.
#[test]
fn the_last_activation_is_found_behind_other_layers() -> Outcome {
    let data = standardised(&table(60)).map(|value| value as f32);
    let base = || Autoencoder::<f32>::builder(Shape::flat(34)).encoder(Dense::new(4));
    let seen = [
        base().decoder(Dense::new(34)).decoder(Activation::Relu),
        base().decoder(Dense::new(34).activation(Activation::Relu)).decoder(Activation::Linear),
        base().decoder(Dense::new(34).activation(Activation::Relu)).decoder(Reshape::new(Shape::image(17, 2, 1))),
        base().decoder(Dense::new(34).activation(Activation::Relu)).decoder(Dropout::new(0.1)),
    ];
    for builder in seen {
        let warning = only(trainer().review(&builder.build()?, &data)?);
        assert!(matches!(warning, Warning::OutputOutOfReach { activation: Activation::Relu, .. }), "{warning:?}");
    }
    let normalised = base().decoder(Dense::new(34).activation(Activation::Relu)).decoder(BatchNorm::new());
    none(trainer().review(&normalised.build()?, &data)?, "normalised outputs may be negative");
    Ok(())
}

#[test]
fn a_few_values_beyond_the_range_of_a_scaler_are_no_mistake() {
    let mut data = to_unit(&table(300));
    data[(3, 17)] = 1.4;
    data[(5, 250)] = -0.2;
    none(review(&data, Activation::Sigmoid, None), "two values");
}

/// What a scaler clips is within the range for the model, however far out it was.
#[test]
fn values_that_a_scaler_clips_are_no_mistake() -> Outcome {
    let (narrow, wide) = (table(300), table(300).map(|value| 3.0 * value));
    for last in [Activation::Sigmoid, Activation::Linear] {
        let scaler = MinMaxScaler::fit(&narrow)?;
        assert!(!review(&wide, Activation::Sigmoid, Some(scaler.clone())).is_empty(), "without clipping");
        none(review(&wide, last, Some(scaler.clip(0.0, 1.0)?)), "clipped to 0..=1");
    }
    let scaler = StandardScaler::fit(&narrow)?.clip(-3.0, 3.0)?;
    none(review(&narrow.map(|value| 200.0 * value), Activation::Linear, Some(scaler)), "clipped to -3..=3");
    let scaler = StandardScaler::fit(&narrow)?.clip(-3.0, 3.0)?;
    assert!(!review(&narrow, Activation::Sigmoid, Some(scaler)).is_empty(), "clipped, but still negative");
    Ok(())
}

#[test]
fn cross_entropy_of_outputs_that_are_no_probabilities_is_seen() -> Outcome {
    let data = to_unit(&table(60));
    let bce = || Trainer::new(Bce, Adam::default()).epochs(2);
    for last in [Activation::Linear, Activation::Tanh, Activation::Relu] {
        let warning = only(bce().review(&model(34, last, None), &data)?);
        let (loss, suitable) = ("bce", Activation::Sigmoid);
        assert_eq!(warning, Warning::OutputNotProbability { loss, activation: last, suitable });
    }
    none(bce().review(&model(34, Activation::Sigmoid, None), &data)?, "a sigmoid");
    let classifier = |last| Network::<f64>::builder(Shape::flat(34)).layer(Dense::new(3).activation(last)).build();
    let targets = DMatrix::from_fn(3, 60, |class, sample| f64::from(u8::from(sample % 3 == class)));
    let trainer = Trainer::new(CategoricalCrossEntropy, Adam::default()).epochs(2);
    let warning = only(trainer.review_to(&classifier(Activation::Linear)?, &data, &targets)?);
    let (loss, activation) = ("categorical_cross_entropy", Activation::Linear);
    assert_eq!(warning, Warning::OutputNotProbability { loss, activation, suitable: Activation::Softmax });
    none(trainer.review_to(&classifier(Activation::Softmax)?, &data, &targets)?, "a softmax");
    Ok(())
}

#[test]
fn a_model_without_a_bottleneck_is_seen() -> Outcome {
    let data = standardised(&table(60));
    let wide = |units| Autoencoder::<f64>::builder(Shape::flat(34)).encoder(Dense::new(units));
    for units in [34, 200] {
        let builders = [
            wide(units).mirror(Activation::Linear),
            wide(units).mirror_tied(Activation::Linear),
            wide(units).encoder(L1Activity::new(0.0)).mirror(Activation::Linear),
            wide(units + 1).encoder(Activation::Relu).encoder(Dense::new(units)).decoder(Dense::new(34)),
        ];
        for builder in builders {
            let warning = only(trainer().review(&builder.build()?, &data)?);
            assert!(
                matches!(warning, Warning::NoBottleneck { width, inputs: 34, .. } if width == units),
                "{warning:?}"
            );
        }
    }
    let pictures = images::<f32>(20);
    let same_size = Autoencoder::<f32>::builder(Shape::image(28, 28, 1))
        .encoder(Conv2D::new(4, 3).activation(Activation::Relu))
        .mirror(Activation::Sigmoid)
        .build()?;
    let warning = only(trainer().review(&same_size, &pictures)?);
    assert!(matches!(warning, Warning::NoBottleneck { width: 3136, inputs: 784, .. }), "{warning:?}");
    Ok(())
}

/// Sparsity, noise, a prior, a penalty on weights, other targets, or a narrow layer anywhere.
#[test]
fn what_keeps_a_wide_model_from_copying_is_known() -> Outcome {
    let data = standardised(&table(60));
    let wide = || Autoencoder::<f64>::builder(Shape::flat(34)).encoder(Dense::new(100).activation(Activation::Relu));
    let constrained = [
        wide().encoder(TopK::new(5)).mirror(Activation::Linear),
        wide().encoder(L1Activity::new(1e-3)).mirror(Activation::Linear),
        wide().encoder(Dropout::new(0.2)).mirror(Activation::Linear),
        wide().encoder(GaussianNoise::new(0.2)).mirror(Activation::Linear),
        wide().decoder(Dense::new(34).weight_regularizer(Regularizer::l2(1e-3))),
        wide().encoder(Dense::new(50)).decoder(Dense::new(3)).decoder(Dense::new(34)),
    ];
    for builder in constrained {
        none(trainer().review(&builder.clone().build()?, &data)?, &format!("{builder:?}"));
    }
    let rate = wide().encoder(Activation::Sigmoid).encoder(TargetRate::new(0.05, 0.1)).mirror(Activation::Linear);
    none(trainer().review(&rate.build()?, &data)?, "a target rate");
    let variational = wide().encoder(Dense::new(2 * 40)).encoder(GaussianLatent::new()).decoder(Dense::new(34));
    let nats = || Trainer::new(GaussianNll::default(), Adam::default()).epochs(2);
    none(nats().review(&variational.build()?, &data)?, "a prior");
    let plain = wide().mirror(Activation::Linear).build()?;
    none(trainer().corrupt(Masking::new(0.2)).review(&plain, &data)?, "corrupted inputs");
    none(trainer().review_to(&plain, &data, &(&data * 0.9))?, "other targets");
    Ok(())
}

#[test]
fn rows_that_pass_as_columns_are_seen() {
    let rows = 569;
    let raw = table(rows);
    let scaled = standardised(&raw);
    for (what, data) in [("raw", &raw), ("standardised", &scaled), ("from 0 to 1", &to_unit(&raw))] {
        let transposed = data.transpose();
        let warning = review(&transposed, Activation::Linear, None).into_iter().last();
        assert_eq!(warning, Some(Warning::SamplesInRows { features: rows, samples: 34 }), "{what}");
        let scaler = Some(StandardScaler::fit(&transposed).unwrap());
        let warning = only(review(&transposed, Activation::Linear, scaler));
        assert!(matches!(warning, Warning::SamplesInRows { .. }), "{what}, scaled by the model: {warning:?}");
    }
    let numbers_only = scaled.rows(0, 30).transpose();
    let warning = only(review(&numbers_only, Activation::Linear, None));
    assert_eq!(warning, Warning::SamplesInRows { features: rows, samples: 30 });
}

/// More features than samples, as it should be.
#[test]
fn wide_data_are_no_transposed_table() {
    let mut numbers = Numbers::new(3);
    let mut noise = |rows, columns| DMatrix::<f64>::from_fn(rows, columns, |_, _| normal(&mut numbers));
    let few = table(20);
    let genes = DMatrix::from_fn(400, 30, |gene, _| (gene * 37 % 101) as f64 / 20.0) + 0.3 * noise(400, 30);
    let spectrum = |channel: usize, sample: usize| (channel as f64 / (9.0 + sample as f64 / 7.0)).sin();
    let loud =
        DMatrix::from_fn(300, 40, |channel, sample| spectrum(channel, sample) * 1.3_f64.powi(sample as i32 % 12));
    let levels = DMatrix::from_fn(300, 40, |channel, sample| spectrum(channel, sample) + (sample * 7 % 40) as f64);
    let mut contrast = DMatrix::from_fn(300, 40, spectrum);
    for mut sample in contrast.column_iter_mut() {
        let mean = sample.mean();
        sample.add_scalar_mut(-mean);
        let deviation = sample.variance().sqrt();
        sample /= deviation;
    }
    let sparse = noise(200, 50).map(|value| if value > 1.0 { value.min(3.0) / 3.0 } else { 0.0 });
    let wide = [
        ("a few rows", standardised(&few)),
        ("genes", genes),
        ("noise", noise(500, 60)),
        ("series of different amplitude", loud),
        ("series at different levels", levels),
        ("spectra scaled by themselves", contrast),
        ("sparse values", sparse),
        ("images", images::<f64>(100)),
    ];
    for (what, data) in wide {
        none(review(&data, Activation::Linear, None), what);
    }
}

#[test]
fn a_learning_rate_far_too_large_is_seen() -> Outcome {
    fn rate(optimizer: impl Optimizer<f64> + 'static) -> Trainer<'static, f64> {
        Trainer::new(Mse, optimizer).epochs(2)
    }
    let (data, model) = (standardised(&table(60)), model(34, Activation::Linear, None));
    let warning = only(rate(Adam::new(100.0)).review(&model, &data)?);
    assert_eq!(warning, Warning::LearningRate { optimizer: "adam", rate: 100.0, usual: 0.001 });
    let too_large = [
        rate(Adam::new(1.0)),
        rate(AdamW::new(0.5)),
        rate(RmsProp::new(1.0)),
        rate(RmsProp::new(0.05).momentum(0.9)),
        rate(Sgd::new(100.0)),
        rate(Adam::new(10.0)).schedule(WarmUp::new(1.0, Cosine::new())),
    ];
    for trainer in too_large {
        let warning = only(trainer.review(&model, &data)?);
        assert!(matches!(warning, Warning::LearningRate { .. }), "{warning:?}");
    }
    let in_use = [Adam::new(1e-4), Adam::new(0.01), Adam::new(0.1)].map(rate);
    let others =
        [rate(AdamW::default()), rate(RmsProp::new(0.01)), rate(Sgd::new(0.1)), rate(Sgd::new(1.0).momentum(0.9))];
    for trainer in in_use.into_iter().chain(others) {
        none(trainer.review(&model, &data)?, "a rate in use");
    }
    Ok(())
}

#[test]
fn one_epoch_that_nobody_named_is_seen() -> Outcome {
    let (data, mut model) = (standardised(&table(70)), model(34, Activation::Linear, None));
    let history = Trainer::new(Mse, Adam::default()).fit(&mut model, &data)?;
    assert_eq!(history.warnings(), [Warning::OneEpoch { steps: 3 }]);
    let history = Trainer::new(Mse, Adam::default()).epochs(1).fit(&mut model, &data)?;
    assert_eq!(history.warnings(), []);
    Ok(())
}

#[test]
fn data_in_their_units_are_seen() {
    let raw = table(300);
    let warning = only(review(&raw, Activation::Linear, None));
    let Warning::Unscaled { data: "inputs", feature, sample, value, scaled: false } = warning else {
        panic!("{warning:?}")
    };
    assert_eq!((feature % 10, value), (7, raw[(feature, sample)]), "the largest value, at its place");
    let bytes = images::<f64>(50) * 255.0;
    let warning = only(review(&bytes, Activation::Linear, None));
    assert!(matches!(warning, Warning::Unscaled { value: 255.0, .. }), "{warning:?}");
    let scaler = Some(StandardScaler::fit(&standardised(&raw)).unwrap());
    let warning = only(review(&raw, Activation::Linear, scaler));
    assert!(matches!(warning, Warning::Unscaled { scaled: true, .. }), "{warning:?}");
    let warning = only(review(&(standardised(&raw) * 1e-5), Activation::Linear, None));
    assert!(matches!(warning, Warning::Tiny { data: "inputs", largest } if largest < 1e-3), "{warning:?}");
    let mut numbers = Numbers::new(5);
    let unequal =
        DMatrix::from_fn(6, 200, |feature, _| normal(&mut numbers) * [2.0, 0.7, 1e-4, 1.0, 3.0, 0.2][feature]);
    let warning = only(review(&unequal, Activation::Linear, None));
    assert!(matches!(warning, Warning::UnequalScales { small: 2, large: 4, .. }), "{warning:?}");
}

#[test]
fn targets_in_their_units_are_seen() -> Outcome {
    let inputs = standardised(&table(120));
    let prices = DMatrix::from_fn(1, 120, |_, sample| 150_000.0 + 900.0 * (sample % 50) as f64);
    let network = Network::<f64>::builder(Shape::flat(34)).layer(Dense::new(8)).layer(Dense::new(1)).build()?;
    let warning = only(trainer().review_to(&network, &inputs, &prices)?);
    assert!(matches!(warning, Warning::Unscaled { data: "targets", feature: 0, .. }), "{warning:?}");
    let normalised = Autoencoder::<f64>::builder(Shape::flat(34))
        .encoder(BatchNorm::new())
        .encoder(Dense::new(4))
        .mirror(Activation::Linear)
        .build()?;
    let warning = only(trainer().review(&normalised, &table(120))?);
    assert!(matches!(warning, Warning::Unscaled { data: "targets", .. }), "inputs are normalised: {warning:?}");
    Ok(())
}

#[test]
fn data_scaled_twice_are_seen() {
    let raw = table(300);
    let standard = || StandardScaler::fit(&raw).unwrap();
    let (by_hand, to_unit) = (standardised(&raw), to_unit(&raw));
    let of_raw = [
        (&by_hand, standard()),
        (&to_unit, standard()),
        (&to_unit, MinMaxScaler::fit(&raw).unwrap()),
        (&images::<f64>(60), StandardScaler::fit(&(images::<f64>(60) * 255.0)).unwrap()),
        (&images::<f64>(60), MinMaxScaler::fit(&(images::<f64>(60) * 255.0)).unwrap()),
    ];
    for (data, scaler) in of_raw {
        let warning = only(review(data, Activation::Linear, Some(scaler)));
        assert!(matches!(warning, Warning::ScaledTwice { .. }), "{warning:?}");
    }
    for data in [&by_hand, &to_unit] {
        let fitted = [StandardScaler::fit(data).unwrap(), MinMaxScaler::fit(data).unwrap()];
        for scaler in fitted {
            none(review(data, Activation::Linear, Some(scaler)), "a scaler fitted to what it scales");
        }
    }
}

#[test]
fn a_constant_column_is_seen() {
    let of = 34;
    for rows in [100, 569] {
        for value in [0.0, 1.0, 7.5] {
            let mut data = table(rows);
            data.row_mut(4).fill(value);
            let seen = |value| Warning::ConstantFeatures { feature: 4, value, features: 1, of, samples: rows };
            assert_eq!(only(review(&standardised(&data), Activation::Linear, None)), seen(0.0));
            assert_eq!(only(review(&to_unit(&data), Activation::Sigmoid, None)), seen(0.0));
            for scaler in [StandardScaler::fit(&data).unwrap(), MinMaxScaler::fit(&data).unwrap()] {
                assert_eq!(only(review(&data, Activation::Linear, Some(scaler))), seen(value));
            }
        }
    }
}

#[test]
fn a_column_constant_up_to_rounding_is_seen() {
    for rows in [100, 569] {
        let mut data = table(rows);
        data.row_mut(4).iter_mut().enumerate().for_each(|(row, value)| *value = [0.3, 0.1 + 0.2][row % 2]);
        let seen = Warning::ConstantFeatures { feature: 4, value: 0.3, features: 1, of: 34, samples: rows };
        for scaler in [StandardScaler::fit(&data).unwrap(), MinMaxScaler::fit(&data).unwrap()] {
            assert_eq!(only(review(&data, Activation::Linear, Some(scaler))), seen);
        }
    }
}

/// 40 000 rows are too many to look at; the scaler has seen them all.
#[test]
fn a_constant_column_of_a_long_table_is_seen() -> Outcome {
    let mut data = table(40_000).map(|value| value as f32);
    data.row_mut(4).fill(0.0);
    data.row_mut(5).fill(0.0);
    data[(5, 20_000)] = 1.0; // a category of one row
    let layers = Autoencoder::<f32>::builder(Shape::flat(34)).encoder(Dense::new(4)).mirror(Activation::Linear);
    let model = layers.scaler(StandardScaler::fit(&data)?).build()?;
    let seen = Warning::ConstantFeatures { feature: 4, value: 0.0, features: 1, of: 34, samples: 256 };
    assert_eq!(only(trainer().review(&model, &data)?), seen);
    Ok(())
}

#[test]
fn normalisation_over_few_values_is_seen() -> Outcome {
    let data = standardised(&table(130));
    let normalised = || {
        Autoencoder::<f64>::builder(Shape::flat(34))
            .encoder(Dense::new(8).without_bias())
            .encoder(BatchNorm::new())
            .decoder(Dense::new(34))
            .build()
    };
    for (batch, samples) in [(2, 2), (4, 2), (128, 2)] {
        let warning = only(trainer().batch_size(batch).review(&normalised()?, &data)?);
        assert_eq!(warning, Warning::SmallBatches { layer: "encoder.1".to_owned(), samples, values: 2 }, "{batch}");
    }
    none(trainer().batch_size(32).review(&normalised()?, &data)?, "batches of 32, the last of two");
    let mut resting = normalised()?;
    resting.freeze("encoder.1.")?;
    none(trainer().batch_size(2).review(&resting, &data)?, "a frozen normalisation");
    Ok(())
}

#[test]
fn validation_data_scaled_otherwise_are_seen() -> Outcome {
    let (raw, model) = (table(200), model(34, Activation::Linear, None));
    let data = standardised(&raw);
    let (train, test) = data.columns_range_pair(..150, 150..);
    none(trainer().validation(&test).review(&model, &train)?, "validation data scaled alike");
    none(trainer().validation_fraction(0.2).review(&model, &data)?, "a fraction");
    let in_units = raw.columns(150, 50);
    let warning = only(trainer().validation(&in_units).review(&model, &train)?);
    assert!(matches!(warning, Warning::UnlikeValidation { features: 18.., of: 34, .. }), "{warning:?}");
    Ok(())
}
