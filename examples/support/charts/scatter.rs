//! Maps: samples as points in the plane, coloured by digit.

use std::io;
use std::path::Path;

use nalgebra::DMatrixView;
use plotters::prelude::{Circle, EmptyElement, IntoFont, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, FontStyle, TextStyle, WHITE};

use super::figure::FONT;
use super::legend::Entry;
use super::{Labels, axes, figure, palette};

/// Draws each column of `points` (2 x samples) in the colour of its digit, and each digit at the
/// median of its points.
pub fn scatter<'a>(
    path: &Path,
    labels: &Labels<'_>,
    points: impl Into<DMatrixView<'a, f32>>,
    digits: &[u8],
) -> io::Result<()> {
    let points = labelled(points.into(), digits);
    let x = axes::range_of(points.iter().map(|point| point.x));
    let y = axes::range_of(points.iter().map(|point| point.y));
    let present = present_digits(&points);
    figure::save(path, labels.title, &entries(&present), |area| {
        let mut chart = axes::draw(area, labels, axes::with_room(x), axes::with_room(y))?;
        chart.draw_series(points.iter().map(|point| {
            let color = palette::color(usize::from(point.digit));
            Circle::new((point.x, point.y), 3, color.mix(0.6).filled())
        }))?;
        chart.draw_series(present.iter().map(|&digit| {
            EmptyElement::at(middle(&points, digit))
                + Circle::new((0, 0), 15, WHITE.filled())
                + Circle::new((0, 0), 13, palette::color(usize::from(digit)).filled())
                + Text::new(digit.to_string(), (0, 0), digit_style())
        }))?;
        Ok(())
    })
}

/// A sample on the map.
struct Point {
    x: f64,
    y: f64,
    digit: u8,
}

fn labelled(points: DMatrixView<'_, f32>, digits: &[u8]) -> Vec<Point> {
    assert_eq!(points.nrows(), 2, "a map has two dimensions");
    assert_eq!(points.ncols(), digits.len(), "one digit for each point");
    points
        .column_iter()
        .zip(digits)
        .map(|(point, &digit)| Point { x: point[0].into(), y: point[1].into(), digit })
        .filter(|point| point.x.is_finite() && point.y.is_finite())
        .collect()
}

fn present_digits(points: &[Point]) -> Vec<u8> {
    let mut digits: Vec<u8> = points.iter().map(|point| point.digit).collect();
    digits.sort_unstable();
    digits.dedup();
    digits
}

/// The median of a digit's points, along each axis.
fn middle(points: &[Point], digit: u8) -> (f64, f64) {
    let of_digit = || points.iter().filter(|point| point.digit == digit);
    (median(of_digit().map(|point| point.x).collect()), median(of_digit().map(|point| point.y).collect()))
}

fn median(mut values: Vec<f64>) -> f64 {
    let middle = values.len() / 2;
    *values.select_nth_unstable_by(middle, f64::total_cmp).1
}

fn entries(digits: &[u8]) -> Vec<Entry> {
    digits.iter().map(|&digit| Entry { name: digit.to_string(), color: palette::color(usize::from(digit)) }).collect()
}

fn digit_style() -> TextStyle<'static> {
    (FONT, 22).into_font().style(FontStyle::Bold).color(&WHITE).pos(Pos::new(HPos::Center, VPos::Center))
}
