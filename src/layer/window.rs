//! Windows that slide over an image: extents, padding, and the arithmetic they share.

use crate::{Config, ConfigError, ShapeError, Value, option};

/// How a window treats the edges of an image; Keras's two rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Padding {
    /// The output has n = ⌈input / stride⌉ positions. The max((n − 1)·stride + reach − input, 0)
    /// missing pixels are padded, half on each side, an odd one at the bottom and on the right;
    /// padded pixels are zeros for convolutions, and ignored by pooling. reach = (size −
    /// 1)·dilation + 1 is the extent of a window in pixels.
    #[default]
    Same,
    /// No padding: the whole window lies inside the input, at ⌊(input − reach) / stride⌋ + 1
    /// positions.
    Valid,
}

/// A height and a width. Converts from one number for both, a pair or an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extent {
    /// Along the rows.
    pub height: usize,
    /// Along the columns.
    pub width: usize,
}

impl From<usize> for Extent {
    fn from(both: usize) -> Self {
        Self { height: both, width: both }
    }
}

impl From<(usize, usize)> for Extent {
    fn from((height, width): (usize, usize)) -> Self {
        Self { height, width }
    }
}

impl From<[usize; 2]> for Extent {
    fn from([height, width]: [usize; 2]) -> Self {
        Self { height, width }
    }
}

impl From<Extent> for Value {
    fn from(extent: Extent) -> Self {
        Value::from([extent.height, extent.width])
    }
}

impl Extent {
    pub(crate) fn read(config: &Config, name: &str) -> Result<Self, ConfigError> {
        config.integers::<2>(name).map(Self::from)
    }

    pub(crate) fn pair(self) -> [usize; 2] {
        [self.height, self.width]
    }

    pub(crate) fn checked(self, name: &'static str) -> Result<Self, ShapeError> {
        option::at_least_one(name, self.height)?;
        option::at_least_one(name, self.width)?;
        Ok(self)
    }
}

impl From<Padding> for Value {
    fn from(padding: Padding) -> Self {
        Value::from(match padding {
            Padding::Same => "same",
            Padding::Valid => "valid",
        })
    }
}

impl Padding {
    pub(crate) fn read(config: &Config) -> Result<Self, ConfigError> {
        match config.text("padding")? {
            "same" => Ok(Self::Same),
            "valid" => Ok(Self::Valid),
            _ => Err(ConfigError::Invalid { name: "padding".to_owned(), expected: "`same` or `valid`" }),
        }
    }
}

/// A window that slides over an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub what: &'static str,
    pub size: Extent,
    pub stride: Extent,
    pub dilation: Extent,
    pub padding: Padding,
}

/// The positions a window takes, and the padding above and to the left of the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Positions {
    pub count: [usize; 2],
    pub before: [usize; 2],
    /// The stride, at most the input's extent: any larger one gives the same single position.
    pub stride: [usize; 2],
}

impl Window {
    /// A window of `size`, called `what` in errors, that moves by one pixel, with padding `Same`.
    pub fn new(what: &'static str, size: Extent) -> Self {
        Self { what, size, stride: 1.into(), dilation: 1.into(), padding: Padding::Same }
    }

    /// The window's positions over an input of `height` x `width`.
    pub fn over(&self, [height, width]: [usize; 2]) -> Result<Positions, ShapeError> {
        self.size.checked(self.what)?;
        self.stride.checked("stride")?;
        self.dilation.checked("dilation")?;
        let rows = self.along("height", height, self.size.height, self.stride.height, self.dilation.height)?;
        let columns = self.along("width", width, self.size.width, self.stride.width, self.dilation.width)?;
        let stride = [self.stride.height.min(height), self.stride.width.min(width)];
        Ok(Positions { count: [rows.0, columns.0], before: [rows.1, columns.1], stride })
    }

    fn along(
        &self,
        axis: &'static str,
        input: usize,
        size: usize,
        stride: usize,
        dilation: usize,
    ) -> Result<(usize, usize), ShapeError> {
        let reach = crate::shape::checked_product("rows under a window", &[size - 1, dilation])? + 1;
        if input == 0 {
            return Err(ShapeError::WindowTooLarge { what: self.what, size: reach, input, axis });
        }
        match self.padding {
            Padding::Same => {
                let count = input.div_ceil(stride);
                let last = ((count - 1) * stride).saturating_add(reach);
                Ok((count, last.saturating_sub(input) / 2))
            }
            Padding::Valid if reach > input => {
                Err(ShapeError::WindowTooLarge { what: self.what, size: reach, input, axis })
            }
            Padding::Valid => Ok(((input - reach) / stride + 1, 0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn positions(padding: Padding, size: usize, stride: usize, dilation: usize, input: usize) -> (usize, usize) {
        let (stride, dilation) = (stride.into(), dilation.into());
        let window = Window { stride, dilation, padding, ..Window::new("kernel", size.into()) };
        let positions = window.over([input, input]).unwrap();
        (positions.count[0], positions.before[0])
    }

    #[test]
    fn keras_rules() {
        assert_eq!(positions(Padding::Same, 3, 1, 1, 28), (28, 1));
        assert_eq!(positions(Padding::Same, 2, 2, 1, 7), (4, 0)); // padded on the right
        assert_eq!(positions(Padding::Same, 4, 1, 1, 5), (5, 1));
        assert_eq!(positions(Padding::Same, 3, 2, 1, 8), (4, 0));
        assert_eq!(positions(Padding::Same, 5, 1, 1, 2), (2, 2)); // larger than the image
        assert_eq!(positions(Padding::Same, 7, 2, 1, 1), (1, 3));
        assert_eq!(positions(Padding::Valid, 2, 2, 1, 7), (3, 0));
        assert_eq!(positions(Padding::Valid, 3, 1, 2, 7), (3, 0));
        assert_eq!(positions(Padding::Valid, 1, 5, 1, 7), (2, 0));
    }

    #[test]
    fn a_window_may_be_larger_than_the_padded_image() {
        assert_eq!(positions(Padding::Same, 5, 1, 1, 1), (1, 2));
        assert_eq!(positions(Padding::Same, 7, 1, 1, 2), (2, 3));
        assert_eq!(positions(Padding::Same, 8, 2, 1, 3), (2, 3));
        assert_eq!(positions(Padding::Same, 3, 1, 9, 2), (2, 9));
        assert_eq!(positions(Padding::Same, 100, 100, 1, 7), (1, 46));
        let valid = Window { padding: Padding::Valid, ..Window::new("kernel", 5.into()) };
        let error = ShapeError::WindowTooLarge { what: "kernel", size: 5, input: 2, axis: "width" };
        assert_eq!(valid.over([5, 2]), Err(error));
    }
}
