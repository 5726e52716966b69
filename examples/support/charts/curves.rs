//! Curves over the epochs.

use std::io;
use std::path::Path;

use plotters::prelude::Circle;
use plotters::series::LineSeries;
use plotters::style::Color;

use super::{Labels, Series, axes, figure, legend, palette};

/// Most points that are marked one by one.
const MARKED_POINTS: usize = 30;

/// Draws a curve for each series: its first value is epoch 1.
pub fn curves(path: &Path, labels: &Labels<'_>, series: &[Series]) -> io::Result<()> {
    let epochs = series.iter().map(|s| s.values.len()).max().unwrap_or(0) as i32;
    let values = axes::range_of(series.iter().flat_map(Series::finite));
    figure::save(path, labels.title, &legend::entries(series), |area| {
        let mut chart = axes::draw(area, labels, epoch_range(epochs), axes::with_room(values))?;
        for (index, series) in series.iter().enumerate() {
            let color = palette::color(index);
            chart.draw_series(LineSeries::new(points(series), color.stroke_width(3)))?;
            if series.values.len() <= MARKED_POINTS {
                let mark = |point| Circle::new(point, 4, color.filled());
                chart.draw_series(points(series).map(mark))?;
            }
        }
        Ok(())
    })
}

/// The epochs that are drawn; a single one stands in the middle.
fn epoch_range(epochs: i32) -> std::ops::Range<i32> {
    if epochs > 1 { 1..epochs } else { 0..2 }
}

/// The points of a curve: epoch and value.
fn points(series: &Series) -> impl Iterator<Item = (i32, f64)> {
    (1..).zip(series.values.iter().copied()).filter(|(_, value)| value.is_finite())
}
