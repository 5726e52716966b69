//! Sparse autoencoders: penalties on activities, the largest of them, and the report.

mod common;

use approx::assert_relative_eq;
use autoencoder::nalgebra::DMatrix;
use autoencoder::*;
use common::gradient::{Check, of_network};
use common::{Numbers, Outcome};

fn flat() -> NetworkBuilder<f64> {
    Network::builder(Shape::flat(20)).layer(Dense::new(15).activation(Activation::Sigmoid))
}

fn image() -> NetworkBuilder<f64> {
    Network::builder(Shape::image(4, 5, 1)).layer(Conv2D::new(3, 3).activation(Activation::Sigmoid))
}

#[test]
fn gradients() -> Outcome {
    let rows: Vec<(&str, NetworkBuilder<f64>)> = vec![
        ("L1 over a sigmoid", flat().layer(L1Activity::new(0.3))),
        ("L1 over a linear layer", Network::builder(Shape::flat(20)).layer(Dense::new(15)).layer(L1Activity::new(0.3))),
        ("L1 over an image", image().layer(L1Activity::new(0.3))),
        ("target rate", flat().layer(TargetRate::new(0.1, 2.0))),
        ("target rate over an image", image().layer(TargetRate::new(0.1, 2.0))),
        ("top k", flat().layer(TopK::new(4).inference_factor(2.0))),
        ("top k over an image", image().layer(TopK::new(11))),
        ("all", flat().layer(TargetRate::new(0.2, 0.5)).layer(TopK::new(6)).layer(L1Activity::new(0.1))),
    ];
    for (seed, (name, builder)) in rows.into_iter().enumerate() {
        for samples in [1, 7, 150] {
            let network = builder.clone().layer(Dense::new(20)).build()?;
            of_network(network, samples, &mut Numbers::new(seed as u64)).check(&format!("{name}, {samples} samples"));
        }
    }
    Ok(())
}

/// Where a unit is never, or always, active, the divergence is a tangent.
#[test]
fn gradients_at_the_edges_of_a_rate() -> Outcome {
    for rate in [0.01, 0.5] {
        let builder = Network::builder(Shape::flat(6)).layer(Dense::new(5)).layer(TargetRate::new(rate, 1e-3));
        of_network(builder.build()?, 9, &mut Numbers::new(1)).check("activities on both sides of 0..1");
    }
    Ok(())
}

/// The penalty of one pass over `data` by the only layer that has one.
fn penalty(network: &Network<f64>, data: &DMatrix<f64>) -> Result<f64, Error> {
    let mut tape = network.tape(data.ncols())?;
    network.forward(&mut tape, data, None, 0)?;
    Ok(tape.penalties().map(|(_, sum)| sum).sum::<f64>() / data.ncols() as f64)
}

#[test]
fn penalties_by_their_formulas() -> Outcome {
    let data = Numbers::new(1).matrix::<f64>(20, 50).map(|value| value - 0.5);
    let network = flat().layer(L1Activity::new(0.3)).build()?;
    let activities = network.activations("layers.0", &data)?;
    assert_relative_eq!(penalty(&network, &data)?, 0.3 * activities.sum() / 50.0, max_relative = 1e-12);

    let kl = |rate: f64, active: f64| rate * (rate / active).ln() + (1.0 - rate) * ((1.0 - rate) / (1.0 - active)).ln();
    let network = flat().layer(TargetRate::new(0.1, 2.0)).build()?;
    let expected: f64 = activities.row_iter().map(|unit| 2.0 * kl(0.1, unit.mean())).sum();
    assert_relative_eq!(penalty(&network, &data)?, expected, max_relative = 1e-12);

    let network = image().layer(TargetRate::new(0.1, 2.0)).build()?;
    let activities = network.activations("layers.0", &data)?;
    let channel = |channel: usize| activities.rows_with_step(channel, 20, 2).mean();
    let expected: f64 = (0..3).map(|index| 2.0 * kl(0.1, channel(index))).sum();
    assert_relative_eq!(penalty(&network, &data)?, expected, max_relative = 1e-12);
    Ok(())
}

/// What is at its target costs nothing; a unit that is never active costs, and not infinitely much.
#[test]
fn rates() -> Outcome {
    let network = Network::<f64>::builder(Shape::flat(1)).layer(TargetRate::new(0.25, 1.0)).build()?;
    assert!(penalty(&network, &DMatrix::from_row_slice(1, 4, &[0.0, 0.5, 0.5, 0.0]))?.abs() < 1e-15);
    assert!(penalty(&network, &DMatrix::zeros(1, 4))? > 1.0);
    assert!(penalty(&network, &DMatrix::from_element(1, 4, 1.0))?.is_finite());
    Ok(())
}

#[test]
fn the_largest_are_kept() -> Outcome {
    let network = Network::<f64>::builder(Shape::flat(6)).layer(TopK::new(2).inference_factor(1.5)).build()?;
    let sample = [0.5, -3.0, 2.0, 2.0, -0.1, 2.0];
    let mut tape = network.tape_with_input_gradient(1)?;
    assert_eq!(
        network.forward(&mut tape, &sample[..], None, 0)?,
        [0.0, 0.0, 2.0, 2.0, 0.0, 0.0],
        "the first of equals"
    );
    network.backward(&mut tape, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &mut [])?;
    assert_eq!(tape.input_gradient(), [0.0, 0.0, 3.0, 4.0, 0.0, 0.0]);
    assert_eq!(network.predict(&sample[..])?.as_slice(), [0.0, 0.0, 2.0, 2.0, 0.0, 2.0]);
    let negative = [-1.0, -2.0, -3.0, -4.0, -5.0, -6.0];
    assert_eq!(network.forward(&mut tape, &negative[..], None, 0)?, [-1.0, -2.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!(network.forward(&mut tape, &[0.0; 6][..], None, 0)?, [0.0; 6]);
    Ok(())
}

#[test]
fn they_make_codes_sparse() -> Outcome {
    let data = Numbers::new(2).matrix::<f64>(20, 300);
    let train = |builder: AutoencoderBuilder<f64>| -> Result<Activity, Error> {
        let mut model = builder.decoder(Dense::new(20)).build()?;
        Trainer::new(Mse, Adam::new(0.01)).epochs(40).fit(&mut model, &data)?;
        model.activity(&data)
    };
    let start = |activation| Autoencoder::builder(Shape::flat(20)).encoder(Dense::new(15).activation(activation));
    let relu = || start(Activation::Relu);
    let (plain, sparse) = (train(relu())?, train(relu().encoder(L1Activity::new(0.01)))?);
    assert!(sparse.mean() < 0.5 * plain.mean() && sparse.l0() < plain.l0(), "{plain:?}\n{sparse:?}");
    let rated = train(start(Activation::Sigmoid).encoder(TargetRate::new(0.1, 1.0)))?;
    assert!(rated.means.iter().all(|mean| (mean - 0.1).abs() < 0.02), "{rated:?}");
    let largest = train(start(Activation::Linear).encoder(TopK::new(4)))?;
    assert!((largest.l0() - 4.0).abs() < 1e-12, "{largest:?}");
    Ok(())
}

#[test]
fn the_report() -> Outcome {
    let identity = Network::<f64>::builder(Shape::flat(3)).layer(Activation::Relu).build()?;
    let data = DMatrix::from_column_slice(3, 4, &[1.0, -1.0, 0.0, 3.0, -1.0, 2.0, 0.0, -1.0, 2.0, 0.0, -1.0, 0.0]);
    let activity = identity.activity("layers.0", &data)?;
    assert_eq!(activity.means, [1.0, 0.0, 1.0]);
    assert_eq!(activity.rates, [0.5, 0.0, 0.5]);
    assert_relative_eq!(activity.mean(), 2.0 / 3.0, max_relative = 1e-15);
    assert_eq!((activity.l0(), activity.dead()), (1.0, vec![1]));
    assert!(matches!(identity.activity("layers.9", &data), Err(Error::Input(InputError::NoSuchLayer { .. }))));
    let many = Numbers::new(3).matrix::<f64>(3, 1000);
    let error = |data: &DMatrix<f64>| identity.activity("layers.0", data).expect_err("not finite").to_string();
    let mut broken = many.clone();
    broken[(1, 700)] = f64::NAN;
    assert!(error(&broken).contains("feature 1 of sample 700"), "{}", error(&broken));
    assert_relative_eq!(identity.activity("layers.0", &many)?.mean(), many.mean(), max_relative = 1e-12);
    Ok(())
}

#[test]
fn same_bits_for_any_threads() -> Outcome {
    let data = Numbers::new(2).matrix::<f32>(20, 300);
    let train = |threads| -> Result<Vec<u64>, Error> {
        let mut model = Autoencoder::<f32>::builder(Shape::flat(20))
            .encoder(Dense::new(40).activation(Activation::Sigmoid))
            .encoder(TargetRate::new(0.1, 0.1))
            .encoder(TopK::new(9))
            .encoder(L1Activity::new(1e-3))
            .mirror_tied(Activation::Sigmoid)
            .build()?;
        Trainer::new(Bce, Adam::default()).epochs(3).batch_size(150).threads(threads).fit(&mut model, &data)?;
        Ok(common::bits(model.network().parameter_vector()))
    };
    let one = train(1)?;
    for threads in [2, 3, 7] {
        assert!(train(threads)? == one, "{threads} threads");
    }
    Ok(())
}
