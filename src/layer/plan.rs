//! [`Plan`]: a layer's output shape and what it needs, fixed before any pass.

use super::{Initializer, Regularizer};
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
    pub(crate) prepared: usize,
    pub(crate) prepared_backward: usize,
    pub(crate) cache_per_sample: usize,
    pub(crate) scratch: usize,
    pub(crate) side_input: usize,
    pub(crate) forward_statistics: usize,
    pub(crate) backward_statistics: usize,
    pub(crate) penalties: Vec<&'static str>,
    pub(crate) figures: Vec<&'static str>,
    pub(crate) sums_per_sample: bool,
    pub(crate) work_per_sample: usize,
    pub(crate) passes_through: bool,
    pub(crate) repeats: Option<[usize; 2]>,
    pub(crate) forgets_output: bool,
}

impl Plan {
    /// A layer with outputs of shape `output` that needs nothing else.
    pub fn new(output: Shape) -> Self {
        Self {
            output,
            parameters: Vec::new(),
            state: Vec::new(),
            prepared: 0,
            prepared_backward: 0,
            cache_per_sample: 0,
            scratch: 0,
            side_input: 0,
            forward_statistics: 0,
            backward_statistics: 0,
            penalties: Vec::new(),
            figures: Vec::new(),
            sums_per_sample: false,
            work_per_sample: 0,
            passes_through: false,
            repeats: None,
            forgets_output: false,
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

    /// Requests a buffer of `elements` that [`prepare`](super::Layer::prepare) fills from the parameters.
    #[must_use]
    pub fn prepared(mut self, elements: usize) -> Self {
        self.prepared = elements;
        self
    }

    /// Requests a buffer of `elements` that [`prepare_backward`](super::Layer::prepare_backward) fills from the parameters. It only exists for training.
    #[must_use]
    pub fn prepared_backward(mut self, elements: usize) -> Self {
        self.prepared_backward = elements;
        self
    }

    /// Requests a cache of `elements` per sample for what `backward` needs besides input and output. In [inference](super::Mode) it is empty.
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

    /// Requests `count` sums over the whole batch before `forward`, in training.
    #[must_use]
    pub fn forward_statistics(mut self, count: usize) -> Self {
        self.forward_statistics = count;
        self
    }

    /// Requests `count` sums over the whole batch before `backward`.
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

    /// Declares a figure that the layer reports under `name`; it is not part of the loss.
    #[must_use]
    pub fn figure(mut self, name: &'static str) -> Self {
        self.figures.push(name);
        self
    }

    /// The layer's penalties are likelihood terms, in nats per sample: they are comparable only with a loss summed over the sample
    /// ([`Reduction::SumPerSample`](crate::Reduction::SumPerSample)). Training with another is an error. Penalties and figures are also computed in validation,
    /// which the layer sees as [`Mode::Validation`](super::Mode::Validation).
    #[must_use]
    pub fn sums_per_sample(mut self) -> Self {
        self.sums_per_sample = true;
        self
    }

    /// Roughly how many multiplications a forward pass takes per sample. Decides whether several threads are worthwhile.
    #[must_use]
    pub fn work_per_sample(mut self, multiplications: usize) -> Self {
        self.work_per_sample = multiplications;
        self
    }

    /// The output is the input with another shape; neither pass is called.
    #[must_use]
    pub fn passes_through(mut self) -> Self {
        self.passes_through = true;
        self
    }

    /// `backward` does not read the output if its activation is linear. The output may then be empty: the loss's gradient is written in its
    /// place.
    #[must_use]
    pub fn forgets_output(mut self) -> Self {
        self.forgets_output = true;
        self
    }

    /// The output is the image with each pixel repeated this many times down and across. The next layer may read the small image instead
    /// ([`Layer::behind_repetition`](super::Layer::behind_repetition)); this layer's passes are then not called.
    #[must_use]
    pub fn repeats(mut self, times: [usize; 2]) -> Self {
        self.repeats = Some(times);
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
    pub(crate) whole_batch: bool,
    pub(crate) collected: Option<usize>,
}

impl ParameterSpec {
    /// A parameter named `name` within its layer; the last dimension varies fastest.
    pub fn new(name: &'static str, shape: &[usize], initializer: Initializer) -> Self {
        Self {
            name,
            shape: shape.to_vec(),
            initializer,
            regularizer: None,
            shared_with: None,
            whole_batch: false,
            collected: None,
        }
    }

    /// Adds a penalty on the parameter's size to the loss. If several layers share a parameter, each regularizer adds its own penalty.
    #[must_use]
    pub fn regularizer(mut self, regularizer: impl Into<Option<Regularizer>>) -> Self {
        self.regularizer = regularizer.into();
        self
    }

    /// Shares the earlier layer's parameter named `full_name` in the model (`encoder.0.weight`): it is stored once, and both layers add to its
    /// gradient. The shapes must be equal.
    #[must_use]
    pub fn shared_with(mut self, full_name: impl Into<String>) -> Self {
        self.shared_with = Some(full_name.into());
        self
    }

    /// The gradient is computed over the whole batch by [`whole_batch_gradient`](super::Layer::whole_batch_gradient), not by `backward`; each
    /// thread owns some of its rows. Use it for large tensors: it avoids a copy of the gradient for each part of the batch.
    #[must_use]
    pub fn whole_batch(mut self) -> Self {
        self.whole_batch = true;
        self
    }

    /// `backward` collects the gradient in another form, of `elements` numbers, from which
    /// [`finish_gradient`](super::Layer::finish_gradient) computes the gradient once per step.
    #[must_use]
    pub fn collected(mut self, elements: usize) -> Self {
        self.collected = Some(elements);
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
