//! The evidence lower bound and the importance-weighted likelihood, against PyTorch and where they
//! are known exactly.

use approx::assert_relative_eq;
use autoencoder::nalgebra::{DMatrix, DVector};
use autoencoder::*;
use safetensors::SafeTensors;

use crate::common::{Outcome, distance, error_of};
use crate::{NATS, bits, builder, convolutional};

const SEED: u64 = 11;
const DRAWS: usize = 4;

/// The tensors of a case of `tests/reference/variational.safetensors`.
struct Reference<'a> {
    file: SafeTensors<'a>,
    case: &'static str,
}

impl Reference<'_> {
    fn values(&self, name: &str) -> Vec<f64> {
        let view = self.file.tensor(&format!("{}/{name}", self.case)).expect("a tensor");
        view.data().chunks_exact(8).map(|bytes| f64::from_le_bytes(bytes.try_into().expect("8 bytes"))).collect()
    }
}

fn read() -> Vec<u8> {
    std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/reference/variational.safetensors")).expect("a file")
}

/// The noise of `DRAWS` draws of two dimensions for each sample: a code of as many numbers whose
/// posterior is the prior.
fn noise_of(data: &DMatrix<f64>) -> Result<DMatrix<f64>, Error> {
    let mut model = Autoencoder::<f64>::builder(Shape::flat(data.nrows()))
        .encoder(Dense::new(2 * 2 * DRAWS))
        .encoder(GaussianLatent::new())
        .decoder(Dense::new(data.nrows()))
        .build()?;
    model.set_parameter("encoder.0.weight", &vec![0.0; data.nrows() * 4 * DRAWS])?;
    Ok(model.encode_distribution(data)?.draw(SEED))
}

/// PyTorch's numbers from the same parameters and the same noise.
#[test]
fn pytorch() -> Outcome {
    let bytes = read();
    let likelihoods: [(_, _, Box<dyn Loss<f64>>); 2] = [
        ("bernoulli", Activation::Sigmoid, Box::new(Bce.reduction(NATS))),
        ("normal", Activation::Linear, Box::new(GaussianNll::new(0.3))),
    ];
    for (case, activation, loss) in likelihoods {
        let reference = Reference { file: SafeTensors::deserialize(&bytes)?, case };
        let mut model = Autoencoder::<f64>::builder(Shape::flat(7))
            .encoder(Dense::new(4))
            .encoder(GaussianLatent::new())
            .decoder(Dense::new(7).activation(activation))
            .build()?;
        for half in ["encoder", "decoder"] {
            for kind in ["weight", "bias"] {
                model.set_parameter(&format!("{half}.0.{kind}"), &reference.values(&format!("{half}.{kind}")))?;
            }
        }
        let data = DMatrix::from_vec(7, 3, reference.values("x"));
        let posterior = model.encode_distribution(&data)?;
        assert!(distance(posterior.mean.as_slice(), &reference.values("mean")) < 1e-13);
        assert!(distance(posterior.log_variance.as_slice(), &reference.values("log_variance")) < 1e-13);
        assert!(distance(posterior.kl().as_slice(), &reference.values("kl")) < 1e-13);
        let (found, expected) = (noise_of(&data)?, reference.values("noise"));
        assert_eq!(
            found.as_slice(),
            expected,
            "{case}: the noise is another; `make_variational.py` takes that on the left"
        );
        let first = (&posterior.draw(SEED) - &posterior.mean).component_div(&posterior.variance().map(f64::sqrt));
        assert!(distance(first.as_slice(), found.rows(0, 2).into_owned().as_slice()) < 1e-12);

        let bound = model.elbo(loss.as_ref(), &data, DRAWS, SEED)?;
        let mean = |name: &str| reference.values(name).iter().sum::<f64>() / 3.0;
        assert_relative_eq!(bound.reconstruction, mean("reconstruction"), max_relative = 1e-12);
        assert_relative_eq!(bound.kl, mean("kl"), max_relative = 1e-12);
        let likelihoods = model.log_likelihood(loss.as_ref(), &data, DRAWS, SEED)?;
        assert!(distance(&likelihoods, &reference.values("log_likelihood")) < 1e-12);

        let mut tape = model.network().tape(3)?;
        model.network().forward(&mut tape, &data, None, 0)?;
        let figure = tape.diagnostics().next().expect("a figure").1;
        assert_relative_eq!(figure, reference.values("kl").iter().sum::<f64>(), max_relative = 1e-12);
    }
    Ok(())
}

#[test]
fn the_normal_likelihood_is_pytorchs() -> Outcome {
    let bytes = read();
    let reference = Reference { file: SafeTensors::deserialize(&bytes)?, case: "loss" };
    let (predictions, targets) = (reference.values("prediction"), reference.values("target"));
    let mut gradient = vec![0.0; predictions.len()];
    let pass = LossPass::new(Shape::flat(7), &predictions, &targets)?.gradient(1.0, &mut gradient)?;
    assert_relative_eq!(GaussianNll::new(0.3).evaluate(pass), reference.values("value")[0], max_relative = 1e-13);
    assert!(distance(&gradient, &reference.values("gradient")) < 1e-13);
    Ok(())
}

/// x = W z + b + s ε with orthogonal columns in W: the true posterior has independent dimensions
/// and is the encoder's, so that every importance weight is p(x), N(x; b, W Wᵀ + s² I).
struct Exact {
    model: Autoencoder<f64>,
    loss: GaussianNll,
    data: DMatrix<f64>,
    likelihoods: Vec<f64>,
}

fn exact() -> Result<Exact, Error> {
    let variance = 0.4;
    let weight = DMatrix::from_column_slice(4, 2, &[0.9, -0.3, 0.6, 0.3, 0.3, 0.9, -0.3, 0.6]);
    let bias = DVector::from_vec(vec![0.5, -0.25, 0.1, 0.0]);
    assert!(f64::abs(weight.column(0).dot(&weight.column(1))) < 1e-15);
    let mut model = Autoencoder::<f64>::builder(Shape::flat(4))
        .encoder(Dense::new(4))
        .encoder(GaussianLatent::new())
        .decoder(Dense::new(4))
        .build()?;
    // q(z|x): variance v = 1 / (1 + |w|² / s²), mean v wᵀ (x − b) / s²
    let variances = weight.column_iter().map(|w| 1.0 / (1.0 + w.norm_squared() / variance));
    let variances = DVector::from_iterator(2, variances);
    let to_mean = DMatrix::from_fn(2, 4, |row, column| variances[row] * weight[(column, row)] / variance);
    let mean_bias = -&to_mean * &bias;
    let encoder = DMatrix::from_fn(4, 4, |unit, feature| if unit < 2 { to_mean[(unit, feature)] } else { 0.0 });
    model.set_parameter("encoder.0.weight", encoder.as_slice())?; // in x out by rows is out x in by columns
    let encoder_bias: Vec<f64> = mean_bias.iter().copied().chain(variances.iter().map(|v| v.ln())).collect();
    model.set_parameter("encoder.0.bias", &encoder_bias)?;
    model.set_parameter("decoder.0.weight", weight.as_slice())?;
    model.set_parameter("decoder.0.bias", bias.as_slice())?;

    let data = crate::common::Numbers::new(4).matrix::<f64>(4, 30).map(|value| 4.0 * value - 2.0);
    let covariance = &weight * weight.transpose() + DMatrix::identity(4, 4) * variance;
    let inverse = covariance.clone().try_inverse().expect("an inverse");
    let constant = 4.0 * std::f64::consts::TAU.ln() + covariance.determinant().ln();
    let density = |x: DVector<f64>| -0.5 * ((&x - &bias).dot(&(&inverse * (&x - &bias))) + constant);
    let likelihoods = data.column_iter().map(|x| density(x.into_owned())).collect();
    Ok(Exact { model, loss: GaussianNll::new(variance), data, likelihoods })
}

#[test]
fn a_model_whose_likelihood_is_known() -> Outcome {
    let Exact { mut model, loss, data, likelihoods } = exact()?;
    for draws in [1, 3, 300] {
        let found = model.log_likelihood(&loss, &data, draws, 8)?;
        assert!(distance(&found, &likelihoods) < 1e-12, "{draws} draws");
    }
    let mean = likelihoods.iter().sum::<f64>() / 30.0;
    let bound = model.elbo(&loss, &data, 2_000, 8)?;
    assert!((bound.value() - mean).abs() < 0.02, "{} and {mean}", bound.value());

    // With another posterior the bound is lower and the estimate still right.
    let bias: Vec<f64> = model.network().parameter("encoder.0.bias")?.values.iter().map(|value| value + 0.3).collect();
    model.set_parameter("encoder.0.bias", &bias)?;
    let found = model.log_likelihood(&loss, &data, 5_000, 8)?;
    assert!((found.iter().sum::<f64>() / 30.0 - mean).abs() < 0.01);
    assert!(model.elbo(&loss, &data, 2_000, 8)?.value() < mean - 0.05);
    Ok(())
}

#[test]
fn more_draws_come_nearer() -> Outcome {
    let (data, mut model, loss) = (bits(12, 1000), builder(GaussianLatent::new()).build()?, Bce.reduction(NATS));
    Trainer::new(loss, Adam::new(0.01)).epochs(5).batch_size(20).fit(&mut model, &data)?;
    let mean =
        |draws| -> Result<f64, Error> { Ok(model.log_likelihood(&loss, &data, draws, 3)?.iter().sum::<f64>() / 1e3) };
    // There are 64 different samples; equal ones have equal noise.
    let (bound, few, many) = (model.elbo(&loss, &data, 3_000, 3)?.value(), mean(30)?, mean(3_000)?);
    assert!(bound < few && few < many && many < 0.0, "{bound}, {few}, {many}");
    assert!((mean(1)? - model.elbo(&loss, &data, 1, 3)?.value()).abs() < 1.0);
    Ok(())
}

/// Neither threads nor the samples beside it change what is said of a sample.
#[test]
fn same_bits_for_any_threads() -> Outcome {
    let (data, model, loss) = (bits(24, 300), convolutional(GaussianLatent::new()).build()?, Bce.reduction(NATS));
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    let one = pool(1).install(|| model.log_likelihood(&loss, &data, 150, 3))?;
    for threads in [2, 3, 7] {
        assert_eq!(pool(threads).install(|| model.log_likelihood(&loss, &data, 150, 3))?, one);
    }
    let few = model.log_likelihood(&loss, &data.columns(0, 9), 150, 3)?;
    assert_eq!(few, one[..9]);
    Ok(())
}

/// Nor does its place: a row has the same value wherever it is, and equal rows have equal values,
/// zeros of either sign being equal.
#[test]
fn a_row_has_the_same_value_wherever_it_is() -> Outcome {
    let (data, model, loss) = (bits(12, 300), builder(GaussianLatent::new()).build()?, Bce.reduction(NATS));
    let values = |data: &DMatrix<f64>| model.log_likelihood(&loss, data, 20, 3);
    let (forward, backward) =
        (values(&data)?, values(&DMatrix::from_fn(12, 300, |row, column| data[(row, 299 - column)]))?);
    assert_eq!(forward, backward.into_iter().rev().collect::<Vec<_>>());
    for column in [0, 1, 299] {
        assert_eq!(values(&data.columns(column, 1).into_owned())?, forward[column..=column]);
    }
    let mut equal = DMatrix::from_fn(12, 300, |row, _| data[(row, 5)]);
    equal.column_mut(270).iter_mut().for_each(|value| *value = if *value == 0.0 { -0.0 } else { *value });
    assert!(values(&equal)?.iter().all(|value| *value == forward[5]));
    let (one, all) = (model.elbo(&loss, &data.columns(5, 1).into_owned(), 20, 3)?, model.elbo(&loss, &equal, 20, 3)?);
    assert_relative_eq!(one.reconstruction, all.reconstruction, max_relative = 1e-14);
    assert_ne!(values(&data)?, model.log_likelihood(&loss, &data, 20, 4)?, "another seed");
    let draws = model.encode_distribution(&equal)?.draw(3);
    assert!(draws.column_iter().all(|code| code == draws.column(0)));
    let posterior = model.encode_distribution(&data)?;
    assert_eq!(model.encode_distribution(&data.columns(100, 9))?.draw(3), posterior.draw(3).columns(100, 9));
    Ok(())
}

/// Rows that are alike, even those whose posteriors are equal, have noise of their own: standard
/// normal and without correlation.
#[test]
fn different_rows_have_independent_noise() -> Outcome {
    const ROWS: usize = 1 << 12;
    let mut model = Autoencoder::<f64>::builder(Shape::flat(12))
        .encoder(Dense::new(2 * 8))
        .encoder(GaussianLatent::new())
        .decoder(Dense::new(12))
        .build()?;
    model.set_parameter("encoder.0.weight", &[0.0; 12 * 16])?; // every posterior is the prior
    let data = DMatrix::from_fn(12, ROWS, |bit, row| f64::from(u8::from(row >> bit & 1 == 1)));
    let noise = model.encode_distribution(&data)?.draw(SEED);
    let limit = 5.0 / (noise.len() as f64).sqrt();
    assert!(noise.mean().abs() < limit && (noise.variance() - 1.0).abs() < 1.5 * limit);
    for apart in [1, 2, 64, 2048] {
        let products = (0..ROWS).map(|row| noise.column(row).dot(&noise.column(row ^ apart)));
        let correlation = products.sum::<f64>() / noise.len() as f64;
        assert!(correlation.abs() < 1.5 * limit, "rows {apart} apart: {correlation}"); // each pair is counted twice
    }
    Ok(())
}

/// With a scaler the density is that of scaled values, as in training.
#[test]
fn scaled_data() -> Outcome {
    let data = crate::common::Numbers::new(4).matrix::<f64>(6, 40).map(|value| 30.0 * value + 7.0);
    let scaler = StandardScaler::fit(&data)?;
    let likelihoods = |scaler: Option<Scaler>, data: &DMatrix<f64>| -> Result<Vec<f64>, Error> {
        let builder = Autoencoder::<f64>::builder(Shape::flat(6));
        let builder = match scaler {
            Some(scaler) => builder.scaler(scaler),
            None => builder,
        };
        let builder = builder.encoder(Dense::new(4)).encoder(GaussianLatent::new()).decoder(Dense::new(6));
        let mut model = builder.build()?;
        model.set_parameter("encoder.0.weight", &[0.0; 24])?; // whatever the code: p(x|z) is N(x; 0, 1)
        model.set_parameter("decoder.0.weight", &[0.0; 12])?;
        model.log_likelihood(&GaussianNll::default(), data, 20, 1)
    };
    let scaled = nalgebra::DMatrix::from_fn(6, 40, |feature, sample| {
        (data[(feature, sample)] - scaler.shift()[feature]) / scaler.scale()[feature]
    });
    let (with, without) = (likelihoods(Some(scaler), &data)?, likelihoods(None, &scaled)?);
    let constant = 3.0 * std::f64::consts::TAU.ln();
    let by_hand: Vec<f64> = scaled.column_iter().map(|sample| -0.5 * sample.norm_squared() - constant).collect();
    assert!(distance(&with, &by_hand) < 1e-12, "that of the scaled values");
    assert!(distance(&without, &by_hand) < 1e-12);
    Ok(())
}

#[test]
fn what_is_refused() -> Outcome {
    let (data, model, loss) = (bits(12, 5), builder(GaussianLatent::new()).build()?, Bce.reduction(NATS));
    assert!(matches!(model.elbo(&loss, &data, 0, 1), Err(Error::Option(_))));
    assert!(matches!(model.elbo(&Bce, &data, 1, 1), Err(Error::Loss(_))));
    let refused = model.elbo(&Mse.reduction(NATS), &data, 1, 1);
    assert!(matches!(refused, Err(Error::Loss(LossError::NotLikelihood { loss: "mse" }))));
    let error = error_of(model.elbo(&loss, &data.rows(0, 11).into_owned(), 1, 1), "11 features").to_string();
    assert!(error.starts_with("expected 12 features in each sample, found 11"), "{error}");
    let error = error_of(model.elbo(&loss, &(data.clone() * 2.0), 1, 1), "targets outside 0..=1").to_string();
    assert!(error.contains("is 2, the loss `bce` takes numbers in 0..=1"), "{error}");
    let refused = model.elbo(&GaussianNll::new(-1.0), &data, 1, 1);
    assert!(matches!(refused, Err(Error::Option(OptionError { option: "variance", .. }))), "{refused:?}");
    let plain = Autoencoder::<f64>::builder(Shape::flat(12)).encoder(Dense::new(3)).decoder(Dense::new(12)).build()?;
    let refused = plain.log_likelihood(&loss, &data, 1, 1);
    assert!(matches!(refused, Err(Error::Input(InputError::NotVariational))));
    Ok(())
}
