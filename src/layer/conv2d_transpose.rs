//! [`Conv2DTranspose`]: a transposed convolution over images.

use std::sync::Arc;

use super::convolution::Convolution;
use super::weights::{Tie, WEIGHT, Weights, weight_options};
use super::window::{Extent, Window};
use super::{Activation, Backward, Context, Conv2D, Forward, Layer, Mirror, Packing, Padding, Parameters, Plan};
use crate::kernel::convolution::{self as kernel, Direction, Geometry};
use crate::shape::{checked_product, checked_sum};
use crate::{Config, ConfigError, Scalar, Shape, ShapeError, invariant, option};

/// The name of this kind of layer.
const KIND: &str = "conv2d_transpose";

/// A transposed convolution: the linear map of a [`Conv2D`] from the output's size to the input's, transposed; then bias and activation. Zeiler et al. 2010, who call
/// it a deconvolution; arithmetic as in Dumoulin and Visin 2016.
///
/// y(u, v, o) = f(b(o) + Σ w(k, l, o, c)·x(i, j, c)) over all channels c and all i, j, k, l with i·stride + k − p = u, and likewise for j, l and v. With padding
/// `Same` p = ⌊max(kernel − stride, 0) / 2⌋, with `Valid` 0.
///
/// Input: height × width × channels. Output, by Keras's rules: with padding `Same` (the default here) height·stride × width·stride × filters, with
/// `Valid` height·stride + max(kernel − stride, 0) and likewise for the width.
/// The weight's shape is kernel height × kernel width × filters × channels, row-major, as Keras stores it. Initially it is Glorot-uniform, and the bias zero.
///
/// ```
/// use autoencoder::{Conv2DTranspose, Network, Shape};
///
/// let network = Network::<f32>::builder(Shape::image(7, 7, 64)).layer(Conv2DTranspose::new(32, 3).stride(2)).build()?;
/// assert_eq!(network.output_shape(), Shape::image(14, 14, 32));
/// # Ok::<(), autoencoder::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Conv2DTranspose {
    filters: usize,
    window: Window,
    weights: Weights,
    tie: Tie,
}

weight_options!(Conv2DTranspose);

impl Conv2DTranspose {
    /// `filters` linear filters of `kernel` (`3`, or `(3, 5)` for height and width), stride 1, padding `Same`.
    pub fn new(filters: usize, kernel: impl Into<Extent>) -> Self {
        Self {
            filters,
            window: Window {
                what: "kernel",
                size: kernel.into(),
                stride: 1.into(),
                dilation: 1.into(),
                padding: Padding::Same,
            },
            weights: Weights::default(),
            tie: Tie::default(),
        }
    }

    /// Ties the weight to that of the earlier layer named `layer`: a [`Conv2D`] with the same kernel, as many input channels as this layer has filters, and as many
    /// filters as this layer has input channels. With that layer's stride and padding, this layer is that convolution transposed. The weight is stored once, and both
    /// layers add to its gradient. [`mirror_tied`](crate::AutoencoderBuilder::mirror_tied) ties a whole decoder.
    #[must_use]
    pub fn tied_to(mut self, layer: impl Into<String>) -> Self {
        self.tie = Tie::to(layer);
        self
    }

    /// Sets the stride, the factor by which the image is enlarged.
    #[must_use]
    pub fn stride(mut self, stride: impl Into<Extent>) -> Self {
        self.window.stride = stride.into();
        self
    }

    /// Sets the padding.
    #[must_use]
    pub fn padding(mut self, padding: Padding) -> Self {
        self.window.padding = padding;
        self
    }

    /// Rebuilds the layer from its [`config`](Layer::config).
    ///
    /// # Errors
    /// [`ConfigError`] if an entry is missing, unknown or invalid.
    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        let names = ["filters", "kernel", "stride", "padding"];
        config.only(&[names.as_slice(), Weights::NAMES.as_slice(), &[Tie::NAME]].concat())?;
        let layer = Self::new(config.integer("filters")?, Extent::read(config, "kernel")?)
            .stride(Extent::read(config, "stride")?)
            .padding(Padding::read(config)?);
        Ok(Self { weights: Weights::read(config)?, tie: Tie::read(config)?, ..layer })
    }

    /// The convolution from the output's size to the input's, of which this layer is the transpose.
    fn geometry(&self, input: Shape) -> Result<Geometry, ShapeError> {
        let [height, width, channels] = input.checked()?.as_image()?;
        self.window.size.checked("kernel")?;
        self.window.stride.checked("stride")?;
        let along = |input: usize, kernel: usize, stride: usize| -> Result<(usize, usize), ShapeError> {
            let grown = checked_product("rows of a transposed convolution", &[input, stride])?;
            let overhang = kernel.saturating_sub(stride);
            match self.window.padding {
                Padding::Same => Ok((grown, overhang / 2)),
                Padding::Valid => Ok((checked_sum("rows of a transposed convolution", &[grown, overhang])?, 0)),
            }
        };
        let rows = along(height, self.window.size.height, self.window.stride.height)?;
        let columns = along(width, self.window.size.width, self.window.stride.width)?;
        Ok(Geometry {
            input: [rows.0, columns.0],
            channels: self.filters,
            filters: channels,
            kernel: self.window.size.pair(),
            stride: self.window.stride.pair(),
            dilation: [1, 1],
            padding: [rows.1, columns.1],
            output: [height, width],
        })
    }

    fn convolution<'a>(&'a self, geometry: &'a Geometry) -> Convolution<'a> {
        Convolution { geometry, direction: Direction::Transposed, weights: &self.weights }
    }
}

impl<T: Scalar> Layer<T> for Conv2DTranspose {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn config(&self) -> Config {
        self.tie.write(
            self.weights.write(
                Config::new()
                    .with("filters", self.filters)
                    .with("kernel", self.window.size)
                    .with("stride", self.window.stride)
                    .with("padding", self.window.padding),
            ),
        )
    }

    fn plan(&self, input: Shape) -> Result<Plan, ShapeError> {
        option::at_least_one("filters", self.filters)?;
        let geometry = self.geometry(input)?;
        let ([height, width], [small_height, small_width]) = (geometry.input, geometry.output);
        let output = Shape::image(height, width, self.filters).checked()?;
        let shape = [geometry.kernel[0], geometry.kernel[1], geometry.channels, geometry.filters];
        let count = checked_product("weights of a convolution", &shape)?;
        let plan = self.weights.plan(output, self.tie.weight(self.weights.weight(&shape)))?;
        Ok(plan
            .packed(kernel::packed_len::<T>(&geometry, Direction::Transposed))
            .packed_backward(kernel::packed_len::<T>(&geometry, Direction::Forward))
            .scratch(kernel::scratch_len::<T>(&geometry))
            .work_per_sample(count.saturating_mul(small_height * small_width)))
    }

    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        let geometry = invariant::checked(self.geometry(context.input_shape), KIND);
        self.convolution(&geometry).forward(context, pass);
    }

    fn backward(&self, context: &Context<'_, T>, pass: Backward<'_, T>) {
        let geometry = invariant::checked(self.geometry(context.input_shape), KIND);
        self.convolution(&geometry).backward(context, pass);
    }

    fn packing(&self) -> Option<&dyn Packing<T>> {
        Some(self)
    }

    fn mirror(&self) -> Option<&dyn Mirror<T>> {
        Some(self)
    }
}

impl<T: Scalar> Packing<T> for Conv2DTranspose {
    fn pack(&self, input_shape: Shape, parameters: Parameters<'_, T>, packed: &mut [T]) {
        let geometry = invariant::checked(self.geometry(input_shape), KIND);
        kernel::pack(&geometry, Direction::Transposed, parameters.of(WEIGHT), packed);
    }

    fn pack_backward(
        &self,
        input_shape: Shape,
        parameters: Parameters<'_, T>,
        _packed: &[T],
        packed_backward: &mut [T],
    ) {
        let geometry = invariant::checked(self.geometry(input_shape), KIND);
        kernel::pack(&geometry, Direction::Forward, parameters.of(WEIGHT), packed_backward);
    }
}

impl<T: Scalar> Mirror<T> for Conv2DTranspose {
    fn mirrored(&self, input: Shape, activation: Activation) -> Option<Vec<Arc<dyn Layer<T>>>> {
        let [_, _, channels] = input.as_image().ok()?;
        let back = Conv2D::new(channels, self.window.size)
            .stride(self.window.stride)
            .padding(self.window.padding)
            .weights(self.weights.clone())
            .activation(activation);
        Some(vec![Arc::new(back)])
    }
}
