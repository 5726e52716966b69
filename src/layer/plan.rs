//! [`Plan`]: what a layer needs and gives, known before any number flows.

use super::{Initializer, Regularizer};
use crate::{Shape, ShapeError};

/// What a layer needs and gives, known before any number flows.
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
    /// A layer that gives samples of shape `output` and needs nothing else.
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

    /// Adds numbers that are saved but not trained: running statistics.
    #[must_use]
    pub fn state(mut self, state: StateSpec) -> Self {
        self.state.push(state);
        self
    }

    /// Asks for `elements` that [`prepare`](super::Layer::prepare) fills from the parameters.
    #[must_use]
    pub fn prepared(mut self, elements: usize) -> Self {
        self.prepared = elements;
        self
    }

    /// Asks for `elements` that [`prepare_backward`](super::Layer::prepare_backward) fills from the parameters. A model that is only used has none.
    #[must_use]
    pub fn prepared_backward(mut self, elements: usize) -> Self {
        self.prepared_backward = elements;
        self
    }

    /// Asks for `elements` a sample that `forward` leaves to `backward` beyond input and output. In [inference](super::Mode) there are none.
    #[must_use]
    pub fn cache_per_sample(mut self, elements: usize) -> Self {
        self.cache_per_sample = elements;
        self
    }

    /// Asks for `elements` that a pass may use as it likes; what they hold is unspecified.
    #[must_use]
    pub fn scratch(mut self, elements: usize) -> Self {
        self.scratch = elements;
        self
    }

    /// Asks for a second input of `features` numbers a sample, a label for instance
    /// ([`Batch::with_side`](crate::Batch::with_side)).
    #[must_use]
    pub fn side_input(mut self, features: usize) -> Self {
        self.side_input = features;
        self
    }

    /// Asks for `count` sums over the whole batch before `forward`, in training.
    #[must_use]
    pub fn forward_statistics(mut self, count: usize) -> Self {
        self.forward_statistics = count;
        self
    }

    /// Asks for `count` sums over the whole batch before `backward`.
    #[must_use]
    pub fn backward_statistics(mut self, count: usize) -> Self {
        self.backward_statistics = count;
        self
    }

    /// Adds a term that the layer adds to the loss, reported under `name`.
    #[must_use]
    pub fn penalty(mut self, name: &'static str) -> Self {
        self.penalties.push(name);
        self
    }

    /// Adds a figure that the layer reports under `name` beside the loss, of which it is no part.
    #[must_use]
    pub fn figure(mut self, name: &'static str) -> Self {
        self.figures.push(name);
        self
    }

    /// The layer's penalties are sums over a whole sample, in nats: they balance nothing but a loss that is such a sum, too
    /// ([`Reduction::SumPerSample`](crate::Reduction::SumPerSample)). Training with another is an error. Penalties and figures are counted over validation data as
    /// well: the layer sees these in [`Mode::Validation`](super::Mode::Validation).
    #[must_use]
    pub fn sums_per_sample(mut self) -> Self {
        self.sums_per_sample = true;
        self
    }

    /// The multiplications of one forward pass over one sample, roughly: decides whether threads are worth waking.
    #[must_use]
    pub fn work_per_sample(mut self, multiplications: usize) -> Self {
        self.work_per_sample = multiplications;
        self
    }

    /// The output is the input's numbers under another shape; neither pass is called.
    #[must_use]
    pub fn passes_through(mut self) -> Self {
        self.passes_through = true;
        self
    }

    /// `backward` does not look at the output where the activation that it is handed is linear; it may then find none. The loss's gradient is
    /// written in its place.
    #[must_use]
    pub fn forgets_output(mut self) -> Self {
        self.forgets_output = true;
        self
    }

    /// The output is the image with each pixel repeated, this many times down and across. A layer behind it may read the image unrepeated
    /// ([`Layer::behind_repetition`](super::Layer::behind_repetition)); the passes are then not called.
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
    /// A parameter called `name` within its layer; the last dimension varies fastest.
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

    /// Adds a penalty on the parameter's size to the loss. Where several layers share a parameter, each that asks for a penalty adds its own.
    #[must_use]
    pub fn regularizer(mut self, regularizer: impl Into<Option<Regularizer>>) -> Self {
        self.regularizer = regularizer.into();
        self
    }

    /// The parameter is an earlier layer's, called `full_name` in the model (`encoder.0.weight`): one set of numbers, one
    /// gradient to which both layers add, one entry in the file. The shapes must be equal.
    #[must_use]
    pub fn shared_with(mut self, full_name: impl Into<String>) -> Self {
        self.shared_with = Some(full_name.into());
        self
    }

    /// The gradient is computed over the whole batch by [`whole_batch_gradient`](super::Layer::whole_batch_gradient), each
    /// thread owning some rows of it, rather than by `backward`. Right for large tensors: no copies of the gradient are kept.
    #[must_use]
    pub fn whole_batch(mut self) -> Self {
        self.whole_batch = true;
        self
    }

    /// `backward` adds the gradient up in another form, of `elements` numbers, from which
    /// [`finish_gradient`](super::Layer::finish_gradient) makes the gradient once a step.
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
    /// `elements` numbers called `name`, all `initial` at first.
    pub fn new(name: &'static str, elements: usize, initial: f64) -> Self {
        Self { name, elements, initial }
    }
}
