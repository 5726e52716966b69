//! [`Conv2DTranspose`]: a convolution that enlarges.

use std::sync::Arc;

use super::window::{Extent, Window};
use super::{Activation, Backward, Conv2D, Forward, Initializer, Layer, Padding, ParameterSpec, Plan, Prepare};
use crate::kernel::convolution::{self as kernel, Geometry};
use crate::kernel::product;
use crate::shape::{checked_product, checked_sum};
use crate::{Config, ConfigError, Scalar, Shape, ShapeError};

const WEIGHT: usize = 0;
const BIAS: usize = 1;

/// A transposed convolution: the linear map of a [`Conv2D`] from the output's size to the input's, transposed; then bias and activation.
///
/// Input: height × width × channels. Output, by Keras's rules: with padding `Same` (the default here) height·stride × width·stride × filters, with
/// `Valid` height·stride + max(kernel − stride, 0) and likewise for the width.
/// The weight's shape is kernel height × kernel width × filters × channels, row-major, as Keras stores it; it starts Glorot-uniform, the bias zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Conv2DTranspose {
    filters: usize,
    window: Window,
    activation: Activation,
    bias: bool,
    weight_initializer: Initializer,
    bias_initializer: Initializer,
}

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
            activation: Activation::Linear,
            bias: true,
            weight_initializer: Initializer::GlorotUniform,
            bias_initializer: Initializer::Zeros,
        }
    }

    /// Applies `activation` to the output.
    #[must_use]
    pub fn activation(mut self, activation: Activation) -> Self {
        self.activation = activation;
        self
    }

    /// Enlarges by `stride`.
    #[must_use]
    pub fn stride(mut self, stride: impl Into<Extent>) -> Self {
        self.window.stride = stride.into();
        self
    }

    /// Treats the rim as `padding` says.
    #[must_use]
    pub fn padding(mut self, padding: Padding) -> Self {
        self.window.padding = padding;
        self
    }

    /// Leaves out the bias.
    #[must_use]
    pub fn without_bias(mut self) -> Self {
        self.bias = false;
        self
    }

    /// Draws the weight's first values from `initializer`.
    #[must_use]
    pub fn weight_initializer(mut self, initializer: Initializer) -> Self {
        self.weight_initializer = initializer;
        self
    }

    /// Draws the bias's first values from `initializer`.
    #[must_use]
    pub fn bias_initializer(mut self, initializer: Initializer) -> Self {
        self.bias_initializer = initializer;
        self
    }

    /// The layer that [`config`](Layer::config) described.
    ///
    /// # Errors
    /// [`ConfigError`] where the description is of none.
    pub fn from_config(config: &Config) -> Result<Self, ConfigError> {
        config.only(&[
            "filters",
            "kernel",
            "stride",
            "padding",
            "activation",
            "bias",
            "weight_initializer",
            "bias_initializer",
        ])?;
        let mut layer = Self::new(config.integer("filters")?, Extent::read(config, "kernel")?)
            .stride(Extent::read(config, "stride")?)
            .padding(Padding::read(config)?)
            .activation(Activation::from_config(config.config("activation")?)?)
            .weight_initializer(Initializer::from_config(config.config("weight_initializer")?)?)
            .bias_initializer(Initializer::from_config(config.config("bias_initializer")?)?);
        layer.bias = config.boolean("bias")?;
        Ok(layer)
    }

    /// The convolution from the output's size to the input's, of which this layer is the transpose.
    fn geometry(&self, input: Shape) -> Result<Geometry, ShapeError> {
        let [height, width, channels] = input.as_image()?;
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
}

impl<T: Scalar> Layer<T> for Conv2DTranspose {
    fn kind(&self) -> &'static str {
        "conv2d_transpose"
    }

    fn config(&self) -> Config {
        Config::new()
            .with("filters", self.filters)
            .with("kernel", self.window.size)
            .with("stride", self.window.stride)
            .with("padding", self.window.padding)
            .with("activation", self.activation.config())
            .with("bias", self.bias)
            .with("weight_initializer", self.weight_initializer.config())
            .with("bias_initializer", self.bias_initializer.config())
    }

    fn plan(&self, input: Shape) -> Result<Plan, ShapeError> {
        ShapeError::unless_positive("filters", self.filters)?;
        let activation = self.activation.checked()?;
        let geometry = self.geometry(input)?;
        let [height, width] = geometry.input;
        let output = Shape::image(height, width, self.filters).checked()?;
        let shape = [geometry.kernel[0], geometry.kernel[1], self.filters, geometry.filters];
        let weights = checked_product("weights of a transposed convolution", &shape)?;
        let (forward, backward) = (kernel::packed_gradient_len::<T>(&geometry), kernel::packed_len::<T>(&geometry));
        let plan = Plan::new(output)
            .parameter(ParameterSpec::new("weight", &shape, self.weight_initializer))
            .prepared(checked_sum("packed weights of a transposed convolution", &[forward, backward])?)
            .scratch(kernel::scratch_len::<T>(&geometry))
            .cache_per_sample(activation.cache(output))
            .work_per_sample(weights.saturating_mul(geometry.output[0] * geometry.output[1]));
        Ok(match self.bias {
            true => plan.parameter(ParameterSpec::new("bias", &[self.filters], self.bias_initializer)),
            false => plan,
        })
    }

    fn activation(&self) -> Activation {
        self.activation
    }

    fn prepare(&self, pass: Prepare<'_, T>) {
        let Ok(geometry) = self.geometry(pass.input_shape) else { return };
        let weight = pass.parameters.of(WEIGHT);
        let (forward, backward) = pass.prepared.split_at_mut(kernel::packed_gradient_len::<T>(&geometry));
        kernel::pack_gradient(&geometry, weight, forward);
        kernel::pack(&geometry, weight, backward);
    }

    fn forward(&self, pass: Forward<'_, T>) {
        let Ok(geometry) = self.geometry(pass.input_shape) else { return };
        let packed = &pass.prepared[..kernel::packed_gradient_len::<T>(&geometry)];
        kernel::input_gradient(&geometry, pass.samples, pass.input, packed, pass.output, pass.scratch);
        if self.bias {
            product::add_to_rows(pass.parameters.of(BIAS), pass.output);
        }
        pass.activation.forward(self.filters, pass.output, pass.cache);
    }

    fn backward(&self, mut pass: Backward<'_, T>) {
        let Ok(geometry) = self.geometry(pass.input_shape) else { return };
        pass.activation.backward(self.filters, pass.output, pass.cache, pass.output_gradient);
        let output_gradient = &*pass.output_gradient;
        if self.bias {
            product::column_sums(output_gradient, self.filters, pass.gradients.of(BIAS));
        }
        let weight_gradient = pass.gradients.of(WEIGHT);
        kernel::weight_gradient(&geometry, pass.samples, output_gradient, pass.input, weight_gradient, pass.scratch);
        if let Some(input_gradient) = pass.input_gradient {
            let packed = &pass.prepared[kernel::packed_gradient_len::<T>(&geometry)..];
            let (samples, scratch) = (pass.samples, pass.scratch);
            kernel::forward(&geometry, samples, output_gradient, packed, None, false, input_gradient, scratch);
        }
    }

    fn mirror(&self, input: Shape, activation: Activation) -> Option<Vec<Arc<dyn Layer<T>>>> {
        let [_, _, channels] = input.as_image().ok()?;
        let back = Conv2D::new(channels, self.window.size)
            .stride(self.window.stride)
            .padding(self.window.padding)
            .activation(activation);
        Some(vec![Arc::new(back)])
    }
}
