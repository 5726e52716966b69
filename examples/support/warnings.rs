//! What training noticed that may be a mistake.

use autoencoder::History;

/// Prints the warnings of a training run on standard error, a line for each: its result is on
/// standard output.
pub fn print(history: &History) {
    for warning in history.warnings() {
        eprintln!("warning: {warning}");
    }
}
