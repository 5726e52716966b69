//! What messages about model files and checkpoints advise.

use std::io;

use crate::causes::WithRemedy;

/// How to train without a checkpoint.
pub(super) const ANEW: &str =
    "give another folder, or begin anew with `Trainer::start_over`, which discards the checkpoints of this one";

/// How to go on from a model that was trained on other data.
pub(super) const OR_LOAD: &str = "or load the model (`best.safetensors` in the same folder) and fit that";

/// What to do with a file that is damaged.
pub(super) const AGAIN: &str = "copy it again, or save the model again";

/// What to do with a file that was changed.
pub(super) const AS_SAVED: &str = "take the file as `save` wrote it";

/// Why a file cannot be written, and what to do.
pub(super) fn unwritten(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => {
            format!("{error}; its folder does not exist: create it first, with `std::fs::create_dir_all` for instance")
        }
        io::ErrorKind::InvalidInput => {
            format!("{error}; give the name of a file: `write_to` writes to anything else")
        }
        _ => format!("{}; a file that was there before is unchanged", WithRemedy(error)),
    }
}
