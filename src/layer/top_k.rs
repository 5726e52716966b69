//! [`TopK`]: keeps the largest activities of each sample.

use std::cmp::Ordering;
use std::sync::Arc;

use super::{Backward, Context, Forward, Layer, Mirror, MirrorOutput, Mode, Plan};
use crate::{Config, ConfigError, OptionError, Scalar, Shape, ShapeError, option};

/// Keeps the k largest values of each sample and sets the others to 0. After a linear layer this is
/// the k-sparse autoencoder of Makhzani and Frey 2013.
///
/// Input and output: any shape, the same for both; the k values are chosen from the whole sample,
/// not from each channel. Of equal values the first are kept; NaN counts as the largest, so that it
/// is not hidden. Only kept values receive a gradient. In inference α·k values are kept, with α = 1
/// by default; the paper finds a larger α slightly better for features.
///
/// ```
/// use autoencoder::{Activation, Autoencoder, Dense, Shape, TopK};
///
/// let model = Autoencoder::<f32>::builder(Shape::flat(784))
///     .encoder(Dense::new(1000))
///     .encoder(TopK::new(25).inference_factor(2.0))
///     .decoder(Dense::new(784).activation(Activation::Sigmoid))
///     .build()?;
/// # Ok::<(), autoencoder::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TopK {
    k: usize,
    inference_factor: f64,
}

impl TopK {
    /// Keeps `k` values: at least 1, at most all of a sample.
    pub fn new(k: usize) -> Self {
        Self { k, inference_factor: 1.0 }
    }

    /// Keeps α·k values in inference, with α = `factor`, at least 1; rounded.
    #[must_use]
    pub fn inference_factor(mut self, factor: f64) -> Self {
        self.inference_factor = factor;
        self
    }

    /// Rebuilds the layer from its [`config`](Layer::config).
    ///
    /// # Errors
    /// [`ConfigError`] if an entry is missing, unknown or invalid.
    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        let config = config.only(&["k", "inference_factor"])?;
        Ok(Self { k: config.integer("k")?, inference_factor: config.number("inference_factor")? })
    }

    /// How many values a pass keeps.
    fn kept(&self, mode: Mode) -> usize {
        if mode == Mode::Training { self.k } else { self.kept_in_inference() as usize }
    }

    fn kept_in_inference(&self) -> f64 {
        (self.inference_factor * self.k as f64).round()
    }
}

/// A total order, in which NaN is the largest and equal to itself.
fn order<T: Scalar>(a: &T, b: &T) -> Ordering {
    a.partial_cmp(b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// Calls `visit` with the index of each value of `sample` and whether it is among the `k` largest.
fn choose<T: Scalar>(sample: &[T], k: usize, scratch: &mut [T], mut visit: impl FnMut(usize, bool)) {
    let Some(sorted) = scratch.get_mut(..sample.len()).filter(|sorted| k > 0 && k <= sorted.len()) else { return };
    sorted.copy_from_slice(sample);
    let (larger, least, _) = sorted.select_nth_unstable_by(k - 1, |a, b| order(b, a));
    let least = *least;
    let mut equals = k - larger.iter().filter(|value| order(*value, &least).is_gt()).count();
    for (index, value) in sample.iter().enumerate() {
        let compared = order(value, &least);
        let tie = compared.is_eq() && equals > 0;
        equals -= usize::from(tie);
        visit(index, compared.is_gt() || tie);
    }
}

impl<T: Scalar> Layer<T> for TopK {
    fn kind(&self) -> &'static str {
        "top_k"
    }

    fn config(&self) -> Config {
        Config::new().with("k", self.k).with("inference_factor", self.inference_factor)
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        option::at_least_one("k", self.k)?;
        let accepted = self.k <= input.elements();
        OptionError::require(accepted, "k", self.k as f64, "at most the number of values of a sample")?;
        let factor = self.inference_factor;
        let accepted = factor >= 1.0 && self.kept_in_inference() <= input.elements() as f64;
        let expected = "at least 1, and k times it at most the number of values of a sample";
        OptionError::require(accepted, "inference_factor", factor, expected)?;
        Ok(Plan::new(input).scratch(input.elements()))
    }

    #[inline(never)] // see `compiled.rs`
    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        let kept = self.kept(context.mode);
        let elements = context.input_shape.elements();
        pass.output.fill(T::zero());
        for (input, output) in pass.input.chunks_exact(elements).zip(pass.output.chunks_exact_mut(elements)) {
            choose(input, kept, pass.scratch, |index, kept| copy_if(kept, index, input, output));
        }
    }

    #[inline(never)] // see `compiled.rs`
    fn backward(&self, context: &Context<'_, T>, pass: Backward<'_, T>) {
        let Some(input_gradient) = pass.input_gradient else { return };
        let elements = context.input_shape.elements();
        let kept = self.kept(context.mode);
        input_gradient.fill(T::zero());
        let samples = pass.input.chunks_exact(elements).zip(pass.output_gradient.chunks_exact(elements));
        for ((input, gradient), to) in samples.zip(input_gradient.chunks_exact_mut(elements)) {
            choose(input, kept, pass.scratch, |index, kept| copy_if(kept, index, gradient, to));
        }
    }

    fn mirror(&self) -> Option<&dyn Mirror<T>> {
        Some(self)
    }
}

impl<T: Scalar> Mirror<T> for TopK {
    /// Empty: a decoder does not need it.
    fn mirrored(&self, _input: Shape, _output: MirrorOutput) -> Option<Vec<Arc<dyn Layer<T>>>> {
        Some(Vec::new())
    }
}

fn copy_if<T: Copy>(kept: bool, index: usize, from: &[T], to: &mut [T]) {
    if let (true, Some(to), Some(from)) = (kept, to.get_mut(index), from.get(index)) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(sample: &[f64], k: usize) -> Vec<usize> {
        let (mut scratch, mut chosen) = (vec![0.0; sample.len()], Vec::new());
        choose(sample, k, &mut scratch, |index, kept| chosen.extend(kept.then_some(index)));
        chosen
    }

    #[test]
    fn the_largest_are_kept_and_the_first_of_equal_ones() {
        assert_eq!(chosen(&[1.0, 3.0, 2.0, 3.0], 2), [1, 3]);
        assert_eq!(chosen(&[2.0, 3.0, 2.0, 2.0], 2), [0, 1]);
        assert_eq!(chosen(&[0.0, -0.0], 1), [0]);
    }

    #[test]
    fn what_is_not_a_number_is_not_hidden() {
        let nan = f64::NAN;
        assert_eq!(chosen(&[5.0, nan, f64::INFINITY, 1.0], 1), [1]);
        assert_eq!(chosen(&[5.0, nan, 7.0, 1.0, nan], 3), [1, 2, 4]);
        assert_eq!(chosen(&[nan; 4], 2), [0, 1]);
    }
}
