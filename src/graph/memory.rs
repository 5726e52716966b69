//! [`Layout`]: the places of a shard's activations and gradients in its memory.

use std::ops::{Range, RangeInclusive};

use super::buffer_plan::BufferPlan;
use super::program::{Input, Part, Program, Value};
use crate::layer::Activation;
use crate::shape::checked_product;
use crate::{InputError, Scalar, ShapeError, invariant};

/// The places of a shard's numbers in its memory, for micro-batches of up to `samples` samples;
/// `0..0` where nothing is needed. Two buffers share elements if they are never needed at the same
/// time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Layout {
    pub input: Range<usize>,
    pub side: Range<usize>,
    pub target: Range<usize>,
    /// For each operation: its output, what it caches, and the gradient with respect to its output.
    pub outputs: Vec<Range<usize>>,
    pub caches: Vec<Range<usize>>,
    pub output_gradients: Vec<Range<usize>>,
    /// For each operation and each of its inputs: the place of a gradient that is added to that of
    /// another reader; `0..0` for the last reader, which writes to the gradient's own place.
    pub added_gradients: Vec<Vec<Range<usize>>>,
    pub input_gradient: Range<usize>,
    pub scratch: Range<usize>,
    pub gradients: Range<usize>,
    /// A copy of a few predictions while the loss overwrites them with its gradient; empty if the
    /// gradient has its own place.
    pub loss_scratch: Range<usize>,
    pub total: usize,
}

/// Samples passed to the loss at a time if the gradient overwrites the predictions.
pub(crate) const LOSS_SAMPLES: usize = 4;

/// What is done in a memory.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LayoutOptions {
    /// A loss follows the forward pass.
    pub loss: bool,
    /// A backward pass follows the loss.
    pub backward: bool,
    /// Targets have their own place.
    pub target: bool,
    /// The gradient with respect to the network's input is computed.
    pub input_gradient: bool,
    /// The backward pass may be made again: it overwrites nothing that the forward pass has
    /// written.
    pub repeatable: bool,
    /// The activation that the loss applies, if predictions need not be kept after it.
    pub fused_activation: Option<Activation>,
}

impl LayoutOptions {
    /// For training passes.
    pub fn training() -> Self {
        Self { loss: true, backward: true, ..Self::default() }
    }
}

impl Layout {
    /// The places for the passes of `program` that `options` name.
    ///
    /// # Errors
    /// [`ShapeError::TooLarge`].
    pub fn new<T: Scalar>(program: &Program<T>, samples: usize, options: LayoutOptions) -> Result<Self, ShapeError> {
        let times = Times { program, options };
        let mut plan = BufferPlan::default();
        let per_sample = |elements: usize| checked_product("elements of working memory", &[elements, samples]);
        let only = |wanted: bool, elements: usize| if wanted { elements } else { 0 };
        let LayoutOptions { loss, backward, .. } = options;

        let input = plan.add(per_sample(program.input)?, times.value(Value::Input));
        let side = plan.add(per_sample(program.side_input)?, times.value(Value::Side));
        // If no layer computes anything, predictions are the inputs, and gradients need their own
        // place.
        let idle = loss && program.output() == Value::Input;
        let targets = only(options.target || idle, program.output_shape.elements());
        let target = plan.add(per_sample(targets)?, 0..=times.loss());
        let gradients_of_input = only(options.input_gradient || idle, program.input);
        let input_gradient = plan.add(per_sample(gradients_of_input)?, 0..=times.end());

        let in_place = loss && program.forgets_predictions(options.fused_activation);
        let (mut outputs, mut caches, mut output_gradients) = (Vec::new(), Vec::new(), Vec::new());
        let mut added_gradients = Vec::with_capacity(program.operations.len());
        for (index, operation) in program.operations.iter().enumerate() {
            let (elements, is_last) = (operation.output_shape.elements(), Value::Output(index) == program.output());
            let output = plan.add(per_sample(elements)?, times.value(Value::Output(index)));
            let is_cached = backward || loss && operation.plan.likelihood_terms; // in validation they run as in training
            let cached = only(is_cached, operation.plan.cache_per_sample);
            let gradient = match in_place && is_last {
                true => output,
                false => plan.add(per_sample(only(backward || loss && is_last, elements))?, times.gradient(index)),
            };
            outputs.push(output);
            output_gradients.push(gradient);
            let mut added = Vec::with_capacity(operation.inputs.len());
            for input in &operation.inputs {
                let wanted = backward && !input.reads_last && (input.value != Value::Input || options.input_gradient);
                let elements = per_sample(only(wanted, input.shape.elements()))?;
                added.push(plan.add(elements, times.backward(index)..=times.backward(index)));
            }
            added_gradients.push(added);
            let read = if options.repeatable { times.end() } else { times.backward(index) };
            caches.push(plan.add(per_sample(cached)?, times.forward(index)..=read));
        }
        let scratch = program.operations.iter().map(|operation| operation.plan.scratch).max().unwrap_or(0);
        let scratch = plan.add(scratch, 0..=times.end());
        let gradients = plan.add(only(backward, program.shard_gradients), 0..=times.end());
        let copied = [only(in_place, program.output_shape.elements()), LOSS_SAMPLES];
        let copied = checked_product("elements of working memory", &copied)?;
        let loss_scratch = plan.add(copied, times.loss()..=times.loss());

        let (places, total) = plan.places()?;
        let place = |buffer: usize| invariant::at(&places, buffer, "buffer").clone();
        let all = |buffers: Vec<usize>| buffers.into_iter().map(place).collect();
        Ok(Self {
            input: place(input),
            side: place(side),
            target: place(target),
            outputs: all(outputs),
            caches: all(caches),
            output_gradients: all(output_gradients),
            added_gradients: added_gradients.into_iter().map(all).collect(),
            input_gradient: place(input_gradient),
            scratch: place(scratch),
            gradients: place(gradients),
            loss_scratch: place(loss_scratch),
            total,
        })
    }

    /// The places for inference through `part` alone, whose output is written elsewhere. Its input
    /// has a place if it is `staged`.
    ///
    /// # Errors
    /// [`ShapeError::TooLarge`].
    pub fn of_part<T: Scalar>(
        program: &Program<T>,
        samples: usize,
        part: &Part<'_, T>,
        staged: bool,
    ) -> Result<Self, ShapeError> {
        let times = Times { program, options: LayoutOptions::default() };
        let mut plan = BufferPlan::default();
        let per_sample = |elements: usize| checked_product("elements of working memory", &[elements, samples]);
        let ran = || part.indices.clone().map(|index| program.operation(index)).chain(part.detached);
        let inner =
            part.indices.start..if part.detached.is_some() { part.indices.end } else { part.indices.end.max(1) - 1 };
        let is_kept = |value: Value| match value {
            Value::Output(index) => inner.contains(&index) || staged && value == part.entry,
            Value::Input => staged && value == part.entry,
            Value::Side => ran().any(|operation| operation.plan.side_input > 0),
        };
        let mut place = |value: Value| -> Result<usize, ShapeError> {
            let elements = if is_kept(value) { program.elements(value) } else { 0 };
            Ok(plan.add(per_sample(elements)?, times.value(value)))
        };
        let (input, side) = (place(Value::Input)?, place(Value::Side)?);
        let outputs = program.all().map(|index| place(Value::Output(index))).collect::<Result<Vec<_>, _>>()?;
        let scratch = ran().map(|operation| operation.plan.scratch).max().unwrap_or(0);
        let scratch = plan.add(scratch, 0..=times.end());
        let (places, total) = plan.places()?;
        let place = |buffer: usize| invariant::at(&places, buffer, "buffer").clone();
        Ok(Self {
            input: place(input),
            side: place(side),
            outputs: outputs.into_iter().map(place).collect(),
            caches: vec![0..0; program.operations.len()],
            scratch: place(scratch),
            total,
            ..Self::default()
        })
    }

    /// The place of a value.
    pub fn value(&self, value: Value) -> Range<usize> {
        match value {
            Value::Input => self.input.clone(),
            Value::Side => self.side.clone(),
            Value::Output(operation) => invariant::at(&self.outputs, operation, "output").clone(),
        }
    }

    /// The place of the gradient with respect to a value; `0..0` if it is not computed.
    pub fn gradient(&self, value: Value) -> Range<usize> {
        match value {
            Value::Input => self.input_gradient.clone(),
            Value::Side => 0..0,
            Value::Output(operation) => invariant::at(&self.output_gradients, operation, "gradient").clone(),
        }
    }

    /// Where operation `operation` writes the gradient with respect to `input`, its input `index`;
    /// `0..0` if that gradient is not computed.
    pub fn input_gradient(&self, operation: usize, index: usize, input: &Input) -> Range<usize> {
        match input.reads_last {
            true => self.gradient(input.value),
            false => {
                let added = invariant::at(&self.added_gradients, operation, "gradients");
                invariant::at(added, index, "gradient").clone()
            }
        }
    }

    /// What operation `operation` caches.
    pub fn cache(&self, operation: usize) -> Range<usize> {
        invariant::at(&self.caches, operation, "cache").clone()
    }

    /// The output of operation `operation` in the backward pass: `0..0` if the loss's gradient has
    /// overwritten it.
    pub fn kept_output(&self, operation: usize) -> Range<usize> {
        let value = Value::Output(operation);
        match self.value(value) == self.gradient(value) {
            true => 0..0,
            false => self.value(value),
        }
    }
}

/// When buffers are needed. With n operations, time 0 is the loading of samples, 1 to n are the
/// forward passes, n + 1 is the loss, n + 2 to 2n + 1 are the backward passes, then come deferred
/// gradients.
struct Times<'a, T: Scalar> {
    program: &'a Program<T>,
    options: LayoutOptions,
}

impl<T: Scalar> Times<'_, T> {
    fn forward(&self, operation: usize) -> usize {
        operation + 1
    }

    fn loss(&self) -> usize {
        self.program.operations.len() + 1
    }

    fn backward(&self, operation: usize) -> usize {
        2 * self.program.operations.len() + 1 - operation
    }

    fn end(&self) -> usize {
        2 * self.program.operations.len() + 2
    }

    /// The operations that read `value`.
    fn readers(&self, value: Value) -> impl Iterator<Item = usize> {
        let operations = self.program.operations.iter().enumerate();
        let reads = move |(_, operation): &(usize, &super::Operation<T>)| {
            operation.inputs.iter().any(|input| input.value == value)
                || value == Value::Side && operation.plan.side_input > 0
        };
        operations.filter(reads).map(|(index, _)| index)
    }

    fn is_deferred(&self, operation: usize) -> bool {
        self.options.backward && self.program.operation(operation).deferred.is_some()
    }

    /// From when it is written until it is read for the last time.
    fn value(&self, value: Value) -> RangeInclusive<usize> {
        let written = if let Value::Output(operation) = value { self.forward(operation) } else { 0 };
        if self.options.repeatable {
            return written..=self.end();
        }
        let own = match value {
            Value::Output(operation) if self.options.backward => self.backward(operation),
            _ => written,
        };
        let result = if value == self.program.output() { self.end() } else { 0 };
        let target = if value == Value::Input && self.options.loss { self.loss() } else { 0 };
        let read = self.readers(value).map(|reader| match (self.is_deferred(reader), self.options.backward) {
            (true, _) => self.end(),
            (false, true) => self.backward(reader),
            (false, false) => self.forward(reader),
        });
        written..=read.chain([own, result, target]).max().unwrap_or(written)
    }

    /// The gradient with respect to an operation's output: from its last reader's backward pass, or
    /// the loss, to its own backward pass.
    fn gradient(&self, operation: usize) -> RangeInclusive<usize> {
        let value = Value::Output(operation);
        let written = self.readers(value).max().map_or(self.loss(), |reader| self.backward(reader));
        let written = if value == self.program.output() { self.loss() } else { written };
        written..=if self.is_deferred(operation) { self.end() } else { self.backward(operation) }
    }
}

/// `elements` zeros.
///
/// First checks that the memory can be reserved, then takes zeroed pages, touched only when filled.
pub(crate) fn zeros<T: Scalar>(elements: usize) -> Result<Vec<T>, InputError> {
    Vec::<T>::new().try_reserve_exact(elements).map_err(|_| InputError::OutOfMemory { elements })?;
    Ok(vec![T::zero(); elements])
}
