//! [`Plan`]: a layer's output shape and what it needs, fixed before any pass.

use super::{Activation, Initializer, Regularizer};
use crate::{Shape, ShapeError};

/// A layer's output shape and what it needs, fixed before any pass.
///
/// ```
/// use autoencoder::{Initializer, ParameterSpec, Plan, Shape};
///
/// let plan = Plan::new(Shape::flat(32))
///     .parameter(ParameterSpec::new("weight", &[784, 32], Initializer::GlorotUniform))
///     .parameter(ParameterSpec::new("bias", &[32], Initializer::Zeros));
/// assert_eq!(plan.output(), Shape::flat(32));
/// ```
#[derive(Debug, Clone)]
pub struct Plan {
    pub(crate) output: Shape,
    pub(crate) parameters: Vec<ParameterSpec>,
    pub(crate) state: Vec<StateSpec>,
    pub(crate) activation: Option<Activation>,
    pub(crate) packed: usize,
    pub(crate) packed_backward: usize,
    pub(crate) cache_per_sample: usize,
    pub(crate) scratch: usize,
    pub(crate) side_input: usize,
    pub(crate) joined: usize,
    pub(crate) forward_statistics: usize,
    pub(crate) backward_statistics: usize,
    pub(crate) penalties: Vec<&'static str>,
    pub(crate) diagnostics: Vec<&'static str>,
    pub(crate) likelihood_terms: bool,
    pub(crate) annealing_epochs: f64,
    pub(crate) work_per_sample: usize,
}

impl Plan {
    /// A layer with outputs of shape `output` that needs nothing else.
    pub fn new(output: Shape) -> Self {
        Self {
            output,
            parameters: Vec::new(),
            state: Vec::new(),
            activation: None,
            packed: 0,
            packed_backward: 0,
            cache_per_sample: 0,
            scratch: 0,
            side_input: 0,
            joined: 0,
            forward_statistics: 0,
            backward_statistics: 0,
            penalties: Vec::new(),
            diagnostics: Vec::new(),
            likelihood_terms: false,
            annealing_epochs: 0.0,
            work_per_sample: 0,
        }
    }

    /// The shape of an output sample.
    pub fn output(&self) -> Shape {
        self.output
    }

    /// Adds a parameter. The passes see the parameters in the order of these calls.
    #[must_use]
    pub fn parameter(mut self, parameter: ParameterSpec) -> Self {
        self.parameters.push(parameter);
        self
    }

    /// Adds a tensor that is saved but not trained, such as running statistics.
    #[must_use]
    pub fn state(mut self, state: StateSpec) -> Self {
        self.state.push(state);
        self
    }

    /// The activation that the layer applies last. A pass says which to apply
    /// ([`Context::activation`](super::Context::activation)): this one, or
    /// [`Activation::Linear`] where the loss applies it. With a linear activation, `backward` must
    /// not read the output: it may be missing.
    #[must_use]
    pub fn activation(mut self, activation: Activation) -> Self {
        self.activation = Some(activation);
        self
    }

    /// Requests a buffer of `elements` that [`Packing::pack`](super::Packing::pack) fills.
    #[must_use]
    pub fn packed(mut self, elements: usize) -> Self {
        self.packed = elements;
        self
    }

    /// Requests a buffer of `elements` that
    /// [`Packing::pack_backward`](super::Packing::pack_backward) fills. It only exists for
    /// training.
    #[must_use]
    pub fn packed_backward(mut self, elements: usize) -> Self {
        self.packed_backward = elements;
        self
    }

    /// Requests a cache of `elements` per sample for what `backward` needs besides input and
    /// output. It is empty where no backward pass follows.
    #[must_use]
    pub fn cache_per_sample(mut self, elements: usize) -> Self {
        self.cache_per_sample = elements;
        self
    }

    /// Requests `elements` of working memory for a pass; its initial contents are unspecified.
    #[must_use]
    pub fn scratch(mut self, elements: usize) -> Self {
        self.scratch = elements;
        self
    }

    /// Requests a second input of `features` per sample, such as a label
    /// ([`Batch::with_side`](crate::Batch::with_side)).
    #[must_use]
    pub fn side_input(mut self, features: usize) -> Self {
        self.side_input = features;
        self
    }

    /// States that the layer takes the `count` values that it joins
    /// ([`Layer::joins`](super::Layer::joins)). A plan that does not is a build error for a layer
    /// that is to join any.
    #[must_use]
    pub fn joined(mut self, count: usize) -> Self {
        self.joined = count;
        self
    }

    /// Requests `count` sums over the whole batch before `forward`, in training:
    /// [`BatchStatistics::forward_sums`](super::BatchStatistics::forward_sums).
    #[must_use]
    pub fn forward_statistics(mut self, count: usize) -> Self {
        self.forward_statistics = count;
        self
    }

    /// Requests `count` sums over the whole batch before `backward`:
    /// [`BatchStatistics::backward_sums`](super::BatchStatistics::backward_sums).
    #[must_use]
    pub fn backward_statistics(mut self, count: usize) -> Self {
        self.backward_statistics = count;
        self
    }

    /// Declares a term that the layer adds to the loss, reported under `name`.
    #[must_use]
    pub fn penalty(mut self, name: &'static str) -> Self {
        self.penalties.push(name);
        self
    }

    /// Declares a diagnostic, a number that the layer reports under `name`; it is not part of the
    /// loss.
    #[must_use]
    pub fn diagnostic(mut self, name: &'static str) -> Self {
        self.diagnostics.push(name);
        self
    }

    /// The layer's penalties are likelihood terms, in nats per sample: they are comparable only
    /// with a loss summed over the sample
    /// ([`Reduction::SumPerSample`](crate::Reduction::SumPerSample)). Training with another is an
    /// error. Penalties and diagnostics are also computed in validation, which the layer sees
    /// as [`Mode::Validation`](super::Mode::Validation).
    #[must_use]
    pub fn likelihood_terms(mut self) -> Self {
        self.likelihood_terms = true;
        self
    }

    /// The layer's penalties reach their full weight for the first time after so many epochs of
    /// training. The patience of [`EarlyStopping`](crate::EarlyStopping) and
    /// [`OnPlateau`](crate::OnPlateau) ignores the epochs that end before. 0 by default.
    #[must_use]
    pub fn annealing_epochs(mut self, epochs: f64) -> Self {
        self.annealing_epochs = epochs;
        self
    }

    /// Roughly how many multiplications a forward pass takes per sample. Decides whether several
    /// threads are worthwhile.
    #[must_use]
    pub fn work_per_sample(mut self, multiplications: usize) -> Self {
        self.work_per_sample = multiplications;
        self
    }
}

/// A trainable tensor of a layer.
#[derive(Debug, Clone)]
pub struct ParameterSpec {
    pub(crate) name: &'static str,
    pub(crate) shape: Vec<usize>,
    pub(crate) initializer: Initializer,
    pub(crate) regularizer: Option<Regularizer>,
    pub(crate) shared_with: Option<String>,
}

impl ParameterSpec {
    /// A parameter named `name` within its layer; the last dimension varies fastest.
    pub fn new(name: &'static str, shape: &[usize], initializer: Initializer) -> Self {
        Self { name, shape: shape.to_vec(), initializer, regularizer: None, shared_with: None }
    }

    /// Adds a penalty on the parameter's size to the loss. If several layers share a parameter,
    /// each regularizer adds its own penalty.
    #[must_use]
    pub fn regularizer(mut self, regularizer: impl Into<Option<Regularizer>>) -> Self {
        self.regularizer = regularizer.into();
        self
    }

    /// Shares the earlier layer's parameter named `full_name` in the model (`encoder.0.weight`): it
    /// is stored once, and both layers add to its gradient. The shapes must be equal.
    #[must_use]
    pub fn shared_with(mut self, full_name: impl Into<String>) -> Self {
        self.shared_with = Some(full_name.into());
        self
    }

    /// The number of elements.
    ///
    /// # Errors
    /// [`ShapeError::TooLarge`].
    pub(crate) fn elements(&self) -> Result<usize, ShapeError> {
        crate::shape::checked_product("elements of a parameter", &self.shape)
    }
}

/// A tensor of a layer that is saved but not trained.
#[derive(Debug, Clone)]
pub struct StateSpec {
    pub(crate) name: &'static str,
    pub(crate) elements: usize,
    pub(crate) initial: f64,
}

impl StateSpec {
    /// A tensor of `elements` named `name`, all initially `initial`.
    pub fn new(name: &'static str, elements: usize, initial: f64) -> Self {
        Self { name, elements, initial }
    }
}
