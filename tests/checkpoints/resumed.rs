//! The same bytes as one uninterrupted run.

use std::sync::atomic::AtomicUsize;

use autoencoder::{Adam, AdamW, Autoencoder, Checkpoints, EarlyStopping, Error, Optimizer, RmsProp, Scalar, Sgd};

use crate::common::Outcome;
use crate::support::{EPOCHS, Failing, Folder, bytes, data, model, trainer, without_seconds};

/// After k of ten epochs, a new trainer and a new model, the other epochs; with the checkpoint that
/// the last epoch leaves behind.
fn every_interruption<T: Scalar, O: Optimizer<T> + Clone + 'static>(name: &str, optimizer: O) -> Outcome {
    let data = data::<T>();
    let whole_folder = Folder::new(&format!("whole-{name}-{}", T::NAME));
    let mut whole = model::<T>()?;
    let mut trainer_of_whole =
        trainer(optimizer.clone()).epochs(EPOCHS).checkpoints(Checkpoints::new(whole_folder.path()).every_epochs(1));
    let expected = trainer_of_whole.fit(&mut whole, &data)?;
    for epochs in 0..=EPOCHS {
        let folder = Folder::new(&format!("parts-{name}-{}-{epochs}", T::NAME));
        let checkpoints = || Checkpoints::new(folder.path()).every_epochs(1);
        trainer(optimizer.clone())
            .epochs(epochs)
            .threads(1)
            .checkpoints(checkpoints())
            .fit(&mut model::<T>()?, &data)?;

        let mut resumed = model::<T>()?;
        let mut second = trainer(optimizer.clone()).epochs(EPOCHS).threads(2).resume_or_start(folder.path());
        second = second.checkpoints(checkpoints());
        let history = second.fit(&mut resumed, &data)?;
        assert_eq!(without_seconds(&history), without_seconds(&expected), "{name}: history after {epochs} epochs");
        assert!(bytes(&resumed) == bytes(&whole), "{name}: parameters after {epochs} epochs");
        assert_eq!(folder.names(), whole_folder.names());
        let moments = |folder: &Folder| {
            let file =
                std::fs::read(folder.path().join("checkpoint-0000000070.safetensors")).expect("the last checkpoint");
            let tensors = safetensors::SafeTensors::deserialize(&file).expect("safetensors");
            let slots =
                tensors.names().into_iter().filter(|name| name.starts_with("training.") && !name.contains("seconds"));
            let mut slots: Vec<_> =
                slots.map(|name| (name.to_string(), tensors.tensor(name).unwrap().data().to_vec())).collect();
            slots.sort();
            slots
        };
        assert!(moments(&folder) == moments(&whole_folder), "{name}: moments after {epochs} epochs");
    }
    Ok(())
}

#[test]
fn of_sgd() -> Outcome {
    every_interruption::<f32, _>("sgd", Sgd::new(0.05))?;
    every_interruption::<f64, _>("momentum", Sgd::new(0.05).momentum(0.9).nesterov(true))
}

#[test]
fn of_rms_prop() -> Outcome {
    every_interruption::<f32, _>("rms_prop", RmsProp::new(0.003))?;
    every_interruption::<f64, _>("rms_prop_momentum", RmsProp::new(0.003).momentum(0.5).centered(true))
}

#[test]
fn of_adam() -> Outcome {
    every_interruption::<f32, _>("adam", Adam::new(0.01))?;
    every_interruption::<f64, _>("adamw", AdamW::new(0.01))
}

#[test]
fn from_the_middle_of_an_epoch() -> Outcome {
    let data = data::<f32>();
    let mut whole = model()?;
    let expected = trainer(Adam::new(0.01)).epochs(3).fit(&mut whole, &data)?;
    for steps in 1..=9 {
        let folder = Folder::new(&format!("steps-{steps}"));
        let checkpoints = || Checkpoints::new(folder.path()).every_steps(steps);
        let failing = Failing { data: &data, reads: AtomicUsize::new(21 * steps) };
        let mut first = trainer(Adam::new(0.01)).epochs(3).checkpoints(checkpoints());
        first.fit(&mut model()?, &failing).expect_err("the data end in the middle");
        let mut resumed = model::<f32>()?;
        let mut second = trainer(Adam::new(0.01)).epochs(3).checkpoints(checkpoints()).resume_or_start(folder.path());
        let history = second.fit(&mut resumed, &data)?;
        assert_eq!(without_seconds(&history), without_seconds(&expected), "every {steps} steps");
        assert!(bytes(&resumed) == bytes(&whole), "every {steps} steps");
    }
    Ok(())
}

#[test]
fn the_last_two_and_the_best_are_kept() -> Outcome {
    let (folder, data) = (Folder::new("kept"), data::<f64>());
    let mut model = model()?;
    let checkpoints = Checkpoints::new(folder.path()).every_epochs(1);
    let history = trainer(Adam::new(0.03)).epochs(5).checkpoints(checkpoints).fit(&mut model, &data)?;
    assert_eq!(
        folder.names(),
        ["best.safetensors", "checkpoint-0000000028.safetensors", "checkpoint-0000000035.safetensors"]
    );
    // Early stopping has given the model back as it was after its best epoch.
    assert!(history.best().is_some());
    let best = Autoencoder::<f64>::load(folder.path().join("best.safetensors"))?;
    assert!(bytes(&best) == bytes(&model));
    Ok(())
}

#[test]
fn a_training_that_has_ended_is_given_back() -> Outcome {
    let (folder, data) = (Folder::new("ended"), data::<f64>());
    let stopping = || {
        let options = EarlyStopping::new(1).min_delta(0.05); // satisfied by no epoch but the first
        trainer(Adam::new(0.01)).epochs(50).early_stopping(options).checkpoints(Checkpoints::new(folder.path()))
    };
    let mut first = model()?;
    let history = stopping().fit(&mut first, &data)?;
    assert!(history.epochs().len() < 50);
    let mut second = model()?;
    let again = stopping().epochs(80).resume(folder.path()).fit(&mut second, &data)?;
    assert_eq!(again, history);
    assert!(bytes(&second) == bytes(&first));
    Ok(())
}

#[test]
fn a_damaged_checkpoint_is_passed_over() -> Outcome {
    let (folder, data) = (Folder::new("damaged"), data::<f64>());
    let fit = |epochs: usize| -> Result<Vec<u8>, Box<dyn std::error::Error>> {
        let mut model = model()?;
        let checkpoints = Checkpoints::new(folder.path()).every_epochs(1);
        trainer(Adam::new(0.01))
            .epochs(epochs)
            .checkpoints(checkpoints)
            .resume_or_start(folder.path())
            .fit(&mut model, &data)?;
        Ok(bytes(&model))
    };
    fit(3)?;
    let newest = folder.path().join("checkpoint-0000000021.safetensors");
    let mut damaged = std::fs::read(&newest)?;
    let middle = damaged.len() / 2;
    damaged[middle] ^= 4;
    std::fs::write(&newest, damaged)?;
    let resumed = fit(4)?;
    assert_eq!(folder.names()[1..], ["checkpoint-0000000021.safetensors", "checkpoint-0000000028.safetensors"]);

    let mut whole = model()?;
    trainer(Adam::new(0.01)).epochs(4).fit(&mut whole, &data)?;
    assert!(resumed == bytes(&whole));
    Ok(())
}

#[test]
fn what_killed_processes_left_is_removed() -> Outcome {
    let folder = Folder::new("left");
    std::fs::create_dir_all(folder.path())?;
    std::fs::write(folder.path().join(".autoencoder-1-0.tmp"), "half of it")?;
    std::fs::write(folder.path().join("notes.txt"), "mine")?;
    trainer(Adam::new(0.01)).checkpoints(Checkpoints::new(folder.path())).fit(&mut model()?, &data::<f32>())?;
    assert_eq!(folder.names(), ["best.safetensors", "checkpoint-0000000007.safetensors", "notes.txt"]);
    Ok(())
}

/// A program that is started again and again needs to name its folder once.
#[test]
fn resuming_or_starting_saves() -> Outcome {
    let folder = Folder::new("named-once");
    let train = |epochs: usize| -> Result<(Vec<usize>, Autoencoder<f64>), Error> {
        let (mut model, mut numbers) = (model::<f64>()?, Vec::new());
        let trained = trainer(Adam::new(0.01)).epochs(epochs).resume_or_start(folder.path());
        trained.on_epoch(|epoch| numbers.push(epoch.number)).fit(&mut model, &data::<f64>())?;
        Ok((numbers, model))
    };
    assert_eq!(train(2)?.0, [1, 2]);
    let (numbers, resumed) = train(4)?;
    assert_eq!(numbers, [3, 4]);
    let mut undisturbed = model::<f64>()?;
    trainer(Adam::new(0.01)).epochs(4).fit(&mut undisturbed, &data::<f64>())?;
    assert_eq!(resumed.network().parameter_vector(), undisturbed.network().parameter_vector());
    Ok(())
}
