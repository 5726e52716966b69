//! Training that a callback stops: paused, it goes on; finished, it has ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use autoencoder::{
    Adam, Autoencoder, Callback, Checkpoints, Control, Epoch, Error, History, Network, Progress, Scalar,
};

use crate::common::{Outcome, error_of};
use crate::support::{Failing, Folder, bytes, data, model, trainer, without_seconds};

type Answer = Result<Control, Box<dyn std::error::Error + Send + Sync>>;

/// Steps in an epoch of [`trainer`].
const STEPS: usize = 7;

/// Answers so after this step, counted from 1 over all epochs, or after this epoch.
#[derive(Clone, Copy)]
enum At {
    Step(usize, Control),
    Epoch(usize, Control),
}

impl<T: Scalar> Callback<T> for At {
    fn on_step(&mut self, progress: &Progress) -> Answer {
        let step = (progress.epoch - 1) * progress.steps + progress.step;
        Ok(if let Self::Step(at, control) = *self {
            if step == at { control } else { Control::Continue }
        } else {
            Control::Continue
        })
    }

    fn on_epoch(&mut self, epoch: &Epoch, _model: &Network<T>) -> Answer {
        Ok(match *self {
            Self::Epoch(at, control) if epoch.number == at => control,
            _ => Control::Continue,
        })
    }
}

/// Trains up to four epochs in that folder, with those callbacks.
fn fit<T: Scalar>(folder: &Folder, callbacks: &[At], epochs: usize) -> Result<(Autoencoder<T>, History), Error> {
    let mut model = model::<T>()?;
    let mut trainer = trainer(Adam::new(0.01)).epochs(epochs).resume_or_start(folder.path());
    for callback in callbacks {
        trainer = trainer.callback(*callback);
    }
    let history = trainer.fit(&mut model, &data::<T>())?;
    Ok((model, history))
}

fn whole<T: Scalar>(epochs: usize) -> Result<(Autoencoder<T>, History), Error> {
    let mut model = model::<T>()?;
    let history = trainer(Adam::new(0.01)).epochs(epochs).fit(&mut model, &data::<T>())?;
    Ok((model, history))
}

/// At every step, the last of an epoch and of the training included, and at every epoch.
#[test]
fn after_a_pause_training_goes_on_with_the_same_bits() -> Outcome {
    let (expected, history) = whole::<f32>(3)?;
    let places = (1..=3 * STEPS).map(|step| At::Step(step, Control::Pause));
    let places = places.chain((1..=3).map(|epoch| At::Epoch(epoch, Control::Pause)));
    for (index, place) in places.enumerate() {
        let folder = Folder::new(&format!("paused-{index}"));
        let (_, paused) = fit::<f32>(&folder, &[place], 3)?;
        let (steps, epochs) = match place {
            At::Step(step, _) => (step, step / STEPS),
            At::Epoch(epoch, _) => (epoch * STEPS, epoch),
        };
        assert_eq!(without_seconds(&paused), without_seconds(&history)[..epochs], "the finished epochs");
        let name = format!("checkpoint-{steps:010}.safetensors");
        assert!(folder.names().contains(&name), "saved at once: {:?}", folder.names());

        let (resumed, again) = fit::<f32>(&folder, &[], 3)?;
        assert_eq!(without_seconds(&again), without_seconds(&history), "place {index}");
        assert!(bytes(&resumed) == bytes(&expected), "place {index}");
    }
    Ok(())
}

/// After every single step, with a new process each time.
#[test]
fn many_pauses_are_as_none() -> Outcome {
    let (expected, history) = whole::<f64>(2)?;
    let folder = Folder::new("paused-often");
    for step in 1..=2 * STEPS {
        fit::<f64>(&folder, &[At::Step(step, Control::Pause)], 2)?;
    }
    let (resumed, again) = fit::<f64>(&folder, &[], 2)?;
    assert_eq!(without_seconds(&again), without_seconds(&history));
    assert!(bytes(&resumed) == bytes(&expected));
    Ok(())
}

/// More epochs than were asked for when it was paused: the ten epochs of before are not the end.
#[test]
fn a_paused_training_is_resumed_up_to_more_epochs() -> Outcome {
    let (expected, history) = whole::<f64>(5)?;
    let folder = Folder::new("paused-more");
    assert_eq!(fit::<f64>(&folder, &[At::Epoch(2, Control::Pause)], 2)?.1.epochs().len(), 2);
    let (resumed, again) = fit::<f64>(&folder, &[], 5)?;
    assert_eq!(without_seconds(&again), without_seconds(&history));
    assert!(bytes(&resumed) == bytes(&expected));
    Ok(())
}

#[test]
fn a_finished_training_has_ended() -> Outcome {
    for (name, place, epochs, newest) in [
        ("step", At::Step(STEPS + 3, Control::Finish), 1, "checkpoint-0000000010.safetensors"),
        ("last-step", At::Step(2 * STEPS, Control::Finish), 2, "checkpoint-0000000014.safetensors"),
        ("epoch", At::Epoch(2, Control::Finish), 2, "checkpoint-0000000014.safetensors"),
    ] {
        let folder = Folder::new(&format!("finished-{name}"));
        let (first, history) = fit::<f64>(&folder, &[place], 4)?;
        assert_eq!(history.epochs().len(), epochs, "{name}");
        assert!(folder.names().iter().any(|file| file == newest), "{name}: {:?}", folder.names());
        let (second, again) = fit::<f64>(&folder, &[], 80)?;
        assert_eq!(again, history, "{name}");
        assert!(bytes(&second) == bytes(&first), "{name}");
    }
    Ok(())
}

/// Every callback is heard, in whichever order they come.
#[test]
fn of_several_answers_finishing_counts_most_then_pausing() -> Outcome {
    use Control::{Continue, Finish, Pause};
    for (index, (one, other, ended)) in
        [(Pause, Continue, false), (Continue, Pause, false), (Pause, Finish, true), (Finish, Pause, true)]
            .into_iter()
            .enumerate()
    {
        for of_steps in [true, false] {
            let folder = Folder::new(&format!("several-{index}-{of_steps}"));
            let at = |control| if of_steps { At::Step(3, control) } else { At::Epoch(1, control) };
            let (_, history) = fit::<f64>(&folder, &[at(one), at(other)], 2)?;
            assert_eq!(history.epochs().len(), usize::from(!of_steps));
            let (_, again) = fit::<f64>(&folder, &[], 2)?;
            assert_eq!(again.epochs().len() < 2, ended, "{one:?} and {other:?}");
        }
    }
    assert!(Finish > Pause && Pause > Continue);
    Ok(())
}

/// Without checkpoints it just returns.
#[test]
fn without_checkpoints_training_just_stops() -> Outcome {
    for control in [Control::Pause, Control::Finish] {
        let mut stopped = trainer::<f64>(Adam::new(0.01)).epochs(3).callback(At::Step(STEPS + 1, control));
        assert_eq!(stopped.fit(&mut model()?, &data())?.epochs().len(), 1);
    }
    Ok(())
}

/// A flag that a signal sets; it needs no state of its own.
#[test]
fn a_flag_pauses_within_an_epoch() -> Outcome {
    let (folder, flag) = (Folder::new("flag"), Arc::new(AtomicBool::new(false)));
    let taken = AtomicUsize::new(0);
    let (raised, seen) = (Arc::clone(&flag), Arc::clone(&flag));
    let mut paused = trainer::<f64>(Adam::new(0.01)).epochs(3).checkpoints(Checkpoints::new(folder.path()));
    paused = paused
        .on_progress(|progress| {
            taken.fetch_add(1, Ordering::Relaxed);
            raised.store(progress.step == 4, Ordering::Relaxed); // Ctrl-C
        })
        .pause_when(move |_| seen.load(Ordering::Relaxed));
    assert!(paused.fit(&mut model()?, &data())?.epochs().is_empty());
    drop(paused);
    assert_eq!(taken.into_inner(), 4);
    assert_eq!(folder.names(), ["checkpoint-0000000004.safetensors"]);
    Ok(())
}

/// A callback that waits for a channel; it keeps something, but nothing worth saving.
#[test]
fn a_channel_needs_no_state() -> Outcome {
    struct Listener(std::sync::Mutex<std::sync::mpsc::Receiver<Control>>);
    impl Callback<f64> for Listener {
        fn on_step(&mut self, _progress: &Progress) -> Answer {
            Ok(self.0.lock().expect("no panic").try_recv().unwrap_or(Control::Continue))
        }
    }
    let (sender, receiver) = std::sync::mpsc::channel();
    sender.send(Control::Continue)?;
    sender.send(Control::Pause)?;
    let folder = Folder::new("channel");
    let mut paused = trainer(Adam::new(0.01)).resume_or_start(folder.path()).callback(Listener(receiver.into()));
    paused.fit(&mut model()?, &data())?;
    assert_eq!(folder.names(), ["checkpoint-0000000002.safetensors"]);
    Ok(())
}

/// Fails after the third step.
struct Broken;

impl Callback<f64> for Broken {
    fn on_step(&mut self, progress: &Progress) -> Answer {
        if progress.step == 3 { Err("the pipe is broken".into()) } else { Ok(Control::Continue) }
    }
}

#[test]
fn a_callback_that_fails_within_an_epoch() -> Outcome {
    let error = error_of(trainer(Adam::new(0.01)).callback(Broken).fit(&mut model()?, &data()), "a broken pipe");
    let text = "training stopped in epoch 1, step 3: a callback failed: the pipe is broken";
    assert_eq!(error.to_string(), text);
    Ok(())
}

/// The model that a paused training gives is the best so far, as at any other end; resuming goes on
/// from the last.
#[test]
fn a_pause_gives_the_best_model_so_far() -> Outcome {
    let folder = Folder::new("paused-best");
    let (paused, history) = fit::<f64>(&folder, &[At::Step(3 * STEPS + 2, Control::Pause)], 4)?;
    assert!(history.best().is_some());
    let best = Autoencoder::<f64>::load(folder.path().join("best.safetensors"))?;
    assert!(bytes(&best) == bytes(&paused));
    Ok(())
}

/// A pause, then an error, then the rest.
#[test]
fn an_error_after_a_pause_loses_nothing_before_it() -> Outcome {
    let (expected, _) = whole::<f64>(2)?;
    let folder = Folder::new("paused-then-failed");
    fit::<f64>(&folder, &[At::Step(4, Control::Pause)], 2)?;
    let whole = data();
    let failing = Failing { data: &whole, reads: AtomicUsize::new(64 + 15 + 20) };
    let mut again = trainer(Adam::new(0.01)).epochs(2).resume_or_start(folder.path());
    error_of(again.fit(&mut model::<f64>()?, &failing), "the disk is gone");
    let (resumed, _) = fit::<f64>(&folder, &[], 2)?;
    assert!(bytes(&resumed) == bytes(&expected));
    Ok(())
}
