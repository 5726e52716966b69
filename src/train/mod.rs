//! Training: the [`Trainer`], its reports and extension points.

mod callback;
mod checkpoint;
mod early_stopping;
mod error;
mod evaluate;
mod fingerprint;
mod fit;
mod history;
mod likelihood;
mod metric;
mod review;
mod session;
mod step;
mod trainer;
mod update;
mod warning;

pub use callback::{Callback, CallbackState, Control, Progress};
pub use checkpoint::Checkpoints;
pub use early_stopping::EarlyStopping;
pub use error::{LargestValue, TrainError, TrainErrorKind};
pub use evaluate::Model;
pub use history::{Epoch, History};
pub use likelihood::Elbo;
pub use metric::{Accuracy, Metric};
pub use trainer::Trainer;
pub use warning::Warning;
