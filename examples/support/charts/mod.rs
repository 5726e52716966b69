//! Charts as SVG files: curves, maps of codes, histograms.

mod axes;
mod curves;
mod figure;
mod histogram;
mod legend;
mod palette;
mod scatter;
mod series;

pub use curves::curves;
pub use histogram::histogram;
pub use scatter::scatter;
pub use series::Series;

/// What stands around a chart: its title, and the names of its axes.
#[derive(Debug, Clone, Copy)]
pub struct Labels<'a> {
    pub title: &'a str,
    pub x: &'a str,
    pub y: &'a str,
}
