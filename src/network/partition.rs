//! [`Partition`]: how a batch is cut, a function of the model and the batch's size alone.

use super::Structure;
use crate::Scalar;

/// The most lanes: with more threads than this, some are idle.
const MAX_LANES: usize = 8;

/// Fewer samples in a lane leave the products' register tiles half empty.
const MIN_LANE_SAMPLES: usize = 8;

/// The most elements that all lanes' gradients may have together: 64 MiB of `f32`.
const MAX_LANE_GRADIENTS: usize = 1 << 24;

/// The most parameters whose gradients over the whole batch are computed in two halves: the second half's take as much memory again.
pub(crate) const MAX_HALVED: usize = 1 << 24;

/// The activations and gradients of a part should stay in a core's own cache (1 to 2 MiB on today's machines).
const PART_BYTES: usize = 1 << 20;

/// Fewer multiplications than this are done before a second thread has woken up.
const MIN_WORK_FOR_THREADS: usize = 500_000;

/// How a batch is cut into lanes of samples that are computed apart, and a lane into parts that are computed one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Partition {
    /// The most lanes.
    pub lanes: usize,
    pub lane_samples: usize,
    pub part_samples: usize,
}

impl Partition {
    /// For training steps with up to `samples` samples. `whole` keeps every activation until the batch is done.
    pub fn training<T: Scalar>(structure: &Structure<T>, samples: usize, whole: bool) -> Self {
        let affordable = (MAX_LANE_GRADIENTS / structure.lane_gradients.max(1)).clamp(1, MAX_LANES);
        let lane_samples = samples.div_ceil(affordable).max(MIN_LANE_SAMPLES);
        let keeps = whole || structure.nodes.iter().any(|node| node.whole_batch() || node.waits());
        let part_samples = if keeps { lane_samples } else { lane_samples.min(samples_in_cache(structure)) };
        Self { lanes: samples.div_ceil(lane_samples).max(1), lane_samples, part_samples }
    }

    /// For inference of up to `samples` samples.
    pub fn inference<T: Scalar>(structure: &Structure<T>, samples: usize) -> Self {
        let lane_samples = samples.div_ceil(MAX_LANES).max(MIN_LANE_SAMPLES);
        let part_samples = lane_samples.min(samples_in_cache(structure)).min(samples.max(1));
        Self { lanes: samples.div_ceil(lane_samples).max(1), lane_samples, part_samples }
    }

    /// For inference of up to `samples` samples by one thread that has others beside it.
    pub fn alone<T: Scalar>(structure: &Structure<T>, samples: usize) -> Self {
        let part_samples = samples.min(samples_in_cache(structure)).max(1);
        Self { lanes: 1, lane_samples: samples.max(1), part_samples }
    }

    /// How many lanes `samples` samples take.
    pub fn lanes_for(&self, samples: usize) -> usize {
        samples.div_ceil(self.lane_samples)
    }

    /// How many of `samples` samples the first half of the lanes has.
    pub fn first_half(&self, samples: usize) -> usize {
        (self.lanes_for(samples).div_ceil(2) * self.lane_samples).min(samples)
    }

    /// The first sample of lane `lane`, and how many it has, out of `samples`.
    pub fn lane(&self, lane: usize, samples: usize) -> (usize, usize) {
        let first = lane * self.lane_samples;
        (first, samples.saturating_sub(first).min(self.lane_samples))
    }

    /// The parts of a lane: first sample within the lane, and how many.
    pub fn parts(self, lane_samples: usize) -> impl Iterator<Item = (usize, usize)> {
        let step = self.part_samples;
        (0..lane_samples).step_by(step).map(move |first| (first, (lane_samples - first).min(step)))
    }
}

/// Whether a second thread gains anything on `samples` samples.
pub(crate) fn worth_threads<T: Scalar>(structure: &Structure<T>, samples: usize) -> bool {
    structure.work_per_sample().saturating_mul(samples) >= MIN_WORK_FOR_THREADS
}

fn samples_in_cache<T: Scalar>(structure: &Structure<T>) -> usize {
    let elements = structure
        .nodes
        .iter()
        .filter(|node| !node.is_skipped())
        .map(|node| node.output.elements())
        .fold(0, usize::saturating_add);
    let bytes = elements.saturating_mul(size_of::<T>()).max(1);
    (PART_BYTES / bytes).clamp(1, 256)
}
