//! [`Dense`]: a fully connected layer.

use std::sync::Arc;

use super::weights::{BIAS, Tie, WEIGHT, Weights, weight_options};
use super::{
    Activation, Backward, Context, DeferredGradient, DeferredRows, Forward, Layer, Mirror, MirrorOutput, Packing,
    Parameters, Plan, Reshape,
};
use crate::kernel::product::{self, Affine, Segments, Unpacked};
use crate::parallel::{self, Splittable};
use crate::shape::checked_product;
use crate::{Config, ConfigError, Scalar, Shape, ShapeError, option};

/// A fully connected layer: y = f(Wᵀx + b), with W of shape in × units (row-major, as Keras stores
/// it) and b of units.
///
/// Input: any shape, flattened; output: `units` features. Initially W is Glorot-uniform and b zero,
/// as in Keras's `Dense`.
///
/// ```
/// use autoencoder::{Activation, Dense, Network, Shape};
///
/// let network = Network::<f32>::builder(Shape::flat(3)).layer(Dense::new(2).activation(Activation::Relu)).build()?;
/// assert_eq!(network.parameter_count(), 3 * 2 + 2);
/// # Ok::<(), autoencoder::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Dense {
    units: usize,
    weights: Weights,
    tie: Tie,
}

weight_options!(Dense);

impl Dense {
    /// `units` linear units.
    pub fn new(units: usize) -> Self {
        Self { units, weights: Weights::default(), tie: Tie::default() }
    }

    /// Ties the weight to that of the earlier layer named `layer`, a [`Dense`], transposed: y = f(W
    /// x + b) with W of shape units × in. The weight is stored once, and both layers add to its
    /// gradient. [`mirror_tied`](crate::AutoencoderBuilder::mirror_tied) ties a whole decoder.
    ///
    /// ```
    /// use autoencoder::{Activation, Autoencoder, Dense, Shape};
    ///
    /// let model = Autoencoder::<f32>::builder(Shape::flat(784))
    ///     .encoder(Dense::new(32).activation(Activation::Relu))
    ///     .decoder(Dense::new(784).activation(Activation::Sigmoid).tied_to("encoder.0"))
    ///     .build()?;
    /// assert_eq!(model.network().parameter_count(), 784 * 32 + 32 + 784);
    /// # Ok::<(), autoencoder::Error>(())
    /// ```
    #[must_use]
    pub fn tied_to(mut self, layer: impl Into<String>) -> Self {
        self.tie = Tie::to(layer);
        self
    }

    /// Rebuilds the layer from its [`config`](Layer::config).
    ///
    /// # Errors
    /// [`ConfigError`] if an entry is missing, unknown or invalid.
    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        config.only(&[&["units"], Weights::NAMES.as_slice(), &[Tie::NAME]].concat())?;
        Ok(Self { units: config.integer("units")?, weights: Weights::read(config)?, tie: Tie::read(config)? })
    }
}

impl<T: Scalar> Layer<T> for Dense {
    fn kind(&self) -> &'static str {
        "dense"
    }

    fn config(&self) -> Config {
        self.tie.write(self.weights.write(Config::new().with("units", self.units)))
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        option::at_least_one("units", self.units)?;
        let inputs = input.checked()?.elements();
        let work = checked_product("weights of a dense layer", &[inputs, self.units])?;
        let shape = if self.tie.is_tied() { [self.units, inputs] } else { [inputs, self.units] };
        let weight = self.tie.weight(self.weights.weight(&shape));
        Ok(self
            .weights
            .plan(Shape::flat(self.units), weight)?
            .packed(product::packed_len::<T>(inputs, self.units))
            .packed_backward(product::packed_len::<T>(self.units, inputs))
            .work_per_sample(work))
    }

    #[inline(never)] // see `compiled.rs`
    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        let depth = context.input_shape.elements();
        product::affine(Affine {
            samples: context.samples,
            depth,
            columns: self.units,
            inputs: pass.input,
            packed: context.packed,
            bias: self.weights.bias(context.parameters),
            outputs: pass.output,
            relu: context.activation == Activation::Relu,
        });
        if context.activation != Activation::Relu {
            context.activation.forward(self.units, pass.output, pass.cache);
        }
    }

    #[inline(never)] // see `compiled.rs`
    fn backward(&self, context: &Context<'_, T>, mut pass: Backward<'_, T>) {
        context.activation.backward(self.units, pass.output, pass.cache, pass.output_gradient);
        if self.weights.bias {
            product::column_sums(pass.output_gradient, self.units, pass.gradients.of(BIAS));
        }
        let weight_gradient = pass.gradients.of(WEIGHT);
        if !weight_gradient.is_empty() {
            let inputs = context.input_shape.elements(); // it is not deferred
            self.add_rows(DeferredRows {
                input: Segments::contiguous(pass.input, inputs, context.samples),
                output_gradient: Segments::contiguous(pass.output_gradient, self.units, context.samples),
                rows: 0..if self.tie.is_tied() { self.units } else { inputs },
                gradient: weight_gradient,
            });
        }
        let Some(input_gradient) = pass.input_gradient else { return };
        let columns = context.input_shape.elements();
        product::affine(Affine {
            samples: context.samples,
            depth: self.units,
            columns,
            inputs: pass.output_gradient,
            packed: context.packed_backward,
            bias: None,
            outputs: input_gradient,
            relu: false,
        });
    }

    fn packing(&self) -> Option<&dyn Packing<T>> {
        Some(self)
    }

    fn mirror(&self) -> Option<&dyn Mirror<T>> {
        Some(self)
    }
}

impl<T: Scalar> Packing<T> for Dense {
    /// Packs W.
    fn pack(&self, input_shape: Shape, parameters: Parameters<'_, T>, packed: &mut [T]) {
        let (weight, inputs) = (parameters.of(WEIGHT), input_shape.elements());
        let matrix = match self.tie.is_tied() {
            true => Unpacked::transpose(weight, inputs, self.units),
            false => Unpacked::matrix(weight, inputs, self.units),
        };
        pack(matrix, packed);
    }

    /// Packs Wᵀ.
    fn pack_backward(
        &self,
        input_shape: Shape,
        parameters: Parameters<'_, T>,
        _packed: &[T],
        packed_backward: &mut [T],
    ) {
        let (weight, inputs) = (parameters.of(WEIGHT), input_shape.elements());
        let transpose = match self.tie.is_tied() {
            true => Unpacked::matrix(weight, self.units, inputs),
            false => Unpacked::transpose(weight, self.units, inputs),
        };
        pack(transpose, packed_backward);
    }
}

impl<T: Scalar> DeferredGradient<T> for Dense {
    fn deferred(&self) -> usize {
        WEIGHT
    }

    fn add_rows(&self, rows: DeferredRows<'_, T>) {
        let (left, right) = match self.tie.is_tied() {
            true => (rows.output_gradient, rows.input),
            false => (rows.input, rows.output_gradient),
        };
        product::outer(left, right, rows.rows, rows.gradient);
    }
}

impl<T: Scalar> Mirror<T> for Dense {
    fn mirrored(&self, input: Shape, output: MirrorOutput) -> Option<Vec<Arc<dyn Layer<T>>>> {
        let weights = self.weights.mirrored(output);
        Some(shaped(Dense { units: input.elements(), weights, tie: Tie::default() }, input))
    }

    fn mirrored_tied(&self, name: &str, input: Shape, output: MirrorOutput) -> Option<Vec<Arc<dyn Layer<T>>>> {
        let weights = self.weights.mirrored_tied(output);
        Some(shaped(Dense { units: input.elements(), weights, tie: Tie::to(name) }, input))
    }
}

/// A dense layer, its output reshaped to `output`.
fn shaped<T: Scalar>(layer: Dense, output: Shape) -> Vec<Arc<dyn Layer<T>>> {
    match output.dimensions() {
        [_] => vec![Arc::new(layer)],
        _ => vec![Arc::new(layer), Arc::new(Reshape::new(output))],
    }
}

/// Packs a matrix, on all threads if it is large enough.
fn pack<T: Scalar>(matrix: Unpacked<'_, T>, packed: &mut [T]) {
    let worth_threads = packed.len() >= MIN_PACKED_FOR_THREADS;
    parallel::run(Panels { matrix, first: 0, packed }, worth_threads);
}

/// One thread packs fewer elements than this before a second has woken up.
const MIN_PACKED_FOR_THREADS: usize = 1 << 14;

/// Some panels of a matrix.
struct Panels<'a, T: Scalar> {
    matrix: Unpacked<'a, T>,
    first: usize,
    packed: &'a mut [T],
}

impl<T: Scalar> Splittable for Panels<'_, T> {
    fn pieces(&self) -> usize {
        self.packed.len() / self.matrix.panel_len().max(1)
    }

    fn divide(self, at: usize) -> (Self, Self) {
        let (packed, others) = self.packed.split_at_mut(at * self.matrix.panel_len());
        (Self { packed, ..self }, Self { first: self.first + at, packed: others, ..self })
    }

    fn run(self) {
        self.matrix.pack(self.first, self.packed);
    }
}
