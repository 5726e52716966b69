//! What training makes small: reconstruction and divergence in nats, by their formulas; gradients;
//! what is refused.

use approx::assert_relative_eq;
use autoencoder::*;

use crate::common::gradient::{Case, Check, mean_loss, of_network, weighted};
use crate::common::{self, Numbers, Outcome, error_of};
use crate::{NATS, bits, builder, convolutional};

fn latents() -> Vec<(&'static str, GaussianLatent)> {
    let plain = GaussianLatent::new();
    vec![
        ("plain", plain),
        ("beta 0", plain.beta(0.0)),
        ("beta 4", plain.beta(4.0)),
        ("warmed up", plain.beta(2.0).warm_up(KlAnnealing::Linear { epochs: 4.0 })),
        ("in cycles", plain.warm_up(KlAnnealing::Cyclic { epochs: 2.0, rise: 0.75 })),
        ("free bits", plain.beta(3.0).free_bits(0.2)),
    ]
}

/// The noise is held fixed: it is a function of the place in the batch.
#[test]
fn gradients() -> Outcome {
    for (name, latent) in latents() {
        for samples in [1, 3, 40] {
            let random = &mut Numbers::new(samples as u64);
            let dense = builder(latent).build()?.network().clone();
            of_network(dense, samples, random).check(&format!("{name}, dense, {samples} samples"));
            let convolutional = convolutional(latent).build()?.network().clone();
            of_network(convolutional, samples, random).check(&format!("{name}, convolutional, {samples} samples"));
        }
    }
    Ok(())
}

/// Logarithms of variances where they bend, and far beyond.
#[test]
fn gradients_where_the_variance_is_bounded() -> Outcome {
    for (seed, size) in [9.0, 12.0, 30.0].into_iter().enumerate() {
        let network = Network::<f64>::builder(Shape::flat(8)).layer(GaussianLatent::new()).build()?;
        let random = &mut Numbers::new(seed as u64);
        let objective = weighted(random, 5 * 4);
        let mut case = Case::new(network, 5, &objective, random);
        for mut sample in case.inputs.column_iter_mut() {
            sample.rows_mut(4, 4).iter_mut().for_each(|value| *value *= size);
        }
        case.check(random).check(&format!("logarithms up to {size}"));
    }
    Ok(())
}

/// The gradient of reconstruction and divergence together, with the last activation left to the
/// loss.
#[test]
fn gradient_of_the_objective() -> Outcome {
    let (samples, network) = (9, builder(GaussianLatent::new().beta(1.5)).build()?.network().clone());
    let targets = bits(12, samples);
    let loss = Bce.reduction(NATS);
    let objective = mean_loss(&loss, Shape::flat(12), targets.as_slice());
    let mut case = Case::new(network, samples, &objective, &mut Numbers::new(3));
    case.link = Some(Activation::Sigmoid);
    case.check(&mut Numbers::new(4)).check("reconstruction and divergence");
    Ok(())
}

/// The mean over samples of the sum over dimensions; weights and free bits by their formulas.
#[test]
fn divergence_by_its_formula() -> Outcome {
    let data = bits(12, 30);
    for (name, latent) in latents() {
        let network = builder(latent).build()?.network().clone();
        let encoded = network.activations("encoder.1", &data)?;
        let by_hand: Vec<f64> = (0..3)
            .map(|dimension| {
                let of = |sample: usize| {
                    let (mean, log_variance) = (encoded[(dimension, sample)], encoded[(dimension + 3, sample)]);
                    0.5 * (mean * mean + log_variance.exp() - 1.0 - log_variance)
                };
                (0..30).map(of).sum::<f64>() / 30.0
            })
            .collect();
        let expected = match name {
            "free bits" => 3.0 * by_hand.iter().map(|kl| kl.max(0.2)).sum::<f64>(),
            "beta 0" => 0.0,
            "beta 4" => 4.0 * by_hand.iter().sum::<f64>(),
            "warmed up" => 2.0 * 2.5 / 4.0 * by_hand.iter().sum::<f64>(),
            "in cycles" => 0.5 / 1.5 * by_hand.iter().sum::<f64>(),
            _ => by_hand.iter().sum(),
        };
        let mut tape = network.tape(30)?;
        tape.set_epoch(2.5);
        network.forward(&mut tape, &data, None, 0)?;
        let (penalties, figures): (Vec<_>, Vec<_>) = (tape.penalties().collect(), tape.diagnostics().collect());
        assert_eq!((penalties[0].0, figures[0].0), ("encoder.2.kl_weighted", "encoder.2.kl"));
        assert_relative_eq!(penalties[0].1 / 30.0, expected, max_relative = 1e-12);
        assert_relative_eq!(figures[0].1 / 30.0, by_hand.iter().sum::<f64>(), max_relative = 1e-12);
    }
    Ok(())
}

#[test]
fn inference_gives_the_mean_and_training_draws() -> Outcome {
    let (data, model) = (bits(12, 20), builder(GaussianLatent::new()).build()?);
    let posterior = model.encode_distribution(&data)?;
    assert_eq!(model.encode(&data)?, posterior.mean);
    let network = Network::builder(Shape::flat(2)).layer(GaussianLatent::new()).build()?;
    let inputs = nalgebra::DMatrix::from_fn(2, 20_000, |row, _| [0.7, 2.0 * 0.5_f64.ln()][row]);
    let mut tape = network.tape(20_000)?;
    let codes = network.forward(&mut tape, &inputs, None, 0)?.to_vec();
    let mean = codes.iter().sum::<f64>() / 2e4;
    let variance = codes.iter().map(|code| (code - mean).powi(2)).sum::<f64>() / 2e4;
    assert!((mean - 0.7).abs() < 0.012 && (variance - 0.25).abs() < 0.008, "{mean}, {variance}");
    assert_ne!(codes, network.forward(&mut tape, &inputs, None, 1)?);
    Ok(())
}

#[test]
fn history_in_nats() -> Outcome {
    let (data, mut model) = (bits(12, 200), builder(GaussianLatent::new().beta(0.5)).build()?);
    let first = model.evaluate(&Bce.reduction(NATS), &data)?;
    let history =
        Trainer::new(Bce.reduction(NATS), Adam::new(0.01)).epochs(60).batch_size(20).fit(&mut model, &data)?;
    let [early, late] = [&history.epochs()[0], &history.epochs()[59]];
    let kl = late.diagnostic("encoder.2.kl").ok_or("no such figure")?;
    assert_eq!((late.diagnostic("kl"), late.diagnostic("l"), late.diagnostic("2.kl")), (Some(kl), None, Some(kl)));
    assert_relative_eq!(
        late.penalty("encoder.2.kl_weighted").ok_or("no such penalty")?,
        0.5 * kl,
        max_relative = 1e-12
    );
    assert_relative_eq!(late.total(), late.loss + 0.5 * kl, max_relative = 1e-12);
    assert!((first - 12.0 * 2.0_f64.ln()).abs() < 2.0, "{first} nats at first");
    assert!(late.total() < 0.8 * early.total() && kl > 1.0, "{history}");
    let headings = history.to_string();
    for heading in ["loss", "encoder.2.kl_weighted", "total", "encoder.2.kl"] {
        assert!(headings.contains(heading), "{headings}");
    }
    Ok(())
}

/// Warm-up is counted in steps: the last of four steps of the first of two epochs has the weight
/// 3/8.
#[test]
fn warm_up_follows_the_steps() -> Outcome {
    let data = bits(12, 40);
    let train = |latent, epochs| -> Result<(f64, f64), Box<dyn std::error::Error>> {
        let mut model = builder(latent).build()?;
        let trainer = Trainer::new(Bce.reduction(NATS), Sgd::new(1e-12)).shuffle(false);
        let history = trainer.epochs(epochs).batch_size(10).fit(&mut model, &data)?;
        let epoch = &history.epochs()[epochs - 1];
        Ok((epoch.penalty("encoder.2.kl_weighted").unwrap(), epoch.diagnostic("encoder.2.kl").unwrap()))
    };
    let model = builder(GaussianLatent::new()).build()?;
    let kl = model.encode_distribution(&data)?.kl();
    let expected =
        |shares: [f64; 4]| (0..4).map(|step| shares[step] * kl.columns(10 * step, 10).sum() / 40.0).sum::<f64>();
    let linear = GaussianLatent::new().warm_up(KlAnnealing::Linear { epochs: 2.0 });
    assert_relative_eq!(train(linear, 1)?.0, expected([0.0, 0.125, 0.25, 0.375]), max_relative = 1e-6);
    assert_relative_eq!(train(linear, 2)?.0, expected([0.5, 0.625, 0.75, 0.875]), max_relative = 1e-6);
    let (weighted, kl) = train(linear, 3)?;
    assert_relative_eq!(weighted, kl, max_relative = 1e-12);
    Ok(())
}

#[test]
fn free_bits_keep_a_code_alive() -> Outcome {
    let data = bits(12, 200);
    let kl = |latent| -> Result<f64, Error> {
        let mut model = builder(latent).build()?;
        Trainer::new(Bce.reduction(NATS), Adam::new(0.01)).epochs(40).batch_size(20).fit(&mut model, &data)?;
        Ok(model.latent_report(&data)?.kl.iter().sum())
    };
    let strong = GaussianLatent::new().beta(20.0);
    let (without, with) = (kl(strong)?, kl(strong.free_bits(0.5))?);
    assert!(without < 0.1 && with > 1.0, "{without} nats without, {with} with");
    Ok(())
}

#[test]
fn a_loss_that_is_no_sum_over_a_sample_is_refused() -> Outcome {
    let (data, mut model) = (bits(12, 10), builder(GaussianLatent::new()).build()?);
    let before = model.network().parameter_vector().to_vec();
    let error = error_of(Trainer::new(Bce, Adam::default()).fit(&mut model, &data), "a mean over elements");
    let Error::Train(error) = error else { panic!("{error}") };
    assert!(matches!(error.kind(), TrainErrorKind::Reduction { layer, loss: "bce" } if layer == "encoder.2"));
    assert!(error.to_string().contains("Reduction::SumPerSample"), "{error}");
    assert_eq!(model.network().parameter_vector(), before);
    assert!(matches!(model.elbo(&Mse, &data, 1, 0), Err(Error::Loss(_))));
    Ok(())
}

#[test]
fn options_outside_their_range() {
    let plain = GaussianLatent::new();
    let rows = [
        (plain.beta(-1.0), "`beta` is -1, expected"),
        (plain.beta(f64::NAN), "`beta`"),
        (plain.free_bits(-0.1), "`free_bits` is -0.1"),
        (plain.warm_up(KlAnnealing::Linear { epochs: 0.0 }), "`epochs` is 0"),
        (plain.warm_up(KlAnnealing::Cyclic { epochs: -1.0, rise: 0.5 }), "`epochs` is -1"),
        (plain.warm_up(KlAnnealing::Cyclic { epochs: 1.0, rise: 1.5 }), "`rise` is 1.5"),
    ];
    for (latent, text) in rows {
        let error = error_of(builder(latent).build(), text);
        assert!(error.layer() == "encoder.2" && error.to_string().contains(text), "{error}");
    }
    let odd = Network::<f64>::builder(Shape::flat(5)).layer(GaussianLatent::new()).build();
    assert!(error_of(odd, "odd").to_string().contains("an even number of channels"));
}

/// β = 0, a batch of one, samples of zeros, and inputs that would overflow an exponential.
#[test]
fn edges() -> Outcome {
    for latent in [GaussianLatent::new().beta(0.0), GaussianLatent::new().free_bits(0.1)] {
        let mut model = builder(latent).build()?;
        let zeros = nalgebra::DMatrix::zeros(12, 3);
        let trainer = || Trainer::new(Bce.reduction(NATS), Adam::default());
        assert!(trainer().batch_size(1).epochs(2).fit(&mut model, &zeros)?.loss().is_some_and(f64::is_finite));
        model.set_parameter("encoder.1.bias", &[0.0, 0.0, 0.0, 1e30, -1e30, 3e3])?;
        assert!(model.elbo(&Bce.reduction(NATS), &zeros, 3, 1)?.value().is_finite());
        assert!(trainer().fit(&mut model, &zeros)?.loss().is_some_and(f64::is_finite));
    }
    let network = Network::<f32>::builder(Shape::flat(2)).layer(GaussianLatent::new()).build()?;
    for raw in [f32::MAX, f32::MIN, 50.0, -50.0] {
        let mut tape = network.tape_with_input_gradient(1)?;
        let code = network.forward(&mut tape, &[0.5, raw][..], None, 0)?[0];
        network.backward(&mut tape, &[1.0], &mut [])?;
        assert!(code.is_finite() && tape.input_gradient().iter().all(|value| value.is_finite()), "{raw}: {code}");
    }
    Ok(())
}

#[test]
fn same_bits_for_any_threads_and_after_loading() -> Outcome {
    let latent =
        GaussianLatent::new().beta(2.0).warm_up(KlAnnealing::Cyclic { epochs: 2.0, rise: 0.5 }).free_bits(0.05);
    let train = |threads| -> Result<Autoencoder<f64>, Box<dyn std::error::Error>> {
        let mut model = convolutional(latent).build()?;
        let trainer = Trainer::new(Bce.reduction(NATS), Adam::default()).threads(threads).epochs(3).batch_size(60);
        trainer.seed(2).fit(&mut model, &bits(24, 150))?;
        Ok(model)
    };
    let one = train(1)?;
    for threads in [2, 3, 7] {
        assert_eq!(
            common::bits(train(threads)?.network().parameter_vector()),
            common::bits(one.network().parameter_vector())
        );
    }
    let mut bytes = Vec::new();
    one.write_to(&mut bytes)?;
    let again = Autoencoder::<f64>::from_bytes(&bytes)?;
    let data = bits(24, 10);
    assert_eq!(again.encode_distribution(&data)?, one.encode_distribution(&data)?);
    assert_eq!(again.sample(4, 9)?, one.sample(4, 9)?);
    let mut twice = Vec::new();
    again.write_to(&mut twice)?;
    assert_eq!(bytes, twice);
    Ok(())
}
