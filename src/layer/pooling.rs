//! [`Pooling`]: what all pooling layers have in common.

use super::window::{Extent, Window};
use super::{Padding, Plan};
use crate::kernel::pool::Geometry;
use crate::{Config, ConfigError, Shape, ShapeError};

/// A window that moves over an image and reduces the values under it to one per channel.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Pooling {
    pub window: Window,
}

impl Pooling {
    /// A window with its size as the stride, without padding.
    pub fn new(size: Extent) -> Self {
        Self { window: Window { what: "window", size, stride: size, dilation: 1.into(), padding: Padding::Valid } }
    }

    pub fn config(&self) -> Config {
        let Window { size, stride, padding, .. } = self.window;
        Config::new().with("window", size).with("stride", stride).with("padding", padding)
    }

    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        config.only(&["window", "stride", "padding"])?;
        let mut pooling = Self::new(Extent::read(config, "window")?);
        pooling.window.stride = Extent::read(config, "stride")?;
        pooling.window.padding = Padding::read(config)?;
        Ok(pooling)
    }

    pub fn plan(&self, input: Shape) -> Result<Plan, ShapeError> {
        let geometry = self.geometry(input)?;
        let output = Shape::image(geometry.output[0], geometry.output[1], geometry.channels).checked()?;
        let [rows, columns] = geometry.window;
        Ok(Plan::new(output).work_per_sample(output.elements().saturating_mul(rows.saturating_mul(columns))))
    }

    pub fn geometry(&self, input: Shape) -> Result<Geometry, ShapeError> {
        let [height, width, channels] = input.checked()?.as_image()?;
        let positions = self.window.over([height, width])?;
        Ok(Geometry {
            input: [height, width],
            channels,
            window: self.window.size.pair(),
            stride: positions.stride,
            padding: positions.before,
            output: positions.count,
        })
    }
}
