//! [`Shape`]: the dimensions of one sample. The only place where sizes are multiplied.

use std::fmt;

use thiserror::Error;

use crate::invariant;
use crate::option::OptionError;

/// The most elements that one buffer may have: parameters, a sample, a batch of activations.
///
/// 2³¹ elements are 8 GiB of `f32`. A larger size comes from a typing error or a damaged file, and
/// gives an error rather than an attempt to allocate it.
pub const MAX_ELEMENTS: usize = 1 << 31;

/// The most dimensions a shape may have.
pub const MAX_RANK: usize = 4;

/// The dimensions of one sample; the last one varies fastest in memory.
///
/// A shape is a plain value that can hold anything; building a model checks it.
///
/// ```
/// use autoencoder::Shape;
///
/// let image = Shape::image(28, 28, 1);
/// assert_eq!(image.elements(), 784);
/// assert_eq!(image.to_string(), "28 x 28 x 1");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    dimensions: [usize; MAX_RANK],
    rank: usize,
}

impl Shape {
    /// A vector of `features` numbers.
    pub const fn flat(features: usize) -> Self {
        Self { dimensions: [features, 1, 1, 1], rank: 1 }
    }

    /// A sequence of `steps` time steps with `features` numbers each.
    pub const fn sequence(steps: usize, features: usize) -> Self {
        Self { dimensions: [steps, features, 1, 1], rank: 2 }
    }

    /// An image of `height` rows, `width` columns and `channels` numbers per pixel, channels
    /// fastest (Keras's `channels_last`).
    pub const fn image(height: usize, width: usize, channels: usize) -> Self {
        Self { dimensions: [height, width, channels, 1], rank: 3 }
    }

    /// A shape of 1 to [`MAX_RANK`] dimensions.
    ///
    /// # Errors
    /// [`ShapeError::Rank`] for none or too many.
    pub fn new(dimensions: &[usize]) -> Result<Self, ShapeError> {
        let rank = dimensions.len();
        if rank == 0 || rank > MAX_RANK {
            return Err(ShapeError::Rank { rank });
        }
        let mut all = [1; MAX_RANK];
        for (slot, dimension) in all.iter_mut().zip(dimensions) {
            *slot = *dimension;
        }
        Ok(Self { dimensions: all, rank })
    }

    /// The dimensions, slowest first.
    pub fn dimensions(&self) -> &[usize] {
        invariant::slice(&self.dimensions, &(0..self.rank), "dimensions", "a shape")
    }

    /// The number of elements; `usize::MAX` if the product overflows.
    pub fn elements(&self) -> usize {
        self.dimensions.iter().fold(1, |product, d| product.saturating_mul(*d))
    }

    /// The size of the last dimension: the channels of an image, the features of a flat shape.
    pub fn channels(&self) -> usize {
        self.dimensions().last().copied().unwrap_or(0)
    }

    /// How many values a channel has in `samples` samples together, at least 1.
    pub(crate) fn values_per_channel(&self, samples: usize) -> f64 {
        ((self.elements() / self.channels().max(1)) as f64 * samples as f64).max(1.0)
    }

    /// The height, width and channels of an image.
    ///
    /// # Errors
    /// [`ShapeError::NotAnImage`] for any other shape.
    pub fn as_image(&self) -> Result<[usize; 3], ShapeError> {
        match self.dimensions() {
            &[height, width, channels] => Ok([height, width, channels]),
            _ => Err(ShapeError::NotAnImage { shape: *self }),
        }
    }

    /// The shape itself, if it has at least one element and at most [`MAX_ELEMENTS`].
    ///
    /// # Errors
    /// [`ShapeError::Empty`] or [`ShapeError::TooLarge`].
    pub fn checked(self) -> Result<Self, ShapeError> {
        checked_product("elements of a sample", self.dimensions())?;
        match self.elements() {
            0 => Err(ShapeError::Empty { shape: self }),
            _ => Ok(self),
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, dimension) in self.dimensions().iter().enumerate() {
            if index > 0 {
                formatter.write_str(" x ")?;
            }
            write!(formatter, "{dimension}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Shape {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Shape({self})")
    }
}

/// The product of `factors`, if it is at most [`MAX_ELEMENTS`]; `what` names it in the error.
///
/// # Errors
/// [`ShapeError::TooLarge`].
pub fn checked_product(what: &'static str, factors: &[usize]) -> Result<usize, ShapeError> {
    factors
        .iter()
        .try_fold(1_usize, |product, factor| product.checked_mul(*factor))
        .filter(|product| *product <= MAX_ELEMENTS)
        .ok_or(ShapeError::TooLarge { what })
}

/// The sum of `terms`, if it is at most [`MAX_ELEMENTS`]; `what` names it in the error.
///
/// # Errors
/// [`ShapeError::TooLarge`].
pub fn checked_sum(what: &'static str, terms: &[usize]) -> Result<usize, ShapeError> {
    terms
        .iter()
        .try_fold(0_usize, |sum, term| sum.checked_add(*term))
        .filter(|sum| *sum <= MAX_ELEMENTS)
        .ok_or(ShapeError::TooLarge { what })
}

/// Why a layer cannot take an input of some shape.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// A dimension is zero.
    #[error("the shape {shape} has no elements; every dimension must be at least 1")]
    Empty {
        /// The shape.
        shape: Shape,
    },
    /// A size exceeds [`MAX_ELEMENTS`].
    #[error("the number of {what} passes the limit of {MAX_ELEMENTS} elements; choose smaller sizes")]
    TooLarge {
        /// What was counted.
        what: &'static str,
    },
    /// No dimensions, or more than [`MAX_RANK`].
    #[error("a shape has 1 to {MAX_RANK} dimensions, not {rank}; make one of several by multiplying them")]
    Rank {
        /// The number of dimensions given.
        rank: usize,
    },
    /// A layer over images was given something else.
    #[error(
        "expected an image (height x width x channels), found the shape {shape}; a `Reshape` before it can make one"
    )]
    NotAnImage {
        /// The shape found.
        shape: Shape,
    },
    /// A kernel or window is larger than the input, and there is no padding.
    #[error(
        "a {what} of {size} does not fit into an input of {input} along the {axis}; use a smaller one or `same` padding"
    )]
    WindowTooLarge {
        /// "kernel" or "window".
        what: &'static str,
        /// Its extent, dilation included.
        size: usize,
        /// The extent of the input.
        input: usize,
        /// "height" or "width".
        axis: &'static str,
    },
    /// A reshape to a different number of elements.
    #[error(
        "cannot reshape {from} ({} elements) to {to} ({} elements); choose sizes with the product {}",
        from.elements(),
        to.elements(),
        from.elements()
    )]
    Reshape {
        /// The shape given.
        from: Shape,
        /// The shape requested.
        to: Shape,
    },
    /// A crop that leaves nothing of the input.
    #[error("cropping {crop} from an input of {input} along the {axis} leaves nothing; crop less than {input}")]
    Crop {
        /// Elements cropped from both sides together.
        crop: usize,
        /// The extent of the input.
        input: usize,
        /// "height" or "width".
        axis: &'static str,
    },
    /// A layer that works on several values joins none.
    #[error("it joins no other value; name one, as `with(\"encoder.0\")` does")]
    JoinsNothing,
    /// A value that the layer joins does not fit its input.
    #[error(
        "it joins a value of shape {found} to one of {input}; {expected}: let layers before it make them so, a convolution of \
         1 x 1 or a dense layer for instance"
    )]
    Joined {
        /// The shape of the layer's input.
        input: Shape,
        /// The shape of the value that it joins.
        found: Shape,
        /// What it takes.
        expected: &'static str,
    },
    /// An option of the layer has a value outside its range; in a plan, what
    /// [`OptionError::require`] and `?` give.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// The layer cannot take the shape, for a reason of its own.
    #[error("the layer takes {expected}, found the shape {shape}; change the layer before it, or the model's input")]
    Unsuitable {
        /// What the layer takes.
        expected: &'static str,
        /// The shape found.
        shape: Shape,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_that_overflows_is_an_error_and_not_a_wrap() {
        let huge = Shape::image(usize::MAX, 2, 3);
        assert_eq!(huge.elements(), usize::MAX);
        assert!(matches!(huge.checked(), Err(ShapeError::TooLarge { .. })));
        assert!(matches!(Shape::image(4, 0, 3).checked(), Err(ShapeError::Empty { .. })));
        assert!(Shape::flat(MAX_ELEMENTS).checked().is_ok());
        assert!(Shape::flat(MAX_ELEMENTS + 1).checked().is_err());
    }

    #[test]
    fn rank_is_bounded() {
        assert_eq!(Shape::new(&[]), Err(ShapeError::Rank { rank: 0 }));
        assert_eq!(Shape::new(&[1; 5]), Err(ShapeError::Rank { rank: 5 }));
        assert_eq!(Shape::new(&[2, 3]), Ok(Shape::sequence(2, 3)));
    }
}
