//! The sheet a chart is drawn on: a title, a legend, and the chart below.

use std::error::Error;
use std::io;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::{DrawingArea, IntoDrawingArea, IntoFont, SVGBackend};
use plotters::style::{Color, FontStyle, TextStyle, WHITE};

use super::super::files;
use super::legend::{self, Entry};
use super::palette;

pub const FONT: &str = "Helvetica, Arial, sans-serif";
/// Where title, legend and the axis of the chart begin.
pub const LEFT: i32 = 78;

const SIZE: (u32, u32) = (960, 600);
const HEADING_HEIGHT: u32 = 92;

/// A part of the sheet.
pub type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
/// What drawing gives.
pub type Drawn = Result<(), Box<dyn Error + Send + Sync>>;

/// Draws title, legend and chart, and writes the SVG file.
pub fn save(
    path: &Path,
    title: &str,
    entries: &[Entry],
    draw_chart: impl FnOnce(&Area<'_>) -> Drawn,
) -> io::Result<()> {
    let mut svg = String::new();
    draw(&mut svg, title, entries, draw_chart).map_err(io::Error::other)?;
    files::write(path, svg.as_bytes())
}

fn draw(svg: &mut String, title: &str, entries: &[Entry], draw_chart: impl FnOnce(&Area<'_>) -> Drawn) -> Drawn {
    let sheet = SVGBackend::with_string(svg, SIZE).into_drawing_area();
    sheet.fill(&WHITE)?;
    let (heading, chart) = sheet.split_vertically(HEADING_HEIGHT);
    heading.draw_text(title, &title_style(), (LEFT, 22))?;
    legend::draw(&heading, entries, (LEFT, 72))?;
    draw_chart(&chart)?;
    sheet.present()?;
    Ok(())
}

fn title_style() -> TextStyle<'static> {
    (FONT, 30).into_font().style(FontStyle::Bold).color(&palette::INK)
}
