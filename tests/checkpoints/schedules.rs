//! The number of epochs may change only where the schedule does not depend on it.

use autoencoder::{
    Adam, Checkpoints, Config, Constant, Cosine, Exponential, OnPlateau, Schedule, Trainer, TrainingProgress, WarmUp,
};

use crate::common::{Outcome, error_of};
use crate::support::{Folder, bytes, data, model, trainer};

fn scheduled(schedule: impl Schedule + 'static, epochs: usize) -> Trainer<'static, f64> {
    trainer(Adam::new(0.01)).schedule(schedule).epochs(epochs)
}

/// Of the user's own; says nothing about the total.
#[derive(Debug, Clone)]
struct Halving;

impl Schedule for Halving {
    fn kind(&self) -> &'static str {
        "halving"
    }

    fn config(&self) -> Config {
        Config::new()
    }

    fn factor(&self, moment: &TrainingProgress<'_>) -> f64 {
        if moment.elapsed < moment.total / 2.0 { 1.0 } else { 0.5 }
    }
}

fn another_number_is_refused(name: &str, schedule: impl Schedule + Clone + 'static, kind: &str) -> Outcome {
    let (folder, data) = (Folder::new(name), data::<f64>());
    scheduled(schedule.clone(), 2).resume_or_start(folder.path()).fit(&mut model()?, &data)?;
    let again = scheduled(schedule.clone(), 5).resume(folder.path()).fit(&mut model()?, &data);
    let error = error_of(again, "another number of epochs").to_string();
    let says = format!("schedule `{kind}` depend on the number of epochs, which is 2 in the checkpoint, 5 here");
    assert!(error.contains(&says), "{error}");
    assert!(error.contains("set `epochs(2)`") && error.contains("`Trainer::start_over`"), "{error}");
    Ok(())
}

#[test]
fn another_number_of_epochs_is_refused_where_rates_depend_on_it() -> Outcome {
    another_number_is_refused("cosine", Cosine::new(), "cosine")?;
    another_number_is_refused("warm-up-cosine", WarmUp::new(1.0, Cosine::new()), "warm_up")?;
    another_number_is_refused("halving", Halving, "halving")
}

/// Interrupted with the whole number of epochs in mind.
#[test]
fn the_same_number_of_epochs_goes_on_with_the_same_bits() -> Outcome {
    let (folder, data) = (Folder::new("cosine-paused"), data::<f64>());
    let mut whole = model()?;
    scheduled(Cosine::new(), 5).fit(&mut whole, &data)?;
    let mut paused = scheduled(Cosine::new(), 5).resume_or_start(folder.path());
    paused = paused.pause_when(|progress| progress.epoch == 3 && progress.step == 4);
    assert_eq!(paused.fit(&mut model()?, &data)?.epochs().len(), 2);
    let mut resumed = model()?;
    scheduled(Cosine::new(), 5).resume(folder.path()).fit(&mut resumed, &data)?;
    assert!(bytes(&resumed) == bytes(&whole));
    Ok(())
}

fn another_number_goes_on(name: &str, schedule: impl Schedule + Clone + 'static) -> Outcome {
    assert!(!schedule.depends_on_total());
    let (folder, data) = (Folder::new(name), data::<f64>());
    let (mut whole, mut resumed) = (model()?, model()?);
    scheduled(schedule.clone(), 5).fit(&mut whole, &data)?;
    let checkpoints = Checkpoints::new(folder.path());
    scheduled(schedule.clone(), 2).checkpoints(checkpoints).fit(&mut model()?, &data)?;
    scheduled(schedule, 5).resume(folder.path()).fit(&mut resumed, &data)?;
    assert!(bytes(&resumed) == bytes(&whole), "{name}");
    Ok(())
}

#[test]
fn another_number_of_epochs_goes_on_where_rates_do_not_depend_on_it() -> Outcome {
    another_number_goes_on("constant", Constant)?;
    another_number_goes_on("exponential", Exponential::new(0.7))?;
    another_number_goes_on("plateau", OnPlateau::new(1).times(0.5))?;
    another_number_goes_on("cosine-over", Cosine::new().over(4.0))?;
    another_number_goes_on("warm-up", WarmUp::new(1.5, Cosine::new().over(4.0)))
}
