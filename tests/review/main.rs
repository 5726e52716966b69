//! Mistakes that are no errors: a warning for each, before the first step, and none where nothing
//! is wrong.

#[path = "../common/mod.rs"]
mod common;
mod contract;
mod seen;
mod silent;
mod support;
mod words;
