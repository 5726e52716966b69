//! [`Partition`]: how a batch is divided; depends only on the model and the batch size.

use super::Structure;
use crate::Scalar;

/// The most lanes; more threads than this would be idle.
const MAX_LANES: usize = 8;

/// The fewest samples in a lane; fewer would leave the register tiles of products half empty.
const MIN_LANE_SAMPLES: usize = 8;

/// The most elements of all lanes' gradients together: 64 MiB of `f32`.
const MAX_LANE_GRADIENTS: usize = 1 << 24;

/// The most parameters for which whole-batch gradients are computed in two halves: the second half needs another gradient vector.
pub(crate) const MAX_HALVED: usize = 1 << 24;

/// The activations and gradients of a part should stay in a core's L2 cache (1 to 2 MiB on today's machines).
const PART_BYTES: usize = 1 << 20;

/// The fewest multiplications for several threads; fewer are done before a second thread has woken up.
const MIN_WORK_FOR_THREADS: usize = 500_000;

/// How a batch is divided into lanes of samples that run in parallel, and a lane into parts that run one after the other.
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

    /// For loss and metrics of up to `samples` samples without a backward pass: the lanes of training steps of as many samples.
    pub fn evaluation<T: Scalar>(structure: &Structure<T>, samples: usize) -> Self {
        let lanes = Self::training(structure, samples, false);
        Self { part_samples: lanes.lane_samples.min(samples_in_cache(structure)), ..lanes }
    }

    /// For inference of up to `samples` samples.
    pub fn inference<T: Scalar>(structure: &Structure<T>, samples: usize) -> Self {
        let lane_samples = samples.div_ceil(MAX_LANES).max(MIN_LANE_SAMPLES);
        let part_samples = lane_samples.min(samples_in_cache(structure)).min(samples.max(1));
        Self { lanes: samples.div_ceil(lane_samples).max(1), lane_samples, part_samples }
    }

    /// For inference of up to `samples` samples by one of several threads.
    pub fn alone<T: Scalar>(structure: &Structure<T>, samples: usize) -> Self {
        let part_samples = samples.min(samples_in_cache(structure)).max(1);
        Self { lanes: 1, lane_samples: samples.max(1), part_samples }
    }

    /// The number of lanes for `samples` samples.
    pub fn lanes_for(&self, samples: usize) -> usize {
        samples.div_ceil(self.lane_samples)
    }

    /// The number of samples in the first half of the lanes, out of `samples`.
    pub fn first_half(&self, samples: usize) -> usize {
        (self.lanes_for(samples).div_ceil(2) * self.lane_samples).min(samples)
    }

    /// The first sample of lane `lane` and its number of samples, out of `samples`.
    pub fn lane(&self, lane: usize, samples: usize) -> (usize, usize) {
        let first = lane * self.lane_samples;
        (first, samples.saturating_sub(first).min(self.lane_samples))
    }

    /// The parts of a lane: first sample within the lane, and number of samples.
    pub fn parts(self, lane_samples: usize) -> impl Iterator<Item = (usize, usize)> {
        let step = self.part_samples;
        (0..lane_samples).step_by(step).map(move |first| (first, (lane_samples - first).min(step)))
    }
}

/// Whether `samples` samples are enough work for several threads.
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
