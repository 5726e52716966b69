//! [`Conv2DTranspose`]: a transposed convolution over images.

use std::sync::Arc;

use super::convolution::Convolution;
use super::weights::{Tie, WEIGHT, Weights, weight_options};
use super::window::{Extent, Window};
use super::{Backward, Context, Conv2D, Forward, Layer, Mirror, MirrorOutput, Packing, Padding, Parameters, Plan};
use crate::kernel::convolution::{Direction, Geometry};
use crate::shape::{checked_product, checked_sum};
use crate::{Config, ConfigError, OptionError, Scalar, Shape, ShapeError, invariant, option};

/// The name of an option, in files too.
const OUTPUT_PADDING: &str = "output_padding";

/// The name of this kind of layer.
const KIND: &str = "conv2d_transpose";

/// A transposed convolution: the linear map of a [`Conv2D`] from the output's size to the input's,
/// transposed; then bias and activation. Zeiler et al. 2010, who call it a deconvolution;
/// arithmetic as in Dumoulin and Visin 2016.
///
/// y(u, v, o) = f(b(o) + Σ w(k, l, o, c)·x(i, j, c)) over all channels c and all i, j, k, l with
/// i·stride + k − p = u, and likewise for j, l and v. With padding `Same` p = ⌊max(kernel − stride,
/// 0) / 2⌋, with `Valid` 0.
///
/// Input: height × width × channels. Output, by Keras's rules: with padding `Same` (the default
/// here) height·stride × width·stride × filters, with `Valid` height·stride + max(kernel − stride,
/// 0) and likewise for the width, unless [`output_padding`](Self::output_padding) says otherwise.
/// The weight's shape is kernel height × kernel width × filters × channels, row-major, as Keras
/// stores it. Initially it is Glorot-uniform, and the bias zero.
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
    output_padding: Option<Extent>,
    weights: Weights,
    tie: Tie,
}

weight_options!(Conv2DTranspose);

impl Conv2DTranspose {
    /// `filters` linear filters of `kernel` (`3`, or `(3, 5)` for height and width), stride 1,
    /// padding `Same`.
    pub fn new(filters: usize, kernel: impl Into<Extent>) -> Self {
        Self {
            filters,
            window: Window::new("kernel", kernel.into()),
            output_padding: None,
            weights: Weights::default(),
            tie: Tie::default(),
        }
    }

    /// Ties the weight to that of the earlier layer named `layer`: a [`Conv2D`] with the same
    /// kernel, as many input channels as this layer has filters, and as many filters as this
    /// layer has input channels. With that layer's stride and padding, this layer is that
    /// convolution transposed. The weight is stored once, and both layers add to its gradient.
    /// [`mirror_tied`](crate::AutoencoderBuilder::mirror_tied) ties a whole decoder.
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

    /// Chooses between the image sizes that the convolution of which this layer is the transpose
    /// would bring to the input's size, as Keras's `output_padding` does: the output has (n −
    /// 1)·stride + kernel − 2p + `rows_and_columns` rows, with p = ⌊kernel / 2⌋ for padding
    /// `Same` and 0 for `Valid`; from 0 to below the stride. Rows and columns that no pixel
    /// reaches get the bias and the activation.
    ///
    /// ```
    /// use autoencoder::{Conv2DTranspose, Network, Padding, Shape};
    ///
    /// let layer = Conv2DTranspose::new(1, 3).stride(2).padding(Padding::Valid);
    /// for (padding, size) in [(0, 7), (1, 8)] {
    ///     let builder = Network::<f32>::builder(Shape::image(3, 3, 4)).layer(layer.clone().output_padding(padding));
    ///     assert_eq!(builder.build()?.output_shape(), Shape::image(size, size, 1));
    /// }
    /// # Ok::<(), autoencoder::Error>(())
    /// ```
    #[must_use]
    pub fn output_padding(mut self, rows_and_columns: impl Into<Extent>) -> Self {
        self.output_padding = Some(rows_and_columns.into());
        self
    }

    /// With the output padding that brings images of shape `input` to `size`, if one does and it
    /// takes one.
    pub(super) fn giving(self, size: [usize; 2], input: Shape) -> Self {
        let output = |layer: &Self| layer.geometry(input).ok().map(|geometry| geometry.input);
        if output(&self) == Some(size) || self.window.padding == Padding::Same {
            return self; // `Same` is never too small
        }
        let missing = |least: usize, size: usize| size.checked_sub(least);
        let least = output(&self.clone().output_padding(0));
        let padding = least.and_then(|[rows, columns]| Some((missing(rows, size[0])?, missing(columns, size[1])?)));
        match padding.map(|padding| self.clone().output_padding(padding)) {
            Some(padded) if output(&padded) == Some(size) => padded,
            _ => self,
        }
    }

    /// Rebuilds the layer from its [`config`](Layer::config).
    ///
    /// # Errors
    /// [`ConfigError`] if an entry is missing, unknown or invalid.
    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        let names = ["filters", "kernel", "stride", "padding", OUTPUT_PADDING];
        config.only(&[names.as_slice(), Weights::NAMES.as_slice(), &[Tie::NAME]].concat())?;
        let output_padding = config.find(OUTPUT_PADDING).map(|_| Extent::read(config, OUTPUT_PADDING)).transpose()?;
        let layer = Self::new(config.integer("filters")?, Extent::read(config, "kernel")?)
            .stride(Extent::read(config, "stride")?)
            .padding(Padding::read(config)?);
        Ok(Self { output_padding, weights: Weights::read(config)?, tie: Tie::read(config)?, ..layer })
    }

    /// The convolution from the output's size to the input's, of which this layer is the transpose.
    fn geometry(&self, input: Shape) -> Result<Geometry, ShapeError> {
        let [height, width, channels] = input.checked()?.as_image()?;
        self.window.size.checked("kernel")?;
        self.window.stride.checked("stride")?;
        let (kernel, stride, padding) = (self.window.size, self.window.stride, self.output_padding);
        let rows = self.along(height, kernel.height, stride.height, padding.map(|padding| padding.height))?;
        let columns = self.along(width, kernel.width, stride.width, padding.map(|padding| padding.width))?;
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

    /// The output's extent along an axis, and the padding before its first pixel.
    fn along(
        &self,
        input: usize,
        kernel: usize,
        stride: usize,
        output_padding: Option<usize>,
    ) -> Result<(usize, usize), ShapeError> {
        let what = "rows of a transposed convolution";
        let grown = checked_product(what, &[input, stride])?;
        let reached = checked_sum(what, &[grown - stride, kernel])?;
        let output = match (output_padding, self.window.padding) {
            (None, Padding::Same) => grown,
            (None, Padding::Valid) => reached.max(grown),
            (Some(padding), rule) => {
                let cut = if rule == Padding::Same { kernel / 2 * 2 } else { 0 };
                // An even kernel with `Same` would leave the last row out.
                let least = usize::from(rule == Padding::Same && kernel.is_multiple_of(2));
                let accepted = (least..stride).contains(&padding);
                let expected = "from 0 (1 for an even kernel with `Same`) to below the stride";
                OptionError::require(accepted, OUTPUT_PADDING, padding as f64, expected)?;
                checked_sum(what, &[reached - cut.min(reached), padding])?
            }
        };
        let before = if self.window.padding == Padding::Same { reached.saturating_sub(output) / 2 } else { 0 };
        Ok((output, before))
    }

    fn convolution(&self, input: Shape) -> Result<Convolution<'_>, ShapeError> {
        let geometry = self.geometry(input)?;
        Ok(Convolution { geometry, direction: Direction::Transposed, weights: &self.weights })
    }

    /// The convolution of samples of a shape that was planned for.
    fn planned(&self, input: Shape) -> Convolution<'_> {
        invariant::checked(self.convolution(input), KIND)
    }
}

impl<T: Scalar> Layer<T> for Conv2DTranspose {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn config(&self) -> Config {
        let config = Config::new()
            .with("filters", self.filters)
            .with("kernel", self.window.size)
            .with("stride", self.window.stride)
            .with("padding", self.window.padding);
        let config = match self.output_padding {
            Some(padding) => config.with(OUTPUT_PADDING, padding),
            None => config,
        };
        self.tie.write(self.weights.write(config))
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        option::at_least_one("filters", self.filters)?;
        let convolution = self.convolution(input)?;
        convolution.plan::<T>(self.tie.weight(convolution.weight()))
    }

    #[inline(never)] // see `compiled.rs`
    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>) {
        self.planned(context.input_shape).forward(context, pass);
    }

    #[inline(never)] // see `compiled.rs`
    fn backward(&self, context: &Context<'_, T>, pass: Backward<'_, T>) {
        self.planned(context.input_shape).backward(context, pass);
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
        self.planned(input_shape).pack(parameters.of(WEIGHT), packed);
    }

    fn pack_backward(
        &self,
        input_shape: Shape,
        parameters: Parameters<'_, T>,
        _packed: &[T],
        packed_backward: &mut [T],
    ) {
        self.planned(input_shape).pack_backward(parameters.of(WEIGHT), packed_backward);
    }
}

impl<T: Scalar> Mirror<T> for Conv2DTranspose {
    fn mirrored(&self, input: Shape, output: MirrorOutput) -> Option<Vec<Arc<dyn Layer<T>>>> {
        let [_, _, channels] = input.as_image().ok()?;
        let back = Conv2D::new(channels, self.window.size)
            .stride(self.window.stride)
            .padding(self.window.padding)
            .weights(self.weights.mirrored(output));
        Some(vec![Arc::new(back)])
    }
}
