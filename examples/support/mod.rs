//! What the examples share: arguments, a progress bar, pictures and charts, and the classical
//! methods an autoencoder is measured against. Each example takes it in with `mod support;`.

#![allow(dead_code, unused_imports, reason = "every example compiles all of this and uses only a part")]

pub mod arguments;
pub mod auc;
mod centring;
pub mod charts;
pub mod command_line;
mod files;
pub mod gallery;
pub mod knn;
pub mod mnist;
pub mod pca;
pub mod pictures;
pub mod progress;
mod setting;
pub mod warnings;
