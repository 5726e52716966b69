//! Validation of a variational model: codes drawn by their place, the whole weight of the
//! divergence, and who watches the sum.

use autoencoder::*;

use super::common::Outcome;
use super::{NATS, bits, builder};

fn trainer() -> Trainer<'static, f64> {
    Trainer::new(Bce.reduction(NATS), Adam::new(0.02)).batch_size(20).seed(4).validation_fraction(0.25)
}

fn linear(epochs: f64) -> GaussianLatent {
    GaussianLatent::new().warm_up(KlAnnealing::Linear { epochs })
}

fn totals(history: &History) -> Vec<f64> {
    history.epochs().iter().filter_map(Epoch::validation_total).collect()
}

/// The same codes are drawn after every epoch, for batches of any size; they are others for another
/// seed, and not the means.
#[test]
fn codes_are_drawn_by_their_place() -> Outcome {
    let (data, validation, nats) = (bits(12, 80), bits(12, 100), Bce.reduction(NATS));
    let mut model = builder(GaussianLatent::new()).build()?;
    model.freeze("")?;
    let mut losses = |seed: u64, batch: usize| -> Result<Vec<f64>, Error> {
        let trainer = Trainer::new(nats, Adam::default()).epochs(2).batch_size(batch).seed(seed);
        let history = trainer.validation(&validation).fit(&mut model, &data)?;
        Ok(history.epochs().iter().filter_map(|epoch| epoch.validation_loss).collect())
    };
    let [first, second] = losses(1, 40)?[..] else { panic!() };
    assert_eq!(first, second);
    assert_eq!(losses(1, 7)?[0], first);
    assert_ne!(losses(2, 40)?[0], first);
    assert_ne!(model.evaluate(&nats, &validation)?, first);
    let bound = model.elbo(&nats, &validation, 500, 1)?;
    approx::assert_relative_eq!(first, bound.reconstruction, max_relative = 0.02);
    Ok(())
}

/// Reconstruction, divergence with its weight, divergence in nats: of each latent layer.
#[test]
fn a_history_has_the_divergence() -> Outcome {
    let data = bits(12, 80);
    let mut model = builder(linear(8.0).beta(0.5).free_bits(3.0)).build()?;
    let history = trainer().epochs(2).fit(&mut model, &data)?;
    let (epoch, name) = (&history.epochs()[1], "encoder.2.kl");
    let kl = epoch.validation_diagnostic(name).ok_or("no such figure")?;
    approx::assert_relative_eq!(
        kl,
        model.encode_distribution(&data.columns(60, 20))?.kl().sum() / 20.0,
        max_relative = 1e-12
    );
    assert_eq!(epoch.validation_penalty("encoder.2.kl_weighted"), Some(0.5 * kl));
    assert_eq!(history.validation_total(), Some(epoch.validation_loss.ok_or("no loss")? + 0.5 * kl));

    let mut model = builder(GaussianLatent::new().beta(0.0)).build()?;
    let history = trainer().fit(&mut model, &data)?;
    assert_eq!(history.validation_total(), history.validation_loss());
    assert!(history.epochs()[0].validation_diagnostic(name) > Some(0.0));
    Ok(())
}

#[test]
fn two_latent_layers() -> Outcome {
    let mut network = Network::builder(Shape::flat(12))
        .layer(Dense::new(8))
        .layer(GaussianLatent::new())
        .layer(L1Activity::new(0.1))
        .layer(Dense::new(6))
        .layer(GaussianLatent::new().beta(2.0))
        .layer(Dense::new(12).activation(Activation::Sigmoid))
        .build()?;
    let history = trainer().fit(&mut network, &bits(12, 80))?;
    let epoch = &history.epochs()[0];
    let [(one, first), (other, second)] = epoch.validation_penalties.as_slice() else { panic!("{epoch:?}") };
    assert_eq!([one, other], ["layers.1.kl_weighted", "layers.4.kl_weighted"]);
    assert_eq!(epoch.validation_diagnostic("layers.1.kl"), Some(*first));
    assert_eq!(epoch.validation_diagnostic("layers.4.kl"), Some(second / 2.0));
    let total = epoch.validation_loss.ok_or("no loss")? + (first + second);
    assert_eq!(epoch.validation_total(), Some(total));
    assert_eq!(epoch.penalties.len(), 3);
    Ok(())
}

/// Patience shorter than the warm-up: training sees its end, and comes to a better bound than that
/// of the first epochs.
#[test]
fn patience_waits_for_the_end_of_a_warm_up() -> Outcome {
    const WARM_UP: usize = 40;
    let data = bits(12, 80);
    for (latent, least) in [(linear(WARM_UP as f64), WARM_UP + 2), (GaussianLatent::new(), 3)] {
        let mut model = builder(latent).build()?;
        let history = trainer().epochs(400).early_stopping(EarlyStopping::new(2)).fit(&mut model, &data)?;
        let epochs = history.epochs().len();
        assert!((least..400).contains(&epochs), "{epochs} epochs");
        let lowest = totals(&history).into_iter().fold(f64::INFINITY, f64::min);
        assert_eq!(history.best().and_then(Epoch::validation_total), Some(lowest));
    }
    Ok(())
}

/// Where nothing moves, patience is used up by the epochs from the end of the first warm-up on, and
/// by no others.
#[test]
fn epochs_count_once_the_whole_weight_has_been_reached() -> Outcome {
    let cyclic = |epochs, rise| GaussianLatent::new().warm_up(KlAnnealing::Cyclic { epochs, rise });
    let rows = [
        (GaussianLatent::new(), 4),
        (linear(5.0), 8),
        (linear(0.5), 4),
        (linear(5.0).beta(0.0), 4),
        (cyclic(4.0, 0.5), 5), // 2, 3, 4 and 5 count
        (cyclic(4.0, 1.0), 7),
        (cyclic(std::f64::consts::PI, 1.0), 7), // no epoch ends with the whole weight
        (cyclic(1.0, 1.0), 4),
    ];
    for (latent, expected) in rows {
        let mut model = builder(latent).build()?;
        model.freeze("")?;
        let history = trainer().epochs(30).early_stopping(EarlyStopping::new(3)).fit(&mut model, &bits(12, 80))?;
        assert_eq!(history.epochs().len(), expected, "{latent:?}");
        assert_eq!(history.best().map(|best| best.number), Some(1), "the first of equals");
    }
    Ok(())
}

#[test]
fn a_plateau_is_looked_for_after_the_warm_up() -> Outcome {
    let mut model = builder(linear(3.0)).build()?;
    model.freeze("")?;
    let history = trainer().epochs(8).schedule(OnPlateau::new(2).times(0.5)).fit(&mut model, &bits(12, 80))?;
    let rates: Vec<f64> = history.epochs().iter().map(|epoch| epoch.learning_rate / 0.02).collect();
    assert_eq!(rates, [1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.25]);
    Ok(())
}

/// An interruption within the warm-up, or after it, changes nothing.
#[test]
fn it_is_resumed_where_it_was() -> Outcome {
    let data = bits(12, 80);
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("warm-up-{}", std::process::id()));
    let trained = |epochs: usize, resume: bool| -> Result<(Vec<f64>, Vec<f64>), Error> {
        let mut model = builder(linear(6.0)).build()?;
        let mut trainer = trainer().epochs(epochs).early_stopping(EarlyStopping::new(2));
        trainer = trainer.schedule(OnPlateau::new(1).times(0.5));
        trainer =
            if resume { trainer.resume_or_start(&folder).checkpoints(Checkpoints::new(&folder)) } else { trainer };
        let history = trainer.fit(&mut model, &data)?;
        let figures = history.epochs().iter().filter_map(|epoch| epoch.validation_diagnostic("encoder.2.kl"));
        Ok((model.network().parameter_vector().to_vec(), figures.chain(totals(&history)).collect()))
    };
    let expected = trained(100, false)?;
    assert!(expected.1.len() < 200);
    for epochs in [3, 6, 8, 100] {
        let (parameters, numbers) = trained(epochs, true)?;
        if epochs == 100 {
            assert!((parameters, numbers) == expected);
        }
    }
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
