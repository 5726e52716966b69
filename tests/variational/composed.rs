//! A variational model with everything else on: noise, normalisation, penalties, fused layers;
//! schedules, clipping, early stopping.

use autoencoder::*;

use super::common::gradient::{Check, of_network};
use super::common::{self, Numbers, Outcome};
use super::{NATS, bits};

/// The decoder's up-sampling and convolution are computed as one.
fn builder(noise: f64) -> AutoencoderBuilder<f64> {
    Autoencoder::builder(Shape::image(4, 6, 1))
        .encoder(GaussianNoise::new(noise))
        .encoder(Conv2D::new(3, 3).stride(2).without_bias().weight_regularizer(Regularizer::l2(1e-3)))
        .encoder(BatchNorm::new().momentum(0.9))
        .encoder(Activation::Tanh)
        .encoder(Dropout::new(noise))
        .encoder(Conv2D::new(2 * 2, 1))
        .encoder(GaussianLatent::new().beta(0.5).free_bits(0.01).warm_up(KlAnnealing::Linear { epochs: 2.0 }))
        .decoder(UpSample::new(2))
        .decoder(Conv2D::new(3, 3).activation(Activation::Sigmoid).weight_regularizer(Regularizer::l1_l2(1e-4, 1e-3)))
        .decoder(L1Activity::new(1e-3))
        .decoder(Conv2D::new(1, 3).activation(Activation::Sigmoid))
        .seed(3)
}

fn trainer(threads: usize) -> Trainer<'static, f64> {
    Trainer::new(Bce.reduction(NATS), Adam::new(0.02))
        .epochs(6)
        .batch_size(40)
        .seed(4)
        .threads(threads)
        .corrupt(Masking::new(0.1))
        .schedule(WarmUp::new(1.0, Cosine::new()))
        .clip(Clip::Norm(50.0))
        .validation_fraction(0.2)
}

#[test]
fn gradients() -> Outcome {
    for samples in [2, 9, 90] {
        let network = builder(0.2).build()?.network().clone();
        of_network(network, samples, &mut Numbers::new(8)).check(&format!("everything at once, {samples} samples"));
    }
    Ok(())
}

#[test]
fn same_bits_for_any_threads() -> Outcome {
    let train = |threads| -> Result<(Vec<u64>, Vec<u64>), Error> {
        let mut model = builder(0.2).build()?;
        let history = trainer(threads).early_stopping(EarlyStopping::new(3)).fit(&mut model, &bits(24, 200))?;
        let epochs = history.epochs();
        assert!(epochs.iter().all(|epoch| epoch.total().is_finite()), "{history}");
        let totals: Vec<f64> =
            epochs.iter().flat_map(|epoch| [Some(epoch.total()), epoch.validation_total()]).flatten().collect();
        Ok((common::bits(model.network().parameter_vector()), common::bits(&totals)))
    };
    let one = train(1)?;
    for threads in [2, 3, 7] {
        assert!(train(threads)? == one, "{threads} threads");
    }
    Ok(())
}

/// What is watched is the bound, with β before the divergence: no penalties, no warm-up, nothing
/// free.
#[test]
fn early_stopping_watches_the_bound() -> Outcome {
    let (mut model, data) = (builder(0.0).build()?, bits(24, 200));
    let validation = data.columns(160, 40).into_owned();
    let trainer = Trainer::new(Bce.reduction(NATS), Adam::new(0.3)).epochs(40).validation(&validation);
    let history = trainer.early_stopping(EarlyStopping::new(2)).fit(&mut model, &data.columns(0, 160).into_owned())?;
    let totals: Vec<f64> = history.epochs().iter().filter_map(Epoch::validation_total).collect();
    let lowest = totals.iter().copied().fold(f64::INFINITY, f64::min);
    let best = history.best().unwrap();
    assert_eq!(best.validation_total(), Some(lowest));
    assert!(totals.len() < 40, "{history}");
    let divergence = model.encode_distribution(&validation)?.kl().sum() / 40.0;
    let [(name, penalty)] = best.validation_penalties.as_slice() else { panic!("{best:?}") };
    assert_eq!(name, "encoder.6.kl_weighted");
    approx::assert_relative_eq!(*penalty, 0.5 * divergence, max_relative = 1e-12); // of the model that was given back
    assert_eq!(best.validation_loss.unwrap() + penalty, lowest);
    Ok(())
}

#[test]
fn a_history_names_every_number() -> Outcome {
    let mut model = builder(0.2).build()?;
    let mut csv = Vec::new();
    trainer(1).metric(Accuracy).fit(&mut model, &bits(24, 200))?.write_csv(&mut csv)?;
    let csv = String::from_utf8(csv)?;
    let rows: Vec<Vec<&str>> = csv.lines().map(|line| line.split(',').collect()).collect();
    let headings = [
        "epoch",
        "loss",
        "encoder.1.weight.l2",
        "encoder.6.kl_weighted",
        "decoder.1.weight.l1_l2",
        "decoder.2.l1",
        "total",
        "encoder.6.kl",
        "accuracy",
        "validation_loss",
        "validation_encoder.6.kl_weighted",
        "validation_total",
        "validation_encoder.6.kl",
        "validation_accuracy",
        "learning_rate",
        "seconds",
    ];
    assert_eq!(rows[0], headings);
    assert!(rows.iter().all(|row| row.len() == headings.len()), "{csv}");
    let number = |column: usize| rows[6][column].parse::<f64>();
    let sum = number(1)? + number(2)? + number(3)? + number(4)? + number(5)?;
    approx::assert_abs_diff_eq!(number(6)?, sum, epsilon = 1e-5);
    Ok(())
}
