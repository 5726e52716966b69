//! Colours.

use plotters::style::RGBColor;

/// Titles and the names of axes.
pub const INK: RGBColor = RGBColor(0x22, 0x22, 0x22);
/// Numbers along the axes, and the legend.
pub const QUIET_INK: RGBColor = RGBColor(0x55, 0x55, 0x55);
/// The axes themselves.
pub const AXIS: RGBColor = RGBColor(0x99, 0x99, 0x99);
/// The grid.
pub const GRID: RGBColor = RGBColor(0xe8, 0xe8, 0xe8);

/// Ten colours that are easy to tell apart ("tab10" of Tableau and matplotlib).
const DISTINCT: [RGBColor; 10] = [
    RGBColor(0x1f, 0x77, 0xb4),
    RGBColor(0xff, 0x7f, 0x0e),
    RGBColor(0x2c, 0xa0, 0x2c),
    RGBColor(0xd6, 0x27, 0x28),
    RGBColor(0x94, 0x67, 0xbd),
    RGBColor(0x8c, 0x56, 0x4b),
    RGBColor(0xe3, 0x77, 0xc2),
    RGBColor(0x7f, 0x7f, 0x7f),
    RGBColor(0xbc, 0xbd, 0x22),
    RGBColor(0x17, 0xbe, 0xcf),
];

/// The colour of a digit, or of the series with this index.
pub fn color(index: usize) -> RGBColor {
    DISTINCT[index % DISTINCT.len()]
}
