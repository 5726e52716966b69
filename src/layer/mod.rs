//! The [`Layer`] trait, and the layers: each is a shape rule and two passes, and stores no numbers.

mod activation;
mod activity_penalty;
mod add;
mod batch_norm;
mod border;
mod capabilities;
mod concatenate;
mod context;
mod conv2d;
mod conv2d_transpose;
mod convolution;
mod delegate;
mod dense;
mod dropout;
mod fused;
mod gaussian_latent;
mod gaussian_noise;
mod initializer;
mod kl_annealing;
mod latent;
mod multiply;
mod pass;
mod plan;
mod pool;
mod regularizer;
mod repeated_conv2d;
mod reshape;
mod top_k;
mod up_sample;
mod weights;
mod window;

use std::any::Any;
use std::fmt::Debug;

pub use activation::Activation;
pub use activity_penalty::{L1Activity, TargetRate};
pub use add::Add;
pub use batch_norm::BatchNorm;
pub use border::{Crop, Pad};
pub use capabilities::{BatchStatistics, Mirror, MirrorOutput, Packing};
pub use concatenate::Concatenate;
pub use context::{Context, Gradients, Mode, Parameters};
pub use conv2d::Conv2D;
pub use conv2d_transpose::Conv2DTranspose;
pub use dense::Dense;
pub use dropout::Dropout;
pub(crate) use fused::{
    AccumulatedGradient, DeferredGradient, DeferredRows, deferred_gradient, fused_after_up_sampling, is_add,
    is_batch_norm, is_padding, is_reshape,
};
pub use gaussian_latent::GaussianLatent;
pub use gaussian_noise::GaussianNoise;
pub use initializer::Initializer;
pub use kl_annealing::KlAnnealing;
pub use latent::Latent;
pub(crate) use latent::{deviation, divergence};
pub use multiply::Multiply;
pub use pass::{Backward, BackwardSums, Forward};
pub use plan::{ParameterSpec, Plan, StateSpec};
pub use pool::{AvgPool, MaxPool};
pub use regularizer::Regularizer;
pub use reshape::{Flatten, Reshape};
pub use top_k::TopK;
pub use up_sample::{Interpolation, UpSample};
pub use window::{Extent, Padding};

use crate::{Config, Scalar, Shape, ShapeError};

/// The most values that a layer may join.
pub const MAX_JOINED: usize = 7;

/// A layer: a shape rule, a forward pass and a backward pass. It stores no numbers.
///
/// The passes receive parameters, state, activations and gradients as slices whose lengths follow
/// from the [`Plan`]. Samples are contiguous: with n elements per sample, sample s is
/// `slice[s * n..(s + 1) * n]`. A pass sees a *micro-batch*, a part of the batch. Those of one
/// batch are computed on several threads, so a result must depend only on what the pass holds.
///
/// What a plain layer does not need is behind accessors that return `None` by default.
pub trait Layer<T: Scalar>: Debug + Send + Sync + Any {
    /// The name of this kind of layer in errors, summaries and files.
    fn kind(&self) -> &'static str;

    /// The layer's options by name: what a model file needs to rebuild it.
    fn config(&self) -> Config;

    /// What the layer reads beside its input: the names of earlier layers or blocks, or `input` for
    /// the network's own input; in a [`Block`](crate::Block) first of its own layers, and `input`
    /// for what the block reads. A name means the value after the activation. Asked once, when a
    /// model is built, which then stores the names: they are no part of the configuration. At most
    /// [`MAX_JOINED`]; none by default.
    fn joins(&self) -> &[String] {
        &[]
    }

    /// The layer's output shape and what it needs, for samples of shape `input` and of the shapes
    /// of what it [joins](Self::joins). A network only passes shapes of 1 to
    /// [`MAX_ELEMENTS`](crate::MAX_ELEMENTS) elements.
    ///
    /// # Errors
    /// [`ShapeError`] if it cannot work on such samples.
    fn plan(&self, input: Shape, joined: &[Shape]) -> Result<Plan, ShapeError>;

    /// Forward pass: writes every element of `pass.output`. Infallible, since the plan fixed the
    /// sizes.
    fn forward(&self, context: &Context<'_, T>, pass: Forward<'_, T>);

    /// Backward pass: adds to the parameters' gradients and, if requested, writes every element of
    /// the gradients of the input and of what the layer joins (one each, even of the same value).
    fn backward(&self, context: &Context<'_, T>, pass: Backward<'_, T>);

    /// What the layer computes once from its parameters, such as packed weights.
    fn packing(&self) -> Option<&dyn Packing<T>> {
        None
    }

    /// Sums over the whole batch that the passes need, as in batch normalisation.
    fn batch_statistics(&self) -> Option<&dyn BatchStatistics<T>> {
        None
    }

    /// The distribution that the layer draws its output from.
    fn latent(&self) -> Option<&dyn Latent<T>> {
        None
    }

    /// The layer's counterpart in a mirrored decoder.
    fn mirror(&self) -> Option<&dyn Mirror<T>> {
        None
    }
}

/// `Ok` if something is joined, and everything has the shape `input`.
fn joined_alike(input: Shape, joined: &[Shape]) -> Result<(), ShapeError> {
    if joined.is_empty() {
        return Err(ShapeError::JoinsNothing);
    }
    let expected = "all of them must have the same shape";
    match joined.iter().find(|shape| **shape != input) {
        Some(found) => Err(ShapeError::Joined { input, found: *found, expected }),
        None => Ok(()),
    }
}
