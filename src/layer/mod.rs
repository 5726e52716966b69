//! The [`Layer`] trait, and the layers: a shape rule and two kernels each, owning no numbers.

mod activation;
mod activity_penalty;
mod avg_pool;
mod batch_norm;
mod conv2d;
mod conv2d_transpose;
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

/// A shape rule and two kernels; it owns no numbers.
///
/// Parameters, state, activations and gradients are handed to the passes as slices whose lengths follow from the
/// [`Plan`]. Samples are contiguous: sample s of a slice with n elements a sample is `slice[s * n..(s + 1) * n]`.
/// A pass sees a *part* of the batch; the parts of one batch are computed on several threads, so a result must depend on
/// nothing but what the pass holds.
///
/// The methods from [`prepare`](Self::prepare) on have defaults for the layers that do not need them.
pub trait Layer<T: Scalar>: Debug + Send + Sync {
    /// The name of this kind of layer in errors, summaries and files.
    fn kind(&self) -> &'static str;

    /// What a file needs to build the layer again.
    fn config(&self) -> Config;

    /// What the layer needs and gives for samples of shape `input`: of at least one element and at most [`MAX_ELEMENTS`](crate::MAX_ELEMENTS), a network
    /// asks for no other.
    ///
    /// # Errors
    /// [`ShapeError`] if it cannot work on such samples.
    fn plan(&self, input: Shape) -> Result<Plan, ShapeError>;

    /// Writes every element of `pass.output`. Infallible: the plan proved the sizes.
    fn forward(&self, pass: Forward<'_, T>);

    /// Adds to the parameters' gradients, and writes every element of the input's gradient where asked for one.
    fn backward(&self, pass: Backward<'_, T>);

    /// The activation that the layer applies last. The passes carry the one to apply: this one, or
    /// [`Activation::Linear`] where the loss takes it over ([`Loss::link`](crate::Loss::link)).
    fn activation(&self) -> Activation {
        Activation::Linear
    }

    /// Derives from the parameters what the passes want to find ready (packed or transposed weights).
    /// Called before the first pass, and whenever the parameters have changed.
    fn prepare(&self, _pass: Prepare<'_, T>) {}

    /// Derives besides what `backward` alone wants to find ready. Called after [`prepare`](Self::prepare), of models that are trained.
    fn prepare_backward(&self, _pass: PrepareBackward<'_, T>) {}

    /// Writes this part's sums over samples that `forward` waits for ([`Plan::forward_statistics`]).
    fn forward_statistics(&self, _pass: ForwardStatistics<'_, T>) {}

    /// Writes this part's sums over samples that `backward` waits for ([`Plan::backward_statistics`]).
    fn backward_statistics(&self, _pass: BackwardStatistics<'_, T>) {}

    /// Updates the state once in each training step, from the statistics of the whole batch.
    fn update_state(&self, _pass: StateUpdate<'_, T>) {}

    /// Adds to some rows of the gradient of a parameter that asked for it ([`ParameterSpec::whole_batch`]).
    fn whole_batch_gradient(&self, _pass: WholeBatch<'_, T>) {}

    /// Adds the gradient of a parameter that is collected in another form ([`ParameterSpec::collected`]).
    fn finish_gradient(&self, _pass: FinishGradient<'_, T>) {}

    /// The layer that gives for an image of shape `image` what this one gives for it with each pixel repeated `times` down and across.
    /// It has the same parameters. `None` where this layer has to see the large image.
    fn behind_repetition(&self, _image: Shape, _times: [usize; 2]) -> Option<Arc<dyn Layer<T>>> {
        None
    }

    /// Whether, `epoch` epochs into training, a penalty has yet to reach its full weight for the first time. The patience of
    /// [`EarlyStopping`](crate::EarlyStopping) and [`OnPlateau`](crate::OnPlateau) ignores the epochs that end before it has.
    fn warms_up(&self, _epoch: f64) -> bool {
        false
    }

    /// The layer as one that draws its output from a distribution, if it is one.
    fn latent(&self) -> Option<&dyn Latent<T>> {
        None
    }

    /// The layers that lead back from this layer's output to its input in a mirrored decoder
    /// ([`AutoencoderBuilder::mirror`](crate::AutoencoderBuilder::mirror)), the last of them with `activation`.
    /// `None` where there is no such thing.
    fn mirror(&self, _input: Shape, _activation: Activation) -> Option<Vec<Arc<dyn Layer<T>>>> {
        None
    }

    /// The same with this layer's weight, transposed, where `name` is what this layer is called in the model
    /// ([`AutoencoderBuilder::mirror_tied`](crate::AutoencoderBuilder::mirror_tied)). Asked of layers with parameters only.
    fn tied_mirror(&self, _name: &str, _input: Shape, _activation: Activation) -> Option<Vec<Arc<dyn Layer<T>>>> {
        None
    }
}
