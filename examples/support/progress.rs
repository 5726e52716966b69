//! A progress bar on standard error.

use std::error::Error;

use autoencoder::{Callback, Control, Epoch, Network, Scalar};
use indicatif::{ProgressBar, ProgressStyle};

const TEMPLATE: &str = "{prefix}  {bar:28.cyan/dim}  {percent:>3} %  {msg}";

/// Shows how training goes: a bar for the epoch that runs, and a line for each that is done.
///
/// Where standard error is no terminal, only the lines are printed. Epochs and steps count from 1.
/// It is a callback, to be handed to a [`Trainer`](autoencoder::Trainer).
#[derive(Debug)]
pub struct Progress {
    epochs: usize,
    bar: ProgressBar,
    images_per_second: f64,
}

impl Progress {
    /// A bar for a training run of this many epochs.
    pub fn new(epochs: usize) -> Self {
        let style = ProgressStyle::with_template(TEMPLATE).expect("the template is well formed");
        let bar = ProgressBar::new(0).with_style(style.progress_chars("━╸─"));
        Self { epochs, bar, images_per_second: 0.0 }
    }

    /// Shows that a step of an epoch is done, and the loss so far.
    pub fn update(&self, epoch: usize, step: usize, steps_per_epoch: usize, loss: f64, images_per_second: f64) {
        if self.bar.is_hidden() {
            return;
        }
        self.bar.set_length(steps_per_epoch as u64);
        self.bar.set_prefix(epoch_name(epoch, self.epochs));
        self.bar.set_message(format!("loss {loss:.5}  {images_per_second:.0} images/s"));
        self.bar.set_position(step as u64);
    }

    /// Prints the line of an epoch that is done.
    pub fn finish_epoch(
        &self,
        epoch: usize,
        loss: f64,
        validation_loss: Option<f64>,
        seconds: f64,
        images_per_second: f64,
    ) {
        let epoch = epoch_name(epoch, self.epochs);
        let losses = losses(loss, validation_loss);
        self.bar.suspend(|| {
            eprintln!("{epoch}  {losses}  {seconds:.1} s  {images_per_second:.0} images/s");
        });
    }

    /// Takes the bar away; the lines stay.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl<T: Scalar> Callback<T> for Progress {
    fn on_step(&mut self, done: &autoencoder::Progress) -> Result<Control, Box<dyn Error + Send + Sync>> {
        self.images_per_second = done.samples as f64 / done.seconds.max(1e-9);
        self.update(done.epoch, done.step, done.steps, done.loss, self.images_per_second);
        Ok(Control::Continue)
    }

    fn on_epoch(&mut self, epoch: &Epoch, _model: &Network<T>) -> Result<Control, Box<dyn Error + Send + Sync>> {
        self.finish_epoch(epoch.number, epoch.loss, epoch.validation_loss, epoch.seconds, self.images_per_second);
        if epoch.number == self.epochs {
            self.finish();
        }
        Ok(Control::Continue)
    }
}

fn epoch_name(epoch: usize, epochs: usize) -> String {
    let digits = epochs.to_string().len();
    format!("epoch {epoch:>digits$}/{epochs}")
}

fn losses(loss: f64, validation_loss: Option<f64>) -> String {
    match validation_loss {
        Some(validation_loss) => format!("loss {loss:.5}  validation loss {validation_loss:.5}"),
        None => format!("loss {loss:.5}"),
    }
}
