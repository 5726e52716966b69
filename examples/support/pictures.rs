//! Pictures of images: rows of tiles in one PNG file.

use std::io;
use std::path::Path;

use nalgebra::{DMatrixView, DVectorView};
use png::{BitDepth, ColorType, Encoder};

use super::files;

const GAP: usize = 1;
const GAP_BYTE: u8 = 0xff;

/// Rows of images of one size, with a thin white gap between them.
///
/// An image is a column of a matrix, its pixels row by row, the channels of a pixel together, 0 for
/// black and 1 for full intensity; what lies outside is clipped. Grey images have one channel, RGB
/// images three.
///
/// ```ignore
/// ImageGrid::new(28, 28).row(&originals).row(&reconstructions).save(&path)?;
/// ```
#[derive(Debug, Clone)]
pub struct ImageGrid {
    height: usize,
    width: usize,
    channels: usize,
    scale: usize,
    rows: Vec<Vec<Tile>>,
}

/// The bytes of one image.
type Tile = Vec<u8>;

impl ImageGrid {
    /// A grid of grey images, to be drawn three times their size.
    pub fn new(height: usize, width: usize) -> Self {
        Self { height, width, channels: 1, scale: 3, rows: Vec::new() }
    }

    /// Makes it a grid of RGB images.
    pub fn rgb(mut self) -> Self {
        self.channels = 3;
        self
    }

    /// Draws each pixel as a square of `scale` by `scale`.
    pub fn scale(mut self, scale: usize) -> Self {
        self.scale = scale.max(1);
        self
    }

    /// Adds a row with all the images of a matrix, below the rows there are.
    pub fn row<'a>(mut self, images: impl Into<DMatrixView<'a, f32>>) -> Self {
        let images = images.into();
        let features = self.height * self.width * self.channels;
        assert_eq!(images.nrows(), features, "an image has {features} features");
        self.rows.push(images.column_iter().map(tile).collect());
        self
    }

    /// Writes the PNG file, and the folders above it where they are missing.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        files::write(path, &self.to_png()?)
    }

    /// The grid as the bytes of a PNG file.
    pub fn to_png(&self) -> io::Result<Vec<u8>> {
        let (width, height) = self.size();
        let pixels = self.enlarge(&self.paint());
        let mut png = Vec::new();
        let mut encoder = Encoder::new(&mut png, to_u32(width)?, to_u32(height)?);
        encoder.set_color(match self.channels {
            1 => ColorType::Grayscale,
            _ => ColorType::Rgb,
        });
        encoder.set_depth(BitDepth::Eight);
        encoder.write_header()?.write_image_data(&pixels)?;
        Ok(png)
    }

    /// Width and height of the picture in pixels.
    fn size(&self) -> (usize, usize) {
        let (width, height) = self.canvas_size();
        (width * self.scale, height * self.scale)
    }

    /// Width and height before enlargement.
    fn canvas_size(&self) -> (usize, usize) {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let span = |count: usize, length: usize| (count * (length + GAP)).saturating_sub(GAP);
        (span(columns, self.width), span(self.rows.len(), self.height))
    }

    /// All tiles at their places, at their own size.
    fn paint(&self) -> Vec<u8> {
        let (width, height) = self.canvas_size();
        let mut canvas = vec![GAP_BYTE; width * height * self.channels];
        for (row, tiles) in self.rows.iter().enumerate() {
            for (column, tile) in tiles.iter().enumerate() {
                let (top, left) = (row * (self.height + GAP), column * (self.width + GAP));
                self.paint_tile(&mut canvas, width, top, left, tile);
            }
        }
        canvas
    }

    fn paint_tile(&self, canvas: &mut [u8], width: usize, top: usize, left: usize, tile: &[u8]) {
        let stride = self.width * self.channels;
        for (y, line) in tile.chunks_exact(stride).enumerate() {
            let start = ((top + y) * width + left) * self.channels;
            canvas[start..start + stride].copy_from_slice(line);
        }
    }

    /// Each pixel repeated `scale` times both ways.
    fn enlarge(&self, canvas: &[u8]) -> Vec<u8> {
        let stride = self.canvas_size().0 * self.channels;
        let lines = canvas.chunks_exact(stride.max(1));
        lines.flat_map(|line| self.enlarge_line(line).repeat(self.scale)).collect()
    }

    fn enlarge_line(&self, line: &[u8]) -> Vec<u8> {
        line.chunks_exact(self.channels).flat_map(|pixel| pixel.repeat(self.scale)).collect()
    }
}

fn tile(image: DVectorView<'_, f32>) -> Tile {
    image
        .iter()
        .map(|intensity| (intensity * 255.0).round() as u8) // `as` clips, and makes NaN black
        .collect()
}

fn to_u32(length: usize) -> io::Result<u32> {
    u32::try_from(length).map_err(io::Error::other)
}
