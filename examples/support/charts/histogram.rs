//! Histograms of distributions, one over the other.

use std::io;
use std::ops::Range;
use std::path::Path;

use plotters::prelude::{PathElement, Polygon};
use plotters::style::Color;

use super::{Labels, Series, axes, figure, legend, palette};

/// Draws, for each series, the percentage of its values in each of `bins` bins of equal width, so
/// that distributions of different sizes compare.
pub fn histogram(path: &Path, labels: &Labels<'_>, series: &[Series], bins: usize) -> io::Result<()> {
    assert!(bins > 0, "at least one bin");
    let range = axes::range_of(series.iter().flat_map(Series::finite));
    let shares: Vec<_> = series.iter().map(|s| shares(s, &range, bins)).collect();
    let highest = shares.iter().flatten().copied().fold(1.0, f64::max);
    figure::save(path, labels.title, &legend::entries(series), |area| {
        let mut chart = axes::draw(area, labels, axes::with_room(range.clone()), 0.0..1.05 * highest)?;
        for (index, shares) in shares.iter().enumerate() {
            let color = palette::color(index);
            let outline = outline(shares, &range);
            chart.draw_series([Polygon::new(outline.clone(), color.mix(0.35))])?;
            chart.draw_series([PathElement::new(outline, color.stroke_width(2))])?;
        }
        Ok(())
    })
}

/// The percentage of the values in each bin.
fn shares(series: &Series, range: &Range<f64>, bins: usize) -> Vec<f64> {
    let mut shares = vec![0.0; bins];
    let share = 100.0 / series.finite().count() as f64;
    for value in series.finite() {
        let place = (value - range.start) / (range.end - range.start);
        let bin = (place * bins as f64) as usize;
        shares[bin.min(bins - 1)] += share;
    }
    shares
}

/// The upper edge of the bars, as a line of steps from the axis and back to it.
fn outline(shares: &[f64], range: &Range<f64>) -> Vec<(f64, f64)> {
    let width = (range.end - range.start) / shares.len() as f64;
    let edge = |bin: usize| range.start + width * bin as f64;
    let steps = shares.iter().enumerate().flat_map(|(bin, &share)| [(edge(bin), share), (edge(bin + 1), share)]);
    let first = (range.start, 0.0);
    let last = (range.end, 0.0);
    [first].into_iter().chain(steps).chain([last]).collect()
}
