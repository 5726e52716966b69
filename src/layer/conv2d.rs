//! [`Conv2D`]: a convolution over images.

use std::sync::Arc;

use super::convolution::Convolution;
use super::repeated_conv2d::RepeatedConv2D;
use super::weights::{WEIGHT, Weights, weight_options};
use super::window::{Extent, Window};
use super::{
    Backward, Context, Conv2DTranspose, Forward, Layer, Mirror, MirrorOutput, Packing, Padding, Parameters, Plan,
    border,
};
use crate::kernel::convolution::{Direction, Geometry, Repetition};
use crate::{Config, ConfigError, Scalar, Shape, ShapeError, invariant, option};

/// The name of this kind of layer.
const KIND: &str = "conv2d";

/// A convolution (a cross-correlation, as in every framework); LeCun et al. 1989.
///
/// y(u, v, o) = f(b(o) + Σ w(k, l, c, o)·x(u·stride + k·dilation − p, v·stride + l·dilation − q,
/// c)) over the kernel's k, l and the channels c; x is 0 beyond the image. p and q are the rows
/// above and the columns to the left that [`Padding`] adds.
///
/// Input: height × width × channels; output: height' × width' × filters, by Keras's rules for
/// [`Padding`]. The weight's shape is kernel height × kernel width × channels × filters, row-major,
/// as Keras stores it. Initially it is Glorot-uniform, and the bias zero.
///
/// Unlike in Keras, the default padding is `Same`, which is what autoencoders use.
///
/// ```
/// use autoencoder::{Activation, Conv2D, Network, Shape};
///
/// let convolution = Conv2D::new(32, 3).stride(2).activation(Activation::Relu);
/// let network = Network::<f32>::builder(Shape::image(28, 28, 1)).layer(convolution).build()?;
/// assert_eq!(network.output_shape(), Shape::image(14, 14, 32));
/// assert_eq!(network.parameter_count(), 3 * 3 * 1 * 32 + 32);
/// # Ok::<(), autoencoder::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Conv2D {
    filters: usize,
    window: Window,
    weights: Weights,
}

weight_options!(Conv2D);

impl Conv2D {
    /// `filters` linear filters of `kernel` (`3`, or `(3, 5)` for height and width), stride 1,
    /// padding `Same`.
    pub fn new(filters: usize, kernel: impl Into<Extent>) -> Self {
        Self { filters, window: Window::new("kernel", kernel.into()), weights: Weights::default() }
    }

    /// Moves the kernel by `stride` pixels.
    #[must_use]
    pub fn stride(mut self, stride: impl Into<Extent>) -> Self {
        self.window.stride = stride.into();
        self
    }

    /// Spreads the kernel's elements `dilation` pixels apart.
    #[must_use]
    pub fn dilation(mut self, dilation: impl Into<Extent>) -> Self {
        self.window.dilation = dilation.into();
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
        let names = ["filters", "kernel", "stride", "dilation", "padding"];
        config.only(&[names.as_slice(), Weights::NAMES.as_slice()].concat())?;
        let layer = Self::new(config.integer("filters")?, Extent::read(config, "kernel")?)
            .stride(Extent::read(config, "stride")?)
            .dilation(Extent::read(config, "dilation")?)
            .padding(Padding::read(config)?);
        Ok(Self { weights: Weights::read(config)?, ..layer })
    }

    fn geometry(&self, input: Shape) -> Result<Geometry, ShapeError> {
        let [height, width, channels] = input.checked()?.as_image()?;
        let positions = self.window.over([height, width])?;
        Ok(Geometry {
            input: [height, width],
            channels,
            filters: self.filters,
            kernel: self.window.size.pair(),
            stride: positions.stride,
            dilation: self.window.dilation.pair(),
            padding: positions.before,
            output: positions.count,
        })
    }

    fn convolution(&self, input: Shape) -> Result<Convolution<'_>, ShapeError> {
        let geometry = self.geometry(input)?;
        Ok(Convolution { geometry, direction: Direction::Forward, weights: &self.weights })
    }

    /// The convolution of samples of a shape that was planned for.
    fn planned(&self, input: Shape) -> Convolution<'_> {
        invariant::checked(self.convolution(input), KIND)
    }
}

impl Conv2D {
    /// This convolution of an image of shape `image` whose pixels are repeated `times` down and
    /// across, computed from the small image. `None` if that takes no fewer multiplications.
    pub(super) fn after_up_sampling(&self, image: Shape, times: [usize; 2]) -> Option<RepeatedConv2D> {
        let [height, width, channels] = image.checked().ok()?.as_image().ok()?;
        let large =
            Shape::image(height.checked_mul(times[0])?, width.checked_mul(times[1])?, channels).checked().ok()?;
        let large = self.convolution(large).ok()?;
        let repetition = Repetition::new(large.geometry, times)?;
        let (geometry, weights) = (repetition.geometry(), self.weights.clone());
        Some(RepeatedConv2D { repetition, geometry, weights, weight: large.weight() })
    }

    /// The transposed convolution back to `channels` channels.
    fn back(&self, channels: usize, weights: Weights) -> Conv2DTranspose {
        Conv2DTranspose::new(channels, self.window.size)
            .stride(self.window.stride)
            .padding(self.window.padding)
            .weights(weights)
    }

    /// `back` to the size of `input`, and a crop if its output is larger. `None` for dilated
    /// kernels.
    fn transposed<T: Scalar>(&self, input: Shape, back: Conv2DTranspose) -> Option<Vec<Arc<dyn Layer<T>>>> {
        let [height, width, _] = input.as_image().ok()?;
        if self.window.dilation != Extent::from(1) {
            return None;
        }
        let output = self.geometry(input).ok()?.output;
        let small = Shape::image(output[0], output[1], self.filters);
        border::brought_to([height, width], back.giving([height, width], small), small)
    }
}

impl<T: Scalar> Layer<T> for Conv2D {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn config(&self) -> Config {
        self.weights.write(
            Config::new()
                .with("filters", self.filters)
                .with("kernel", self.window.size)
                .with("stride", self.window.stride)
                .with("dilation", self.window.dilation)
                .with("padding", self.window.padding),
        )
    }

    fn plan(&self, input: Shape, _joined: &[Shape]) -> Result<Plan, ShapeError> {
        option::at_least_one("filters", self.filters)?;
        let convolution = self.convolution(input)?;
        convolution.plan::<T>(convolution.weight())
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

impl<T: Scalar> Packing<T> for Conv2D {
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

impl<T: Scalar> Mirror<T> for Conv2D {
    /// A convolution if the image keeps its size, else a transposed convolution, with a crop if its
    /// output is too large.
    fn mirrored(&self, input: Shape, output: MirrorOutput) -> Option<Vec<Arc<dyn Layer<T>>>> {
        let [height, width, channels] = input.as_image().ok()?;
        let weights = self.weights.mirrored(output);
        if self.geometry(input).ok()?.output == [height, width] {
            return Some(vec![Arc::new(Conv2D { filters: channels, weights, ..self.clone() })]);
        }
        self.transposed(input, self.back(channels, weights))
    }

    fn mirrored_tied(&self, name: &str, input: Shape, output: MirrorOutput) -> Option<Vec<Arc<dyn Layer<T>>>> {
        let weights = self.weights.mirrored_tied(output);
        self.transposed(input, self.back(input.channels(), weights).tied_to(name))
    }
}
