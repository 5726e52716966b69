//! What does not belong together is an error that says what differs; model, folder and data stay as
//! they were.

use autoencoder::nalgebra::DMatrix;
use autoencoder::{
    Activation, Adam, Autoencoder, Callback, CallbackState, Checkpoints, Config, ConfigError, Dense, Error,
    GaussianCorruption, ModelFileErrorKind, Network, Reduction, Scalar, Sgd, Shape, TrainErrorKind, Trainer,
};

use crate::common::{Outcome, Steps, error_of};
use crate::support::{FEATURES, Folder, Other, Peak, bytes, data, model, trainer, usual};

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
    assert!(message.contains(says), "{message}");
    assert!(message.contains("give ") && message.contains("`Trainer::start_over`"), "nothing to do: {message}");
    assert!(bytes(&untouched) == before, "{says}: the model has changed");
}

/// What is wrong with the checkpoint that an error is about.
fn kind_of(error: &Error) -> &ModelFileErrorKind {
    let Error::Train(error) = error else { panic!("{error}") };
    let TrainErrorKind::Checkpoint(error) = error.kind() else { panic!("{error}") };
    error.kind()
}

#[test]
fn of_the_training() -> Outcome {
    let folder = Folder::new("other-training");
    usual(&folder).fit(&mut model()?, &data())?;
    let names = folder.names();
    let kept = || Checkpoints::new(folder.path());
    refused(&folder, |trainer| trainer.batch_size(10), "`batch_size` is 9 in the checkpoint, 10 here");
    refused(&folder, |trainer| trainer.seed(4), "`seed` is 3 in the checkpoint, 4 here");
    refused(&folder, |trainer| trainer.shuffle(false), "`shuffle` is true in the checkpoint, false here");
    refused(
        &folder,
        |trainer| trainer.corrupt(GaussianCorruption::new(0.2).clip(0.0, 1.0)),
        "is 0.1 in the checkpoint, 0.2 here",
    );
    refused(
        &folder,
        |trainer| trainer.metric(Peak),
        "`metrics` is [\"peak\"] in the checkpoint, [\"peak\",\"peak\"] here",
    );
    refused(
        &folder,
        |trainer| trainer.validation_fraction(0.3),
        "the number of training samples is 60 in the checkpoint, 52 here",
    );
    refused(
        &folder,
        |_| self::trainer(Sgd::new(0.01)).epochs(4).checkpoints(kept()),
        "`optimizer.kind` is \"adam\" in the checkpoint, \"sgd\" here",
    );
    refused(
        &folder,
        |_| self::trainer(Adam::new(0.02)).epochs(4).checkpoints(kept()),
        "`optimizer.config.learning_rate` is 0.01 in the checkpoint, 0.02 here",
    );
    refused(
        &folder,
        |_| {
            Trainer::new(Other::default().reduction(Reduction::SumPerSample), Adam::new(0.01))
                .epochs(4)
                .checkpoints(kept())
        },
        "`loss.kind` is \"mse\" in the checkpoint, \"mae\" here",
    );
    refused(
        &folder,
        |trainer| trainer.on_progress(|_| ()).callback(Steps(0)),
        "the number of callbacks with a state (`Callback::state`) is 1 in the checkpoint, 2 here",
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
    let says = "the checkpoint is of another model: the number of layers of its encoder is 6 in the checkpoint, 1 here";
    assert!(message.contains(says), "{message}");
    assert!(message.contains("build the model as it was then, or give another folder"), "{message}");
    let message = resume(&mut plain(13, 4)?, &DMatrix::zeros(13, 75));
    assert!(message.contains("`input` is [12] in the checkpoint, [13] here; build"), "{message}");

    let error =
        error_of(usual(&folder).resume(folder.path()).fit(&mut model()?, &DMatrix::zeros(13, 75)), "wider data");
    assert!(message_of(error).contains("13"));

    let mut network = Network::<f64>::builder(Shape::flat(FEATURES)).layer(Dense::new(FEATURES)).build()?;
    let error = error_of(usual(&folder).resume(folder.path()).fit(&mut network, &data()), "a network");
    assert!(matches!(kind_of(&error), ModelFileErrorKind::OtherModel { .. }));
    assert!(message_of(error).contains("`model` is \"autoencoder\" in the checkpoint, \"network\" here"));

    let mut frozen = model()?;
    frozen.freeze("encoder.1")?;
    assert!(resume(&mut frozen, &data()).contains("`frozen`"));

    let mut single = crate::support::model::<f32>()?;
    let other = trainer::<f32>(Adam::new(0.01)).resume(folder.path()).fit(&mut single, &crate::support::data());
    assert!(message_of(error_of(other, "f32")).contains("`float` is \"F64\" in the checkpoint, \"F32\" here"));
    Ok(())
}

#[test]
fn of_files() -> Outcome {
    let folder = Folder::new("other-files");
    let error = error_of(usual(&folder).resume(folder.path()).fit(&mut model()?, &data()), "nothing there");
    let message = message_of(error);
    assert!(message.contains("there is no checkpoint in") && message.contains("`resume_or_start`"), "{message}");

    usual(&folder).fit(&mut model()?, &data())?;
    let error = error_of(usual(&folder).fit(&mut model()?, &data()), "a training is there");
    let message = message_of(error);
    assert!(message.contains("there are checkpoints in") && message.contains("`start_over`"), "{message}");

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
    let message = message_of(error);
    assert!(message.contains("checkpoint-0000000014.safetensors: not a model file"), "{message}");
    assert!(message.contains("is whole; put back") && message.contains("`Trainer::start_over`"), "{message}");
    Ok(())
}

/// Keeps something, and never takes it back.
struct OneWay;

impl<T: Scalar> Callback<T> for OneWay {
    fn state(&self) -> CallbackState {
        CallbackState::Keep(Config::new().with("seen", 1_usize))
    }
}

#[test]
fn a_callback_that_does_not_take_back_its_state() -> Outcome {
    let folder = Folder::new("one-way");
    usual(&folder).callback(OneWay).fit(&mut model()?, &data())?;
    let mut again = usual(&folder).callback(OneWay).resume(folder.path());
    let message = message_of(error_of(again.fit(&mut model()?, &data()), "nothing taken back"));
    let says = "callback 1 (counted from 0) cannot use what the checkpoint holds for it: `seen` is not known here";
    assert!(message.contains(says) && message.contains("`Callback::restore` has to take back"), "{message}");
    Ok(())
}

/// Keeps a number that no file holds.
struct Divergent;

impl<T: Scalar> Callback<T> for Divergent {
    fn state(&self) -> CallbackState {
        CallbackState::Keep(Config::new().with("best", f64::INFINITY))
    }
}

#[test]
fn a_callback_whose_state_is_no_number() -> Outcome {
    let folder = Folder::new("divergent");
    let message =
        message_of(error_of(usual(&folder).callback(Divergent).fit(&mut model()?, &data()), "an infinite state"));
    assert!(message.contains("a number in the `callbacks` of the training is NaN or infinite"), "{message}");
    assert!(message.contains("keep it as a text, or leave it out"), "{message}");
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

/// However the folder is spelled: by a link, with a point, from the root or from here.
#[test]
fn a_folder_is_the_same_however_it_is_spelled() -> Outcome {
    let folder = Folder::new("spelled");
    usual(&folder).fit(&mut model()?, &data())?;
    let name = folder.path().file_name().expect("a name");
    let parent = folder.path().parent().expect("a parent");
    let mut spellings = vec![parent.join(".").join(name), folder.path().join(""), folder.path().join("..").join(name)];
    let linked = Folder::new("spelled-link");
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink(folder.path(), linked.path())?;
        spellings.push(linked.path().to_owned());
    }
    if let Ok(here) = std::env::current_dir() {
        let up: std::path::PathBuf = here.components().skip(1).map(|_| "..").collect();
        spellings.push(up.join(folder.path().strip_prefix("/").unwrap_or(folder.path())));
    }
    for (index, spelling) in spellings.iter().filter(|spelling| spelling.is_dir()).enumerate() {
        let history = usual(&folder).epochs(3 + index).resume(spelling).fit(&mut model()?, &data())?;
        assert_eq!(history.epochs().len(), 3 + index, "{}", spelling.display());
    }
    #[cfg(unix)]
    std::fs::remove_file(linked.path())?;
    Ok(())
}

/// Before the first step, not when the first checkpoint is due.
#[cfg(unix)]
#[test]
fn a_folder_that_nobody_may_write_to() -> Outcome {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new("forbidden");
    std::fs::create_dir_all(folder.path())?;
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o555))?;
    let may_write = std::fs::write(folder.path().join("probe"), "").is_ok(); // the superuser may
    if !may_write {
        let error = error_of(usual(&folder).fit(&mut model()?, &data()), "a folder that is read only");
        let Error::Train(error) = error else { panic!("{error}") };
        assert!(matches!(error.kind(), TrainErrorKind::Folder { .. }) && error.epoch() == 0, "{error}");
        assert!(error.to_string().contains("where this program may write"), "{error}");
    }
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755))?;
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
