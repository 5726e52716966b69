//! The legend: coloured dots and names in a row, where they hide no data.

use plotters::prelude::{Circle, IntoFont};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, RGBColor, TextStyle};

use super::figure::{Area, Drawn, FONT};
use super::{Series, palette};

const TEXT_SIZE: i32 = 19;
const DOT_RADIUS: i32 = 6;
const GAP: i32 = 26;

/// One name of the legend and its colour.
#[derive(Debug, Clone)]
pub struct Entry {
    pub name: String,
    pub color: RGBColor,
}

/// An entry for each series, in the order of the palette.
pub fn entries(series: &[Series]) -> Vec<Entry> {
    series
        .iter()
        .enumerate()
        .map(|(index, series)| Entry { name: series.name.clone(), color: palette::color(index) })
        .collect()
}

/// Draws the entries to the right of a point.
pub fn draw(area: &Area<'_>, entries: &[Entry], (mut x, y): (i32, i32)) -> Drawn {
    for entry in entries {
        let center = (x + DOT_RADIUS, y);
        area.draw(&Circle::new(center, DOT_RADIUS, entry.color.filled()))?;
        x += 2 * DOT_RADIUS + 8;
        area.draw_text(&entry.name, &text_style(), (x, y))?;
        x += text_width(&entry.name) + GAP;
    }
    Ok(())
}

fn text_style() -> TextStyle<'static> {
    (FONT, TEXT_SIZE).into_font().color(&palette::QUIET_INK).pos(Pos::new(HPos::Left, VPos::Center))
}

/// About the width of a text: the viewer's font is not known here.
fn text_width(text: &str) -> i32 {
    text.chars().count() as i32 * TEXT_SIZE * 9 / 20
}
