//! Losses, metrics, optimizers, schedules and corruptions of the user's own that say anything.

use autoencoder::nalgebra::DMatrix;
use autoencoder::*;
use proptest::prelude::*;
use proptest::sample::select;

use super::{all_finite, any_activation, count, number, row, small, taken_if, taken_only_if};
use crate::Row;
use crate::common::Numbers;
use crate::properties::{Judgement, holds, require};

pub fn rows() -> Vec<Row> {
    vec![row("parts of the user's own", || holds(400, stranger(), is_trained_with_or_says_why))]
}

/// Every trait that training has, and what it answers.
#[derive(Debug, Clone)]
struct Stranger {
    numbers: [f64; 4],
    size: usize,
    link: Option<Activation>,
    name: &'static str,
    accepts: bool,
}

fn stranger() -> impl Strategy<Value = (Stranger, [bool; 5])> {
    let numbers = [number(), number(), number(), number()];
    let name = select(vec!["", "mse", "\0", "a,b\n"]);
    let parts = (numbers, count(), proptest::option::of(any_activation()), name, any::<bool>());
    let stranger =
        parts.prop_map(|(numbers, size, link, name, accepts)| Stranger { numbers, size, link, name, accepts });
    (stranger, any::<[bool; 5]>())
}

impl Stranger {
    fn opinion(&self) -> Result<(), OptionError> {
        OptionError::require(self.accepts, "opinion", self.numbers[0], "another")
    }

    fn settings(&self) -> Config {
        Config::new().with("number", self.numbers[0])
    }
}

impl Loss<f64> for Stranger {
    fn kind(&self) -> &'static str {
        self.name
    }

    fn config(&self) -> Config {
        self.settings()
    }

    fn evaluate(&self, pass: LossPass<'_, f64>) -> f64 {
        pass.gradient.into_iter().for_each(|gradient| gradient.fill(self.numbers[0]));
        self.numbers[1]
    }

    fn fused_activation(&self) -> Option<Activation> {
        self.link
    }

    fn unsuitable_target(&self, _targets: &[f64]) -> Option<(usize, &'static str)> {
        (self.size % 2 == 1).then_some((self.size, "another"))
    }

    fn check(&self) -> Result<(), OptionError> {
        self.opinion()
    }
}

impl Metric<f64> for Stranger {
    fn name(&self) -> &str {
        self.name
    }

    fn evaluate(&self, _shape: Shape, _predictions: &[f64], _targets: &[f64]) -> f64 {
        self.numbers[2]
    }
}

impl Optimizer<f64> for Stranger {
    fn kind(&self) -> &'static str {
        self.name
    }

    fn config(&self) -> Config {
        self.settings()
    }

    fn learning_rate(&self) -> f64 {
        self.numbers[0]
    }

    fn slots(&self) -> usize {
        self.size
    }

    fn update(&self, update: Update<'_, f64>) {
        update.parameters.fill(self.numbers[3]);
        update.slots.into_iter().for_each(|slot| slot.fill(f64::NAN));
    }

    fn check(&self) -> Result<(), OptionError> {
        self.opinion()
    }
}

impl Schedule for Stranger {
    fn kind(&self) -> &'static str {
        self.name
    }

    fn config(&self) -> Config {
        self.settings()
    }

    fn factor(&self, _moment: &TrainingProgress<'_>) -> f64 {
        self.numbers[1]
    }
}

impl Corruption<f64> for Stranger {
    fn kind(&self) -> &'static str {
        self.name
    }

    fn config(&self) -> Config {
        self.settings()
    }

    fn corrupt(&self, mut pass: CorruptionPass<'_, f64>) -> Result<(), DataError> {
        let other = pass.of_another(self.size)?;
        pass.sample.fill(other * self.numbers[2]);
        Ok(())
    }

    fn check(&self) -> Result<(), OptionError> {
        self.opinion()
    }
}

/// Whether a number is the mean over eleven samples of what each of some passes gives.
fn is_mean_of(value: f64) -> impl Fn(f64) -> bool {
    move |mean| {
        let means = (1..=11).map(|passes| (0..passes).map(|_| value).sum::<f64>() / 11.0);
        means.into_iter().any(|expected| mean == expected || (mean - expected).abs() <= 1e-12 * expected.abs())
    }
}

/// Some parts of a training are strangers; the model stays finite.
fn is_trained_with_or_says_why(
    (stranger, [loss, optimizer, schedule, metric, corrupts]): (Stranger, [bool; 5]),
) -> Judgement {
    let mut random = Numbers::new(4);
    let (inputs, targets): (DMatrix<f64>, DMatrix<f64>) = (random.matrix(3, 11), random.matrix(2, 11));
    let of_loss: Box<dyn Loss<f64>> = if loss { Box::new(stranger.clone()) } else { Box::new(Mse) };
    let of_optimizer: Box<dyn Optimizer<f64>> =
        if optimizer { Box::new(stranger.clone()) } else { Box::new(Sgd::new(0.1)) };
    let mut network = small::<f64>();
    require(network.ends_in(stranger.link) == (stranger.link == Some(Activation::Sigmoid)), "another end")?;
    let [_, value, figure, _] = stranger.numbers;
    let suits = stranger.accepts && stranger.size % 2 == 0 && !value.is_nan();
    let mean = taken_if(suits, "a loss", network.evaluate_to(&stranger, &inputs, &targets))?;
    require(mean.is_none_or(is_mean_of(value)), format!("the mean of {value} is {mean:?}"))?;
    let mean = network.evaluate_metric(stranger.clone(), &inputs, &targets);
    let mean = taken_if(!figure.is_nan(), "a metric", mean)?;
    require(mean.is_none_or(is_mean_of(figure)), format!("the mean of {figure} is {mean:?}"))?;
    let corrupted = Corrupted::new(&inputs, stranger.clone());
    if let Some(corrupted) = taken_if(stranger.accepts, "a corruption", corrupted)? {
        let known = stranger.size < 11;
        let corrupted = taken_only_if(known && figure.is_finite(), "a corrupted sample", corrupted.to_matrix())?;
        require(corrupted.is_none_or(|corrupted| corrupted.iter().all(|value| value.is_finite())), "not finite")?;
    }
    let folder = super::temporary("strangers");
    let mut trainer = Trainer::new(of_loss, of_optimizer).epochs(2).batch_size(4).validation_fraction(0.3);
    trainer = if schedule { trainer.schedule(stranger.clone()) } else { trainer };
    trainer = if metric { trainer.metric(stranger.clone()) } else { trainer };
    trainer = if corrupts { trainer.corrupt(stranger.clone()) } else { trainer };
    trainer = if stranger.accepts { trainer.checkpoints(Checkpoints::new(&folder)) } else { trainer };
    let trained = trainer.fit_to(&mut network, &inputs, &targets);
    std::fs::remove_dir_all(&folder).ok(); // there may be none
    match trained {
        Ok(history) => require(!history.to_string().is_empty(), "a history without words")?,
        Err(error) => require(!error.to_string().is_empty(), "an error without words")?,
    }
    require(all_finite(&network), "a parameter is not finite")
}
