//! Using a model: everything that is a batch, workspaces, clones, scalers, and one sample alone.

mod common;
#[path = "inference/scaling.rs"]
mod scaling;

use std::sync::Arc;

use autoencoder::nalgebra::{DMatrix, DVector};
use autoencoder::*;
use common::{Numbers, Outcome, bits, distance, error_of};

fn dense<T: Scalar>() -> Autoencoder<T> {
    let encoder = Autoencoder::builder(Shape::image(12, 11, 1)).encoder(Dense::new(90).activation(Activation::Gelu));
    encoder.encoder(Dense::new(17).activation(Activation::Tanh)).mirror(Activation::Sigmoid).build().unwrap()
}

fn convolutional<T: Scalar>() -> Autoencoder<T> {
    Autoencoder::builder(Shape::image(12, 11, 1))
        .encoder(Conv2D::new(9, 3).activation(Activation::Relu))
        .encoder(MaxPool::new(2).padding(Padding::Same))
        .encoder(Conv2D::new(5, (2, 3)).stride(2).activation(Activation::Silu))
        .decoder(Conv2DTranspose::new(7, 3).stride(2).activation(Activation::Elu { alpha: 1.0 }))
        .decoder(UpSample::new(2).interpolation(Interpolation::Bilinear))
        .decoder(Crop::new(0, 0, 0, 1))
        .decoder(Conv2D::new(1, 3).activation(Activation::Sigmoid))
        .build()
        .unwrap()
}

fn bits_of<T: Scalar>(matrix: &DMatrix<T>) -> Vec<u64> {
    bits(matrix.as_slice())
}

fn one_alone_is_one_of_many<T: Scalar>(model: Autoencoder<T>) {
    let data: DMatrix<T> = Numbers::new(1).matrix(132, 300);
    let (codes, again) = (model.encode(&data).unwrap(), model.reconstruct(&data).unwrap());
    for sample in [0, 1, 7, 8, 63, 150, 298, 299] {
        let alone = data.column(sample);
        assert_eq!(bits(codes.column(sample).as_slice()), bits_of(&model.encode(&alone).unwrap()), "sample {sample}");
        assert_eq!(
            bits(again.column(sample).as_slice()),
            bits_of(&model.reconstruct(&alone).unwrap()),
            "sample {sample}"
        );
    }
    for count in [2, 3, 5, 9, 17, 100] {
        let few = model.encode(&data.columns(40, count)).unwrap();
        assert_eq!(bits_of(&codes.columns(40, count).clone_owned()), bits_of(&few), "{count} samples");
    }
}

#[test]
fn a_sample_alone_has_the_bits_it_has_in_a_batch() {
    one_alone_is_one_of_many::<f32>(dense());
    one_alone_is_one_of_many::<f64>(dense());
    one_alone_is_one_of_many::<f32>(convolutional());
    one_alone_is_one_of_many::<f64>(convolutional());
}

/// Up-sampling and a convolution behind it are computed as one; each by itself gives the same
/// numbers.
#[test]
fn a_convolution_of_repeated_pixels_is_that_of_the_large_image() -> Outcome {
    for (factor, kernel, padding) in
        [((2, 2), (3, 3), Padding::Same), ((3, 1), (2, 4), Padding::Same), ((2, 3), (3, 5), Padding::Valid)]
    {
        let shape = Shape::image(5, 6, 3);
        let convolution = Conv2D::new(4, kernel).padding(padding).activation(Activation::Relu);
        let both = Network::<f64>::builder(shape).layer(UpSample::new(factor)).layer(convolution.clone()).build()?;
        let images = Numbers::new(3).matrix(90, 21);
        let large = both.activations("layers.0", &images)?;
        let mut alone = Network::builder(Shape::image(5 * factor.0, 6 * factor.1, 3)).layer(convolution).build()?;
        alone.set_parameter("layers.0.weight", both.parameter("layers.1.weight")?.values)?;
        let (found, expected) = (both.predict(&images)?, alone.predict(&large)?);
        assert!(distance(found.as_slice(), expected.as_slice()) < 1e-14, "{factor:?} {kernel:?} {padding:?}");
    }
    Ok(())
}

#[test]
fn whatever_holds_samples_is_a_batch() -> Outcome {
    let model = convolutional::<f32>();
    let wide: DMatrix<f32> = Numbers::new(2).matrix(140, 20);
    let data = wide.rows(5, 132).clone_owned();
    let expected = model.encode(&data)?;
    assert_eq!(model.encode(&wide.rows(5, 132))?, expected, "rows of a larger matrix");
    assert_eq!(model.encode(&data.columns(3, 9))?, expected.columns(3, 9), "a view of columns");
    assert_eq!(model.encode(&data.columns_with_step(1, 5, 2))?.column(2), expected.column(7), "every third column");
    assert_eq!(model.encode(Batch::from_slice(data.as_slice(), 132)?)?, expected, "a slice");
    assert_eq!(model.encode(&data.as_slice()[132..264])?, expected.column(1), "one sample in a slice");
    let vector: DVector<f32> = data.column(4).clone_owned();
    assert_eq!(model.encode(&vector)?, expected.column(4), "a vector");
    let fixed = nalgebra::SMatrix::<f32, 132, 2>::from_column_slice(&data.as_slice()[..264]);
    assert_eq!(model.encode(&fixed)?, expected.columns(0, 2), "a matrix of fixed size");
    let batch = Batch::from(&data);
    assert_eq!((batch.samples(), batch.features()), (20, 132));
    assert_eq!(model.encode(batch)?, expected);
    assert_eq!(model.reconstruction_error(&wide.rows(5, 132))?, model.reconstruction_error(&data)?);
    Ok(())
}

/// Training reads views as well as matrices: the same numbers give the same bits.
#[test]
fn whatever_holds_samples_is_a_source() -> Outcome {
    let wide: DMatrix<f64> = Numbers::new(2).matrix(140, 60);
    let data = wide.rows(5, 132).clone_owned();
    let train = |source: &dyn Source<f64>| -> Result<Vec<u64>, Error> {
        let mut model = dense::<f64>();
        Trainer::new(Mse, Adam::default()).batch_size(16).fit(&mut model, source)?;
        Ok(bits(model.network().parameter_vector()))
    };
    let expected = train(&data)?;
    assert!(train(&wide.rows(5, 132))? == expected);
    assert!(train(&Batch::from_slice(data.as_slice(), 132)?)? == expected);
    assert!(train(&Subset::new(&data, 0..60)?)? == expected);
    assert!(train(&Subset::new(&data, 0..59)?)? != expected);
    Ok(())
}

#[test]
fn twins_with_a_workspace_give_the_same() -> Outcome {
    for model in [dense::<f32>(), convolutional()] {
        let data: DMatrix<f32> = Numbers::new(3).matrix(132, 50);
        let mut workspace = model.workspace(50)?;
        assert_eq!(workspace.capacity(), 50);
        let codes = model.encode(&data)?;
        for count in [50, 1, 13] {
            let few = data.columns(2.min(50 - count), count);
            let few_codes = model.encode(&few)?;
            assert_eq!(model.encode_with(&mut workspace, &few)?, few_codes);
            assert_eq!(model.decode_with(&mut workspace, &few_codes)?, model.decode(&few_codes)?);
            assert_eq!(model.reconstruct_with(&mut workspace, &few)?, model.reconstruct(&few)?);
            assert_eq!(model.network().predict_with(&mut workspace, &few)?, model.network().predict(&few)?);
        }
        let halves = [model.encoder(), model.decoder().unwrap()];
        assert_eq!(halves[0].predict_with(&mut halves[0].workspace(50)?, &data)?, codes);
        assert_eq!(halves[1].predict(&codes)?, model.decode(&codes)?);
        assert_eq!(model.encoder().predict_with(&mut halves[0].workspace(50)?, &data)?, codes, "of the same half");
    }
    Ok(())
}

#[test]
fn a_workspace_is_of_one_structure_and_size() -> Outcome {
    let (model, other): (Autoencoder<f32>, _) = (dense(), dense());
    let data: DMatrix<f32> = Numbers::new(3).matrix(132, 9);
    let mut foreign = other.workspace(9)?;
    let error = error_of(model.encode_with(&mut foreign, &data), "another model's");
    assert!(matches!(error, Error::Input(InputError::ForeignWorkspace)), "{error}");
    assert_eq!(error.to_string(), "the workspace belongs to another model; make one with this model's `workspace`");
    assert!(model.clone().encode_with(&mut model.workspace(9)?, &data).is_ok(), "a clone's is the model's");
    let error = error_of(model.encode_with(&mut model.workspace(8)?, &data), "eight of nine");
    assert!(matches!(error, Error::Input(InputError::WorkspaceTooSmall { capacity: 8, samples: 9 })), "{error}");
    let mut tape = other.network().tape(9)?;
    let error = error_of(model.network().forward(&mut tape, &data, None, 0), "another model's");
    assert_eq!(error.to_string(), "the tape belongs to another network; make one with this network's `tape`");
    let mut tape = model.network().tape(8)?;
    let error = error_of(model.network().forward(&mut tape, &data, None, 0), "eight of nine");
    assert!(matches!(error, Error::Input(InputError::TapeTooSmall { capacity: 8, samples: 9 })), "{error}");
    Ok(())
}

#[test]
fn a_clone_is_independent() -> Outcome {
    let data: DMatrix<f64> = Numbers::new(4).matrix(132, 40);
    let mut model = dense::<f64>();
    let (clone, before) = (model.clone(), model.encode(&data)?);
    Trainer::new(Mse, Adam::default()).fit(&mut model, &data)?;
    assert_ne!(model.encode(&data)?, before);
    assert_eq!(clone.encode(&data)?, before);
    Ok(())
}

#[test]
fn threads_share_a_model() -> Outcome {
    let model = Arc::new(convolutional::<f32>());
    let data: Arc<DMatrix<f32>> = Arc::new(Numbers::new(5).matrix(132, 64));
    let expected = model.encode(&*data)?;
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let (model, data) = (Arc::clone(&model), Arc::clone(&data));
            std::thread::spawn(move || model.encode(&*data).unwrap())
        })
        .collect();
    assert!(workers.into_iter().all(|worker| worker.join().unwrap() == expected));
    Ok(())
}

/// With a scaler inside, a model does to data what one without does to scaled data.
#[test]
fn a_scaler_is_part_of_the_model() -> Outcome {
    let unit: DMatrix<f64> = Numbers::new(6).matrix(6, 80);
    let data = DMatrix::from_fn(6, 80, |row, column| 10.0_f64.powi(row as i32) * (unit[(row, column)] + 3.0));
    let standard = StandardScaler::fit(&data)?;
    let range = MinMaxScaler::fit(&data)?;
    for (scaler, loss) in [(standard, Box::new(Mse) as Box<dyn Loss<f64>>), (range, Box::new(Bce))] {
        let scaled =
            DMatrix::from_fn(6, 80, |row, column| (data[(row, column)] - scaler.shift()[row]) / scaler.scale()[row]);
        let builder = Autoencoder::builder(Shape::flat(6)).encoder(Dense::new(3).activation(Activation::Tanh));
        let builder = builder.decoder(Dense::new(6).activation(Activation::Sigmoid));
        let (mut with, mut without) = (builder.clone().scaler(scaler.clone()).build()?, builder.build()?);
        let train = |model: &mut Autoencoder<f64>, data: &DMatrix<f64>| {
            Trainer::new(Mse, Adam::new(0.01)).epochs(3).fit(model, data)
        };
        assert_eq!(train(&mut with, &data)?.loss(), train(&mut without, &scaled)?.loss());
        assert_eq!(bits(with.network().parameter_vector()), bits(without.network().parameter_vector()));
        assert_eq!(with.encode(&data)?, without.encode(&scaled)?);
        assert_eq!(with.encoder().predict(&data)?, with.encode(&data)?);
        assert_eq!(with.evaluate(loss.as_ref(), &data).ok(), without.evaluate(loss.as_ref(), &scaled).ok());
        let back = DMatrix::from_fn(6, 80, |row, column| {
            without.reconstruct(&scaled).unwrap()[(row, column)] * scaler.scale()[row] + scaler.shift()[row]
        });
        assert!(distance(with.reconstruct(&data)?.as_slice(), back.as_slice()) < 1e-14);
        let by_hand: Vec<_> = (&data - &back).column_iter().map(|column| column.norm_squared() / 6.0).collect();
        assert!(distance(&with.reconstruction_error(&data)?, &by_hand) < 1e-10);
    }
    Ok(())
}

#[test]
fn scalers_give_what_they_promise() -> Outcome {
    let data = DMatrix::from_row_slice(3, 4, &[1.0, 2.0, 3.0, 4.0, 5.0, 5.0, 5.0, 5.0, -1.0, 0.0, 3.0, 2.0]);
    let standard = StandardScaler::fit::<f64>(&data)?;
    assert_eq!(standard.shift(), [2.5, 5.0, 1.0]);
    approx::assert_relative_eq!(standard.scale()[0], 1.25_f64.sqrt());
    assert_eq!(standard.scale()[1], 1.0);
    let range = MinMaxScaler::fit::<f64>(&data)?;
    assert_eq!((range.shift(), range.scale()), ([1.0, 5.0, -1.0].as_slice(), [3.0, 1.0, 4.0].as_slice()));
    Ok(())
}

#[test]
fn errors_per_sample_and_per_feature() -> Outcome {
    let (model, data): (Autoencoder<f64>, DMatrix<f64>) = (dense(), Numbers::new(7).matrix(132, 300));
    let squares = (model.reconstruct(&data)? - &data).map(|difference| difference * difference);
    let (rows, columns) = (squares.column_mean(), squares.row_mean());
    assert!(distance(&model.reconstruction_error(&data)?, columns.as_slice()) < 1e-13);
    assert!(distance(&model.reconstruction_error_per_feature(&data)?, rows.as_slice()) < 1e-13);
    approx::assert_relative_eq!(model.evaluate(&Mse, &data)?, squares.mean(), max_relative = 1e-12);
    Ok(())
}

/// Every layer's activation can be asked for, and each follows from the one before.
#[test]
fn activations_of_every_layer() -> Outcome {
    let (model, data): (Autoencoder<f64>, DMatrix<f64>) = (convolutional(), Numbers::new(8).matrix(132, 10));
    assert_eq!(model.activations("encoder.2", &data)?, model.encode(&data)?);
    assert_eq!(model.activations("decoder.3", &data)?, model.reconstruct(&data)?);
    assert!(model.activations("encoder.0", &data)?.iter().all(|value| *value >= 0.0));
    for (name, _) in model.network().layers() {
        assert_eq!(model.activations(name, &data)?.ncols(), 10);
    }
    let error = error_of(model.activations("encoder.9", &data), "no such layer");
    assert!(matches!(&error, Error::Input(InputError::NoSuchLayer { name }) if name == "encoder.9"), "{error}");
    Ok(())
}

/// Each feature counts alike, whatever its unit.
#[test]
fn errors_of_scaled_values() -> Outcome {
    let data = Numbers::new(9).matrix::<f64>(3, 40);
    let data = DMatrix::from_fn(3, 40, |feature, sample| [1e-3, 1.0, 1e3][feature] * data[(feature, sample)]);
    let scaler = StandardScaler::fit(&data)?;
    let build = |builder: AutoencoderBuilder<f64>| builder.encoder(Dense::new(2)).decoder(Dense::new(3)).build();
    let with = build(Autoencoder::builder(Shape::flat(3)).scaler(scaler.clone()))?;
    let without = build(Autoencoder::builder(Shape::flat(3)))?;
    let scaled = DMatrix::from_fn(3, 40, |feature, sample| {
        (data[(feature, sample)] - scaler.shift()[feature]) / scaler.scale()[feature]
    });
    assert!(distance(&with.scaled_reconstruction_error(&data)?, &without.reconstruction_error(&scaled)?) < 1e-12);
    assert_eq!(without.scaled_reconstruction_error(&data)?, without.reconstruction_error(&data)?);
    Ok(())
}

/// What a `main` that returns an error prints.
#[test]
fn errors_are_printed_as_their_messages() {
    let error = Error::from(Autoencoder::<f32>::builder(Shape::flat(3)).build().expect_err("no layers"));
    assert_eq!(format!("{error:?}"), error.to_string());
}
