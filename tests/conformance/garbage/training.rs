//! Trainings with options that nobody means.

use std::io::{self, Write};

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;
use proptest::prelude::*;
use proptest::sample::select;

use super::{all_finite, count, number, numbers, row, small, taken_only_if};
use crate::Row;
use crate::common::{Numbers, bits};
use crate::properties::{Judgement, holds, require};

pub fn rows() -> Vec<Row> {
    vec![
        row("options of training", || holds(600, options(), trains_or_says_why)),
        row("trainings that are watched", || holds(400, watched(), is_watched_or_says_why)),
    ]
}

/// Options of a training.
#[derive(Debug, Clone)]
struct Options {
    numbers: [f64; 6],
    sizes: [usize; 3],
    kind: usize,
    flags: [bool; 6],
}

fn options() -> impl Strategy<Value = Options> {
    let numbers = proptest::array::uniform6(number());
    let sizes = (count(), 0_usize..5, 0_usize..3).prop_map(|(a, b, c)| [a, b, c]);
    (numbers, sizes, 0_usize..6, any::<[bool; 6]>()).prop_map(|(numbers, sizes, kind, flags)| Options {
        numbers,
        sizes,
        kind,
        flags,
    })
}

/// The loss of a number, with an option where it has one.
pub fn loss(kind: usize, option: f64) -> Box<dyn Loss<f64>> {
    match kind {
        0 => Box::new(Mse),
        1 => Box::new(Mae.reduction(Reduction::SumPerSample)),
        2 => Box::new(Huber::new(option)),
        3 => Box::new(GaussianNll::new(option)),
        4 => Box::new(CategoricalCrossEntropy),
        _ => Box::new(Bce),
    }
}

/// Whatever the options, the model stays finite; what goes wrong is an error.
fn trains_or_says_why(options: Options) -> Judgement {
    let [a, b, c, d, e, f] = options.numbers;
    let [size, patience, epochs] = options.sizes;
    let loss = loss(options.kind, a);
    let optimizer: Box<dyn Optimizer<f64>> = match options.kind {
        0 => Box::new(Sgd::new(b).momentum(c).nesterov(options.flags[0])),
        1 => Box::new(RmsProp::new(b).rho(c).momentum(d).epsilon(e).centered(options.flags[0])),
        2 => Box::new(AdamW::new(b).betas(c, d).epsilon(e).weight_decay(a)),
        _ => Box::new(Adam::new(b).betas(c, d).epsilon(e)),
    };
    let usable = loss.check().is_ok() && optimizer.check().is_ok();
    let mut random = Numbers::new(1);
    let (inputs, targets): (DMatrix<f64>, DMatrix<f64>) = (random.matrix(3, 11), random.matrix(2, 11));
    let mut trainer = Trainer::new(loss, optimizer).batch_size(size).epochs(epochs).validation_fraction(f);
    if options.flags[1] {
        let stopping = EarlyStopping::new(patience).min_delta(d).restore_best(options.flags[0]);
        trainer = trainer.early_stopping(stopping).clip(Clip::Norm(e));
    }
    if options.flags[2] {
        trainer =
            trainer.schedule(WarmUp::new(a, Exponential::new(c).every(d)).from(e)).corrupt(Masking::new(f).value(a));
    }
    if options.flags[3] {
        trainer = trainer.schedule(OnPlateau::new(patience).times(a).floor(b)).corrupt(GaussianCorruption::new(c));
    }
    if options.flags[4] {
        trainer = trainer.schedule(Cosine::new().over(a).floor(b)).corrupt(SaltAndPepper::new(c).between(d, e));
    }
    if options.flags[5] {
        trainer = trainer.clip(Clip::Value(b)).corrupt(Swap::new(c)).shuffle(false).seed(size as u64);
    }
    let mut network = small::<f64>();
    taken_only_if(usable && size > 0, "a training's option", trainer.fit_to(&mut network, &inputs, &targets))?;
    require(all_finite(&network), "a parameter is not finite")
}

/// Threads, features and samples of validation inputs and targets, epochs and patience; a number
/// among those data; what the callback says.
fn watched() -> impl Strategy<Value = (usize, [usize; 4], usize, f64, Watcher)> {
    let threads = select(vec![0, 1, 2, 3, 1025, MAX_ELEMENTS, usize::MAX / 2, usize::MAX]);
    (threads, [1_usize..4, 0..9, 1..4, 0..9], select(vec![0, 1, 2, usize::MAX]), number(), watcher())
}

/// A callback that says anything.
#[derive(Debug, Clone)]
struct Watcher {
    state: CallbackState,
    answers: [Control; 2],
    fails: [bool; 2],
    seen: usize,
}

fn watcher() -> impl Strategy<Value = Watcher> {
    let state = prop_oneof![
        Just(CallbackState::Nothing),
        number().prop_map(|number| CallbackState::Keep(Config::new().with("seen", number))),
    ];
    let answer = || select(vec![Control::Continue, Control::Continue, Control::Pause, Control::Finish]);
    (state, [answer(), answer()], any::<[bool; 2]>()).prop_map(|(state, answers, fails)| Watcher {
        state,
        answers,
        fails,
        seen: 0,
    })
}

impl Callback<f64> for Watcher {
    fn on_step(&mut self, progress: &Progress) -> Result<Control, Box<dyn std::error::Error + Send + Sync>> {
        self.seen += progress.step;
        if self.fails[0] && self.seen > 2 { Err("of no use".into()) } else { Ok(self.answers[0]) }
    }

    fn on_epoch(
        &mut self,
        epoch: &Epoch,
        model: &Network<f64>,
    ) -> Result<Control, Box<dyn std::error::Error + Send + Sync>> {
        // A training goes on from the layers that it was begun with; no metric has this name.
        assert!(model.summary().to_string().contains("layers.1") && epoch.metric("").is_none());
        match (self.fails[1], self.seen > 3) {
            (true, _) => Err("of no use".into()),
            (false, true) => Ok(Control::Finish),
            (false, false) => Ok(self.answers[1]),
        }
    }

    fn state(&self) -> CallbackState {
        self.state.clone()
    }

    fn restore(&mut self, state: &Config) -> Result<(), ConfigError> {
        state.integer("seen").map(drop)
    }
}

/// Validation data, callbacks and threads may be anything; an error before the first step leaves
/// the model as it was.
fn is_watched_or_says_why(
    (threads, [a, b, c, d], many, number, watcher): (usize, [usize; 4], usize, f64, Watcher),
) -> Judgement {
    let mut random = Numbers::new(2);
    let (inputs, targets): (DMatrix<f64>, DMatrix<f64>) = (random.matrix(3, 11), random.matrix(2, 11));
    let (judged, expected) = (DMatrix::from_element(a + 1, b, number), DMatrix::from_element(c, d, number));
    let (folder, mut steps) = (super::temporary("watched"), 0);
    let mut network = small::<f64>();
    let before = bits(&numbers(&network));
    let trained = Trainer::new(Mse, Sgd::new(0.1))
        .threads(threads)
        .epochs(many)
        .early_stopping(EarlyStopping::new(many))
        .validation_to(&judged, &expected)
        .metric(Accuracy)
        .callback(watcher.clone())
        .on_progress(|progress| steps += progress.steps)
        .checkpoints(Checkpoints::new(&folder).every_epochs(many))
        .fit_to(&mut network, &inputs, &targets);
    std::fs::remove_dir_all(&folder).ok(); // there may be none
    require(all_finite(&network), "a parameter is not finite")?;
    match trained {
        Ok(history) => tells(&history),
        Err(Error::Train(error)) => {
            require(steps > 0 || bits(&numbers(&network)) == before, "a refused training has changed the model")?;
            require(error.history().epochs().len() <= error.epoch(), "an error before epochs that are over")?;
            require(!error.kind().to_string().is_empty(), "an error without words")?;
            tells(error.history())
        }
        Err(error) => require(false, format!("not an error of training: {error}")),
    }
}

/// A writer that takes so many bytes.
struct Narrow(usize);

impl Write for Narrow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A history in every form that it has.
fn tells(history: &History) -> Judgement {
    let mut lines = Vec::new();
    require(history.write_csv(&mut lines).is_ok(), "a history that cannot be written")?;
    let narrow = (0..lines.len()).step_by(7).all(|room| history.write_csv(Narrow(room)).is_err());
    require(narrow, "a history that was cut off is whole")?;
    let last = history.epochs().last();
    require(history.loss() == last.map(|epoch| epoch.loss), "the loss is not that of the last epoch")?;
    let validation = last.and_then(|epoch| epoch.validation_loss);
    require(history.validation_loss() == validation, "the validation loss is not that of the last epoch")?;
    let is_there = |best: &Epoch| history.epochs().iter().any(|epoch| std::ptr::eq(epoch, best));
    require(history.best().is_none_or(is_there), "the best epoch is not one of them")?;
    require(history.epochs().is_empty() == lines.is_empty(), "a history without lines")
}
