//! Axes and grid, the same for every chart.

use std::fmt::Display;
use std::ops::Range;

use plotters::chart::{ChartBuilder, ChartContext};
use plotters::coord::cartesian::Cartesian2d;
use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::{IntoFont, SVGBackend};
use plotters::style::{Color, FontDesc, TRANSPARENT};

use super::Labels;
use super::figure::{Area, FONT, LEFT};
use super::palette;

const MARGIN: i32 = 14;
const X_TICKS: usize = 10;
const Y_TICKS: usize = 8;

/// A chart whose axes are drawn, ready for its data.
pub type Chart<'a, 'b, V> =
    ChartContext<'a, SVGBackend<'b>, Cartesian2d<<Range<V> as AsRangedCoord>::CoordDescType, RangedCoordf64>>;

type DrawingError = plotters::drawing::DrawingAreaErrorKind<std::io::Error>;

/// Draws axes for these ranges.
pub fn draw<'a, 'b, V>(
    area: &'a Area<'b>,
    labels: &Labels<'_>,
    x: Range<V>,
    y: Range<f64>,
) -> Result<Chart<'a, 'b, V>, DrawingError>
where
    V: Copy + Display + Into<f64>,
    Range<V>: AsRangedCoord<Value = V, CoordDescType: ValueFormatter<V>>,
{
    let x_decimals = decimals(x.start.into()..x.end.into(), X_TICKS);
    let y_decimals = decimals(y.clone(), Y_TICKS);
    let mut chart = ChartBuilder::on(area)
        .margin(MARGIN)
        .margin_top(0)
        .margin_right(2 * MARGIN)
        .x_label_area_size(54)
        .y_label_area_size(LEFT - MARGIN)
        .build_cartesian_2d(x, y)?;
    chart
        .configure_mesh()
        .x_desc(labels.x)
        .y_desc(labels.y)
        .x_labels(X_TICKS)
        .y_labels(Y_TICKS)
        .x_label_formatter(&|value| format!("{value:.x_decimals$}"))
        .y_label_formatter(&|value| format!("{value:.y_decimals$}"))
        .axis_desc_style(text(19).color(&palette::INK))
        .label_style(text(16).color(&palette::QUIET_INK))
        .bold_line_style(palette::GRID.stroke_width(1))
        .light_line_style(TRANSPARENT)
        .axis_style(palette::AXIS.stroke_width(1))
        .draw()?;
    Ok(chart)
}

/// The range of values that are all finite; 0 to 1 where there are none. Never empty: a single
/// value gets room.
pub fn range_of(values: impl Iterator<Item = f64>) -> Range<f64> {
    let (low, high) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    if low > high {
        0.0..1.0
    } else if low < high {
        low..high
    } else {
        let room = low.abs().max(1e-3);
        low - room..high + room
    }
}

/// The range with a little room on both sides.
pub fn with_room(range: Range<f64>) -> Range<f64> {
    let room = 0.05 * (range.end - range.start);
    range.start - room..range.end + room
}

/// The decimals that tell ticks of a range apart, which are at least `1 / ticks` of it apart.
fn decimals(range: Range<f64>, ticks: usize) -> usize {
    let step = (range.end - range.start) / ticks as f64;
    (-step.log10().floor()).clamp(0.0, 9.0) as usize
}

fn text(size: i32) -> FontDesc<'static> {
    (FONT, size).into_font()
}
