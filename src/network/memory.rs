//! [`Layout`]: the positions of a lane's activations and gradients in its memory.

use std::ops::Range;

use super::{Node, Structure};
use crate::layer::Activation;
use crate::shape::{checked_product, checked_sum};
use crate::{InputError, Scalar, ShapeError};

/// The positions of a lane's numbers in its memory, for parts of up to `samples` samples.
///
/// Ranges that are not needed are `0..0`. A skipped node shares its source's range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    pub input: Range<usize>,
    pub side: Range<usize>,
    pub target: Range<usize>,
    pub outputs: Vec<Range<usize>>,
    pub caches: Vec<Range<usize>>,
    pub output_gradients: Vec<Range<usize>>,
    pub input_gradient: Range<usize>,
    pub scratch: Range<usize>,
    pub gradients: Range<usize>,
    /// A copy of a few predictions while the loss overwrites them with its gradient; empty if the gradient has its own range.
    pub judged: Range<usize>,
    pub total: usize,
}

/// Samples passed to the loss at a time if the gradient overwrites the predictions.
pub(crate) const JUDGED_AT_ONCE: usize = 4;

/// What a training pass keeps.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Keep {
    /// Targets have their own buffer.
    pub target: bool,
    /// The gradient with respect to the network's input is computed.
    pub input_gradient: bool,
    /// The activation that the loss applies, if predictions need not be kept after it.
    pub link: Option<Activation>,
}

impl Layout {
    /// Every output is kept for the backward pass. Gradients with respect to outputs alternate between two buffers, except those that whole-batch gradients read.
    pub fn training<T: Scalar>(structure: &Structure<T>, samples: usize, keep: Keep) -> Result<Self, ShapeError> {
        let mut taker = Taker { samples, end: 0 };
        let mut layout = Self::bare(structure, &mut taker)?;
        // If no layer computes anything, predictions are the inputs; targets and gradients need their own ranges.
        let idle = structure.last_active().is_none();
        layout.target = taker.take(if keep.target || idle { structure.output().elements() } else { 0 })?;
        layout.input_gradient = taker.take(if keep.input_gradient || idle { structure.input.elements() } else { 0 })?;
        let mut turns = Turns::new(structure, &mut taker)?;
        for (index, node) in structure.nodes.iter().enumerate() {
            let elements = node.output.elements();
            let (output, output_gradient) = match (node.is_skipped(), structure.source(index)) {
                (false, _) if node.whole_batch() => (taker.take(elements)?, taker.take(elements)?),
                (false, _) => (taker.take(elements)?, turns.take(samples * elements)),
                (true, Some(source)) => (at(&layout.outputs, source), at(&layout.output_gradients, source)),
                (true, None) => (layout.input.clone(), layout.input_gradient.clone()),
            };
            layout.outputs.push(output);
            layout.output_gradients.push(output_gradient);
            layout.caches.push(taker.take(node.plan.cache_per_sample)?);
        }
        if structure.forgets_predictions(keep.link) {
            layout.judge_in_place(structure, &mut taker)?;
        }
        layout.gradients = taker.take_once(structure.lane_gradients)?;
        layout.total = taker.end;
        Ok(layout)
    }

    /// Lets the last outputs and their gradient share a range.
    fn judge_in_place<T: Scalar>(&mut self, structure: &Structure<T>, taker: &mut Taker) -> Result<(), ShapeError> {
        let last = structure.last_active().unwrap_or(0);
        for (output, gradient) in self.outputs.iter_mut().zip(&self.output_gradients).skip(last) {
            output.clone_from(gradient);
        }
        let elements = checked_product("elements of working memory", &[structure.output().elements(), JUDGED_AT_ONCE])?;
        self.judged = taker.take_once(elements)?;
        Ok(())
    }

    /// For loss and metrics without a backward pass: outputs alternate between two buffers. Metrics use the range of the last output's gradient as scratch.
    pub fn evaluation<T: Scalar>(structure: &Structure<T>, samples: usize, keep: Keep) -> Result<Self, ShapeError> {
        let mut taker = Taker { samples, end: 0 };
        let mut layout = Self::bare(structure, &mut taker)?;
        let (elements, last) = (structure.output().elements(), structure.last_active());
        layout.target = taker.take(if keep.target || last.is_none() { elements } else { 0 })?;
        let scratch = taker.take(elements)?;
        let mut turns = Turns::new(structure, &mut taker)?;
        for (index, node) in structure.nodes.iter().enumerate() {
            let output = match (node.is_skipped(), structure.source(index)) {
                (false, _) => turns.take(samples * node.output.elements()),
                (true, Some(source)) => at(&layout.outputs, source),
                (true, None) => layout.input.clone(),
            };
            layout.outputs.push(output);
            layout.output_gradients.push(if Some(index) >= last { scratch.clone() } else { 0..0 });
            // Of all layers only these run as in training; the others have no cache.
            layout.caches.push(taker.take(if node.plan.sums_per_sample { node.plan.cache_per_sample } else { 0 })?);
        }
        if structure.forgets_predictions(keep.link) {
            layout.judge_in_place(structure, &mut taker)?;
        }
        layout.total = taker.end;
        Ok(layout)
    }

    /// For inference through `nodes`, from inputs of which `staged` elements each are copied first. Outputs alternate between two buffers; nothing is kept, and
    /// the last output is elsewhere.
    pub fn inference<T: Scalar>(
        structure: &Structure<T>,
        samples: usize,
        nodes: &Range<usize>,
        staged: usize,
    ) -> Result<Self, ShapeError> {
        let mut taker = Taker { samples, end: 0 };
        let within = || structure.nodes.iter().filter(|node| nodes.contains(&node.index));
        let [side, scratch] =
            [within().map(|node| node.plan.side_input).max(), within().map(|node| node.plan.scratch).max()];
        let mut layout = Self {
            input: taker.take(staged)?,
            side: taker.take(side.unwrap_or(0))?,
            scratch: taker.take_once(scratch.unwrap_or(0))?,
            ..Self::empty()
        };
        let last = nodes.clone().rev().find(|index| structure.runs(*index, nodes)).unwrap_or(nodes.start);
        let is_inner = |node: &&Node<T>| node.index < last && structure.runs(node.index, nodes);
        let largest = |turn| within().filter(is_inner).skip(turn).step_by(2).map(|node| node.output.elements()).max();
        let mut turns = [taker.take(largest(0).unwrap_or(0))?, taker.take(largest(1).unwrap_or(0))?];
        for (index, node) in structure.nodes.iter().enumerate() {
            let output = match structure.source(index) {
                _ if nodes.contains(&index) && is_inner(&node) => {
                    let [turn, _] = &turns;
                    let output = head(turn, samples * node.output.elements());
                    turns.reverse();
                    output
                }
                Some(source) if node.is_skipped() => at(&layout.outputs, source),
                None if node.is_skipped() => layout.input.clone(),
                _ => 0..0,
            };
            layout.outputs.push(output);
            layout.caches.push(0..0);
        }
        layout.total = taker.end;
        Ok(layout)
    }

    /// The ranges that every lane of a training pass needs.
    fn bare<T: Scalar>(structure: &Structure<T>, taker: &mut Taker) -> Result<Self, ShapeError> {
        let scratch = structure.nodes.iter().map(|node| node.plan.scratch).max().unwrap_or(0);
        Ok(Self {
            input: taker.take(structure.input.elements().max(structure.largest_output()))?,
            side: taker.take(structure.side_input)?,
            scratch: taker.take_once(scratch)?,
            ..Self::empty()
        })
    }

    /// No range at all.
    fn empty() -> Self {
        Self {
            input: 0..0,
            side: 0..0,
            target: 0..0,
            outputs: Vec::new(),
            caches: Vec::new(),
            output_gradients: Vec::new(),
            input_gradient: 0..0,
            scratch: 0..0,
            gradients: 0..0,
            judged: 0..0,
            total: 0,
        }
    }
}

/// The first `count` positions of a range; none of an empty one.
pub(crate) fn head(range: &Range<usize>, count: usize) -> Range<usize> {
    if range.is_empty() || count == 0 { 0..0 } else { range.start..range.start + count }
}

/// The range at `index`, which always exists; else an empty one.
pub(crate) fn at(ranges: &[Range<usize>], index: usize) -> Range<usize> {
    ranges.get(index).cloned().unwrap_or(0..0)
}

/// `elements` zeros.
///
/// First checks that the memory can be reserved, then takes zeroed pages, touched only when filled.
pub(crate) fn zeros<T: Scalar>(elements: usize) -> Result<Vec<T>, InputError> {
    Vec::<T>::new().try_reserve_exact(elements).map_err(|_| InputError::OutOfMemory { elements })?;
    Ok(vec![T::zero(); elements])
}

struct Taker {
    samples: usize,
    end: usize,
}

impl Taker {
    /// Takes `elements` per sample.
    fn take(&mut self, elements: usize) -> Result<Range<usize>, ShapeError> {
        self.take_once(checked_product("elements of working memory", &[elements, self.samples])?)
    }

    /// Takes `elements`, whatever the number of samples. Starts at a multiple of 16, a cache line of `f32`.
    fn take_once(&mut self, elements: usize) -> Result<Range<usize>, ShapeError> {
        const ALIGNMENT: usize = 16;
        if elements == 0 {
            return Ok(0..0);
        }
        let start = self.end;
        let end = checked_sum("elements of working memory", &[start, elements])?;
        self.end = checked_sum("elements of working memory", &[end, (ALIGNMENT - end % ALIGNMENT) % ALIGNMENT])?;
        Ok(start..end)
    }
}

/// Two buffers, each large enough for any layer's output, used alternately.
struct Turns {
    starts: [usize; 2],
}

impl Turns {
    fn new<T: Scalar>(structure: &Structure<T>, taker: &mut Taker) -> Result<Self, ShapeError> {
        let largest = structure.largest_output();
        Ok(Self { starts: [taker.take(largest)?.start, taker.take(largest)?.start] })
    }

    fn take(&mut self, elements: usize) -> Range<usize> {
        self.starts.reverse();
        let [start, _] = self.starts;
        start..start + elements
    }
}
