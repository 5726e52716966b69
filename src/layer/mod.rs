//! The [`Layer`] trait, and the layers: each is a shape rule and two passes, and stores no numbers.

mod activation;
mod activity_penalty;
mod avg_pool;
mod batch_norm;
mod conv2d;
mod conv2d_transpose;
mod convolution;
mod crop;
mod dense;
mod dropout;
mod gaussian_latent;
mod gaussian_noise;
mod initializer;
mod kl_warm_up;
mod latent;
mod max_pool;
mod pad;
mod pass;
mod plan;
mod pooling;
mod regularizer;
mod repeated_conv2d;
mod reshape;
mod top_k;
mod up_sample;
mod weights;
mod window;

use std::fmt::Debug;
use std::sync::Arc;

pub use activation::Activation;
pub use activity_penalty::{L1Activity, TargetRate};
pub use avg_pool::AvgPool;
pub use batch_norm::BatchNorm;
pub use conv2d::Conv2D;
pub use conv2d_transpose::Conv2DTranspose;
pub use crop::Crop;
pub use dense::Dense;
pub use dropout::Dropout;
pub use gaussian_latent::GaussianLatent;
pub use gaussian_noise::GaussianNoise;
pub use initializer::Initializer;
pub use kl_warm_up::KlWarmUp;
pub use latent::Latent;
pub(crate) use latent::{deviation, divergence};
pub use max_pool::MaxPool;
pub use pad::Pad;
pub use pass::{
    Backward, BackwardStatistics, FinishGradient, Forward, ForwardStatistics, Gradients, Mode, Parameters, Prepare,
    PrepareBackward, StateUpdate, WholeBatch,
};
pub use plan::{ParameterSpec, Plan, StateSpec};
pub use regularizer::Regularizer;
pub use reshape::{Flatten, Reshape};
pub use top_k::TopK;
pub use up_sample::{Interpolation, UpSample};
pub use window::{Extent, Padding};

pub use crate::kernel::product::Segments;
use crate::{Config, Scalar, Shape, ShapeError};

/// A layer: a shape rule, a forward pass and a backward pass. It stores no numbers.
///
/// The passes receive parameters, state, activations and gradients as slices whose lengths follow from the
/// [`Plan`]. Samples are contiguous: with n elements per sample, sample s is `slice[s * n..(s + 1) * n]`.
/// A pass sees a *part* of the batch. The parts of one batch are computed on several threads, so a result must depend only on
/// what the pass holds.
///
/// The methods from [`activation`](Self::activation) on have default implementations.
pub trait Layer<T: Scalar>: Debug + Send + Sync {
    /// The name of this kind of layer in errors, summaries and files.
    fn kind(&self) -> &'static str;

    /// The layer's options by name: what a model file needs to rebuild it.
    fn config(&self) -> Config;

    /// The layer's output shape and what it needs, for samples of shape `input`. A network only passes shapes of 1 to
    /// [`MAX_ELEMENTS`](crate::MAX_ELEMENTS) elements.
    ///
    /// # Errors
    /// [`ShapeError`] if it cannot work on such samples.
    fn plan(&self, input: Shape) -> Result<Plan, ShapeError>;

    /// Forward pass: writes every element of `pass.output`. Infallible, since the plan fixed the sizes.
    fn forward(&self, pass: Forward<'_, T>);

    /// Backward pass: adds to the parameters' gradients and, if requested, writes every element of the input's gradient.
    fn backward(&self, pass: Backward<'_, T>);

    /// The activation that the layer applies last. A pass says which to apply: this one, or
    /// [`Activation::Linear`] if the loss absorbs it ([`Loss::link`](crate::Loss::link)).
    fn activation(&self) -> Activation {
        Activation::Linear
    }

    /// Computes from the parameters what the passes reuse, such as packed or transposed weights.
    /// Called before the first pass and whenever the parameters have changed.
    fn prepare(&self, _pass: Prepare<'_, T>) {}

    /// Likewise for what only `backward` needs. Called after [`prepare`](Self::prepare), and only if the model is trained.
    fn prepare_backward(&self, _pass: PrepareBackward<'_, T>) {}

    /// Writes this part's share of the sums over the batch that `forward` needs ([`Plan::forward_statistics`]).
    fn forward_statistics(&self, _pass: ForwardStatistics<'_, T>) {}

    /// Writes this part's share of the sums over the batch that `backward` needs ([`Plan::backward_statistics`]).
    fn backward_statistics(&self, _pass: BackwardStatistics<'_, T>) {}

    /// Updates the state once per training step, from the statistics of the whole batch.
    fn update_state(&self, _pass: StateUpdate<'_, T>) {}

    /// Adds to some rows of a gradient that is computed over the whole batch ([`ParameterSpec::whole_batch`]).
    fn whole_batch_gradient(&self, _pass: WholeBatch<'_, T>) {}

    /// Adds a parameter's gradient, computed from the form in which `backward` collected it ([`ParameterSpec::collected`]).
    fn finish_gradient(&self, _pass: FinishGradient<'_, T>) {}

    /// A layer with the same parameters that maps an image of shape `image` to what this layer gives for that image with each pixel
    /// repeated `times` down and across. `None` if this layer must see the large image.
    fn behind_repetition(&self, _image: Shape, _times: [usize; 2]) -> Option<Arc<dyn Layer<T>>> {
        None
    }

    /// Whether, `epoch` epochs into training, a penalty has yet to reach its full weight for the first time. The patience of
    /// [`EarlyStopping`](crate::EarlyStopping) and [`OnPlateau`](crate::OnPlateau) ignores the epochs that end before it has.
    fn warms_up(&self, _epoch: f64) -> bool {
        false
    }

    /// The layer as a [`Latent`] layer, if it draws its output from a distribution.
    fn latent(&self) -> Option<&dyn Latent<T>> {
        None
    }

    /// The layers that map this layer's output back to its input in a mirrored decoder
    /// ([`AutoencoderBuilder::mirror`](crate::AutoencoderBuilder::mirror)); the last of them applies `activation`.
    /// Empty if nothing needs undoing, `None` if the layer cannot be mirrored.
    fn mirror(&self, _input: Shape, _activation: Activation) -> Option<Vec<Arc<dyn Layer<T>>>> {
        None
    }

    /// As [`mirror`](Self::mirror), but with this layer's weight, transposed; `name` is this layer's name in the model
    /// ([`AutoencoderBuilder::mirror_tied`](crate::AutoencoderBuilder::mirror_tied)). Only called on layers with parameters.
    fn tied_mirror(&self, _name: &str, _input: Shape, _activation: Activation) -> Option<Vec<Arc<dyn Layer<T>>>> {
        None
    }
}
