//! Starting over discards what is in the folder, and nothing before everything is checked.

use autoencoder::{Adam, Autoencoder, Checkpoints};

use crate::common::{Outcome, error_of};
use crate::support::{Folder, bytes, data, model, trainer, without_seconds};

#[test]
fn over_the_checkpoints_of_another_training() -> Outcome {
    let (folder, data) = (Folder::new("over"), data::<f64>());
    let mut expected = model()?;
    let undisturbed = trainer(Adam::new(0.01)).epochs(3).fit(&mut expected, &data)?;
    trainer(Adam::new(0.02)).epochs(9).resume_or_start(folder.path()).fit(&mut model()?, &data)?;
    std::fs::write(folder.path().join("notes.txt"), "mine")?;

    let mut anew = model()?;
    let history = trainer(Adam::new(0.01)).epochs(3).start_over(folder.path()).fit(&mut anew, &data)?;
    assert_eq!(without_seconds(&history), without_seconds(&undisturbed));
    assert!(bytes(&anew) == bytes(&expected));
    assert_eq!(folder.names(), ["best.safetensors", "checkpoint-0000000021.safetensors", "notes.txt"]);
    let best = Autoencoder::<f64>::load(folder.path().join("best.safetensors"))?;
    assert!(bytes(&best) == bytes(&expected), "the best model is of the new training");
    Ok(())
}

/// The best model of the discarded training is gone too, although the new one has none yet.
#[test]
fn nothing_of_the_discarded_training_is_left() -> Outcome {
    let (folder, data) = (Folder::new("over-nothing-left"), data::<f64>());
    trainer(Adam::new(0.02)).resume_or_start(folder.path()).fit(&mut model()?, &data)?;
    let mut paused = trainer(Adam::new(0.01)).start_over(folder.path()).pause_when(|progress| progress.step == 2);
    paused.fit(&mut model()?, &data)?;
    assert_eq!(folder.names(), ["checkpoint-0000000002.safetensors"]);
    Ok(())
}

#[test]
fn nothing_is_discarded_where_training_is_refused() -> Outcome {
    let (folder, other, data) = (Folder::new("over-refused"), Folder::new("over-other"), data::<f64>());
    trainer(Adam::new(0.01)).resume_or_start(folder.path()).fit(&mut model()?, &data)?;
    trainer(Adam::new(0.01)).resume_or_start(other.path()).fit(&mut model()?, &data)?;
    let names = folder.names();
    let over = || trainer::<f64>(Adam::new(0.01)).start_over(folder.path());
    let elsewhere = || Checkpoints::new(other.path());
    for (mut refused, says) in [
        (over().batch_size(0), "`batch_size` is 0"),
        (over().checkpoints(Checkpoints::new(folder.path()).every_steps(0)), "`every_steps` is 0"),
        (over().checkpoints(elsewhere()), "there are checkpoints in"),
    ] {
        let error = error_of(refused.fit(&mut model()?, &data), says).to_string();
        assert!(error.contains(says), "{error}");
    }
    let wide = autoencoder::nalgebra::DMatrix::<f64>::zeros(3, 75);
    error_of(over().fit(&mut model()?, &wide), "data of another width");
    assert_eq!(folder.names(), names);
    Ok(())
}

/// With checkpoints of its own in the same folder, an empty folder, and none.
#[test]
fn where_there_is_nothing_to_discard() -> Outcome {
    let (folder, data) = (Folder::new("over-nothing"), data::<f64>());
    for _ in 0..2 {
        let checkpoints = Checkpoints::new(folder.path().join(".")).every_epochs(1);
        let mut over = trainer(Adam::new(0.01)).epochs(2).checkpoints(checkpoints).start_over(folder.path());
        assert_eq!(over.fit(&mut model()?, &data)?.epochs().len(), 2);
        assert_eq!(folder.names().len(), 3);
    }
    Ok(())
}
