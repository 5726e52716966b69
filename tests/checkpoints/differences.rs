//! What does not belong together is an error that says what differs; model, folder and data stay as they were.

use autoencoder::nalgebra::DMatrix;
use autoencoder::{
    Activation, Adam, Autoencoder, Callback, CallbackState, Checkpoints, Config, ConfigError, Dense,
    GaussianCorruption, Mse, Network, Progress, Reduction, Scalar, Sgd, Shape, Trainer,
};

use crate::common::{Outcome, error_of};
use crate::support::{FEATURES, Folder, Other, Peak, Steps, bytes, data, model, trainer, usual};

fn message_of(error: autoencoder::Error) -> String {
    error.to_string()
}

/// The message that `change` of the usual training leads to, where it is to resume.
#[track_caller]
fn refused(folder: &Folder, change: impl FnOnce(Trainer<'static, f64>) -> Trainer<'static, f64>, says: &str) {
    let mut untouched = model().unwrap();
    let before = bytes(&untouched);
    let mut trainer = change(usual(folder).epochs(4)).resume(folder.path());
    let message = message_of(error_of(trainer.fit(&mut untouched, &data()), says));
    assert!(message.ends_with(says), "{message}");
    assert!(bytes(&untouched) == before, "{says}: the model has changed");
}

#[test]
fn of_the_training() -> Outcome {
    let folder = Folder::new("other-training");
    usual(&folder).fit(&mut model()?, &data())?;
    let names = folder.names();
    let kept = || Checkpoints::new(folder.path());
    refused(&folder, |trainer| trainer.batch_size(10), "`training.batch_size` is 9 in the checkpoint, 10 here");
    refused(&folder, |trainer| trainer.seed(4), "`training.seed` is 3 in the checkpoint, 4 here");
    refused(&folder, |trainer| trainer.shuffle(false), "`training.shuffle` is true in the checkpoint, false here");
    refused(
        &folder,
        |trainer| trainer.corrupt(GaussianCorruption::new(0.2).clip(0.0, 1.0)),
        "is 0.1 in the checkpoint, 0.2 here",
    );
    refused(
        &folder,
        |trainer| trainer.metric(Peak),
        "`training.metrics` is [\"peak\"] in the checkpoint, [\"peak\",\"peak\"] here",
    );
    refused(&folder, |trainer| trainer.validation_fraction(0.3), "`training.samples` is 60 in the checkpoint, 52 here");
    refused(
        &folder,
        |_| self::trainer(Sgd::new(0.01)).epochs(4).checkpoints(kept()),
        "`training.optimizer.kind` is \"adam\" in the checkpoint, \"sgd\" here",
    );
    refused(
        &folder,
        |_| self::trainer(Adam::new(0.02)).epochs(4).checkpoints(kept()),
        "`training.optimizer.config.learning_rate` is 0.01 in the checkpoint, 0.02 here",
    );
    refused(
        &folder,
        |_| {
            Trainer::new(Other::default().reduction(Reduction::SumPerSample), Adam::new(0.01))
                .epochs(4)
                .checkpoints(kept())
        },
        "`training.loss.kind` is \"mse\" in the checkpoint, \"mae\" here",
    );
    refused(
        &folder,
        |trainer| trainer.on_progress(|_| ()).callback(Steps(0)),
        "`training.callbacks` is 1 in the checkpoint, 2 here",
    );
    assert_eq!(folder.names(), names);
    Ok(())
}

#[test]
fn of_the_model() -> Outcome {
    let folder = Folder::new("other-model");
    usual(&folder).fit(&mut model()?, &data())?;
    let resume = |model: &mut Autoencoder<f64>, data: &DMatrix<f64>| {
        message_of(error_of(usual(&folder).resume(folder.path()).fit(model, data), "another model"))
    };
    let plain = |features: usize, units: usize| {
        Autoencoder::builder(Shape::flat(features))
            .encoder(Dense::new(units))
            .mirror(Activation::Sigmoid)
            .seed(5)
            .build()
    };
    let message = resume(&mut plain(FEATURES, 4)?, &data());
    assert!(message.ends_with("`split` is 6 in the checkpoint, 1 here"), "{message}");
    let message = resume(&mut plain(13, 4)?, &DMatrix::zeros(13, 75));
    assert!(message.ends_with("`input` is [12] in the checkpoint, [13] here"), "{message}");

    let error =
        error_of(usual(&folder).resume(folder.path()).fit(&mut model()?, &DMatrix::zeros(13, 75)), "wider data");
    assert!(message_of(error).contains("13"));

    let mut network = Network::<f64>::builder(Shape::flat(FEATURES)).layer(Dense::new(FEATURES)).build()?;
    let error = error_of(usual(&folder).resume(folder.path()).fit(&mut network, &data()), "a network");
    assert!(message_of(error).ends_with("`model` is \"autoencoder\" in the checkpoint, \"network\" here"));

    let mut frozen = model()?;
    frozen.freeze("encoder.1")?;
    assert!(resume(&mut frozen, &data()).contains("`frozen`"));

    let mut single = crate::support::model::<f32>()?;
    let other = trainer::<f32>(Adam::new(0.01)).resume(folder.path()).fit(&mut single, &crate::support::data());
    assert!(message_of(error_of(other, "f32")).ends_with("`float` is \"F64\" in the checkpoint, \"F32\" here"));
    Ok(())
}

#[test]
fn of_files() -> Outcome {
    let folder = Folder::new("other-files");
    let error = error_of(usual(&folder).resume(folder.path()).fit(&mut model()?, &data()), "nothing there");
    assert!(message_of(error).contains("there is no checkpoint in"));

    usual(&folder).fit(&mut model()?, &data())?;
    let error = error_of(usual(&folder).fit(&mut model()?, &data()), "a training is there");
    assert!(message_of(error).contains("there are checkpoints in"));

    let file = folder.path().join("checkpoint-0000000014.safetensors");
    let error = error_of(Autoencoder::<f64>::load(&file), "a checkpoint as a model");
    assert!(error.to_string().contains("is a checkpoint of a training"), "{error}");
    std::fs::copy(folder.path().join("best.safetensors"), &file)?;
    let error = error_of(usual(&folder).resume(folder.path()).fit(&mut model()?, &data()), "a model as a checkpoint");
    assert!(message_of(error).contains("is no checkpoint"));

    for name in folder.names() {
        std::fs::write(folder.path().join(name), "not a model")?;
    }
    let error = error_of(usual(&folder).resume(folder.path()).fit(&mut model()?, &data()), "nothing whole");
    assert!(message_of(error).contains("checkpoint-0000000014.safetensors: not a model file"));
    Ok(())
}

/// Keeps a number and does not say so.
struct Secretive(usize);

impl<T: Scalar> Callback<T> for Secretive {
    fn on_step(&mut self, _progress: &Progress) {
        self.0 += 1;
    }
}

#[test]
fn a_callback_that_cannot_hand_over_its_state() -> Outcome {
    let folder = Folder::new("secretive");
    let error = error_of(usual(&folder).callback(Secretive(0)).fit(&mut model()?, &data()), "a secret");
    assert!(message_of(error).contains("callback 1 (counted from 0) keeps something"));
    assert!(folder.names().is_empty());
    Trainer::<f64>::new(Mse.reduction(Reduction::SumPerSample), Adam::new(0.01))
        .callback(Secretive(0))
        .fit(&mut model()?, &data())?;
    Ok(())
}

/// Keeps what it cannot take back.
struct Forgetful;

impl<T: Scalar> Callback<T> for Forgetful {
    fn state(&self) -> CallbackState {
        CallbackState::Keep(Config::new())
    }

    fn restore(&mut self, state: &Config) -> Result<(), ConfigError> {
        state.integer("steps").map(|_| ())
    }
}

#[test]
fn a_callback_that_cannot_use_its_state() -> Outcome {
    let folder = Folder::new("forgetful");
    usual(&folder).callback(Forgetful).fit(&mut model()?, &data())?;
    let mut again = usual(&folder).callback(Forgetful).resume(folder.path());
    let text = "callback 1 (counted from 0) cannot use what the checkpoint holds for it: `steps` is missing";
    assert!(message_of(error_of(again.fit(&mut model()?, &data()), "a loss of memory")).contains(text));
    Ok(())
}

#[test]
fn an_interval_of_nothing() -> Outcome {
    let folder = Folder::new("never");
    for checkpoints in [Checkpoints::new(folder.path()).every_epochs(0), Checkpoints::new(folder.path()).every_steps(0)]
    {
        let error = error_of(usual(&folder).checkpoints(checkpoints).fit(&mut model()?, &data()), "never");
        assert!(message_of(error).contains("at least 1"));
    }
    Ok(())
}
