//! Checks for layers, losses, optimizers and data sources, both the crate's own and yours.
//!
//! One call makes every check that applies and returns a [`Report`] with each check's name,
//! measured figure and, if it fails, a message that says what to fix. A panic in the checked code
//! is a failed check, too. In your tests:
//!
//! ```
//! use autoencoder::testing::{CheckFailed, check_optimizer};
//! use autoencoder::Adam;
//!
//! fn the_optimizer_keeps_its_promises() -> Result<(), CheckFailed> {
//!     let report = check_optimizer(|| Adam::new(0.01)).into_result()?; // an error prints what failed, and why
//!     println!("{report}");
//!     Ok(())
//! }
//! # the_optimizer_keeps_its_promises()?;
//! # Ok::<(), CheckFailed>(())
//! ```
//!
//! The crate makes the same checks of all its own parts, in `tests/conformance`. They need the
//! feature `testing`; enable it under `[dev-dependencies]`:
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
mod source;
mod stencil;

pub use layer::{LayerCheck, check_layer};
pub use loss::{LossCheck, check_loss};
pub use optimizer::check_optimizer;
pub use report::{Check, CheckFailed, Outcome, Report};
pub use source::check_source;
pub use stencil::{GradientComparison, compare_gradient};

/// Prefix of the names of gradient checks.
const GRADIENT: &str = "gradient by";

/// The largest accepted error of a gradient: max|analytic − numeric| / max|numeric|.
const GRADIENT_BOUND: f64 = 1e-9;
