//! What Keras and PyTorch compute, computed here; `README.md` says whose values they are and how
//! they were made. Those of variational models are compared in `tests/variational`.

#[path = "../common/mod.rs"]
mod common;

mod build;
mod case;
mod draws;
mod graphs;
mod layers;
mod losses;
mod optimizers;
