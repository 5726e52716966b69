//! Checks for layers, losses, optimizers and data sources: the crate's own and yours, by the same code.
//!
//! One call makes every check that applies and returns a [`Report`], in which each has its name, its figure and, where it fails, a message that says what to mend.
//! A panic of what is checked is a failed check, too. In a test of yours:
//!
//! ```
//! use autoencoder::testing::{CheckFailed, check_optimizer};
//! use autoencoder::Adam;
//!
//! fn the_optimizer_keeps_its_promises() -> Result<(), CheckFailed> {
//!     let report = check_optimizer(|| Adam::new(0.01)).into_result()?; // an error prints what fails, and why
//!     println!("{report}");
//!     Ok(())
//! }
//! # the_optimizer_keeps_its_promises()?;
//! # Ok::<(), CheckFailed>(())
//! ```
//!
//! The crate runs the same over all that it brings, in `tests/conformance`. It needs the feature `testing`, which belongs under your `[dev-dependencies]`:
//!
//! ```toml
//! [dev-dependencies]
//! autoencoder = { version = "0.1", features = ["testing"] }
//! ```

mod layer;
mod loss;
mod numbers;
mod optimizer;
mod report;
mod rig;
mod source;
mod stencil;

pub use layer::{LayerCheck, check_layer};
pub use loss::{LossCheck, check_loss};
pub use optimizer::check_optimizer;
pub use report::{Check, CheckFailed, Outcome, Report};
pub use source::check_source;
pub use stencil::{GradientComparison, compare_gradient};

/// How the names of the checks begin that compare gradients.
const GRADIENT: &str = "gradient by";

/// The most that a gradient may be off: max|analytic − numeric| / max|numeric|.
const GRADIENT_BOUND: f64 = 1e-9;
